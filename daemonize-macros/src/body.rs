//! The configured daemon with the user's function as its body, as an expression.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::spanned::Spanned;

use crate::cli::ParsedArguments;
use crate::kind::Kind;
use crate::model::Model;
use crate::parameters::Parameter;
use crate::tokens::located;

/// Prints the daemon, `owner::__daemon().run(…)`. All tokens have the location of the return type, so that the compiler reports an
/// unsuitable return type there, and once.
pub(crate) fn daemon_with_body(model: &Model, owner: &Ident) -> TokenStream {
    let span = body_span(model);
    let owner = located_ident(owner, span);
    with_body(model, &quote_spanned!(span=> #owner::__daemon()), &owner)
}

/// Prints the daemon for a verb of the program's own command line. The program exits at once after a start, so a daemon that ends with
/// the process that starts it ends with the parent of the program.
pub(crate) fn dispatched_daemon(model: &Model, owner: &Ident) -> TokenStream {
    let span = body_span(model);
    let owner = located_ident(owner, span);
    let krate = located(&model.krate, span);
    let ends_with =
        model.ends_with_launcher.then(|| quote_spanned!(span=> .ends_with(#krate::settings::EndsWith::LauncherParent)));
    with_body(model, &quote_spanned!(span=> #owner::__daemon() #ends_with), &owner)
}

/// Prints the function that gives a daemon its body, with the parsed arguments: `|daemon, args| daemon.run(…)`.
pub(crate) fn function_of_arguments(model: &Model, owner: &Ident) -> TokenStream {
    let span = body_span(model);
    let owner = located_ident(owner, span);
    // A parameter of the user may be called `daemon`.
    let daemon = quote_spanned!(span=> __daemon);
    let body = with_body(model, &daemon, &owner);
    let arguments = model.cli.as_ref().and_then(|cli| cli.arguments.as_ref());
    match (arguments, model.kind, model.function.parameters.as_slice()) {
        (Some(ParsedArguments { pattern, .. }), Kind::Message, [_, Parameter { name, .. }, ..]) => {
            // Each handler borrows the arguments, and they are needed until the process ends.
            quote_spanned! {span=>
                |#daemon, #name| {
                    let #name: &'static _ = ::std::boxed::Box::leak(::std::boxed::Box::new(#name));
                    #[allow(unused_variables, unused_mut)]
                    let #pattern = #name;
                    #body
                }
            }
        }
        (_, Kind::Run | Kind::Step, [Parameter { name, binding, .. }, ..]) => {
            quote_spanned!(span=> |#daemon, #binding #name| #body)
        }
        _ => quote_spanned!(span=> |#daemon, _| #body),
    }
}

/// Returns the location of the return type, with the resolution of a printed token.
fn body_span(model: &Model) -> Span {
    model.function.output_span().resolved_at(Span::mixed_site())
}

fn located_ident(ident: &Ident, span: Span) -> Ident {
    let mut ident = ident.clone();
    ident.set_span(span);
    ident
}

/// Prints the daemon with its body, `daemon.run(…)`.
fn with_body(model: &Model, daemon: &TokenStream, owner: &Ident) -> TokenStream {
    let Model { kind, function, .. } = model;
    let span = body_span(model);
    if function.rejected {
        return quote_spanned!(span=> #daemon.run(|| ()));
    }
    if *kind == Kind::Message {
        return with_messages(model, daemon, owner);
    }
    let arguments = function.parameters.iter().map(|parameter| &parameter.passed);
    let captures = (!function.parameters.is_empty()).then(|| quote_spanned!(span=> move));
    let call = quote_spanned!(span=> #owner::call(#(#arguments),*));
    let body = match (kind, function.awaits(), function.diverges()) {
        // An async closure, since its future borrows what the closure owns.
        (Kind::Step, true, _) => quote_spanned!(span=> async #captures || #call.await),
        // The return type `!` of the body does not become that of the closure: `()` is stated.
        (_, false, true) => quote_spanned!(span=> #captures || -> () { #call }),
        _ => quote_spanned!(span=> #captures || #call),
    };
    let verb = method(model, if *kind == Kind::Step { "step" } else { "run" }, span);
    quote_spanned!(span=> #daemon.#verb(#body))
}

/// Prints the daemon with its handler, `daemon.messages(from, handler)`. The compiler reports an unsuitable `from` at its value,
/// and an unsuitable handler at its return type.
fn with_messages(model: &Model, daemon: &TokenStream, owner: &Ident) -> TokenStream {
    let Model { krate, from, function, .. } = model;
    let span = body_span(model);
    let handler = if model.keeps_function() {
        let mut handler = function.signature.ident.clone();
        handler.set_span(handler.span().located_at(span));
        handler.into_token_stream()
    } else if let [_, Parameter { name, .. }, ..] = function.parameters.as_slice() {
        quote_spanned!(span=> move |__message| #owner::call(__message, #name))
    } else {
        quote_spanned!(span=> #owner::call)
    };
    let (krate, convert) = (located(krate, span), method(model, "handler", span));
    let handler = quote_spanned!(span=> #krate::__private::#convert(#handler));
    let source = from.span().resolved_at(Span::mixed_site());
    let daemon = located(daemon, source);
    let messages = method(model, "messages", source);
    quote_spanned!(source=> #daemon.#messages(#from, #handler))
}

/// Returns the method of that name, or the one for an `async fn`.
fn method(model: &Model, name: &str, span: Span) -> Ident {
    let awaits = if model.function.awaits() { "_async" } else { "" };
    Ident::new(&format!("{name}{awaits}"), span)
}
