//! The syntax inside the braces of `signals` and `hooks`: `subject => action, …`; and the braces of `retry`.

use proc_macro2::{Ident, TokenStream};
use quote::ToTokens;
use syn::parse::{Parse, ParseStream};
use syn::spanned::Spanned as _;
use syn::{Expr, Token, braced, parenthesized, token};

use crate::args;
use crate::errors::Errors;
use crate::keys::{Key, Shape};

/// `SIGNAL => action`
pub(crate) struct SignalArm {
    /// The signal: a name or an expression.
    pub(crate) signal: Expr,
    /// A function, a closure, a list of them, `ignore` or `default`.
    pub(crate) action: Expr,
}

/// `before(Stage) => action`
pub(crate) struct HookArm {
    /// `before`, `after` or `replace`.
    pub(crate) verb: Ident,
    /// The stage's name.
    pub(crate) stage: Ident,
    /// A function, a closure, or a list of them.
    pub(crate) action: Expr,
}

/// Reads `{ arm, … }`. A mistake in an arm ends the block, but not the arms before it.
pub(crate) fn parse<Arm: Parse>(input: ParseStream, key: &Key, errors: &mut Errors) -> syn::Result<Vec<Arm>> {
    if !input.peek(token::Brace) {
        let message = format!("`{}` wants braces, such as `{}`", key.name, key.example);
        return Err(syn::Error::new(args::next_token(input).span(), message));
    }
    let content;
    let braces = braced!(content in input);
    if content.is_empty() {
        let message = format!("`{}` is empty: write `{}` or leave it out", key.name, key.example);
        errors.at(braces.span.join(), message);
    }
    let mut arms = Vec::new();
    while !content.is_empty() {
        match parse_arm(&content, key) {
            Ok(arm) => arms.push(arm),
            Err(error) => {
                errors.push(error);
                content.parse::<TokenStream>()?;
            }
        }
    }
    Ok(arms)
}

/// One arm and the comma behind it.
fn parse_arm<Arm: Parse>(content: ParseStream, key: &Key) -> syn::Result<Arm> {
    let arm = content.parse()?;
    if !content.is_empty() && content.parse::<Token![,]>().is_err() {
        let what = if matches!(key.shape, Shape::Retry) { "value" } else { "action" };
        return Err(content.error(format!("expected `,` after the {what}")));
    }
    Ok(arm)
}

impl Parse for SignalArm {
    fn parse(input: ParseStream) -> syn::Result<Self> {
        let signal: Expr = input.parse()?;
        if let Expr::Assign(assign) = &signal {
            return Err(syn::Error::new(assign.eq_token.span(), "expected `=>` after the signal"));
        }
        let action = parse_action(input, &signal)?;
        Ok(SignalArm { signal, action })
    }
}

impl Parse for HookArm {
    fn parse(input: ParseStream) -> syn::Result<Self> {
        let verb: Ident = input.parse()?;
        if !input.peek(token::Paren) {
            let message = format!("`{verb}` needs a stage, such as `{verb}(Umask) => prepare`");
            return Err(syn::Error::new(verb.span(), message));
        }
        let content;
        parenthesized!(content in input);
        let stage: Ident = content.parse()?;
        if !content.is_empty() {
            return Err(content.error("one stage to a hook"));
        }
        let action = parse_action(input, &verb)?;
        Ok(HookArm { verb, stage, action })
    }
}

/// `=> action`
fn parse_action(input: ParseStream, subject: &impl ToTokens) -> syn::Result<Expr> {
    if input.is_empty() || input.peek(Token![,]) {
        return Err(syn::Error::new_spanned(subject, "expected `=>` and a function behind it"));
    }
    if !input.peek(Token![=>]) {
        return Err(input.error("expected `=>` and a function behind it"));
    }
    let arrow: Token![=>] = input.parse()?;
    if input.is_empty() || input.peek(Token![,]) {
        return Err(syn::Error::new_spanned(arrow, "expected a function after `=>`"));
    }
    input.parse()
}
