//! Posts events to the webhook, in a thread of its own: a slow or silent server delays nothing.
//!
//! At most [`MAX_QUEUED`] reports wait; further ones are lost, which is warned of with their number. A report is tried
//! [`MAX_TRIES`] times. The address may hold a secret: nothing of it, and no error of the client that could hold it, is logged.

#![cfg_attr(not(feature = "webhook"), allow(dead_code))] // The queue is tested without a client, too.

#[cfg(feature = "webhook")]
mod post;
mod post_result;
#[cfg(feature = "webhook")]
mod tls_failure;
mod undelivered_reports;

pub(crate) use undelivered_reports::UndeliveredReports;

use crate::settings::{Webhook, WebhookEvent};
use crate::sys::signal_mask::Mask;
use post_result::PostResult;
use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::thread;
use std::time::Duration;

/// The most reports that wait.
const MAX_QUEUED: usize = 64;

/// How often a report is tried.
const MAX_TRIES: u32 = 4;

/// The wait after the first try; it doubles.
const FIRST_RETRY: Duration = Duration::from_secs(1);

/// The stack of the thread in bytes.
const STACK_SIZE: usize = 1024 * 1024;

/// A handle of the thread, which ends when the handle is dropped and its reports are done.
pub(crate) struct WebhookSender {
    events: Vec<WebhookEvent>,
    reports: SyncSender<String>,
    /// Dropped to end the waits between tries.
    hurry: Sender<()>,
    /// Disconnected when the thread has ended.
    ended: Receiver<()>,
    undelivered: UndeliveredReports,
    /// How many reports were lost since the last one for which there was room.
    lost: usize,
}

impl WebhookSender {
    /// Starts the thread.
    ///
    /// # Errors
    /// There is no thread left, or this program was built without the feature `webhook`.
    #[cfg(feature = "webhook")]
    pub(crate) fn start(webhook: &Webhook, undelivered: &UndeliveredReports) -> io::Result<WebhookSender> {
        let client = post::Client::new(webhook);
        WebhookSender::with(webhook.events.clone(), undelivered, move |body| client.post(body))
    }

    /// Starts nothing.
    ///
    /// # Errors
    /// This program was built without the feature `webhook`.
    #[cfg(not(feature = "webhook"))]
    pub(crate) fn start(_: &Webhook, _: &UndeliveredReports) -> io::Result<WebhookSender> {
        Err(io::Error::other("this program was built without the feature `webhook`"))
    }

    /// Starts a thread that posts reports by `post`.
    fn with(
        events: Vec<WebhookEvent>,
        undelivered: &UndeliveredReports,
        post: impl Fn(&str) -> PostResult + Send + 'static,
    ) -> io::Result<WebhookSender> {
        let (reports, received) = sync_channel::<String>(MAX_QUEUED);
        let ((hurry, hurried), (end, ended)) = (channel(), channel());
        let counted = undelivered.clone();
        let work = move || {
            Mask::all().set();
            for body in received {
                deliver(&body, &post, &hurried);
                counted.remove();
            }
            drop(end);
        };
        thread::Builder::new().name("webhook".into()).stack_size(STACK_SIZE).spawn(work)?;
        Ok(WebhookSender { events, reports, hurry, ended, undelivered: undelivered.clone(), lost: 0 })
    }

    /// Returns `true` if events of this kind are reported.
    pub(crate) fn reports(&self, event: WebhookEvent) -> bool {
        self.events.contains(&event)
    }

    /// Queues a report.
    pub(crate) fn send(&mut self, body: String) {
        self.undelivered.add();
        if self.reports.try_send(body).is_ok() {
            return self.report_lost();
        }
        self.undelivered.remove();
        self.lost += 1;
        if self.lost == 1 {
            log::warn!("webhook: {MAX_QUEUED} reports wait already: further ones are lost");
        }
    }

    /// Logs how many reports were lost, once.
    fn report_lost(&mut self) {
        match std::mem::take(&mut self.lost) {
            0 => {}
            lost => log::warn!("webhook: reports that were lost, since {MAX_QUEUED} waited already: {lost}"),
        }
    }

    /// Waits until the reports are done, at most `timeout`: each has one more try.
    pub(crate) fn finish(mut self, timeout: Duration) {
        self.report_lost();
        let WebhookSender { reports, hurry, ended, .. } = self;
        drop((reports, hurry));
        let _ = ended.recv_timeout(timeout);
    }
}

/// Posts a report, again after a wait if that may help.
fn deliver(body: &str, post: &impl Fn(&str) -> PostResult, hurried: &Receiver<()>) {
    let mut wait = FIRST_RETRY;
    for attempt in 1.. {
        let result = post(body);
        let cause = match result {
            PostResult::Done => return,
            PostResult::Failed(cause) => cause.to_owned(),
            PostResult::Status(status) => format!("the server answered with status {status}"),
        };
        let is_over = attempt == MAX_TRIES || !result.may_succeed_later();
        if is_over || hurried.recv_timeout(wait) != Err(RecvTimeoutError::Timeout) {
            return log::warn!("webhook: failed to report an event: {cause}");
        }
        wait *= 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};
    use std::time::Instant;

    fn sender(post: impl Fn(&str) -> PostResult + Send + 'static) -> WebhookSender {
        WebhookSender::with(vec![WebhookEvent::GaveUp], &UndeliveredReports::default(), post).unwrap()
    }

    /// Promise 6.73.
    #[test]
    fn finish_waits_for_no_server_longer_than_its_timeout() {
        let mut slow = sender(|_| {
            thread::sleep(Duration::from_secs(60));
            PostResult::Done
        });
        (0..3 * MAX_QUEUED).for_each(|number| slow.send(number.to_string()));
        let undelivered = slow.undelivered.clone();
        // One may have been taken from the queue.
        assert!(
            (MAX_QUEUED..=MAX_QUEUED + 1).contains(&undelivered.count())
                && slow.lost + undelivered.count() == 3 * MAX_QUEUED
        );
        let began = Instant::now();
        slow.finish(Duration::from_millis(50));
        assert!(began.elapsed() < Duration::from_secs(10));
        assert!(undelivered.count() >= MAX_QUEUED, "undelivered reports are counted");
    }

    #[test]
    fn failed_report_is_tried_again_and_a_refused_one_is_not() {
        let tried = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&tried);
        let mut sender = sender(move |body| {
            let mut tried = log.lock().unwrap();
            tried.push(body.to_owned());
            match (body, tried.len()) {
                ("refused", _) => PostResult::Status(404),
                (_, 2) => PostResult::Status(503),
                _ => PostResult::Done,
            }
        });
        for body in ["refused", "late", "last"] {
            sender.send(body.into());
        }
        let WebhookSender { reports, hurry, ended, undelivered, .. } = sender;
        drop(reports);
        assert_eq!(ended.recv_timeout(Duration::from_secs(30)), Err(RecvTimeoutError::Disconnected));
        drop(hurry);
        assert_eq!(undelivered.count(), 0);
        assert_eq!(*tried.lock().unwrap(), ["refused", "late", "late", "last"]);
    }
}
