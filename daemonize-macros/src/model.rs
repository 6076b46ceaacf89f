//! The checked attribute and function. Everything with an error has been reported and left out, so that printing cannot fail.

use std::time::Duration;

use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{ToTokens, format_ident};
use syn::ext::IdentExt;
use syn::{Expr, ExprPath, Signature};

use crate::about;
use crate::args::{Arg, Value};
use crate::captures;
use crate::cli::{self, ParsedArguments};
use crate::errors::Errors;
use crate::function::{self, Function, RawFunction};
use crate::kind::Kind;
use crate::launch::{self, LaunchSettings, Target};
use crate::literals::{bare_word, literal};
use crate::tokens::quote_mixed;
use crate::values;

/// Everything that the expansion prints.
pub(crate) struct Model {
    pub(crate) kind: Kind,
    /// The path of the library.
    pub(crate) krate: TokenStream,
    /// The name of the companion.
    pub(crate) companion: Ident,
    /// The name of the daemon or instance, as an expression.
    pub(crate) name: TokenStream,
    /// The calls of the builder's methods, in the order of the keys.
    pub(crate) calls: TokenStream,
    /// The calls of `configure` and `on_open`, which come last.
    pub(crate) last_calls: TokenStream,
    /// The expression that fetches the messages.
    pub(crate) from: TokenStream,
    /// `true` if the daemon has an endpoint.
    pub(crate) has_endpoint: bool,
    /// `true` if the daemon ends with the process that starts it, which for `dispatch` is the parent of the program.
    pub(crate) ends_with_launcher: bool,
    pub(crate) launch: LaunchSettings,
    /// The call that sets the options of the service definition; empty without the key.
    pub(crate) service: TokenStream,
    /// The description in the documentation of a `main` with the key `cli`.
    pub(crate) about: Option<String>,
    /// Set for a `main` with the key `cli`.
    pub(crate) cli: Option<Cli>,
    pub(crate) function: Function,
}

/// The command line of a `main`.
pub(crate) struct Cli {
    /// The call that sets the verb of a call without one; empty without the key.
    pub(crate) default_verb: TokenStream,
    /// The parameter of `main`, if it has one.
    pub(crate) arguments: Option<ParsedArguments>,
}

impl Model {
    /// Returns `true` if the function is the program's `main`.
    pub(crate) fn is_main(&self) -> bool {
        self.function.signature.ident == "main"
    }

    /// Returns `true` if the user's function keeps its name, as a handler of messages that is not `main`.
    pub(crate) fn keeps_function(&self) -> bool {
        self.kind == Kind::Message && self.cli.is_none()
    }
}

/// The default of the key `grace`.
const DEFAULT_GRACE: Duration = Duration::from_secs(10);

