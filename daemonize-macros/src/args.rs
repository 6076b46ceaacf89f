//! The syntax of an attribute's arguments: `key = value, …`, with every span kept.
//!
//! After an error, parsing continues behind the next comma, so that all errors are reported together.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::{Expr, Token, braced, parenthesized, token};

use crate::errors::Errors;
use crate::features;
use crate::keys::{self, Key};
use crate::kind::Kind;
use crate::literals::bare_word;
use crate::shape::Shape;
use crate::unknown_key;

/// One `key = value`.
pub(crate) struct Arg {
    /// The key, with the span of the user.
    pub(crate) ident: Ident,
    pub(crate) key: &'static Key,
    pub(crate) value: Value,
}

pub(crate) enum Value {
    /// The key without a value.
    Nothing,
    Expr(Box<Expr>),
    /// `{ subject => action, … }`
    Arms(Vec<Arm>),
    /// `{ key = value, … }`, or `(key = value, …)`
    Args(Vec<Arg>),
}

impl Arg {
    /// Returns the value if it is an expression.
    pub(crate) fn expr(&self) -> Option<&Expr> {
        if let Value::Expr(value) = &self.value { Some(value) } else { None }
    }

    /// Returns `true` if the value is `None`: the key is not set.
    pub(crate) fn is_unset(&self) -> bool {
        self.expr().and_then(bare_word).is_some_and(|word| word == "None")
    }
}

/// `subject => action`
pub(crate) struct Arm {
    pub(crate) subject: Expr,
    pub(crate) action: Expr,
}

/// Parses all arguments. Invalid arguments are reported and left out.
pub(crate) fn parse(kind: Kind, tokens: TokenStream, errors: &mut Errors) -> Vec<Arg> {
    let mut args = Vec::new();
    let before = errors.count();
    let read = |input: ParseStream| {
        args = parse_args(kind, input, errors);
        Ok(())
    };
    // syn reports unparsed tokens in brackets, which remain after an error inside them: that is not a second error.
    if let Err(error) = read.parse2(tokens) {
        if errors.count() == before {
            errors.push(error);
        }
    }
    args
}

/// Parses arguments to the end, and keeps the first of two with the same key.
fn parse_args(kind: Kind, input: ParseStream, errors: &mut Errors) -> Vec<Arg> {
    let mut args = parse_list(input, errors, |input, errors| parse_arg(kind, input, errors));
    let mut seen = Vec::new();
    args.retain(|arg| {
        let first = !seen.contains(&arg.key.name);
        if !first {
            errors.push_spanned(&arg.ident, format!("duplicate key `{}`", arg.key.name));
        }
        seen.push(arg.key.name);
        first
    });
    args
}

/// Parses a comma-separated list to the end.
fn parse_list<T>(
    input: ParseStream,
    errors: &mut Errors,
    parse: impl Fn(ParseStream, &mut Errors) -> syn::Result<T>,
) -> Vec<T> {
    let mut items = Vec::new();
    while !input.is_empty() {
        let read = parse(input, errors).map(|item| items.push(item));
        if let Err(error) = read.and_then(|()| at_end_or_comma(input)) {
            errors.push(error);
            skip_argument(input);
        }
        let _ = input.parse::<Option<Token![,]>>();
    }
    items
}

fn at_end_or_comma(input: ParseStream) -> syn::Result<()> {
    if input.is_empty() || input.peek(Token![,]) { Ok(()) } else { Err(input.error("expected `,` before this")) }
}

