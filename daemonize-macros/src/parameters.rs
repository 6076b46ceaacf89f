//! The parameters: their names outside, and how a step gets them anew each time.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident};
use syn::{FnArg, Lifetime, Pat, Signature, Type, TypeReference};

use crate::attributes;
use crate::errors::Errors;
use crate::expand::print;
use crate::keys::Kind;
use crate::lifetimes::Fresh;

/// One parameter as the functions around the user's declare it and pass it on.
pub(crate) struct Parameter {
    /// Its name, hygienic: it never meets an item or a parameter of the user's.
    pub(crate) name: Ident,
    /// Its type in the user's function.
    pub(crate) ty: TokenStream,
    /// Its type for callers: what is lent to each step may be owned or borrowed.
    pub(crate) outer_ty: TokenStream,
    /// `mut`, if it is lent exclusively.
    pub(crate) binding: Option<TokenStream>,
    /// The argument as the user's function gets it.
    pub(crate) passed: TokenStream,
}

/// Reads all parameters but `self`, and the lifetimes to declare for what is lent.
pub(crate) fn read(
    kind: Kind,
    root: &TokenStream,
    signature: &Signature,
    errors: &mut Errors,
) -> (Vec<Parameter>, Vec<Lifetime>) {
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
        parameters.push(match kind {
            Kind::Step => of_step(name, &typed.ty, root, signature, &mut fresh),
            // The function is called once.
            _ => as_it_is(&name, &typed.ty, print!(#name)),
        });
    }
    (parameters, fresh.0)
}

fn as_it_is(name: &Ident, ty: &Type, passed: TokenStream) -> Parameter {
    let ty = ty.to_token_stream();
    Parameter { name: name.clone(), outer_ty: ty.clone(), ty, binding: None, passed }
}

/// Returns a parameter that each step gets anew: cloned, or lent.
fn of_step(name: Ident, ty: &Type, root: &TokenStream, signature: &Signature, fresh: &mut Fresh) -> Parameter {
    let reference = match ty {
        Type::Group(group) => return of_step(name, &group.elem, root, signature, fresh),
        Type::Paren(paren) => return of_step(name, &paren.elem, root, signature, fresh),
        Type::Reference(reference) => reference,
        _ => return as_it_is(&name, ty, print!(#root::__private::step_argument::<#ty>(&#name))),
    };
    let exclusive = reference.mutability.is_some();
    // A lifetime that something else depends on must stay the caller's, and a trait object is made where the caller passes it.
    if is_shared_lifetime(reference, signature) || matches!(*reference.elem, Type::TraitObject(_)) {
        return as_it_is(&name, ty, if exclusive { print!(&mut *#name) } else { print!(#name) });
    }
    let target = fresh.name_in(reference.elem.to_token_stream());
    let (lending, lent, binding) = if exclusive {
        (print!(BorrowMut), print!(borrow_mut(&mut #name)), Some(print!(mut)))
    } else {
        (print!(Borrow), print!(borrow(&#name)), None)
    };
    let passed = print!(::core::borrow::#lending::<#target>::#lent);
    Parameter { outer_ty: print!(impl ::core::borrow::#lending<#target>), binding, ..as_it_is(&name, ty, passed) }
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

/// Returns `true` if the reference's lifetime is `'static`, or named anywhere else in the signature.
fn is_shared_lifetime(reference: &TypeReference, signature: &Signature) -> bool {
    let Some(lifetime) = reference.lifetime.as_ref().map(ToString::to_string) else { return false };
    let Signature { inputs, output, generics, .. } = signature;
    let bounds = &generics.where_clause;
    let text = quote::quote!(#inputs #output #bounds).to_string();
    let words = text.split(|letter: char| !(letter.is_alphanumeric() || "_'".contains(letter)));
    lifetime == "'static" || (lifetime != "'_" && words.filter(|word| *word == lifetime).count() > 1)
}
