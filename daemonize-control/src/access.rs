//! Who may: peer credentials, token, Host, Origin, Sec-Fetch.
//!
//! A Unix socket is reached by users, whom the kernel names. A TCP port is reached by every user of the machine, so a
//! token proves who asks; and by every page that a browser shows, so that whatever a page could make a browser send is
//! refused: another Host (a name that was made to mean this machine), an Origin, a request from another site, a body
//! that a form could send.

use crate::refusal::Refusal;
use crate::token::Token;
use axum::http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST, ORIGIN};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use std::net::SocketAddr;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

const STRANGER: Refusal = Refusal::forbidden("you are neither root nor the owner of this daemon");
const ANOTHER_HOST: Refusal = Refusal::forbidden("this is not the Host");
const FROM_A_PAGE: Refusal = Refusal::forbidden("web pages may not ask");
const NO_OPTIONS: Refusal = Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "there are no options");
const NO_TOKEN: Refusal = Refusal::new(StatusCode::UNAUTHORIZED, "the token is missing or wrong");
const NO_JSON: Refusal =
    Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "what changes something comes as application/json");

/// Who asks: an extension of the requests that a user's routes see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Peer {
    /// A process on this machine, by what it was when it connected (`SO_PEERCRED`).
    Unix {
        /// Its effective user.
        uid: u32,
        /// Its effective group.
        gid: u32,
    },
    /// Somebody on this machine, over TCP.
    Tcp(SocketAddr),
}

/// Who is let in.
#[derive(Debug)]
pub(crate) struct Rules {
    /// Besides root.
    pub(crate) owner: u32,
    /// Members of these groups, too.
    pub(crate) groups: Vec<u32>,
    /// What a request over TCP has to bring, unless that was given up.
    pub(crate) token: Option<Token>,
    /// What `Host` may be over TCP.
    pub(crate) hosts: Vec<String>,
    /// Whether there is a page of ours that may ask.
    pub(crate) has_page: bool,
}

impl Rules {
    /// Judges who it is, before anything is read. Over TCP the request has to prove that.
    pub(crate) fn admit(&self, peer: Peer) -> Result<(), Refusal> {
        match peer {
            Peer::Unix { uid, gid } if uid != 0 && uid != self.owner && !self.groups.contains(&gid) => Err(STRANGER),
            _ => Ok(()),
        }
    }

    /// Judges a request of somebody who was admitted, before anything else is done with it.
    pub(crate) fn judge(&self, peer: Peer, request: &Parts, is_empty: bool) -> Result<(), Refusal> {
        let headers = &request.headers;
        if matches!(peer, Peer::Tcp(_)) {
            self.judge_host(headers)?;
        }
        if request.method == Method::OPTIONS {
            return Err(NO_OPTIONS);
        }
        self.judge_browser(headers)?;
        if matches!(peer, Peer::Tcp(_)) && !self.shows_the_page(request) {
            self.judge_token(headers)?;
        }
        let is_harmless = matches!(request.method, Method::GET | Method::HEAD);
        if is_harmless || self.is_json(peer, headers, is_empty) { Ok(()) } else { Err(NO_JSON) }
    }

    /// Whether the answer is the page, which says nothing that is secret.
    pub(crate) fn shows_the_page(&self, request: &Parts) -> bool {
        let wants_html = |value: &HeaderValue| value.to_str().is_ok_and(|types| types.contains("text/html"));
        self.has_page
            && matches!(request.method, Method::GET | Method::HEAD)
            && request.uri.path() == "/"
            && request.headers.get(ACCEPT).is_some_and(wants_html)
    }

    fn judge_host(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let host = headers.get(HOST).map(HeaderValue::as_bytes);
        let is_ours = self.hosts.iter().any(|ours| Some(ours.as_bytes()) == host);
        if is_ours { Ok(()) } else { Err(ANOTHER_HOST) }
    }

    /// Without a page of ours every page is a stranger's. Ours says so twice, and a page cannot make these headers up.
    fn judge_browser(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let site = only(headers, &SEC_FETCH_SITE)?;
        if site.is_some_and(|site| site != "same-origin" && site != "none") {
            return Err(FROM_A_PAGE);
        }
        let Some(origin) = only(headers, &ORIGIN)? else { return Ok(()) };
        let host = only(headers, &HOST)?.map(HeaderValue::as_bytes);
        let is_ours = origin.as_bytes().strip_prefix(b"http://") == host && host.is_some();
        let from_ours = self.has_page && is_ours && site.is_some_and(|site| site == "same-origin");
        if from_ours { Ok(()) } else { Err(FROM_A_PAGE) }
    }

    fn judge_token(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let Some(token) = &self.token else { return Ok(()) };
        let mut given = headers.get_all(AUTHORIZATION).iter();
        let (Some(given), None) = (given.next(), given.next()) else { return Err(NO_TOKEN) };
        let given = given.as_bytes();
        let is_bearer = given.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"Bearer "));
        if is_bearer && token.is(&given[7..]) { Ok(()) } else { Err(NO_TOKEN) }
    }

    /// A page can make a browser send forms and plain text, but not this type, without asking first. Nothing at all has
    /// no type: that is enough for whom the kernel or the token names.
    fn is_json(&self, peer: Peer, headers: &HeaderMap, is_empty: bool) -> bool {
        let mut types = headers.get_all(CONTENT_TYPE).iter();
        match (types.next(), types.next()) {
            (Some(kind), None) => {
                let kind = kind.to_str().unwrap_or_default();
                kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
            }
            (None, None) => is_empty && (matches!(peer, Peer::Unix { .. }) || self.token.is_some()),
            _ => false,
        }
    }
}