/// Checks the arguments and the function. Returns `None` for a method.
pub(crate) fn check(kind: Kind, mut args: Vec<Arg>, item: RawFunction, errors: &mut Errors) -> Option<Model> {
    check_times(&args, errors);
    captures::check(kind, &args, &item.signature, errors);
    let has_endpoint = args.iter().any(|arg| arg.key.name == "control");
    // `None` means that the key is not set. It is left out, since the compiler could not infer its type.
    args.retain(|arg| !arg.is_unset());
    let Signature { ident, asyncness, .. } = &item.signature;
    let (krate, shadowed) = crate_path(take(&mut args, "crate").as_ref(), errors);
    let companion = companion(take(&mut args, "companion").as_ref(), ident, &shadowed, errors);
    let value = |key: &str, args: &mut Vec<Arg>, errors: &mut Errors| {
        take(args, key).and_then(|arg| values::check(&krate, &arg, errors))
    };
    let cli_arg = take(&mut args, "cli");
    let cli = cli_arg.as_ref().and_then(|arg| cli_of(kind, &krate, arg, &companion, &item.signature, errors));
    let service = take(&mut args, "service").and_then(|arg| values::call(&krate, &arg, errors)).unwrap_or_default();
    let target = Target { krate: &krate, is_main: ident == "main", has_cli: cli_arg.is_some() };
    let launch = launch::take(target, &mut args, errors);
    let ends_with_launcher = ends_with_launcher(&mut args, cli.is_some());
    let from = value("from", &mut args, errors);
    // `Daemon::new` takes a literal; an expression may be an `Option`, which only the builder's method `name` takes.
    let is_literal = |arg: &Arg| arg.expr().and_then(literal).is_some();
    let is_named = |arg: &Arg| arg.key.name == "name" && (kind == Kind::Instance || is_literal(arg));
    let name = if args.iter().any(is_named) { value("name", &mut args, errors) } else { None };
    let name = name.unwrap_or_else(|| default_name(kind, &krate, ident));
    let last: Vec<Arg> = ["configure", "on_open"].iter().filter_map(|key| take(&mut args, key)).collect();
    check_runtime(&args, asyncness.is_some(), errors);
    let mut calls_of = |args: &[Arg]| args.iter().filter_map(|arg| values::call(&krate, arg, errors)).collect();
    let (mut calls, last_calls): (TokenStream, _) = (calls_of(&args), calls_of(&last));
    calls.extend(attachments(&launch, ident == "main"));
    // The error is at the whole attribute, since no token is wrong. After another error the misspelt key may be `from`.
    if kind == Kind::Message && from.is_none() && errors.count() == 0 {
        let message = "`from` is missing: set the function that returns the next message, such as `from = next_job`";
        errors.push_at(Span::call_site(), message);
    }
    let about = cli.as_ref().and_then(|_| about::about(&item.attributes));
    let is_sendable = !launch.by_exec || kind == Kind::Message || launch::check_parameters(&item.signature, errors);
    let mut function = function::check(kind, cli.is_some(), &krate, item, errors)?;
    // Without `from` the launch cannot be printed, nor a command line without its feature.
    function.rejected |=
        !is_sendable || kind == Kind::Message && from.is_none() || cli.is_some() && !cfg!(feature = "cli");
    let from = from.unwrap_or_default();
    Some(Model {
        kind,
        krate,
        companion,
        name,
        calls,
        last_calls,
        from,
        has_endpoint,
        ends_with_launcher,
        launch,
        service,
        about,
        cli,
        function,
    })
}

