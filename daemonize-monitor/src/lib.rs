//! The monitor of [`daemonic`](https://docs.rs/daemonic): keeps many programs alive from one configuration file.
//!
//! ```
//! use daemonize_monitor::{Bot, Log};
//!
//! let bot = Bot::new("web", "/usr/bin/web").argument("--port=80").stdout(Log::new("/var/log/web.log"));
//! assert_eq!(bot.limit.exits, 5);
//! ```
//!
//! [`Bot`] is the type to begin with: what one program is to run as, and what to do when it ends. [`Config`] holds many of
//! them, from files or from a program; [`Plan`] is the difference between two of them. [`decide`] says what follows an exit,
//! and [`Counts`] how often what happened.

#![deny(unsafe_code)] // All of it is in `sys`.

mod bot;
mod config;
mod counts;
mod policy;
mod reload;
mod settings;

pub use bot::{Backoff, Bot, Limit, Log, LogTarget, Ready, Restart, StopStep};
pub use config::{Config, Mistake, Mistakes, Place};
pub use counts::{BuiltIn, Count, Counts, MINUTES};
pub use policy::{Decision, Exit, GivenUp, History, Rules, decide};
pub use reload::{Changed, Plan};
pub use settings::{Control, Facility, Format, Handler, Line, Settings};

/// What the fuzzer feeds with bytes from outside.
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod __fuzz;
