//! Launch by exec: a daemon that starts in a fresh execution of its program, from any thread of any process.

#![forbid(unsafe_code)] // All of it is in `daemonize-sys`.
#![cfg_attr(docsrs, feature(doc_cfg))]
