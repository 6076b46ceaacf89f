//! Whether a bot is ready: by what it says, or by asking.

use super::unit::Unit;
use super::{Engine, Token};
use crate::bot::Ready;
use crate::notify::{Message, Notify};
use crate::process::{self, Facts};
use crate::spawner::{Begun, FileVersion, Ticket};
use crate::status::State;
use nix::errno::Errno;
use nix::sys::epoll::EpollFlags;
use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, SockaddrIn, SockaddrIn6, connect, getsockopt, socket, sockopt::SocketError,
};
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::PathBuf;
use std::time::Duration;

/// How long to wait before it is asked again, at first and at the most: nothing tells of a socket that listens.
const PAUSE: Duration = Duration::from_millis(2);
const LONG_PAUSE: Duration = Duration::from_millis(250);

/// How long one look for a file is waited for: it takes less than a ten thousandth of a second, and many may be due at once.
const GLANCE: Duration = Duration::from_millis(1);
/// Looks at the file before a start, for as long as the start itself may take.
const LOOK_BEFORE: Duration = Duration::from_millis(100);

/// How long after its begin a start or a stop may last at the most because the bot asks for more time.
const LONGEST_EXTENSION: Duration = Duration::from_secs(3600);

/// So many messages to a bot's socket are taken per turn.
const MESSAGES: usize = 64;
/// And so many that turn out not to be the bot's: their senders' environments may be long.
const STRANGERS: usize = 2;

/// A look whose answer comes later.
struct Pending;

impl Engine {
    /// Makes the socket on which a bot says that it is ready, for one start: what its last process has said is not heard any more.
    pub(super) fn notify_address(&mut self, index: usize) -> nix::Result<String> {
        if let Some(notify) = self.unit_mut(index).notify.take() {
            // Closing does not do that while a child that is being made has a copy.
            let _ = self.epoll.delete(&notify);
        }
        let is_of_own_user = self.unit(index).bot.user.is_none();
        let in_directory = self.sockets.as_mut().and_then(|directory| directory.bind(is_of_own_user).ok());
        let notify = in_directory.map_or_else(Notify::open_to_all, Ok)?;
        self.watch(&notify, Token::Notify(index, self.units[index].generation), EpollFlags::EPOLLIN)?;
        let address = notify.address().to_owned();
        self.unit_mut(index).notify = Some(notify);
        Ok(address)
    }

    /// Takes messages from the socket on which a bot speaks, see `sd_notify(3)`.
    pub(super) fn take_notifications(&mut self, index: usize) {
        if self.is_being_made(index) {
            // Who speaks may be a process of which we have not heard yet.
            self.take_starts();
        }
        let mut asked = 0;
        for _ in 0..MESSAGES {
            let message = self.unit(index).notify.as_ref().and_then(Notify::receive);
            let Some(message) = message else { return };
            if !self.concerns(index, &message) {
                continue;
            }
            if self.may_speak(index, &message) {
                self.take_message(index, &message);
            } else {
                asked += 1;
            }
            if message.is_ready {
                self.remember_ready(index, message.sender);
            }
            if asked == STRANGERS {
                return;
            }
        }
    }

    /// Returns `true` if a message would change something: only then its sender is examined.
    fn concerns(&self, index: usize, message: &Message) -> bool {
        let unit = self.unit(index);
        let has_deadline = matches!(unit.state, State::Starting | State::Stopping);
        unit.bot.ready.has_socket()
            && (message.is_ready && unit.state == State::Starting
                || message.stores && unit.store_refused.is_none()
                || message.extension.is_some() && has_deadline)
    }

    fn take_message(&mut self, index: usize, message: &Message) {
        let now = self.now;
        let unit = self.unit_mut(index);
        if message.stores && unit.store_refused.replace(now).is_none() {
            log::warn!(
                "bot `{}` wants descriptors to be kept (FDSTORE=1): they are not kept, but closed",
                unit.bot.name
            );
        }
        if let Some(time) = message.extension {
            self.extend(index, time);
        }
        if message.is_ready {
            self.become_ready(index);
        }
    }