/// Skips tokens up to a comma that another argument may follow: a word and `=`, `=>`, `:`, `::`, a bracket, another comma or the
/// end. The comma of `|a, b|` is skipped.
fn skip_argument(input: ParseStream) {
    while !input.is_empty() {
        let ahead = input.fork();
        if ahead.parse::<Token![,]>().is_ok() && (ahead.is_empty() || ahead.call(Ident::parse_any).is_ok()) {
            let separated = ahead.peek(Token![=]) || ahead.peek(Token![,]) || ahead.peek(Token![:]);
            if ahead.is_empty() || separated || ahead.peek(token::Paren) || ahead.peek(token::Brace) {
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
    let ident = input.call(Ident::parse_any)?;
    let key = find_key(kind, &ident, errors)?;
    let alone = at_end_or_comma(input).is_ok();
    let value = match (key.shape, keys_in_parentheses(key)) {
        (Shape::Control | Shape::Flag | Shape::Switch | Shape::Cli, _) if alone => Value::Nothing,
        (Shape::Flag, _) => return Err(input.error(format!("`{ident}` takes no value: write it alone"))),
        (_, Some(kind)) if input.peek(token::Paren) => parse_parentheses(input, kind, &ident, errors)?,
        (_, Some(_)) if input.peek(token::Brace) => {
            return Err(input.error(format!("`{ident}` has its keys in parentheses: write `{ident}(…)`")));
        }
        (Shape::Cli, _) => {
            errors.push(input.error(format!("`{ident}` takes no value: write it alone, or `{ident}(default = run)`")));
            skip_argument(input);
            Value::Nothing
        }
        _ => {
            parse_equals(input, &ident, key)?;
            parse_value(input, key, errors)?
        }
    };
    Ok(Arg { ident, key, value })
}

/// Returns the attribute's key of that name. `cli` is returned without its feature too, so that `main` may have a parameter.
fn find_key(kind: Kind, ident: &Ident, errors: &mut Errors) -> syn::Result<&'static Key> {
    let name = ident.unraw().to_string();
    let key =
        keys::find(kind, &name).ok_or_else(|| syn::Error::new(ident.span(), unknown_key::message(kind, &name)))?;
    let Some(missing) = features::missing(key) else { return Ok(key) };
    let message = format!("`{name}` needs the feature `{missing}` of `daemonic`: enable it in `Cargo.toml`");
    let error = syn::Error::new(ident.span(), message);
    if !matches!(key.shape, Shape::Cli | Shape::Service) {
        return Err(error);
    }
    errors.push(error);
    Ok(key)
}

/// Returns the keys that the parentheses behind this key contain.
fn keys_in_parentheses(key: &Key) -> Option<Kind> {
    match key.shape {
        Shape::Log => Some(Kind::Log),
        Shape::Cli => Some(Kind::Cli),
        Shape::Service => Some(Kind::Service),
        _ => None,
    }
}

fn parse_parentheses(input: ParseStream, kind: Kind, ident: &Ident, errors: &mut Errors) -> syn::Result<Value> {
    let content;
    let parentheses = parenthesized!(content in input);
    if content.is_empty() {
        let example = keys::of(kind).next().map_or("", |key| key.example);
        let message = format!("`{ident}()` is empty: write `{ident}({example})`, or remove the parentheses");
        errors.push_at(parentheses.span.join(), message);
    }
    Ok(Value::Args(parse_args(kind, &content, errors)))
}

/// Parses the `=`, and reports a missing value.
fn parse_equals(input: ParseStream, ident: &Ident, key: &Key) -> syn::Result<()> {
    let missing = |span: Span, what: String| {
        let message = format!("`{what}` needs a value, such as `{}`", key.example);
        if at_end_or_comma(input).is_ok() { Err(syn::Error::new(span, message)) } else { Ok(()) }
    };
    missing(ident.span(), ident.to_string())?;
    if !input.peek(Token![=]) || input.peek(Token![==]) || input.peek(Token![=>]) {
        return Err(input.error(format!("expected `=` after `{ident}`, such as `{}`", key.example)));
    }
    let equals: Token![=] = input.parse()?;
    missing(equals.span, format!("{ident} ="))
}

fn parse_value(input: ParseStream, key: &Key, errors: &mut Errors) -> syn::Result<Value> {
    let braces = input.peek(token::Brace);
    match key.shape {
        Shape::Signals | Shape::Hooks | Shape::Retry if braces => {}
        Shape::Signals | Shape::Hooks => {
            return Err(input.error(format!("`{}` needs braces, such as `{}`", key.name, key.example)));
        }
        Shape::Service | Shape::Log if braces => {
            return Err(input.error(format!("`{}` has its keys in parentheses: write `{0}(…)`", key.name)));
        }
        _ => return Ok(Value::Expr(Box::new(input.parse()?))),
    }
    let content;
    let braces = braced!(content in input);
    if content.is_empty() {
        let message = format!("`{}` is empty: write `{}`, or remove the key", key.name, key.example);
        errors.push_at(braces.span.join(), message);
    }
    Ok(match key.shape {
        Shape::Retry => Value::Args(parse_args(Kind::Retry, &content, errors)),
        _ => Value::Arms(parse_list(&content, errors, |input, _| parse_arm(input))),
    })
}

fn parse_arm(input: ParseStream) -> syn::Result<Arm> {
    let subject: Expr = input.parse()?;
    if let Expr::Assign(assign) = &subject {
        return Err(syn::Error::new(assign.eq_token.span, "expected `=>`, not `=`"));
    }
    if !input.peek(Token![=>]) {
        let message = "expected `=>` and a function after it";
        return Err(if input.is_empty() { syn::Error::new_spanned(subject, message) } else { input.error(message) });
    }
    input.parse::<Token![=>]>()?;
    Ok(Arm { subject, action: input.parse()? })
}
