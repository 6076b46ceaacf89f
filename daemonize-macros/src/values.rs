//! The values of the keys. The macros check literals, the compiler checks other expressions.

use std::net::SocketAddr;
use std::time::Duration;

use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{ToTokens, format_ident, quote_spanned};
use syn::spanned::Spanned;
use syn::{Expr, ExprArray, Lit, LitInt, LitStr};

use crate::args::{Arg, Value};
use crate::duration;
use crate::errors::Errors;
use crate::hooks;
use crate::keys::{Key, STDIO};
use crate::literals::{bare_word, literal};
use crate::shape::Shape;
use crate::signals;
use crate::size;
use crate::suggest;
use crate::tokens::{hygienic, located, quote_mixed};

/// The least size of a log, in bytes.
const MIN_SIZE: u64 = 1024;

/// Checks a value, and returns the argument of the builder's method; `None` after an error.
pub(crate) fn check(krate: &TokenStream, arg: &Arg, errors: &mut Errors) -> Option<TokenStream> {
    match (&arg.value, arg.key.shape) {
        (Value::Nothing, Shape::Control) => Some(quote_mixed!(#krate::control::Endpoint::new())),
        (Value::Nothing, Shape::Switch) => Some(quote_mixed!(true)),
        (Value::Nothing, _) => Some(TokenStream::new()),
        (Value::Arms(arms), Shape::Hooks) => Some(hooks::expand(krate, arms, errors)),
        (Value::Arms(arms), _) => Some(signals::expand(krate, arms, errors)),
        (Value::Args(args), shape) => {
            let set = args.iter().filter(|arg| !arg.is_unset());
            let calls: Vec<_> = set.filter_map(|arg| call(krate, arg, errors)).collect();
            let ty = match shape {
                Shape::Log => quote_mixed!(settings::Log),
                Shape::Service => quote_mixed!(cli::Service),
                _ => quote_mixed!(messages::Retry),
            };
            Some(quote_mixed!(#krate::#ty::new() #(#calls)*))
        }
        (Value::Expr(value), _) => errors.ok_or_push(expression(krate, arg.key, value)),
    }
}

/// Checks a value, and returns the call of the builder's method; `None` after an error.
pub(crate) fn call(krate: &TokenStream, arg: &Arg, errors: &mut Errors) -> Option<TokenStream> {
    if let (Shape::Sockets, Some(Expr::Array(list))) = (arg.key.shape, arg.expr()) {
        return sockets(krate, arg, list, errors);
    }
    let (mut method, value) = (hygienic(&arg.ident), check(krate, arg, errors)?);
    match arg.key.shape {
        Shape::Control => method = Ident::new("attach", method.span()),
        Shape::PathOr("", _) if value.is_empty() => method = format_ident!("no_{method}"),
        _ => {}
    }
    Some(quote_mixed!(.#method(#value)))
}

/// Returns one call for each address of a list.
fn sockets(krate: &TokenStream, arg: &Arg, list: &ExprArray, errors: &mut Errors) -> Option<TokenStream> {
    if list.elems.is_empty() {
        errors.push_spanned(list, "the list of sockets is empty: add one, or remove the key");
    }
    let method = hygienic(&arg.ident);
    let checked = list.elems.iter().map(|value| errors.ok_or_push(expression(krate, arg.key, value)));
    let values = checked.collect::<Option<Vec<_>>>()?;
    Some(quote_mixed!(#(.#method(#values))*))
}

/// Checks an expression, and converts the literals and words of its key's type.
fn expression(krate: &TokenStream, key: &Key, value: &Expr) -> syn::Result<TokenStream> {
    let verbatim = value.to_token_stream();
    let shape = if matches!(key.shape, Shape::Log) { STDIO } else { key.shape };
    let Some(literal) = literal(value) else {
        return match shape {
            Shape::Words(group, words) | Shape::PathOr(group, words) => variant(krate, key, value, group, words),
            Shape::Control => Ok(endpoint(krate, value)),
            Shape::Capabilities => Ok(capabilities(krate, value)),
            _ => Ok(verbatim),
        };
    };
    match (shape, literal) {
        (Shape::Any, _) | (Shape::Bool | Shape::Switch, Lit::Bool(_)) | (Shape::Account, Lit::Int(_)) => {}
        (Shape::Name | Shape::Path | Shape::PathOr(..) | Shape::Account | Shape::Sockets, Lit::Str(text)) => {
            check_text(key, shape, text)?;
        }
        (Shape::Mode | Shape::PrivateMode, Lit::Int(number)) => check_mode(key, number)?,
        (Shape::Count(min, max, why), Lit::Int(number)) => check_count(key, value, number, (min, max), why)?,
        (Shape::Size, Lit::Str(text)) => return size_of(text),
        (Shape::Size, Lit::Int(number)) => {
            let number = number.base10_digits();
            if number == "0" {
                return Ok(quote_mixed!(0u64));
            }
            return Err(error_at(value, format!("a size needs a unit: write `\"{number}MiB\"` or `\"{number}B\"`")));
        }
        (Shape::Sockets, Lit::Int(number)) => {
            return Err(error_at(value, format!("an address is a string: write `\"{}\"`", number.base10_digits())));
        }
        (Shape::Duration, Lit::Str(text)) => return duration_of(text),
        (Shape::Duration, Lit::Int(number)) => {
            let number = number.base10_digits();
            return Err(error_at(value, format!("a duration needs a unit: write `\"{number}ms\"` or `\"{number}s\"`")));
        }
        (Shape::Control, Lit::Str(text)) => {
            check_address(text)?;
            return Ok(endpoint(krate, value));
        }
        _ => return Err(mismatch(key, literal)),
    }
    Ok(verbatim)
}

/// Returns the error for a literal of another type: what the key does, and an example.
pub(crate) fn mismatch(key: &Key, value: &impl ToTokens) -> syn::Error {
    let (found, purpose) = (value.to_token_stream(), key.purpose());
    error_at(value, format!("`{}` cannot be `{found}`: it {purpose}, such as `{}`", key.name, key.example))
}

fn check_text(key: &Key, shape: Shape, text: &LitStr) -> syn::Result<()> {
    let content = text.value();
    let word_of = |words: &[&str]| words.contains(&content.as_str());
    match shape {
        _ if content.is_empty() => Err(error_at(text, format!("`{}` cannot be an empty string", key.name))),
        Shape::Name if content.contains(['/', '\0']) => {
            Err(error_at(text, "`name` cannot contain `/` or NUL: it becomes a file name"))
        }
        Shape::PathOr(_, words) if word_of(words) => Err(error_at(
            text,
            format!(
                "`\"{content}\"` would be a file: write `{content}` without quotes, or `\"./{content}\"` for the file"
            ),
        )),
        _ => Ok(()),
    }
}

fn check_mode(key: &Key, number: &LitInt) -> syn::Result<()> {
    // A `22` is probably meant as `0o22`. One digit is the same in both bases.
    let (text, digits) = (number.to_string(), number.base10_digits());
    let decimal = !["0o", "0x", "0b"].iter().any(|prefix| text.starts_with(prefix));
    if decimal && digits.bytes().any(|digit| digit >= b'8') {
        return Err(error_at(number, format!("`{text}` is decimal: write it in octal, such as `0o027`")));
    }
    if decimal && digits.len() > 1 {
        return Err(error_at(number, format!("`{text}` is decimal: write `0o{digits}`")));
    }
    match number.base10_parse::<u32>().ok().filter(|bits| *bits <= 0o777) {
        None => Err(error_at(number, format!("`{}` has nine bits: its maximum is `0o777`", key.name))),
        Some(bits) if matches!(key.shape, Shape::PrivateMode) && bits & 0o022 != 0 => {
            let why = "group and others cannot have write permission: they could write a pid that `stop` then signals";
            Err(error_at(number, why))
        }
        Some(_) => Ok(()),
    }
}

fn check_count(key: &Key, value: &Expr, number: &LitInt, (min, max): (u64, u64), why: &str) -> syn::Result<()> {
    let negative = value.to_token_stream().to_string().starts_with('-');
    match number.base10_parse::<u64>() {
        Ok(number) if (min..=max).contains(&number) && !negative => Ok(()),
        _ => Err(error_at(value, format!("`{}` must be between {min} and {max}: {why}", key.name))),
    }
}

fn size_of(text: &LitStr) -> syn::Result<TokenStream> {
    let bytes = size::parse(&text.value()).map_err(|message| error_at(text, message))?;
    if (1..MIN_SIZE).contains(&bytes) {
        return Err(error_at(text, "`max_size` must be at least `1KiB`, or `0` for a log without a limit"));
    }
    let mut bytes = Literal::u64_suffixed(bytes);
    bytes.set_span(text.span().resolved_at(Span::mixed_site()));
    Ok(bytes.into_token_stream())
}

fn check_address(text: &LitStr) -> syn::Result<()> {
    match text.value().parse::<SocketAddr>() {
        Err(_) => Err(error_at(text, "this is not an IP address and a port: write them as in `\"127.0.0.1:0\"`")),
        Ok(address) if !address.ip().is_loopback() => {
            Err(error_at(text, "an endpoint listens only on the loopback interface: use `127.0.0.1` or `[::1]`"))
        }
        Ok(_) => Ok(()),
    }
}

fn duration_of(text: &LitStr) -> syn::Result<TokenStream> {
    let duration = duration::parse(&text.value()).map_err(|message| error_at(text, message))?;
    let mut milliseconds = Literal::u128_unsuffixed(duration.as_millis());
    milliseconds.set_span(text.span().resolved_at(Span::mixed_site()));
    Ok(quote_mixed!(::core::time::Duration::from_millis(#milliseconds)))
}

/// Converts a known word to its variant. An unknown word in lower case is an error; any other may be a constant.
fn variant(krate: &TokenStream, key: &Key, value: &Expr, group: &str, words: &[&str]) -> syn::Result<TokenStream> {
    let word = bare_word(value).map(ToString::to_string).unwrap_or_default();
    if !words.contains(&word.as_str()) {
        if word.starts_with(char::is_lowercase) && !group.is_empty() {
            let hint = suggest::hint(&word, words);
            return Err(error_at(value, format!("unknown word `{word}` for `{}`{hint}", key.name)));
        }
        return Ok(value.to_token_stream());
    }
    if group.is_empty() {
        return Ok(TokenStream::new());
    }
    // `multi_thread` is `MultiThread`.
    let name: String = word.split('_').map(|part| part[..1].to_uppercase() + &part[1..]).collect();
    let name = Ident::new(&name, value.span().resolved_at(Span::mixed_site()));
    let group = group.split("::").map(|part| Ident::new(part, Span::mixed_site()));
    Ok(quote_mixed!(#krate #(::#group)*::#name))
}

/// Converts the bare names of a list to the library's capabilities. The compiler reports an unknown name at the name.
fn capabilities(krate: &TokenStream, value: &Expr) -> TokenStream {
    let Expr::Array(list) = value else { return value.to_token_stream() };
    let kept = list.elems.iter().map(|element| match bare_word(element) {
        Some(name) => quote_spanned!(name.span()=> #krate::settings::Capability::#name),
        None => element.to_token_stream(),
    });
    quote_mixed!([#(#kept),*])
}

/// Converts an expression to an endpoint. The compiler reports an unsuitable type at the expression.
fn endpoint(krate: &TokenStream, value: &Expr) -> TokenStream {
    let span = value.span().resolved_at(Span::mixed_site());
    let krate = located(krate, span);
    quote_spanned!(span=> <#krate::control::Endpoint as ::core::convert::From<_>>::from(#value))
}

/// Returns the duration and its span, if the argument is a valid string.
pub(crate) fn literal_duration(arg: &Arg) -> Option<(Duration, Span)> {
    let Lit::Str(text) = literal(arg.expr()?)? else { return None };
    duration::parse(&text.value()).ok().map(|duration| (duration, text.span()))
}

/// Returns an error at the tokens.
fn error_at(tokens: impl ToTokens, message: impl std::fmt::Display) -> syn::Error {
    syn::Error::new_spanned(tokens, message)
}
