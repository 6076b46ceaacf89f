//! How each kind of argument reaches a step.

use super::expansion;
use crate::kind::Kind::{self, Run, Step};

/// How `start` declares its parameters, and how it calls the plain function.
fn start(kind: Kind, item: &str) -> (String, String) {
    let text = expansion(kind, "", item).to_string();
    let (_, rest) = text.split_once("fn start").expect("there is no `start`");
    let (signature, rest) = rest.split_once("->").expect("`start` returns nothing");
    let (_, rest) = rest.split_once("|| Self :: call").expect("`start` calls nothing");
    let (call, _) = rest.split_once(") . start ()").expect("`start` does not start");
    (without_spaces(signature), without_spaces(call))
}

/// Removes spaces, which differ between parsed and quoted tokens.
fn without_spaces(text: &str) -> String {
    text.split_whitespace().collect()
}

#[track_caller]
fn assert_start(kind: Kind, item: &str, signature: &str, call: &str) {
    let expected = (without_spaces(signature), without_spaces(call));
    assert_eq!(start(kind, item), expected, "{item}");
}

#[test]
fn a_run_moves_its_arguments() {
    assert_start(Run, "fn f<'a>(x: &'a str, mut y: u8) {}", "<'a>(x: &'a str, y: u8)", "(x, y)");
}

#[test]
fn a_step_clones_what_is_taken_by_value() {
    assert_start(Step, "fn f(x: Vec<u8>) {}", "(x: Vec<u8>)", "(::daemon::__private::step_argument::<Vec<u8>>(&x))");
}

#[test]
fn a_step_is_lent_references() {
    assert_start(
        Step,
        "fn f(x: &str, y: &mut State) {}",
        "(x: impl ::core::borrow::Borrow<str>, mut y: impl ::core::borrow::BorrowMut<State>)",
        "(::core::borrow::Borrow::<str>::borrow(&x), ::core::borrow::BorrowMut::<State>::borrow_mut(&mut y))",
    );
    assert_start(
        Step,
        "fn f<'a>(x: &'a str) {}",
        "<'a>(x: impl ::core::borrow::Borrow<str>)",
        "(::core::borrow::Borrow::<str>::borrow(&x))",
    );
}

#[test]
fn what_is_lent_has_no_lifetime_left_out() {
    assert_start(
        Step,
        "fn f<'a>(x: &Config<'_>, y: &mut Vec<&'a str>) {}",
        "<'__lent_1, 'a>(x: impl ::core::borrow::Borrow<Config<'__lent_1>>, mut y: impl ::core::borrow::BorrowMut<Vec<&'a str>>)",
        "(::core::borrow::Borrow::<Config<'__lent_1>>::borrow(&x), ::core::borrow::BorrowMut::<Vec<&'a str>>::borrow_mut(&mut y))",
    );
}

#[test]
fn a_step_keeps_references_that_something_else_depends_on() {
    assert_start(Step, "fn f(x: &'static str) {}", "(x: &'static str)", "(x)");
    assert_start(
        Step,
        "fn f<'a>(x: &'a str, y: &mut Vec<&'a str>) {}",
        "<'a>(x: &'a str, mut y: impl ::core::borrow::BorrowMut<Vec<&'a str>>)",
        "(x, ::core::borrow::BorrowMut::<Vec<&'a str>>::borrow_mut(&mut y))",
    );
}

#[test]
fn a_step_keeps_references_to_trait_objects() {
    assert_start(
        Step,
        "fn f(x: &dyn Fn(), y: &mut dyn FnMut()) {}",
        "(x: &dyn Fn(), y: &mut dyn FnMut())",
        "(x, &mut *y)",
    );
}

#[test]
fn patterns_get_names_and_so_does_what_is_named_like_the_function() {
    assert_start(
        Run,
        "fn f((a, b): (u8, u8), _: bool, _c: u8, f: u8, ref d: u8) {}",
        "(argument_1: (u8, u8), argument_2: bool, _c: u8, argument_4: u8, d: u8)",
        "(argument_1, argument_2, _c, argument_4, d)",
    );
}
