//! Threads that do what may hang, so that nobody waits for it: they start programs, and look whether a file is there.
//!
//! The directory or the program of a bot may be on a mount that does not answer, and so may the name service not when its
//! user is looked up. Whoever wants a start waits for a moment only, which is enough wherever nothing hangs; after that he
//! holds a [`Ticket`] of it and hears of its outcome by a bell, while the next start happens in another thread.
//!
//! No thread that starts programs ends before the engine does: `PR_SET_PDEATHSIG` reaches a child when the *thread* ends that
//! has made it. For the same reason looks happen elsewhere: a thread that hangs for ever does not even end with the monitor.

mod look;
mod ticket;

#[cfg(test)]
mod tests;

pub(crate) use look::FileVersion;
pub(crate) use ticket::{Begun, Ticket};

use crate::bot::Bot;
use crate::error::cause;
use crate::notify;
use crate::program::{Ground, Refusal};
use crate::secret::Secret;
use crate::sys::pidfd::PidFd;
use crate::sys::spawn::{self, Newborn, STREAMS, Slots};
use daemonize_core::Pid;
use nix::sys::eventfd::{EfdFlags, EventFd};
use nix::unistd::{Uid, fchown};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

/// So long a start is waited for; most take less than a thousandth of a second, but not on every machine.
const PATIENCE: Duration = Duration::from_millis(100);

/// The same while something hangs: more may follow.
const LESS: Duration = Duration::from_millis(20);

/// So many starts may hang at once; further ones are refused for want of a thread.
const MOST: usize = 64;

/// So many threads have their slots from the beginning on, with low numbers: their children have little to copy and to close.
const READY: usize = 4;

/// What the stack of a thread may hold: a name service is somebody else's code.
const STACK: usize = 1024 * 1024;

/// What a thread does.
type Job = Box<dyn FnOnce(&Worker) + Send>;

/// A process that was started.
pub(crate) struct Made {
    pub(crate) pid: Pid,
    pub(crate) handle: PidFd,
    /// The user that it became.
    pub(crate) user: u32,
}

/// The threads, and what they start from.
pub(crate) struct Spawners {
    ground: Arc<Ground>,
    bell: Arc<EventFd>,
    threads: Vec<Spawner>,
    /// Of the threads to come.
    slots: Vec<Slots>,
    looks: look::Count,
}

/// One thread.
struct Spawner {
    jobs: Sender<Job>,
    newborn: Arc<Newborn>,
    is_idle: Arc<AtomicBool>,
}

/// A bot that is to be started.
pub(crate) struct Start {
    pub(crate) bot: Arc<Bot>,
    /// By which what it starts is known.
    pub(crate) secret: Secret,
    /// Where it says that it is ready.
    pub(crate) notify: Option<String>,
    /// How long it has to end when it is told to; zero if not at all.
    pub(crate) time_to_end: Duration,
    pub(crate) streams: Streams,
}

/// What the streams of a bot shall be.
pub(crate) struct Streams(pub(crate) [Stream; STREAMS]);

/// What one of them shall be.
pub(crate) enum Stream {
    Null,
    /// A stream of the monitor's.
    Own(BorrowedFd<'static>),
    Pipe(OwnedFd),
    /// The same as the one before.
    Same,
}

impl Spawners {
    /// With one thread, which is enough unless something hangs.
    ///
    /// # Errors
    /// No descriptor, no memory or no thread is left.
    pub(crate) fn new(ground: Ground) -> io::Result<Spawners> {
        let bell = EventFd::from_value_and_flags(0, EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)?;
        let slots = (0..READY).map(|_| Slots::new()).rev().collect::<io::Result<_>>()?;
        let (ground, bell, threads) = (Arc::new(ground), Arc::new(bell), Vec::new());
        let mut spawners = Spawners { ground, bell, threads, slots, looks: look::Count::default() };
        spawners.add()?;
        Ok(spawners)
    }

    /// Readable when something is over that had been left to itself, until it is read.
    pub(crate) fn bell(&self) -> &EventFd {
        &self.bell
    }

    /// Starts a bot.
    pub(crate) fn start(&mut self, start: Start) -> Begun<Made> {
        let is_calm = self.threads.iter().all(|thread| thread.is_idle.load(SeqCst));
        let patience = if is_calm { PATIENCE } else { LESS };
        self.give(patience, move |worker, ticket| worker.start(&start, ticket))
    }

