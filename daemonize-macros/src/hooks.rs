//! The hooks of the launch: which stage, before or after it or in its place.

use proc_macro2::{Ident, TokenStream};

use crate::actions;
use crate::blocks::HookArm;
use crate::errors::Errors;
use crate::suggest;

/// One checked arm of `hooks`.
pub(crate) struct HookRule {
    /// `before`, `after` or `replace`: the builder's method.
    pub(crate) verb: Ident,
    /// The variant of the library's `Stage`.
    pub(crate) stage: Ident,
    /// What to call, in order.
    pub(crate) functions: Vec<TokenStream>,
}

const VERBS: &[&str] = &["before", "after", "replace"];

/// The stages, in the order of a launch.
const STAGES: &[&str] =
    &["Detach", "CoreDumps", "Identity", "Umask", "WorkingDirectory", "PidFile", "Signals", "Descriptors", "Stdio"];

/// Checks all arms; those with a mistake are reported and left out.
pub(crate) fn check(arms: Vec<HookArm>, errors: &mut Errors) -> Vec<HookRule> {
    let mut replaced: Vec<Ident> = Vec::new();
    let mut rules = Vec::new();
    for arm in arms {
        let before = errors.count();
        known(&arm.verb, "hook", VERBS, errors);
        known(&arm.stage, "stage", STAGES, errors);
        let functions = actions::functions(arm.action, errors).unwrap_or_default();
        if arm.verb == "replace" {
            if functions.len() > 1 || replaced.contains(&arm.stage) {
                let message = format!("`{}` can be replaced once: put all of it into one function", arm.stage);
                errors.at(arm.stage.span(), message);
            }
            replaced.push(arm.stage.clone());
        }
        if errors.count() == before {
            rules.push(HookRule { verb: arm.verb, stage: arm.stage, functions });
        }
    }
    rules
}

/// Reports a word that is none of those allowed.
fn known(word: &Ident, what: &str, allowed: &[&str], errors: &mut Errors) {
    if !allowed.iter().any(|name| word == name) {
        let name = word.to_string();
        errors.at(word.span(), format!("unknown {what} `{name}`{}", suggest::hint(&name, allowed)));
    }
}
