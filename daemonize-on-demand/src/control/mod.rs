//! The requests of this library over the socket `control`: one line each way, which never counts as activity of the daemon.
//!
//! `docs/on-demand-protocol.md` describes them. A line is a word and pairs `key=value`, whose values are escaped as in a greeting.

mod answer;
mod ask;
mod line;
mod report;
mod request;

pub(crate) use answer::{ControlAnswer, MAX_ANSWER_BYTES};
pub use answer::{DaemonReport, DaemonState};
pub(crate) use ask::ask;
pub use report::report;
pub(crate) use request::{ControlRequest, MAX_REQUEST_BYTES, RetireRequest, RetireTime};

#[cfg(test)]
mod tests;
