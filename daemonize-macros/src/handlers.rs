//! Functions behind a `=>`: the handlers of a signal, the hooks of a stage.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::Expr;

use crate::errors::Errors;
use crate::literals::word;

/// Returns one function, or the functions of a list. Values that cannot be called are reported; the compiler checks the rest.
pub(crate) fn parse(action: &Expr, errors: &mut Errors) -> Vec<TokenStream> {
    let functions: Vec<&Expr> = match action {
        Expr::Array(list) => list.elems.iter().collect(),
        single => vec![single],
    };
    if functions.is_empty() {
        errors.push_spanned(action, "the list of functions is empty: add one, or remove the line");
    }
    for function in &functions {
        match function {
            Expr::Lit(_) => errors.push_spanned(function, "expected a function or a closure, not a literal"),
            Expr::Array(_) => errors.push_spanned(function, "expected a function or a closure, not a list in a list"),
            _ if matches!(word(function).as_deref(), Some("ignore" | "default")) => {
                let message = "`ignore` and `default` are not functions: write one alone, such as `SIGHUP => ignore`";
                errors.push_spanned(function, message);
            }
            _ => {}
        }
    }
    functions.iter().map(ToTokens::to_token_stream).collect()
}
