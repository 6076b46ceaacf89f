//! The parameter of a `main` with the key `cli`: the parsed arguments.

use proc_macro2::{Ident, TokenStream};
use quote::ToTokens;
use syn::{FnArg, GenericParam, Pat, PatType, Signature, Type, TypeReference};

use crate::errors::Errors;
use crate::kind::Kind;

/// The parameter that is the parsed arguments.
pub(crate) struct ParsedArguments {
    pub(crate) pattern: TokenStream,
    /// The type, without a reference.
    pub(crate) ty: TokenStream,
}

/// Returns the position of the parameter: a handler of messages takes the message first.
fn position(kind: Kind) -> usize {
    usize::from(kind == Kind::Message)
}

/// Returns the parameter, if there is one.
pub(crate) fn parsed_arguments(kind: Kind, signature: &Signature) -> Option<ParsedArguments> {
    let typed = typed(signature.inputs.iter().nth(position(kind))?)?;
    let ty = reference(&typed.ty).map_or(&*typed.ty, |reference| &reference.elem);
    Some(ParsedArguments { pattern: typed.pat.to_token_stream(), ty: ty.to_token_stream() })
}

/// Returns the name of the parameter, if it has one.
pub(crate) fn name(kind: Kind, signature: &Signature) -> Option<&Ident> {
    match &*typed(signature.inputs.iter().nth(position(kind))?)?.pat {
        Pat::Ident(named) => Some(&named.ident),
        _ => None,
    }
}

fn typed(input: &FnArg) -> Option<&PatType> {
    if let FnArg::Typed(typed) = input { Some(typed) } else { None }
}

fn reference(ty: &Type) -> Option<&TypeReference> {
    match ty {
        Type::Reference(reference) => Some(reference),
        Type::Group(group) => reference(&group.elem),
        Type::Paren(paren) => reference(&paren.elem),
        _ => None,
    }
}

/// Reports a parameter that cannot be the parsed arguments, and every further one.
pub(crate) fn check(kind: Kind, signature: &Signature, errors: &mut Errors) {
    for parameter in &signature.generics.params {
        if let GenericParam::Lifetime(lifetime) = parameter {
            errors.push_spanned(lifetime, "`main` cannot have lifetimes: remove them, and leave them out of the types");
        }
    }
    let ty = signature.inputs.iter().nth(position(kind)).and_then(typed).map(|typed| &*typed.ty);
    let text = ty.map(|ty| reference(ty).map_or(ty, |reference| &reference.elem).to_token_stream().to_string());
    let text = text.unwrap_or_default().replace(' ', "");
    match (kind, ty, ty.and_then(reference)) {
        (Kind::Run, _, Some(reference)) => {
            errors.push_spanned(reference, format!("`main` takes the parsed arguments by value: write `{text}`"));
        }
        (Kind::Message, Some(ty), None) => {
            errors.push_spanned(ty, format!("all messages share the parsed arguments: write `&{text}`"));
        }
        (Kind::Message, _, Some(reference)) if reference.mutability.is_some() => {
            errors.push_spanned(reference, format!("all messages share the parsed arguments: write `&{text}`"));
        }
        (_, _, Some(TypeReference { lifetime: Some(lifetime), .. })) if lifetime.ident == "static" => {
            errors.push_spanned(lifetime, format!("the parsed arguments are lent to `main`: remove `{lifetime}`"));
        }
        _ => {}
    }
    for more in signature.inputs.iter().skip(position(kind) + 1) {
        let message = format!("`main` takes the parsed arguments and nothing else: make this a field of `{text}`");
        errors.push_spanned(more, message);
    }
}
