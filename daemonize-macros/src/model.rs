//! The checked attribute and function. It is total: what could not be understood has been reported and left out, so that the
//! expansion decides nothing but where tokens go.

use std::time::Duration;

use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{ToTokens, format_ident};
use syn::ext::IdentExt;
use syn::{Expr, ExprPath, Signature};

use crate::args::{Arg, Value};
use crate::captures;
use crate::errors::Errors;
use crate::expand::print;
use crate::function::{self, Function, Item};
use crate::keys::Kind;
use crate::values;

/// Everything the expansion prints.
pub(crate) struct Model {
    pub(crate) kind: Kind,
    /// The path of the library.
    pub(crate) root: TokenStream,
    /// The companion's name.
    pub(crate) companion: Ident,
    /// The name of the daemon or instance, as an expression.
    pub(crate) name: TokenStream,
    /// The calls of the builder's methods, in the user's order.
    pub(crate) calls: TokenStream,
    /// The calls that come after these.
    pub(crate) last_calls: TokenStream,
    /// The expression that fetches the messages.
    pub(crate) from: TokenStream,
    /// `true` if the daemon has an endpoint.
    pub(crate) controlled: bool,
    pub(crate) function: Function,
}

/// What `grace` is unless it is set.
const DEFAULT_GRACE: Duration = Duration::from_secs(10);

/// Checks the arguments and the function. Returns nothing for a method.
pub(crate) fn check(kind: Kind, mut args: Vec<Arg>, item: Item, errors: &mut Errors) -> Option<Model> {
    check_times(&args, errors);
    captures::check(&args, &item.signature, errors);
    let controlled = args.iter().any(|arg| arg.key.name == "control");
    // A value of `None` means that the key is not set; its type could not be inferred.
    args.retain(|arg| arg.expr().and_then(values::bare_word).is_none_or(|word| word != "None"));
    let Signature { ident, asyncness, .. } = &item.signature;
    let (root, hidden) = root(take(&mut args, "crate").as_ref(), errors);
    let companion = companion(take(&mut args, "companion").as_ref(), ident, &hidden, errors);
    let value = |key: &str, args: &mut Vec<Arg>, errors: &mut Errors| {
        take(args, key).and_then(|arg| values::check(&root, &arg, errors))
    };
    let from = value("from", &mut args, errors);
    // The method takes an expression, which may be an `Option`.
    let is_literal = |arg: &Arg| arg.expr().and_then(values::literal).is_some();
    let is_named = |arg: &Arg| arg.key.name == "name" && (kind == Kind::Instance || is_literal(arg));
    let name = if args.iter().any(is_named) { value("name", &mut args, errors) } else { None };
    let name = name.unwrap_or_else(|| default_name(kind, &root, ident));
    let last: Vec<Arg> = ["configure", "on_open"].iter().filter_map(|key| take(&mut args, key)).collect();
    for arg in args.iter().filter(|arg| asyncness.is_none() && matches!(arg.key.name, "runtime" | "worker_threads")) {
        let message = format!("`{}` is for the runtime of an `async fn`, which this function is not", arg.word);
        errors.on(&arg.word, message);
    }
    let mut calls_of = |args: &[Arg]| args.iter().filter_map(|arg| values::call(&root, arg, errors)).collect();
    let (calls, last_calls) = (calls_of(&args), calls_of(&last));
    // No token is wrong, so the error is on the whole attribute; after another mistake the key may have been meant.
    if kind == Kind::Message && from.is_none() && errors.count() == 0 {
        let message = "`from` is missing: it says where the messages come from, such as `from = next_job`";
        errors.at(Span::call_site(), message);
    }
    let mut function = function::check(kind, &root, item, errors)?;
    // Without a source there is nothing to launch.
    function.refused |= kind == Kind::Message && from.is_none();
    let from = from.unwrap_or_default();
    Some(Model { kind, root, companion, name, calls, last_calls, from, controlled, function })
}

fn take(args: &mut Vec<Arg>, key: &str) -> Option<Arg> {
    let at = args.iter().position(|arg| arg.key.name == key)?;
    Some(args.remove(at))
}

/// Refuses a stop that kills the daemon before its `grace` is over.
fn check_times(args: &[Arg], errors: &mut Errors) {
    let time = |key: &str| args.iter().find(|arg| arg.key.name == key).map(values::literal_duration);
    let Some(Some((timeout, span))) = time("stop_timeout") else { return };
    let grace = time("grace").map_or(Some(DEFAULT_GRACE), |grace| grace.map(|(grace, _)| grace));
    if let Some(grace) = grace.filter(|grace| timeout < *grace) {
        let message =
            format!("`stop_timeout` is shorter than `grace` ({grace:?}): the daemon would be killed within it");
        errors.at(span, message);
    }
}

/// Returns the path of the library, and the name of the crate in it. The path must be absolute: the expansion is used in other
/// modules.
fn root(arg: Option<&Arg>, errors: &mut Errors) -> (TokenStream, String) {
    let default = (print!(::daemon), "daemon".to_owned());
    let Some(Arg { key, value: Value::Expr(value), .. }) = arg else { return default };
    let Expr::Path(ExprPath { qself: None, path, .. }) = &**value else {
        errors.push(values::mismatch(key, value));
        return default;
    };
    let first = path.segments.first().map(|first| first.ident.to_string()).unwrap_or_default();
    match (&path.leading_colon, first.as_str()) {
        (Some(_), _) => (path.to_token_stream(), first),
        (None, "crate" | "$crate") => (path.to_token_stream(), String::new()),
        (None, _) => {
            let text = path.to_token_stream().to_string().replace(' ', "");
            errors.on(path, format!("the path of the library must be absolute: write `::{text}` or `crate::{text}`"));
            (print!(::#path), first)
        }
    }
}

const PRIMITIVES: &str = "bool char str f32 f64 i8 i16 i32 i64 i128 isize u8 u16 u32 u64 u128 usize";

/// Returns the companion's name. It must not hide the crate in every path, or one of the language's types; after that error the
/// companion gets a name that hides nothing.
fn companion(arg: Option<&Arg>, function: &Ident, hidden: &str, errors: &mut Errors) -> Ident {
    let mut companion = function.clone();
    if let Some(Arg { key, value: Value::Expr(value), .. }) = arg {
        match values::bare_word(value) {
            Some(name) => companion = name.clone(),
            None => errors.push(values::mismatch(key, value)),
        }
    }
    let name = companion.unraw().to_string();
    let what = match name.as_str() {
        name if name == hidden => "crate",
        name if PRIMITIVES.split(' ').any(|primitive| primitive == name) => "type",
        _ => return companion,
    };
    let message =
        format!("the companion `{name}` would hide the {what} `{name}`: choose another name with `companion = …`");
    errors.on(&companion, message);
    format_ident!("__companion_of_{name}", span = companion.span())
}

/// Returns the function's own name without `r#`; on `main` that of the program, which unrelated programs do not share.
fn default_name(kind: Kind, root: &TokenStream, function: &Ident) -> TokenStream {
    if kind == Kind::Instance {
        return print!(::core::env!("CARGO_PKG_NAME"));
    }
    if function == "main" {
        // The name at compile time, not the present name of the file: a program that was renamed or is called through a
        // link still finds its daemon, and no caller can choose the name.
        return print! {
            #root::__private::program_name(::core::option_env!("CARGO_BIN_NAME"), ::core::module_path!())
        };
    }
    let mut name = Literal::string(&function.unraw().to_string());
    name.set_span(function.span());
    name.into_token_stream()
}
