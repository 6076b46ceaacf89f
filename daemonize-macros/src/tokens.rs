//! Spans and tokens of the expansion: every printed token has the span `Span::mixed_site`, every token of the user keeps its own.
//!
//! So no printed name can collide with a name of the user, and no lint reports code that the user did not write.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};

/// `quote!` with the span `Span::mixed_site` for every printed token.
macro_rules! quote_mixed {
    ($($tokens:tt)*) => { ::quote::quote_spanned!(::proc_macro2::Span::mixed_site()=> $($tokens)*) };
}
pub(crate) use quote_mixed;

/// Returns the path with the location of `span`, so that the compiler reports errors there; names resolve as before.
pub(crate) fn located(path: &TokenStream, span: Span) -> TokenStream {
    let locate = |mut token: TokenTree| {
        token.set_span(token.span().located_at(span));
        token
    };
    path.clone().into_iter().map(locate).collect()
}

/// Returns the same name at the same location, resolved as a printed name. The expansion is parsed as Rust 2024: `gen`, which is a
/// keyword only there, becomes a raw identifier.
pub(crate) fn hygienic(ident: &Ident) -> Ident {
    let span = ident.span().resolved_at(Span::mixed_site());
    if ident == "gen" {
        return Ident::new_raw("gen", span);
    }
    let mut ident = ident.clone();
    ident.set_span(span);
    ident
}

/// Returns the place of the first `&` in a type, at any depth, but not in those of a function: `fn(&T)` takes references.
pub(crate) fn find_reference(ty: TokenStream) -> Option<Span> {
    let mut callable = false;
    ty.into_iter().find_map(|token| {
        let is_of_a_function = callable;
        callable = matches!(&token, TokenTree::Ident(_));
        match token {
            TokenTree::Punct(punct) if punct.as_char() == '&' => Some(punct.span()),
            TokenTree::Group(group) if !is_of_a_function => find_reference(group.stream()),
            _ => None,
        }
    })
}

/// Returns the first occurrence of the identifier, at any depth.
pub(crate) fn find_ident(tokens: TokenStream, name: &str) -> Option<Ident> {
    tokens.into_iter().find_map(|token| match token {
        TokenTree::Ident(ident) if ident == name => Some(ident),
        TokenTree::Group(group) => find_ident(group.stream(), name),
        _ => None,
    })
}
