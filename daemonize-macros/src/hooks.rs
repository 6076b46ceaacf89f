//! The key `hooks`: `{ before(Stage) => hook, … }`.

use proc_macro2::{Ident, TokenStream};
use syn::Expr;

use crate::args::Arm;
use crate::errors::Errors;
use crate::handlers;
use crate::literals::bare_word;
use crate::suggest;
use crate::tokens::{hygienic, quote_mixed};

/// The stages, in the order of a launch.
const STAGES: &[&str] =
    &["Detach", "CoreDumps", "Identity", "Umask", "WorkingDirectory", "PidFile", "Signals", "Descriptors", "Stdio"];

/// Checks all arms, and returns a `Hooks` of the library. Arms with an error are left out.
pub(crate) fn expand(krate: &TokenStream, arms: &[Arm], errors: &mut Errors) -> TokenStream {
    let mut replaced: Vec<Ident> = Vec::new();
    let mut calls = TokenStream::new();
    for Arm { subject, action } in arms {
        let before = errors.count();
        let Some((verb, stage)) = errors.ok_or_push(parse_hook(subject)) else { continue };
        check_word(verb, "hook", &["before", "after", "replace"], errors);
        check_word(stage, "stage", STAGES, errors);
        let functions = handlers::parse(action, errors);
        if verb == "replace" {
            if functions.len() > 1 || replaced.contains(stage) {
                let message = format!("`{stage}` is replaced more than once: call both functions from one");
                errors.push_spanned(stage, message);
            }
            replaced.push(stage.clone());
        }
        if errors.count() == before {
            let verb = hygienic(verb);
            calls.extend(quote_mixed!(#(.#verb(#krate::settings::Stage::#stage, #functions))*));
        }
    }
    quote_mixed!(#krate::settings::Hooks::new() #calls)
}

/// Splits `verb(Stage)` into its two words.
fn parse_hook(subject: &Expr) -> syn::Result<(&Ident, &Ident)> {
    let (verb, stages) = match subject {
        Expr::Call(call) => (bare_word(&call.func), call.args.iter().collect()),
        other => (bare_word(other), Vec::new()),
    };
    if let (Some(verb), [stage]) = (verb, stages.as_slice()) {
        if let Some(stage) = bare_word(stage) {
            return Ok((verb, stage));
        }
    }
    let (tokens, message) = match (verb, stages.as_slice()) {
        (Some(verb), []) => (subject, format!("`{verb}` needs a stage, such as `{verb}(Umask) => prepare`")),
        (Some(_), [_, second, ..]) => (*second, "expected one stage: write one line for each".to_owned()),
        _ => (subject, "expected a hook and its stage, such as `before(Umask)`".to_owned()),
    };
    Err(syn::Error::new_spanned(tokens, message))
}

/// Reports a word that is not one of those allowed.
fn check_word(word: &Ident, what: &str, allowed: &[&str], errors: &mut Errors) {
    if !allowed.iter().any(|name| word == name) {
        errors.push_spanned(word, format!("unknown {what} `{word}`{}", suggest::hint(&word.to_string(), allowed)));
    }
}
