//! The monitor's HTTP interface: answers and refusals.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use serde_json::{Value, json};

use crate::cli_lab::{CliLab, names};

pub(crate) const BOTS: &str = r#"
[bot.web]
command = "BOT"
args = ["lines:3", "event:reply:5", "idle"]
instances = 2

[bot.dies]
command = "BOT"
args = ["exit:7"]
autostart = false
limit = { exits = 0, window = "1h" }
"#;

pub(crate) const EVENT_TIMEOUT: Duration = Duration::from_secs(20);

/// Sends a request over the Unix socket; returns the status and the body.
pub(crate) fn ask(cli: &CliLab, method: &str, route: &str, body: &str) -> (u16, String) {
    let mut stream = connect(cli);
    write!(
        stream,
        "{method} {route} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .expect("a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    (status, answer.split_once("\r\n\r\n").expect("a body").1.to_owned())
}

pub(crate) fn connect(cli: &CliLab) -> UnixStream {
    let stream = UnixStream::connect(cli.lab.path("m.control/socket")).expect("the socket");
    stream.set_read_timeout(Some(EVENT_TIMEOUT)).expect("a timeout");
    stream
}

pub(crate) fn post(cli: &CliLab, route: &str, body: &Value) -> Value {
    let (status, answer) = ask(cli, "POST", route, &body.to_string());
    assert_eq!(status, 200, "{route}: {answer}");
    serde_json::from_str(&answer).expect("JSON")
}

#[test]
fn bots_are_listed_in_the_order_of_the_configuration() {
    let cli = CliLab::new(BOTS);
    cli.start();
    cli.until("web:1", |bot| bot["events"][4]["total"] == 5);
    let answer: Value = serde_json::from_str(&ask(&cli, "GET", "/bots", "").1).expect("JSON");
    assert_eq!(names(&answer["bots"]), ["web:1", "web:2", "dies"]);
    assert_eq!(answer["monitor"]["pid"].as_i64(), Some(cli.monitor().id().into()));
    let short = ask(&cli, "GET", "/bots?minutes=0", "").1;
    let short: Value = serde_json::from_str(&short).expect("JSON");
    assert_eq!(
        (&short["bots"][0]["events"][4]["total"], &short["bots"][0]["events"][4]["minutes"]),
        (&json!(5), &json!([]))
    );
    let family: Value = serde_json::from_str(&ask(&cli, "GET", "/bots/web", "").1).expect("JSON");
    assert_eq!(names(&family["bots"]), ["web:1", "web:2"]);
    let one: Value = serde_json::from_str(&ask(&cli, "GET", "/bots/web:2", "").1).expect("JSON");
    assert_eq!((one["bot"]["name"].as_str(), one["bot"]["family"].as_str()), (Some("web:2"), Some("web")));
    let unknown: Value = serde_json::from_str(&ask(&cli, "GET", "/bots/wbe", "").1).expect("JSON");
    assert_eq!((unknown["success"].clone(), unknown["unknown"].clone()), (json!(false), json!(true)));
    assert!(unknown["message"].as_str().is_some_and(|text| text.ends_with("(did you mean `web`?)")), "{unknown}");
    cli.shutdown();
}

#[test]
fn commands_answer_when_done_or_timed_out() {
    let cli = CliLab::new(BOTS);
    cli.start();
    cli.until_is("web:1", "running");
    assert_eq!(post(&cli, "/bots/web:1/stop", &json!({"wait": 20}))["bot"]["state"], "stopped");
    assert_eq!(post(&cli, "/bots/web:1/start", &json!({"wait": 20.5}))["bot"]["state"], "running");
    let pid = cli.pid("web:1");
    assert_eq!(post(&cli, "/bots/web:1/signal", &json!({"signal": "STOP"}))["success"], true);
    cli.until_is("web:1", "suspended");
    assert_eq!(post(&cli, "/bots/web:1/signal", &json!({"signal": 18}))["success"], true);
    assert_eq!(cli.until_is("web:1", "running")["pid"], pid);
    let both = post(&cli, "/bots/web/restart", &json!({"wait": 20}));
    assert_eq!(names(&both["bots"]), ["web:1", "web:2"]);
    assert_eq!(post(&cli, "/bots/web/event", &json!({"name": "reply"}))["bots"][0]["events"][4]["name"], "reply");
    let gave_up = post(&cli, "/command", &json!({"do": "start", "bots": ["dies", "web:1"]}));
    assert_eq!((gave_up["success"].clone(), names(&gave_up["bots"])), (json!(true), vec!["web:1", "dies"]));
    cli.until_is("dies", "gave-up");
    let added =
        post(&cli, "/bots", &json!({"command": "/bin/sleep", "arguments": ["1000"], "name": "nap", "wait": 20}));
    assert_eq!((added["bot"]["state"].as_str(), added["bot"]["configured"].clone()), (Some("running"), json!(false)));
    assert_eq!(post(&cli, "/bots", &json!({"command": "sleep"}))["success"], false);
    for body in [
        json!({"command": "/bin/sl\0eep", "name": "nul"}),
        json!({"command": "/bin/sleep", "arguments": ["1\0"], "name": "nul"}),
    ] {
        let refused = post(&cli, "/bots", &body);
        let why = "failed to start program: bot `nul` holds a NUL character, which no program can be given";
        assert_eq!((refused["success"].clone(), refused["message"].as_str()), (json!(false), Some(why)));
    }
    let by_path = post(&cli, "/command", &json!({"do": "start", "bots": ["/b\0in/nul"]}));
    assert_eq!(by_path["success"], false, "{by_path}");
    assert_eq!(post(&cli, "/bots/nul/stop", &json!({}))["unknown"], true);
    assert_eq!(post(&cli, "/bots/nap/destroy", &json!({"wait": 20}))["success"], true);
    assert_eq!(post(&cli, "/bots/nap/stop", &json!({}))["unknown"], true);
    cli.shutdown();
}

#[test]
fn invalid_requests_are_refused() {
    let cli = CliLab::new(BOTS);
    cli.start();
    let pid = cli.pid("web:1");
    for (route, body) in [
        ("/bots/web/stop", "{"),
        ("/bots/web/stop", "[]"),
        ("/bots/web/stop", "{\"wait\":-1}"),
        ("/bots/web/stop", "{\"wait\":\"1\"}"),
        ("/bots/web/explode", "{}"),
        ("/bots/web/signal", "{\"signal\":0}"),
        ("/bots/web/signal", "{\"signal\":65}"),
        ("/bots/web/signal", "{}"),
        ("/bots/web/event", "{}"),
        ("/bots/web/event", "{\"name\":\"a b\"}"),
        ("/command", "{}"),
        ("/command", "{\"do\":\"explode\",\"bots\":[\"web\"]}"),
        ("/bots", "{}"),
        ("/config/reload", "{\"dry_run\":1}"),
    ] {
        let (status, answer) = ask(&cli, "POST", route, body);
        let answer: Value =
            serde_json::from_str(&answer).unwrap_or_else(|error| panic!("{route} {body}: {error}: {answer}"));
        assert_eq!((status, answer["success"].clone()), (400, json!(false)), "{route} {body}: {answer}");
    }
    for (method, route, expected) in [
        ("GET", "/bots/web/stop", 405),
        ("POST", "/bots/web", 405),
        ("DELETE", "/bots/web", 405),
        ("GET", "/bots/web/log?lines=x", 400),
        ("GET", "/bots/web/log?stream=x", 400),
        ("GET", "/nothing", 404),
    ] {
        assert_eq!(ask(&cli, method, route, "").0, expected, "{method} {route}");
    }
    for name in ["..%2f..%2fetc%2fpasswd", "%1b%5b2J", "x%00y", &"x".repeat(3000)] {
        let (status, answer) = ask(&cli, "GET", &format!("/bots/{name}"), "");
        assert!(status == 400 || answer.contains("\"unknown\":true"), "{name}: {status} {answer}");
        assert!(!answer.contains('\x1b'), "{answer:?}");
    }
    assert_eq!(cli.pid("web:1"), pid);
    cli.shutdown();
}

#[test]
fn metrics_of_every_bot_have_the_prometheus_format() {
    let cli = CliLab::new(BOTS);
    cli.start();
    cli.until("web:2", |bot| bot["state"] == "running" && bot["memory"].is_number());
    let (status, text) = ask(&cli, "GET", "/metrics", "");
    assert_eq!(status, 200);
    let mut types = std::collections::BTreeMap::new();
    let mut seen = std::collections::BTreeSet::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').expect("a type");
            assert!(types.insert(name.to_owned(), kind.to_owned()).is_none(), "twice: {line}");
        } else if !line.starts_with("# HELP ") {
            let (series, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("no value: {line:?}"));
            value.parse::<f64>().unwrap_or_else(|_| panic!("no number: {line:?}"));
            let name = series.split('{').next().expect("a name");
            assert!(types.contains_key(name), "no type: {line}");
            assert!(seen.insert(series.to_owned()), "twice: {line}");
        }
    }
    for line in [
        "daemon_bot_up{bot=\"web:1\"} 1",
        "daemon_bot_up{bot=\"dies\"} 0",
        "daemon_bot_limit_exits{bot=\"web:1\"} 5",
        "daemon_bot_events_total{bot=\"web:2\",event=\"start\"} 1",
    ] {
        assert!(text.lines().any(|other| other == line), "{line} is missing:\n{text}");
    }
    assert!(
        seen.contains("daemon_bot_resident_memory_bytes{bot=\"web:2\"}")
            && types["daemon_bot_events_total"] == "counter"
    );
    cli.shutdown();
}

