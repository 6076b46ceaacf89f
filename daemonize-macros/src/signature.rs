//! Checks of the signature: which functions can be daemons. An error is at the token that is the reason.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::{FnArg, GenericParam, Signature, Type};

use crate::attributes;
use crate::cli;
use crate::errors::Errors;
use crate::kind::Kind;
use crate::tokens::find_ident;

/// Returns `true` for a method, and reports it: the companion, an enum, cannot be printed inside an `impl`.
pub(crate) fn is_method(kind: Kind, signature: &Signature, errors: &mut Errors) -> bool {
    if let Some(receiver) = signature.receiver() {
        errors.push_spanned(
            receiver,
            format!("`{kind}` cannot be on a method: move it to a function outside of the `impl`"),
        );
        return true;
    }
    let word = find_ident(signature.to_token_stream(), "Self");
    if let Some(word) = &word {
        errors.push_spanned(
            word,
            format!("`{kind}` cannot be on a method: move it to a function outside of the `impl`, without `Self`"),
        );
    }
    word.is_some()
}

/// Reports everything else that a daemon cannot have. `has_cli` says that it is a `main` whose arguments are parsed.
pub(crate) fn check(kind: Kind, has_cli: bool, signature: &Signature, body: &TokenStream, errors: &mut Errors) {
    check_qualifiers(kind, signature, errors);
    check_types(kind, signature, errors);
    let is_main = signature.ident == "main";
    match kind {
        Kind::Message if is_main && !has_cli => {
            let message = "`main` handles messages only with `#[daemon::message(cli, …)]`: add the key `cli`, or put the \
                           attribute on another function";
            errors.push_spanned(&signature.ident, message);
        }
        Kind::Message => check_handler(signature, has_cli, errors),
        Kind::Instance => check_instance(signature, errors),
        _ if is_main && !has_cli && !signature.inputs.is_empty() => {
            let attribute = kind.to_string().replace(']', "(cli)]");
            errors.push_spanned(
                &signature.inputs,
                format!("`main` takes no arguments: read them with `std::env::args`, or write `{attribute}`, which parses them"),
            );
        }
        _ => {}
    }
    if has_cli {
        cli::check(kind, signature, errors);
    }
    if body.to_string() == ";" {
        errors.push_spanned(body, "the function of a daemon needs a body");
    }
    // `#[tokio::main]` above the daemon attribute has expanded already: its body builds a runtime, and allows a lint that no
    // user writes.
    if find_ident(body.clone(), "diverging_sub_expression").is_some() && find_ident(body.clone(), "Builder").is_some() {
        errors.push_spanned(&signature.ident, attributes::runtime_message("#[tokio::main]"));
    }
}

/// Reports `const`, `unsafe`, `extern`, and an `async` that the library does not support.
fn check_qualifiers(kind: Kind, signature: &Signature, errors: &mut Errors) {
    let Signature { constness, safety, abi, .. } = signature;
    for (words, why) in [
        (constness.to_token_stream(), "a `const fn`: remove `const`, a daemon starts at run time"),
        (safety.to_token_stream(), "an `unsafe fn`: remove `unsafe`, the library calls it from safe code"),
        (abi.to_token_stream(), "an `extern fn`: remove `extern`, only the library calls it"),
    ] {
        if !words.is_empty() {
            errors.push_spanned(words, format!("`{kind}` cannot be on {why}"));
        }
    }
    match &signature.asyncness {
        Some(word) if kind == Kind::Instance => errors.push_spanned(
            word,
            format!(
                "`{kind}` needs a plain `fn main`: start the runtime inside it, since only the first launch needs one"
            ),
        ),
        // The library has a runtime only with its feature `tokio`.
        Some(word) if !cfg!(feature = "tokio") => {
            errors.push_spanned(
                word,
                "an `async fn` needs the feature `tokio` of `daemonic`: enable it, or write a plain `fn`",
            );
        }
        _ => {}
    }
}

/// Reports type and constant parameters: a companion is one type, with one configuration.
fn check_types(kind: Kind, signature: &Signature, errors: &mut Errors) {
    for parameter in &signature.generics.params {
        let (name, instead) = match parameter {
            GenericParam::Lifetime(_) => continue,
            GenericParam::Type(ty) => (&ty.ident, format!("write one function for each `{}`", ty.ident)),
            GenericParam::Const(constant) => (&constant.ident, format!("make `{}` an argument", constant.ident)),
        };
        errors.push_spanned(name, format!("`{kind}` cannot be on a generic function: {instead}"));
    }
    for word in signature.inputs.iter().filter_map(|input| find_ident(input.to_token_stream(), "impl")) {
        errors.push_spanned(word, format!("`{kind}` cannot take `impl Trait`: write the type, or `Box<dyn Trait>`"));
    }
    let output = find_ident(signature.output.to_token_stream(), "impl");
    if let Some(word) = output.filter(|_| kind != Kind::Instance) {
        errors.push_spanned(
            word,
            format!("`{kind}` cannot return `impl Trait`: write the type, such as `Result<(), Error>`"),
        );
    }
}

/// Checks the parameters of a handler: one message, by value. With the key `cli` another may follow.
fn check_handler(signature: &Signature, has_cli: bool, errors: &mut Errors) {
    let name = &signature.ident;
    match signature.inputs.first() {
        None => errors.push_spanned(name, format!("a handler takes the message: write `fn {name}(job: Job)`")),
        Some(FnArg::Typed(typed)) => match &*typed.ty {
            Type::Reference(reference) if reference.lifetime.as_ref().is_none_or(|name| name.ident != "static") => {
                errors.push_spanned(reference, "a handler takes its message by value: remove the `&`");
            }
            _ => {}
        },
        Some(FnArg::Receiver(_)) => {}
    }
    for more in signature.inputs.iter().skip(1).filter(|_| !has_cli) {
        errors.push_spanned(more, "a handler takes one message and nothing else: make this a part of the message");
    }
}

/// Checks the signature of an instance's `main`.
fn check_instance(signature: &Signature, errors: &mut Errors) {
    if signature.ident != "main" {
        errors.push_spanned(
            &signature.ident,
            "`#[daemon::instance]` belongs on `fn main`: it applies to the whole program",
        );
    }
    for more in signature.inputs.iter().skip(1) {
        errors.push_spanned(more, "`fn main` has at most one parameter here, `running: Running`: remove this one");
    }
}
