//! Launch by exec: a daemon that starts in a fresh execution of its program, from any thread of any process.
//!
//! [`Daemon::start`](daemonize_core::Daemon::start) forks, and so refuses a process with threads or an async runtime. A launch by exec
//! executes the program again instead: the new process has one thread, receives the name of the daemon's function and its arguments,
//! launches the daemon as any other program does, and reports the outcome to the process that asked for it.
//!
//! ```no_run
//! use daemon::Daemon;
//! use daemon::body::Work;
//! use std::time::Duration;
//!
//! fn agent(seconds: u64) -> Daemon<impl Work> {
//!     Daemon::new("agent").run(move || while daemon::sleep(Duration::from_secs(seconds)) {})
//! }
//!
//! fn main() -> daemon::Result<()> {
//!     daemon::init();
//!     let thread = std::thread::spawn(|| daemon::exec!(agent(20))?.start());
//!     println!("{}", thread.join().expect("it does not panic")?);
//!     Ok(())
//! }
//! ```

//!
//! # The protocol
//!
//! The *starting process* makes a pair of sockets, the *link*, and a child that executes the same program. Both share no memory and no
//! descriptor but the link and the standard streams.
//!
//! | step | sender | message |
//! |---|---|---|
//! | 1 | starting process | REQUEST: the function's name, the encoded arguments and the settings of the launch, as a sealed file in memory. It is in the socket before the new process exists. |
//! | 2 | new process | READY: it has called [`init`], found its link in the variable `DAEMONIC_EXEC`, and does not return to `main`. |
//! | 3 | new process | OUTCOME: what [`start`](daemonize_core::Daemon::start) has returned there, as a sealed file in memory. Then it exits. |
//!
//! The new process is an ordinary launcher: its own protocol with the daemon is that of every start. It is killed if the thread that
//! started it ends (`PR_SET_PDEATHSIG`), or at a deadline, and then its session leader undoes the start. The starting process waits for the
//! link and for the process (`pidfd_open(2)`), and needs no wait status.
//!
//! A daemon that restarts itself sends the same request to its successor, by the same variable, and waits for no outcome: the two talk in
//! the protocol of [`restart`](daemonize_core::restart).

#![forbid(unsafe_code)] // All of it is in `daemonize-sys`.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod argument;
mod environment;
mod exec_daemon;
mod exec_error;
mod exec_function;
mod image;
mod init;
mod isolation;
mod jobserver;
mod launcher;
mod limits;
mod link;
mod memory_file;
mod new_process;
mod registry;
mod request;
mod self_restart;
mod spawn;
mod test_launcher;

pub use environment::Environment;
pub use exec_daemon::ExecDaemon;
pub use init::init;
pub use isolation::Isolation;

/// Returns an [`ExecDaemon`] for a call of a function that returns a [`Daemon`](daemonize_core::Daemon): `exec!(agent(8080))?.start()?`.
///
/// The function is named by its path, and is an `fn` item with at most eight parameters, whose types implement `serde::Serialize` and
/// `serde::de::DeserializeOwned`. It is called here, for the settings, and again in the new process; so it only describes the daemon,
/// whose work begins in the body.
///
/// ```no_run
/// use daemon::Daemon;
/// use daemon::body::Work;
///
/// fn agent(port: u16) -> Daemon<impl Work> {
///     Daemon::new("agent").run(move || println!("serving port {port}"))
/// }
///
/// fn main() -> daemon::Result<()> {
///     daemon::init();
///     let started = daemon::exec!(agent(8080))?.start()?;
///     println!("{started}");
///     Ok(())
/// }
/// ```
///
/// # Errors
/// Returns an error if the arguments cannot be encoded, or have more than 64 MiB.
#[macro_export]
macro_rules! exec {
    ($($function:ident)::+ ( $($argument:expr),* $(,)? )) => {{
        const NAME: &str = concat!(module_path!(), "::", stringify!($($function)::+));
        $crate::__private::submit! {
            $crate::__private::FunctionEntry {
                entry: $crate::__private::Entry {
                    name: NAME,
                    run: |request| $crate::__private::run_function(request, &$($function)::+),
                },
                function: || $crate::__private::type_of($($function)::+),
            }
        }
        $crate::__private::exec_function(&$($function)::+, NAME, ($($argument,)*))
    }};
}

/// Lets the tests of a crate launch daemons by exec: write `daemon::test_support!();` once in each crate of tests, at
/// its root.
///
/// It defines a hidden test, which the launch executes; in an ordinary run it does nothing.
#[macro_export]
macro_rules! test_support {
    () => {
        #[cfg(test)]
        mod daemonic_test_support {
            #[test]
            fn launches_by_exec() {
                $crate::__private::launch_in_test();
            }

            $crate::__private::submit! {
                $crate::__private::TestSupport { test: concat!(module_path!(), "::launches_by_exec") }
            }
        }
    };
}

/// Functions that the expansions of attributes and macros call. Not part of the public interface.
#[doc(hidden)]
pub mod __private;
