//! The syntax of an attribute's arguments: `key = value, …`, with every span kept.
//!
//! What a value means is decided in the model. Here a mistake ends only the argument it is in: the
//! rest is read from the next `, key`, so that all mistakes are reported together.

use proc_macro2::{Ident, TokenStream, TokenTree};
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream, Parser};
use syn::{Expr, Path, Token, token};

use crate::blocks::{self, HookArm, SignalArm};
use crate::errors::Errors;
use crate::keys::{self, Key, Kind, Shape};
use crate::retry::RetryArm;

/// One `key = value`.
pub(crate) struct Arg {
    /// The key as the user wrote it.
    pub(crate) word: Ident,
    /// Which one it is.
    pub(crate) key: &'static Key,
    /// What was said.
    pub(crate) value: Value,
}

/// What stands behind a key.
pub(crate) enum Value {
    /// Any Rust expression.
    Expr(Expr),
    /// `{ SIGNAL => action, … }`
    Signals(Vec<SignalArm>),
    /// `{ before(Stage) => hook, … }`
    Hooks(Vec<HookArm>),
    /// `{ delay = …, attempts = … }`
    Retry(Vec<RetryArm>),
    /// What an endpoint is made of; nothing where the key stands alone.
    Control(Option<Expr>),
    /// A name for the companion.
    Name(Ident),
    /// A path of the library.
    Root(Path),
}

/// Reads all arguments; what cannot be read is left out and reported.
pub(crate) fn parse(kind: Kind, tokens: TokenStream, errors: &mut Errors) -> Vec<Arg> {
    let mut args = Vec::new();
    let before = errors.count();
    let read = |input: ParseStream| {
        while !input.is_empty() {
            parse_next(kind, input, &mut args, errors);
        }
        Ok(())
    };
    // A block that was left half-read after its error is no second error.
    if let Err(error) = read.parse2(tokens) {
        if errors.count() == before {
            errors.push(error);
        }
    }
    args
}

/// Reads one argument and the comma behind it, or skips it.
fn parse_next(kind: Kind, input: ParseStream, args: &mut Vec<Arg>, errors: &mut Errors) {
    match parse_arg(kind, input, errors) {
        Ok(arg) => args.push(arg),
        Err(error) => {
            errors.push(error);
            skip_to_next_key(kind, input);
        }
    }
    if input.is_empty() || input.parse::<Token![,]>().is_ok() {
        return;
    }
    let found = next_token(input);
    errors.at(found.span(), format!("expected `,` before `{}`", short(&found)));
    if !starts_with_key(kind, input) {
        skip_to_next_key(kind, input);
        let _ = input.parse::<Token![,]>();
    }
}

fn parse_arg(kind: Kind, input: ParseStream, errors: &mut Errors) -> syn::Result<Arg> {
    if !input.peek(syn::Ident::peek_any) {
        let value = next_token(input);
        return Err(syn::Error::new(
            value.span(),
            "expected a key before this value, such as `pidfile = \"~/sleepy.pid\"`",
        ));
    }
    let word = input.call(Ident::parse_any)?;
    let key = keys::find(kind, &word.unraw().to_string()).map_err(|message| syn::Error::new(word.span(), message))?;
    if matches!(key.shape, Shape::Control) && (input.is_empty() || input.peek(Token![,])) {
        return Ok(Arg { word, key, value: Value::Control(None) });
    }
    parse_equals(input, &word, key)?;
    let value = parse_value(input, key, errors)?;
    Ok(Arg { word, key, value })
}

/// The `=`, and something behind it.
fn parse_equals(input: ParseStream, word: &Ident, key: &Key) -> syn::Result<()> {
    if input.is_empty() || input.peek(Token![,]) {
        let message = format!("`{word}` needs a value, such as `{}`", key.example);
        return Err(syn::Error::new(word.span(), message));
    }
    if !input.peek(Token![=]) || input.peek(Token![==]) || input.peek(Token![=>]) {
        let message = format!("expected `=` after `{word}`, such as `{}`", key.example);
        return Err(syn::Error::new(next_token(input).span(), message));
    }
    let equals: Token![=] = input.parse()?;
    if input.is_empty() || input.peek(Token![,]) {
        let message = format!("`{word} =` needs a value, such as `{}`", key.example);
        return Err(syn::Error::new(equals.span, message));
    }
    Ok(())
}

fn parse_value(input: ParseStream, key: &Key, errors: &mut Errors) -> syn::Result<Value> {
    Ok(match key.shape {
        Shape::Signals => Value::Signals(blocks::parse(input, key, errors)?),
        Shape::Hooks => Value::Hooks(blocks::parse(input, key, errors)?),
        // Anything else is an expression.
        Shape::Retry if input.peek(token::Brace) => Value::Retry(blocks::parse(input, key, errors)?),
        Shape::Companion => Value::Name(parse_name(input, key)?),
        Shape::Root => Value::Root(parse_root(input, key)?),
        Shape::Control => Value::Control(Some(Expr::parse(input)?)),
        _ => Value::Expr(Expr::parse(input)?),
    })
}

fn parse_name(input: ParseStream, key: &Key) -> syn::Result<Ident> {
    input.parse().map_err(|error| {
        let message = format!("`{}` wants a plain name, such as `{}`", key.name, key.example);
        syn::Error::new(error.span(), message)
    })
}

fn parse_root(input: ParseStream, key: &Key) -> syn::Result<Path> {
    input.call(Path::parse_mod_style).map_err(|error| {
        let message = format!("`{}` wants the path of the library, such as `{}`", key.name, key.example);
        syn::Error::new(error.span(), message)
    })
}

/// Drops what cannot be read, up to a `,` with a key behind it.
fn skip_to_next_key(kind: Kind, input: ParseStream) {
    while !input.is_empty() {
        if input.peek(Token![,]) {
            let ahead = input.fork();
            let _ = ahead.parse::<Token![,]>();
            if ahead.is_empty() || starts_with_key(kind, &ahead) {
                return;
            }
        }
        next_and_advance(input);
    }
}

/// Whether a key comes next: a known one, or whatever stands before a `=`.
fn starts_with_key(kind: Kind, input: ParseStream) -> bool {
    let ahead = input.fork();
    let Ok(word) = ahead.call(Ident::parse_any) else {
        return false;
    };
    let equals = ahead.peek(Token![=]) && !ahead.peek(Token![==]) && !ahead.peek(Token![=>]);
    equals || keys::find(kind, &word.unraw().to_string()).is_ok()
}

fn next_and_advance(input: ParseStream) {
    let _ = input.parse::<TokenTree>();
}

/// The token that comes next; there must be one.
pub(crate) fn next_token(input: ParseStream) -> TokenTree {
    let fallback = || TokenTree::Ident(Ident::new("_", input.span()));
    input.fork().parse().unwrap_or_else(|_| fallback())
}

/// A token as an error shows it: groups only by their brackets.
fn short(token: &TokenTree) -> String {
    match token {
        TokenTree::Group(group) => match group.delimiter() {
            proc_macro2::Delimiter::Brace => "{",
            proc_macro2::Delimiter::Bracket => "[",
            _ => "(",
        }
        .into(),
        other => other.to_string(),
    }
}