#[test]
fn tcp_request_without_token_is_refused() {
    let cli = CliLab::new("");
    cli.configure_with("control = { tcp = \"127.0.0.1:0\" }", BOTS);
    cli.start();
    let text = cli.lab.read("m.pid");
    let address = text.lines().find_map(|line| line.strip_prefix("http://")).expect("an address");
    let whole = |headers: &str, method: &str, route: &str| {
        let mut stream = std::net::TcpStream::connect(address).expect("a connection");
        stream.set_read_timeout(Some(EVENT_TIMEOUT)).expect("a timeout");
        let head = format!("{method} {route} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n{headers}\r\n");
        stream.write_all(head.as_bytes()).expect("a request");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        answer
    };
    let ask = |headers: &str, method: &str, route: &str| {
        whole(headers, method, route).split(' ').nth(1).expect("a status").to_owned()
    };
    // The page reveals nothing, and allows only its own script and style.
    let page = whole("accept: text/html\r\n", "GET", "/").to_lowercase();
    let policy = page.lines().find_map(|line| line.strip_prefix("content-security-policy: ")).expect("a policy");
    assert!(policy.starts_with("default-src 'none'; script-src 'sha256-") && !policy.contains("unsafe"), "{policy}");
    let token = format!("authorization: Bearer {}\r\n", cli.lab.read("m.control/token").trim());
    for (method, route) in
        [("GET", "/bots"), ("POST", "/bots/web/stop"), ("GET", "/bots/web:1/log"), ("POST", "/config/reload")]
    {
        assert_eq!(ask("", method, route), "401", "{method} {route}");
        assert_eq!(ask(&token, method, route), "200", "{method} {route}");
    }
    cli.shutdown();
}

