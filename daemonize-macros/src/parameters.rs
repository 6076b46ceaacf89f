//! The parameters: their names outside, and how a step gets them anew each time.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident};
use syn::{FnArg, Lifetime, Pat, PatType, Signature, Type, TypeReference};

use crate::attributes;
use crate::errors::Errors;
use crate::keys::Kind;
use crate::lifetimes::Fresh;

/// One parameter as the functions around the user's declare it.
pub(crate) struct Parameter {
    /// Its name, hygienic: it never meets an item or a parameter of the user's.
    pub(crate) name: Ident,
    /// Its type.
    pub(crate) ty: TokenStream,
    /// How the user's function gets it.
    pub(crate) passing: Passing,
}

/// How an argument reaches the user's function.
pub(crate) enum Passing {
    /// Moved: the function is called once.
    Move,
    /// Cloned for each step.
    Clone,
    /// A shared reference that each step gets anew.
    Copy,
    /// An exclusive reference that is lent on to each step.
    Reborrow,
    /// Owned or borrowed, as the caller likes, and lent to each step as `&T`.
    Lend(TokenStream),
    /// Owned or borrowed, as the caller likes, and lent to each step as `&mut T`.
    LendMut(TokenStream),
}

/// Reads all parameters but `self`, and the lifetimes to declare for what is lent.
pub(crate) fn read(kind: Kind, signature: &Signature, errors: &mut Errors) -> (Vec<Parameter>, Vec<Lifetime>) {
    let mut fresh = Fresh::default();
    let mut parameters = Vec::new();
    for input in &signature.inputs {
        let FnArg::Typed(typed) = input else { continue };
        refuse_attributes(typed, errors);
        parameters.push(Parameter {
            name: name(&typed.pat, &signature.ident, parameters.len()),
            ty: typed.ty.to_token_stream(),
            passing: match kind {
                Kind::Run | Kind::Message => Passing::Move,
                Kind::Step => passing(&typed.ty, signature, &mut fresh),
            },
        });
    }
    (parameters, fresh.into_names())
}

fn refuse_attributes(parameter: &PatType, errors: &mut Errors) {
    for attribute in &parameter.attrs {
        if !attributes::is_lint_level(attribute) {
            errors.on(attribute, "a daemon's parameters cannot bear attributes other than lint levels");
        }
    }
}

/// The user's name where there is one: it is what the documentation shows. The function's own name
/// is taken by the function beside which the arguments are passed on.
fn name(pattern: &Pat, function: &Ident, position: usize) -> Ident {
    match pattern {
        Pat::Ident(named) if named.ident != *function => hygienic(&named.ident),
        _ => format_ident!("argument_{}", position + 1, span = Span::mixed_site()),
    }
}

/// The same name in the same place, but invisible to the user's own names.
pub(crate) fn hygienic(ident: &Ident) -> Ident {
    let mut ident = ident.clone();
    ident.set_span(ident.span().resolved_at(Span::mixed_site()));
    ident
}

/// How a step gets an argument of this type.
fn passing(ty: &Type, signature: &Signature, fresh: &mut Fresh) -> Passing {
    match ty {
        Type::Group(group) => passing(&group.elem, signature, fresh),
        Type::Paren(paren) => passing(&paren.elem, signature, fresh),
        Type::Reference(reference) => lending(reference, signature, fresh),
        _ => Passing::Clone,
    }
}

/// A reference is lent, unless that would break it: a lifetime that something else depends on must
/// stay the caller's, and a trait object should be made where the caller passes it.
fn lending(reference: &TypeReference, signature: &Signature, fresh: &mut Fresh) -> Passing {
    let exclusive = reference.mutability.is_some();
    let kept = is_shared_lifetime(reference, signature) || matches!(*reference.elem, Type::TraitObject(_));
    match (exclusive, kept) {
        (false, true) => Passing::Copy,
        (true, true) => Passing::Reborrow,
        (false, false) => Passing::Lend(fresh.name_in(&reference.elem)),
        (true, false) => Passing::LendMut(fresh.name_in(&reference.elem)),
    }
}

/// Whether the reference's lifetime is `'static`, or named anywhere else in the signature.
fn is_shared_lifetime(reference: &TypeReference, signature: &Signature) -> bool {
    let Some(lifetime) = &reference.lifetime else {
        return false;
    };
    let used = occurrences(signature.inputs.to_token_stream(), &lifetime.ident)
        + occurrences(signature.output.to_token_stream(), &lifetime.ident)
        + occurrences(signature.generics.where_clause.to_token_stream(), &lifetime.ident);
    lifetime.ident == "static" || (lifetime.ident != "_" && used > 1)
}

/// How often the lifetime of that name occurs.
fn occurrences(tokens: TokenStream, name: &Ident) -> usize {
    let mut quote = false;
    let mut count = 0;
    for token in tokens {
        count += match &token {
            TokenTree::Group(group) => occurrences(group.stream(), name),
            TokenTree::Ident(ident) => usize::from(quote && ident == name),
            _ => 0,
        };
        quote = matches!(&token, TokenTree::Punct(punct) if punct.as_char() == '\'');
    }
    count
}
