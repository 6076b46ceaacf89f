//! Messages between the launcher, the session leader and the daemon, and between a daemon and the program that it restarts
//! into.
//!
//! A start has two socket pairs: `ready` between daemon and launcher, `control` between session leader and launcher. The
//! sockets are of type `SOCK_SEQPACKET` (`unix(7)`): each message is one packet and arrives whole or not at all. End of file
//! on a pair is a message of its own: it aborts the start.

mod channel;
mod codec;
mod message;

pub(crate) use channel::Channel;
pub(crate) use message::Message;
