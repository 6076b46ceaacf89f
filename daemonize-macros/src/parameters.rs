//! The parameters of the printed functions, and how each argument reaches the body: moved, cloned or lent.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident};
use syn::{FnArg, Lifetime, Pat, Signature, Type, TypeReference};

use crate::attributes;
use crate::errors::Errors;
use crate::kind::Kind;
use crate::lifetimes::FreshLifetimes;
use crate::tokens::{hygienic, quote_mixed};

/// One parameter of `start`, `restart` and `foreground`, and how it is passed to the user's function.
pub(crate) struct Parameter {
    /// The name, with a span that cannot collide with the user's names.
    pub(crate) name: Ident,
    /// The type in the user's function.
    pub(crate) ty: TokenStream,
    /// The type for callers, who may pass a lent argument owned or borrowed.
    pub(crate) outer_ty: TokenStream,
    /// `mut`, if the argument is lent as `&mut`.
    pub(crate) binding: Option<TokenStream>,
    /// The argument of the call of the user's function.
    pub(crate) passed: TokenStream,
    /// The type without the reference: what a launch by exec sends.
    pub(crate) target: TokenStream,
    pub(crate) sent: Sent,
}

/// How an argument is read, in the process that starts a daemon by exec, and owned by the new process.
pub(crate) enum Sent {
    /// By value.
    Value,
    /// Lent for the whole life of the new process.
    Reference { exclusive: bool },
    /// Owned by the new process, and lent to each step.
    Lent,
}

/// Returns the parameters, and the lifetimes to declare for lent arguments.
pub(crate) fn read(
    kind: Kind,
    krate: &TokenStream,
    signature: &Signature,
    errors: &mut Errors,
) -> (Vec<Parameter>, Vec<Lifetime>) {
    let mut fresh = FreshLifetimes::default();
    let mut parameters = Vec::new();
    for input in &signature.inputs {
        let FnArg::Typed(typed) = input else { continue };
        for attribute in typed.attrs.iter().filter(|attribute| !attributes::is_lint_level(attribute)) {
            errors.push_spanned(
                attribute,
                "a parameter cannot have an attribute other than a lint level, such as `#[allow(unused)]`: remove it",
            );
        }
        // In `call` a parameter with the function's name would shadow the function.
        let name = match &*typed.pat {
            Pat::Ident(named) if named.ident != signature.ident => hygienic(&named.ident),
            _ => format_ident!("argument_{}", parameters.len() + 1, span = Span::mixed_site()),
        };
        parameters.push(match kind {
            Kind::Step => lend_or_clone(name, &typed.ty, krate, signature, &mut fresh),
            // The function is called once, so its arguments are moved.
            _ => moved(&name, &typed.ty, quote_mixed!(#name)),
        });
    }
    (parameters, fresh.0)
}

/// Returns a parameter that is passed with its declared type.
fn moved(name: &Ident, ty: &Type, passed: TokenStream) -> Parameter {
    let (target, sent) = match reference(ty) {
        Some(TypeReference { mutability, elem, .. }) => {
            (elem.to_token_stream(), Sent::Reference { exclusive: mutability.is_some() })
        }
        None => (ty.to_token_stream(), Sent::Value),
    };
    let ty = ty.to_token_stream();
    Parameter { name: name.clone(), outer_ty: ty.clone(), ty, binding: None, passed, target, sent }
}

/// Returns a parameter of a step, which is cloned or lent for each call.
fn lend_or_clone(
    name: Ident,
    ty: &Type,
    krate: &TokenStream,
    signature: &Signature,
    fresh: &mut FreshLifetimes,
) -> Parameter {
    let reference = match ty {
        Type::Group(group) => return lend_or_clone(name, &group.elem, krate, signature, fresh),
        Type::Paren(paren) => return lend_or_clone(name, &paren.elem, krate, signature, fresh),
        Type::Reference(reference) => reference,
        _ => return moved(&name, ty, quote_mixed!(#krate::__private::step_argument::<#ty>(&#name))),
    };
    let exclusive = reference.mutability.is_some();
    // A lifetime that occurs elsewhere must remain the caller's; a conversion to a trait object happens only at the call.
    if is_shared_lifetime(reference, signature) || matches!(*reference.elem, Type::TraitObject(_)) {
        return moved(&name, ty, if exclusive { quote_mixed!(&mut *#name) } else { quote_mixed!(#name) });
    }
    let target = fresh.name_in(reference.elem.to_token_stream());
    let (lending, lent, binding) = if exclusive {
        (quote_mixed!(BorrowMut), quote_mixed!(borrow_mut(&mut #name)), Some(quote_mixed!(mut)))
    } else {
        (quote_mixed!(Borrow), quote_mixed!(borrow(&#name)), None)
    };
    let passed = quote_mixed!(::core::borrow::#lending::<#target>::#lent);
    let outer_ty = quote_mixed!(impl ::core::borrow::#lending<#target>);
    Parameter { outer_ty, binding, sent: Sent::Lent, ..moved(&name, ty, passed) }
}

/// Returns the reference that a type is.
pub(crate) fn reference(ty: &Type) -> Option<&TypeReference> {
    match ty {
        Type::Group(group) => reference(&group.elem),
        Type::Paren(paren) => reference(&paren.elem),
        Type::Reference(reference) => Some(reference),
        _ => None,
    }
}

/// Returns `true` if the reference's lifetime is `'static`, or occurs elsewhere in the signature.
fn is_shared_lifetime(reference: &TypeReference, signature: &Signature) -> bool {
    let Some(lifetime) = reference.lifetime.as_ref().map(ToString::to_string) else { return false };
    let Signature { inputs, output, generics, .. } = signature;
    let bounds = &generics.where_clause;
    let text = quote::quote!(#inputs #output #bounds).to_string();
    let words = text.split(|letter: char| !(letter.is_alphanumeric() || "_'".contains(letter)));
    lifetime == "'static" || (lifetime != "'_" && words.filter(|word| *word == lifetime).count() > 1)
}
