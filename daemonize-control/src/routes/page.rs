//! The web page that the endpoint serves at `/`.

use super::reply::{HTML, response};
use axum::body::Body;
use axum::http::header::{CONTENT_SECURITY_POLICY, X_FRAME_OPTIONS};
use axum::http::{HeaderName, HeaderValue, Response, StatusCode};
use bytes::Bytes;

/// The default Content-Security-Policy of the page: its own scripts and styles, and requests to its own origin.
pub(crate) const DEFAULT_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; connect-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

/// Returns the response with the page.
pub(super) fn page(html: Bytes, policy: HeaderValue) -> Response<Body> {
    let mut response = response(StatusCode::OK, HTML, html);
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, policy);
    // For browsers without `frame-ancestors`: no other page may frame this one and have its buttons clicked.
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(HeaderName::from_static("referrer-policy"), HeaderValue::from_static("no-referrer"));
    response
}
