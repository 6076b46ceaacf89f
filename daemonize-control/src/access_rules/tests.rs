//! Requests that are admitted and requests that are refused.

use super::*;
use axum::http::Request;

const TCP: Peer = Peer::Tcp(SocketAddr::V4(std::net::SocketAddrV4::new(std::net::Ipv4Addr::LOCALHOST, 9)));
const OWNER: Peer = Peer::Unix { uid: 7, gid: 70 };

fn rules(has_page: bool) -> AccessRules {
    let token = Some(Token::from_bytes([0xab; 32]));
    AccessRules {
        owner: 7,
        groups: vec![50],
        token,
        bearer_check: None,
        hosts: accepted_hosts("127.0.0.1:4711".parse().unwrap()),
        has_page,
    }
}

fn judged(rules: &AccessRules, peer: Peer, method: &str, path: &str, headers: &[(&str, &str)]) -> u16 {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let (request, ()) = request.body(()).unwrap().into_parts();
    rules.check_request(peer, &request, true).map_or_else(|refusal| refusal.status.as_u16(), |()| 200)
}

fn authorization() -> String {
    format!("Bearer {}", "ab".repeat(32))
}

/// Promise 5.07.
#[test]
fn root_owner_and_groups_are_admitted() {
    for (uid, gid, expected) in [(0, 0, true), (7, 1, true), (8, 50, true), (8, 7, false), (65534, 65534, false)] {
        let peer = Peer::Unix { uid, gid };
        assert_eq!(rules(false).check_peer(peer), if expected { Ok(()) } else { Err(WRONG_USER) }, "{peer:?}");
    }
}

/// Promise 5.02.
#[test]
fn wrong_token_is_refused() {
    let right = authorization();
    let judge = |values: &[&str]| {
        let mut headers = vec![("host", "127.0.0.1:4711")];
        headers.extend(values.iter().map(|value| ("authorization", *value)));
        judged(&rules(false), TCP, "GET", "/", &headers)
    };
    assert_eq!(judge(&[&right]), 200);
    assert_eq!(judge(&[&right.replace("Bearer", "bearer")]), 200);
    let last_wrong = format!("{}c", &right[..right.len() - 1]);
    for wrong in
        [&right[..right.len() - 1], &last_wrong, &format!("{right}a"), "", "Bearer ", "Basic YQ==", &right[7..]]
    {
        assert_eq!(judge(&[wrong]), 401, "{wrong:?}");
    }
    assert_eq!((judge(&[]), judge(&[&right, &right]), judge(&[&right, "x"])), (401, 401, 401));
}

/// Promise 5.27. A further credential replaces the token, and no other rule.
#[test]
fn further_bearer_is_accepted_for_its_request_alone() {
    let check = |request: &Parts, bearer: &[u8]| bearer == b"once" && request.uri.path() == "/session";
    let rules = AccessRules { bearer_check: Some(BearerCheck(Arc::new(check))), ..rules(true) };
    let judge = |path: &str, headers: &[(&str, &str)]| {
        let headers: Vec<_> = [("host", "127.0.0.1:4711")].iter().chain(headers).copied().collect();
        judged(&rules, TCP, "POST", path, &headers)
    };
    let once = ("authorization", "Bearer once");
    assert_eq!((judge("/session", &[once]), judge("/stop", &[once])), (200, 401));
    assert_eq!(judge("/stop", &[("authorization", &authorization())]), 200);
    assert_eq!((judge("/session", &[]), judge("/session", &[once, once])), (401, 401));
    assert_eq!(judge("/session", &[("authorization", "Bearer twice")]), 401);
    assert_eq!(judge("/session", &[once, ("origin", "http://evil.example")]), 403);
    assert_eq!(judge("/session", &[once, ("sec-fetch-site", "cross-site")]), 403);
    assert_eq!(judge("/session", &[once, ("content-type", "text/plain")]), 415);
    assert_eq!(judged(&rules, TCP, "POST", "/session", &[("host", "evil.example"), once]), 403);
}

