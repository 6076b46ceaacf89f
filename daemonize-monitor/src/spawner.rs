//! Threads that start programs, so that a start which hangs keeps nobody waiting.
//!
//! The directory or the program of a bot may be on a mount that does not answer, and so may the name service not when its
//! user is looked up. Whoever wants a start waits for a moment only, which is enough wherever nothing hangs; after that he
//! holds a [`Ticket`] of it and hears of its outcome by a bell, while the next start happens in another thread.
//!
//! No thread ends before the engine does: `PR_SET_PDEATHSIG` reaches a child when the *thread* ends that has made it.

use crate::bot::Bot;
use crate::error::cause;
use crate::program::{Ground, Refusal};
use crate::sys::pidfd::PidFd;
use crate::sys::spawn::{self, Newborn, STREAMS, Slots};
use daemonize_core::Pid;
use nix::sys::eventfd::{EfdFlags, EventFd};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// So long a start is waited for. Most take less than a thousandth of a second.
const PATIENCE: Duration = Duration::from_millis(20);

/// So many starts may hang at once; further ones are refused for want of a thread.
const MOST: usize = 16;

/// What the stack of a thread may hold: a name service is somebody else's code.
const STACK: usize = 256 * 1024;

/// Whether there is a process, or why not.
pub(crate) type Outcome = Result<(Pid, PidFd), Refusal>;

/// The threads, and what they start from.
pub(crate) struct Spawners {
    ground: Arc<Ground>,
    bell: Arc<EventFd>,
    threads: Vec<Spawner>,
}

/// One thread.
struct Spawner {
    jobs: Sender<(Start, Ticket)>,
    newborn: Arc<Newborn>,
    is_idle: Arc<AtomicBool>,
}

/// A bot that is to be started.
pub(crate) struct Start {
    pub(crate) bot: Bot,
    /// Where it says that it is ready.
    pub(crate) notify: Option<String>,
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

/// What has become of a start so far.
pub(crate) enum Begun {
    Over(Outcome),
    /// It hangs.
    Hangs(Ticket),
}

/// A start that is going on.
#[derive(Clone)]
pub(crate) struct Ticket(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    is_over: Condvar,
    newborn: Arc<Newborn>,
}

struct State {
    stage: Stage,
    /// Whoever wanted it waits no more, and hears the bell.
    is_left: bool,
}

enum Stage {
    /// There is no process yet.
    Begun,
    /// There may be one.
    Making,
    Over(Outcome),
    /// Nobody wants to know any more.
    Closed,
}

impl Spawners {
    /// With one thread, which is enough unless something hangs.
    ///
    /// # Errors
    /// No descriptor, no memory or no thread is left.
    pub(crate) fn new(ground: Ground) -> io::Result<Spawners> {
        let bell = EventFd::from_value_and_flags(0, EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)?;
        let mut spawners = Spawners { ground: Arc::new(ground), bell: Arc::new(bell), threads: Vec::new() };
        spawners.add()?;
        Ok(spawners)
    }

    /// Readable when a start is over that had been left to itself, until it was answered.
    pub(crate) fn bell(&self) -> &EventFd {
        &self.bell
    }

    /// Starts a bot, in a thread that has nothing else to do.
    pub(crate) fn start(&mut self, start: Start) -> Begun {
        let thread = match self.idle() {
            Ok(thread) => thread,
            Err(error) => return short(&start, &cause(&error)),
        };
        let ticket = Ticket(Arc::new(Shared {
            state: Mutex::new(State { stage: Stage::Begun, is_left: false }),
            is_over: Condvar::new(),
            newborn: Arc::clone(&thread.newborn),
        }));
        thread.is_idle.store(false, SeqCst);
        match thread.jobs.send((start, ticket.clone())) {
            Ok(()) => ticket.wait(),
            Err(unsent) => short(&unsent.0.0, "its thread has ended"),
        }
    }

    /// The first thread that is idle, or one more. The first one's descriptors have the lowest numbers: its children have
    /// the least to copy.
    fn idle(&mut self) -> io::Result<&Spawner> {
        let index = match self.threads.iter().position(|thread| thread.is_idle.load(SeqCst)) {
            Some(index) => index,
            None => {
                self.add()?;
                self.threads.len() - 1
            }
        };
        Ok(&self.threads[index])
    }

