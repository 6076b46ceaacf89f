//! What is answered to whoever is not served.

use axum::http::StatusCode;

/// Why a request is not served: the status, and a sentence that tells nothing but what was wrong with the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// The status of the answer.
    pub(crate) status: StatusCode,
    /// Its message.
    pub(crate) why: &'static str,
}

impl Refusal {
    pub(crate) const fn new(status: StatusCode, why: &'static str) -> Refusal {
        Refusal { status, why }
    }

    pub(crate) const fn bad(why: &'static str) -> Refusal {
        Refusal::new(StatusCode::BAD_REQUEST, why)
    }

    pub(crate) const fn forbidden(why: &'static str) -> Refusal {
        Refusal::new(StatusCode::FORBIDDEN, why)
    }
}
