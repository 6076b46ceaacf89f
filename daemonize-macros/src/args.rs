//! The syntax of an attribute's arguments: `key = value, …`, with every span kept.
//!
//! A mistake ends only the argument in which it is: reading goes on behind the next comma, so that all mistakes are reported
//! together.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::{Expr, Token, braced, token};

use crate::errors::Errors;
use crate::keys::{self, Key, Kind, Shape};

/// One `key = value`.
pub(crate) struct Arg {
    /// The key as the user wrote it.
    pub(crate) word: Ident,
    pub(crate) key: &'static Key,
    pub(crate) value: Value,
}

pub(crate) enum Value {
    /// The key stands alone.
    Nothing,
    Expr(Box<Expr>),
    /// `{ subject => action, … }`
    Arms(Vec<Arm>),
    /// `{ key = value, … }`
    Args(Vec<Arg>),
}

impl Arg {
    /// Returns the value if it is an expression.
    pub(crate) fn expr(&self) -> Option<&Expr> {
        if let Value::Expr(value) = &self.value { Some(value) } else { None }
    }
}

/// `subject => action`
pub(crate) struct Arm {
    pub(crate) subject: Expr,
    pub(crate) action: Expr,
}

/// Reads all arguments. Those that cannot be read are reported and left out.
pub(crate) fn parse(kind: Kind, tokens: TokenStream, errors: &mut Errors) -> Vec<Arg> {
    let mut args = Vec::new();
    let before = errors.count();
    let read = |input: ParseStream| {
        args = parse_args(kind, input, errors);
        Ok(())
    };
    // Brackets that were left half-read after their error are not a second error.
    if let Err(error) = read.parse2(tokens) {
        if errors.count() == before {
            errors.push(error);
        }
    }
    args
}

/// Reads arguments to the end, and keeps the first of two with the same key.
fn parse_args(kind: Kind, input: ParseStream, errors: &mut Errors) -> Vec<Arg> {
    let mut args = list(input, errors, |input, errors| parse_arg(kind, input, errors));
    let mut seen = Vec::new();
    args.retain(|arg| {
        let first = !seen.contains(&arg.key.name);
        if !first {
            errors.on(&arg.word, format!("duplicate key `{}`", arg.key.name));
        }
        seen.push(arg.key.name);
        first
    });
    args
}

/// Reads what is separated by commas, to the end.
fn list<T>(
    input: ParseStream,
    errors: &mut Errors,
    parse: impl Fn(ParseStream, &mut Errors) -> syn::Result<T>,
) -> Vec<T> {
    let mut items = Vec::new();
    while !input.is_empty() {
        let read = parse(input, errors).map(|item| items.push(item));
        if let Err(error) = read.and_then(|()| at_end_or_comma(input)) {
            errors.push(error);
            skip(input);
        }
        let _ = input.parse::<Option<Token![,]>>();
    }
    items
}

fn at_end_or_comma(input: ParseStream) -> syn::Result<()> {
    if input.is_empty() || input.peek(Token![,]) { Ok(()) } else { Err(input.error("expected `,` before this")) }
}

/// Drops tokens up to a comma behind which something may begin: a word and `=`, `=>`, `:`, `::`, a bracket, another comma or the
/// end. The comma of `|a, b|` is not one.
fn skip(input: ParseStream) {
    while !input.is_empty() {
        let ahead = input.fork();
        if ahead.parse::<Token![,]>().is_ok() && (ahead.is_empty() || ahead.call(Ident::parse_any).is_ok()) {
            let separated = ahead.peek(Token![=]) || ahead.peek(Token![,]) || ahead.peek(Token![:]);
            if ahead.is_empty() || separated || ahead.peek(token::Paren) {
                return;
            }
        }
        let _ = input.parse::<TokenTree>();
    }
}

fn parse_arg(kind: Kind, input: ParseStream, errors: &mut Errors) -> syn::Result<Arg> {
    if !input.peek(syn::Ident::peek_any) {
        let example = keys::of(kind).next().map_or("", |key| key.example);
        let message = format!("expected a key before this value, such as `{example}`");
        return Err(input.error(message));
    }
    let word = input.call(Ident::parse_any)?;
    let key = keys::find(kind, &word.unraw().to_string()).map_err(|message| syn::Error::new(word.span(), message))?;
    let alone = at_end_or_comma(input).is_ok();
    let value = match key.shape {
        Shape::Control | Shape::Flag if alone => Value::Nothing,
        Shape::Flag => return Err(input.error(format!("`{word}` stands alone, without a value"))),
        _ => {
            parse_equals(input, &word, key)?;
            parse_value(input, key, errors)?
        }
    };
    Ok(Arg { word, key, value })
}

/// Reads the `=`, behind which there must be something.
fn parse_equals(input: ParseStream, word: &Ident, key: &Key) -> syn::Result<()> {
    let missing = |place: Span, what: String| {
        let message = format!("`{what}` needs a value, such as `{}`", key.example);
        if at_end_or_comma(input).is_ok() { Err(syn::Error::new(place, message)) } else { Ok(()) }
    };
    missing(word.span(), word.to_string())?;
    if !input.peek(Token![=]) || input.peek(Token![==]) || input.peek(Token![=>]) {
        return Err(input.error(format!("expected `=` after `{word}`, such as `{}`", key.example)));
    }
    let equals: Token![=] = input.parse()?;
    missing(equals.span, format!("{word} ="))
}

fn parse_value(input: ParseStream, key: &Key, errors: &mut Errors) -> syn::Result<Value> {
    let braces = input.peek(token::Brace);
    match key.shape {
        Shape::Signals | Shape::Hooks | Shape::Retry if braces => {}
        Shape::Signals | Shape::Hooks => {
            return Err(input.error(format!("`{}` needs braces, such as `{}`", key.name, key.example)));
        }
        _ => return Ok(Value::Expr(Box::new(input.parse()?))),
    }
    let content;
    let braces = braced!(content in input);
    if content.is_empty() {
        let message = format!("`{}` is empty: write `{}` or leave it out", key.name, key.example);
        errors.at(braces.span.join(), message);
    }
    Ok(match key.shape {
        Shape::Retry => Value::Args(parse_args(Kind::Retry, &content, errors)),
        _ => Value::Arms(list(&content, errors, |input, _| parse_arm(input))),
    })
}

fn parse_arm(input: ParseStream) -> syn::Result<Arm> {
    let subject: Expr = input.parse()?;
    if let Expr::Assign(assign) = &subject {
        return Err(syn::Error::new(assign.eq_token.span, "expected `=>`, not `=`"));
    }
    if !input.peek(Token![=>]) {
        let message = "expected `=>` and a function behind it";
        return Err(if input.is_empty() { syn::Error::new_spanned(subject, message) } else { input.error(message) });
    }
    input.parse::<Token![=>]>()?;
    Ok(Arm { subject, action: input.parse()? })
}
