//! Every mistake of one attribute, collected so that all of them are shown at once.

use std::fmt::Display;

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;

/// The errors found so far.
#[derive(Default)]
pub(crate) struct Errors(Option<syn::Error>);

impl Errors {
    /// Adds one error to those already there.
    pub(crate) fn push(&mut self, error: syn::Error) {
        match &mut self.0 {
            Some(first) => first.combine(error),
            None => self.0 = Some(error),
        }
    }

    /// Adds an error that points at one place.
    pub(crate) fn at(&mut self, span: Span, message: impl Display) {
        self.push(syn::Error::new(span, message));
    }

    /// Adds an error that points at some of the user's tokens.
    pub(crate) fn on(&mut self, tokens: impl ToTokens, message: impl Display) {
        self.push(syn::Error::new_spanned(tokens, message));
    }

    /// The value, or nothing after taking down why.
    pub(crate) fn keep<T>(&mut self, result: syn::Result<T>) -> Option<T> {
        result.map_err(|error| self.push(error)).ok()
    }

    /// How many errors there are.
    pub(crate) fn count(&self) -> usize {
        self.0.as_ref().map_or(0, |first| first.into_iter().count())
    }

    /// The errors as one, if there are any.
    pub(crate) fn into_inner(self) -> Option<syn::Error> {
        self.0
    }

    /// The `compile_error!`s to print; nothing if there are none.
    pub(crate) fn into_tokens(self) -> TokenStream {
        self.into_inner().map(|error| error.to_compile_error()).unwrap_or_default()
    }
}
