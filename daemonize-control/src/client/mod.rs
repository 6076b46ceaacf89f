//! Clients of a running daemon.
//!
//! A client finds the daemon through its pidfile, and connects anew for each call, so it keeps working when the daemon is
//! restarted. Before it sends anything, the process that the pidfile names must be alive, and the kernel must report that this
//! process is the listener.
//!
//! Both clients share [`response`], which sends a request and receives the response with hyper. The [asynchronous
//! client](async_client) waits in the caller's tokio runtime, the [blocking client](blocking_client) in a [`poller`].

mod async_client;
mod blocking_client;
mod blocking_connect;
mod connection;
pub(crate) mod error;
mod event_stream;
mod json_limits;
mod poller;
mod reply;
mod request;
mod response;
mod server_sent_events;
mod socket;
mod stop;
mod target;
mod trust;

pub use async_client::{AsyncClient, AsyncEvents};
pub use blocking_client::Client;
pub use blocking_connect::Events;
pub use server_sent_events::Published;
pub(crate) use target::after;
