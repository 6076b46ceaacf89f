//! Values that the macros can read at compile time: literals and single words.

use proc_macro2::Ident;
use syn::{Expr, ExprLit, Lit, UnOp};

/// Returns the expression if it is a single identifier.
pub(crate) fn bare_word(value: &Expr) -> Option<&Ident> {
    match value {
        Expr::Path(path) if path.qself.is_none() => path.path.get_ident(),
        Expr::Group(group) => bare_word(&group.expr),
        _ => None,
    }
}

/// Returns the text of the expression if it is a single identifier.
pub(crate) fn word(value: &Expr) -> Option<String> {
    bare_word(value).map(ToString::to_string)
}

/// Returns the literal, also inside the invisible group that a `macro_rules!` fragment becomes, and behind a minus sign.
pub(crate) fn literal(value: &Expr) -> Option<&Lit> {
    match value {
        Expr::Lit(ExprLit { lit, .. }) => Some(lit),
        Expr::Group(group) => literal(&group.expr),
        Expr::Unary(unary) if matches!(unary.op, UnOp::Neg(_)) => literal(&unary.expr),
        _ => None,
    }
}
