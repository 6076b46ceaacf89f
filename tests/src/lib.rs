//! Inspects processes from outside: descriptors, credentials, exit status.
//!
//! A test creates a [`Lab`], a private directory in which it runs helper programs with deadlines, and reads from
//! [`Process`] what `/proc` reports about any process. Every wait is for an event (a pidfd, the end of a pipe, inotify)
//! and has a deadline; a process in state Z or X counts as dead, regardless of its parent.
//!
//! ```no_run
//! let lab = look::Lab::new("/path/to/helper");
//! lab.run(&["start", "pidfile=d.pid"]).ok();
//! let daemon = lab.daemon("d.pid");
//! assert_ne!(daemon.stat().unwrap().session, daemon.id());
//! ```
#![deny(unsafe_code)]
// These functions are assertions: they are meant to panic, and their results are optional.
#![allow(clippy::missing_panics_doc, clippy::return_self_not_must_use)]

pub mod actions;
mod descriptors;
mod lab;
mod mark;
pub mod message_file;
mod process;
mod programs;
mod run;
pub mod sys;
mod systemd_machine;
mod test_users;
mod wait;

pub use descriptors::Descriptor;
pub use lab::Lab;
pub use mark::in_lab;
pub use process::{Ids, Limit, Process, Stat};
pub use programs::{programs, run_passing};
pub use run::{Outcome, Run, Running};
pub use systemd_machine::{Machine, Traces};
pub use test_users::{UNKNOWN_USER, USER_WITH_HOME};
pub use wait::{Deadline, TimedOut, death, deaths, file, first_death, now, until, until_with_deaths};
