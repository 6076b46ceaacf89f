//! Turns an ordinary function into a well-behaved Unix daemon.
//!
//! ```no_run
//! use std::time::Duration;
//!
//! # fn log_goodbye() {}
//! # #[cfg(feature = "macros")]
//! #[daemon::run(pidfile = "~/sleepy.pid", signals = { SIGTERM => log_goodbye })]
//! fn sleepy(idle: u64) {
//!     loop {
//!         daemon::sleep(Duration::from_secs(idle));
//!     }
//! }
//!
//! # #[cfg(feature = "macros")]
//! # fn main() -> daemon::Result<()> {
//! sleepy(20)?;      // forks a daemon; returns once it is ready, or with the reason why it is not
//! sleepy::stop()?;  // sends SIGTERM, waits, and sends SIGKILL if the daemon does not end in time
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "macros"))]
//! # fn main() {}
//! ```
//!
//! The package is called `daemonic`, the library `daemon`: `cargo add daemonic`, and write `daemon::run`.
//!
//! # Overview
//!
//! * [`#[daemon::run]`](macro@run) makes a daemon of a function that runs once, [`#[daemon::step]`](macro@step) of one that
//!   is called repeatedly, and [`#[daemon::message]`](macro@message) of one that handles messages. Each defines a *companion*, a
//!   type with the name of the function: `sleepy::start`, `stop`, `restart`, `status`, `send`, `pid`, `pidfile`, `foreground`, and
//!   `call`, which calls the plain function.
//! * [`Daemon`] is the same without attributes: each key is a builder method of the same name.
//! * In the body, [`sleep`], [`stopping`] and [`wait_handle`] observe a stop, [`ready`] reports readiness, [`stop`] and [`restart`]
//!   end or replace the daemon from inside, and [`testing`] runs a body in a `#[test]`.
//! * [`Started`], [`Status`], [`Stopped`] and [`Error`] are the results of the verbs.
//! * [`messages`], [`settings`], [`signals`], [`systemd`] and [`status`] hold the types that belong to one subject; [`attach`]
//!   and [`body`] are the extension points.
//! * The module `cli` makes the verbs a command line (`#[daemon::run(cli)]` on `main`), and the program a service of the machine;
//!   `logging` sets up `tracing` or `log` in the daemon. Both are features.
//! * The module `exec` launches a daemon in a fresh execution of the program, from any thread of a program that has called `init` first.
//!   With `on_demand` the first client starts the daemon: the companion has `connect`, the body takes its clients from `clients` or
//!   `accept`, and an idle daemon exits; `scope` keeps it alive after the login session that started it. All are features.
//! * [`PidFile`] also works alone, in a program that never detaches.
//!
//! # Why daemons are hard
//!
//! Each section names a failure that a hand-written daemon has at some time, and how this library prevents it.
//!
//! ## Fork and threads
//!
//! `fork(2)` copies the calling thread only. A mutex that another thread held at that moment (the allocator's, a logger's,
//! a runtime's) stays locked in the child for ever, and a tokio runtime that was built before the fork has no workers after
//! it. The child hangs, but only under load, and only sometimes.
//!
//! A start from a process with more than one thread is therefore refused, and the error names the threads. An `async fn`
//! gets its runtime in the daemon, after the last fork. Event loops (`epoll`, `io_uring`) are refused as well, since both
//! processes would share them.
//!
//! ## Session and terminal
//!
//! A background process that stays in the session of its shell receives SIGHUP when the terminal closes, and SIGINT when
//! the user presses Ctrl-C. A session leader can acquire a new controlling terminal by merely opening one.
//!
//! The launcher forks twice with `setsid(2)` in between, so that the daemon is in a session of its own and does not lead
//! it. Inherited signal dispositions are reset and the mask is cleared, descriptors that leaked through `exec(2)` are closed, and
//! standard input, output and error are open on `/dev/null` or on the configured log: a later `open(2)` never becomes descriptor 1.
//!
//! ## Pidfiles
//!
//! A pidfile can outlive its daemon, and the kernel reuses pids: after a crash, `kill $(cat x.pid)` ends another program. Two
//! starts at the same time can both find no pidfile. A pidfile in a directory that others can write lets them choose which
//! process root signals.
//!
//! The lock is a file of its own, held with `flock(2)` and released by the kernel when the process ends. The pidfile also
//! records when the process started, in which boot and in which pid namespace; a signal is sent through a `pidfd_open(2)`
//! handle that was verified against that record. A pidfile that others could have written is refused.
//!
//! ## Readiness
//!
//! A launcher that exits right after `fork(2)` reports success for a daemon that fails a moment later: the port is in use, a
//! file is missing, and the script that started it continues.
//!
//! The launcher waits until the daemon is [ready](settings::Ready), at most `start_timeout`. Otherwise the start fails with the
//! daemon's own error or its cause of death ("killed by signal 11 (SIGSEGV)"), and neither process nor pidfile is left.
//!
//! ## Stopping
//!
//! A signal handler may call only a few functions (`signal-safety(7)`); most handlers in the field call more. A daemon that
//! ignores SIGTERM while it is busy is killed by its manager and loses what it was doing.
//!
//! The handler of this library only sets flags and wakes a thread; your handlers run there, where everything is allowed. The body
//! asks [`stopping`] or sleeps in [`sleep`] and ends on its own within `grace`; messages in flight are finished first. After that
//! the daemon ends with status 1 and reports what was not done.
//!
//! # Limits
//!
//! Linux only, from 5.9 on. A child made by `fork(2)` alone, without `exec(2)`, should close the descriptor of the lock. A process
//! that may delete both files of a running daemon makes room for a second one.
//!
//! # Features
//!
//! * `macros` (default): the attributes.
//! * `tokio`: `async fn` under the attributes, `run_async`, `step_async`, `messages_async`, `sleep_async`.
//! * `control`: the module `control`: an HTTP endpoint in the daemon, its client, single instance.
//! * `cli`: the module `cli`: verbs on `main`, readable logs, service definitions.
//! * `exec`: the module `exec`: launch by exec, from any thread of any process.
//! * `on-demand`: the module `on_demand`: `connect` starts the daemon if it is not there, and it exits when idle.
//! * `scope`: the module `scope`: out of the systemd scope of a login session.
//! * `tracing`, `log`: the module `logging`: one call that sets up logging in the daemon.

