//! Decides which peers and which requests the endpoint serves: peer credentials, token, Host, Origin, Sec-Fetch-Site and
//! Content-Type.
//!
//! The kernel names the user behind a Unix socket. A TCP port can be reached by every user of the machine, so a request has
//! to carry the token. It can also be reached by every web page that a browser shows (cross-site request forgery, DNS
//! rebinding), so every request that such a page could cause is refused: a foreign `Host`, an `Origin`, a request from another
//! site, and a body that a form could send.

use crate::refusal::Refusal;
use crate::token::Token;
use axum::http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST, ORIGIN};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

const WRONG_USER: Refusal =
    Refusal::forbidden("permission denied: the peer is not root, the daemon's user or in an allowed group");
const WRONG_HOST: Refusal = Refusal::forbidden("the Host header does not name this endpoint");
const FROM_WEB_PAGE: Refusal = Refusal::forbidden("requests from web pages are not allowed");
const NO_OPTIONS: Refusal = Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "the method OPTIONS is not supported");
const NO_TOKEN: Refusal = Refusal::new(StatusCode::UNAUTHORIZED, "the token is missing or wrong");
const NOT_JSON: Refusal =
    Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "the Content-Type of this request must be application/json");

/// The peer that sent a request, in the extensions of the requests that [routes](crate::Endpoint::routes) receive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Peer {
    /// A process on this machine, with its credentials at the time of `connect(2)` (`SO_PEERCRED`, `unix(7)`).
    Unix {
        /// The effective user id.
        uid: u32,
        /// The effective group id.
        gid: u32,
    },
    /// A process on this machine, connected over TCP from this address.
    Tcp(SocketAddr),
}

/// Decides whether a request may use a credential other than the token: see [`Endpoint::accept_bearer`].
///
/// [`Endpoint::accept_bearer`]: crate::Endpoint::accept_bearer
#[derive(Clone)]
pub(crate) struct BearerCheck(pub(crate) Arc<AcceptsBearer>);

/// Returns `true` for a request whose credential is accepted.
type AcceptsBearer = dyn Fn(&Parts, &[u8]) -> bool + Send + Sync;

impl fmt::Debug for BearerCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BearerCheck(…)")
    }
}

/// The access rules of an endpoint.
#[derive(Debug)]
pub(crate) struct AccessRules {
    /// The user who may connect, besides root.
    pub(crate) owner: u32,
    /// The groups that may connect, too.
    pub(crate) groups: Vec<u32>,
    /// The token that requests over TCP must carry; `None` if they need none.
    pub(crate) token: Option<Token>,
    /// Accepts credentials beside the token.
    pub(crate) bearer_check: Option<BearerCheck>,
    /// The accepted values of `Host` over TCP.
    pub(crate) hosts: Vec<String>,
    /// The endpoint serves a web page, which may send requests.
    pub(crate) has_page: bool,
}

impl AccessRules {
    /// Checks the credentials of a peer, before anything is read. Peers over TCP are checked with each request.
    pub(crate) fn check_peer(&self, peer: Peer) -> Result<(), Refusal> {
        match peer {
            Peer::Unix { uid, gid } if uid != 0 && uid != self.owner && !self.groups.contains(&gid) => Err(WRONG_USER),
            _ => Ok(()),
        }
    }

    /// Checks a request of an admitted peer, before it is passed to a route.
    pub(crate) fn check_request(&self, peer: Peer, request: &Parts, has_empty_body: bool) -> Result<(), Refusal> {
        let headers = &request.headers;
        if matches!(peer, Peer::Tcp(_)) {
            self.check_host(headers)?;
        }
        // Browsers ask with OPTIONS whether a page of another site may send a request (CORS): never.
        if request.method == Method::OPTIONS {
            return Err(NO_OPTIONS);
        }
        self.check_browser(headers)?;
        if matches!(peer, Peer::Tcp(_)) && !self.asks_for_page(request) {
            self.check_token(request)?;
        }
        let is_read_only = matches!(request.method, Method::GET | Method::HEAD);
        if is_read_only || self.is_json(peer, headers, has_empty_body) { Ok(()) } else { Err(NOT_JSON) }
    }

