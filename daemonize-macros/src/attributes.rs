//! The function's other attributes: which printed item gets each, and which cannot be combined with a daemon attribute.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote};
use syn::{Attribute, Meta, Path};

use crate::errors::Errors;
use crate::kind::Kind;

/// The attributes, by the printed items that get them.
#[derive(Default)]
pub(crate) struct Attributes {
    /// For the function that callers see: documentation, `#[deprecated]`, `#[must_use]`.
    pub(crate) outer: TokenStream,
    /// For every printed item: `#[cfg]`.
    pub(crate) cfg: TokenStream,
    /// For every item that repeats the user's types: the lints that the user allows.
    pub(crate) lints: TokenStream,
    /// For the user's own function: all others.
    pub(crate) inner: TokenStream,
}

/// Sorts the attributes. An attribute that cannot be combined with a daemon attribute is reported and left out.
pub(crate) fn sort(kind: Kind, attributes: &[Attribute], errors: &mut Errors) -> Attributes {
    let mut sorted = Attributes::default();
    for attribute in attributes {
        if let Some(message) = rejection(kind, attribute.path()) {
            errors.push_spanned(attribute, message);
            continue;
        }
        let name = attribute.path().get_ident().map(ToString::to_string).unwrap_or_default();
        let target = match (name.as_str(), &attribute.meta) {
            ("doc" | "deprecated" | "must_use", _) => &mut sorted.outer,
            ("cfg", _) => &mut sorted.cfg,
            ("allow" | "expect", Meta::List(list)) => {
                // On the printed items `expect` becomes `allow`, since only the user's own function fulfils it.
                let tokens = &list.tokens;
                sorted.lints.extend(quote!(#[allow(#tokens)]));
                &mut sorted.inner
            }
            _ => &mut sorted.inner,
        };
        attribute.to_tokens(target);
    }
    sorted
}

/// Returns `true` for a lint level, the only attribute that a parameter can have.
pub(crate) fn is_lint_level(attribute: &Attribute) -> bool {
    ["allow", "expect", "warn", "deny", "forbid"].iter().any(|level| attribute.path().is_ident(level))
}

/// The attributes that make a daemon of a function, or a program of `main`.
const OURS: &[&str] = &["run", "step", "message", "instance"];

/// Returns the reason why an attribute cannot be combined with a daemon attribute.
fn rejection(kind: Kind, path: &Path) -> Option<String> {
    let written = format!("#[{}]", path.to_token_stream().to_string().replace(' ', ""));
    let (first, last) = (&path.segments.first()?.ident, &path.segments.last()?.ident);
    if kind == Kind::Init {
        return rejection_of_init(&written, first, last);
    }
    if first == "daemon" && last == "init" {
        return Some(format!("`{kind}` on `main` calls `daemon::init()` itself: remove `{written}`"));
    }
    if last == "test" {
        Some(format!(
            "`{written}` cannot be combined with `{kind}`: remove it, and test the plain function through `call`"
        ))
    } else if first == "daemon" && OURS.iter().any(|ours| last == ours) {
        Some(format!("a function can be only one daemon: remove `{written}` or `{kind}`"))
    } else if first == "daemon" && last == "main" {
        Some(format!("there is no `{written}`: remove it, `{kind}` belongs on `main` itself"))
    } else {
        is_runtime(path).then(|| runtime_message(&written))
    }
}

/// Returns the reason why an attribute cannot be combined with `#[daemon::init]`.
fn rejection_of_init(written: &str, first: &Ident, last: &Ident) -> Option<String> {
    if last == "test" {
        let message = "`#[daemon::init]` belongs on `fn main`, not on a test: remove it, and write `daemon::test_support!();` once in the \
                       crate of the tests";
        Some(message.to_owned())
    } else if first == "daemon" && OURS.iter().any(|ours| last == ours) {
        Some(format!("`{written}` on `main` calls `daemon::init()` itself: remove `#[daemon::init]`"))
    } else if first == "daemon" && last == "init" {
        Some("`#[daemon::init]` is written twice: remove one".to_owned())
    } else {
        None
    }
}

/// Returns `true` for an attribute that starts a runtime, such as `#[tokio::main]`.
pub(crate) fn is_runtime(path: &Path) -> bool {
    path.segments.len() > 1 && path.segments.last().is_some_and(|last| last.ident == "main")
}

/// Returns the error message for an attribute that starts a runtime.
pub(crate) fn runtime_message(attribute: &str) -> String {
    format!(
        "`{attribute}` would start its runtime before the fork: remove it; the feature `tokio` of `daemonic` starts one in the \
         daemon"
    )
}
