//! Configurations that a program makes.

use crate::bot::{Bot, Log, LogTarget, Ready};
use crate::config::Config;
use crate::settings::Settings;
use std::time::Duration;

/// Returns the mistakes in `bots`.
fn refused(bots: impl IntoIterator<Item = Bot>) -> String {
    Config::new(Settings::default(), bots).expect_err("a mistake").to_string()
}

fn web() -> Bot {
    Bot::new("web", "/bin/true")
}

#[test]
fn a_program_may_make_what_a_file_says() {
    let bots = [web().depends_on("db"), Bot::new("db", "/bin/true")];
    let config = Config::new(Settings::default(), bots.clone()).unwrap();
    assert_eq!((&*config.bots, config.files.len(), config.warnings.len()), (&bots[..], 0, 0));
    let devices = web().stdout(Log::new("/dev/stdout")).stderr(Log::new("/dev/null"));
    let config = Config::new(Settings::default(), [devices]).unwrap();
    assert_eq!((&config.bots[0].stdout, &config.bots[0].stderr), (&LogTarget::Inherit, &LogTarget::Null));
}

/// Promise 6.10.
#[test]
fn what_a_program_makes_is_checked_as_a_file_is() {
    let cases = [
        (
            Bot::new("a/b", "/x"),
            "\"a/b\" is not a valid name: '/' cannot be in a name; write letters, digits and `-_.+@`",
        ),
        (
            Bot::new("a:1", "/x"),
            "\"a:1\" is not a valid name: ':' cannot be in a name; write letters, digits and `-_.+@`",
        ),
        (Bot::new("web", ""), "bot `web` has no program"),
        (web().argument("a\0b"), "bot `web` holds a NUL character, which no program can be given"),
        (web().directory("/a\0b"), "bot `web` holds a NUL character, which no program can be given"),
        (web().user("a\0b"), "bot `web` holds a NUL character, which no program can be given"),
        (web().group("a\0b"), "bot `web` holds a NUL character, which no program can be given"),
        (web().stdout(Log::new("/a\0b")), "bot `web` holds a NUL character, which no program can be given"),
        (web().ready(Ready::File("/a\0b".into())), "bot `web` holds a NUL character, which no program can be given"),
        (web().variable("A=B", "c"), "bot `web` sets a variable whose name none can have"),
        (web().variable("", "c"), "bot `web` sets a variable whose name none can have"),
        (web().stop([]), "bot `web` has no step to be stopped by"),
        (web().limit(1, Duration::ZERO), "bot `web` has a limit whose window is zero"),
        (web().ready(Ready::Output(String::new())), "bot `web` is ready by a text that is in every line"),
        (web().stdout(LogTarget::Stdout), "bot `web` sends its stdout to its stdout"),
        (web().umask(0o1000), "bot `web` has a umask beyond 0o777"),
        (
            web().stdout(Log::new("/dev/stderr")),
            "bot `web`: `/dev/stderr` is not a file: write \"inherit\" for the monitor's own stream, \"null\", or the path of a file",
        ),
        (
            web().depends_on("dbb"),
            "`depends_on`: there is no bot \"dbb\": write the name of a bot of this configuration",
        ),
        (web().depends_on("web"), "`depends_on`: `web` waits for `web`: take one of these out"),
    ];
    for (bot, expected) in cases {
        assert_eq!(refused([bot]), expected);
    }
    assert_eq!(refused([web(), web()]), "bot `web` is there already: give this one another name");
    let (longest, too_long) = ("a".repeat(64), "a".repeat(65));
    assert!(Bot::new(longest, "/x").check().is_ok());
    assert!(refused([Bot::new(too_long, "/x")]).contains("a name has at most 64 bytes"));
    let log = |name: &str| Bot::new(name, "/bin/true").stdout(Log::new("/l"));
    assert_eq!(refused([log("a"), log("b")]), "bots `a` and `b` have the same log `/l`: give each its own");
}