    /// Returns `true` if the response is the endpoint's page, which contains no secret and needs no token.
    pub(crate) fn asks_for_page(&self, request: &Parts) -> bool {
        let wants_html = |value: &HeaderValue| value.to_str().is_ok_and(|types| types.contains("text/html"));
        self.has_page
            && matches!(request.method, Method::GET | Method::HEAD)
            && request.uri.path() == "/"
            && request.headers.get(ACCEPT).is_some_and(wants_html)
    }

    /// Refuses a `Host` that is not this endpoint: a page may have rebound its own host name to this machine.
    fn check_host(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let host = headers.get(HOST).map(HeaderValue::as_bytes);
        let is_ours = self.hosts.iter().any(|ours| Some(ours.as_bytes()) == host);
        if is_ours { Ok(()) } else { Err(WRONG_HOST) }
    }

    /// Refuses requests of web pages, except of the endpoint's own page. Scripts cannot set `Origin` and `Sec-Fetch-Site`
    /// (forbidden request headers of the Fetch standard).
    fn check_browser(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let site = single_value(headers, &SEC_FETCH_SITE)?;
        if site.is_some_and(|site| site != "same-origin" && site != "none") {
            return Err(FROM_WEB_PAGE);
        }
        let Some(origin) = single_value(headers, &ORIGIN)? else { return Ok(()) };
        let host = single_value(headers, &HOST)?.map(HeaderValue::as_bytes);
        let is_own_origin = origin.as_bytes().strip_prefix(b"http://") == host && host.is_some();
        let is_own_page = self.has_page && is_own_origin && site.is_some_and(|site| site == "same-origin");
        if is_own_page { Ok(()) } else { Err(FROM_WEB_PAGE) }
    }

    fn check_token(&self, request: &Parts) -> Result<(), Refusal> {
        let Some(token) = &self.token else { return Ok(()) };
        let credential = bearer(&request.headers).ok_or(NO_TOKEN)?;
        let is_accepted = |check: &BearerCheck| (check.0)(request, credential);
        if token.is_equal(credential) || self.bearer_check.as_ref().is_some_and(is_accepted) {
            Ok(())
        } else {
            Err(NO_TOKEN)
        }
    }

    /// Returns `true` if the Content-Type is JSON. A page can make a browser send forms and plain text to another site, but not
    /// JSON without an OPTIONS request first. No type and no body is enough from a peer that is identified by its credentials
    /// or by the token.
    fn is_json(&self, peer: Peer, headers: &HeaderMap, has_empty_body: bool) -> bool {
        let mut types = headers.get_all(CONTENT_TYPE).iter();
        match (types.next(), types.next()) {
            (Some(media_type), None) => {
                let media_type = media_type.to_str().unwrap_or_default();
                let essence = media_type.split(';').next().unwrap_or_default();
                essence.trim().eq_ignore_ascii_case("application/json")
            }
            (None, None) => has_empty_body && (matches!(peer, Peer::Unix { .. }) || self.token.is_some()),
            _ => false,
        }
    }
}

/// Returns the credential of the only `Authorization` header, if its scheme is `Bearer` (RFC 6750).
fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    let (scheme, credential) = value.as_bytes().split_at_checked(7)?;
    scheme.eq_ignore_ascii_case(b"Bearer ").then_some(credential)
}

/// Returns the value of a header, or an error if the header occurs more than once.
fn single_value<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a HeaderValue>, Refusal> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (value, None) => Ok(value),
        _ => Err(FROM_WEB_PAGE),
    }
}

/// Returns the values of `Host` with which clients of this machine address the port.
pub(crate) fn accepted_hosts(address: SocketAddr) -> Vec<String> {
    let port = address.port();
    let own = match address {
        SocketAddr::V4(address) => address.ip().to_string(),
        SocketAddr::V6(address) => format!("[{}]", address.ip()),
    };
    let names = ["localhost", "127.0.0.1", "[::1]", own.as_str()];
    let mut hosts: Vec<String> = names.iter().map(|name| format!("{name}:{port}")).collect();
    // Clients omit the default port of HTTP (RFC 9110, section 4.2.1).
    if port == 80 {
        hosts.extend(names.map(str::to_owned));
    }
    hosts.dedup();
    hosts
}

#[cfg(test)]
mod tests;
