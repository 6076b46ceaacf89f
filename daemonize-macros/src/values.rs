//! The values of the keys: literals are checked, other expressions are left to the compiler.

use std::net::SocketAddr;
use std::time::Duration;

use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{ToTokens, format_ident, quote_spanned};
use syn::spanned::Spanned;
use syn::{Expr, ExprLit, Lit, LitInt, LitStr, UnOp};

use crate::args::{Arg, Value};
use crate::blocks;
use crate::duration;
use crate::errors::Errors;
use crate::expand::{located, print};
use crate::keys::{Key, Shape};
use crate::parameters::hygienic;
use crate::suggest;

/// Checks a value, and returns what the builder's method is given; nothing if it was reported.
pub(crate) fn check(root: &TokenStream, arg: &Arg, errors: &mut Errors) -> Option<TokenStream> {
    match (&arg.value, arg.key.shape) {
        (Value::Nothing, Shape::Control) => Some(print!(#root::control::Endpoint::new())),
        (Value::Nothing, _) => Some(TokenStream::new()),
        (Value::Arms(arms), Shape::Hooks) => Some(blocks::hooks(root, arms, errors)),
        (Value::Arms(arms), _) => Some(blocks::signals(root, arms, errors)),
        (Value::Args(args), _) => {
            let calls: Vec<_> = args.iter().filter_map(|arg| call(root, arg, errors)).collect();
            Some(print!(#root::messages::Retry::new() #(#calls)*))
        }
        (Value::Expr(value), _) => errors.keep(expression(root, arg.key, value)),
    }
}

/// Checks a value, and returns the call of the builder's method.
pub(crate) fn call(root: &TokenStream, arg: &Arg, errors: &mut Errors) -> Option<TokenStream> {
    let (mut method, value) = (hygienic(&arg.word), check(root, arg, errors)?);
    match arg.key.shape {
        Shape::Control => method = Ident::new("attach", method.span()),
        Shape::PathOr("", _) if value.is_empty() => method = format_ident!("no_{method}"),
        _ => {}
    }
    Some(print!(.#method(#value)))
}

fn expression(root: &TokenStream, key: &Key, value: &Expr) -> syn::Result<TokenStream> {
    let verbatim = value.to_token_stream();
    let Some(literal) = literal(value) else {
        return match key.shape {
            Shape::Words(group, words) | Shape::PathOr(group, words) => variant(root, key, value, group, words),
            Shape::Control => Ok(endpoint(root, value)),
            _ => Ok(verbatim),
        };
    };
    match (key.shape, literal) {
        (Shape::Any, _) | (Shape::Bool, Lit::Bool(_)) | (Shape::Account, Lit::Int(_)) => {}
        (Shape::Name | Shape::Path | Shape::PathOr(..) | Shape::Account, Lit::Str(text)) => check_text(key, text)?,
        (Shape::Mode | Shape::PrivateMode, Lit::Int(number)) => check_mode(key, number)?,
        (Shape::Count(most, why), Lit::Int(number)) => check_count(key, value, number, most, why)?,
        (Shape::Duration, Lit::Str(text)) => return duration_of(text),
        (Shape::Duration, Lit::Int(number)) => {
            let number = number.base10_digits();
            return Err(wrong(value, format!("a duration needs a unit: write `\"{number}ms\"` or `\"{number}s\"`")));
        }
        (Shape::Control, Lit::Str(text)) => {
            check_address(text)?;
            return Ok(endpoint(root, value));
        }
        _ => return Err(mismatch(key, literal)),
    }
    Ok(verbatim)
}

/// Says what the key does and how it is written, for a value that it cannot have.
pub(crate) fn mismatch(key: &Key, value: &impl ToTokens) -> syn::Error {
    let (found, purpose) = (value.to_token_stream(), key.purpose());
    wrong(value, format!("`{}` cannot be `{found}`: it {purpose}, such as `{}`", key.name, key.example))
}

fn check_text(key: &Key, text: &LitStr) -> syn::Result<()> {
    let content = text.value();
    let word_of = |words: &[&str]| words.contains(&content.as_str());
    match key.shape {
        _ if content.is_empty() => Err(wrong(text, format!("`{}` cannot be an empty string", key.name))),
        Shape::Name if content.contains(['/', '\0']) => {
            Err(wrong(text, "the name becomes a file name: it cannot contain `/` or NUL"))
        }
        Shape::PathOr(_, words) if word_of(words) => {
            Err(wrong(text, format!("write `{content}` without quotes, or `./{content}` for a file")))
        }
        _ => Ok(()),
    }
}

fn check_mode(key: &Key, number: &LitInt) -> syn::Result<()> {
    // Users who write `22` mean `0o22`. One digit is the same in both.
    let (text, digits) = (number.to_string(), number.base10_digits());
    let decimal = !["0o", "0x", "0b"].iter().any(|prefix| text.starts_with(prefix));
    if decimal && digits.bytes().any(|digit| digit >= b'8') {
        return Err(wrong(number, format!("`{text}` is decimal: write it in octal, such as `0o027`")));
    }
    if decimal && digits.len() > 1 {
        return Err(wrong(number, format!("`{text}` is decimal: write `0o{digits}`")));
    }
    match number.base10_parse::<u32>().ok().filter(|bits| *bits <= 0o777) {
        None => Err(wrong(number, format!("`{}` has nine bits: at most `0o777`", key.name))),
        Some(bits) if matches!(key.shape, Shape::PrivateMode) && bits & 0o022 != 0 => {
            let why =
                "group and others must not write the pidfile: they could put a number there that `stop` then signals";
            Err(wrong(number, why))
        }
        Some(_) => Ok(()),
    }
}

fn check_count(key: &Key, value: &Expr, number: &LitInt, most: u64, why: &str) -> syn::Result<()> {
    let negative = value.to_token_stream().to_string().starts_with('-');
    match number.base10_parse::<u64>() {
        Ok(number) if (1..=most).contains(&number) && !negative => Ok(()),
        _ => Err(wrong(value, format!("`{}` must be between 1 and {most}: {why}", key.name))),
    }
}

fn check_address(text: &LitStr) -> syn::Result<()> {
    match text.value().parse::<SocketAddr>() {
        Err(_) => Err(wrong(text, "an address is an IP address and a port, such as `\"127.0.0.1:0\"`")),
        Ok(address) if !address.ip().is_loopback() => {
            Err(wrong(text, "an endpoint listens on this machine alone: `127.0.0.1` or `[::1]`"))
        }
        Ok(_) => Ok(()),
    }
}

fn duration_of(text: &LitStr) -> syn::Result<TokenStream> {
    let duration = duration::parse(&text.value()).map_err(|message| wrong(text, message))?;
    let mut milliseconds = Literal::u128_unsuffixed(duration.as_millis());
    milliseconds.set_span(text.span().resolved_at(Span::mixed_site()));
    Ok(print!(::core::time::Duration::from_millis(#milliseconds)))
}

/// Turns a known word into its variant. An unknown one that cannot be the name of a constant is a mistake.
fn variant(root: &TokenStream, key: &Key, value: &Expr, group: &str, words: &[&str]) -> syn::Result<TokenStream> {
    let word = bare_word(value).map(ToString::to_string).unwrap_or_default();
    if !words.contains(&word.as_str()) {
        if word.starts_with(char::is_lowercase) && !group.is_empty() {
            let hint = suggest::hint(&word, words);
            return Err(wrong(value, format!("unknown word `{word}` for `{}`{hint}", key.name)));
        }
        return Ok(value.to_token_stream());
    }
    if group.is_empty() {
        return Ok(TokenStream::new());
    }
    // `multi_thread` is `MultiThread`.
    let name: String = word.split('_').map(|part| part[..1].to_uppercase() + &part[1..]).collect();
    let name = Ident::new(&name, value.span().resolved_at(Span::mixed_site()));
    let group = Ident::new(group, Span::mixed_site());
    Ok(print!(#root::settings::#group::#name))
}

/// Makes an endpoint of an expression. What cannot be one is an error where the user wrote it.
fn endpoint(root: &TokenStream, value: &Expr) -> TokenStream {
    let span = value.span().resolved_at(Span::mixed_site());
    let root = located(root, span);
    quote_spanned!(span=> <#root::control::Endpoint as ::core::convert::From<_>>::from(#value))
}

/// Returns the duration that the argument's string says, if it says one.
pub(crate) fn literal_duration(arg: &Arg) -> Option<(Duration, Span)> {
    let Lit::Str(text) = literal(arg.expr()?)? else { return None };
    duration::parse(&text.value()).ok().map(|duration| (duration, text.span()))
}

/// Returns the expression if it is one bare word.
pub(crate) fn bare_word(value: &Expr) -> Option<&Ident> {
    match value {
        Expr::Path(path) if path.qself.is_none() => path.path.get_ident(),
        Expr::Group(group) => bare_word(&group.expr),
        _ => None,
    }
}

/// Returns the literal, seen through the group in which a `macro_rules!` hands it over.
pub(crate) fn literal(value: &Expr) -> Option<&Lit> {
    match value {
        Expr::Lit(ExprLit { lit, .. }) => Some(lit),
        Expr::Group(group) => literal(&group.expr),
        Expr::Unary(unary) if matches!(unary.op, UnOp::Neg(_)) => literal(&unary.expr),
        _ => None,
    }
}

pub(crate) fn wrong(tokens: impl ToTokens, message: impl std::fmt::Display) -> syn::Error {
    syn::Error::new_spanned(tokens, message)
}
