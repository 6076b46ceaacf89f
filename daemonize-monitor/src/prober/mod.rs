//! Makes HTTP and TCP probes of bots: one thread with an asynchronous client for all of them, so that no probe blocks the engine,
//! and a thousand need no thread each.
//!
//! Each probe has a deadline, before which a name is looked up, a connection is made, and an answer is read, of which no more
//! than a few kilobytes are kept. Redirects are not followed.

mod http;
mod hyper_io;
mod name_lookups;
mod probe_failure;

pub(crate) use probe_failure::{ProbeFailure, ProbeResult};

use crate::bot::Probe;
use crate::sys::signal_mask::Mask;
use name_lookups::{MAX_LOOKUPS, NameLookups};
use nix::sys::eventfd::{EfdFlags, EventFd};
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// How many probes may be made at once: each takes a descriptor.
const MAX_AT_ONCE: usize = 512;

/// The stack of the thread in bytes.
const STACK_SIZE: usize = 512 * 1024;

/// A probe that is to be made.
#[derive(Debug)]
pub(crate) struct ProbeRequest {
    /// The number by which its answer is known.
    pub(crate) number: u64,
    /// No program, which is not executed here.
    pub(crate) probe: Probe,
    pub(crate) timeout: Duration,
}

/// A handle of the thread, which ends with it.
pub(crate) struct Prober {
    requests: UnboundedSender<ProbeRequest>,
    answers: Receiver<(u64, ProbeResult)>,
    wakeup: Arc<EventFd>,
}

impl Prober {
    /// Starts the thread.
    ///
    /// # Errors
    /// There is no descriptor or no thread left.
    pub(crate) fn start() -> io::Result<Prober> {
        let flags = EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK;
        let wakeup = Arc::new(EventFd::from_value_and_flags(0, flags)?);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .max_blocking_threads(MAX_LOOKUPS)
            .thread_name("lookups")
            .build()?;
        let ((requests, received), (sender, answers)) = (unbounded_channel(), channel());
        let answer = Answers { sender, wakeup: Arc::clone(&wakeup) };
        let work = move || {
            Mask::all().set();
            runtime.block_on(serve(received, answer));
            // A name service may never answer.
            runtime.shutdown_background();
        };
        thread::Builder::new().name("checks".into()).stack_size(STACK_SIZE).spawn(work)?;
        Ok(Prober { requests, answers, wakeup })
    }

    /// Returns what is readable when an answer has come, until it is read.
    pub(crate) fn wakeup(&self) -> &EventFd {
        &self.wakeup
    }

    /// Makes a probe. Returns `false` if the thread has ended, which it does only after a panic.
    pub(crate) fn probe(&self, request: ProbeRequest) -> bool {
        self.requests.send(request).is_ok()
    }

    /// Takes the answers that have come, by the numbers of their probes.
    pub(crate) fn take_answers(&self) -> Vec<(u64, ProbeResult)> {
        let _ = self.wakeup.read();
        self.answers.try_iter().collect()
    }
}

/// The way of answers to the engine.
#[derive(Clone)]
struct Answers {
    sender: Sender<(u64, ProbeResult)>,
    wakeup: Arc<EventFd>,
}

impl Answers {
    fn send(&self, number: u64, result: ProbeResult) {
        // The receiver is gone at the end of the monitor.
        if self.sender.send((number, result)).is_ok() {
            let _ = self.wakeup.write(1);
        }
    }
}

async fn serve(mut requests: UnboundedReceiver<ProbeRequest>, answers: Answers) {
    let (places, lookups) = (Arc::new(Semaphore::new(MAX_AT_ONCE)), NameLookups::default());
    while let Some(request) = requests.recv().await {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let (answers, lookups) = (answers.clone(), lookups.clone());
        tokio::spawn(async move {
            let _place = place;
            let result = probe(&request, &lookups).await;
            answers.send(request.number, result);
        });
    }
}

async fn probe(request: &ProbeRequest, lookups: &NameLookups) -> ProbeResult {
    let made = async {
        match &request.probe {
            Probe::Http(url) => http::get(url, lookups).await,
            Probe::Tcp(address) => {
                TcpStream::connect(address).await.map(drop).map_err(|error| ProbeFailure::of(&error))
            }
            Probe::Exec(_) => Err(ProbeFailure::OfMonitor("a program is not executed here".into())),
        }
    };
    let late = || Err(ProbeFailure::OfBot(format!("did not answer within {:?}", request.timeout)));
    tokio::time::timeout(request.timeout, made).await.unwrap_or_else(|_| late())
}

#[cfg(test)]
mod tests;
