//! Tests of the attributes on tokens, without a compiler.

mod attribute_errors;
mod block_errors;
mod cli_errors;
mod documentation;
mod function_errors;
mod hint_errors;
mod init;
mod instances;
mod launch_errors;
mod launch_snapshots;
mod passing;
mod snapshots;
mod survival;
mod value_errors;

use proc_macro2::TokenStream;

use crate::errors::Errors;
use crate::kind::Kind;

/// A function that is a fine daemon.
const FINE: &str = "fn sleepy() { body(); }";

/// A function that is a fine handler of messages.
const HANDLER: &str = "fn handle(job: Job) { body(); }";

/// The errors, each with its message and the user's text that it points at.
fn errors(kind: Kind, args: &str, item: &str) -> Vec<(String, String)> {
    let mut errors = Errors::default();
    let _ = crate::expand::expansion(kind, tokens(args), tokens(item), &mut errors);
    let list = errors.into_inner().into_iter().flatten();
    list.map(|error| (error.to_string(), error.span().source_text().unwrap_or_default())).collect()
}

/// The whole expansion, as `rustc` gets it.
fn expansion(kind: Kind, args: &str, item: &str) -> TokenStream {
    crate::expand::attribute(kind, tokens(args), tokens(item))
}

fn tokens(text: &str) -> TokenStream {
    text.parse().expect("the test's text is not even tokens")
}

/// Asserts what one attribute on one function complains about, and where.
#[track_caller]
fn assert_errors(kind: Kind, args: &str, item: &str, expected: &[(&str, &str)]) {
    let found = errors(kind, args, item);
    let found: Vec<(&str, &str)> = found.iter().map(|(message, place)| (message.as_str(), place.as_str())).collect();
    assert_eq!(found, expected, "{kind} with `{args}` on `{item}`");
}
