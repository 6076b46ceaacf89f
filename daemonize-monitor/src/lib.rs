//! The monitor of [`daemonic`](https://docs.rs/daemonic): supervises programs from one configuration file.
//!
//! ```
//! use daemonize_monitor::{Bot, Log};
//!
//! let bot = Bot::new("web", "/usr/bin/web").argument("--port=80").stdout(Log::new("/var/log/web.log"));
//! assert_eq!(bot.limit.exits, 5);
//! ```
//!
//! Start with [`Bot`]: the specification of one program, and what to do when it exits.
//! [`Monitor`] supervises bots, as a daemon or in the foreground, and [`Commands`] controls a running monitor. [`Config`] holds many of
//! them, from files or from a program; [`ReloadPlan`] is the difference between two of them. [`decide`] says what follows an exit,
//! and [`Counts`] how often what happened.

#![forbid(unsafe_code)] // All of it is in `daemonize-sys`.

mod bot;
mod bot_selector;
mod cancellation;
mod cgroup;
mod command_queue;
mod commands;
mod config;
mod config_reload;
mod console;
mod counts;
mod daemon_setup;
mod duration;
mod engine;
mod error;
mod health;
pub mod json;
mod listener;
mod logger;
mod logs;
mod monitor;
mod notify;
mod page;
mod parallel;
mod prober;
mod process;
mod process_journal;
mod program;
mod registry;
mod reload_plan;
mod restart_check;
mod restart_policy;
mod schedule_record;
mod secret;
mod sessions;
mod settings;
mod size;
mod spawner;
mod status;
mod usage;
mod webhook;

use daemonize_sys as sys;

pub use bot::ListenAddress;
pub use bot::{Backoff, Bot, Check, Hooks, HttpUrl, Limit, Log, LogTarget, Probe, Ready, Restart, StopStep};
pub use bot::{CgroupLimits, Resource, ResourceLimit, ResourceLimits};
pub use bot::{MissedRuns, Schedule, ScheduledAction, ScheduledTimes};
pub use commands::{Commands, Feed};
pub use config::{Config, Diagnostic, Diagnostics, Location};
pub use counts::{BuiltIn, Count, Counts, MINUTES};
pub use daemonize_control as control;
pub use error::{Error, ErrorKind, Result};
pub use health::{BotHealth, LastCheck};
pub use monitor::{Builder, Monitor};
pub use parallel::Parallel;
pub use reload_plan::{ChangedBot, ReloadPlan};
pub use restart_policy::{Decision, Exit, GivenUp, History, Rules, decide};
pub use settings::{Control, ExitWhen, Facility, Format, Handler, Line, Settings, Webhook, WebhookEvent};
pub use status::{BotStatus, Change, Rolling, State};

/// Functions by which `daemonctl` finds its monitor. Not part of the public interface.
#[doc(hidden)]
pub mod __daemonctl;

/// Entry points of the fuzzer.
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod __fuzz;