/// Promise 5.25. Unknown routes, unreadable bodies, and an unknown command without any bot.
#[test]
fn answer_to_a_wrong_request_is_json_that_says_why() {
    let cli = CliLab::new("");
    cli.start();
    for (method, route, body, status, why) in [
        ("GET", "/nowhere", "", 404, "no such route"),
        ("POST", "/bots/web/log/more", "{}", 404, "no such route"),
        ("GET", "/command", "", 405, "the route does not allow this method"),
        ("GET", "/bots/%FF", "", 400, "UTF-8"),
        ("POST", "/bots/%FF/stop", "{}", 400, "UTF-8"),
        ("GET", "/bots?minutes=many", "", 400, "minutes"),
        ("GET", "/bots/web/log?lines=-1", "", 400, "lines"),
        ("POST", "/command", "{}", 400, "missing field `do`"),
        ("POST", "/command", r#"{"do":"explode"}"#, 400, "unknown command"),
        ("POST", "/command", r#"{"do":"explode","bots":[]}"#, 400, "unknown command"),
    ] {
        let (told, answer) = ask(&cli, method, route, body);
        let value: Value = serde_json::from_str(&answer).unwrap_or_else(|_| panic!("{method} {route}: {answer:?}"));
        assert_eq!((told, &value["success"]), (status, &json!(false)), "{method} {route}: {answer}");
        assert!(value["message"].as_str().is_some_and(|text| text.contains(why)), "{method} {route}: {answer}");
    }
    // A command without bots to run it for succeeds.
    assert_eq!(post(&cli, "/command", &json!({ "do": "stop" }))["success"], true);
    cli.shutdown();
}

/// Promise 6.53. A thousand bots, none of which runs.
#[test]
fn status_of_many_bots_leaks_no_memory() {
    let cli = CliLab::new("[bot.web]\ncommand = \"BOT\"\ninstances = 1000\nautostart = false\n");
    let monitor = cli.start();
    let memory = || {
        let kib = monitor.status("RssAnon").expect("a monitor that lives");
        kib.trim_end_matches(" kB").parse::<u64>().expect("a number")
    };
    ask(&cli, "GET", "/bots?minutes=0", "");
    let before = memory();
    let everything = ask(&cli, "GET", "/bots", "").1;
    assert!(everything.len() > 500_000, "{} bytes", everything.len());
    for (route, body) in [("/bots", ""), ("/bots/web", ""), ("/command", r#"{"do":"stop","bots":["web"]}"#)] {
        ask(&cli, if body.is_empty() { "GET" } else { "POST" }, route, body);
        let grown = memory().saturating_sub(before);
        assert!(grown < 6 * 1024, "{grown} KiB more than {before} after {route}");
    }
    cli.shutdown();
}
