//! Talk to a running daemon: an HTTP endpoint, clients, and programs that run once at a time. This crate is the module
//! `control` of [`daemonic`](https://docs.rs/daemonic).
//!
//! * An [`Endpoint`] runs in the daemon, and serves HTTP on a Unix socket beside the pidfile, to root and to the user of the
//!   daemon. On request it also listens on a loopback TCP port, where it requires a token.
//! * A [`Client`] or [`AsyncClient`] finds the daemon through its pidfile, and verifies the process before it sends anything.
//! * An [`Instance`] is a program that runs once at a time: later launches reach the first process.

#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod access_rules;
mod address;
mod blocking_thread;
mod client;
mod endpoint;
mod events;
mod instance;
mod json;
mod refusal;
mod routes;
mod runtime_dir;
mod server;
mod status;
mod token;

pub use access_rules::Peer;
pub use axum;
pub use client::error::{Error, ErrorKind, Result};
pub use client::{AsyncClient, AsyncEvents, Client, Events, Published};
pub use endpoint::Endpoint;
pub use events::{Event, HandlerOutput, IntoReply, Publisher, default_handler};
pub use instance::{Activation, Instance, Launch, Presence, Running};
pub use serde_json;

/// The entry points of the fuzzer.
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod __fuzz;

/// Items that the expansions of the attributes use. Not part of the public interface.
#[doc(hidden)]
pub mod __private {
    pub use super::__companion_control_verbs as companion_verbs;
    pub use crate::instance::activation::Opening;
}

/// Expands to the methods of a companion that use the daemon's endpoint. `Self::__daemon()` returns its configuration.
#[doc(hidden)]
#[macro_export]
macro_rules! __companion_control_verbs {
    ($visibility:vis fn) => {
        /// Returns a client of the daemon's endpoint.
        $visibility fn client() -> $crate::Client {
            $crate::Client::of(&Self::__daemon())
        }

        /// Sends an event to the daemon's endpoint, and returns the reply of its handler.
        $visibility fn event(
            name: &str,
            data: impl ::core::convert::Into<$crate::serde_json::Value>,
        ) -> $crate::Result<$crate::serde_json::Value> {
            Self::client().event(name, data)
        }
    };
}
