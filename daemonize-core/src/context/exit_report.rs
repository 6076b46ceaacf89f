//! Texts that this daemon leaves for `status`: a warning while it runs, and why it ended.

use super::Inside;
use crate::body::panic_text;
use crate::mutex::lock;
use crate::pid::Pid;
use crate::pidfile::{ExitReport, Statement};
use crate::report;
use crate::stopping;
use std::panic;

impl Inside {
    /// Leaves the daemon's last words: `why` it ends, else the error that it reported last. Removes them after an end in
    /// order. Nothing happens once the pidfile is released.
    pub(crate) fn leave_last_words(&self, status: u8, why: Option<&str>) {
        self.open_directory();
        if status == 0 {
            self.write(&ended(Some(0), String::new()), true);
        } else {
            let text = why.map(str::to_owned).or_else(report::last_error).unwrap_or_default();
            self.write(&ended(Some(status), text), false);
        }
    }

    /// Opens the directory of the pidfile once for the last words and for what follows them: the files are removed.
    fn open_directory(&self) {
        if let Some(lock) = &mut *lock(&self.lock) {
            lock.open_directory();
        }
    }

    /// The program has called `exit(3)` itself, which does not say with which status.
    pub(crate) fn leave_exit(&self) {
        self.write(&ended(None, "the program called `exit`".to_owned()), false);
    }

    /// A panic ends the process: the program was built with `panic = "abort"`.
    fn leave_panic(&self, text: String) {
        // The thread that panics may hold one of them.
        if self.pending.try_lock().is_ok() && self.lock.try_lock().is_ok() {
            self.write(&ended(None, text), false);
        }
    }

    /// Shows an operator what this daemon could not do; `None` when nothing is wrong any more.
    pub(crate) fn warn(&self, warning: Option<String>) {
        let had_warning = report::replace_warning(warning.clone()).is_some();
        if had_warning || warning.is_some() {
            let removed = warning.is_none();
            self.write(&Statement { pid: Some(Pid::this()), warning, end: None }, removed);
        }
    }

    /// Writes the file, or with `removed` has none if it can be removed. Until the daemon is ready its launcher reports what
    /// becomes of it, and nothing is left. What cannot be written is lost: a disk that is full must not hold up the end, and
    /// a logger could.
    fn write(&self, statement: &Statement, removed: bool) {
        if lock(&self.pending).is_some() {
            return;
        }
        if let Some(lock) = &*lock(&self.lock) {
            if removed {
                lock.remove_last_words(statement);
            } else {
                let _ = lock.write_last_words(statement);
            }
        }
    }
}

/// Has the hook of panics leave why this daemon ends, where nothing else can: with `panic = "abort"`.
pub(crate) fn keep_panics() {
    if cfg!(panic = "abort") {
        let print = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            print(info);
            // Not in a child that the user's code has forked.
            if let Some(inside) = super::current().filter(|inside| inside.identity.pid == Pid::this()) {
                let subject = if stopping::is_the_body() { "the body" } else { "a thread" };
                inside.leave_panic(format!("{subject} panicked: {}", panic_text(info.payload())));
            }
        }));
    }
}

fn ended(status: Option<u8>, text: String) -> Statement {
    Statement { pid: Some(Pid::this()), warning: None, end: Some(ExitReport { status, text }) }
}
