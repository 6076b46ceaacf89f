//! Determines whether a bot is ready: by messages to its notify socket, or by probes of an address, a file or a program, retried
//! with growing intervals.

use super::Supervisor;
use crate::bot::{Probe, Ready};
use crate::engine::auxiliary::Purpose;
use crate::engine::bot_state::BotEvent;
use crate::engine::reactor::Timer;
use crate::engine::supervised_bot::SupervisedBot;
use crate::engine::token::Token;
use crate::notify::{Message, Notify};
use crate::prober::{ProbeFailure, ProbeResult};
use crate::process::{self, Facts};
use crate::spawner::FileVersion;
use crate::status::State;
use nix::errno::Errno;
use nix::sys::epoll::EpollFlags;
use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, SockaddrIn, SockaddrIn6, connect, getsockopt, socket, sockopt::SocketError,
};
use std::mem::replace;
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, OwnedFd};
use std::task::Poll;
use std::time::Duration;

/// How long to wait before it is asked again, at first and at the most: nothing tells of a socket that listens.
const FIRST_PROBE_INTERVAL: Duration = Duration::from_millis(2);
const MAX_PROBE_INTERVAL: Duration = Duration::from_millis(250);
/// For programs longer pauses: each takes a process.
const FIRST_EXEC_INTERVAL: Duration = Duration::from_millis(20);
const MAX_EXEC_INTERVAL: Duration = Duration::from_secs(1);

/// How long one request may take; the next one may have an answer.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);

/// How long one look for a file is waited for: it takes less than a ten thousandth of a second, and many may be due at once.
const FILE_PROBE_TIMEOUT: Duration = Duration::from_millis(1);
/// Looks at the file before a start, for as long as the start itself may take.
const FILE_BEFORE_START_TIMEOUT: Duration = Duration::from_millis(100);

/// The most messages to a bot's socket that are handled per turn.
const MAX_MESSAGES: usize = 64;
/// The most of them that turn out not to be the bot's: their senders' environments may be long.
const MAX_FOREIGN_MESSAGES: usize = 2;

impl Supervisor {
    /// Makes the socket on which a bot says that it is ready, for one start: what its last process has said is not heard any more.
    pub(super) fn notify_address(&mut self, index: usize) -> nix::Result<String> {
        if let Some(notify) = self.units[index].notify.take() {
            // Closing does not do that while a child that is being made has a copy.
            self.reactor.unwatch(&notify);
        }
        let is_of_own_user = self.units[index].bot.user.is_none();
        let in_directory = self.probes.sockets.as_mut().and_then(|directory| directory.bind(is_of_own_user).ok());
        let notify = in_directory.map_or_else(Notify::open_to_all, Ok)?;
        self.reactor.watch(&notify, Token::Notify(self.units.key(index)), EpollFlags::EPOLLIN)?;
        let address = notify.address().to_owned();
        self.units[index].notify = Some(notify);
        Ok(address)
    }

    /// Takes messages from the socket on which a bot speaks, see `sd_notify(3)`.
    pub(in crate::engine) fn take_notifications(&mut self, index: usize) {
        // The sender may be a process of which it is not known yet that it executes its program.
        self.take_start(index);
        let mut asked = 0;
        for _ in 0..MAX_MESSAGES {
            let message = self.units[index].notify.as_ref().and_then(Notify::receive);
            let Some(message) = message else { return };
            if !self.concerns(index, &message) {
                continue;
            }
            if self.may_speak(index, &message) {
                self.take_message(index, &message);
            } else {
                asked += 1;
            }
            if asked == MAX_FOREIGN_MESSAGES {
                return;
            }
        }
    }

    /// Returns `true` if a message would change something: only then its sender is examined.
    fn concerns(&self, index: usize, message: &Message) -> bool {
        let unit = &self.units[index];
        let has_deadline = matches!(unit.state(), State::Starting | State::Stopping);
        unit.bot.ready.has_socket()
            && (message.is_ready && unit.state() == State::Starting
                || message.stores && !unit.store_refused
                || message.extension.is_some() && has_deadline)
    }

