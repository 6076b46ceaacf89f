//! The user's function, parsed and checked.

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::parse::{Parse, ParseStream};
use syn::spanned::Spanned;
use syn::{Attribute, ReturnType, Signature, Type, Visibility};

use crate::attributes::{self, Attributes};
use crate::errors::Errors;
use crate::kind::Kind;
use crate::parameters::{self, Parameter};
use crate::signature;
use crate::tokens::hygienic;

/// A parsed function. Its body is not parsed, so that incomplete code still expands and the compiler reports its errors.
pub(crate) struct RawFunction {
    /// The attributes below the daemon attribute.
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) visibility: Visibility,
    pub(crate) signature: Signature,
    /// The block, or the `;` of a function without one.
    pub(crate) body: TokenStream,
}

impl Parse for RawFunction {
    fn parse(input: ParseStream) -> syn::Result<Self> {
        Ok(RawFunction {
            attributes: input.call(Attribute::parse_outer)?,
            visibility: input.parse()?,
            signature: input.parse()?,
            body: input.parse()?,
        })
    }
}

/// Parses the function. The compiler has parsed the item already, so an error means that it is not a function.
pub(crate) fn parse(kind: Kind, tokens: TokenStream) -> syn::Result<RawFunction> {
    let target = if matches!(kind, Kind::Instance | Kind::Init) { "`fn main`" } else { "a function" };
    syn::parse2(tokens).map_err(|error| syn::Error::new(error.span(), format!("`{kind}` belongs on {target}: {error}")))
}

/// A checked function. If it cannot be a daemon, `rejected` is set.
pub(crate) struct Function {
    pub(crate) attributes: Attributes,
    pub(crate) visibility: TokenStream,
    pub(crate) signature: Signature,
    /// The generics and bounds of `start`, `restart` and `foreground`: the function's, and lifetimes for lent arguments.
    pub(crate) generics: TokenStream,
    pub(crate) bounds: TokenStream,
    /// The parameters of `start`, `restart` and `foreground`, or those of a `main` with the key `cli`; none for a handler of messages.
    pub(crate) parameters: Vec<Parameter>,
    /// The user's function, with the attributes that belong to it.
    pub(crate) plain: TokenStream,
    /// `true` if the function cannot be a daemon: the printed items then only prevent further errors.
    pub(crate) rejected: bool,
}

impl Function {
    /// Returns the attributes of the function that callers see.
    pub(crate) fn outer_attributes(&self) -> TokenStream {
        let Attributes { cfg, lints, outer, .. } = &self.attributes;
        quote!(#cfg #lints #outer)
    }

    /// Returns `true` for an `async fn`.
    pub(crate) fn awaits(&self) -> bool {
        self.signature.asyncness.is_some()
    }

    /// Returns `true` for `-> !`.
    pub(crate) fn diverges(&self) -> bool {
        matches!(&self.signature.output, ReturnType::Type(_, ty) if matches!(**ty, Type::Never(_)))
    }

    /// Returns the span of the return type, or that of the function's name if there is no return type.
    pub(crate) fn output_span(&self) -> Span {
        match &self.signature.output {
            ReturnType::Default => self.signature.ident.span(),
            ReturnType::Type(_, ty) => ty.span(),
        }
    }
}

/// Checks the function. `has_cli` says that it is a `main` whose arguments are parsed. Returns `None` for a method.
pub(crate) fn check(
    kind: Kind,
    has_cli: bool,
    krate: &TokenStream,
    item: RawFunction,
    errors: &mut Errors,
) -> Option<Function> {
    if signature::is_method(kind, &item.signature, errors) {
        return None;
    }
    let before = errors.count();
    let attributes = attributes::sort(kind, &item.attributes, errors);
    signature::check(kind, has_cli, &item.signature, &item.body, errors);
    // A handler is printed unchanged, but for `main`, which the program's `main` cannot be.
    let is_handler = kind == Kind::Message && !has_cli;
    let (parameters, lifetimes) =
        if is_handler { Default::default() } else { parameters::read(kind, krate, &item.signature, errors) };
    let RawFunction { visibility, signature, body, .. } = item;
    let body = if body.to_string() == ";" { quote!({ ::core::unimplemented!() }) } else { body };
    let Attributes { inner, cfg, outer, .. } = &attributes;
    // A message, and the parsed arguments, must be taken by value.
    let by_value = (is_handler || has_cli).then(|| quote!(#[allow(clippy::needless_pass_by_value)]));
    let plain = if is_handler {
        quote!(#cfg #outer #by_value #inner #visibility #signature #body)
    } else {
        quote!(#by_value #inner #signature #body)
    };
    // The verbs of a handler take no arguments, so they need no generics.
    let own = (!is_handler).then_some(&signature.generics);
    let (own, bounds) = own.map(|own| (&own.params, &own.where_clause)).unzip();
    let generics = quote!(#(#lifetimes,)* #own);
    Some(Function {
        visibility: visibility.to_token_stream().into_iter().map(with_mixed_site).collect(),
        generics: if generics.is_empty() { generics } else { quote!(<#generics>) },
        bounds: bounds.to_token_stream(),
        parameters,
        plain,
        attributes,
        signature,
        rejected: errors.count() > before,
    })
}

/// Gives the token a printed span, so that the compiler reports a lint about the visibility once: for the user's function.
fn with_mixed_site(token: TokenTree) -> TokenTree {
    match token {
        TokenTree::Ident(ident) if ident != "$crate" => TokenTree::Ident(hygienic(&ident)),
        other => other,
    }
}
