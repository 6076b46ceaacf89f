//! The failures of the reload that runs now. A process has one handler thread, and so one reload at a time.

use crate::body::BodyResult;
use crate::mutex::lock;
use std::sync::{Mutex, OnceLock};

static FAILURES: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// [`note_error`], once reloads are reported: a program without them is linked without the code.
static NOTE: OnceLock<fn(&BodyResult)> = OnceLock::new();

/// Has the errors of the handlers of SIGHUP recorded.
pub(crate) fn enable_reload_failures() {
    let _ = NOTE.set(note_error);
}

/// Records the error of a handler of SIGHUP, if it has failed.
pub(super) fn note(ending: &BodyResult) {
    if let Some(note) = NOTE.get() {
        note(ending);
    }
}

fn note_error(ending: &BodyResult) {
    if let Some(error) = ending.error() {
        add_reload_failure(error.to_owned());
    }
}

/// Records a part of a reload that has failed.
pub(crate) fn add_reload_failure(failure: String) {
    lock(&FAILURES).push(failure);
}

/// Takes the failures since the handlers of SIGHUP last began.
pub(crate) fn take_reload_failures() -> Vec<String> {
    std::mem::take(&mut lock(&FAILURES))
}