    fn take_message(&mut self, index: usize, message: &Message) {
        let unit = &mut self.units[index];
        if message.stores && !replace(&mut unit.store_refused, true) {
            log::warn!(
                "bot `{}` wants descriptors to be kept (FDSTORE=1): they are not kept, but closed",
                unit.bot.name
            );
        }
        if let Some(time) = message.extension {
            self.on(index, BotEvent::TimeRequested(time));
        }
        if message.is_ready {
            self.on(index, BotEvent::Ready);
        }
    }

    /// Returns `true` if a message is from the bot or one of its descendants: a member of its session, or a process of
    /// its user or of root that knows its secret. A sender that has exited cannot be examined: then its user is enough,
    /// if no other user can send at all.
    fn may_speak(&mut self, index: usize, message: &Message) -> bool {
        let Some(process) = self.units[index].living_process() else { return false };
        let (pid, user) = (process.pid, process.user);
        let is_of_its_user = message.user == 0 || message.user == user;
        match message.sender.and_then(Facts::of) {
            // Also one that has become another user; but its number was not a stranger's when it was sent.
            Some(facts) if facts.pid == pid || facts.session == pid.as_raw() => {
                is_of_its_user || process::user(facts.pid) == Some(message.user)
            }
            // The environment of a stranger is not even read.
            Some(facts) => is_of_its_user && self.children.orphans.owner(facts.pid, &self.units) == Some(index),
            None => is_of_its_user && self.units[index].notify.as_ref().is_some_and(Notify::is_private),
        }
    }

    /// Asks whether the bot is ready, again and again.
    pub(super) fn begin_probe(&mut self, index: usize) {
        self.units[index].probe_failure = None;
        let is_program = matches!(self.units[index].bot.ready, Ready::Exec(_));
        self.ask_after(index, if is_program { FIRST_EXEC_INTERVAL } else { FIRST_PROBE_INTERVAL });
    }

    fn ask_after(&mut self, index: usize, pause: Duration) {
        let at = self.now + pause;
        self.units[index].probe = Some(Box::new((at, pause)));
        self.reactor.set_timer(at, Timer::Bot(self.units.key(index)));
    }

    /// Stops asking whether a bot is ready.
    pub(super) fn end_probe(&mut self, index: usize) {
        if self.units[index].probe.take().is_some() {
            self.cancel_inquiry(index, Purpose::Ready);
            self.units[index].probe_failure = None;
        }
        self.probes.connections.remove(&index);
    }

    /// Asks whether a bot is ready.
    pub(super) fn probe(&mut self, index: usize) {
        self.units[index].probe.as_mut().expect("it is due").0 += MAX_PROBE_INTERVAL;
        let answer = match &self.units[index].bot.ready {
            Ready::File(path) => {
                self.spawner.look_at(path, FILE_PROBE_TIMEOUT).map(|found| self.is_new_file(index, found))
            }
            Ready::Tcp(address) => self.dial(index, *address),
            Ready::Http(url) => return self.probe_ready(index, Probe::Http(url.clone()), REQUEST_TIMEOUT),
            // The end of its start ends it, too.
            Ready::Exec(argv) => {
                let (argv, timeout) = (argv.clone(), self.units[index].bot.ready_timeout);
                return self.probe_ready(index, Probe::Exec(argv), timeout);
            }
            _ => return,
        };
        if let Poll::Ready(is_ready) = answer {
            self.take_answer(index, is_ready);
        }
    }

    fn probe_ready(&mut self, index: usize, probe: Probe, timeout: Duration) {
        if let Err(failure) = self.inquire(index, Purpose::Ready, probe, timeout) {
            self.take_ready_probe(index, Err(failure));
        }
    }

