//! Signals: the dispositions that a program chooses, and the threads that act on them.
//!
//! An installed handler only sets flags, writes to an event, and calls the handler that was installed before it, so that other
//! users of the signal (tokio, the program's own flags) keep working. The signal thread waits for the event. No thread blocks
//! signals: a program that the daemon starts inherits the signal mask of the thread that starts it, and must receive SIGTERM.
//!
//! The signal thread runs no user code. The user's handlers run in a second thread, spawned when the first one is needed, so
//! that a handler that hangs cannot keep the daemon from stopping. Signals that do not stop the daemon and have user handlers
//! are *direct*: while the handler thread is idle they wake it, and not the signal thread.
//!
//! If another handler of the program receives a stop signal, too, that handler may end the body: the body then has its grace,
//! as a body that polls the stop flag has.

mod dispositions;
mod handled_signals;
mod handler;
mod handler_thread;
mod install;
mod reload_failures;
mod signal_thread;
mod thread_names;

#[doc(inline)]
pub use crate::signal::UnknownSignal;
pub use dispositions::Signals;
pub(crate) use handled_signals::HandledSignals;
pub use handler::Handler;
pub(crate) use handler_thread::HandlerThread;
pub(crate) use reload_failures::{add_reload_failure, enable_reload_failures, take_reload_failures};
pub(crate) use signal_thread::{ForcedEnd, ParentWatch, ReadinessWatch, SignalThread};
pub(crate) use thread_names::{
    HANDLER_THREAD_NAME, RELOADING_THREAD_NAME, SIGHUP_STOPS_THREAD_NAME, STOPPING_THREAD_NAME,
    UNREPORTED_RELOAD_THREAD_NAME,
};
