//! The attributes of [`daemonic`](https://docs.rs/daemonic): `#[daemon::run]`, `#[daemon::step]`, `#[daemon::message]` and
//! `#[daemon::instance]`.
//!
//! Use them through that crate. They read a function, check their arguments, and print calls into the library: no logic of a
//! daemon is in here. How one attribute goes through this crate:
//!
//! `args` and `function` (syntax, every span kept) → `model` with `values` and `blocks` (checked and total) → `expand` and
//! `companion` (tokens). All mistakes are collected in `errors` on the way and reported at once, with an item even
//! then. `keys` is the table of the keys, from which the checks, the hints and the tables of the documentation come.
#![deny(missing_docs)]
#![forbid(unsafe_code)]

mod args;
mod attributes;
mod blocks;
mod captures;
mod companion;
mod duration;
mod errors;
mod expand;
mod function;
mod keys;
mod lifetimes;
mod model;
mod parameters;
mod signature;
mod suggest;
#[cfg(test)]
mod tests;
mod values;

use proc_macro::TokenStream;
use proc_macro2::TokenStream as Tokens;

use crate::errors::Errors;
use crate::keys::Kind;

#[doc = include_str!("../docs/run.md")]
#[proc_macro_attribute]
pub fn run(args: TokenStream, item: TokenStream) -> TokenStream {
    attribute(Kind::Run, args.into(), item.into()).into()
}

#[doc = include_str!("../docs/step.md")]
#[proc_macro_attribute]
pub fn step(args: TokenStream, item: TokenStream) -> TokenStream {
    attribute(Kind::Step, args.into(), item.into()).into()
}

#[doc = include_str!("../docs/message.md")]
#[proc_macro_attribute]
pub fn message(args: TokenStream, item: TokenStream) -> TokenStream {
    attribute(Kind::Message, args.into(), item.into()).into()
}

#[doc = include_str!("../docs/instance.md")]
#[cfg(feature = "control")]
#[proc_macro_attribute]
pub fn instance(args: TokenStream, item: TokenStream) -> TokenStream {
    attribute(Kind::Instance, args.into(), item.into()).into()
}

/// Returns what is printed: the expansion or the next best thing, and the errors.
fn attribute(kind: Kind, args: Tokens, item: Tokens) -> Tokens {
    let mut errors = Errors::default();
    let mut tokens = expansion(kind, args, item, &mut errors);
    tokens.extend(errors.into_inner().iter().map(syn::Error::to_compile_error));
    tokens
}

/// Returns the expansion; the untouched item if it is not a function, or if it is a method. There is always an item, also after
/// errors, so that editors and the rest of the program keep working.
fn expansion(kind: Kind, args: Tokens, item: Tokens, errors: &mut Errors) -> Tokens {
    let args = args::parse(kind, args, errors);
    let Some(function) = errors.keep(function::parse(kind, item.clone())) else { return item };
    model::check(kind, args, function, errors).map_or(item, |model| expand::expand(&model))
}
