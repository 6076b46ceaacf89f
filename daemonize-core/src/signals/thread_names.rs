//! The names of a daemon's threads (`comm` in `proc(5)`), by which other processes learn its state.

use std::ffi::CStr;

/// The signal thread of a daemon that does not handle SIGHUP.
pub(super) const SIGNAL_THREAD_NAME: &CStr = c"daemon-signals";

/// The signal thread of a daemon that reports each reload.
pub(crate) const RELOADING_THREAD_NAME: &CStr = c"daemon-signals+";

/// The signal thread of a daemon that SIGHUP stops: it runs at a terminal.
pub(crate) const SIGHUP_STOPS_THREAD_NAME: &CStr = c"daemon-signals-";

/// The signal thread from the stop on.
pub(crate) const STOPPING_THREAD_NAME: &CStr = c"daemon-stopping";

/// The thread that runs the user's handlers.
pub(crate) const HANDLER_THREAD_NAME: &CStr = c"daemon-handlers";

/// The thread that runs the user's handlers, if its daemon has no place for the report of the last reload.
pub(crate) const UNREPORTED_RELOAD_THREAD_NAME: &CStr = c"daemon-unheard";
