//! Self-restart: a daemon starts its program again, and the new process takes over.
//!
//! The running daemon (the predecessor) and the process that it starts (the successor) talk over a pair of sockets. The
//! successor inherits one end, which the environment variable [`RESTART_ENV`] names.
//!
//! 1. The successor validates its settings and reports WAITING, or FAILED and why. An error, its early exit, or no message
//!    within the start timeout is the error of [`restart`], and the predecessor continues.
//! 2. The predecessor answers ACCEPTED, and stops. From here on the successor takes over even if the predecessor crashes. The
//!    predecessor forwards a stop that it receives as STOP.
//! 3. At its end the predecessor sends GO and passes its lock to the successor. The lock is free at no moment: a `stop` finds
//!    a living predecessor, or waits for the process that has the lock until it can stop that one.
//! 4. The successor waits until the predecessor's process has ended, and starts.

mod candidate;
mod command;
mod hand_over;
mod refused;
mod restart;
mod restart_env;
mod restarted_from;
mod successor;

pub use command::{CompleteCommand, RestartCommand, complete_restart_command};
pub use restart::restart;
pub(crate) use restart_env::RESTART_ENV;
pub(crate) use restarted_from::RestartedFrom;
pub(crate) use successor::{forward_stop, stop_all};