/// Returns the calls that attach the scope and the service of a daemon on demand. The companion of `main` has no function of its own for
/// the settings, since they may use the parsed arguments.
fn attachments(launch: &LaunchSettings, is_main: bool) -> TokenStream {
    let LaunchSettings { scope, on_demand, .. } = launch;
    let (scope, on_demand) = (scope.iter(), on_demand.iter());
    let own = on_demand.map(|settings| {
        if is_main { settings.clone() } else { quote_mixed!(::core::clone::Clone::clone(Self::__on_demand())) }
    });
    quote_mixed!(#(.attach(#scope))* #(.attach(#own))*)
}

/// Checks the key `cli`. Returns `None` if the function is not `main`.
fn cli_of(
    kind: Kind,
    krate: &TokenStream,
    arg: &Arg,
    companion: &Ident,
    signature: &Signature,
    errors: &mut Errors,
) -> Option<Cli> {
    if signature.ident != "main" {
        let message = format!(
            "`cli` belongs on `main`: for this function parse the command line with `daemon::cli::Verb`, and call \
             `{companion}::dispatch(verb)`"
        );
        errors.push_spanned(&arg.ident, message);
        return None;
    }
    let keys = if let Value::Args(keys) = &arg.value { keys.as_slice() } else { &[] };
    let set = keys.iter().filter(|key| !key.is_unset()).filter_map(|key| values::check(krate, key, errors));
    let default_verb = set.map(|verb| quote_mixed!(.default_verb(#verb))).collect();
    Some(Cli { default_verb, arguments: cli::parsed_arguments(kind, signature) })
}

/// Returns `true` for `ends_with = parent`. A `main` with a command line exits at once after a start, so there the word is replaced:
/// the parent of the program is meant.
fn ends_with_launcher(args: &mut [Arg], has_cli: bool) -> bool {
    let Some(arg) = args.iter_mut().find(|arg| arg.key.name == "ends_with") else { return false };
    let Some(span) = arg.expr().and_then(bare_word).filter(|word| *word == "parent").map(Ident::span) else {
        return false;
    };
    if has_cli {
        let word = Ident::new("launcher_parent", span);
        arg.value = Value::Expr(Box::new(syn::parse_quote!(#word)));
    }
    true
}

/// Reports the keys of a runtime on a function without one.
fn check_runtime(args: &[Arg], awaits: bool, errors: &mut Errors) {
    for arg in args.iter().filter(|arg| !awaits && matches!(arg.key.name, "runtime" | "worker_threads")) {
        let message = format!("`{}` applies only to an `async fn`: remove it, or make the function `async`", arg.ident);
        errors.push_spanned(&arg.ident, message);
    }
}

fn take(args: &mut Vec<Arg>, key: &str) -> Option<Arg> {
    let at = args.iter().position(|arg| arg.key.name == key)?;
    Some(args.remove(at))
}

/// Reports a `stop_timeout` that ends before `grace`.
fn check_times(args: &[Arg], errors: &mut Errors) {
    let time = |key: &str| args.iter().find(|arg| arg.key.name == key).map(values::literal_duration);
    let Some(Some((timeout, span))) = time("stop_timeout") else { return };
    let grace = time("grace").map_or(Some(DEFAULT_GRACE), |grace| grace.map(|(grace, _)| grace));
    if let Some(grace) = grace.filter(|grace| timeout < *grace) {
        let message = format!(
            "`stop_timeout` is shorter than `grace` ({grace:?}): `stop` would kill the daemon before `grace` ends"
        );
        errors.push_at(span, message);
    }
}

/// Returns the path of the library, and the name of the crate in it. The path must be absolute, since macros of the companion are
/// expanded in other modules too.
pub(crate) fn crate_path(arg: Option<&Arg>, errors: &mut Errors) -> (TokenStream, String) {
    let default = (quote_mixed!(::daemon), "daemon".to_owned());
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
            errors.push_spanned(
                path,
                format!("the path of the library must be absolute: write `::{text}` or `crate::{text}`"),
            );
            (quote_mixed!(::#path), first)
        }
    }
}

/// The primitive types of the language.
const PRIMITIVES: &str = "bool char str f32 f64 i8 i16 i32 i64 i128 isize u8 u16 u32 u64 u128 usize";

/// Returns the name of the companion. It must not shadow the crate or a primitive type; after that error the companion gets
/// another name.
fn companion(arg: Option<&Arg>, function: &Ident, shadowed: &str, errors: &mut Errors) -> Ident {
    let mut companion = function.clone();
    if let Some(Arg { key, value: Value::Expr(value), .. }) = arg {
        match bare_word(value) {
            Some(name) => companion = name.clone(),
            None => errors.push(values::mismatch(key, value)),
        }
    }
    let name = companion.unraw().to_string();
    let what = match name.as_str() {
        name if name == shadowed => "crate",
        name if PRIMITIVES.split(' ').any(|primitive| primitive == name) => "type",
        _ => return companion,
    };
    let message =
        format!("the companion `{name}` would hide the {what} `{name}`: choose another name with `companion = …`");
    errors.push_spanned(&companion, message);
    format_ident!("__companion_of_{name}", span = companion.span())
}

/// Returns the default name: the function's without `r#`, on `main` that of the program, which other programs do not have.
fn default_name(kind: Kind, krate: &TokenStream, function: &Ident) -> TokenStream {
    if kind == Kind::Instance {
        return quote_mixed!(::core::env!("CARGO_PKG_NAME"));
    }
    if function == "main" {
        // The name at compile time, not that of the file: a renamed or linked program still finds its daemon, and no caller
        // can choose the name.
        return quote_mixed! {
            #krate::__private::program_name(::core::option_env!("CARGO_BIN_NAME"), ::core::module_path!())
        };
    }
    let mut name = Literal::string(&function.unraw().to_string());
    name.set_span(function.span());
    name.into_token_stream()
}
