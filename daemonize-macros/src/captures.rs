//! Errors for values of keys that use a parameter of the function: keys are evaluated once, before the function is called.

use proc_macro2::Ident;
use quote::ToTokens;
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{Expr, FnArg, Pat, Signature, Token};

use crate::args::{Arg, Value};
use crate::cli;
use crate::errors::Errors;
use crate::keys::Key;
use crate::kind::Kind;
use crate::shape::Shape;
use crate::tokens::find_ident;

/// Reports every value that uses a parameter of the function. With the key `cli` a value may use the parsed arguments.
pub(crate) fn check(kind: Kind, args: &[Arg], signature: &Signature, errors: &mut Errors) {
    let has_cli = args.iter().any(|arg| arg.key.name == "cli");
    let parsed = cli::name(kind, signature).filter(|_| has_cli);
    let names = || {
        signature.inputs.iter().filter_map(|input| match input {
            FnArg::Typed(typed) => match &*typed.pat {
                Pat::Ident(named) => Some(&named.ident),
                _ => None,
            },
            FnArg::Receiver(_) => None,
        })
    };
    let unknown: Vec<&Ident> = names().filter(|name| Some(*name) != parsed).collect();
    for arg in args.iter().map(std::slice::from_ref) {
        if !has_cli {
            // The parameter of a `main` without `cli` is an error already.
            if signature.ident == "main" && kind != Kind::Instance {
                continue;
            }
            report(arg, &unknown, errors, |key, name| {
                let attribute = kind.to_string().replace(']', "(cli)]");
                format!(
                    "`{key}` cannot use the parameter `{name}`: keys are evaluated once, before the function is called; write \
                     an expression without it, or use the builder: `Daemon::new(…).{key}(…)`, or `{attribute}` on `main`, which \
                     parses the arguments first (a constant of that name is `self::{name}`)"
                )
            });
        } else if kind == Kind::Message {
            report(arg, &unknown, errors, |key, name| {
                format!("`{key}` cannot use the message `{name}`: keys are evaluated before there is one")
            });
        }
        if matches!(arg, [Arg { key: Key { shape: Shape::Cli | Shape::Service, .. }, .. }]) {
            let parsed: Vec<&Ident> = parsed.into_iter().collect();
            report(arg, &parsed, errors, |key, name| {
                format!("`{key}` cannot use `{name}`: it is evaluated before the arguments are parsed")
            });
        }
    }
}

/// Reports every value that uses one of the names.
fn report(args: &[Arg], names: &[&Ident], errors: &mut Errors, message: impl Fn(&str, &Ident) -> String + Copy) {
    for Arg { key, value, .. } in args {
        let used = match (value, key.shape) {
            (Value::Nothing, _) | (_, Shape::Companion | Shape::CratePath) => None,
            (Value::Args(args), _) => {
                report(args, names, errors, message);
                None
            }
            (Value::Arms(arms), _) => arms.iter().find_map(|arm| used(&arm.action, false, names)),
            (Value::Expr(value), shape) => used(value, !matches!(shape, Shape::Function | Shape::Any), names),
        };
        if let Some(name) = used {
            errors.push_spanned(&name, message(key.name, &name));
        }
    }
}

/// Returns the first of the names that the expression uses. A function can have the name of a parameter, so a single identifier
/// counts only if `value` says that a value is expected.
fn used(expr: &Expr, value: bool, names: &[&Ident]) -> Option<Ident> {
    let any = |exprs: &Punctuated<Expr, Token![,]>| exprs.iter().find_map(|expr| used(expr, value, names));
    match expr {
        Expr::Path(path) if value && path.qself.is_none() => {
            path.path.get_ident().filter(|word| names.contains(word)).cloned()
        }
        Expr::Array(list) => any(&list.elems),
        Expr::Call(call) => any(&call.args),
        Expr::MethodCall(call) => used(&call.receiver, true, names).or_else(|| any(&call.args)),
        Expr::Field(field) => used(&field.base, true, names),
        Expr::Reference(reference) => used(&reference.expr, true, names),
        Expr::Unary(unary) => used(&unary.expr, true, names),
        Expr::Try(tried) => used(&tried.expr, value, names),
        Expr::Group(group) => used(&group.expr, value, names),
        Expr::Paren(paren) => used(&paren.expr, value, names),
        // Such as `format!("{}", name)` and `format!("{name}")`.
        Expr::Macro(call) => {
            let args = call.mac.parse_body_with(Punctuated::<Expr, Token![,]>::parse_terminated).ok()?;
            let format = args.first().map(|first| first.to_token_stream().to_string()).unwrap_or_default();
            let inline =
                names.iter().find(|name| ["}", ":"].iter().any(|end| format.contains(&format!("{{{name}{end}"))));
            inline.map(|name| Ident::new(&name.to_string(), args.span())).or_else(|| any(&args))
        }
        Expr::Closure(closure) => {
            let bound = |name: &&&Ident| find_ident(closure.inputs.to_token_stream(), &name.to_string()).is_none();
            let free: Vec<&Ident> = names.iter().filter(bound).copied().collect();
            used(&closure.body, false, &free)
        }
        _ => None,
    }
}
