//! The keys `launch`, `on_demand`, and those that belong to them: how a daemon is launched, and what its clients expect.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::spanned::Spanned;
use syn::{Expr, FnArg, Lit, Signature, Type};

use crate::args::{Arg, Value};
use crate::errors::Errors;
use crate::literals::{bare_word, literal, word};
use crate::parameters;
use crate::shape::Shape;
use crate::suggest;
use crate::tokens::{self, located, quote_mixed};
use crate::values;

/// The keys that only a daemon on demand has.
const ON_DEMAND_KEYS: &[&str] = &["on_mismatch", "greeting_timeout", "connect_timeout", "protocol", "constraint"];

/// How a daemon is launched.
#[derive(Default)]
pub(crate) struct LaunchSettings {
    /// `true` if the companion's verbs launch the daemon by exec.
    pub(crate) by_exec: bool,
    /// The environment of a daemon that is launched by exec, as an expression.
    pub(crate) environment: Option<TokenStream>,
    /// The settings of a daemon on demand, as an expression.
    pub(crate) on_demand: Option<TokenStream>,
    /// The settings of the scope, as an expression.
    pub(crate) scope: Option<TokenStream>,
}

/// The function, as far as it decides about the launch.
#[derive(Clone, Copy)]
pub(crate) struct Target<'a> {
    pub(crate) krate: &'a TokenStream,
    pub(crate) is_main: bool,
    pub(crate) has_cli: bool,
}

