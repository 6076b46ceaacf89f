//! The arguments that a later launch passes to the running instance.

use super::{Instance, Launch, Running};
use crate::client::error::Error;
use crate::events::{Event, HandlerOutput};
use serde_json::{Value, json};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;
use std::process::{ExitCode, Termination};

/// The event that passes on arguments: `{"name": "open", "args": […], "cwd": …}`.
const OPEN: &str = "open";

/// The arguments and the working directory of a later launch.
///
/// Both are passed on unchanged, even if they are not UTF-8. Without the attribute:
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
    /// The working directory of the launch, to which the arguments are relative; `None` if it was removed.
    pub directory: Option<PathBuf>,
}

impl Activation {
    /// Reads an event `open`. Members that are missing, or cannot be an argument or a directory, are left out.
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
    /// Converts the activation into the data of an event: `{"args": […], "cwd": …}`. A text that is not UTF-8 becomes an array of its bytes; a
    /// missing directory is left out.
    fn from(activation: Activation) -> Value {
        let arguments: Vec<Value> = activation.arguments.iter().map(|argument| print(argument)).collect();
        match activation.directory {
            Some(directory) => json!({ "args": arguments, "cwd": print(directory.as_os_str()) }),
            None => json!({ "args": arguments }),
        }
    }
}

/// Converts a text into a string, or into an array of bytes if it is not UTF-8.
fn print(text: &OsStr) -> Value {
    text.to_str().map_or_else(|| json!(text.as_bytes()), |text| json!(text))
}

/// Reverses [`print`]; returns `None` for any other value, or if the text has a NUL, which no argument and no path can have.
fn read(value: &Value) -> Option<OsString> {
    let bytes = match value {
        Value::String(text) => text.clone().into_bytes(),
        Value::Array(bytes) => bytes.iter().map(|byte| u8::try_from(byte.as_u64()?).ok()).collect::<Option<_>>()?,
        _ => return None,
    };
    Some(OsString::from_vec(bytes)).filter(|text| !text.as_bytes().contains(&0))
}

/// The expansion of an annotated `main`.
#[derive(Debug)]
pub struct Opening {
    instance: Instance,
    forwards: bool,
}

impl Opening {
    /// Wraps an instance whose later launches fail because it runs already.
    pub fn new(instance: Instance) -> Opening {
        Opening { instance, forwards: false }
    }

    /// Applies further settings.
    #[must_use]
    pub fn configure(self, configure: impl FnOnce(Instance) -> Instance) -> Opening {
        Opening { instance: configure(self.instance), ..self }
    }

    /// Lets later launches pass their arguments to `open`.
    #[must_use]
    pub fn on_open<Kind, R>(self, open: impl Fn(Activation) -> R + Send + Sync + 'static) -> Opening
    where
        R: HandlerOutput<Kind> + 'static,
    {
        let instance = self.instance.on(OPEN, move |event: Event| open(Activation::of(&event)));
        Opening { instance, forwards: true }
    }

    /// Runs the program in the first launch, or forwards this launch. Returns the exit status of this process.
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
        if self.forwards {
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
        // UTF-8 is sent as a string, for clients in other languages.
        let sent = Activation { arguments: vec!["a".into()], directory: None };
        assert_eq!(Value::from(sent), json!({ "args": ["a"] }));
    }

    /// Promise 1.44.
    #[test]
    fn invalid_members_are_left_out() {
        let hostile = json!({ "args": ["a", 7, null, [256], [-1], ["x"], [97, 0], "b\u{0}", {}, [98]], "cwd": "srv" });
        assert_eq!(opened(hostile), Activation { arguments: vec!["a".into(), "b".into()], directory: None });
        assert_eq!(opened(json!({ "args": 7, "cwd": [] })), Activation::default());
        assert_eq!(opened(json!({})), Activation::default());
    }
}
