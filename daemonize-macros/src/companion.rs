//! The companion: an enum without variants, of the same name as the function, with the verbs.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::Signature;
use syn::ext::IdentExt;
use syn::spanned::Spanned;

use crate::expand::{self, print};
use crate::function::Function;
use crate::keys::Kind;
use crate::model::Model;
use crate::parameters::{Parameter, hygienic};
use crate::signature;

/// Prints the enum and its functions.
pub(crate) fn expand(model: &Model) -> TokenStream {
    let Model { root, name, calls, last_calls, function, .. } = model;
    let Function { visibility, attributes, signature, .. } = function;
    let (gates, allowed) = (&attributes.gates, &attributes.allowed);
    let companion = hygienic(&model.companion);
    let doc = format!(" Starts, stops and inspects the daemon of [`fn@{}`].", signature.ident.unraw());
    let (started, endless) = (print!(#root::Started), print!(::core::convert::Infallible));
    let start = verb(model, "start", " Launches the daemon and returns once it is ready, or why it is not.", &started);
    let restart = verb(model, "restart", " Stops the daemon if it runs, then launches it.", &started);
    let foreground = verb(model, "foreground", " Runs the daemon in this very process, without detaching.", &endless);
    let control = model.controlled.then(|| print!(#root::control::__private::companion_verbs! { #visibility fn }));
    // The handler of messages is called by its own name.
    let call = (model.kind != Kind::Message).then(|| call(function));
    print! {
        #gates
        #[doc = #doc]
        #[allow(non_camel_case_types, dead_code)]
        #visibility enum #companion {}

        #gates
        #allowed
        impl #companion {
            // In a program that only stops the daemon, what its body and its handlers use is not dead code.
            #[allow(dead_code)]
            #start
            #restart
            #foreground
            #root::__private::companion_verbs! { #visibility fn }
            #control
            #call

            const __SET_COMPANION_TO_ANOTHER_NAME: () = ();

            fn __daemon() -> #root::Daemon {
                static __DAEMON: ::std::sync::OnceLock<#root::Daemon> = ::std::sync::OnceLock::new();
                ::core::clone::Clone::clone(__DAEMON.get_or_init(|| #root::Daemon::new(#name) #calls #last_calls))
            }
        }

        #gates
        #[allow(unused_imports)]
        use #root::__private::CompanionVerbs as _;
    }
}

/// Prints a verb that needs the function's arguments.
fn verb(model: &Model, name: &str, doc: &str, outcome: &TokenStream) -> TokenStream {
    let Model { root, function, .. } = model;
    let Function { generics, bounds, parameters, visibility, .. } = function;
    let name = Ident::new(name, Span::mixed_site());
    let declared = parameters.iter().map(|Parameter { name, outer_ty, binding, .. }| print!(#binding #name: #outer_ty));
    let daemon = expand::with_body(model, &Ident::new("Self", Span::mixed_site()));
    let body = quote_spanned!(daemon.span()=> #daemon.#name());
    print! {
        #[doc = #doc]
        #visibility fn #name #generics (#(#declared),*) -> #root::Result<#outcome> #bounds { #body }
    }
}

/// Prints the plain function. It is an item of its own in here, so that its name means itself in it.
fn call(function: &Function) -> TokenStream {
    let Function { parameters, visibility, plain, signature, .. } = function;
    let Signature { generics, output, ident, asyncness, .. } = signature;
    let (bounds, wait) = (&generics.where_clause, asyncness.as_ref().map(|_| print!(.await)));
    let names: Vec<&Ident> = parameters.iter().map(|parameter| &parameter.name).collect();
    let types = parameters.iter().map(|parameter| &parameter.ty);
    // Only the user's own function can make what an `impl Trait` is.
    let opaque = signature::find(output.to_token_stream(), "impl").is_some();
    let (quiet, body) = if function.refused && !opaque {
        (Some(print!(#[allow(dead_code)])), print!(::core::unimplemented!()))
    } else {
        (None, print!(#ident(#(#names),*) #wait))
    };
    print! {
        /// Calls the plain function, here and now.
        #visibility #asyncness fn call #generics (#(#names: #types),*) #output #bounds { #quiet #plain #body }
    }
}