/// Removes the keys of the launch from the arguments, and checks them.
pub(crate) fn take(target: Target<'_>, args: &mut Vec<Arg>, errors: &mut Errors) -> LaunchSettings {
    let mut take = |key: &str| args.iter().position(|arg| arg.key.name == key).map(|at| args.remove(at));
    let [launch, on_demand, environment, scope] = ["launch", "on_demand", "environment", "scope"].map(&mut take);
    let details: Vec<Arg> = ON_DEMAND_KEYS.iter().filter_map(|key| take(key)).collect();
    let Target { krate, is_main, .. } = target;
    let launch = launch.and_then(|arg| choice(&arg, errors));
    if let Some(launch) = &launch {
        check_launch(target, launch, on_demand.is_some(), errors);
    }
    let by_exec = !is_main && (on_demand.is_some() || launch.is_some_and(|launch| launch == "exec"));
    if by_exec {
        check_by_exec(args, errors);
        check_descriptors(args, errors);
    } else if let Some(arg) = &environment {
        let message =
            "`environment` needs `launch = exec`: a daemon that is forked has the environment of its launcher";
        errors.push_spanned(&arg.ident, message);
    }
    // After another error the misspelt key may be `on_demand`.
    if let (None, Some(arg), 0) = (&on_demand, details.first(), errors.count()) {
        let message = format!(
            "`{}` needs `on_demand`: add the time after which the daemon exits, such as `on_demand = \"10m\"`",
            arg.key.name
        );
        errors.push_spanned(&arg.ident, message);
    }
    let environment = environment.and_then(|arg| environment_of(krate, &arg, errors)).filter(|_| by_exec);
    // The first of many clients does not decide about the daemon of all.
    let clean = || quote_mixed!(#krate::exec::Environment::Clean);
    LaunchSettings {
        by_exec,
        environment: environment.or_else(|| on_demand.is_some().then(clean)),
        scope: scope_of(krate, scope.as_ref(), on_demand.is_some(), errors),
        on_demand: on_demand.map(|arg| on_demand_of(krate, &arg, &details, errors)),
    }
}

/// Returns the word of a key that decides about the expansion.
fn choice(arg: &Arg, errors: &mut Errors) -> Option<Ident> {
    let (value, Shape::Choice(words)) = (arg.expr()?, arg.key.shape) else { return None };
    match bare_word(value) {
        Some(word) if words.iter().any(|known| word == known) => return Some(word.clone()),
        Some(word) => {
            let hint = suggest::hint(&word.to_string(), words);
            errors.push_spanned(word, format!("unknown word `{word}` for `{}`{hint}", arg.key.name));
        }
        None => {
            let words = words.join("` or `");
            errors.push_spanned(value, format!("`{}` is decided at compile time: write `{words}`", arg.key.name));
        }
    }
    None
}

/// Reports a launch that the function, or another key, excludes.
fn check_launch(target: Target<'_>, launch: &Ident, on_demand: bool, errors: &mut Errors) {
    if launch == "exec" && target.is_main {
        let reason = if target.has_cli { "with `cli` its process" } else { "its process" };
        let message = format!(
            "`launch = exec` is not for `main`: {reason} has one thread when it starts the daemon, and forks it; remove `launch`"
        );
        errors.push_spanned(launch, message);
    }
    if launch == "fork" && on_demand && !target.is_main {
        let message =
            "`on_demand` needs `launch = exec`, its default: a client with threads cannot fork; remove `launch`";
        errors.push_spanned(launch, message);
    }
}

/// Reports values of other keys that a launch by exec excludes.
fn check_by_exec(args: &[Arg], errors: &mut Errors) {
    for (key, excluded, message) in [
        (
            "detach",
            "never",
            "`detach = never` cannot be launched by exec: call `foreground()`, or write `launch = fork`",
        ),
        (
            "ends_with",
            "launcher_parent",
            "`ends_with = launcher_parent` needs `launch = fork`: a launch by exec knows the process that starts the daemon, \
             `parent`, but not the parent of that",
        ),
    ] {
        let value = args.iter().find(|arg| arg.key.name == key).and_then(Arg::expr);
        if let Some(value) = value.filter(|value| word(value).is_some_and(|word| word == excluded)) {
            errors.push_spanned(value, message);
        }
    }
}

/// Reports numbers of descriptors: in the new process they would be those of other files.
fn check_descriptors(args: &[Arg], errors: &mut Errors) {
    let value = args.iter().find(|arg| arg.key.name == "inherit").and_then(Arg::expr);
    let Some(Expr::Array(list)) = value else { return };
    for number in list.elems.iter().filter(|element| literal(element).is_some()) {
        let message =
            "a launch by exec passes no descriptor on: remove this one; a client sends its own with `send_fds`";
        errors.push_spanned(number, message);
    }
}

/// Reports parameters that a launch by exec cannot send, for a reason that their types show. Returns `false` if there are any; the
/// compiler checks the other types.
pub(crate) fn check_parameters(signature: &Signature, errors: &mut Errors) -> bool {
    let before = errors.count();
    for input in &signature.inputs {
        let FnArg::Typed(typed) = input else { continue };
        let target = parameters::reference(&typed.ty).map_or(&*typed.ty, |reference| &reference.elem);
        if parameters::reference(&typed.ty).is_some() && matches!(target, Type::TraitObject(_)) {
            let message =
                "a launch by exec sends the arguments to a new process, and cannot send a trait object: write its type";
            errors.push_spanned(target, message);
        } else if let Some(and) = tokens::find_reference(target.to_token_stream()) {
            let message = "a launch by exec sends the arguments to a new process, which cannot own a reference inside of another type: \
                           write the owned type, such as `Vec<String>` for `Vec<&str>`";
            errors.push_at(and, message);
        }
    }
    errors.count() == before
}

/// Returns the settings of a daemon on demand.
fn on_demand_of(krate: &TokenStream, arg: &Arg, details: &[Arg], errors: &mut Errors) -> TokenStream {
    let calls: Vec<TokenStream> = details.iter().filter_map(|arg| detail(krate, arg, errors)).collect();
    // After an error any time will do: the companion keeps its `connect`.
    let idle = values::check(krate, arg, errors).unwrap_or_else(|| quote_mixed!(::core::time::Duration::ZERO));
    quote_mixed! {
        #krate::on_demand::OnDemand::new(#idle)
            .package(::core::env!("CARGO_PKG_NAME"))
            .version(::core::env!("CARGO_PKG_VERSION")) #(#calls)*
    }
}

/// Returns the call that sets a detail of a daemon on demand.
fn detail(krate: &TokenStream, arg: &Arg, errors: &mut Errors) -> Option<TokenStream> {
    let (Shape::Text, Some(value)) = (arg.key.shape, arg.expr()) else { return values::call(krate, arg, errors) };
    match literal(value) {
        None | Some(Lit::Str(_)) => {}
        Some(other) => {
            errors.push(values::mismatch(arg.key, other));
            return None;
        }
    }
    let mut method = arg.ident.clone();
    method.set_span(method.span().resolved_at(Span::mixed_site()));
    // The compiler reports an unsuitable type at the value.
    let span = value.span().resolved_at(Span::mixed_site());
    let text = quote_spanned!(span=> <::std::string::String as ::core::convert::From<_>>::from(#value));
    Some(quote_mixed!(.#method(#text)))
}

/// Returns the environment of a daemon that is launched by exec.
fn environment_of(krate: &TokenStream, arg: &Arg, errors: &mut Errors) -> Option<TokenStream> {
    let value = arg.expr()?;
    let span = value.span().resolved_at(Span::mixed_site());
    let krate = located(krate, span);
    match (value, word(value).as_deref()) {
        (_, Some("clean")) => Some(quote_spanned!(span=> #krate::exec::Environment::Clean)),
        (_, Some("inherit")) => Some(quote_spanned!(span=> #krate::exec::Environment::Inherit)),
        (_, Some(word)) if word.starts_with(char::is_lowercase) => {
            let hint = suggest::hint(word, &["clean", "inherit"]);
            errors.push_spanned(value, format!("unknown word `{word}` for `environment`{hint}, or a list of names"));
            None
        }
        (Expr::Array(list), _) => {
            let before = errors.count();
            list.elems.iter().for_each(|name| check_variable(name, errors));
            let names = list.elems.iter();
            let owned = names.map(
                |name| quote_spanned!(name.span().resolved_at(Span::mixed_site())=> ::std::string::String::from(#name)),
            );
            let list = quote_spanned!(span=> #krate::exec::Environment::Names(::std::vec![#(#owned),*]));
            (errors.count() == before).then_some(list)
        }
        (_, None) if literal(value).is_some() => {
            errors.push(values::mismatch(arg.key, value));
            None
        }
        _ => Some(quote_mixed!(#value)),
    }
}

/// Reports the literal name of a variable that no environment can contain.
fn check_variable(name: &Expr, errors: &mut Errors) {
    match literal(name) {
        Some(Lit::Str(text)) if text.value().is_empty() || text.value().contains(['=', '\0']) => {
            errors.push_spanned(text, "the name of a variable cannot be empty, nor contain `=` or NUL");
        }
        None | Some(Lit::Str(_)) => {}
        Some(other) => errors.push_spanned(other, "the name of a variable is a string, such as `\"LANG\"`"),
    }
}

/// Returns the scope. With its feature every daemon on demand has one.
fn scope_of(krate: &TokenStream, arg: Option<&Arg>, on_demand: bool, errors: &mut Errors) -> Option<TokenStream> {
    let wanted = match arg.map(|arg| &arg.value) {
        None => on_demand && cfg!(feature = "scope"),
        Some(Value::Expr(value)) => {
            let wanted = literal(value)
                .and_then(|literal| if let Lit::Bool(wanted) = literal { Some(wanted.value) } else { None });
            if wanted.is_none() {
                errors.push_spanned(value, "`scope` is decided at compile time: write `scope` or `scope = false`");
            }
            wanted.unwrap_or_default()
        }
        Some(_) => true,
    };
    wanted.then(|| quote_mixed!(#krate::scope::Scope::new()))
}