    /// Has something done by a thread that has nothing else to do.
    fn give<T: Send + 'static>(
        &mut self,
        patience: Duration,
        act: impl FnOnce(&Worker, &Ticket<T>) -> Result<T, Refusal> + Send + 'static,
    ) -> Begun<T> {
        let thread = match self.idle() {
            Ok(thread) => thread,
            Err(error) => return Begun::Over(Err(refusal(&cause(&error)))),
        };
        let (ticket, theirs) = Ticket::pair(Some(&thread.newborn));
        thread.is_idle.store(false, SeqCst);
        let job: Job = Box::new(move |worker| {
            // All that the act has, such as the bot's ends of its pipes, is gone before anybody hears that it is over. A
            // thread that ends would take its children with it.
            let outcome = catch_unwind(AssertUnwindSafe(|| act(worker, &theirs)));
            worker.is_idle.store(true, SeqCst);
            theirs.settle(outcome.unwrap_or_else(|_| Err(refusal("a thread has panicked"))), &worker.bell);
        });
        match thread.jobs.send(job) {
            Ok(()) => ticket.wait(patience),
            Err(_) => Begun::Over(Err(refusal("a thread has ended"))),
        }
    }

    /// The first thread that is idle, or one more. The first one's descriptors have the lowest numbers: its children have
    /// the least to copy.
    fn idle(&mut self) -> io::Result<&Spawner> {
        let idle = self.threads.iter().position(|thread| thread.is_idle.load(SeqCst));
        let index = idle.map_or_else(|| self.add(), Ok)?;
        Ok(&self.threads[index])
    }

    /// Its number.
    fn add(&mut self) -> io::Result<usize> {
        if self.threads.len() >= MOST {
            return Err(io::Error::other(format!("{MOST} others hang")));
        }
        let newborn = Arc::new(Newborn::new()?);
        let slots = self.slots.pop().map_or_else(Slots::new, Ok)?;
        let (jobs, inbox) = channel();
        let is_idle = Arc::new(AtomicBool::new(true));
        let worker =
            Worker { ground: self.ground.clone(), bell: self.bell.clone(), slots, is_idle: Arc::clone(&is_idle) };
        thread::Builder::new().name("starts".into()).stack_size(STACK).spawn(move || worker.work(&inbox))?;
        self.threads.push(Spawner { jobs, newborn, is_idle });
        Ok(self.threads.len() - 1)
    }
}

/// Why no thread does it; another time, one may.
fn refusal(why: &str) -> Refusal {
    Refusal { text: format!("failed to start it: {why}"), errno: nix::libc::EAGAIN, shortage: true }
}

/// What runs in a thread.
struct Worker {
    ground: Arc<Ground>,
    bell: Arc<EventFd>,
    slots: Slots,
    is_idle: Arc<AtomicBool>,
}

impl Worker {
    fn work(&self, inbox: &Receiver<Job>) {
        spawn::block_signals();
        while let Ok(job) = inbox.recv() {
            job(self);
        }
    }

    fn start(&self, start: &Start, ticket: &Ticket<Made>) -> Result<Made, Refusal> {
        let streams = start.streams.borrowed();
        let notify = start.notify.as_deref();
        let prepared = self.ground.prepare(&start.bot, &start.secret, notify, start.time_to_end, streams)?;
        if let Some(user) = prepared.new_user() {
            start.streams.give_to(user);
        }
        if let Some(address) = &start.notify {
            notify::hand_over(address, prepared.user())
                .map_err(|error| refusal(&format!("its notify socket: {}", cause(&error))))?;
        }
        if ticket.is_to_be_made() {
            let (pid, handle) = prepared.execute(&self.slots, ticket.newborn())?;
            Ok(Made { pid, handle, user: prepared.user() })
        } else {
            Err(refusal("it was stopped"))
        }
    }
}

impl Streams {
    /// Makes the pipes the bot's own, so that it can open `/dev/stdout` and the like, which means opening the pipe anew. What
    /// it inherits of the monitor's stays whose it was.
    fn give_to(&self, user: Uid) {
        for stream in &self.0 {
            if let Stream::Pipe(pipe) = stream {
                // Without CAP_CHOWN they stay root's, and serve as descriptors all the same.
                let _ = fchown(pipe, Some(user), None);
            }
        }
    }

    fn borrowed(&self) -> [Option<BorrowedFd<'_>>; STREAMS] {
        let fd = |at: usize| match &self.0[at] {
            Stream::Pipe(fd) => Some(fd.as_fd()),
            Stream::Own(fd) => Some(fd.as_fd()),
            Stream::Null | Stream::Same => None,
        };
        let stderr = if matches!(self.0[2], Stream::Same) { fd(1) } else { fd(2) };
        [fd(0), fd(1), stderr, fd(3)]
    }
}
