//! Looks at processes from outside: what a daemon left open, whom it belongs to, how it ended.
//!
//! A test makes a [`Lab`], a private directory in which it runs helper programs with deadlines, and asks [`Process`] what
//! `/proc` says about whatever came out of them. Every wait is a wait for an event (a pidfd, a pipe's end, inotify) and
//! has a deadline; a process in state Z or X is dead, whoever its reaper is.
//!
//! ```no_run
//! let lab = look::Lab::new("/path/to/helper");
//! lab.run(&["start", "pidfile=d.pid"]).ok();
//! let daemon = lab.daemon("d.pid");
//! assert_ne!(daemon.stat().unwrap().session, daemon.id());
//! ```
#![deny(unsafe_code)]
// Assertions: to panic is what they are for, and the value they hand on is for those who want more.
#![allow(clippy::missing_panics_doc, clippy::return_self_not_must_use)]

pub mod actions;
mod descriptors;
mod lab;
pub mod message_file;
mod process;
mod programs;
mod run;
pub mod sys;
mod systemd_machine;
mod test_users;
mod wait;

pub use descriptors::Descriptor;
pub use lab::{Lab, in_lab};
pub use process::{Ids, Limit, Process, Stat};
pub use programs::{programs, run_passing};
pub use run::{Outcome, Run, Running};
pub use systemd_machine::{Machine, Traces};
pub use test_users::{UNKNOWN_USER, USER_WITH_HOME};
pub use wait::{Deadline, TimedOut, death, deaths, file, first_death, now, settled, until};
