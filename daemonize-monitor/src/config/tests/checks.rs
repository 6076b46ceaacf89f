//! `check`, and `ready` by a request or a program: what is accepted, refused and warned of.

use super::{config, mistakes};
use crate::bot::{Check, Probe, Ready};
use std::time::Duration;

/// A bot with these keys.
fn bot(keys: &str) -> String {
    format!("[bot.web]\ncommand = \"/bin/true\"\n{keys}\n")
}

#[test]
fn check_of_each_kind_is_read() {
    let check = |text: &str| config(&bot(&format!("check = {text}"))).bots[0].check.as_deref().cloned().unwrap();
    let http = check("{ http = \"http://127.0.0.1:$PORT/up\", every = \"1m\", timeout = \"5s\", failures = 1 }");
    let expected = Check::http("http://127.0.0.1:8080/up".parse().unwrap());
    assert_eq!(http, expected.every(Duration::from_secs(60)).timeout(Duration::from_secs(5)).failures(1));
    assert_eq!(check("{ tcp = \"localhost:5432\" }"), Check::tcp("127.0.0.1:5432".parse().unwrap()));
    assert_eq!(check("{ exec = [\"true\", \"$PORT\"] }"), Check::exec(["true", "8080"]));
    // A path is that of a file beside the configuration.
    let Probe::Exec(argv) = check("{ exec = [\"./up\"] }").probe else { panic!("no program") };
    assert_eq!(argv, ["/etc/./up"]);
}

#[test]
fn readiness_by_request_and_program_is_read() {
    let ready = |text: &str| config(&bot(&format!("ready = {text}"))).bots[0].ready.clone();
    assert_eq!(ready("{ http = \"http://[::1]/\" }"), Ready::Http("http://[::1]/".parse().unwrap()));
    assert_eq!(ready("{ exec = [\"true\"] }"), Ready::Exec(vec!["true".into()]));
}

#[rustfmt::skip] // A table.
const WRONG: &[(&str, &str)] = &[
    ("check = \"http://a/\"", "3:9: `check`: expected a table with `http`, `tcp`, `exec`, `every`, `timeout` and `failures`, found a string"),
    ("check = {}", "3:9: `check`: expected one of `http`, `tcp` and `exec`"),
    ("check = { http = \"http://a/\", tcp = \"127.0.0.1:1\" }", "3:9: `check`: expected one of `http`, `tcp` and `exec`"),
    ("check = { tcp = \"127.0.0.1:1\", evry = \"1s\" }", "3:32: unknown key `evry`: did you mean `every`?"),
    ("check = { tcp = \"127.0.0.1:1\", every = \"0s\" }", "3:40: `every`: it must be longer than zero"),
    ("check = { tcp = \"127.0.0.1:1\", failures = 0 }", "3:43: `failures`: expected a whole number from 1 to 1000, found 0"),
    ("check = { tcp = \"web:1\" }", "3:17: `tcp`: `web:1` is not an address and port: write \"127.0.0.1:PORT\" or \"[::1]:PORT\""),
    ("check = { tcp = \"127.0.0.1:0\" }", "3:17: `tcp`: `127.0.0.1:0` has the port 0, on which nothing listens: write a port from 1 to 65535"),
    ("ready = { tcp = \"localhost:0\" }", "3:17: `tcp`: `localhost:0` has the port 0, on which nothing listens: write a port from 1 to 65535"),
    ("check = { exec = [] }", "3:18: `exec`: it has no program: write [\"PROGRAM\", \"ARGUMENT\"]"),
    ("check = { exec = \"true\" }", "3:18: `exec`: expected a program with its arguments, such as [\"pg_isready\", \"-q\"], found a string"),
    ("check = { http = \"127.0.0.1:80\" }", "3:18: `http`: `127.0.0.1:80` is not a URL: write \"http://127.0.0.1:PORT/PATH\""),
    ("check = { http = \"https://a/\" }", "3:18: `http`: `https://a/` is not spoken here, which is only http: write exec = [\"curl\", \"-fsS\", \"-o\", \"/dev/null\", \"https://a/\"]"),
    ("ready = { http = \"http://a/\", exec = [\"x\"] }", "3:9: `ready`: expected one of `tcp`, `http`, `exec`, `file`, `output` and `after`"),
];

#[test]
fn each_mistake_of_a_check_is_shown_where_it_is() {
    for (line, expected) in WRONG {
        assert_eq!(mistakes(&bot(line)), *expected, "{line}");
    }
}

#[test]
fn check_that_cannot_do_what_it_seems_to_is_warned_of() {
    let warned = |keys: &str| {
        let warnings = config(&bot(keys)).warnings;
        warnings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    };
    let check = |keys: &str| format!("check = {{ tcp = \"127.0.0.1:1\"{keys} }}");
    assert_eq!(warned(&check("")), "");
    assert!(warned(&check(", every = \"1s\"")).contains("`timeout` (2s) is longer than `every` (1s)"));
    assert!(warned(&check(", every = \"9ms\", timeout = \"1ms\"")).contains("takes much of a processor"));
    assert!(warned(&format!("ready = \"exit\"\n{}", check(""))).contains("is never checked"));
    assert!(warned(&format!("restart = \"never\"\n{}", check(""))).contains("not started again"));
    assert!(warned(&format!("instances = 2\n{}", check(""))).contains("${INSTANCE}"));
    let own = "args = [\"-p${INSTANCE}\"]\ninstances = 2\ncheck = { tcp = \"127.0.0.1:80${INSTANCE}\" }";
    assert_eq!(warned(own), "");
    let absent = "check = { exec = [\"/nonexistent/check\"] }";
    assert!(
        warned(absent).contains("`check`: `/nonexistent/check` cannot be started now: no such file"),
        "{}",
        warned(absent)
    );
}
