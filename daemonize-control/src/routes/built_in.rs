//! The paths that the endpoint answers itself.

/// The reserved paths; user routes have others.
pub(crate) const BUILT_IN: [&str; 8] =
    ["/", "/status", "/events", "/metrics", "/event", "/stop", "/restart", "/reload"];

/// Returns the value of the header `Allow` for a built-in path.
pub(super) fn allowed_methods(path: &str) -> &'static str {
    match path {
        "/" | "/status" | "/metrics" => "GET, HEAD",
        "/events" => "GET",
        _ => "POST",
    }
}
