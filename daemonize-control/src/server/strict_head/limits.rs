//! The limits of a request.

/// Maximum size of a head in bytes: the request line and all header lines, with the empty line.
pub(crate) const HEAD_LIMIT: usize = 8 * 1024;
/// Maximum number of header lines.
pub(crate) const HEADERS_LIMIT: usize = 64;
/// Maximum size of a body in bytes.
pub(crate) const BODY_LIMIT: usize = 64 * 1024;
