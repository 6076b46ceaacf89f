//! References, lifetimes, patterns and arguments named like the function.
#![deny(warnings)]
#![allow(missing_docs, clippy::all, clippy::pedantic, reason = "users have a style of their own")]

use std::borrow::Cow;
use std::sync::Arc;

struct State {
    count: usize,
}

struct Config<'a> {
    port: u16,
    name: &'a str,
}

#[daemon::run]
fn lifetimes<'a, 'b>(name: &'a str, names: &'b mut Vec<&'a str>, cow: Cow<'_, str>)
where
    'a: 'b,
{
    names.push(name);
    drop(cow);
}

#[daemon::run]
fn patterns(mut left: u32, (a, b): (u8, u8), _: bool, Config { port, name }: Config<'_>, patterns: u8) {
    left += u32::from(a) + u32::from(b) + u32::from(port) + u32::from(patterns);
    println!("{left} {name}");
}

#[daemon::run]
fn moved(state: State, work: Box<dyn FnOnce()>) {
    work();
    drop(state);
}

#[daemon::step]
fn lent(state: &mut State, name: &str, list: &[u8], config: &Config<'_>, limit: usize) {
    state.count += name.len() + list.len() + limit + config.name.len();
}

#[daemon::step]
fn kept<'a>(name: &'static str, part: &'a str, parts: &mut Vec<&'a str>, work: &dyn Fn(), other: &mut dyn FnMut()) {
    parts.push(part);
    work();
    other();
    println!("{name}");
}

#[daemon::step]
fn cloned(cloned: Arc<State>, (a, _): (u8, u8)) {
    println!("{} {a}", cloned.count);
}

#[daemon::step]
fn named<'a>(name: &'a mut String) {
    name.clear();
}

/// Never called: what counts is that the calls compile.
#[allow(dead_code)]
fn calls() -> daemon::Result<()> {
    let text = String::from("x");
    lifetimes(&text, &mut Vec::new(), Cow::Borrowed(&text))?;
    patterns(1, (2, 3), true, Config { port: 4, name: &text }, 5)?;
    moved(State { count: 0 }, Box::new(|| {}))?;

    let mut state = State { count: 0 };
    let config = Config { port: 4, name: &text };
    lent(&mut state, "x", [1, 2], &config, 3)?;
    lent::foreground(&mut state, text.as_str(), vec![1, 2], config, 3)?;
    lent::restart(state, String::new(), &[1, 2][..], Config { port: 4, name: &text }, 3)?;
    lent::call(&mut State { count: 0 }, "x", &[], &Config { port: 4, name: "x" }, 3);

    kept("x", &text, &mut vec![], &|| {}, &mut || {})?;
    cloned(Arc::new(State { count: 0 }), (1, 2))?;
    named(String::new())?;
    Ok(())
}

fn main() {}
