//! The key `signals`: `{ SIGNAL => action, … }`.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::spanned::Spanned;
use syn::{BinOp, Expr};

use crate::args::Arm;
use crate::errors::Errors;
use crate::handlers;
use crate::literals::word;
use crate::tokens::{located, quote_mixed};

/// The signals of signal(7), without `SIG`. Any other word is a constant of the user.
const SIGNALS: &str = "HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP \
                       TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS POLL IOT CLD";

/// Checks all arms, and returns a `Signals` of the library. Arms with an error are left out.
pub(crate) fn expand(krate: &TokenStream, arms: &[Arm], errors: &mut Errors) -> TokenStream {
    let mut seen: Vec<String> = Vec::new();
    let mut calls = TokenStream::new();
    for Arm { subject, action } in arms {
        let before = errors.count();
        let (name, signal) = parse_signal(krate, subject, errors);
        if let Some(name) = name {
            if let Some(message) = rejection(&name, action) {
                errors.push_spanned(subject, message);
            }
            if seen.contains(&name) {
                let message = format!("`{name}` has an action already: write both in one list, `[first, second]`");
                errors.push_spanned(subject, message);
            }
            seen.push(name);
        }
        // The location of the signal, so that the compiler reports an unsuitable action beside its signal.
        let span = subject.span().resolved_at(Span::mixed_site());
        let call = match word(action).as_deref() {
            Some("ignore") => quote_spanned!(span=> .ignore(#signal)),
            Some("default") => quote_spanned!(span=> .default_action(#signal)),
            _ => {
                let functions = handlers::parse(action, errors);
                quote_spanned!(span=> #(.handle(#signal, #functions))*)
            }
        };
        if errors.count() == before {
            calls.extend(call);
        }
    }
    quote_mixed!(#krate::signals::Signals::new() #calls)
}

/// Returns the signal's expression, and its full name if it is given by name or by the path of a constant.
fn parse_signal(krate: &TokenStream, subject: &Expr, errors: &mut Errors) -> (Option<String>, TokenStream) {
    match subject {
        Expr::Group(group) => return parse_signal(krate, &group.expr, errors),
        Expr::Binary(binary) if matches!(binary.op, BinOp::BitOr(_)) => {
            errors.push_spanned(subject, "expected one signal: write one line for each");
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
        errors.push_spanned(
            subject,
            "real-time signals have no fixed numbers: write an expression, such as `libc::SIGRTMIN() + 1`",
        );
    } else if known && word != upper {
        errors.push_spanned(subject, format!("unknown signal `{word}`, did you mean `SIG{short}`?"));
    } else if !known && !word.starts_with("SIG") {
        return (None, subject.to_token_stream());
    }
    // The compiler reports an unknown name, and suggests a similar one.
    let name = canonical(if known { format!("SIG{short}") } else { word });
    let constant = Ident::new(&name, subject.span());
    let span = subject.span().resolved_at(Span::mixed_site());
    let krate = located(krate, span);
    (Some(name), quote_spanned!(span=> #krate::Signal::#constant))
}

/// Replaces a synonym of signal(7), for which the library has no constant.
fn canonical(name: String) -> String {
    match name.as_str() {
        "SIGPOLL" => "SIGIO".to_owned(),
        "SIGIOT" => "SIGABRT".to_owned(),
        "SIGCLD" => "SIGCHLD".to_owned(),
        _ => name,
    }
}

/// Returns the reason why no program can have this action for the signal.
fn rejection(name: &str, action: &Expr) -> Option<String> {
    let why = match (name, word(action).as_deref()) {
        ("SIGKILL" | "SIGSTOP", _) => "cannot be caught, blocked or ignored: remove the line",
        (_, Some("default")) => return None,
        ("SIGSEGV" | "SIGFPE" | "SIGILL" | "SIGBUS", Some("ignore")) => {
            "cannot be ignored: the kernel kills a process whose instruction raises it"
        }
        ("SIGSEGV" | "SIGFPE" | "SIGILL" | "SIGBUS", _) => {
            "cannot be handled: after the handler, the instruction that raised it runs again"
        }
        _ => return None,
    };
    Some(format!("`{name}` {why}"))
}
