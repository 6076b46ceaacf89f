//! The function under the attribute: its signature is read, its body is left as it is, so that
//! half-typed code still expands and the compiler reports it.

use proc_macro2::{TokenStream, TokenTree};
use syn::parse::{Parse, ParseStream};
use syn::{Attribute, Signature, Visibility};

use crate::keys::Kind;

/// A function as the user wrote it.
pub(crate) struct Item {
    /// Its attributes below ours.
    pub(crate) attributes: Vec<Attribute>,
    /// Who may name it.
    pub(crate) visibility: Visibility,
    /// Everything from `fn` (or a word before it) up to the body.
    pub(crate) signature: Signature,
    /// The block, unread; a `;` for a function without one.
    pub(crate) body: TokenStream,
}

impl Parse for Item {
    fn parse(input: ParseStream) -> syn::Result<Self> {
        Ok(Item {
            attributes: input.call(Attribute::parse_outer)?,
            visibility: input.parse()?,
            signature: input.parse()?,
            body: input.parse()?,
        })
    }
}

/// Reads the function, or says what the item is instead.
pub(crate) fn parse(kind: Kind, tokens: TokenStream) -> syn::Result<Item> {
    let other = syn::parse2::<NotFunction>(tokens.clone()).ok();
    if let Some(NotFunction(word)) = other {
        let message = format!("`{kind}` belongs on a function, this is a `{word}`");
        return Err(syn::Error::new(word.span(), message));
    }
    syn::parse2(tokens)
}

/// The word by which an item is something else than a function.
struct NotFunction(TokenTree);

const OTHERS: &[&str] =
    &["struct", "enum", "union", "trait", "impl", "mod", "static", "const", "type", "use", "macro_rules"];

impl Parse for NotFunction {
    fn parse(input: ParseStream) -> syn::Result<Self> {
        input.call(Attribute::parse_outer)?;
        input.parse::<Visibility>()?;
        let function = input.fork().parse::<Signature>().is_ok();
        let word: TokenTree = input.parse()?;
        input.parse::<TokenStream>()?;
        if function || !OTHERS.contains(&word.to_string().as_str()) {
            return Err(input.error("not one of the others"));
        }
        Ok(NotFunction(word))
    }
}
