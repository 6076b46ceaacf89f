//! The checked attribute and function. It is total: what could not be understood has been reported
//! and left out, so that the expansion has nothing to decide but where tokens go.

use std::time::Duration;

use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{ToTokens, format_ident, quote_spanned};
use syn::Path;
use syn::ext::IdentExt;

use crate::args::{Arg, Value};
use crate::errors::Errors;
use crate::function::{self, Function};
use crate::hooks::{self, HookRule};
use crate::item::Item;
use crate::keys::{CONTROLS, Kind, OF_ASYNC};
use crate::retry::{self, RetryRule};
use crate::signals::{self, SignalRule};
use crate::values::{self, Checked};

/// Everything the expansion prints.
pub(crate) struct Model {
    /// Which attribute it is.
    pub(crate) kind: Kind,
    /// The path of the library.
    pub(crate) root: TokenStream,
    /// The companion's name.
    pub(crate) companion: Ident,
    /// The daemon's name, as an expression.
    pub(crate) name: TokenStream,
    /// What the builder is told, in the user's order; `configure` comes last.
    pub(crate) settings: Vec<Setting>,
    /// What fetches the messages of a message daemon.
    pub(crate) from: TokenStream,
    /// Whether it has an endpoint.
    pub(crate) controlled: bool,
    /// The function.
    pub(crate) function: Function,
}

/// One call of a method of the builder.
pub(crate) struct Setting {
    /// The method.
    pub(crate) key: Ident,
    /// Its argument.
    pub(crate) value: Argument,
}

/// What a method of the builder is given.
pub(crate) enum Argument {
    /// Nothing: the method takes no argument.
    Nothing,
    /// A plain value.
    Plain(Checked),
    /// A set of signals with their actions.
    Signals(Vec<SignalRule>),
    /// A set of hooks.
    Hooks(Vec<HookRule>),
    /// When messages that failed are handled again.
    Retry(Vec<RetryRule>),
    /// An endpoint, as the user's expression says.
    Endpoint(Option<TokenStream>),
}

/// What `grace` is unless it is set.
const DEFAULT_GRACE: Duration = Duration::from_secs(10);

/// Checks the arguments and the function. There is nothing for a method.
pub(crate) fn check(kind: Kind, args: Vec<Arg>, item: Item, errors: &mut Errors) -> Option<Model> {
    let mut choices = Choices::default();
    for arg in args {
        choices.take(arg, errors);
    }
    choices.check_times(errors);
    choices.check_source(kind, errors);
    let mut function = function::check(kind, item, errors)?;
    if !function.awaits {
        choices.refuse_runtime(errors);
    }
    let root = choices.root(errors);
    let companion = choices.companion(&function.ident, &root, errors);
    let name = choices.name.unwrap_or_else(|| default_name(&root.to_token_stream(), &function.ident));
    // Without a source there is nothing to launch; that has been said.
    function.refused |= kind == Kind::Message && choices.from.is_none();
    let from = choices.from.unwrap_or_default();
    let mut settings = choices.settings;
    settings.sort_by_key(|setting| setting.key == "configure");
    // Also where its value was wrong: that has been said, and what uses the companion is no second mistake.
    let controlled = CONTROLS && choices.seen.contains(&"control");
    Some(Model { kind, root: root.to_token_stream(), companion, name, settings, from, controlled, function })
}

/// What the arguments say, before the function is known.
#[derive(Default)]
struct Choices {
    seen: Vec<&'static str>,
    name: Option<TokenStream>,
    companion: Option<Ident>,
    root: Option<Path>,
    from: Option<TokenStream>,
    settings: Vec<Setting>,
}

impl Choices {
    /// Takes one argument into account; the first of two with the same key counts.
    fn take(&mut self, arg: Arg, errors: &mut Errors) {
        if self.seen.contains(&arg.key.name) {
            errors.at(arg.word.span(), format!("duplicate key `{}`", arg.key.name));
            return;
        }
        self.seen.push(arg.key.name);
        let value = match arg.value {
            Value::Name(name) => {
                self.companion = Some(name);
                return;
            }
            Value::Root(path) => {
                self.root = Some(path);
                return;
            }
            Value::Signals(arms) => Argument::Signals(signals::check(arms, errors)),
            Value::Control(value) => {
                if let Some(value) = errors.keep(values::endpoint(&arg.word, arg.key, value.as_ref())) {
                    let key = Ident::new("attach", arg.word.span());
                    self.settings.push(Setting { key, value: Argument::Endpoint(value) });
                }
                return;
            }
            Value::Hooks(arms) => Argument::Hooks(hooks::check(arms, errors)),
            Value::Retry(arms) => Argument::Retry(retry::check(arms, errors)),
            Value::Expr(value) if values::is_unset(&value) => return,
            Value::Expr(value) if values::is_no_pidfile(arg.key, &value) => {
                let key = Ident::new("no_pidfile", arg.word.span());
                self.settings.push(Setting { key, value: Argument::Nothing });
                return;
            }
            // An expression may be an `Option`, which the method takes.
            Value::Expr(value) if arg.key.name == "name" && !values::is_literal(&value) => {
                let value = Argument::Plain(Checked::Verbatim(value.into_token_stream()));
                self.settings.push(Setting { key: arg.word, value });
                return;
            }
            Value::Expr(value) => match errors.keep(values::check(arg.key, &value)) {
                Some(checked) => Argument::Plain(checked),
                None => return,
            },
        };
        self.set(arg.word, value);
    }

