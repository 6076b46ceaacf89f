//! The launch by exec: the arguments are encoded by the companion, and decoded by an entry that the new process finds by its name.

use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::quote;
use syn::ext::IdentExt;

use crate::body;
use crate::model::Model;
use crate::parameters::{Parameter, Sent};
use crate::tokens::{hygienic, quote_mixed};

/// Returns `true` if the companion launches the daemon by exec. A function that cannot be a daemon has no entry.
pub(crate) fn applies(model: &Model) -> bool {
    model.launch.by_exec && !model.function.rejected
}

/// Returns `true` if the companion connects clients to a daemon on demand.
pub(crate) fn has_clients(model: &Model) -> bool {
    model.launch.by_exec && model.launch.on_demand.is_some()
}

/// Prints the functions of the companion that a launch by exec, and a daemon on demand, need.
pub(crate) fn functions(model: &Model) -> TokenStream {
    let on_demand = model.launch.on_demand.as_ref().filter(|_| !model.is_main());
    let settings = on_demand.map(|settings| on_demand_settings(&model.krate, settings));
    if !applies(model) {
        return settings.unwrap_or_default();
    }
    let Model { krate, launch, function, .. } = model;
    let name = Literal::string(&format!("::{}", function.signature.ident.unraw()));
    let environment = launch.environment.as_ref();
    let environment = environment.map(|environment| quote_mixed!(.environment(#environment)));
    let isolation = on_demand.map(|_| quote_mixed!(.isolation(#krate::exec::Isolation::Reset)));
    let (arguments, run) = (arguments(model), run(model));
    quote_mixed! {
        #settings

        /// The name by which a fresh execution of the program finds the daemon.
        const __ENTRY: &'static str = ::core::concat!(::core::module_path!(), #name);

        fn __exec(arguments: &#krate::exec::__private::Arguments) -> #krate::Result<#krate::exec::ExecDaemon> {
            let daemon = #krate::exec::__private::exec_daemon(Self::__daemon(), Self::__ENTRY, arguments)?;
            ::core::result::Result::Ok(daemon #environment #isolation)
        }

        #arguments

        #run
    }
}

/// Prints the item that adds the daemon to those of the program.
pub(crate) fn entry(model: &Model) -> TokenStream {
    let (krate, companion) = (&model.krate, hygienic(&model.companion));
    let cfg = &model.function.attributes.cfg;
    quote_mixed! {
        #cfg
        #krate::exec::__private::submit! {
            #krate::exec::__private::Entry { name: #companion::__ENTRY, run: #companion::__run }
        }
    }
}

/// Prints the call of a verb.
pub(crate) fn call_of_verb(model: &Model, verb: &Ident) -> TokenStream {
    let names = names(model);
    quote_mixed!(Self::__exec(&Self::__arguments(#(#names),*))?.#verb())
}

/// Prints `connect` and `connect_async`.
pub(crate) fn connect(model: &Model) -> TokenStream {
    let Model { krate, function, .. } = model;
    if !has_clients(model) {
        return TokenStream::new();
    }
    let (visibility, generics, bounds) = (&function.visibility, &function.generics, &function.bounds);
    let declared: Vec<TokenStream> = declared(model).collect();
    let names = names(model);
    let body = |function: &str| {
        let function = Ident::new(function, Span::mixed_site());
        if !applies(model) {
            return quote_mixed!(::core::unimplemented!());
        }
        let dot_await = (function == "connect_async").then(|| quote_mixed!(.await));
        quote_mixed! {
            let __arguments = Self::__arguments(#(#names),*);
            #krate::on_demand::#function(Self::__settings(), Self::__on_demand(), move |deadline| {
                Self::__exec(&__arguments)?.start_until(deadline)
            }) #dot_await
        }
    };
    let blocking = body("connect");
    let asynchronous = cfg!(feature = "tokio").then(|| {
        let body = body("connect_async");
        quote_mixed! {
            /// Connects to the daemon as `connect` does, in a task of a tokio runtime.
            #visibility async fn connect_async #generics (#(#declared),*) -> #krate::Result<#krate::on_demand::AsyncConnection> #bounds {
                #body
            }
        }
    });
    quote_mixed! {
        /// Connects to the daemon. If it does not run, it is started with these arguments.
        #visibility fn connect #generics (#(#declared),*) -> #krate::Result<#krate::on_demand::Connection> #bounds { #blocking }

        #asynchronous
    }
}

/// Prints the settings that clients and daemon share.
fn on_demand_settings(krate: &TokenStream, settings: &TokenStream) -> TokenStream {
    quote_mixed! {
        fn __on_demand() -> &'static #krate::on_demand::OnDemand {
            static __ON_DEMAND: ::std::sync::OnceLock<#krate::on_demand::OnDemand> = ::std::sync::OnceLock::new();
            __ON_DEMAND.get_or_init(|| #settings)
        }
    }
}

/// Prints the function that encodes the arguments.
fn arguments(model: &Model) -> TokenStream {
    let Model { krate, function, .. } = model;
    let (generics, bounds) = (&function.generics, &function.bounds);
    let declared = declared(model);
    let encoded = function.parameters.iter().map(|parameter| {
        let (described, name) = (description(krate, parameter), &parameter.name);
        let value = match &parameter.sent {
            Sent::Value => quote_mixed!(&#name),
            Sent::Reference { .. } => quote_mixed!(&*#name),
            Sent::Lent => {
                let target = &parameter.target;
                quote_mixed!(::core::borrow::Borrow::<#target>::borrow(&#name))
            }
        };
        quote_mixed!(.with(&#described, #value))
    });
    quote_mixed! {
        // The arguments are taken as the verbs take them, and only read here.
        #[allow(clippy::needless_pass_by_value)]
        fn __arguments #generics (#(#declared),*) -> #krate::exec::__private::Arguments #bounds {
            #krate::exec::__private::Arguments::new() #(#encoded)*
        }
    }
}

/// Prints the function that the new process calls: it decodes the arguments, and launches the daemon.
fn run(model: &Model) -> TokenStream {
    let Model { krate, function, .. } = model;
    let (generics, bounds) = (&function.generics, &function.bounds);
    let received = function.parameters.iter().map(|parameter| received(krate, parameter));
    let daemon = body::daemon_with_body(model, &Ident::new("Self", Span::mixed_site()));
    let reader = (!function.parameters.is_empty()).then(|| quote_mixed!(let mut __reader = __arguments.reader();));
    quote_mixed! {
        #[allow(clippy::extra_unused_lifetimes)]
        fn __run #generics (request: &#krate::exec::__private::Request) -> #krate::Result<#krate::Started> #bounds {
            request.run(|__arguments: &#krate::exec::__private::Arguments| {
                #reader
                #(#received)*
                ::core::result::Result::<_, ::std::string::String>::Ok(#daemon)
            })
        }
    }
}

/// Prints the statement that decodes an argument. One that is lent lives until the process ends.
fn received(krate: &TokenStream, parameter: &Parameter) -> TokenStream {
    let Parameter { name, binding, target, sent, .. } = parameter;
    let described = description(krate, parameter);
    let owned = quote_mixed!(__reader.next(&#described)?);
    match sent {
        Sent::Value | Sent::Lent => quote_mixed!(let #binding #name = #owned;),
        Sent::Reference { exclusive: false } => quote_mixed! {
            let #name: &#target = ::core::borrow::Borrow::borrow(&*::std::boxed::Box::leak(::std::boxed::Box::new(#owned)));
        },
        Sent::Reference { exclusive: true } => quote_mixed! {
            let #name: &mut #target = ::core::borrow::BorrowMut::borrow_mut(::std::boxed::Box::leak(::std::boxed::Box::new(#owned)));
        },
    }
}

/// Prints the description of a parameter. The compiler reports an unsuitable type at the type.
fn description(krate: &TokenStream, parameter: &Parameter) -> TokenStream {
    let ty = &parameter.target;
    let name = Literal::string(&parameter.name.unraw().to_string());
    quote_mixed!(#krate::exec::__private::parameter::<#ty>(#name))
}

fn names(model: &Model) -> Vec<&Ident> {
    model.function.parameters.iter().map(|parameter| &parameter.name).collect()
}

/// Prints the parameters of a function that does not change them.
fn declared(model: &Model) -> impl Iterator<Item = TokenStream> {
    model.function.parameters.iter().map(|Parameter { name, outer_ty, .. }| quote!(#name: #outer_ty))
}