    /// Gives a bot that is starting or stopping so much time from now on, if that is more than it has (`EXTEND_TIMEOUT_USEC` of
    /// `sd_notify(3)`). No timer is set: the deadline is put off when it comes, however often a bot asks.
    fn extend(&mut self, index: usize, time: Duration) {
        let now = self.now;
        let unit = self.unit_mut(index);
        let may = match unit.state {
            State::Starting => unit.bot.ready == Ready::Notify,
            // After the last step there is nothing to wait for.
            State::Stopping => unit.step < unit.bot.stop.len(),
            _ => false,
        };
        let Some(deadline) = unit.deadline.filter(|_| may) else { return };
        let latest = unit.since + LONGEST_EXTENSION;
        let wanted = now.checked_add(time).map_or(latest, |wanted| wanted.min(latest));
        if wanted > unit.extended.unwrap_or(deadline) {
            unit.extended = Some(wanted);
        }
    }

    /// Returns `true` if a message is from the bot or one of its descendants: a member of its session, or a process of
    /// its user or of root that knows its secret. A sender that has exited cannot be examined: then its user is enough,
    /// if no other user can send at all.
    fn may_speak(&mut self, index: usize, message: &Message) -> bool {
        let Some(process) = self.unit(index).process.as_ref().filter(|process| !process.reaped) else { return false };
        let (pid, user) = (process.pid, process.user);
        let is_of_its_user = message.user == 0 || message.user == user;
        match message.sender.and_then(Facts::of) {
            // Also one that has become another user; but its number was not a stranger's when it was sent.
            Some(facts) if facts.pid == pid || facts.session == pid.as_raw() => {
                is_of_its_user || process::user(facts.pid) == Some(message.user)
            }
            // The environment of a stranger is not even read.
            Some(facts) => is_of_its_user && self.owner(facts.pid) == Some(index),
            None => is_of_its_user && self.unit(index).notify.as_ref().is_some_and(Notify::is_private),
        }
    }

    /// The bot's program runs: waits until it is ready, from the program's beginning on. What has been waited for already, under
    /// another configuration, counts.
    pub(super) fn await_ready(&mut self, index: usize) {
        let now = self.now;
        let unit = self.unit_mut(index);
        let extended = unit.extended.filter(|_| unit.bot.ready == Ready::Notify);
        unit.deadline = None;
        let time = match unit.bot.ready {
            Ready::AtOnce => return self.become_ready(index),
            Ready::After(time) => time,
            Ready::Exit => return,
            Ready::Notify | Ready::Tcp(_) | Ready::File(_) | Ready::Output(_) => unit.bot.ready_timeout,
        };
        let began = unit.process.as_ref().map_or(now, |process| process.began);
        self.due(index, time.saturating_sub(now.saturating_duration_since(began)));
        // A reload does not lose the time that the bot has asked for.
        self.unit_mut(index).extended = extended;
        if matches!(self.unit(index).bot.ready, Ready::Tcp(_) | Ready::File(_)) {
            self.ask_after(index, PAUSE);
        }
    }

    fn ask_after(&mut self, index: usize, pause: Duration) {
        let at = self.now + pause;
        self.unit_mut(index).probe = Some((at, pause));
        self.timers.set(at, (index, self.units[index].generation));
    }

    /// Nobody has to know any more.
    pub(super) fn end_probe(&mut self, index: usize) {
        self.unit_mut(index).probe = None;
        self.probes.remove(&index);
    }

    /// It is time to ask.
    pub(super) fn probe(&mut self, index: usize) {
        self.unit_mut(index).probe.as_mut().expect("it is due").0 += LONG_PAUSE;
        let answer = match &self.unit(index).bot.ready {
            Ready::File(path) => {
                let path = path.clone();
                self.look_at(path, GLANCE).ok().map(|found| self.is_new_file(index, found))
            }
            Ready::Tcp(address) => self.dial(index, *address),
            _ => return,
        };
        if let Some(is_ready) = answer {
            self.take_answer(index, is_ready);
        }
    }

    fn take_answer(&mut self, index: usize, is_ready: bool) {
        if is_ready {
            self.become_ready(index);
        } else {
            self.ask_again(index);
        }
    }

