//! `daemonctl open`: its code, the session that it is exchanged for, and the requests that either of them admits.

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::Value;

use crate::cli_lab::CliLab;
use crate::listener_routes::{BOTS, EVENT_TIMEOUT, ask, post};

/// Returns a lab whose monitor has a TCP port, and the address of that port.
fn start() -> (CliLab, String) {
    let cli = CliLab::new("");
    cli.configure_with("control = { tcp = \"127.0.0.1:0\" }", BOTS);
    cli.start();
    let text = cli.lab.read("m.pid");
    let address = text.lines().find_map(|line| line.strip_prefix("http://")).expect("an address").to_owned();
    (cli, address)
}

/// Runs `daemonctl open`; returns the code in the address that it prints.
#[track_caller]
fn open(cli: &CliLab, address: &str) -> String {
    let printed = cli.ok(&["open"]);
    let code = printed.trim_end().strip_prefix(&format!("http://{address}/#code="));
    code.unwrap_or_else(|| panic!("no address of the page: {printed}")).to_owned()
}

/// Sends a request over TCP with a credential and more headers; returns the status and the body.
fn request(address: &str, method: &str, route: &str, bearer: &str, headers: &str) -> (u16, Value) {
    let mut stream = TcpStream::connect(address).expect("a connection");
    stream.set_read_timeout(Some(EVENT_TIMEOUT)).expect("a timeout");
    let length = if method == "POST" { "content-type: application/json\r\ncontent-length: 2\r\n" } else { "" };
    let body = if method == "POST" { "{}" } else { "" };
    let head = format!(
        "{method} {route} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\nauthorization: Bearer {bearer}\r\n{length}{headers}\r\n{body}"
    );
    stream.write_all(head.as_bytes()).expect("a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    (status, serde_json::from_str(answer.split_once("\r\n\r\n").expect("a body").1).unwrap_or_default())
}

/// Exchanges a code for a session.
fn session(address: &str, code: &str) -> String {
    let (status, answer) = request(address, "POST", "/session", code, "");
    assert_eq!((status, &answer["success"]), (200, &Value::Bool(true)), "{answer}");
    answer["session"].as_str().expect("a session").to_owned()
}

/// Promise 5.27. A code is valid once and for its exchange alone; a session until it ends.
#[test]
fn code_of_open_is_exchanged_once_for_a_session_that_can_be_ended() {
    let (cli, address) = start();
    let status = |method: &str, route: &str, bearer: &str| request(&address, method, route, bearer, "").0;
    let code = open(&cli, &address);
    assert_eq!((code.len(), code.bytes().all(|byte| byte.is_ascii_hexdigit())), (64, true));
    // A code alone reads and commands nothing.
    for (method, route) in [("GET", "/bots"), ("POST", "/stop"), ("POST", "/session/code"), ("POST", "/session/end")] {
        assert_eq!(status(method, route, &code), 401, "{method} {route}");
    }
    let last_wrong = format!("{}{}", &code[..63], if code.ends_with('0') { '1' } else { '0' });
    for wrong in ["", &code[1..], &last_wrong, &format!("{code}0")] {
        assert_eq!(status("POST", "/session", wrong), 401, "{wrong}");
    }
    let key = session(&address, &code);
    assert_eq!(status("POST", "/session", &code), 401, "a second exchange");
    assert_eq!((status("GET", "/bots", &key), status("POST", "/bots/web/restart", &key)), (200, 200));
    assert_eq!((status("POST", "/session", &key), status("POST", "/session/code", &key)), (401, 403));
    let other = session(&address, &open(&cli, &address));
    assert_eq!(status("POST", "/session/end", &key), 200);
    assert_eq!((status("GET", "/bots", &key), status("GET", "/bots", &other)), (401, 200));
    // The secrets are in no log and in no answer.
    for secret in [&code, &key, &other] {
        let told = [cli.lab.read("m.log"), cli.lab.read("m.pid"), ask(&cli, "GET", "/bots", "").1];
        assert!(told.iter().all(|text| !text.contains(secret.as_str())));
    }
    cli.restart_monitor();
    let text = cli.lab.read("m.pid");
    let address = text.lines().find_map(|line| line.strip_prefix("http://")).expect("an address");
    assert_eq!(request(address, "GET", "/bots", &other, "").0, 401, "a session of the monitor before");
    cli.shutdown();
}

/// Promise 5.27. Of many exchanges at the same time one succeeds, and no other spelling of the route admits a code.
#[test]
fn code_is_exchanged_once_however_it_is_tried() {
    let (cli, address) = start();
    let code = open(&cli, &address);
    for route in ["/%73ession", "//session", "/session/", "/Session", "/./session", "/bots/../session"] {
        assert!([400, 401, 404].contains(&request(&address, "POST", route, &code, "").0), "{route}");
    }
    assert_eq!(request(&address, "GET", "/session", &code, "").0, 405);
    let exchanges: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> =
            (0..8).map(|_| scope.spawn(|| request(&address, "POST", "/session", &code, "").0)).collect();
        threads.into_iter().map(|thread| thread.join().expect("an answer")).collect()
    });
    let succeeded = exchanges.iter().filter(|status| **status == 200).count();
    assert!(succeeded == 1 && exchanges.iter().all(|status| [200, 401].contains(status)), "{exchanges:?}");
    // The oldest of too many codes is forgotten, and so is the session that was unused for longest.
    let first = open(&cli, &address);
    let codes: Vec<String> = (0..16).map(|_| code_over_socket(&cli)).collect();
    assert_eq!(request(&address, "POST", "/session", &first, "").0, 401);
    let oldest = session(&address, &codes[0]);
    assert_eq!(request(&address, "GET", "/monitor", &oldest, "").0, 200);
    let newest = (0..64).map(|_| session(&address, &code_over_socket(&cli))).last().expect("a session");
    let status = |key: &str| request(&address, "GET", "/monitor", key, "").0;
    assert_eq!((status(&oldest), status(&newest)), (401, 200));
    cli.shutdown();
}

