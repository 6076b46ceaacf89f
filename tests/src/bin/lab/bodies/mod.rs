//! The bodies, steps, hooks, handlers and attachments of the tests: functions by name, or a list of [`actions`].

mod concurrency;
mod ending;
mod manager;
mod printing;
mod processes;
mod resources;
mod restarting;
mod threads;

use look::actions::{self, Action, Failure, Fallible};

/// A function under the name that tests use.
type Named = (&'static str, fn(&str) -> Fallible);

/// Makes a table of functions: those without an argument, and those that take the text after `name:`.
macro_rules! table {
    ($($plain:ident),* ; $($with:ident),* $(,)?) => {
        &[
            $((stringify!($plain), |argument| {
                crate::bodies::no_argument(argument)?;
                crate::bodies::Outcome::into_result($plain())
            }),)*
            $((stringify!($with), |argument| crate::bodies::Outcome::into_result($with(argument))),)*
        ]
    };
}
use table;

/// The tables of all functions.
const TABLES: [&[Named]; 8] = [
    ending::TABLE,
    manager::TABLE,
    printing::TABLE,
    processes::TABLE,
    resources::TABLE,
    restarting::TABLE,
    concurrency::TABLE,
    threads::TABLE,
];

/// A body, a step, a hook or a handler.
#[derive(Clone, Debug)]
pub(crate) enum Body {
    /// Calls a function with the text after its name.
    Function(fn(&str) -> Fallible, String),
    /// Performs actions in order, up to the first error.
    Actions(Vec<Action>),
}

impl Body {
    /// Parses `function`, `function:argument` or actions separated by commas.
    pub(crate) fn parse(text: &str) -> Result<Body, Failure> {
        let (name, argument) = text.split_once(':').unwrap_or((text, ""));
        let found = TABLES.iter().flat_map(|table| table.iter()).find(|(known, _)| *known == name);
        match found {
            Some((_, function)) => Ok(Body::Function(*function, argument.to_owned())),
            None => actions::parse(text).map(Body::Actions),
        }
    }

    /// Runs the body in the calling thread.
    pub(crate) fn run(&self) -> Fallible {
        match self {
            Body::Function(function, argument) => function(argument),
            Body::Actions(words) => actions::perform(words),
        }
    }
}

impl Default for Body {
    fn default() -> Self {
        Body::Actions(vec![Action::Idle])
    }
}

/// The result of a function that may fail, and of one that cannot.
trait Outcome {
    fn into_result(self) -> Fallible;
}

impl Outcome for () {
    fn into_result(self) -> Fallible {
        Ok(())
    }
}

impl<E: Into<Failure>> Outcome for Result<(), E> {
    fn into_result(self) -> Fallible {
        self.map_err(Into::into)
    }
}

fn no_argument(argument: &str) -> Fallible {
    if argument.is_empty() { Ok(()) } else { Err(format!("`{argument}` for a function without an argument").into()) }
}