    /// Remembers the file by which a bot says that it is ready, as it is before the start: an earlier run may have left it. It is
    /// not removed, since any user who can write to its directory could have another one removed by that. Where the file system does not
    /// answer, any file counts.
    pub(super) fn remember_file(&mut self, index: usize) {
        let path = match &self.unit(index).bot.ready {
            Ready::File(path) => Some(path.clone()),
            _ => None,
        };
        let found = path.and_then(|path| self.look_at(path, LOOK_BEFORE).ok().flatten());
        self.unit_mut(index).old_file = found;
    }

    /// Returns `true` if a file was found that is not the one from before the start.
    fn is_new_file(&self, index: usize, found: Option<FileVersion>) -> bool {
        found.is_some() && found != self.unit(index).old_file
    }

    /// Looks for a file; returns [`Pending`] if it will be known later whether it is there. Other bots that ask for the same file
    /// meanwhile wait with this one.
    fn look_at(&mut self, path: PathBuf, patience: Duration) -> Result<Option<FileVersion>, Pending> {
        if self.looking.contains_key(&path) {
            return Err(Pending);
        }
        match self.spawners.look(path.clone(), patience) {
            Begun::Over(answer) => Ok(answer.unwrap_or(None)),
            Begun::Hangs(ticket) => {
                self.looking.insert(path, ticket);
                Err(Pending)
            }
        }
    }

    /// Files are there or are not, about which nothing could be known before.
    pub(super) fn take_looks(&mut self) {
        type Look = Option<FileVersion>;
        let over = |(path, ticket): (&PathBuf, &Ticket<Look>)| Some((path.clone(), ticket.outcome()?.unwrap_or(None)));
        let over: Vec<(PathBuf, Look)> = self.looking.iter().filter_map(over).collect();
        for (path, found) in over {
            self.looking.remove(&path);
            for index in 0..self.units.len() {
                let waits =
                    |unit: &Unit| unit.probe.is_some() && matches!(&unit.bot.ready, Ready::File(file) if *file == path);
                if self.units[index].value.as_ref().is_some_and(waits) {
                    self.take_answer(index, self.is_new_file(index, found));
                }
            }
        }
    }

    fn ask_again(&mut self, index: usize) {
        self.probes.remove(&index);
        if let Some((_, pause)) = self.unit(index).probe {
            self.ask_after(index, (pause * 2).min(LONG_PAUSE));
        }
    }

    /// Whether somebody accepts connections there; `None` when that will be known later.
    fn dial(&mut self, index: usize, address: SocketAddr) -> Option<bool> {
        let family = if address.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 };
        let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
        let Ok(socket) = socket(family, SockType::Stream, flags, None) else { return Some(false) };
        let connected = match address {
            SocketAddr::V4(address) => connect(socket.as_raw_fd(), &SockaddrIn::from(address)),
            SocketAddr::V6(address) => connect(socket.as_raw_fd(), &SockaddrIn6::from(address)),
        };
        match connected {
            Ok(()) => Some(true),
            Err(Errno::EINPROGRESS) => self.await_connection(index, socket).err().map(|_| false),
            Err(_) => Some(false),
        }
    }

    fn await_connection(&mut self, index: usize, socket: OwnedFd) -> nix::Result<()> {
        self.watch(&socket, Token::Probe(index, self.units[index].generation), EpollFlags::EPOLLOUT)?;
        self.probes.insert(index, socket);
        Ok(())
    }

    /// A connection was accepted, or was not.
    pub(super) fn take_probe(&mut self, index: usize) {
        let Some(socket) = self.probes.remove(&index) else { return };
        match getsockopt(&socket, SocketError) {
            Ok(0) => self.become_ready(index),
            _ => self.ask_again(index),
        }
    }

    /// Lets the bots that depend on it start, unless its process has just ended.
    pub(super) fn become_ready(&mut self, index: usize) {
        if self.unit(index).state == State::Starting && self.unit(index).is_alive() {
            self.end_probe(index);
            let is_suspended = self.unit(index).process.as_ref().is_some_and(|process| process.suspended);
            self.show_running(index, is_suspended);
        }
    }
}