    /// Takes the outcome of a request or a program that tells whether a bot is ready.
    pub(super) fn take_ready_probe(&mut self, index: usize, result: ProbeResult) {
        let unit = &mut self.units[index];
        if unit.probe.is_none() {
            return;
        }
        let failure = match result {
            Ok(()) => None,
            Err(ProbeFailure::OfBot(reason) | ProbeFailure::OfMonitor(reason)) => Some(reason.into_boxed_str()),
        };
        let is_ready = failure.is_none();
        if unit.probe_failure != failure {
            unit.probe_failure = failure;
            self.unsettled.changed.push(index);
        }
        self.take_answer(index, is_ready);
    }

    fn take_answer(&mut self, index: usize, is_ready: bool) {
        if is_ready {
            self.on(index, BotEvent::Ready);
        } else {
            self.ask_again(index);
        }
    }

    /// Remembers the file by which a bot says that it is ready, as it is before the start: an earlier run may have left it. It is
    /// not removed, since any user who can write to its directory could have another one removed by that. Where the file system does not
    /// answer, any file counts.
    pub(super) fn remember_file(&mut self, index: usize) {
        let found = match &self.units[index].bot.ready {
            Ready::File(path) => self.spawner.look_at(path, FILE_BEFORE_START_TIMEOUT),
            _ => Poll::Pending,
        };
        self.units[index].old_file = if let Poll::Ready(found) = found { found.map(Box::new) } else { None };
    }

    /// Returns `true` if a file was found that is not the one from before the start.
    fn is_new_file(&self, index: usize, found: Option<FileVersion>) -> bool {
        found.is_some() && found.as_ref() != self.units[index].old_file.as_deref()
    }

    /// Takes the answers to what was asked of threads: look-ups of users, and looks at files.
    pub(in crate::engine) fn take_answers(&mut self) {
        let _ = self.spawner.wakeup().read();
        self.take_accounts();
        self.take_sockets();
        self.take_memory();
        for (path, found) in self.spawner.take_files() {
            let waits = |unit: &SupervisedBot| {
                unit.probe.is_some() && matches!(&unit.bot.ready, Ready::File(file) if *file == path)
            };
            let waiting: Vec<usize> = self.units.all().filter(|index| waits(&self.units[*index])).collect();
            for index in waiting {
                self.take_answer(index, self.is_new_file(index, found));
            }
        }
    }

    fn ask_again(&mut self, index: usize) {
        self.probes.connections.remove(&index);
        if let Some((_, pause)) = self.units[index].probe.as_deref().copied() {
            let is_program = matches!(self.units[index].bot.ready, Ready::Exec(_));
            let most = if is_program { MAX_EXEC_INTERVAL } else { MAX_PROBE_INTERVAL };
            self.ask_after(index, (pause * 2).min(most));
        }
    }

    /// Returns `true` if an address accepts connections.
    fn dial(&mut self, index: usize, address: SocketAddr) -> Poll<bool> {
        let family = if address.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 };
        let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
        let Ok(socket) = socket(family, SockType::Stream, flags, None) else { return Poll::Ready(false) };
        let connected = match address {
            SocketAddr::V4(address) => connect(socket.as_raw_fd(), &SockaddrIn::from(address)),
            SocketAddr::V6(address) => connect(socket.as_raw_fd(), &SockaddrIn6::from(address)),
        };
        match connected {
            Ok(()) => Poll::Ready(true),
            Err(Errno::EINPROGRESS) if self.await_connection(index, socket).is_ok() => Poll::Pending,
            Err(_) => Poll::Ready(false),
        }
    }

    fn await_connection(&mut self, index: usize, socket: OwnedFd) -> nix::Result<()> {
        self.reactor.watch(&socket, Token::Probe(self.units.key(index)), EpollFlags::EPOLLOUT)?;
        self.probes.connections.insert(index, socket);
        Ok(())
    }

    /// Handles the outcome of a connection.
    pub(in crate::engine) fn take_probe(&mut self, index: usize) {
        let Some(socket) = self.probes.connections.remove(&index) else { return };
        match getsockopt(&socket, SocketError) {
            Ok(0) => self.on(index, BotEvent::Ready),
            _ => self.ask_again(index),
        }
    }
}
