//! The signals by name, and what may be done with each.

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;
use syn::{BinOp, Expr, ExprPath};

use crate::actions::{self, Action};
use crate::blocks::SignalArm;
use crate::errors::Errors;
use crate::suggest;

/// One checked arm of `signals`.
pub(crate) struct SignalRule {
    /// Which signal.
    pub(crate) signal: Signal,
    /// What happens when it comes.
    pub(crate) action: Action,
}

/// A signal.
pub(crate) enum Signal {
    /// A constant of the library, and where the user named it.
    Known(String, Span),
    /// An expression of the user's.
    Given(TokenStream),
}

/// Every signal Linux has a number of its own for.
const NAMES: &[&str] = &[
    "SIGHUP",
    "SIGINT",
    "SIGQUIT",
    "SIGILL",
    "SIGTRAP",
    "SIGABRT",
    "SIGBUS",
    "SIGFPE",
    "SIGKILL",
    "SIGUSR1",
    "SIGSEGV",
    "SIGUSR2",
    "SIGPIPE",
    "SIGALRM",
    "SIGTERM",
    "SIGSTKFLT",
    "SIGCHLD",
    "SIGCONT",
    "SIGSTOP",
    "SIGTSTP",
    "SIGTTIN",
    "SIGTTOU",
    "SIGURG",
    "SIGXCPU",
    "SIGXFSZ",
    "SIGVTALRM",
    "SIGPROF",
    "SIGWINCH",
    "SIGIO",
    "SIGPWR",
    "SIGSYS",
];

/// Second names of some.
const ALIASES: &[(&str, &str)] = &[("SIGPOLL", "SIGIO"), ("SIGIOT", "SIGABRT"), ("SIGCLD", "SIGCHLD")];

/// Checks all arms; those with a mistake are reported and left out.
pub(crate) fn check(arms: Vec<SignalArm>, errors: &mut Errors) -> Vec<SignalRule> {
    let mut seen = Vec::new();
    let mut rules = Vec::new();
    for arm in arms {
        let before = errors.count();
        let name = named(&arm.signal, errors);
        let action = actions::check(arm.action, errors);
        if let (Some(name), Some(action)) = (name, &action) {
            refuse(name, action, &arm.signal, errors);
            if seen.contains(&name) {
                errors.on(&arm.signal, format!("`{name}` is given twice: write `[first, second]`"));
            }
            seen.push(name);
        }
        if let (Some(action), true) = (action, errors.count() == before) {
            rules.push(SignalRule { signal: resolve(&arm.signal), action });
        }
    }
    rules
}

/// The signal's full name, if it is given by name or by a constant's path.
fn named(signal: &Expr, errors: &mut Errors) -> Option<&'static str> {
    if let Expr::Binary(binary) = signal {
        if matches!(binary.op, BinOp::BitOr(_)) && constant(&binary.left).is_some() {
            errors.on(signal, "one signal to an action: write one line for each");
        }
    }
    let (word, alone) = constant(signal)?;
    let name = look_up(&word, alone);
    if name.is_none() && alone {
        if let Some(message) = unknown(&word) {
            errors.on(signal, message);
        }
    }
    name
}

/// The last word of a path, and whether it is the whole path.
fn constant(signal: &Expr) -> Option<(String, bool)> {
    match signal {
        Expr::Path(ExprPath { qself: None, path, .. }) => {
            let last = path.segments.last()?;
            Some((last.ident.to_string(), path.get_ident().is_some()))
        }
        Expr::Group(group) => constant(&group.expr),
        _ => None,
    }
}

/// `TERM` means the signal only where it stands alone: `priority::TERM` is the user's own.
fn look_up(word: &str, alone: bool) -> Option<&'static str> {
    let full = if word.starts_with("SIG") || !alone { word.into() } else { format!("SIG{word}") };
    let alias = ALIASES.iter().find(|(alias, _)| *alias == full);
    let name = alias.map_or(full.as_str(), |(_, name)| name);
    NAMES.iter().copied().find(|known| *known == name)
}

/// Why a word that stands alone is no signal; nothing if it may be a constant of the user's.
fn unknown(word: &str) -> Option<String> {
    if word.starts_with("SIGRT") {
        return Some(
            "real-time signals have no fixed numbers: write an expression, such as `libc::SIGRTMIN() + 1`".into(),
        );
    }
    if let Some(name) = look_up(&word.to_uppercase(), true) {
        return Some(format!("unknown signal `{word}`, did you mean `{name}`?"));
    }
    if !word.starts_with("SIG") {
        return None;
    }
    let near = suggest::nearest(word, NAMES.iter().copied());
    let hint = near.map(|name| format!(", did you mean `{name}`?")).unwrap_or_default();
    Some(format!("unknown signal `{word}`{hint}"))
}

/// What no program may do with some signals.
fn refuse(name: &str, action: &Action, signal: &Expr, errors: &mut Errors) {
    match (name, action) {
        ("SIGKILL" | "SIGSTOP", _) => {
            errors.on(signal, format!("`{name}` cannot be caught, blocked or ignored"));
        }
        ("SIGSEGV" | "SIGFPE" | "SIGILL" | "SIGBUS", Action::Handle(_)) => errors.on(
            signal,
            format!("`{name}` is raised by the instruction itself: returning from a handler runs it again"),
        ),
        ("SIGSEGV" | "SIGFPE" | "SIGILL" | "SIGBUS", Action::Ignore) => errors
            .on(signal, format!("`{name}` is raised by the instruction itself: the kernel does not let it be ignored")),
        _ => {}
    }
}

/// A name that stands alone becomes the library's constant, anything else stays as it is.
fn resolve(signal: &Expr) -> Signal {
    let name = constant(signal).filter(|(_, alone)| *alone).and_then(|(word, alone)| look_up(&word, alone));
    match name {
        Some(name) => Signal::Known(name.into(), syn::spanned::Spanned::span(signal)),
        None => Signal::Given(signal.to_token_stream()),
    }
}