/// Makes a code as `daemonctl open` does.
fn code_over_socket(cli: &CliLab) -> String {
    let answer = post(cli, "/session/code", &Value::Object(serde_json::Map::new()));
    answer["code"].as_str().expect("a code").to_owned()
}

/// Promise 5.27. The rules of the endpoint hold for codes and sessions as for the token.
#[test]
fn code_and_session_of_another_site_are_refused() {
    let (cli, address) = start();
    let (code, key) = (open(&cli, &address), session(&address, &open(&cli, &address)));
    for headers in ["origin: http://evil.example\r\n", "sec-fetch-site: cross-site\r\n", "host: evil.example\r\n"] {
        for (route, bearer) in [("/session", &code), ("/bots/web/stop", &key)] {
            let (status, answer) = request(&address, "POST", route, bearer, headers);
            assert!([400, 403].contains(&status), "{route} with {headers}: {status} {answer}");
        }
    }
    // A code comes from the Unix socket alone, even for one that has the token.
    let token = cli.lab.read("m.control/token");
    assert_eq!(request(&address, "POST", "/session/code", token.trim(), "").0, 403);
    assert_eq!(post(&cli, "/session/code", &Value::Object(serde_json::Map::new()))["valid_for"], 60);
    let stranger = ["--reuid=65534", "--regid=65534", "--clear-groups"];
    let outcome = cli.lab.command("setpriv", &stranger).args(&[crate::cli_lab::daemonctl().to_str().unwrap()]);
    let outcome = outcome.args(&["--pidfile", cli.lab.path("m.pid").to_str().unwrap(), "open"]).run();
    assert!(outcome.code() != 0 && !outcome.stdout.contains("#code="), "{outcome}");
    assert_eq!(session(&address, &code).len(), 64);
    cli.shutdown();
}

#[test]
fn open_without_tcp_port_says_how_to_set_one() {
    let cli = CliLab::new(BOTS);
    cli.ctl(&["open"]).run().exits(3).says(&["the monitor is not running"]);
    cli.start();
    let refused = cli.ctl(&["open"]).run().exits(1);
    refused.says(&["the monitor has no TCP port", "control = { tcp = \"127.0.0.1:4711\" }", "m.toml"]);
    cli.shutdown();
}
