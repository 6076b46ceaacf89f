//! The companion: an enum without variants that has the function's name, and `start`, `stop`, `status` and the other verbs.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::Signature;
use syn::ext::IdentExt;
use syn::spanned::Spanned;

use crate::body;
use crate::exec;
use crate::function::Function;
use crate::model::{Cli, Model};
use crate::parameters::Parameter;
use crate::program::{self, arguments_type};
use crate::tokens::{find_ident, hygienic, quote_mixed};

/// Prints the enum and its functions.
pub(crate) fn expand(model: &Model) -> TokenStream {
    let Model { krate, function, .. } = model;
    let Function { visibility, attributes, signature, .. } = function;
    let (cfg, lints) = (&attributes.cfg, &attributes.lints);
    let companion = hygienic(&model.companion);
    let does = if model.cli.is_some() { "Calls the plain function" } else { "Starts, stops and inspects the daemon" };
    let doc = format!(" {does} of [`fn@{}`].", signature.ident.unraw());
    // The handler of messages keeps its own name, so it needs no `call`.
    let call = (!model.keeps_function()).then(|| call(function));
    let (verbs, daemon) = match &model.cli {
        Some(cli) => (TokenStream::new(), settings_of_arguments(model, cli)),
        None => (verbs(model), with_exec(model)),
    };
    quote_mixed! {
        #cfg
        #[doc = #doc]
        #[allow(non_camel_case_types, dead_code)]
        #visibility enum #companion {}

        #cfg
        #lints
        impl #companion {
            #verbs
            #call
            #daemon
        }

        #cfg
        #[allow(unused_imports)]
        use #krate::__private::CompanionVerbs as _;
    }
}

