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
mod refusal;
mod server;
mod status;

pub use axum;
pub use endpoint::Endpoint;
