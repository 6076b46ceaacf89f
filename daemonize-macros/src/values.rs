//! The values of the plain keys: literals are checked here, expressions are the compiler's.

use std::net::SocketAddr;
use std::time::Duration;

use proc_macro2::{Ident, Span, TokenStream};
use quote::ToTokens;
use syn::spanned::Spanned;
use syn::{Expr, ExprLit, ExprUnary, Lit, LitInt, UnOp};

use crate::actions;
use crate::duration;
use crate::keys::{CONTROLS, Key, Shape, Words};
use crate::suggest;

/// A checked value.
pub(crate) enum Checked {
    /// The user's tokens.
    Verbatim(TokenStream),
    /// A variant of one of the library's enums, and where its word stood.
    Variant(&'static str, &'static str, Span),
    /// A duration that was given as a string.
    Duration(Duration, Span),
}

/// Checks the value of a key that wants an expression.
pub(crate) fn check(key: &Key, value: &Expr) -> syn::Result<Checked> {
    match key.shape {
        Shape::Name => name(key, value),
        Shape::Path | Shape::PidFile => path(key, value),
        Shape::Mode => mode(key, value),
        Shape::PrivateMode => private_mode(key, value),
        Shape::Bool => boolean(key, value),
        Shape::Account => account(key, value),
        Shape::Descriptors => descriptors(key, value),
        Shape::Words(words) => word(key, value, words),
        Shape::Stream(words) => stream(key, value, words),
        Shape::Duration => span_of_time(value),
        Shape::PoolSize => pool_size(key, value, "a pool without a worker handles no message"),
        Shape::Workers => pool_size(key, value, "a runtime without a worker runs no task"),
        Shape::Retry => function(key, value, "braces, such as `{ attempts = 5 }`, or a `Retry`"),
        Shape::Attempts => attempts(key, value),
        Shape::OnOutput => function(key, value, "a function that is given what a starting daemon prints"),
        Shape::From => function(key, value, "a function that returns the next message"),
        _ => function(key, value, "a function from `Daemon` to `Daemon`"),
    }
}

fn name(key: &Key, value: &Expr) -> syn::Result<Checked> {
    let Some(literal) = literal(value) else {
        return Ok(verbatim(value));
    };
    let text = text(key, literal, "a string")?;
    if text.is_empty() {
        return Err(wrong(value, "a daemon's name cannot be empty"));
    }
    if text.contains(['/', '\0']) {
        return Err(wrong(value, "a daemon's name becomes a file name: it cannot contain `/` or NUL"));
    }
    Ok(verbatim(value))
}

fn path(key: &Key, value: &Expr) -> syn::Result<Checked> {
    if let Some(literal) = literal(value) {
        if matches!((key.shape, literal), (Shape::PidFile, Lit::Str(text)) if text.value() == "none") {
            return Err(wrong(value, "write `none` without quotes, or `./none` for a file"));
        }
        if text(key, literal, "a path")?.is_empty() {
            return Err(wrong(value, format!("the path of `{}` is empty", key.name)));
        }
    }
    Ok(verbatim(value))
}

fn account(key: &Key, value: &Expr) -> syn::Result<Checked> {
    match literal(value) {
        None | Some(Lit::Int(_)) => {}
        Some(literal) if text(key, literal, "a name or a number")?.is_empty() => {
            return Err(wrong(value, format!("the name of the `{}` is empty", key.name)));
        }
        Some(_) => {}
    }
    Ok(verbatim(value))
}

fn boolean(key: &Key, value: &Expr) -> syn::Result<Checked> {
    match literal(value) {
        None | Some(Lit::Bool(_)) => Ok(verbatim(value)),
        Some(literal) => Err(mismatch(key, literal, "`true` or `false`")),
    }
}

fn descriptors(key: &Key, value: &Expr) -> syn::Result<Checked> {
    match literal(value) {
        None => Ok(verbatim(value)),
        Some(literal) => Err(mismatch(key, literal, "a list, such as `[3]`")),
    }
}

fn function(key: &Key, value: &Expr, wanted: &str) -> syn::Result<Checked> {
    match literal(value) {
        None => Ok(verbatim(value)),
        Some(literal) => Err(mismatch(key, literal, wanted)),
    }
}

/// The library refuses the same; it says so when the daemon starts.
const LARGEST_POOL: usize = 32_768;

