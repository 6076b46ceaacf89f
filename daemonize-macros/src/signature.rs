//! Which functions can be daemons. What cannot is refused on the word that makes it so.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::spanned::Spanned;
use syn::{FnArg, GenericParam, ReturnType, Safety, Signature, Type, TypeReference};

use crate::attributes;
use crate::errors::Errors;
use crate::keys::{AWAITS, Kind};

/// Whether it is written as a method: then it can only be given back as it is.
pub(crate) fn check_method(kind: Kind, signature: &Signature, errors: &mut Errors) -> bool {
    let receiver = signature.receiver();
    if let Some(receiver) = receiver {
        let message = format!("`{kind}` cannot be on a method: a daemon is a function of its own");
        errors.on(receiver, message);
    }
    let of_type = receiver.is_none().then(|| find(signature.to_token_stream(), "Self")).flatten();
    if let Some(word) = &of_type {
        let message = format!("`{kind}` cannot be on a method: there is no `Self` outside of it");
        errors.at(word.span(), message);
    }
    receiver.is_some() || of_type.is_some()
}

/// Reports everything else that no daemon can be.
pub(crate) fn check(kind: Kind, signature: &Signature, body: &TokenStream, errors: &mut Errors) {
    check_qualifiers(kind, signature, errors);
    check_generics(kind, signature, errors);
    check_types(kind, signature, errors);
    if kind == Kind::Message {
        check_handler(signature, errors);
    } else if signature.ident == "main" && !signature.inputs.is_empty() {
        errors.on(&signature.inputs, "`main` takes no arguments: read them with `std::env::args`");
    }
    if body.to_string() == ";" {
        errors.on(body, "a daemon needs a body");
    }
    if is_runtime(body) {
        errors.at(signature.ident.span(), attributes::runtime_message("#[tokio::main]"));
    }
}

/// A handler is given a message, and nothing else could be given to it.
fn check_handler(signature: &Signature, errors: &mut Errors) {
    let name = &signature.ident;
    if name == "main" {
        return errors.on(name, "`main` handles no messages: put the attribute on the function that does");
    }
    let mut typed = signature.inputs.iter().filter_map(|input| match input {
        FnArg::Typed(typed) => Some(typed),
        FnArg::Receiver(_) => None,
    });
    match typed.next().map(|first| &*first.ty) {
        None => errors.on(name, format!("a handler takes the message: write `fn {name}(job: Job)`")),
        Some(Type::Reference(reference)) if !is_static(reference) => {
            errors.on(reference, "the message is handed over by value: take it without `&`");
        }
        Some(_) => {}
    }
    for more in typed {
        errors.on(more, "a handler takes one message and nothing else: put into the message what belongs to it");
    }
}

fn is_static(reference: &TypeReference) -> bool {
    reference.lifetime.as_ref().is_some_and(|lifetime| lifetime.ident == "static")
}

fn check_qualifiers(kind: Kind, signature: &Signature, errors: &mut Errors) {
    if let Some(word) = &signature.constness {
        errors.on(word, format!("`{kind}` cannot be on a `const fn`: a daemon only exists at run time"));
    }
    if let Some(word) = signature.asyncness.as_ref().filter(|_| !AWAITS) {
        errors.on(word, "an `async fn` needs the feature `tokio` of `daemonic`; or write a plain `fn`");
    }
    if let Safety::Unsafe(word) = &signature.safety {
        errors.on(word, format!("`{kind}` cannot be on an `unsafe fn`: nobody could keep its promise in the daemon"));
    }
    if let Some(abi) = &signature.abi {
        errors.on(abi, format!("`{kind}` cannot be on an `extern fn`: only this library calls it"));
    }
    if let Some(variadic) = &signature.variadic {
        errors.on(variadic, format!("`{kind}` cannot be on a variadic function"));
    }
}

/// A companion is one type with one configuration: it cannot know every `T`.
fn check_generics(kind: Kind, signature: &Signature, errors: &mut Errors) {
    for parameter in &signature.generics.params {
        match parameter {
            GenericParam::Lifetime(_) => {}
            GenericParam::Type(ty) => errors.on(
                &ty.ident,
                format!("`{kind}` cannot be on a generic function: write one function for each `{}`", ty.ident),
            ),
            GenericParam::Const(constant) => errors.on(
                &constant.ident,
                format!("`{kind}` cannot be on a generic function: make `{}` an argument", constant.ident),
            ),
        }
    }
}

fn check_types(kind: Kind, signature: &Signature, errors: &mut Errors) {
    for input in &signature.inputs {
        if let FnArg::Typed(typed) = input {
            if let Some(word) = find(typed.ty.to_token_stream(), "impl") {
                errors
                    .at(word.span(), format!("`{kind}` cannot take `impl Trait`: write the type, or `Box<dyn Trait>`"));
            }
        }
    }
    if let Some(word) = find(signature.output.to_token_stream(), "impl") {
        errors.at(
            word.span(),
            format!("`{kind}` cannot return `impl Trait`: write the type, such as `Result<(), Error>`"),
        );
    }
}

/// The first such word, however deep.
fn find(tokens: TokenStream, word: &str) -> Option<Ident> {
    tokens.into_iter().find_map(|token| match token {
        TokenTree::Ident(ident) if ident == word => Some(ident),
        TokenTree::Group(group) => find(group.stream(), word),
        _ => None,
    })
}

/// Whether `#[tokio::main]` above ours has already made this body: it builds a runtime and allows
/// a lint that nobody else mentions.
fn is_runtime(body: &TokenStream) -> bool {
    find(body.clone(), "diverging_sub_expression").is_some() && find(body.clone(), "Builder").is_some()
}

/// Whether the function never returns.
pub(crate) fn diverges(signature: &Signature) -> bool {
    matches!(&signature.output, ReturnType::Type(_, ty) if matches!(**ty, Type::Never(_)))
}

/// Where the return type is; the function's name if there is none.
pub(crate) fn output_span(signature: &Signature) -> Span {
    match &signature.output {
        ReturnType::Default => signature.ident.span(),
        ReturnType::Type(_, ty) => ty.span(),
    }
}
