//! When a message whose handler failed is handled again: `{ delay = "1s", max_delay = "1m", attempts = 5 }`.

use proc_macro2::Ident;
use syn::parse::{Parse, ParseStream};
use syn::{Expr, Token};

use crate::args;
use crate::errors::Errors;
use crate::keys::OF_RETRY;
use crate::suggest;
use crate::values::{self, Checked};

/// `key = value`
pub(crate) struct RetryArm {
    key: Ident,
    value: Expr,
}

/// One checked arm of `retry`.
pub(crate) struct RetryRule {
    /// The method of the library's `Retry`.
    pub(crate) key: Ident,
    /// Its argument.
    pub(crate) value: Checked,
}

impl Parse for RetryArm {
    fn parse(input: ParseStream) -> syn::Result<Self> {
        let key: Ident = input.parse()?;
        if !input.peek(Token![=]) || input.peek(Token![==]) || input.peek(Token![=>]) {
            let message = format!("expected `=` after `{key}`, such as `attempts = 5`");
            let found = if input.is_empty() { key.span() } else { args::next_token(input).span() };
            return Err(syn::Error::new(found, message));
        }
        let equals: Token![=] = input.parse()?;
        if input.is_empty() || input.peek(Token![,]) {
            return Err(syn::Error::new(equals.span, format!("`{key} =` needs a value")));
        }
        Ok(RetryArm { key, value: input.parse()? })
    }
}

/// Checks all arms; those with a mistake are reported and left out.
pub(crate) fn check(arms: Vec<RetryArm>, errors: &mut Errors) -> Vec<RetryRule> {
    let mut rules: Vec<RetryRule> = Vec::new();
    for RetryArm { key, value } in arms {
        let name = key.to_string();
        let Some(known) = OF_RETRY.iter().find(|known| known.name == name) else {
            let names: Vec<&str> = OF_RETRY.iter().map(|known| known.name).collect();
            errors.at(key.span(), format!("unknown word `{name}` for `retry`{}", suggest::hint(&name, &names)));
            continue;
        };
        if rules.iter().any(|rule| rule.key == name) {
            errors.at(key.span(), format!("duplicate `{name}`"));
        } else if let Some(value) = errors.keep(values::check(known, &value)) {
            rules.push(RetryRule { key, value });
        }
    }
    rules
}
