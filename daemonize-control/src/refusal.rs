//! The response to a request that is not served.

use axum::http::StatusCode;

/// The reason why a request is not served. Its message describes the error in the request, and nothing of the daemon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// The status of the response.
    pub(crate) status: StatusCode,
    /// The member `message` of the response.
    pub(crate) message: &'static str,
}

impl Refusal {
    pub(crate) const fn new(status: StatusCode, message: &'static str) -> Refusal {
        Refusal { status, message }
    }

    /// Makes a refusal with status 400.
    pub(crate) const fn bad_request(message: &'static str) -> Refusal {
        Refusal::new(StatusCode::BAD_REQUEST, message)
    }

    /// Makes a refusal with status 403.
    pub(crate) const fn forbidden(message: &'static str) -> Refusal {
        Refusal::new(StatusCode::FORBIDDEN, message)
    }
}
