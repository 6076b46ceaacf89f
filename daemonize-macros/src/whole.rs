//! An attribute from its tokens to its expansion. There is always an item, also after errors, so
//! that editors and the rest of the program keep working.

use proc_macro2::TokenStream;

use crate::errors::Errors;
use crate::keys::Kind;
use crate::{args, expand, item, model};

/// What is printed: the errors, and the expansion or the next best thing.
pub(crate) fn attribute(kind: Kind, args: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let mut tokens = expansion(kind, args, item, &mut errors);
    tokens.extend(errors.into_tokens());
    tokens
}

/// The expansion; the untouched item if it is no function, or a method.
pub(crate) fn expansion(kind: Kind, args: TokenStream, item: TokenStream, errors: &mut Errors) -> TokenStream {
    let args = args::parse(kind, args, errors);
    let Some(function) = errors.keep(item::parse(kind, item.clone())) else {
        return item;
    };
    model::check(kind, args, function, errors).map_or(item, |model| expand::expand(&model))
}