/// The value of a header that may be there once.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a HeaderValue>, Refusal> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (value, None) => Ok(value),
        _ => Err(FROM_A_PAGE),
    }
}

/// The hosts under which a port of this machine is addressed.
pub(crate) fn hosts(address: SocketAddr) -> Vec<String> {
    let port = address.port();
    let own = match address {
        SocketAddr::V4(address) => address.ip().to_string(),
        SocketAddr::V6(address) => format!("[{}]", address.ip()),
    };
    let names = ["localhost", "127.0.0.1", "[::1]", own.as_str()];
    let mut hosts: Vec<String> = names.iter().map(|name| format!("{name}:{port}")).collect();
    if port == 80 {
        hosts.extend(names.map(str::to_owned));
    }
    hosts.dedup();
    hosts
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::Request;

    const TCP: Peer = Peer::Tcp(SocketAddr::V4(std::net::SocketAddrV4::new(std::net::Ipv4Addr::LOCALHOST, 9)));
    const OWNER: Peer = Peer::Unix { uid: 7, gid: 70 };

    fn rules(has_page: bool) -> Rules {
        let token = Some(Token::from_bytes([0xab; 32]));
        Rules { owner: 7, groups: vec![50], token, hosts: hosts("127.0.0.1:4711".parse().unwrap()), has_page }
    }

    fn judged(rules: &Rules, peer: Peer, method: &str, path: &str, headers: &[(&str, &str)]) -> u16 {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (request, ()) = request.body(()).unwrap().into_parts();
        rules.judge(peer, &request, true).map_or_else(|refusal| refusal.status.as_u16(), |()| 200)
    }

    fn authorization() -> String {
        format!("Bearer {}", "ab".repeat(32))
    }

    #[test]
    fn p5_07_root_the_owner_and_the_groups_may() {
        for (uid, gid, expected) in [(0, 0, true), (7, 1, true), (8, 50, true), (8, 7, false), (65534, 65534, false)] {
            let peer = Peer::Unix { uid, gid };
            assert_eq!(rules(false).admit(peer), if expected { Ok(()) } else { Err(STRANGER) }, "{peer:?}");
        }
    }

    #[test]
    fn p5_02_only_the_whole_token_is_the_token() {
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

    #[test]
    fn p5_03_no_other_host_is_this_one() {
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

    #[test]
    fn p5_04_no_page_may_ask() {
        let right = authorization();
        let ours = ("host", "127.0.0.1:4711");
        let judge = |rules: &Rules, method: &str, more: &[(&str, &str)]| {
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
        for (site, expected) in
            [("same-origin", 200), ("none", 200), ("same-site", 403), ("cross-site", 403), ("", 403)]
        {
            assert_eq!(judge(&plain, "GET", &[("sec-fetch-site", site)]), expected, "{site}");
        }
        assert_eq!(judge(&page, "POST", &[("origin", own), ("origin", own), ("sec-fetch-site", "same-origin")]), 403);
        assert_eq!(judge(&plain, "OPTIONS", &[("origin", "http://evil.com")]), 405);
    }

    #[test]
    fn p5_04_what_a_form_could_send_is_refused() {
        let right = authorization();
        let judge = |peer, kinds: &[&str]| {
            let mut headers = vec![("host", "127.0.0.1:4711"), ("authorization", &*right)];
            headers.extend(kinds.iter().map(|kind| ("content-type", *kind)));
            judged(&rules(false), peer, "POST", "/stop", &headers)
        };
        for peer in [TCP, OWNER] {
            assert_eq!(judge(peer, &["application/json"]), 200);
            assert_eq!(judge(peer, &["Application/JSON; charset=utf-8"]), 200);
            assert_eq!(judge(peer, &[]), 200, "an empty body of somebody who is known");
            for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "", "x"]
            {
                assert_eq!(judge(peer, &[kind]), 415, "{kind}");
            }
            assert_eq!(judge(peer, &["application/json", "text/plain"]), 415);
        }
        let open = Rules { token: None, ..rules(false) };
        assert_eq!(judged(&open, TCP, "POST", "/stop", &[("host", "127.0.0.1:4711")]), 415);
    }

    #[test]
    fn the_page_needs_no_token_and_everything_else_does() {
        let judge = |path: &str, accept: &str| {
            judged(&rules(true), TCP, "GET", path, &[("host", "127.0.0.1:4711"), ("accept", accept)])
        };
        assert_eq!(judge("/", "text/html,application/xhtml+xml"), 200);
        assert_eq!((judge("/status", "text/html"), judge("/", "*/*")), (401, 401));
        assert_eq!(judged(&rules(true), TCP, "GET", "/", &[("host", "evil.com"), ("accept", "text/html")]), 403);
    }
}
