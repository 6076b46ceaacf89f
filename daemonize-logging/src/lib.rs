//! Logging in a daemon: to its log, to the journal with fields, or to syslog. This crate is the module `logging` of
//! [`daemonic`](https://docs.rs/daemonic), with its features `tracing` and `log`.
//!
//! ```no_run
//! use daemon::Daemon;
//! use std::time::Duration;
//!
//! fn web() -> Result<(), Box<dyn std::error::Error>> {
//!     daemon::logging::init()?;
//!     tracing::info!(port = 8080, "ready");
//!     while daemon::sleep(Duration::from_secs(60)) {}
//!     Ok(())
//! }
//!
//! Daemon::new("web").log("/var/log/web.log").run(web).start()?;
//! # Ok::<(), daemon::Error>(())
//! ```
//!
//! [`init`] belongs into the body, after the fork. It starts no thread, so that a start after it succeeds as well.
//!
//! # Where records go
//!
//! | the process | records |
//! |---|---|
//! | has detached, with a `log` | to stderr, which is the log: one line each, with time (UTC), level and target |
//! | runs in the foreground, on a terminal | to stderr, with colours, unless `NO_COLOR` is set |
//! | is a systemd unit whose stderr is the journal | to journald, with fields: `PRIORITY`, `TARGET`, `CODE_FILE`, `F_PORT`, … |
//! | is such a unit, but cannot reach journald's socket | to stderr, with the prefix `<6>` from which journald takes the priority (`sd-daemon(3)`) |
//! | has called [`Builder::syslog`] | to `/dev/log`, as facility `daemon` |
//!
//! With the feature `log` alone, fields in the journal have no prefix (`PORT`), and `info` is `PRIORITY=5`, which its crate chooses.
//!
//! A detached daemon without `log` has `/dev/null` as stderr: its records are lost.
//!
//! Text of a record cannot forge another record: line ends and control characters are escaped, as is every character that changes
//! the direction or the look of text. A line has at most 64 KiB, a syslog message 8 KiB; a longer one is cut, and says so.
//!
//! # Levels
//!
//! Directives such as `info,hyper=warn` give each target (by default the module that logs) its level: the one of the longest target that
//! it begins with, otherwise the one without a target, otherwise `info`. The levels are `off`, `error`, `warn`, `info`, `debug` and
//! `trace`. In this order the first that is given applies: [`set_level`] (which the option `--log-level` of the command line calls),
//! the environment variable `RUST_LOG`, [`Builder::level`], `info`.
//!
//! At run time the level changes by [`set_level`], by `myd reload --log-level debug` ([`request_level`], [`LevelRequests`]), and by the
//! endpoint, if the daemon has one:
//!
//! ```text
//! $ curl --unix-socket /run/web.control/socket http://localhost/event --json '{"name": "log-level", "level": "debug"}'
//! {"success":true,"level":"debug"}
//! ```

//!
//! # Attackers
//!
//! * **A client** chooses text that the program logs: it is escaped and bounded, as above. In the journal each field is sent with its length, so
//!   that a line end in a value begins no field.
//! * **Another user** may place a file where the daemon looks for a requested level: the file is opened without following a link, and believed only if
//!   it is a regular one with one name, of root or the daemon's user, that no other user can write. At most 4 KiB of it are read.
//! * **The environment** chooses a level (`RUST_LOG`), and colours. `JOURNAL_STREAM` counts only if it names the socket that is stderr, and
//!   then leads to the journal's own socket: who sets both sends its own records there.
//! * **A receiver** that does not read: syslog delays one record by at most 0.5 s. journald and the reader of stderr can block the thread that logs, as
//!   they block one that prints.

#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]
// Without a backend the lines have no reader.
#![cfg_attr(not(any(feature = "tracing", feature = "log")), allow(dead_code))]

#[cfg(any(feature = "tracing", feature = "log"))]
mod builder;
#[cfg(feature = "control")]
mod control;
mod destination;
mod directives;
mod error;
mod level;
mod level_file;
mod line;
mod line_style;
#[cfg(all(feature = "log", any(test, not(feature = "tracing"))))]
#[cfg_attr(feature = "tracing", allow(dead_code))] // Its tests run with all features.
mod logger;
#[cfg(feature = "tracing")]
mod subscriber;
mod syslog;

#[cfg(any(feature = "tracing", feature = "log"))]
pub use builder::{Builder, init};
pub use error::{Error, ErrorKind, Result};
pub use level::{level, set_level};
pub use level_file::{LevelRequest, LevelRequests, request_level};
