//! The listening sockets that the monitor holds, by address. A bot's are opened before its first start, and closed when none of the bots
//! that share them is to run.

use super::blocking_lookup::Lookups;
use super::listen_socket::ListenSocket;
use super::unix_socket::SocketOwner;
use crate::bot::{Bot, ListenAddress};
use crate::program::{RunAs, StartError};
use nix::sys::eventfd::EventFd;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

/// How many addresses may be opened at once whose file systems do not answer.
const MAX_HANGING_ADDRESSES: usize = 16;

/// The size of a stack in bytes: the name service may be asked for the name of a user.
const STACK_SIZE: usize = 1024 * 1024;

/// How long a start waits for its sockets before it is pending: nearly always they are there much sooner.
const OPEN_TIMEOUT: Duration = Duration::from_millis(20);

/// See the module.
pub(super) struct ListenSockets {
    held: BTreeMap<Place, Held>,
    opening: Lookups<ListenAddress, Result<(ListenSocket, SocketOwner), StartError>>,
}

/// An address without the mode of its file.
type Place = ListenAddress;

/// A socket, with what its file was given.
struct Held {
    socket: Arc<ListenSocket>,
    address: ListenAddress,
    owner: SocketOwner,
}

impl ListenSockets {
    /// Holds no socket yet.
    pub(super) fn new(wakeup: &Arc<EventFd>) -> ListenSockets {
        let opening = Lookups::new("sockets", MAX_HANGING_ADDRESSES, STACK_SIZE, wakeup);
        ListenSockets { held: BTreeMap::new(), opening }
    }

    /// Returns the sockets of a bot, in the order of its addresses; opens those that are not held.
    ///
    /// An error says which address cannot be listened on, and why.
    pub(super) fn get(&mut self, bot: &Bot, run_as: &RunAs) -> Poll<Result<Vec<Arc<ListenSocket>>, StartError>> {
        let (user, group) = run_as.owner();
        let mut sockets = Vec::with_capacity(bot.listen.len());
        for address in &bot.listen {
            let owner = SocketOwner { user, group };
            if let Some(held) = self.held.get_mut(&place(address)) {
                if let Err(why) = held.adjust(address, owner) {
                    return Poll::Ready(Err(why));
                }
                sockets.push(Arc::clone(&held.socket));
                continue;
            }
            let theirs = address.clone();
            let open = move |_: &EventFd| ListenSocket::open(&theirs, owner).map(|socket| (socket, owner));
            match self.opening.ask(address, OPEN_TIMEOUT, open) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(Ok((socket, owner)))) => sockets.push(self.hold(address, socket, owner)),
                Poll::Ready(Ok(Err(why)) | Err(why)) => return Poll::Ready(Err(why)),
            }
        }
        Poll::Ready(Ok(sockets))
    }

    /// Takes the sockets that were opened since. Returns the addresses that have an answer, with the error of those that have none.
    pub(super) fn take_opened(&mut self) -> Vec<(ListenAddress, Option<StartError>)> {
        let answers = self.opening.take_answers().into_iter();
        let taken = answers.map(|(address, answer)| match answer.and_then(|opened| opened) {
            Ok((socket, owner)) => {
                self.hold(&address, socket, owner);
                (address, None)
            }
            Err(why) => (address, Some(why)),
        });
        taken.collect()
    }

    /// Returns `true` if no socket is held.
    pub(super) fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// Closes the sockets that none of these bots listens on, and removes their files.
    pub(super) fn retain<'a>(&mut self, bots: impl Iterator<Item = &'a Bot>) {
        let wanted: BTreeSet<Place> = bots.flat_map(|bot| &bot.listen).map(place).collect();
        self.held.retain(|place, _| wanted.contains(place));
    }

    fn hold(&mut self, address: &ListenAddress, socket: ListenSocket, owner: SocketOwner) -> Arc<ListenSocket> {
        let socket = Arc::new(socket);
        let held = Held { socket: Arc::clone(&socket), address: address.clone(), owner };
        self.held.insert(place(address), held);
        socket
    }
}

impl Held {
    /// Gives the file another mode or owner, if a reload has changed them.
    fn adjust(&mut self, address: &ListenAddress, owner: SocketOwner) -> Result<(), StartError> {
        if self.address == *address && self.owner == owner {
            return Ok(());
        }
        self.socket.adjust(address, owner)?;
        (self.address, self.owner) = (address.clone(), owner);
        Ok(())
    }
}

fn place(address: &ListenAddress) -> Place {
    match address {
        ListenAddress::Unix { path, .. } => ListenAddress::Unix { path: path.clone(), mode: 0 },
        tcp @ ListenAddress::Tcp(_) => tcp.clone(),
    }
}
