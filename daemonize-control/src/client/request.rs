//! The requests of a client.

use super::error::{Error, ErrorKind, Result};
use super::trust::Secret;
use daemonize_sys::escape::escape;
use http_body_util::Full;
use hyper::Method;
use hyper::body::Bytes;
use hyper::header::{ACCEPT, AUTHORIZATION, CONNECTION, CONTENT_TYPE, HOST};
use hyper::http::uri::PathAndQuery;
use serde_json::Value;

/// One request, independent of the connection that carries it.
#[derive(Clone, Debug)]
pub(super) struct Request {
    method: Method,
    route: PathAndQuery,
    /// JSON, or empty.
    body: Bytes,
    accept: &'static str,
}

impl Request {
    /// Makes a `GET` request for a whole reply.
    pub(super) fn get(route: &str) -> Result<Request> {
        let route = parse_route(route)?;
        Ok(Request { method: Method::GET, route, body: Bytes::new(), accept: "application/json, */*;q=0.5" })
    }

    /// Makes a `POST` request with a JSON body.
    pub(super) fn post(route: &str, body: &Value) -> Result<Request> {
        let body = body.to_string().into();
        Ok(Request { method: Method::POST, body, ..Request::get(route)? })
    }

    /// Makes a `GET` request for a stream of server-sent events.
    pub(super) fn stream(route: &str) -> Result<Request> {
        Ok(Request { accept: "text/event-stream", ..Request::get(route)? })
    }

    /// Returns the route, as errors show it.
    pub(super) fn route(&self) -> &str {
        self.route.as_str()
    }

    /// Returns the request for a connection to `host`.
    ///
    /// # Errors
    /// The host or the token cannot be the value of a header field.
    pub(super) fn for_host(&self, host: &str, token: Option<&Secret>) -> Result<hyper::Request<Full<Bytes>>> {
        // Each call connects anew: see the module `client`.
        let request = hyper::Request::builder().method(&self.method).uri(self.route()).header(CONNECTION, "close");
        let mut request = request.header(HOST, host).header(ACCEPT, self.accept);
        if let Some(token) = token {
            request = request.header(AUTHORIZATION, format!("Bearer {}", token.reveal()));
        }
        if !self.body.is_empty() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        // The error does not contain the value, which may be the token.
        let request = request.body(Full::new(self.body.clone()));
        request.map_err(|error| Error::failed(ErrorKind::Request, "request", self.route(), error))
    }
}

/// Returns a route with exactly one slash in front.
///
/// # Errors
/// The route contains a character that a path cannot have, or is longer than 65534 bytes.
fn parse_route(route: &str) -> Result<PathAndQuery> {
    let route = format!("/{}", route.trim_start_matches('/'));
    // `PathAndQuery` alone would accept UTF-8, and drop what follows `#`.
    if route.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#') {
        if let Ok(parsed) = route.parse() {
            return Ok(parsed);
        }
    }
    let why = "a route is the path of a URL; encode characters that it cannot have, a space as `%20`";
    Err(Error::failed(ErrorKind::Request, "request", escape(&route), why))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn route_that_would_end_its_line_is_refused() {
        assert_eq!(Request::get("//a?b=c").unwrap().route(), "/a?b=c");
        for route in ["/a b", "/a<b>", "/a\r\nX: y", "/ä", "/a#b", "\0", &"a".repeat(1 << 16)] {
            let error = Request::get(route).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Request, "{route:?}");
            assert!(error.to_string().contains("the path of a URL"), "{error}");
        }
    }
}
