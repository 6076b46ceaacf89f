//! The companion: an enum that nobody can make, of the same name as the function, with the verbs.

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote_spanned;
use syn::ext::IdentExt;
use syn::spanned::Spanned;

use crate::expand::{self, print};
use crate::function::Function;
use crate::keys::Kind;
use crate::model::Model;
use crate::parameters::hygienic;

/// The enum and its functions.
pub(crate) fn expand(model: &Model) -> TokenStream {
    let function = &model.function;
    let (visibility, attributes) = (&function.visibility, &function.attributes);
    let (gates, allowed) = (&attributes.gates, &attributes.allowed);
    let name = hygienic(&model.companion);
    let line = format!(" Starts, stops and asks after the daemon of [`fn@{}`].", function.ident.unraw());
    let starting = starting(model);
    let reaching = reaching(model);
    // The handler of messages is called by its own name.
    let call = (model.kind != Kind::Message).then(|| call(function));
    let controlling = model.controlled.then(|| controlling(model));
    let daemon = daemon(model);
    print! {
        #(#gates)*
        #[doc = #line]
        #[allow(non_camel_case_types, dead_code)]
        #visibility enum #name {}

        #(#gates)*
        #(#allowed)*
        impl #name {
            #starting
            #reaching
            #controlling
            #call
            #daemon
        }
    }
}

/// The verbs that need the function's arguments.
fn starting(model: &Model) -> TokenStream {
    let Model { root, .. } = model;
    let started = print!(#root::Result<#root::Started>);
    let endless = print!(#root::Result<::core::convert::Infallible>);
    [
        verb(model, "start", " Launches the daemon and returns once it is ready, or why it is not.", &started),
        verb(model, "restart", " Stops the daemon if it runs, then launches it.", &started),
        verb(model, "foreground", " Runs the daemon in this very process, without detaching.", &endless),
    ]
    .into_iter()
    .collect()
}

fn verb(model: &Model, name: &str, line: &str, outcome: &TokenStream) -> TokenStream {
    // In a program that only stops the daemon, what its body and its handlers use is no dead code.
    let quiet = (name == "start").then(|| print!(#[allow(dead_code)]));
    let Function { lending_generics, bounds, parameters, visibility, .. } = &model.function;
    let name = Ident::new(name, Span::mixed_site());
    let declared = expand::declare_mutable(parameters);
    let body = model.function.stand_in().unwrap_or_else(|| {
        let daemon = expand::with_work(model, &Ident::new("Self", Span::mixed_site()));
        quote_spanned!(daemon.span()=> #daemon.#name())
    });
    print! {
        #[doc = #line]
        #quiet
        #visibility fn #name #lending_generics (#declared) -> #outcome #bounds { #body }
    }
}

/// The verbs that find the daemon by its pidfile.
fn reaching(model: &Model) -> TokenStream {
    let Model { root, function, .. } = model;
    let visibility = &function.visibility;
    print! {
        /// Stops the daemon and returns once it is gone; success as well if it did not run.
        #visibility fn stop() -> #root::Result<#root::Stopped> { Self::__daemon().stop() }

        /// Whether the daemon runs, and as which process.
        #visibility fn status() -> #root::Result<#root::Status> { Self::__daemon().status() }

        /// Sends the daemon a signal, such as `"HUP"`.
        #visibility fn send(
            signal: impl ::core::convert::TryInto<#root::Signal, Error: ::core::fmt::Display>,
        ) -> #root::Result<()> {
            Self::__daemon().send(signal)
        }

        /// The daemon's process, if it runs.
        #visibility fn pid() -> #root::Result<::core::option::Option<#root::Pid>> { Self::__daemon().pid() }

        /// Where the pidfile is.
        #visibility fn pidfile() -> ::std::path::PathBuf { Self::__daemon().pidfile_path() }
    }
}

/// The verbs that talk to the daemon's endpoint.
fn controlling(model: &Model) -> TokenStream {
    let Model { root, function, .. } = model;
    let visibility = &function.visibility;
    print! {
        /// Talks to the daemon's endpoint, if it runs.
        #visibility fn client() -> #root::control::Client { #root::control::Client::of(&Self::__daemon()) }

        /// Sends the daemon's endpoint an event; what its handler replied.
        #visibility fn event(
            name: &str,
            data: impl ::core::convert::Into<#root::control::serde_json::Value>,
        ) -> #root::control::Result<#root::control::serde_json::Value> {
            Self::client().event(name, data)
        }
    }
}

/// The plain function. It is an item of its own in here, so that its name means itself in it.
fn call(function: &Function) -> TokenStream {
    let Function { generics, bounds, parameters, visibility, output, plain, ident, .. } = function;
    let (asyncness, wait) = if function.awaits { (Some(print!(async)), Some(print!(.await))) } else { (None, None) };
    let declared = parameters.iter().map(|parameter| {
        let (name, ty) = (&parameter.name, &parameter.ty);
        print!(#name: #ty)
    });
    let names = parameters.iter().map(|parameter| &parameter.name);
    let (quiet, body) = match function.stand_in() {
        Some(stand_in) if !returns_opaque(output) => (Some(print!(#[allow(dead_code)])), stand_in),
        _ => (None, print!(#ident(#(#names),*) #wait)),
    };
    print! {
        /// Calls the plain function, here and now.
        #visibility #asyncness fn call #generics (#(#declared),*) #output #bounds { #quiet #plain #body }
    }
}

/// Whether only the user's own function can make what it returns.
fn returns_opaque(output: &TokenStream) -> bool {
    output.clone().into_iter().any(|token| token.to_string() == "impl")
}

/// The configuration, made once per process.
fn daemon(model: &Model) -> TokenStream {
    let root = &model.root;
    let configured = expand::configured(model);
    print! {
        fn __daemon() -> #root::Daemon {
            static __DAEMON: ::std::sync::OnceLock<#root::Daemon> = ::std::sync::OnceLock::new();
            ::core::clone::Clone::clone(__DAEMON.get_or_init(|| #configured))
        }
    }
}
