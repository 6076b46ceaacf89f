//! A program whose later launches hand their arguments to the first.

use super::{Instance, Launch, Running};
use crate::client::error::Error;
use crate::events::{Answer, Event};
use serde_json::{Value, json};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;
use std::process::{ExitCode, Termination};

/// The event by which arguments are handed over: `{"name": "open", "args": […], "cwd": …}`.
const OPEN: &str = "open";

/// The arguments and the directory of a later launch.
///
/// Both arrive as they are, also where they are not UTF-8. Without the attribute:
///
/// ```no_run
/// use daemon::control::{Event, Instance, Launch, Activation};
/// use serde_json::json;
///
/// let app = Instance::new("editor").on("open", |event: Event| {
///     let Activation { arguments, directory, .. } = Activation::of(&event);
///     println!("{arguments:?} in {directory:?}");
///     json!({ "message": format!("{} opened", arguments.len()) })
/// });
/// if let Launch::Primary(running) = app.run_or_send("open", Activation::here())? {
///     running.wait();
/// }
/// # Ok::<(), daemon::control::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Activation {
    /// The arguments, without the name of the program.
    pub arguments: Vec<OsString>,
    /// The directory that the arguments are relative to, the one in which the program was launched; `None` if it was removed.
    pub directory: Option<PathBuf>,
}

impl Activation {
    /// Reads an event `open`; what is missing in it, or could not have been an argument or a directory, is left out.
    pub fn of(event: &Event) -> Activation {
        let arguments = event["args"].as_array().into_iter().flatten();
        Activation {
            arguments: arguments.filter_map(read).collect(),
            directory: read(&event["cwd"]).map(PathBuf::from).filter(|directory| directory.is_absolute()),
        }
    }

    /// Returns the arguments and the directory of this process.
    pub fn here() -> Activation {
        let directory = std::env::current_dir().ok().filter(|directory| directory.is_absolute());
        Activation { arguments: std::env::args_os().skip(1).collect(), directory }
    }
}

impl From<Activation> for Value {
    /// Prints it as an event: `{"args": […], "cwd": …}`. A text that is not UTF-8 is an array of its bytes, a directory that is not
    /// there is left out.
    fn from(opened: Activation) -> Value {
        let arguments: Vec<Value> = opened.arguments.iter().map(|argument| print(argument)).collect();
        match opened.directory {
            Some(directory) => json!({ "args": arguments, "cwd": print(directory.as_os_str()) }),
            None => json!({ "args": arguments }),
        }
    }
}

/// Prints a text as a string, or where it is not UTF-8 as an array of bytes.
fn print(text: &OsStr) -> Value {
    text.to_str().map_or_else(|| json!(text.as_bytes()), |text| json!(text))
}

/// Reads what [`print`] has printed; `None` if it is something else, or has a NUL, which nothing of the system's can have.
fn read(value: &Value) -> Option<OsString> {
    let bytes = match value {
        Value::String(text) => text.clone().into_bytes(),
        Value::Array(bytes) => bytes.iter().map(|byte| u8::try_from(byte.as_u64()?).ok()).collect::<Option<_>>()?,
        _ => return None,
    };
    Some(OsString::from_vec(bytes)).filter(|text| !text.as_bytes().contains(&0))
}

/// What an annotated `main` becomes.
#[derive(Debug)]
pub struct Opening {
    instance: Instance,
    hands_over: bool,
}

impl Opening {
    /// Wraps an instance whose later launches are told that there is one.
    pub fn new(instance: Instance) -> Opening {
        Opening { instance, hands_over: false }
    }

    /// Has a function configure the rest.
    #[must_use]
    pub fn configure(self, configure: impl FnOnce(Instance) -> Instance) -> Opening {
        Opening { instance: configure(self.instance), ..self }
    }

    /// Has later launches hand over their arguments.
    #[must_use]
    pub fn on_open<H, R>(self, open: impl Fn(Activation) -> R + Send + Sync + 'static) -> Opening
    where
        R: Answer<H> + 'static,
    {
        let instance = self.instance.on(OPEN, move |event: Event| open(Activation::of(&event)));
        Opening { instance, hands_over: true }
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
            return self.instance.run_or_send(OPEN, Activation::here());
        }
        self.instance.start().map(Launch::Primary)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(value: Value) -> Activation {
        let mut value = value;
        value["name"] = json!("open");
        Activation::of(&Event::new(value).unwrap())
    }

    /// Promise 1.44.
    #[test]
    fn launch_arrives_as_it_was_sent() {
        let text = |bytes: &[u8]| OsString::from_vec(bytes.to_vec());
        for (arguments, directory) in [
            (vec![text(b"a b"), text("\u{e4}".as_bytes()), text(b"")], Some("/srv".into())),
            (vec![text(b"\xff\x01"), text(b"-x")], Some(text(b"/srv/\xfe").into())),
            (vec![], None),
        ] {
            let sent = Activation { arguments, directory };
            assert_eq!(opened(sent.clone().into()), sent);
        }
        // UTF-8 travels as plain text, for clients in other languages.
        let sent = Activation { arguments: vec!["a".into()], directory: None };
        assert_eq!(Value::from(sent), json!({ "args": ["a"] }));
    }

    /// Promise 1.44.
    #[test]
    fn what_no_launch_can_have_sent_is_left_out() {
        let hostile = json!({ "args": ["a", 7, null, [256], [-1], ["x"], [97, 0], "b\u{0}", {}, [98]], "cwd": "srv" });
        assert_eq!(opened(hostile), Activation { arguments: vec!["a".into(), "b".into()], directory: None });
        assert_eq!(opened(json!({ "args": 7, "cwd": [] })), Activation::default());
        assert_eq!(opened(json!({})), Activation::default());
    }
}
