//! What the endpoint says of the daemon.
