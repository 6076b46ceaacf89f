//! One start per daemon and process: threads and tasks that find no daemon wait for the first of them, and share its failure.

use super::dial::start_of_other_failed;
use crate::settings::OnDemand;
use daemonize_core::{Daemon, Error, ErrorKind};
use daemonize_sys::mutex::{lock, wait_timeout};
use std::path::PathBuf;
use std::process;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Instant;

/// The starts of this process that are under way.
static STARTS: Mutex<Vec<(StartKey, Arc<SharedStart>)>> = Mutex::new(Vec::new());

/// Clients with equal keys would do the same.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct StartKey {
    /// A child that was forked meanwhile does not have the thread of its parent's start.
    process: u32,
    name: String,
    pidfile: Option<PathBuf>,
    settings: String,
}

impl StartKey {
    /// Returns the key of clients with these settings.
    pub(super) fn new<W>(daemon: &Daemon<W>, on_demand: &OnDemand) -> StartKey {
        let of_daemon = daemon.settings();
        StartKey {
            process: process::id(),
            name: of_daemon.name().to_owned(),
            pidfile: of_daemon.pidfile().map(PathBuf::from),
            settings: format!("{on_demand:?}"),
        }
    }
}

/// A start, or a wait for one, by one thread of this process.
#[derive(Debug, Default)]
pub(super) struct SharedStart {
    end: Mutex<Option<StartEnd>>,
    ended: Condvar,
    #[cfg(feature = "tokio")]
    notify: tokio::sync::Notify,
}

/// The end of a shared start.
#[derive(Clone, Debug)]
pub(super) enum StartEnd {
    /// Another attempt may succeed.
    TryAgain,
    /// The start has failed with this kind and text.
    Failed(ErrorKind, String),
}

impl StartEnd {
    /// Returns the end that the others share. A passed deadline is that of one client alone.
    pub(super) fn of<T>(result: &Result<T, Error>, has_passed_deadline: bool) -> StartEnd {
        match result {
            Err(error) if !has_passed_deadline => StartEnd::Failed(error.kind(), error.to_string()),
            _ => StartEnd::TryAgain,
        }
    }

    /// Returns the error of a client that has waited.
    pub(super) fn into_result(self, name: &str) -> Result<(), Error> {
        match self {
            StartEnd::TryAgain => Ok(()),
            StartEnd::Failed(kind, why) => Err(start_of_other_failed(name, kind, &why)),
        }
    }
}

/// The part of a client in a shared start.
pub(super) enum StartRole {
    /// It starts the daemon.
    Starter(StartLease),
    /// It waits for this one.
    Waiter(Arc<SharedStart>),
}

/// The right to start the daemon, until it is dropped.
pub(super) struct StartLease {
    start: Arc<SharedStart>,
    end: StartEnd,
}

impl SharedStart {
    /// Joins the start of this daemon, or begins one.
    pub(super) fn join(key: &StartKey) -> StartRole {
        let mut starts = lock(&STARTS);
        if let Some((_, start)) = starts.iter().find(|(other, _)| other == key) {
            return StartRole::Waiter(Arc::clone(start));
        }
        let start = Arc::new(SharedStart::default());
        starts.push((key.clone(), Arc::clone(&start)));
        StartRole::Starter(StartLease { start, end: StartEnd::TryAgain })
    }

    /// Waits for the end; `None` at the deadline.
    pub(super) fn wait(&self, deadline: Instant) -> Option<StartEnd> {
        let mut end = lock(&self.end);
        loop {
            if let Some(end) = &*end {
                return Some(end.clone());
            }
            let left = deadline.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())?;
            end = wait_timeout(&self.ended, end, left);
        }
    }

    /// Waits for the end.
    #[cfg(feature = "tokio")]
    pub(super) async fn wait_async(&self) -> StartEnd {
        loop {
            let notified = self.notify.notified();
            tokio::pin!(notified);
            // Before the look: an end between the two is not lost.
            notified.as_mut().enable();
            if let Some(end) = &*lock(&self.end) {
                return end.clone();
            }
            notified.await;
        }
    }
}

impl StartLease {
    /// Ends the start, and passes this end to all that wait for it.
    pub(super) fn finish(mut self, end: StartEnd) {
        self.end = end;
    }
}

impl Drop for StartLease {
    /// Ends the start. After a panic of the start the others try themselves.
    fn drop(&mut self) {
        lock(&STARTS).retain(|(_, start)| !Arc::ptr_eq(start, &self.start));
        *lock(&self.start.end) = Some(self.end.clone());
        self.start.ended.notify_all();
        #[cfg(feature = "tokio")]
        self.start.notify.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;
    use std::time::Duration;

    fn key(name: &str) -> StartKey {
        StartKey::new(&Daemon::new(name), &OnDemand::new(Duration::from_secs(1)))
    }

    #[test]
    fn failure_is_shared_with_all_that_waited_and_no_later_client() {
        let StartRole::Starter(lease) = SharedStart::join(&key("one")) else { panic!("it is the first") };
        let StartRole::Waiter(start) = SharedStart::join(&key("one")) else { panic!("it is the second") };
        assert!(matches!(SharedStart::join(&key("two")), StartRole::Starter(_)));
        assert!(start.wait(Instant::now()).is_none());
        let waiter = thread::spawn(move || start.wait(Instant::now() + Duration::from_secs(10)));
        lease.finish(StartEnd::Failed(ErrorKind::Body, "failed to start: no table".to_owned()));
        let error = waiter.join().unwrap().unwrap().into_result("one").unwrap_err();
        let text = "failed to connect to `one`: the start by another client has failed: failed to start: no table";
        assert_eq!((error.kind(), error.to_string().as_str()), (ErrorKind::Body, text));
        assert!(matches!(SharedStart::join(&key("one")), StartRole::Starter(_)));
    }

    #[test]
    fn starter_that_panics_or_whose_deadline_passed_lets_the_others_try() {
        let StartRole::Starter(lease) = SharedStart::join(&key("panic")) else { panic!("it is the first") };
        let StartRole::Waiter(start) = SharedStart::join(&key("panic")) else { panic!("it is the second") };
        drop(lease);
        assert!(start.wait(Instant::now()).unwrap().into_result("one").is_ok());
        let late: Result<(), Error> = Err(Error::new(ErrorKind::NotReady, "late"));
        assert!(matches!(StartEnd::of(&late, true), StartEnd::TryAgain));
        assert!(matches!(StartEnd::of(&late, false), StartEnd::Failed(..)));
    }
}
