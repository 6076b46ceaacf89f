//! The companion: an enum without variants, of the same name as the function, with the verbs.

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote_spanned;
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
    let Function { visibility, attributes, signature, .. } = &model.function;
    let (gates, allowed) = (&attributes.gates, &attributes.allowed);
    let (root, name) = (&model.root, hygienic(&model.companion));
    let doc = format!(" Starts, stops and inspects the daemon of [`fn@{}`].", signature.ident.unraw());
    let (starting, reaching) = (starting(model), reaching(model));
    let controlling = model.controlled.then(|| controlling(model));
    // The handler of messages is called by its own name.
    let call = (model.kind != Kind::Message).then(|| call(&model.function));
    let daemon = daemon(model);
    print! {
        #gates
        #[doc = #doc]
        #[allow(non_camel_case_types, dead_code)]
        #visibility enum #name {}

        #gates
        #allowed
        impl #name { #starting #reaching #controlling #call #daemon }

        #gates
        #[allow(unused_imports)]
        use #root::__private::CompanionVerbs as _;
    }
}

/// Prints the verbs that need the function's arguments.
fn starting(model: &Model) -> TokenStream {
    let root = &model.root;
    let (started, endless) = (print!(#root::Started), print!(::core::convert::Infallible));
    [
        ("start", " Launches the daemon and returns once it is ready, or why it is not.", &started),
        ("restart", " Stops the daemon if it runs, then launches it.", &started),
        ("foreground", " Runs the daemon in this very process, without detaching.", &endless),
    ]
    .into_iter()
    .map(|(name, line, outcome)| verb(model, name, line, outcome))
    .collect()
}

fn verb(model: &Model, name: &str, line: &str, outcome: &TokenStream) -> TokenStream {
    let Model { root, function, .. } = model;
    let Function { generics, bounds, parameters, visibility, .. } = function;
    // In a program that only stops the daemon, what its body and its handlers use is not dead code.
    let quiet = (name == "start").then(|| print!(#[allow(dead_code)]));
    let name = Ident::new(name, Span::mixed_site());
    let declared = parameters.iter().map(|Parameter { name, outer_ty, binding, .. }| print!(#binding #name: #outer_ty));
    let body = function.stand_in().unwrap_or_else(|| {
        let daemon = expand::with_body(model, &Ident::new("Self", Span::mixed_site()));
        quote_spanned!(daemon.span()=> #daemon.#name())
    });
    print! {
        #[doc = #line]
        #quiet
        #visibility fn #name #generics (#(#declared),*) -> #root::Result<#outcome> #bounds { #body }
    }
}

/// Prints the verbs that find the daemon by its pidfile.
fn reaching(model: &Model) -> TokenStream {
    let (root, visibility) = (&model.root, &model.function.visibility);
    print! {
        /// Stops the daemon and returns once it has ended. Succeeds as well if it did not run.
        #visibility fn stop() -> #root::Result<#root::Stopped> { Self::__daemon().stop() }

        /// Returns whether the daemon runs, and as which process.
        #visibility fn status() -> #root::Result<#root::Status> { Self::__daemon().status() }

        /// Sends the daemon a signal, such as `"HUP"`.
        #visibility fn send(
            signal: impl ::core::convert::TryInto<#root::Signal, Error: ::core::fmt::Display>,
        ) -> #root::Result<()> {
            Self::__daemon().send(signal)
        }

        /// Returns the daemon's process, if it runs.
        #visibility fn pid() -> #root::Result<::core::option::Option<#root::Pid>> { Self::__daemon().pid() }

        /// Returns the path of the pidfile.
        #visibility fn pidfile() -> ::std::path::PathBuf { Self::__daemon().pidfile_path() }
    }
}

/// Prints the verbs that talk to the daemon's endpoint.
fn controlling(model: &Model) -> TokenStream {
    let (root, visibility) = (&model.root, &model.function.visibility);
    print! {
        /// Returns a client of the daemon's endpoint.
        #visibility fn client() -> #root::control::Client { #root::control::Client::of(&Self::__daemon()) }

        /// Sends the daemon's endpoint an event, and returns what its handler replied.
        #visibility fn event(
            name: &str,
            data: impl ::core::convert::Into<#root::control::serde_json::Value>,
        ) -> #root::control::Result<#root::control::serde_json::Value> {
            Self::client().event(name, data)
        }
    }
}

/// Prints the plain function. It is an item of its own in here, so that its name means itself in it.
fn call(function: &Function) -> TokenStream {
    let Function { bounds, parameters, visibility, plain, signature, .. } = function;
    let (generics, output, ident) = (&signature.generics, &signature.output, &signature.ident);
    let wait = function.awaits().then(|| (print!(async), print!(.await)));
    let (asyncness, wait) = wait.unzip();
    let names: Vec<&Ident> = parameters.iter().map(|parameter| &parameter.name).collect();
    let types = parameters.iter().map(|parameter| &parameter.ty);
    // Only the user's own function can make what an `impl Trait` is.
    let opaque = signature::find(print!(#output), "impl").is_some();
    let (quiet, body) = match function.stand_in() {
        Some(stand_in) if !opaque => (Some(print!(#[allow(dead_code)])), stand_in),
        _ => (None, print!(#ident(#(#names),*) #wait)),
    };
    print! {
        /// Calls the plain function, here and now.
        #visibility #asyncness fn call #generics (#(#names: #types),*) #output #bounds { #quiet #plain #body }
    }
}

/// Prints the configuration, made once per process, and the constant by which the launcher finds a companion of the wrong kind.
fn daemon(model: &Model) -> TokenStream {
    let Model { root, name, calls, .. } = model;
    print! {
        const __SET_COMPANION_TO_ANOTHER_NAME: () = ();

        fn __daemon() -> #root::Daemon {
            static __DAEMON: ::std::sync::OnceLock<#root::Daemon> = ::std::sync::OnceLock::new();
            ::core::clone::Clone::clone(__DAEMON.get_or_init(|| #root::Daemon::new(#name) #calls))
        }
    }
}
