//! The tokens. Data and calls only: everything that can be decided is decided in the model before, everything that is done is done
//! in the library behind.
//!
//! Every printed token bears `Span::mixed_site`, so that no name of ours meets one of the user's and no lint reports code that
//! is not the user's. The user's tokens keep their spans.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;

use crate::companion;
use crate::function::Function;
use crate::keys::Kind;
use crate::model::Model;
use crate::parameters::hygienic;

/// `quote!` with the spans of this crate's tokens.
macro_rules! print {
    ($($tokens:tt)*) => { ::quote::quote_spanned!(::proc_macro2::Span::mixed_site()=> $($tokens)*) };
}
pub(crate) use print;

/// Prints the function that launches, and its companion.
pub(crate) fn expand(model: &Model) -> TokenStream {
    let launcher = match model.kind {
        Kind::Instance => return instance(model),
        // The function stays what it is.
        Kind::Message => model.function.plain.clone(),
        _ if model.function.signature.ident == "main" => main(model),
        _ => launcher(model),
    };
    let companion = companion::expand(model);
    print!(#launcher #companion)
}

/// Prints the function under the user's name: calling it launches the daemon.
fn launcher(model: &Model) -> TokenStream {
    let Model { root, companion, function, .. } = model;
    let Function { generics, bounds, parameters, visibility, .. } = function;
    let attributes = outer_attributes(function);
    let (ident, companion) = (hygienic(&function.signature.ident), hygienic(companion));
    let names: Vec<&Ident> = parameters.iter().map(|parameter| &parameter.name).collect();
    let types = parameters.iter().map(|parameter| &parameter.outer_ty);
    let body = if function.refused {
        print!(::core::unimplemented!())
    } else {
        // If a `mod` has the companion's name, the compiler names this constant as what it cannot find there.
        print!(let () = #companion::__SET_COMPANION_TO_ANOTHER_NAME; #companion::start(#(#names),*))
    };
    print! {
        #attributes
        #visibility fn #ident #generics (#(#names: #types),*) -> #root::Result<#root::Started> #bounds { #body }
    }
}

/// Prints an annotated `main`: the program is the launcher, and its exit status the outcome.
fn main(model: &Model) -> TokenStream {
    let Model { root, companion, function, .. } = model;
    let (attributes, visibility) = (outer_attributes(function), &function.visibility);
    let ident = hygienic(&function.signature.ident);
    let daemon = with_body(model, &hygienic(companion));
    let place = daemon.span();
    let root = located(root, place);
    let body = quote_spanned!(place=> #root::__private::main(#daemon));
    print! {
        #attributes
        #visibility fn #ident() -> ::std::process::ExitCode { #body }
    }
}

/// Prints a `main` that runs in the first launch of a program.
fn instance(model: &Model) -> TokenStream {
    let Model { root, name, calls, last_calls, function, .. } = model;
    let (plain, visibility) = (&function.plain, &function.visibility);
    let attributes = outer_attributes(function);
    if function.refused {
        // Any `main`, so that its absence is not a further error.
        return print!(#attributes #visibility fn main() { ::core::unimplemented!() });
    }
    let call = match function.signature.inputs.first() {
        None => print!(|_running| main()),
        // A mistake in its type is an error there.
        Some(parameter) => Ident::new("main", parameter.span().resolved_at(Span::mixed_site())).into_token_stream(),
    };
    print! {
        #attributes
        #visibility fn main() -> ::std::process::ExitCode {
            // The library passes it by value.
            #[allow(clippy::needless_pass_by_value)]
            #plain
            #root::control::__private::Opening::new(#root::control::Instance::new(#name) #calls) #last_calls.main(#call)
        }
    }
}

/// Returns the path as if it were written in that place; it means what it meant.
pub(crate) fn located(path: &TokenStream, place: Span) -> TokenStream {
    let locate = |mut token: TokenTree| {
        token.set_span(token.span().located_at(place));
        token
    };
    path.clone().into_iter().map(locate).collect()
}

fn outer_attributes(function: &Function) -> TokenStream {
    let attributes = &function.attributes;
    let (gates, allowed, outer) = (&attributes.gates, &attributes.allowed, &attributes.outer);
    quote!(#gates #allowed #outer)
}

/// Prints the configured daemon with the user's function as its body. All of it has the place of the return type: that is where an
/// error about what the function returns is reported, and it is reported once.
pub(crate) fn with_body(model: &Model, owner: &Ident) -> TokenStream {
    let Model { kind, root, from, function, .. } = model;
    let place = function.output_span().resolved_at(Span::mixed_site());
    let awaits = if function.awaits() { "_async" } else { "" };
    let method = |name: &str, span| Ident::new(&format!("{name}{awaits}"), span);
    let mut owner = owner.clone();
    owner.set_span(place);
    if function.refused {
        return quote_spanned!(place=> #owner::__daemon().run(|| ()));
    }
    if *kind == Kind::Message {
        // A mistake in the messages is reported where they come from, one in the handler at its type.
        let mut handler = function.signature.ident.clone();
        handler.set_span(handler.span().located_at(place));
        let (root, convert) = (located(root, place), method("handler", place));
        let handler = quote_spanned!(place=> #root::__private::#convert(#handler));
        let source = from.span().resolved_at(Span::mixed_site());
        owner.set_span(source);
        let messages = method("messages", source);
        return quote_spanned!(source=> #owner::__daemon().#messages(#from, #handler));
    }
    let arguments = function.parameters.iter().map(|parameter| &parameter.passed);
    let captures = (!function.parameters.is_empty()).then(|| quote_spanned!(place=> move));
    let call = quote_spanned!(place=> #owner::call(#(#arguments),*));
    let body = match (kind, function.awaits(), function.diverges()) {
        // What is lent to a step is lent for as long as it awaits.
        (Kind::Step, true, _) => quote_spanned!(place=> async #captures || #call.await),
        // The type of a closure that never returns is not that of its body: it must be said.
        (_, false, true) => quote_spanned!(place=> #captures || -> () { #call }),
        _ => quote_spanned!(place=> #captures || #call),
    };
    let verb = method(if *kind == Kind::Step { "step" } else { "run" }, place);
    quote_spanned!(place=> #owner::__daemon().#verb(#body))
}
