//! Errors about signals and hooks, and the token each points at.

use super::{FINE, assert_errors};
use crate::kind::Kind::Run;

#[track_caller]
fn one(args: &str, message: &str, place: &str) {
    assert_errors(Run, args, FINE, &[(message, place)]);
}

#[test]
fn signals_are_named_with_or_without_sig_or_by_expression() {
    let args = "signals = { SIGTERM => f, HUP => g, libc::SIGUSR1 => h, Signal::from(3) => i, MY => j }";
    assert_errors(Run, args, FINE, &[]);
}

#[test]
fn signal_in_lower_case_or_without_a_number_says_how_to_write_it() {
    one("signals = { sigterm => f }", "unknown signal `sigterm`, did you mean `SIGTERM`?", "sigterm");
    one("signals = { hup => f }", "unknown signal `hup`, did you mean `SIGHUP`?", "hup");
    one(
        "signals = { SIGRTMIN => f }",
        "real-time signals have no fixed numbers: write an expression, such as `libc::SIGRTMIN() + 1`",
        "SIGRTMIN",
    );
}

#[test]
fn a_signal_is_given_once() {
    let message = "`SIGTERM` has an action already: write both in one list, `[first, second]`";
    one("signals = { SIGTERM => f, TERM => g }", message, "TERM");
    one("signals = { SIGTERM => f, libc::SIGTERM => g }", message, "libc::SIGTERM");
    one(
        "signals = { SIGIO => f, SIGPOLL => g }",
        "`SIGIO` has an action already: write both in one list, `[first, second]`",
        "SIGPOLL",
    );
    one("signals = { SIGTERM | SIGINT => f }", "expected one signal: write one line for each", "SIGTERM | SIGINT");
}

#[test]
fn what_no_program_may_do_with_a_signal_is_refused() {
    let never = "`SIGKILL` cannot be caught, blocked or ignored: remove the line";
    one("signals = { KILL => f }", never, "KILL");
    one("signals = { SIGKILL => ignore }", never, "SIGKILL");
    one("signals = { libc::SIGKILL => f }", never, "libc::SIGKILL");
    one("signals = { STOP => default }", "`SIGSTOP` cannot be caught, blocked or ignored: remove the line", "STOP");
    for name in ["SIGSEGV", "SIGFPE", "SIGILL", "SIGBUS"] {
        one(
            &format!("signals = {{ {name} => f }}"),
            &format!("`{name}` cannot be handled: after the handler, the instruction that raised it runs again"),
            name,
        );
    }
    one(
        "signals = { SEGV => ignore }",
        "`SIGSEGV` cannot be ignored: the kernel kills a process whose instruction raises it",
        "SEGV",
    );
    assert_errors(Run, "signals = { SIGSEGV => default }", FINE, &[]);
}

#[test]
fn actions_can_be_called() {
    one("signals = { TERM => [] }", "the list of functions is empty: add one, or remove the line", "[]");
    one("signals = { TERM => 3 }", "expected a function or a closure, not a literal", "3");
    one("signals = { TERM => [f, [g]] }", "expected a function or a closure, not a list in a list", "[g]");
    one(
        "signals = { TERM => [f, ignore] }",
        "`ignore` and `default` are not functions: write one alone, such as `SIGHUP => ignore`",
        "ignore",
    );
}

#[test]
fn signals_are_written_in_braces_with_arrows() {
    one("signals = reload", "`signals` needs braces, such as `signals = { SIGHUP => reload }`", "reload");
    one("signals = {}", "`signals` is empty: write `signals = { SIGHUP => reload }`, or remove the key", "{}");
    one("signals = { TERM }", "expected `=>` and a function after it", "TERM");
    one("signals = { TERM = f }", "expected `=>`, not `=`", "=");
    one("signals = { TERM: f }", "expected `=>` and a function after it", ":");
    one("signals = { TERM => }", "unexpected end of input, expected an expression", "}");
    one("signals = { TERM => f HUP => g }", "expected `,` before this", "HUP");
}

#[test]
fn every_mistake_in_the_braces_is_reported() {
    assert_errors(
        Run,
        "signals = { KILL => f, HUP = g, term => h, USR1 => 3 USR2 => i, TERM => }, hooks = { before => f, after(Fork) => g }",
        FINE,
        &[
            ("expected `=>`, not `=`", "="),
            ("expected `,` before this", "USR2"),
            ("unexpected end of input, expected an expression", "}"),
            ("`SIGKILL` cannot be caught, blocked or ignored: remove the line", "KILL"),
            ("unknown signal `term`, did you mean `SIGTERM`?", "term"),
            ("expected a function or a closure, not a literal", "3"),
            ("`before` needs a stage, such as `before(Umask) => prepare`", "before"),
            (
                "unknown stage `Fork`, expected one of `Detach`, `CoreDumps`, `Identity`, `Umask`, `WorkingDirectory`, \
                 `PidFile`, `Signals`, `Descriptors`, `Stdio`",
                "Fork",
            ),
        ],
    );
}

#[test]
fn hooks_name_a_stage() {
    one("hooks = { before(umask) => f }", "unknown stage `umask`, did you mean `Umask`?", "umask");
    one(
        "hooks = { after(Fork) => f }",
        "unknown stage `Fork`, expected one of `Detach`, `CoreDumps`, `Identity`, `Umask`, \
         `WorkingDirectory`, `PidFile`, `Signals`, `Descriptors`, `Stdio`",
        "Fork",
    );
    one("hooks = { befor(Umask) => f }", "unknown hook `befor`, did you mean `before`?", "befor");
    one("hooks = { before => f }", "`before` needs a stage, such as `before(Umask) => prepare`", "before");
    one("hooks = { before(Umask, Stdio) => f }", "expected one stage: write one line for each", "Stdio");
    one("hooks = [f]", "`hooks` needs braces, such as `hooks = { before(Umask) => prepare }`", "[");
}

#[test]
fn a_stage_is_replaced_once() {
    let message = "`Stdio` is replaced more than once: call both functions from one";
    one("hooks = { replace(Stdio) => [f, g] }", message, "Stdio");
    one("hooks = { replace(Stdio) => f, replace(Stdio) => g }", message, "Stdio");
    assert_errors(Run, "hooks = { replace(Stdio) => f, replace(Umask) => g, after(Stdio) => [f, g] }", FINE, &[]);
}
