//! The checked function: what is printed around the user's own.

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::parse::{Parse, ParseStream};
use syn::spanned::Spanned;
use syn::{Attribute, ReturnType, Signature, Type, Visibility};

use crate::attributes::{self, Attributes};
use crate::errors::Errors;
use crate::keys::Kind;
use crate::parameters::{self, Parameter, hygienic};
use crate::signature;

/// A function as the user wrote it. Its body is left unread, so that half-typed code still expands and the compiler reports it.
pub(crate) struct Item {
    /// Its attributes below ours.
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) visibility: Visibility,
    pub(crate) signature: Signature,
    /// The block; a `;` for a function without one.
    pub(crate) body: TokenStream,
}

impl Parse for Item {
    fn parse(input: ParseStream) -> syn::Result<Self> {
        Ok(Item {
            attributes: input.call(Attribute::parse_outer)?,
            visibility: input.parse()?,
            signature: input.parse()?,
            body: input.parse()?,
        })
    }
}

/// Reads the function. The compiler has read the item before, so an error means that it is not a function.
pub(crate) fn parse(kind: Kind, tokens: TokenStream) -> syn::Result<Item> {
    let place = if kind == Kind::Instance { "`fn main`" } else { "a function" };
    syn::parse2(tokens).map_err(|error| syn::Error::new(error.span(), format!("`{kind}` belongs on {place}: {error}")))
}

/// A function that can be a daemon, or that stands in for one that cannot.
pub(crate) struct Function {
    pub(crate) attributes: Attributes,
    pub(crate) visibility: TokenStream,
    pub(crate) signature: Signature,
    /// The generics and bounds of the verbs that start: the function's, and the lifetimes of what is lent.
    pub(crate) generics: TokenStream,
    pub(crate) bounds: TokenStream,
    /// The parameters of the verbs that start: none where `from` has the messages.
    pub(crate) parameters: Vec<Parameter>,
    /// The user's function.
    pub(crate) plain: TokenStream,
    /// `true` if it was refused: then only what spares the rest of the program further errors is printed.
    pub(crate) refused: bool,
}

impl Function {
    pub(crate) fn awaits(&self) -> bool {
        self.signature.asyncness.is_some()
    }

    /// Returns `true` for `-> !`.
    pub(crate) fn diverges(&self) -> bool {
        matches!(&self.signature.output, ReturnType::Type(_, ty) if matches!(**ty, Type::Never(_)))
    }

    /// Returns the place of the return type; that of the function's name if there is none.
    pub(crate) fn output_span(&self) -> Span {
        match &self.signature.output {
            ReturnType::Default => self.signature.ident.span(),
            ReturnType::Type(_, ty) => ty.span(),
        }
    }
}

/// Checks the function. Returns nothing for a method.
pub(crate) fn check(kind: Kind, root: &TokenStream, item: Item, errors: &mut Errors) -> Option<Function> {
    if signature::is_method(kind, &item.signature, errors) {
        return None;
    }
    let before = errors.count();
    let attributes = attributes::sort(kind, &item.attributes, errors);
    signature::check(kind, &item.signature, &item.body, errors);
    let (parameters, lifetimes) = match kind {
        Kind::Message => Default::default(),
        _ => parameters::read(kind, root, &item.signature, errors),
    };
    let Item { visibility, signature, body, .. } = item;
    let body = if body.to_string() == ";" { quote!({ ::core::unimplemented!() }) } else { body };
    let Attributes { inner, gates, outer, .. } = &attributes;
    let plain = if kind == Kind::Message {
        // The handler stays what it is. It must take its message by value, so no lint shall ask for anything else.
        quote!(#gates #outer #[allow(clippy::needless_pass_by_value)] #inner #visibility #signature #body)
    } else {
        quote!(#inner #signature #body)
    };
    // The verbs of a handler take no arguments.
    let own = (kind != Kind::Message).then_some(&signature.generics);
    let (own, bounds) = own.map(|own| (&own.params, &own.where_clause)).unzip();
    let generics = quote!(#(#lifetimes,)* #own);
    Some(Function {
        visibility: visibility.to_token_stream().into_iter().map(ours).collect(),
        generics: if generics.is_empty() { generics } else { quote!(<#generics>) },
        bounds: bounds.to_token_stream(),
        parameters,
        plain,
        attributes,
        signature,
        refused: errors.count() > before,
    })
}

/// Makes the token ours, so that a lint about the visibility is reported once: for the user's function.
fn ours(token: TokenTree) -> TokenTree {
    match token {
        TokenTree::Ident(ident) if ident != "$crate" => TokenTree::Ident(hygienic(&ident)),
        other => other,
    }
}