    fn add(&mut self) -> io::Result<()> {
        if self.threads.len() >= MOST {
            return Err(io::Error::other(format!("{MOST} other starts hang")));
        }
        let (slots, newborn) = (Slots::new()?, Arc::new(Newborn::new()?));
        let (jobs, inbox) = channel();
        let is_idle = Arc::new(AtomicBool::new(true));
        let worker =
            Worker { ground: self.ground.clone(), bell: self.bell.clone(), slots, is_idle: Arc::clone(&is_idle) };
        thread::Builder::new().name("starts".into()).stack_size(STACK).spawn(move || worker.work(&inbox))?;
        self.threads.push(Spawner { jobs, newborn, is_idle });
        Ok(())
    }
}

/// The machine is short of something that a start needs.
fn short(start: &Start, why: &str) -> Begun {
    let text = format!("failed to start `{}`: {why}", start.bot.name);
    Begun::Over(Err(Refusal { text, errno: nix::libc::EAGAIN, shortage: true }))
}

/// What runs in a thread.
struct Worker {
    ground: Arc<Ground>,
    bell: Arc<EventFd>,
    slots: Slots,
    is_idle: Arc<AtomicBool>,
}

impl Worker {
    fn work(&self, inbox: &Receiver<(Start, Ticket)>) {
        spawn::block_signals();
        while let Ok((start, ticket)) = inbox.recv() {
            // A thread that ends takes its children with it.
            let outcome = catch_unwind(AssertUnwindSafe(|| self.start(&start, &ticket))).unwrap_or_else(|_| {
                let text = format!("failed to start `{}`: a thread has panicked", start.bot.name);
                Err(Refusal { text, errno: nix::libc::EINVAL, shortage: false })
            });
            // The bot's ends of its pipes are closed here before anybody hears that it runs.
            drop(start);
            self.is_idle.store(true, SeqCst);
            ticket.settle(outcome, &self.bell);
        }
    }

    fn start(&self, start: &Start, ticket: &Ticket) -> Outcome {
        let streams = start.streams.borrowed();
        let prepared = self.ground.prepare(&start.bot, start.notify.as_deref(), streams)?;
        if !ticket.is_to_be_made() {
            let text = format!("failed to start `{}`: it was stopped", start.bot.name);
            return Err(Refusal { text, errno: nix::libc::ECANCELED, shortage: false });
        }
        prepared.execute(&self.slots, &ticket.0.newborn)
    }
}

impl Ticket {
    /// Waits for the outcome, for a moment.
    fn wait(self) -> Begun {
        let goes_on = |state: &mut State| !matches!(state.stage, Stage::Over(_));
        let waited = self.0.is_over.wait_timeout_while(self.state(), PATIENCE, goes_on);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        match state.take() {
            Some(outcome) => Begun::Over(outcome),
            None => {
                state.is_left = true;
                drop(state);
                Begun::Hangs(self)
            }
        }
    }

    /// What has become of it, once; `None` while it goes on.
    pub(crate) fn outcome(&self) -> Option<Outcome> {
        self.state().take()
    }

    /// Ends it: true if there is no process and will be none, else its process is killed, and there will be an outcome.
    pub(crate) fn end(&self) -> bool {
        let mut state = self.state();
        match state.stage {
            Stage::Begun => state.stage = Stage::Closed,
            Stage::Making => self.0.newborn.kill(),
            Stage::Over(_) | Stage::Closed => {}
        }
        matches!(state.stage, Stage::Closed)
    }

    /// The process that it makes or has made, if there is one.
    pub(crate) fn pid(&self) -> Option<Pid> {
        match &self.state().stage {
            Stage::Making => self.0.newborn.pid(),
            Stage::Over(Ok((pid, _))) => Some(*pid),
            Stage::Begun | Stage::Over(Err(_)) | Stage::Closed => None,
        }
    }

    /// Whether somebody still wants the process; from now on there may be one.
    fn is_to_be_made(&self) -> bool {
        let mut state = self.state();
        let is_wanted = matches!(state.stage, Stage::Begun);
        if is_wanted {
            // The last one of this thread is nothing to us.
            self.0.newborn.clear();
            state.stage = Stage::Making;
        }
        is_wanted
    }

    fn settle(&self, outcome: Outcome, bell: &EventFd) {
        let mut state = self.state();
        if matches!(state.stage, Stage::Closed) {
            return;
        }
        state.stage = Stage::Over(outcome);
        if state.is_left {
            let _ = bell.write(1);
        }
        drop(state);
        self.0.is_over.notify_one();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The outcome, which is nobody else's then.
    fn take(&mut self) -> Option<Outcome> {
        match std::mem::replace(&mut self.stage, Stage::Closed) {
            Stage::Over(outcome) => Some(outcome),
            other => {
                self.stage = other;
                None
            }
        }
    }
}

impl Streams {
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
