//! The checked function: what is printed around the user's own.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::{Lifetime, Signature};

use crate::attributes::{self, Attributes};
use crate::errors::Errors;
use crate::item::Item;
use crate::keys::Kind;
use crate::parameters::{self, Parameter, hygienic};
use crate::signature;

/// A function that can be a daemon, or that stands in for one that cannot.
pub(crate) struct Function {
    /// Its name.
    pub(crate) ident: Ident,
    /// Its attributes, sorted.
    pub(crate) attributes: Attributes,
    /// Who may name it.
    pub(crate) visibility: TokenStream,
    /// `<'a>`, or nothing.
    pub(crate) generics: TokenStream,
    /// The same with the lifetimes of what is lent, for the functions that lend it.
    pub(crate) lending_generics: TokenStream,
    /// `where …`, or nothing.
    pub(crate) bounds: TokenStream,
    /// Its parameters.
    pub(crate) parameters: Vec<Parameter>,
    /// `-> T`, or nothing.
    pub(crate) output: TokenStream,
    /// Where the return type is.
    pub(crate) output_span: Span,
    /// The user's function, verbatim.
    pub(crate) plain: TokenStream,
    /// Whether it is `-> !`.
    pub(crate) diverges: bool,
    /// Whether it is an `async fn`.
    pub(crate) awaits: bool,
    /// Whether it was refused: then only what keeps the rest of the program free of errors that are
    /// none is printed for it.
    pub(crate) refused: bool,
}

impl Function {
    /// The body of what would call a refused function.
    pub(crate) fn stand_in(&self) -> Option<TokenStream> {
        self.refused.then(|| quote!(::core::unimplemented!()))
    }
}

/// Checks the function. There is nothing for a method: no item can stand beside it.
pub(crate) fn check(kind: Kind, item: Item, errors: &mut Errors) -> Option<Function> {
    if signature::check_method(kind, &item.signature, errors) {
        return None;
    }
    let before = errors.count();
    let attributes = attributes::sort(kind, &item.attributes, errors);
    signature::check(kind, &item.signature, &item.body, errors);
    if kind == Kind::Message {
        let refused = errors.count() > before;
        return Some(handler(attributes, item, refused));
    }
    let (parameters, lifetimes) = parameters::read(kind, &item.signature, errors);
    Some(Function {
        ident: item.signature.ident.clone(),
        visibility: item.visibility.to_token_stream().into_iter().map(ours).collect(),
        generics: generics(&[], &item.signature),
        lending_generics: generics(&lifetimes, &item.signature),
        bounds: item.signature.generics.where_clause.to_token_stream(),
        parameters,
        output: item.signature.output.to_token_stream(),
        output_span: signature::output_span(&item.signature),
        plain: plain(&attributes.inner, &TokenStream::new(), &item.signature, item.body),
        diverges: signature::diverges(&item.signature),
        awaits: item.signature.asyncness.is_some(),
        attributes,
        refused: errors.count() > before,
    })
}

/// The handler of messages: the user's own function as it is, since the messages are the arguments of whoever calls it.
fn handler(attributes: Attributes, item: Item, refused: bool) -> Function {
    let (gates, outer, visibility) = (&attributes.gates, &attributes.outer, &item.visibility);
    let plain = plain(&attributes.inner, &visibility.to_token_stream(), &item.signature, item.body);
    Function {
        ident: item.signature.ident.clone(),
        visibility: visibility.to_token_stream().into_iter().map(ours).collect(),
        // By value is what we demand, so no lint shall ask for anything else.
        plain: quote!(#(#gates)* #(#outer)* #[allow(clippy::needless_pass_by_value)] #plain),
        generics: TokenStream::new(),
        lending_generics: TokenStream::new(),
        bounds: TokenStream::new(),
        parameters: Vec::new(),
        output: item.signature.output.to_token_stream(),
        output_span: signature::output_span(&item.signature),
        diverges: signature::diverges(&item.signature),
        awaits: item.signature.asyncness.is_some(),
        attributes,
        refused,
    }
}

/// The user's function, without the attributes that stand elsewhere.
fn plain(
    attributes: &[TokenStream],
    visibility: &TokenStream,
    signature: &Signature,
    body: TokenStream,
) -> TokenStream {
    let body = if body.to_string() == ";" { quote!({ ::core::unimplemented!() }) } else { body };
    quote!(#(#attributes)* #visibility #signature #body)
}

/// What stands in the angle brackets; without anything in them, nothing.
fn generics(lifetimes: &[Lifetime], signature: &Signature) -> TokenStream {
    let parameters = &signature.generics.params;
    if lifetimes.is_empty() && parameters.is_empty() {
        return TokenStream::new();
    }
    quote!(<#(#lifetimes,)* #parameters>)
}

/// The token as ours, so that a lint on the visibility speaks once: of the user's function.
fn ours(token: TokenTree) -> TokenTree {
    match token {
        TokenTree::Ident(ident) if ident != "$crate" => TokenTree::Ident(hygienic(&ident)),
        other => other,
    }
}
