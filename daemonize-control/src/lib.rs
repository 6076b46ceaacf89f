//! Talk to a running daemon: the control of [`daemonic`](https://docs.rs/daemonic).
//!
//! * An [`Endpoint`] lives in the daemon and answers HTTP over a Unix socket beside the pidfile, to root and to the
//!   daemon's owner; over TCP only when that is asked for, only on this machine, and only with a token.
//! * A [`Client`] or [`AsyncClient`] finds it through the pidfile, and makes sure whom it talks to before it says anything.
//! * An [`Instance`] is a program that runs once at a time: its later launches reach the first one.

#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod access;
mod address;
mod blocking;
mod client;
mod endpoint;
mod events;
mod instance;
mod json;
mod leftovers;
mod place;
mod refusal;
mod routes;
mod server;
mod shadowed_routes;
mod status;
mod token;

pub use access::Peer;
pub use axum;
pub use client::error::{Error, ErrorKind, Result};
pub use client::{AsyncClient, AsyncEvents, Client, Events, Published};
pub use endpoint::Endpoint;
pub use events::{Answer, Event, IntoReply, Publisher};
pub use instance::{Activation, Instance, Launch, Presence, Running};
pub use serde_json;

/// What the fuzzer feeds with bytes from outside.
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod __fuzz;

/// Holds the functions that the attributes print calls to. Not part of the public interface.
#[doc(hidden)]
pub mod __private {
    pub use super::__companion_control_verbs as companion_verbs;
    pub use crate::instance::opening::Opening;
}

/// Expands to the verbs of a companion that talk to the daemon's endpoint. `Self::__daemon()` is its configuration.
#[doc(hidden)]
#[macro_export]
macro_rules! __companion_control_verbs {
    ($visibility:vis fn) => {
        /// Returns a client of the daemon's endpoint.
        $visibility fn client() -> $crate::Client {
            $crate::Client::of(&Self::__daemon())
        }

        /// Sends the daemon's endpoint an event, and returns what its handler replied.
        $visibility fn event(
            name: &str,
            data: impl ::core::convert::Into<$crate::serde_json::Value>,
        ) -> $crate::Result<$crate::serde_json::Value> {
            Self::client().event(name, data)
        }
    };
}
