//! The attributes of [`daemonic`](https://docs.rs/daemonic): `#[daemon::run]`, `#[daemon::step]`, `#[daemon::message]`,
//! `#[daemon::instance]` and `#[daemon::init]`.
//!
//! Use them through that crate. The macros parse a function and the attribute's arguments, and print calls into the library; this
//! crate has no logic of a daemon. One attribute passes through these modules:
//!
//! 1. `args` and `function` parse, and keep every span.
//! 2. `model` checks, with `values`, `signals`, `hooks`, `launch` and `signature`. It is total: everything with an error is left out.
//! 3. `launcher`, `companion`, `exec`, `instance` and `init` print.
//!
//! `errors` collects all errors, which the compiler reports at once, beside an item. `keys` is the table of the keys: the checks,
//! the hints and the tables of the documentation come from it.
#![deny(missing_docs)]
#![forbid(unsafe_code)]

mod about;
mod args;
mod attributes;
mod body;
mod captures;
mod cli;
mod companion;
mod duration;
mod errors;
mod exec;
mod expand;
mod features;
mod function;
mod handlers;
mod hooks;
mod init;
mod instance;
mod keys;
mod kind;
mod launch;
mod launcher;
mod lifetimes;
mod literals;
mod model;
mod parameters;
mod program;
mod shape;
mod signals;
mod signature;
mod size;
mod suggest;
#[cfg(test)]
mod tests;
mod tokens;
mod unknown_key;
mod values;

use proc_macro::TokenStream;

use crate::expand::attribute;
use crate::kind::Kind;

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

#[doc = include_str!("../docs/init.md")]
#[cfg(feature = "exec")]
#[proc_macro_attribute]
pub fn init(args: TokenStream, item: TokenStream) -> TokenStream {
    attribute(Kind::Init, args.into(), item.into()).into()
}

#[doc = include_str!("../docs/instance.md")]
#[cfg(feature = "control")]
#[proc_macro_attribute]
pub fn instance(args: TokenStream, item: TokenStream) -> TokenStream {
    attribute(Kind::Instance, args.into(), item.into()).into()
}
