//! The daemon's side: sockets that are bound before the daemon starts, a thread that accepts and greets, and the exit when idle.
//!
//! The launcher binds the sockets with the pidfile locked, so a client that comes while the daemon starts waits in the backlog. The
//! daemon inherits them. When it is ready, its acceptor thread greets each client at once, however slow the body is, and queues it.
//!
//! # Idle exit
//!
//! The acceptor alone decides, so no client is accepted meanwhile: it renames `socket` to `leaving`, after which no client finds it, and
//! looks into the backlog. A client in it cancels the exit, and the socket is renamed back. Else the daemon stops. A client
//! that has looked up the name before the rename and connects after the last accept is reset by the kernel when the listener is closed
//! (`unix(7)`), before it has read a greeting, so it starts again with the next daemon.
//!
//! # Stop
//!
//! A client that waits in the backlog reads `state=leaving` and tries the next daemon. A client in the queue has read `state=ready`, so
//! the body receives it before [`clients`](crate::clients()) ends.

mod acceptor;
mod admission;
mod attachment;
mod control_connection;
mod event_loop;
mod idle_exit;
mod lifecycle;
mod listeners;
mod peer;
mod queue;
mod rate_limit;
mod requests;

pub use peer::Peer;
pub(crate) use queue::{Next, QUEUE, QueuedClient};
