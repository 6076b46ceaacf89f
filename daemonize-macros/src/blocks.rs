//! The entries in the braces of `signals` and `hooks`: `subject => action, …`.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::spanned::Spanned;
use syn::{BinOp, Expr};

use crate::args::Arm;
use crate::errors::Errors;
use crate::expand::{located, print};
use crate::parameters::hygienic;
use crate::suggest;
use crate::values::bare_word;

/// The signals that can be written without `SIG`. Another word is a constant of the user's.
const SIGNALS: &str = "HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP \
                       TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS POLL IOT CLD";

/// The stages, in the order of a launch.
const STAGES: &[&str] =
    &["Detach", "CoreDumps", "Identity", "Umask", "WorkingDirectory", "PidFile", "Signals", "Descriptors", "Stdio"];

/// Checks all arms of `signals`, and returns the library's set of them. Those with a mistake are left out.
pub(crate) fn signals(root: &TokenStream, arms: &[Arm], errors: &mut Errors) -> TokenStream {
    let mut seen: Vec<String> = Vec::new();
    let mut calls = TokenStream::new();
    for Arm { subject, action } in arms {
        let before = errors.count();
        let (name, signal) = signal(root, subject, errors);
        if let Some(message) = name.as_ref().and_then(|name| refusal(name, action)) {
            errors.on(subject, message);
        }
        if let Some(name) = name {
            if seen.contains(&name) {
                errors.on(subject, format!("`{name}` is given twice: write `[first, second]`"));
            }
            seen.push(name);
        }
        // An error in the action says which signal it is for.
        let span = subject.span().resolved_at(Span::mixed_site());
        let call = match word(action).as_deref() {
            Some("ignore") => quote_spanned!(span=> .ignore(#signal)),
            Some("default") => quote_spanned!(span=> .default_action(#signal)),
            _ => {
                let functions = functions(action, errors);
                quote_spanned!(span=> #(.handle(#signal, #functions))*)
            }
        };
        if errors.count() == before {
            calls.extend(call);
        }
    }
    print!(#root::signals::Signals::new() #calls)
}

/// Returns the signal's full name, if it is given by name or by the path of a constant, and its expression.
fn signal(root: &TokenStream, subject: &Expr, errors: &mut Errors) -> (Option<String>, TokenStream) {
    match subject {
        Expr::Group(group) => return signal(root, &group.expr, errors),
        Expr::Binary(binary) if matches!(binary.op, BinOp::BitOr(_)) => {
            errors.on(subject, "one signal to an action: write one line for each");
        }
        _ => {}
    }
    let Some(word) = word(subject) else {
        let last = match subject {
            Expr::Path(path) => path.path.segments.last().map(|last| last.ident.to_string()),
            _ => None,
        };
        return (last.filter(|name| name.starts_with("SIG")).map(canonical), subject.to_token_stream());
    };
    let upper = word.to_uppercase();
    let short = upper.strip_prefix("SIG").unwrap_or(&upper);
    let known = SIGNALS.split_whitespace().any(|name| name == short);
    if word.starts_with("SIGRT") {
        errors.on(
            subject,
            "real-time signals have no fixed numbers: write an expression, such as `libc::SIGRTMIN() + 1`",
        );
    } else if known && word != upper {
        errors.on(subject, format!("unknown signal `{word}`, did you mean `SIG{short}`?"));
    } else if !known && !word.starts_with("SIG") {
        return (None, subject.to_token_stream());
    }
    // The compiler says what is wrong with an unknown name, and which one is like it.
    let name = canonical(if known { format!("SIG{short}") } else { word });
    let constant = Ident::new(&name, subject.span());
    let place = subject.span().resolved_at(Span::mixed_site());
    let root = located(root, place);
    (Some(name), quote_spanned!(place=> #root::Signal::#constant))
}

/// Replaces a second name, for which the library has no constant.
fn canonical(name: String) -> String {
    match name.as_str() {
        "SIGPOLL" => "SIGIO".to_owned(),
        "SIGIOT" => "SIGABRT".to_owned(),
        "SIGCLD" => "SIGCHLD".to_owned(),
        _ => name,
    }
}

/// Returns why no program may do that with the signal.
fn refusal(name: &str, action: &Expr) -> Option<String> {
    let why = match (name, word(action).as_deref()) {
        ("SIGKILL" | "SIGSTOP", _) => "cannot be caught, blocked or ignored",
        (_, Some("default")) => return None,
        ("SIGSEGV" | "SIGFPE" | "SIGILL" | "SIGBUS", Some("ignore")) => {
            "is raised by the instruction itself: the kernel does not let it be ignored"
        }
        ("SIGSEGV" | "SIGFPE" | "SIGILL" | "SIGBUS", _) => {
            "is raised by the instruction itself: returning from a handler runs it again"
        }
        _ => return None,
    };
    Some(format!("`{name}` {why}"))
}

/// Checks all arms of `hooks`, and returns the library's set of them.
pub(crate) fn hooks(root: &TokenStream, arms: &[Arm], errors: &mut Errors) -> TokenStream {
    let mut replaced: Vec<Ident> = Vec::new();
    let mut calls = TokenStream::new();
    for Arm { subject, action } in arms {
        let before = errors.count();
        let Some((verb, stage)) = errors.keep(hook(subject)) else { continue };
        known(verb, "hook", &["before", "after", "replace"], errors);
        known(stage, "stage", STAGES, errors);
        let functions = functions(action, errors);
        if verb == "replace" {
            if functions.len() > 1 || replaced.contains(stage) {
                errors.on(stage, format!("`{stage}` can be replaced once: put all of it into one function"));
            }
            replaced.push(stage.clone());
        }
        if errors.count() == before {
            let verb = hygienic(verb);
            calls.extend(print!(#(.#verb(#root::settings::Stage::#stage, #functions))*));
        }
    }
    print!(#root::settings::Hooks::new() #calls)
}

/// Takes `verb(Stage)` apart.
fn hook(subject: &Expr) -> syn::Result<(&Ident, &Ident)> {
    let (verb, stages) = match subject {
        Expr::Call(call) => (bare_word(&call.func), call.args.iter().collect()),
        other => (bare_word(other), Vec::new()),
    };
    if let (Some(verb), [stage]) = (verb, stages.as_slice()) {
        if let Some(stage) = bare_word(stage) {
            return Ok((verb, stage));
        }
    }
    let (place, message) = match (verb, stages.as_slice()) {
        (Some(verb), []) => (subject, format!("`{verb}` needs a stage, such as `{verb}(Umask) => prepare`")),
        (Some(_), [_, second, ..]) => (*second, "one stage to a hook".to_owned()),
        _ => (subject, "expected a hook and its stage, such as `before(Umask)`".to_owned()),
    };
    Err(syn::Error::new_spanned(place, message))
}

/// Reports a word that is none of those allowed.
fn known(word: &Ident, what: &str, allowed: &[&str], errors: &mut Errors) {
    if !allowed.iter().any(|name| word == name) {
        errors.on(word, format!("unknown {what} `{word}`{}", suggest::hint(&word.to_string(), allowed)));
    }
}

/// Returns one function, or the functions of a list. What can never be called is reported, the rest is left to the compiler.
fn functions(action: &Expr, errors: &mut Errors) -> Vec<TokenStream> {
    let functions: Vec<&Expr> = match action {
        Expr::Array(list) => list.elems.iter().collect(),
        single => vec![single],
    };
    if functions.is_empty() {
        errors.on(action, "the list of functions is empty");
    }
    for function in &functions {
        match function {
            Expr::Lit(_) => errors.on(function, "expected a function or a closure, not a literal"),
            Expr::Array(_) => errors.on(function, "expected a function or a closure, not a list in a list"),
            _ if matches!(word(function).as_deref(), Some("ignore" | "default")) => {
                errors.on(function, "`ignore` and `default` are not functions: each stands alone behind a signal");
            }
            _ => {}
        }
    }
    functions.iter().map(ToTokens::to_token_stream).collect()
}

fn word(expr: &Expr) -> Option<String> {
    bare_word(expr).map(ToString::to_string)
}
