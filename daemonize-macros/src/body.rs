//! The configured daemon with the user's function as its body, as an expression.

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote_spanned;
use syn::spanned::Spanned;

use crate::keys::Kind;
use crate::model::Model;
use crate::tokens::located;

/// Prints the daemon, `owner::__daemon().run(…)`. All tokens have the location of the return type, so that the compiler reports an
/// unsuitable return type there, and once.
pub(crate) fn daemon_with_body(model: &Model, owner: &Ident) -> TokenStream {
    let Model { kind, krate, from, function, .. } = model;
    let span = function.output_span().resolved_at(Span::mixed_site());
    let awaits = if function.awaits() { "_async" } else { "" };
    let method = |name: &str, span| Ident::new(&format!("{name}{awaits}"), span);
    let mut owner = owner.clone();
    owner.set_span(span);
    if function.rejected {
        return quote_spanned!(span=> #owner::__daemon().run(|| ()));
    }
    if *kind == Kind::Message {
        // The compiler reports an unsuitable `from` at its value, and an unsuitable handler at its return type.
        let mut handler = function.signature.ident.clone();
        handler.set_span(handler.span().located_at(span));
        let (krate, convert) = (located(krate, span), method("handler", span));
        let handler = quote_spanned!(span=> #krate::__private::#convert(#handler));
        let source = from.span().resolved_at(Span::mixed_site());
        owner.set_span(source);
        let messages = method("messages", source);
        return quote_spanned!(source=> #owner::__daemon().#messages(#from, #handler));
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
    let verb = method(if *kind == Kind::Step { "step" } else { "run" }, span);
    quote_spanned!(span=> #owner::__daemon().#verb(#body))
}
