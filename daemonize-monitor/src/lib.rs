//! The monitor of [`daemonic`](https://docs.rs/daemonic): keeps many programs alive from one configuration file.
//!
//! ```
//! use daemonize_monitor::{Bot, Log};
//!
//! let bot = Bot::new("web", "/usr/bin/web").argument("--port=80").stdout(Log::new("/var/log/web.log"));
//! assert_eq!(bot.limit.exits, 5);
//! ```
//!
//! [`Bot`] is the type to begin with: what one program is to run as, and what to do when it ends.

#![deny(unsafe_code)] // All of it is in `sys`.

mod bot;
mod page;

pub use bot::{Backoff, Bot, Limit, Log, LogTarget, Ready, Restart, StopStep};
pub use page::PAGE;
