//! Whether a bot is ready: by what it says, or by asking.

use super::unit::Unit;
use super::{Engine, Token};
use crate::bot::Ready;
use crate::notify::{Message, Notify};
use crate::process::{self, Facts};
use crate::spawner::{Begun, Ticket};
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

/// So many messages to a bot's socket are taken per turn.
const MESSAGES: usize = 64;
/// And so many that turn out not to be the bot's: their senders' environments may be long.
const STRANGERS: usize = 2;

impl Engine {
    /// Where a bot says that it is ready: a socket of its own, made when it needs one.
    pub(super) fn notify_address(&mut self, index: usize) -> nix::Result<String> {
        if let Some(notify) = &self.unit(index).notify {
            return Ok(notify.address().to_owned());
        }
        let is_of_own_user = self.unit(index).bot.user.is_none();
        let in_directory = self.sockets.as_mut().and_then(|directory| directory.bind(is_of_own_user).ok());
        let notify = in_directory.map_or_else(Notify::open_to_all, Ok)?;
        self.watch(&notify, Token::Notify(index, self.units[index].generation), EpollFlags::EPOLLIN)?;
        let address = notify.address().to_owned();
        self.unit_mut(index).notify = Some(notify);
        Ok(address)
    }

    /// Somebody has said something where a bot does, see `sd_notify(3)`.
    pub(super) fn take_notifications(&mut self, index: usize) {
        if self.is_being_made(index) {
            // Who speaks may be a process of which we have not heard yet.
            self.take_starts();
        }
        let mut asked = 0;
        for _ in 0..MESSAGES {
            let message = self.unit(index).notify.as_ref().and_then(Notify::receive);
            let Some(message) = message else { return };
            if !message.is_ready || self.unit(index).bot.ready != Ready::Notify {
                continue;
            }
            if self.may_speak(index, &message) {
                self.become_ready(index);
            } else {
                asked += 1;
            }
            self.remember_ready(index, message.sender);
            if asked == STRANGERS {
                return;
            }
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

    /// Its program runs: begins to ask, where that is how one knows.
    pub(super) fn begin_probe(&mut self, index: usize) {
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
                self.look_at(path)
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

    /// Whether the file is there; `None` when that will be known later. Whoever asks for the same file meanwhile waits with it.
    fn look_at(&mut self, path: PathBuf) -> Option<bool> {
        if self.looking.contains_key(&path) {
            return None;
        }
        match self.spawners.look(path.clone()) {
            Begun::Over(answer) => Some(answer.unwrap_or(false)),
            Begun::Hangs(ticket) => {
                self.looking.insert(path, ticket);
                None
            }
        }
    }

    /// Files are there or are not, about which nothing could be known before.
    pub(super) fn take_looks(&mut self) {
        let over = |(path, ticket): (&PathBuf, &Ticket<bool>)| Some((path.clone(), ticket.outcome()?.unwrap_or(false)));
        let over: Vec<(PathBuf, bool)> = self.looking.iter().filter_map(over).collect();
        for (path, is_there) in over {
            self.looking.remove(&path);
            for index in 0..self.units.len() {
                let waits =
                    |unit: &Unit| unit.probe.is_some() && matches!(&unit.bot.ready, Ready::File(file) if *file == path);
                if self.units[index].value.as_ref().is_some_and(waits) {
                    self.take_answer(index, is_there);
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

    /// Those that depend on it may start.
    pub(super) fn become_ready(&mut self, index: usize) {
        if self.unit(index).state == State::Starting {
            self.end_probe(index);
            self.set_state(index, State::Running, None);
        }
    }
}