#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

pub use daemonize_core::*;

#[cfg(feature = "cli")]
#[cfg_attr(docsrs, doc(cfg(feature = "cli")))]
#[doc(inline)]
pub use daemonize_cli as cli;
#[cfg(feature = "control")]
#[cfg_attr(docsrs, doc(cfg(feature = "control")))]
#[doc(inline)]
pub use daemonize_control as control;
#[cfg(feature = "exec")]
#[cfg_attr(docsrs, doc(cfg(feature = "exec")))]
#[doc(inline)]
pub use daemonize_exec as exec;
#[cfg(feature = "exec")]
#[cfg_attr(docsrs, doc(cfg(feature = "exec")))]
#[doc(inline)]
pub use daemonize_exec::{exec, init, test_support};
#[cfg(any(feature = "tracing", feature = "log"))]
#[cfg_attr(docsrs, doc(cfg(any(feature = "tracing", feature = "log"))))]
#[doc(inline)]
pub use daemonize_logging as logging;
#[cfg(all(feature = "macros", feature = "exec"))]
#[cfg_attr(docsrs, doc(cfg(feature = "exec")))]
pub use daemonize_macros::init;
#[cfg(all(feature = "macros", feature = "control"))]
#[cfg_attr(docsrs, doc(cfg(feature = "control")))]
pub use daemonize_macros::instance;
#[cfg(feature = "macros")]
pub use daemonize_macros::{message, run, step};
#[cfg(feature = "on-demand")]
#[cfg_attr(docsrs, doc(cfg(feature = "on-demand")))]
#[doc(inline)]
pub use daemonize_on_demand as on_demand;
#[cfg(all(feature = "on-demand", feature = "tokio"))]
#[cfg_attr(docsrs, doc(cfg(all(feature = "on-demand", feature = "tokio"))))]
#[doc(inline)]
pub use daemonize_on_demand::accept;
#[cfg(feature = "on-demand")]
#[cfg_attr(docsrs, doc(cfg(feature = "on-demand")))]
#[doc(inline)]
pub use daemonize_on_demand::{busy, clients};
#[cfg(feature = "scope")]
#[cfg_attr(docsrs, doc(cfg(feature = "scope")))]
#[doc(inline)]
pub use daemonize_scope as scope;

#[doc(hidden)]
pub use daemonize_core::__private;

/// The examples of the guide, compiled as documentation tests.
#[cfg(all(
    doctest,
    feature = "macros",
    feature = "tokio",
    feature = "control",
    feature = "cli",
    feature = "on-demand",
    feature = "scope",
    feature = "tracing",
    feature = "log"
))]
mod guide {
    #[doc = include_str!("../docs/guide/getting-started.md")]
    mod getting_started {}
    #[doc = include_str!("../docs/guide/command-line.md")]
    mod command_line {}
    #[doc = include_str!("../docs/guide/service.md")]
    mod service {}
    #[doc = include_str!("../docs/guide/keys.md")]
    mod keys {}
    #[doc = include_str!("../docs/guide/readiness.md")]
    mod readiness {}
    #[doc = include_str!("../docs/guide/stopping-and-signals.md")]
    mod stopping_and_signals {}
    #[doc = include_str!("../docs/guide/logging.md")]
    mod logging {}
    #[doc = include_str!("../docs/guide/privileges.md")]
    mod privileges {}
    #[doc = include_str!("../docs/guide/systemd.md")]
    mod systemd {}
    #[doc = include_str!("../docs/guide/containers.md")]
    mod containers {}
    #[doc = include_str!("../docs/guide/testing.md")]
    mod testing {}
    #[doc = include_str!("../docs/guide/debugging.md")]
    mod debugging {}
    #[doc = include_str!("../docs/guide/messages.md")]
    mod messages {}
    #[doc = include_str!("../docs/guide/async.md")]
    mod async_bodies {}
    #[doc = include_str!("../docs/guide/endpoint.md")]
    mod endpoint {}
    #[doc = include_str!("../docs/guide/single-instance.md")]
    mod single_instance {}
    #[doc = include_str!("../docs/guide/on-demand.md")]
    mod on_demand {}
    #[doc = include_str!("../docs/guide/monitor.md")]
    mod monitor {}
    #[doc = include_str!("../docs/guide/zero-downtime.md")]
    mod zero_downtime {}
    #[doc = include_str!("../docs/guide/migration.md")]
    mod migration {}
    #[doc = include_str!("../docs/guide/security.md")]
    mod security {}
    #[doc = include_str!("../docs/guide/faq.md")]
    mod faq {}
}

/// The example of the README.
#[cfg(all(doctest, feature = "macros", feature = "cli"))]
#[doc = include_str!("../README.md")]
mod readme {}
