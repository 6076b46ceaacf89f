//! An attribute from its tokens to its expansion. There is always an item, also after errors, so that editors and the rest of the
//! program keep working.

use proc_macro2::TokenStream;

use crate::errors::Errors;
use crate::keys::Kind;
use crate::{args, expand, function, model};

/// Returns what is printed: the expansion or the next best thing, and the errors.
pub(crate) fn attribute(kind: Kind, args: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let mut tokens = expansion(kind, args, item, &mut errors);
    tokens.extend(errors.into_inner().iter().map(syn::Error::to_compile_error));
    tokens
}

/// Returns the expansion; the untouched item if it is not a function, or if it is a method.
pub(crate) fn expansion(kind: Kind, args: TokenStream, item: TokenStream, errors: &mut Errors) -> TokenStream {
    let args = args::parse(kind, args, errors);
    let Some(function) = errors.keep(function::parse(kind, item.clone())) else { return item };
    model::check(kind, args, function, errors).map_or(item, |model| expand::expand(&model))
}
