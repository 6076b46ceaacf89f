//! Whether a bot is ready: by what it says, or by asking.

use super::{Engine, Token};
use crate::bot::Ready;
use crate::notify::Notify;
use crate::process;
use crate::status::State;
use daemonize_core::Pid;
use nix::errno::Errno;
use nix::sys::epoll::EpollFlags;
use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, SockaddrIn, SockaddrIn6, connect, getsockopt, socket, sockopt::SocketError,
};
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, OwnedFd};
use std::time::Duration;

/// How long to wait before it is asked again, at first and at the most: nothing tells of a socket that listens.
const PAUSE: Duration = Duration::from_millis(2);
const LONG_PAUSE: Duration = Duration::from_millis(250);

impl Engine {
    /// Where bots say that they are ready; made when the first one needs it.
    pub(super) fn notify_address(&mut self) -> nix::Result<String> {
        if let Some(notify) = &self.notify {
            return Ok(notify.address().to_owned());
        }
        let notify = Notify::new()?;
        self.watch(&notify, Token::Notify, EpollFlags::EPOLLIN)?;
        let address = notify.address().to_owned();
        self.notify = Some(notify);
        Ok(address)
    }

    /// Bots have said something, see `sd_notify(3)`.
    pub(super) fn take_notifications(&mut self) {
        for _ in 0..64 {
            let Some((sender, is_ready)) = self.notify.as_ref().and_then(Notify::receive) else { return };
            if let Some(index) = self.speaker(sender).filter(|_| is_ready) {
                if self.unit(index).bot.ready == Ready::Notify {
                    self.become_ready(index);
                }
            }
        }
    }

    /// The bot that a process is, or that it descends from.
    fn speaker(&self, pid: Pid) -> Option<usize> {
        let session = || process::Facts::of(pid).and_then(|facts| Pid::from_raw(facts.session));
        self.pids.get(&pid).or_else(|| self.pids.get(&session()?)).copied()
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
            Ready::File(path) => Some(path.exists()),
            Ready::Tcp(address) => self.dial(index, *address),
            _ => return,
        };
        match answer {
            Some(true) => self.become_ready(index),
            Some(false) => self.ask_again(index),
            None => {}
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
