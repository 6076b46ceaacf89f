//! A program whose later launches hand their arguments to the first.

use super::{Instance, Launch, Running};
use crate::client::error::Error;
use crate::events::{Answer, Event};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::{ExitCode, Termination};

/// The event by which arguments are handed over: `{"name": "open", "args": […], "cwd": …}`.
const OPEN: &str = "open";

/// What a later launch was launched with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Opened {
    /// Its arguments, without the name of the program. What is no UTF-8 in them is replaced.
    pub arguments: Vec<String>,
    /// The directory in which it was launched: what its arguments are relative to.
    pub directory: PathBuf,
}

impl Opened {
    /// What is in an event `open`; whatever is missing is empty.
    pub fn of(event: &Event) -> Opened {
        let arguments = event["args"].as_array().into_iter().flatten();
        Opened {
            arguments: arguments.filter_map(|argument| argument.as_str().map(str::to_owned)).collect(),
            directory: event["cwd"].as_str().unwrap_or_default().into(),
        }
    }

    /// What this process was launched with, as it is sent.
    fn here() -> Value {
        let arguments: Vec<String> =
            std::env::args_os().skip(1).map(|argument| argument.to_string_lossy().into_owned()).collect();
        let directory = std::env::current_dir().unwrap_or_default();
        json!({ "args": arguments, "cwd": directory.to_string_lossy() })
    }
}

/// What an annotated `main` becomes.
#[derive(Debug)]
pub struct Opening {
    instance: Instance,
    hands_over: bool,
}

impl Opening {
    /// Later launches hand over their arguments.
    pub fn with<H, R>(instance: Instance, open: impl Fn(Opened) -> R + Send + Sync + 'static) -> Opening
    where
        R: Answer<H> + 'static,
    {
        let instance = instance.on(OPEN, move |event: Event| open(Opened::of(&event)));
        Opening { instance, hands_over: true }
    }

    /// Later launches are told that there is one.
    pub fn without(instance: Instance) -> Opening {
        Opening { instance, hands_over: false }
    }

    /// Runs the program in the first launch, and returns its exit status in all of them.
    pub fn main<T: Termination>(self, program: impl FnOnce(Running) -> T) -> ExitCode {
        match self.launch() {
            Ok(Launch::Primary(running)) => program(running).report(),
            Ok(Launch::Forwarded(reply)) => {
                if let Some(message) = reply.get("message").and_then(Value::as_str) {
                    println!("{}", crate::client::error::quoted(message));
                }
                ExitCode::SUCCESS
            }
            Err(error) => {
                eprintln!("error: {error}");
                error.into()
            }
        }
    }

    fn launch(self) -> Result<Launch, Error> {
        if self.hands_over {
            return self.instance.run_or_send(OPEN, Opened::here());
        }
        self.instance.start().map(Launch::Primary)
    }
}

/// Has a function say the rest.
pub fn configured(instance: Instance, configure: impl FnOnce(Instance) -> Instance) -> Instance {
    configure(instance)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_handed_over_arrives() {
        let event = |value: Value| Event::new(value).unwrap();
        let opened = Opened::of(&event(json!({"name": "open", "args": ["a b", "ä", 7], "cwd": "/srv"})));
        assert_eq!((opened.arguments, opened.directory), (vec!["a b".to_owned(), "ä".to_owned()], "/srv".into()));
        assert_eq!(Opened::of(&event(json!({"name": "open"}))), Opened::default());
    }
}
