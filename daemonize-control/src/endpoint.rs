//! The endpoint: what a user configures, and its life beside the body.

/// A small HTTP endpoint in the running daemon.
#[derive(Debug, Default)]
pub struct Endpoint {}

impl Endpoint {
    /// An endpoint on the Unix socket beside the pidfile.
    pub fn new() -> Endpoint {
        Endpoint::default()
    }
}
