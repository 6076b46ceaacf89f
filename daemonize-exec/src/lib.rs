//! Launch by exec: a daemon that starts in a fresh execution of its program, from any thread of any process.

#![forbid(unsafe_code)] // All of it is in `daemonize-sys`.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod argument;
mod environment;
mod isolation;
mod jobserver;
mod limits;

pub use environment::Environment;
pub use isolation::Isolation;

/// What the attributes expand to. Not part of the public interface.
#[doc(hidden)]
pub mod __private {
    pub use crate::argument::{Argument, ArgumentReader, Arguments, Lend, Parameter, parameter};
}