/// Prints the verbs.
fn verbs(model: &Model) -> TokenStream {
    let Model { krate, function, .. } = model;
    let visibility = &function.visibility;
    let (started, endless) = (quote_mixed!(#krate::Started), quote_mixed!(::core::convert::Infallible));
    let connect = exec::connect(model);
    let start = verb(model, "start", " Launches the daemon, and returns when it is ready or has failed.", &started);
    let restart = verb(model, "restart", " Stops the daemon if it is running, then launches it.", &started);
    let foreground = verb(model, "foreground", " Runs the daemon in the current process, without detaching.", &endless);
    let control =
        model.has_endpoint.then(|| quote_mixed!(#krate::control::__private::companion_verbs! { #visibility fn }));
    let dispatch = cfg!(feature = "cli").then(|| dispatch(model));
    quote_mixed! {
        // A program may only stop the daemon: `start`, and the code that it uses, is no dead code then.
        #[allow(dead_code)]
        #start
        #restart
        #connect
        #foreground
        #krate::__private::companion_verbs! { #visibility fn }
        #control
        #dispatch
    }
}

/// Prints the daemon that the verbs act on, and how it is launched by exec.
fn with_exec(model: &Model) -> TokenStream {
    let (daemon, exec) = (daemon(model), exec::functions(model));
    quote_mixed!(#daemon #exec)
}

/// Prints the daemon that the verbs act on.
fn daemon(model: &Model) -> TokenStream {
    let Model { krate, name, calls, last_calls, .. } = model;
    if exec::has_clients(model) {
        // A client borrows the settings for each connection.
        return quote_mixed! {
            const __SET_COMPANION_TO_ANOTHER_NAME: () = ();

            fn __settings() -> &'static #krate::Daemon {
                static __DAEMON: ::std::sync::OnceLock<#krate::Daemon> = ::std::sync::OnceLock::new();
                __DAEMON.get_or_init(|| #krate::Daemon::new(#name) #calls #last_calls)
            }

            fn __daemon() -> #krate::Daemon {
                ::core::clone::Clone::clone(Self::__settings())
            }
        };
    }
    quote_mixed! {
        const __SET_COMPANION_TO_ANOTHER_NAME: () = ();

        fn __daemon() -> #krate::Daemon {
            static __DAEMON: ::std::sync::OnceLock<#krate::Daemon> = ::std::sync::OnceLock::new();
            ::core::clone::Clone::clone(__DAEMON.get_or_init(|| #krate::Daemon::new(#name) #calls #last_calls))
        }
    }
}

/// Prints the function from the parsed arguments to the daemon.
fn settings_of_arguments(model: &Model, cli: &Cli) -> TokenStream {
    let Model { krate, name, calls, last_calls, function, .. } = model;
    let Signature { generics, .. } = &function.signature;
    let bounds = &generics.where_clause;
    let pattern = cli.arguments.as_ref().map(|arguments| arguments.pattern.clone());
    let pattern = pattern.unwrap_or_else(|| quote_mixed!(_));
    // Without its feature there is no type of the library for a `main` without a parameter.
    let ty =
        if cfg!(feature = "cli") || cli.arguments.is_some() { arguments_type(krate, cli) } else { quote_mixed!(()) };
    quote_mixed! {
        #[allow(clippy::needless_pass_by_value)]
        fn __settings #generics (#[allow(unused_variables, unused_mut)] #pattern: #ty) -> #krate::Daemon #bounds {
            #krate::Daemon::new(#name) #calls #last_calls
        }
    }
}

/// Prints `dispatch`, which performs a verb of the program's own command line.
fn dispatch(model: &Model) -> TokenStream {
    let Model { krate, function, .. } = model;
    let Function { generics, bounds, parameters, visibility, .. } = function;
    let program = program::expand(model);
    let daemon = body::dispatched_daemon(model, &Ident::new("Self", Span::mixed_site()));
    let is_taken = parameters.iter().any(|parameter| parameter.name == "verb");
    let verb = Ident::new(if is_taken { "__verb" } else { "verb" }, Span::mixed_site());
    let declared = declared(parameters);
    quote_mixed! {
        /// Performs a verb that the program has parsed itself, and returns the exit status for `main`.
        #[allow(clippy::too_many_arguments)]
        #visibility fn dispatch #generics (#verb: #krate::cli::Verb, #(#declared),*) -> ::std::process::ExitCode #bounds {
            #program.dispatch(#verb, #daemon)
        }
    }
}

/// Prints the parameters of a verb.
fn declared(parameters: &[Parameter]) -> impl Iterator<Item = TokenStream> {
    parameters.iter().map(|Parameter { name, outer_ty, binding, .. }| quote_mixed!(#binding #name: #outer_ty))
}

/// Prints a verb that takes the function's arguments.
fn verb(model: &Model, name: &str, doc: &str, outcome: &TokenStream) -> TokenStream {
    let Model { krate, function, .. } = model;
    let Function { generics, bounds, parameters, visibility, .. } = function;
    let name = Ident::new(name, Span::mixed_site());
    let (declared, body): (Vec<TokenStream>, _) = if name != "foreground" && exec::applies(model) {
        // The arguments are encoded, not changed.
        (
            parameters.iter().map(|Parameter { name, outer_ty, .. }| quote_mixed!(#name: #outer_ty)).collect(),
            exec::call_of_verb(model, &name),
        )
    } else {
        let daemon = body::daemon_with_body(model, &Ident::new("Self", Span::mixed_site()));
        (declared(parameters).collect(), quote_spanned!(daemon.span()=> #daemon.#name()))
    };
    quote_mixed! {
        #[doc = #doc]
        #visibility fn #name #generics (#(#declared),*) -> #krate::Result<#outcome> #bounds { #body }
    }
}

/// Prints `call`, with the user's function as an item inside it, so that the function can call itself by its name.
fn call(function: &Function) -> TokenStream {
    let Function { parameters, visibility, plain, signature, .. } = function;
    let Signature { generics, output, ident, asyncness, .. } = signature;
    let (bounds, dot_await) = (&generics.where_clause, asyncness.as_ref().map(|_| quote_mixed!(.await)));
    let names: Vec<&Ident> = parameters.iter().map(|parameter| &parameter.name).collect();
    let types = parameters.iter().map(|parameter| &parameter.ty);
    // An `impl Trait` is defined by the user's own body.
    let opaque = find_ident(output.to_token_stream(), "impl").is_some();
    let (allow, body) = if function.rejected && !opaque {
        (Some(quote_mixed!(#[allow(dead_code)])), quote_mixed!(::core::unimplemented!()))
    } else {
        (None, quote_mixed!(#ident(#(#names),*) #dot_await))
    };
    quote_mixed! {
        /// Calls the plain function, in the current process.
        #visibility #asyncness fn call #generics (#(#names: #types),*) #output #bounds { #allow #plain #body }
    }
}
