//! A scope of its own: a daemon leaves the cgroup of the login session that happened to start it.
//!
//! `setsid(2)` takes a daemon out of a terminal, but not out of the systemd scope of that terminal or ssh session. It is killed when the
//! scope is stopped: when the window is closed, or at the logout. [`Scope`] asks the service manager for a transient scope of the daemon's
//! own (`systemd.scope(5)`), where that makes it live longer, and says with what it ends where it stays.

#![forbid(unsafe_code)] // All of it is in `daemonize-sys`.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod attachment;
mod cgroup;
mod helper;
mod placement;
mod report;
mod unit;
mod warning;

pub use attachment::Scope;
