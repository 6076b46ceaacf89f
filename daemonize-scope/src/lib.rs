//! A scope of its own: a daemon leaves the cgroup of the login session that happened to start it.

#![forbid(unsafe_code)] // All of it is in `daemonize-sys`.
#![cfg_attr(docsrs, feature(doc_cfg))]
