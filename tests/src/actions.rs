//! The twelve actions by which a test describes a body, a step, a hook or a handler, separated by commas:
//! `ask,note:begun,idle`. Any other text names a function of the helper program.
//!
//! | action | effect |
//! |---|---|
//! | `idle` | sleeps until the daemon is to stop |
//! | `hang` | never returns, and never asks whether the daemon is to stop |
//! | `ask` | asks whether the daemon is to stop, and ignores the answer |
//! | `ready` | reports that the daemon is ready |
//! | `note:FILE` | appends `was here PID PARENT` to the file |
//! | `await:FILE` | returns when the file exists |
//! | `pause:MILLISECONDS` | returns after that time, also when the daemon is to stop |
//! | `say:TEXT`, `complain:TEXT` | prints the text to standard output or standard error, without a newline |
//! | `err:TEXT` | returns the text as an error; later actions are not performed |
//! | `panic:TEXT`, `exit:STATUS` | panics, or exits the process |
//!
//! Files are in the lab's directory, whichever directory the daemon works in.

use std::error::Error;
use std::fs::OpenOptions;
use std::io::Write;
use std::num::ParseIntError;
use std::str::FromStr;
use std::thread;
use std::time::Duration;

use crate::mark::in_lab;
use crate::wait::{self, Deadline};

/// The error of a body, a hook or a handler.
pub type Failure = Box<dyn Error + Send + Sync>;

/// The result of a body, a hook or a handler.
pub type Fallible = Result<(), Failure>;

/// Exceeds the run time of every test.
pub const HOUR: Duration = Duration::from_secs(3600);

/// Exceeds the time that a test waits for a daemon.
const FILE_TIMEOUT: Duration = Duration::from_secs(120);

/// One of the twelve actions.
#[derive(Clone, Debug)]
#[allow(missing_docs)] // The table above says what they do.
pub enum Action {
    Idle,
    Hang,
    Ask,
    Ready,
    Note(String),
    Await(String),
    Pause(Duration),
    Say(String),
    Complain(String),
    Fail(String),
    Panic(String),
    Exit(i32),
}

impl Action {
    /// Performs the action in the calling thread.
    ///
    /// # Panics
    /// If the action is `panic`.
    pub fn perform(&self) -> Fallible {
        match self {
            Action::Idle => idle(),
            Action::Hang => hang(),
            Action::Ask => {
                daemon::stopping();
            }
            Action::Ready => daemon::ready()?,
            Action::Note(file) => note(file)?,
            Action::Await(file) => await_file(file)?,
            Action::Pause(time) => thread::sleep(*time),
            Action::Say(text) => print!("{text}"),
            Action::Complain(text) => eprint!("{text}"),
            Action::Fail(text) => return Err(text.as_str().into()),
            Action::Panic(text) => panic!("{text}"),
            Action::Exit(status) => std::process::exit(*status),
        }
        Ok(())
    }
}

impl FromStr for Action {
    type Err = Failure;

    fn from_str(text: &str) -> Result<Self, Failure> {
        let (name, value) = text.split_once(':').unwrap_or((text, ""));
        let no_number = |error: ParseIntError| format!("`{text}`: {error}");
        Ok(match name {
            "idle" => Action::Idle,
            "hang" => Action::Hang,
            "ask" => Action::Ask,
            "ready" => Action::Ready,
            "note" => Action::Note(value.to_owned()),
            "await" => Action::Await(value.to_owned()),
            "pause" => Action::Pause(Duration::from_millis(value.parse().map_err(no_number)?)),
            "say" => Action::Say(value.to_owned()),
            "complain" => Action::Complain(value.to_owned()),
            "err" => Action::Fail(value.to_owned()),
            "panic" => Action::Panic(value.to_owned()),
            "exit" => Action::Exit(value.parse().map_err(no_number)?),
            _ => return Err(format!("`{text}` is neither a word nor a function of the helper program").into()),
        })
    }
}

/// Parses actions separated by commas; an empty text has none.
pub fn parse(text: &str) -> Result<Vec<Action>, Failure> {
    text.split(',').filter(|word| !word.is_empty()).map(str::parse).collect()
}

/// Performs the actions in order, up to the first error.
pub fn perform(words: &[Action]) -> Fallible {
    words.iter().try_for_each(Action::perform)
}

/// Sleeps until the daemon is to stop, as a well-behaved body does.
pub fn idle() {
    while daemon::sleep(HOUR) {}
}

/// Never returns, and never asks whether the daemon is to stop.
pub fn hang() -> ! {
    loop {
        thread::park();
    }
}

/// Returns when the file exists.
pub fn await_file(file: &str) -> Fallible {
    let path = in_lab(file);
    Ok(wait::until(&path, Deadline::after(FILE_TIMEOUT), || path.exists().then_some(()))?)
}

/// Appends `was here` and the pids of this process and its parent.
pub fn note(file: &str) -> std::io::Result<()> {
    append(file, &format!("was here {} {}\n", std::process::id(), nix::unistd::getppid()))
}

/// Appends a line to a file of the lab, in one write.
pub fn append(file: &str, line: &str) -> std::io::Result<()> {
    OpenOptions::new().append(true).create(true).open(in_lab(file))?.write_all(line.as_bytes())
}

/// Writes the counters to the file `counters`: messages fetched, handled, failed and in flight, and steps done.
pub fn note_counters() -> std::io::Result<()> {
    let daemon::messages::Counters { fetched, handled, failed, in_flight, steps, .. } = daemon::messages::counters();
    std::fs::write(in_lab("counters"), format!("{fetched} {handled} {failed} {in_flight} {steps}\n"))
}

/// Appends `dropped PID` to the file when dropped, as a local of a body is when the body ends.
#[derive(Debug)]
pub struct Guard(pub String);

impl Drop for Guard {
    fn drop(&mut self) {
        let _ = append(&self.0, &format!("dropped {}\n", std::process::id()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions_are_performed_in_order_up_to_the_first_error() {
        let words = parse("pause:0,say:,err:no paper: none at all,panic:too far").expect("words");
        let error = perform(&words).expect_err("the third word fails");
        assert_eq!(error.to_string(), "no paper: none at all");
    }

    #[test]
    fn text_that_is_not_an_action_is_an_error_that_names_it() {
        for (text, word) in
            [("dance", "`dance`"), ("ask,dance:now", "`dance:now`"), ("pause:long,idle", "`pause:long`")]
        {
            let error = parse(text).expect_err("not a word").to_string();
            assert!(error.starts_with(word), "{error}");
        }
    }
}
