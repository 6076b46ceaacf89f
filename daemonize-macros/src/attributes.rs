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
    pub(crate) outer: TokenStream,
    /// On every item that is printed: `#[cfg]`.
    pub(crate) gates: TokenStream,
    /// On every item that repeats the user's types: the lints that the user has allowed.
    pub(crate) allowed: TokenStream,
    /// On the user's own function: the rest.
    pub(crate) inner: TokenStream,
}

/// Sorts the attributes. Those that cannot stand beside ours are reported and left out.
pub(crate) fn sort(kind: Kind, attributes: &[Attribute], errors: &mut Errors) -> Attributes {
    let mut sorted = Attributes::default();
    for attribute in attributes {
        if let Some(message) = refusal(kind, attribute.path()) {
            errors.on(attribute, message);
            continue;
        }
        let name = attribute.path().get_ident().map(ToString::to_string).unwrap_or_default();
        let place = match (name.as_str(), &attribute.meta) {
            ("doc" | "deprecated" | "must_use", _) => &mut sorted.outer,
            ("cfg", _) => &mut sorted.gates,
            ("allow" | "expect", Meta::List(list)) => {
                // An `expect` becomes an `allow`: only the user's own function can fulfil it.
                let lints = &list.tokens;
                sorted.allowed.extend(quote!(#[allow(#lints)]));
                &mut sorted.inner
            }
            _ => &mut sorted.inner,
        };
        attribute.to_tokens(place);
    }
    sorted
}

/// Returns `true` for a lint level, the only kind of attribute that a parameter may bear.
pub(crate) fn is_lint_level(attribute: &Attribute) -> bool {
    ["allow", "expect", "warn", "deny", "forbid"].iter().any(|level| attribute.path().is_ident(level))
}

/// Returns why an attribute cannot stand on the same function as ours.
fn refusal(kind: Kind, path: &Path) -> Option<String> {
    let written = format!("#[{}]", path.to_token_stream().to_string().replace(' ', ""));
    let (first, last) = (&path.segments.first()?.ident, &path.segments.last()?.ident);
    if last == "test" {
        Some(format!("a test is not a daemon: remove `{written}`, and test the plain function through `call`"))
    } else if first == "daemon" && ["run", "step", "message", "instance"].iter().any(|ours| last == ours) {
        Some(format!("one function is one daemon: `{kind}` is already on it"))
    } else {
        (last == "main" && path.segments.len() > 1).then(|| runtime_message(&written))
    }
}

/// Returns why an attribute that starts a runtime is refused.
pub(crate) fn runtime_message(attribute: &str) -> String {
    format!("remove `{attribute}`: the runtime is built in the daemon, by the feature `tokio` of `daemonic`")
}
