//! Talk to a running daemon: the control of [`daemonic`](https://docs.rs/daemonic).
//!
//! An [`Endpoint`] lives in the daemon and answers HTTP over a Unix socket beside the pidfile, to root and to the
//! daemon's owner.

#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod access;
mod client;
mod endpoint;
mod events;
mod instance;
mod json;
mod place;
mod refusal;
mod routes;
mod server;
mod status;
mod token;

pub use access::Peer;
pub use axum;
pub use endpoint::Endpoint;
pub use events::{Answer, Event, IntoReply, Publisher};
pub use serde_json;