    fn set(&mut self, key: Ident, value: Argument) {
        match value {
            Argument::Plain(Checked::Verbatim(name)) if key == "name" => self.name = Some(name),
            Argument::Plain(Checked::Verbatim(from)) if key == "from" => self.from = Some(from),
            value => self.settings.push(Setting { key, value }),
        }
    }

    /// A daemon that is killed before its grace is over was promised too much.
    fn check_times(&self, errors: &mut Errors) {
        let grace = match self.setting("grace") {
            Some(Argument::Plain(Checked::Duration(grace, _))) => *grace,
            None if !self.seen.contains(&"grace") => DEFAULT_GRACE,
            // An expression, or a mistake that was reported.
            _ => return,
        };
        if let Some(Argument::Plain(Checked::Duration(timeout, span))) = self.setting("stop_timeout") {
            if *timeout < grace {
                let message =
                    format!("`stop_timeout` is shorter than `grace` ({grace:?}): the daemon would be killed within it");
                errors.at(*span, message);
            }
        }
    }

    /// Without it there is no message to handle. No token is wrong, so the error is on the whole attribute; after another
    /// mistake it may have been meant to be there.
    fn check_source(&self, kind: Kind, errors: &mut Errors) {
        if kind == Kind::Message && self.from.is_none() && errors.count() == 0 {
            let message = "`from` is missing: it says where the messages come from, such as `from = next_job`";
            errors.at(Span::call_site(), message);
        }
    }

    /// A function that does not await has no runtime.
    fn refuse_runtime(&self, errors: &mut Errors) {
        for Setting { key, .. } in &self.settings {
            if OF_ASYNC.iter().any(|name| key == name) {
                errors.at(key.span(), format!("`{key}` is about the runtime of an `async fn`; this function is none"));
            }
        }
    }

    fn setting(&self, key: &str) -> Option<&Argument> {
        self.settings.iter().find(|setting| setting.key == key).map(|setting| &setting.value)
    }

    /// The path of the library. It must be absolute: the expansion is used in other modules.
    fn root(&mut self, errors: &mut Errors) -> Path {
        let Some(mut path) = self.root.take() else {
            return syn::parse_quote_spanned!(Span::mixed_site()=> ::daemon);
        };
        let first = path.segments.first().map(|first| first.ident.to_string()).unwrap_or_default();
        if path.leading_colon.is_none() && first != "crate" && first != "$crate" {
            let text = path.to_token_stream().to_string().replace(' ', "");
            errors.on(&path, format!("the path of the library must be absolute: write `::{text}` or `crate::{text}`"));
            path.leading_colon = Some(syn::token::PathSep::default());
        }
        path
    }

    /// A type hides what has the same name: the crate in every path, or one of the language's
    /// types. After that error it gets a name that hides nothing.
    fn companion(&mut self, function: &Ident, root: &Path, errors: &mut Errors) -> Ident {
        let companion = self.companion.take().unwrap_or_else(|| function.clone());
        let name = companion.unraw().to_string();
        let first = root.segments.first();
        let hidden = match first {
            Some(first) if root.leading_colon.is_some() && first.ident == name.as_str() => "crate",
            _ if is_primitive(&name) => "type",
            _ => return companion,
        };
        errors.at(
            companion.span(),
            format!(
                "the companion `{name}` would hide the {hidden} `{name}`: choose another name with `companion = …`"
            ),
        );
        format_ident!("__companion_of_{name}", span = companion.span())
    }
}

fn is_primitive(name: &str) -> bool {
    const PRIMITIVES: &[&str] = &[
        "bool", "char", "str", "f32", "f64", "i8", "i16", "i32", "i64", "i128", "isize", "u8", "u16", "u32", "u64",
        "u128", "usize",
    ];
    PRIMITIVES.contains(&name)
}

/// Returns the function's own name, without the `r#` of a raw one; on `main` the name of the program, as unrelated programs
/// would share that of the function.
fn default_name(root: &TokenStream, function: &Ident) -> TokenStream {
    if function == "main" {
        // The name at compile time, not the present name of the file: a program that was renamed or is called through a
        // link still finds its daemon, and no caller can choose the name.
        return quote_spanned!(Span::mixed_site()=> #root::__private::program_name(
            ::core::option_env!("CARGO_BIN_NAME"),
            ::core::module_path!()
        ));
    }
    let mut name = Literal::string(&function.unraw().to_string());
    name.set_span(function.span());
    name.into_token_stream()
}
