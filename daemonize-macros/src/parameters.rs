//! The parameters: their names outside, and how a step gets them anew each time.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident};
use syn::{FnArg, Lifetime, Pat, Signature, Type, TypeReference};

use crate::attributes;
use crate::errors::Errors;
use crate::expand::print;
use crate::keys::Kind;
use crate::lifetimes::Fresh;

/// One parameter as the functions around the user's declare it.
pub(crate) struct Parameter {
    /// Its name, hygienic: it never meets an item or a parameter of the user's.
    pub(crate) name: Ident,
    pub(crate) ty: TokenStream,
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

impl Parameter {
    /// Returns the parameter as callers see it, for a function that lends it or only passes it on.
    pub(crate) fn declared(&self, lends: bool) -> TokenStream {
        let (name, ty, binding) = (&self.name, &self.ty, lends.then(|| print!(mut)));
        match &self.passing {
            Passing::Lend(target) => print!(#name: impl ::core::borrow::Borrow<#target>),
            Passing::LendMut(target) => print!(#binding #name: impl ::core::borrow::BorrowMut<#target>),
            _ => print!(#name: #ty),
        }
    }

    /// Returns the argument as the user's function gets it.
    pub(crate) fn passed(&self, root: &TokenStream) -> TokenStream {
        let (name, ty) = (&self.name, &self.ty);
        match &self.passing {
            Passing::Move | Passing::Copy => print!(#name),
            Passing::Reborrow => print!(&mut *#name),
            Passing::Clone => print!(#root::__private::step_argument::<#ty>(&#name)),
            Passing::Lend(target) => print!(::core::borrow::Borrow::<#target>::borrow(&#name)),
            Passing::LendMut(target) => print!(::core::borrow::BorrowMut::<#target>::borrow_mut(&mut #name)),
        }
    }
}

/// Reads all parameters but `self`, and the lifetimes to declare for what is lent.
pub(crate) fn read(kind: Kind, signature: &Signature, errors: &mut Errors) -> (Vec<Parameter>, Vec<Lifetime>) {
    let mut fresh = Fresh::default();
    let mut parameters = Vec::new();
    for input in &signature.inputs {
        let FnArg::Typed(typed) = input else { continue };
        for attribute in typed.attrs.iter().filter(|attribute| !attributes::is_lint_level(attribute)) {
            errors.on(attribute, "a daemon's parameters cannot bear attributes other than lint levels");
        }
        // The function's own name is taken by the function to which the arguments are passed on.
        let name = match &*typed.pat {
            Pat::Ident(named) if named.ident != signature.ident => hygienic(&named.ident),
            _ => format_ident!("argument_{}", parameters.len() + 1, span = Span::mixed_site()),
        };
        let passing = if kind == Kind::Step { passing(&typed.ty, signature, &mut fresh) } else { Passing::Move };
        parameters.push(Parameter { name, ty: typed.ty.to_token_stream(), passing });
    }
    (parameters, fresh.0)
}

/// Returns the same name in the same place, but invisible to the user's own names. The result is read as Rust 2024: a name that
/// is a keyword only there becomes a raw one.
pub(crate) fn hygienic(ident: &Ident) -> Ident {
    let span = ident.span().resolved_at(Span::mixed_site());
    if ident == "gen" {
        return Ident::new_raw("gen", span);
    }
    let mut ident = ident.clone();
    ident.set_span(span);
    ident
}

/// Returns how a step gets an argument of this type.
fn passing(ty: &Type, signature: &Signature, fresh: &mut Fresh) -> Passing {
    let reference = match ty {
        Type::Group(group) => return passing(&group.elem, signature, fresh),
        Type::Paren(paren) => return passing(&paren.elem, signature, fresh),
        Type::Reference(reference) => reference,
        _ => return Passing::Clone,
    };
    // A lifetime that something else depends on must stay the caller's, and a trait object is made where the caller passes it.
    let kept = is_shared_lifetime(reference, signature) || matches!(*reference.elem, Type::TraitObject(_));
    let target = reference.elem.to_token_stream();
    match (reference.mutability.is_some(), kept) {
        (false, true) => Passing::Copy,
        (true, true) => Passing::Reborrow,
        (false, false) => Passing::Lend(fresh.name_in(target)),
        (true, false) => Passing::LendMut(fresh.name_in(target)),
    }
}

/// Returns `true` if the reference's lifetime is `'static`, or named anywhere else in the signature.
fn is_shared_lifetime(reference: &TypeReference, signature: &Signature) -> bool {
    let Some(lifetime) = &reference.lifetime else { return false };
    let Signature { inputs, output, generics, .. } = signature;
    let bounds = &generics.where_clause;
    let used = occurrences(quote::quote!(#inputs #output #bounds), &lifetime.ident);
    lifetime.ident == "static" || (lifetime.ident != "_" && used > 1)
}

/// Returns how often the lifetime of that name occurs.
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
