//! What stands behind a `=>`: a function, a closure, a list of them, or a word.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::Expr;

use crate::errors::Errors;

/// What to do with a signal.
pub(crate) enum Action {
    /// Call these, in order.
    Handle(Vec<TokenStream>),
    /// Nothing at all.
    Ignore,
    /// What the kernel does when nobody asked for anything else.
    Default,
}

/// The action of a signal.
pub(crate) fn check(action: Expr, errors: &mut Errors) -> Option<Action> {
    match word(&action).as_deref() {
        Some("ignore") => Some(Action::Ignore),
        Some("default") => Some(Action::Default),
        _ => functions(action, errors).map(Action::Handle),
    }
}

/// One function, or the functions of a list.
pub(crate) fn functions(action: Expr, errors: &mut Errors) -> Option<Vec<TokenStream>> {
    let before = errors.count();
    let functions = match action {
        Expr::Array(list) if list.elems.is_empty() => {
            errors.on(&list, "the list of functions is empty");
            Vec::new()
        }
        Expr::Array(list) => list.elems.into_iter().collect(),
        single => vec![single],
    };
    for function in &functions {
        refuse(function, errors);
    }
    (errors.count() == before).then(|| functions.iter().map(ToTokens::to_token_stream).collect())
}

/// What can never be called; anything else is for the compiler to judge.
fn refuse(function: &Expr, errors: &mut Errors) {
    match function {
        Expr::Lit(_) => errors.on(function, "expected a function or a closure, not a literal"),
        Expr::Array(_) => errors.on(function, "expected a function or a closure, not a list in a list"),
        _ if matches!(word(function).as_deref(), Some("ignore" | "default")) => {
            errors.on(function, "`ignore` and `default` are no functions: they stand alone behind a signal");
        }
        _ => {}
    }
}

/// The expression if it is one bare word.
pub(crate) fn word(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Path(path) if path.qself.is_none() => path.path.get_ident().map(ToString::to_string),
        Expr::Group(group) => word(&group.expr),
        _ => None,
    }
}