/// Promise 5.03.
#[test]
fn foreign_host_is_refused() {
    let right = authorization();
    let judge = |host: &str| {
        judged(&rules(true), TCP, "GET", "/", &[("host", host), ("authorization", &right), ("accept", "text/html")])
    };
    for host in ["localhost:4711", "127.0.0.1:4711", "[::1]:4711"] {
        assert_eq!(judge(host), 200, "{host}");
    }
    for host in [
        "evil.com",
        "evil.com:4711",
        "localhost6:4711",
        "localhost.evil.com:4711",
        "127.0.0.1.evil.com:4711",
        "10.0.2.555:4711",
        "0x7f.1:4711",
        "2130706433:4711",
        "127.1:4711",
        "localhost:1",
        "localhost",
        "127.0.0.1",
        "localhost:4711 ",
        "localhost:4711\t",
        "localhost:04711",
        "localhost.:4711",
        "user@localhost:4711",
        "[::1]",
        "localhost:4711, evil.com",
        "LOCALHOST:4711",
    ] {
        assert_eq!(judge(host), 403, "{host:?}");
    }
}

/// Promise 5.04.
#[test]
fn request_of_a_web_page_is_refused() {
    let right = authorization();
    let ours = ("host", "127.0.0.1:4711");
    let judge = |rules: &AccessRules, method: &str, more: &[(&str, &str)]| {
        let headers = [&[ours, ("authorization", &*right), ("content-type", "application/json")], more].concat();
        judged(rules, TCP, method, "/stop", &headers)
    };
    let (plain, page) = (rules(false), rules(true));
    let own = "http://127.0.0.1:4711";
    for origin in ["null", "http://evil.com", "http://localhost:4711", own, "https://127.0.0.1:4711", ""] {
        assert_eq!(judge(&plain, "POST", &[("origin", origin)]), 403, "{origin}");
        assert_eq!(judge(&page, "POST", &[("origin", origin)]), 403, "{origin} without Sec-Fetch-Site");
        let expected = if origin == own { 200 } else { 403 };
        assert_eq!(judge(&page, "POST", &[("origin", origin), ("sec-fetch-site", "same-origin")]), expected);
        assert_eq!(judge(&page, "POST", &[("origin", origin), ("sec-fetch-site", "cross-site")]), 403);
    }
    for (site, expected) in [("same-origin", 200), ("none", 200), ("same-site", 403), ("cross-site", 403), ("", 403)] {
        assert_eq!(judge(&plain, "GET", &[("sec-fetch-site", site)]), expected, "{site}");
    }
    assert_eq!(judge(&page, "POST", &[("origin", own), ("origin", own), ("sec-fetch-site", "same-origin")]), 403);
    assert_eq!(judge(&plain, "OPTIONS", &[("origin", "http://evil.com")]), 405);
}

/// Promise 5.04.
#[test]
fn body_of_a_form_is_refused() {
    let right = authorization();
    let judge = |peer, kinds: &[&str]| {
        let mut headers = vec![("host", "127.0.0.1:4711"), ("authorization", &*right)];
        headers.extend(kinds.iter().map(|kind| ("content-type", *kind)));
        judged(&rules(false), peer, "POST", "/stop", &headers)
    };
    for peer in [TCP, OWNER] {
        assert_eq!(judge(peer, &["application/json"]), 200);
        assert_eq!(judge(peer, &["Application/JSON; charset=utf-8"]), 200);
        assert_eq!(judge(peer, &[]), 200, "an empty body of an identified peer");
        for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "", "x"] {
            assert_eq!(judge(peer, &[kind]), 415, "{kind}");
        }
        assert_eq!(judge(peer, &["application/json", "text/plain"]), 415);
    }
    let open = AccessRules { token: None, ..rules(false) };
    assert_eq!(judged(&open, TCP, "POST", "/stop", &[("host", "127.0.0.1:4711")]), 415);
}

#[test]
fn page_needs_no_token_and_other_routes_do() {
    let judge = |path: &str, accept: &str| {
        judged(&rules(true), TCP, "GET", path, &[("host", "127.0.0.1:4711"), ("accept", accept)])
    };
    assert_eq!(judge("/", "text/html,application/xhtml+xml"), 200);
    assert_eq!((judge("/status", "text/html"), judge("/", "*/*")), (401, 401));
    assert_eq!(judged(&rules(true), TCP, "GET", "/", &[("host", "evil.com"), ("accept", "text/html")]), 403);
}
