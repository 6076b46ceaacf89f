//! Errors about words and expressions that users try first, and the token each points at.

use super::{FINE, HANDLER, assert_errors, errors};
use crate::kind::Kind::{self, Instance, Message, Run, Step};
use crate::{keys, unknown_key};

#[track_caller]
fn one(args: &str, message: &str, place: &str) {
    assert_errors(Run, args, FINE, &[(message, place)]);
}

#[test]
fn key_of_another_attribute_names_that_attribute_and_what_the_key_does() {
    let elsewhere = |kind: Kind, args: &str, item: &str, key: &str, rest: &str| {
        assert_errors(kind, args, item, &[(&format!("`{key}` does not belong to `{kind}`{rest}"), key)]);
    };
    let pace =
        ", but to `#[daemon::step]`: it sets the interval of steps, from the start of one to the start of the next";
    elsewhere(Run, r#"every = "1s""#, FINE, "every", pace);
    elsewhere(Message, r#"from = f, every = "1s""#, HANDLER, "every", pace);
    elsewhere(
        Step,
        "pool_size = 3",
        FINE,
        "pool_size",
        ", but to `#[daemon::message]`: it sets how many messages are handled concurrently, each in its own thread",
    );
    elsewhere(
        Run,
        "attempts = 3",
        FINE,
        "attempts",
        ", but to `retry = { … }`: it limits the number of attempts, the first included",
    );
    elsewhere(
        Instance,
        "umask = 0",
        "fn main() {}",
        "umask",
        ", but to `#[daemon::run]`, `#[daemon::step]` or `#[daemon::message]`: it sets the umask",
    );
    elsewhere(
        Run,
        "max_size = 0",
        FINE,
        "max_size",
        ", but to `log(…)`: it limits the size of the file: a larger one is renamed, and a new one begun",
    );
    for key in ["runtime = current_thread", "worker_threads = 2"] {
        let name = key.split(' ').next().unwrap();
        one(key, &format!("`{name}` applies only to an `async fn`: remove it, or make the function `async`"), name);
    }
}

/// Words of other libraries and of systemd.
#[test]
fn word_that_people_try_names_the_key_and_what_differs() {
    for (word, rest) in [
        ("cwd", "use `working_directory`: the default is `/`"),
        ("workdir", "use `working_directory`: the default is `/`"),
        ("working_dir", "use `working_directory`: the default is `/`"),
        (
            "timeout",
            "use `start_timeout`: it limits a start, `stop_timeout` a stop, `grace` the shutdown after a stop signal",
        ),
        ("foreground", "use `detach`: `detach = never` stays in the foreground, as `foreground()` does"),
        ("user_id", "use `user`: it takes a name or a number, and owns the pidfile too"),
        ("uid", "use `user`: it takes a name or a number, and owns the pidfile too"),
        ("gid", "use `group`: it takes a name or a number"),
        ("pid_file", "use `pidfile`: it is one word"),
        ("log_file", "use `log`: it takes a path for both stdout and stderr"),
    ] {
        one(&format!(r#"{word} = "x""#), &format!("unknown key `{word}`, {rest}"), word);
    }
    let retries = |args: &str, message: &str| assert_errors(Message, args, HANDLER, &[(message, "retries")]);
    retries("from = f, retries = 5", "unknown key `retries`, use `retry`: write `retry = { attempts = 5 }`");
    retries("from = f, retry = { retries = 5 }", "unknown key `retries`, use `attempts`: the first attempt counts");
}

#[test]
fn every_word_that_people_try_belongs_to_a_key_and_is_none() {
    for (words, key, _) in unknown_key::SYNONYMS {
        assert!(keys::KEYS.iter().any(|known| known.name == *key), "{key}");
        for word in words.split(' ') {
            let owner = keys::KEYS.iter().find(|known| known.name == word);
            assert!(owner.is_none(), "`{word}` is a key");
        }
    }
}

#[test]
fn expression_that_names_a_parameter_says_that_keys_cannot_see_it() {
    let item = "fn serve(path: &str, port: u16, flag: Arc<AtomicBool>, fd: i32, every: u64) {}";
    for (args, word) in [
        ("pidfile = path", "path"),
        ("pidfile = format!(\"/run/{}.pid\", port)", "port"),
        ("working_directory = dirs::home().join(path)", "path"),
        ("pidfile = config(&path)?", "path"),
        ("inherit = [3, fd]", "fd"),
        ("signals = { HUP => || flag.store(true, Relaxed) }", "flag"),
        ("signals = { HUP => f, USR1 => [g, move |_| stop(&flag)] }", "flag"),
        ("configure = |daemon| daemon.every(every.into())", "every"),
        ("hooks = { before(Umask) => || chown(&path) }", "path"),
    ] {
        let key = args.split(' ').next().unwrap();
        let message = format!(
            "`{key}` cannot use the parameter `{word}`: keys are evaluated once, before the function is called; write an expression \
             without it, or use the builder: `Daemon::new(…).{key}(…)`, or `#[daemon::run(cli)]` on `main`, which parses the \
             arguments first (a constant of that name is `self::{word}`)"
        );
        assert_errors(Run, args, item, &[(&message, word)]);
    }
    let found = errors(Run, r#"name = format!("web-{port}")"#, item);
    assert!(found.len() == 1 && found[0].0.contains("the parameter `port`"), "{found:?}");
}

/// Functions, fields, methods and names that the expression binds itself may be called like a parameter.
#[test]
fn expression_with_an_item_named_like_a_parameter_is_accepted() {
    let item = "fn serve(path: &str, daemon: Daemon, reload: bool) {}";
    for args in [
        "pidfile = path()",
        "pidfile = config().path",
        "pidfile = path::DEFAULT",
        "pidfile = self::path",
        "pidfile = Config { path: root() }.file()",
        "working_directory = { let path = home(); path.join(\"x\") }",
        "signals = { HUP => reload, USR1 => [reload, f] }",
        "on_output = reload",
        "pidfile = format!(\"{}{:?}\", path(), self::path)",
        "configure = |daemon| daemon.umask(0)",
        "configure = |daemon: Daemon| with(&daemon)",
    ] {
        assert_errors(Run, args, item, &[]);
    }
}