fn pool_size(key: &Key, value: &Expr, why_not_none: &str) -> syn::Result<Checked> {
    let number = match literal(value) {
        None => return Ok(verbatim(value)),
        Some(Lit::Int(number)) => number,
        Some(literal) => return Err(mismatch(key, literal, "a whole number, such as `100`")),
    };
    match number.base10_parse::<usize>() {
        _ if is_negative(value) => Err(wrong(value, "a pool cannot have less than one worker")),
        Ok(0) => Err(wrong(value, format!("{why_not_none}: at least `1`"))),
        Ok(size) if size <= LARGEST_POOL => Ok(verbatim(value)),
        _ => Err(wrong(
            value,
            format!("each worker is a thread, and no process has that many: at most `{LARGEST_POOL}`"),
        )),
    }
}

fn attempts(key: &Key, value: &Expr) -> syn::Result<Checked> {
    let number = match literal(value) {
        None => return Ok(verbatim(value)),
        Some(Lit::Int(number)) => number,
        Some(literal) => return Err(mismatch(key, literal, "a whole number, such as `5`")),
    };
    match number.base10_parse::<u32>() {
        Ok(1..) if !is_negative(value) => Ok(verbatim(value)),
        _ => Err(wrong(value, "a message is tried at least once, and at most 4294967295 times")),
    }
}

fn is_negative(value: &Expr) -> bool {
    match value {
        Expr::Group(group) => is_negative(&group.expr),
        Expr::Unary(ExprUnary { op, .. }) => matches!(op, UnOp::Neg(_)),
        _ => false,
    }
}

fn mode(key: &Key, value: &Expr) -> syn::Result<Checked> {
    bits(key, value)?;
    Ok(verbatim(value))
}

fn private_mode(key: &Key, value: &Expr) -> syn::Result<Checked> {
    match bits(key, value)? {
        Some(bits) if bits & 0o022 != 0 => Err(wrong(
            value,
            "group and others must not write the pidfile: they could put a number there that `stop` then signals",
        )),
        _ => Ok(verbatim(value)),
    }
}

/// The permission bits of a literal; nothing if it is an expression.
fn bits(key: &Key, value: &Expr) -> syn::Result<Option<u32>> {
    let number = match literal(value) {
        None => return Ok(None),
        Some(Lit::Int(number)) => number,
        Some(literal) => return Err(mismatch(key, literal, "a number, such as `0o027`")),
    };
    refuse_decimal(number)?;
    match number.base10_parse::<u32>() {
        Ok(bits) if bits <= 0o777 => Ok(Some(bits)),
        _ => Err(wrong(number, format!("`{}` has nine bits: at most `0o777`", key.name))),
    }
}

/// `22` means `0o22` to everybody but the compiler. One digit is the same in both.
fn refuse_decimal(number: &LitInt) -> syn::Result<()> {
    let digits = number.base10_digits();
    let text = number.to_string();
    let decimal = !["0o", "0x", "0b"].iter().any(|prefix| text.starts_with(prefix));
    if decimal && digits.len() > 1 && digits.bytes().all(|digit| digit < b'8') {
        return Err(wrong(number, format!("`{text}` is decimal: write `0o{digits}`")));
    }
    if decimal && digits.bytes().any(|digit| digit >= b'8') {
        return Err(wrong(number, format!("`{text}` is decimal: write it in octal, such as `0o027`")));
    }
    Ok(())
}

fn word(key: &Key, value: &Expr, words: &Words) -> syn::Result<Checked> {
    if let Some(literal) = literal(value) {
        return Err(mismatch(key, literal, &format!("one of the words {}", suggest::list(&words.names()))));
    }
    bare_word(key, value, words)
}

fn stream(key: &Key, value: &Expr, words: &Words) -> syn::Result<Checked> {
    match literal(value) {
        Some(Lit::Str(text)) if words.variant(&text.value()).is_some() => {
            let message = format!("write `{}` without quotes, or `./{0}` for a file", text.value());
            Err(wrong(value, message))
        }
        Some(literal) if text(key, literal, "a path, `null` or `keep`")?.is_empty() => {
            Err(wrong(value, format!("the path of `{}` is empty", key.name)))
        }
        Some(_) => Ok(verbatim(value)),
        None => bare_word(key, value, words),
    }
}

