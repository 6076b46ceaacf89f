//! The function's other attributes: where each goes, and which cannot stand beside ours.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{Attribute, Meta, Path};

use crate::errors::Errors;
use crate::keys::Kind;

/// The attributes, sorted by where they go.
#[derive(Default)]
pub(crate) struct Attributes {
    /// On the function that launches: what its callers see.
    pub(crate) outer: Vec<TokenStream>,
    /// On everything we print: `#[cfg]`.
    pub(crate) gates: Vec<TokenStream>,
    /// On everything that repeats the user's types: the lints the user has allowed.
    pub(crate) allowed: Vec<TokenStream>,
    /// On the user's own function: all the rest.
    pub(crate) inner: Vec<TokenStream>,
}

/// Sorts the attributes; those that cannot stand beside ours are reported and left out.
pub(crate) fn sort(kind: Kind, attributes: &[Attribute], errors: &mut Errors) -> Attributes {
    let mut sorted = Attributes::default();
    for attribute in attributes {
        match refusal(kind, attribute.path()) {
            Some(message) => errors.on(attribute, message),
            None => place(attribute, &mut sorted),
        }
    }
    sorted
}

fn place(attribute: &Attribute, sorted: &mut Attributes) {
    let tokens = attribute.to_token_stream();
    let name = attribute.path().get_ident().map(ToString::to_string).unwrap_or_default();
    match name.as_str() {
        "doc" | "deprecated" | "must_use" => sorted.outer.push(tokens),
        "cfg" => sorted.gates.push(tokens),
        _ => {
            sorted.allowed.extend(as_allow(attribute, &name));
            sorted.inner.push(tokens);
        }
    }
}

/// What the user allows in the signature is allowed wherever its types are repeated. An `expect`
/// becomes an `allow`: only the user's own function can fulfil it.
fn as_allow(attribute: &Attribute, name: &str) -> Option<TokenStream> {
    match &attribute.meta {
        Meta::List(list) if matches!(name, "allow" | "expect") => {
            let lints = &list.tokens;
            Some(quote!(#[allow(#lints)]))
        }
        _ => None,
    }
}

/// Whether it is a lint level, the only kind of attribute a parameter may bear.
pub(crate) fn is_lint_level(attribute: &Attribute) -> bool {
    ["allow", "expect", "warn", "deny", "forbid"].iter().any(|level| attribute.path().is_ident(level))
}

/// Why an attribute cannot stand on the same function as ours.
fn refusal(kind: Kind, path: &Path) -> Option<String> {
    let words: Vec<String> = path.segments.iter().map(|part| part.ident.to_string()).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["test"] | [_, .., "test"] => Some(format!(
            "a test is no daemon: remove `#[{}]`, and test the plain function through `call`",
            words.join("::")
        )),
        ["daemon", .., "run" | "step" | "message"] => {
            Some(format!("one function is one daemon: `{kind}` is already on it"))
        }
        [_, .., "main"] => Some(runtime_message(&format!("#[{}]", words.join("::")))),
        _ => None,
    }
}

/// Why an attribute that starts a runtime is refused.
pub(crate) fn runtime_message(attribute: &str) -> String {
    format!("remove `{attribute}`: the runtime is built in the daemon, by the feature `tokio` of `daemonic`")
}
