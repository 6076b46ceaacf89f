//! How programs talk to a running daemon.