/// A known word becomes its variant. An unknown one that no constant would be named is a mistake.
fn bare_word(key: &Key, value: &Expr, words: &Words) -> syn::Result<Checked> {
    let Some(word) = actions::word(value) else {
        return Ok(verbatim(value));
    };
    if let Some(variant) = words.variant(&word) {
        return Ok(Checked::Variant(words.group, variant, value.span()));
    }
    if word.starts_with(|letter: char| letter.is_lowercase()) {
        let hint = suggest::hint(&word, &words.names());
        return Err(wrong(value, format!("unknown word `{word}` for `{}`{hint}", key.name)));
    }
    Ok(verbatim(value))
}

fn span_of_time(value: &Expr) -> syn::Result<Checked> {
    match literal(value) {
        None => Ok(verbatim(value)),
        Some(Lit::Str(text)) => duration::parse(&text.value())
            .map(|duration| Checked::Duration(duration, text.span()))
            .map_err(|message| wrong(text, message)),
        Some(Lit::Int(number)) => {
            Err(wrong(value, format!("a duration needs a unit: write `\"{}s\"`", number.base10_digits())))
        }
        Some(other) => {
            Err(wrong(other, format!("a duration is a string with a unit, such as `\"10s\"`, not {}", article(other))))
        }
    }
}

/// What an endpoint is made of: a literal is the address that it listens on, too.
pub(crate) fn endpoint(word: &Ident, key: &Key, value: Option<&Expr>) -> syn::Result<Option<TokenStream>> {
    if !CONTROLS {
        return Err(wrong(word, "`control` needs the feature `control` of `daemonic`, which brings the endpoint"));
    }
    let Some(value) = value else { return Ok(None) };
    if let Some(literal) = literal(value) {
        let address = text(key, literal, "an address, an `Endpoint` or nothing")?;
        match address.parse::<SocketAddr>() {
            Err(_) => return Err(wrong(value, "an address is an IP address and a port, such as `\"127.0.0.1:0\"`")),
            Ok(address) if !address.ip().is_loopback() => {
                return Err(wrong(value, "an endpoint listens on this machine alone: `127.0.0.1` or `[::1]`"));
            }
            Ok(_) => {}
        }
    }
    Ok(Some(value.to_token_stream()))
}

/// Returns `true` if the value is the word `none` of a pidfile.
pub(crate) fn is_no_pidfile(key: &Key, value: &Expr) -> bool {
    matches!(key.shape, Shape::PidFile) && actions::word(value).as_deref() == Some("none")
}

/// Returns `true` if the value is a bare `None`, whose type no method could infer: the key might as well not be there.
pub(crate) fn is_unset(value: &Expr) -> bool {
    actions::word(value).as_deref() == Some("None")
}

/// Returns `true` if the value is a literal.
pub(crate) fn is_literal(value: &Expr) -> bool {
    literal(value).is_some()
}

/// The literal, seen through the group in which a `macro_rules!` hands it over.
fn literal(value: &Expr) -> Option<&Lit> {
    match value {
        Expr::Lit(ExprLit { lit, .. }) => Some(lit),
        Expr::Group(group) => literal(&group.expr),
        Expr::Unary(ExprUnary { op: UnOp::Neg(_), expr, .. }) => literal(expr),
        _ => None,
    }
}

/// The text of a string; any other literal is a mistake.
fn text(key: &Key, literal: &Lit, wanted: &str) -> syn::Result<String> {
    match literal {
        Lit::Str(text) => Ok(text.value()),
        other => Err(mismatch(key, other, wanted)),
    }
}

fn mismatch(key: &Key, found: &Lit, wanted: &str) -> syn::Error {
    wrong(found, format!("`{}` wants {wanted}, not {}", key.name, article(found)))
}

fn article(literal: &Lit) -> &'static str {
    match literal {
        Lit::Str(_) => "a string",
        Lit::ByteStr(_) => "a byte string",
        Lit::CStr(_) => "a C string",
        Lit::Byte(_) | Lit::Int(_) | Lit::Float(_) => "a number",
        Lit::Char(_) => "a character",
        Lit::Bool(_) => "a boolean",
        _ => "this literal",
    }
}

fn verbatim(value: &Expr) -> Checked {
    Checked::Verbatim(value.to_token_stream())
}

fn wrong(tokens: impl ToTokens, message: impl std::fmt::Display) -> syn::Error {
    syn::Error::new_spanned(tokens, message)
}
