//! The names of the files in the directory.

/// Name of the socket.
pub(super) const SOCKET: &str = "socket";
/// Name of the token file.
pub(super) const TOKEN: &str = "token";
