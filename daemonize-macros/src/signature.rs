//! Which functions can be daemons. Others are refused on the word that makes them so.

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::ToTokens;
use syn::{FnArg, GenericParam, Signature, Type};

use crate::attributes;
use crate::errors::Errors;
use crate::keys::Kind;

/// Reports a method, beside which no item can stand, and returns `true` for one.
pub(crate) fn is_method(kind: Kind, signature: &Signature, errors: &mut Errors) -> bool {
    if let Some(receiver) = signature.receiver() {
        errors.on(receiver, format!("`{kind}` cannot be on a method: a daemon is a function of its own"));
        return true;
    }
    let word = find(signature.to_token_stream(), "Self");
    if let Some(word) = &word {
        errors.on(word, format!("`{kind}` cannot be on a method: there is no `Self` outside of it"));
    }
    word.is_some()
}

/// Reports everything else that a daemon cannot be.
pub(crate) fn check(kind: Kind, signature: &Signature, body: &TokenStream, errors: &mut Errors) {
    check_qualifiers(kind, signature, errors);
    check_types(kind, signature, errors);
    match kind {
        Kind::Message => check_handler(signature, errors),
        Kind::Instance => check_instance(signature, errors),
        _ if signature.ident == "main" && !signature.inputs.is_empty() => {
            errors.on(&signature.inputs, "`main` takes no arguments: read them with `std::env::args`");
        }
        _ => {}
    }
    if body.to_string() == ";" {
        errors.on(body, "a daemon needs a body");
    }
    // `#[tokio::main]` above ours has made the body already: it builds a runtime and allows a lint that no user mentions.
    if find(body.clone(), "diverging_sub_expression").is_some() && find(body.clone(), "Builder").is_some() {
        errors.on(&signature.ident, attributes::runtime_message("#[tokio::main]"));
    }
}

fn check_qualifiers(kind: Kind, signature: &Signature, errors: &mut Errors) {
    let Signature { constness, safety, abi, .. } = signature;
    for (words, why) in [
        (constness.to_token_stream(), "a `const fn`: a daemon only exists at run time"),
        (safety.to_token_stream(), "an `unsafe fn`: the library cannot keep its promise"),
        (abi.to_token_stream(), "an `extern fn`: only this library calls it"),
    ] {
        if !words.is_empty() {
            errors.on(words, format!("`{kind}` cannot be on {why}"));
        }
    }
    match &signature.asyncness {
        Some(word) if kind == Kind::Instance => errors.on(
            word,
            format!("`{kind}` wants a plain `fn main`: build the runtime in it, since only the first one needs it"),
        ),
        // The library builds the runtime only with its own feature of that name.
        Some(word) if !cfg!(feature = "tokio") => {
            errors.on(word, "an `async fn` needs the feature `tokio` of `daemonic`; or write a plain `fn`");
        }
        _ => {}
    }
}

/// A companion is one type with one configuration: it cannot know every `T`.
fn check_types(kind: Kind, signature: &Signature, errors: &mut Errors) {
    for parameter in &signature.generics.params {
        let (name, instead) = match parameter {
            GenericParam::Lifetime(_) => continue,
            GenericParam::Type(ty) => (&ty.ident, format!("write one function for each `{}`", ty.ident)),
            GenericParam::Const(constant) => (&constant.ident, format!("make `{}` an argument", constant.ident)),
        };
        errors.on(name, format!("`{kind}` cannot be on a generic function: {instead}"));
    }
    for word in signature.inputs.iter().filter_map(|input| find(input.to_token_stream(), "impl")) {
        errors.on(word, format!("`{kind}` cannot take `impl Trait`: write the type, or `Box<dyn Trait>`"));
    }
    let output = find(signature.output.to_token_stream(), "impl");
    if let Some(word) = output.filter(|_| kind != Kind::Instance) {
        errors.on(word, format!("`{kind}` cannot return `impl Trait`: write the type, such as `Result<(), Error>`"));
    }
}

/// A handler takes a message: nothing else could be passed to it.
fn check_handler(signature: &Signature, errors: &mut Errors) {
    let name = &signature.ident;
    if name == "main" {
        return errors.on(name, "`main` handles no messages: put the attribute on the function that does");
    }
    match signature.inputs.first() {
        None => errors.on(name, format!("a handler takes the message: write `fn {name}(job: Job)`")),
        Some(FnArg::Typed(typed)) => match &*typed.ty {
            Type::Reference(reference) if reference.lifetime.as_ref().is_none_or(|name| name.ident != "static") => {
                errors.on(reference, "the message is handed over by value: take it without `&`");
            }
            _ => {}
        },
        Some(FnArg::Receiver(_)) => {}
    }
    for more in signature.inputs.iter().skip(1) {
        errors.on(more, "a handler takes one message and nothing else: put into the message what belongs to it");
    }
}

fn check_instance(signature: &Signature, errors: &mut Errors) {
    if signature.ident != "main" {
        errors.on(&signature.ident, "`#[daemon::instance]` belongs on `fn main`: there is one instance of a program");
    }
    for more in signature.inputs.iter().skip(1) {
        errors.on(more, "`fn main` has at most one parameter here: `running: Running`");
    }
}

/// Returns the first such word, however deep.
pub(crate) fn find(tokens: TokenStream, word: &str) -> Option<Ident> {
    tokens.into_iter().find_map(|token| match token {
        TokenTree::Ident(ident) if ident == word => Some(ident),
        TokenTree::Group(group) => find(group.stream(), word),
        _ => None,
    })
}
