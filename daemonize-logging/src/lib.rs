//! Logging in a daemon of [`daemonic`](https://docs.rs/daemonic).

#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]
