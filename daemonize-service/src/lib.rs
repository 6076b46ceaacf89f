//! Service definitions of [`daemonic`](https://docs.rs/daemonic): unit files and their counterparts for other service managers,
//! written, installed and removed by the program itself.

#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod options;

pub use options::{Hardening, RestartPolicy, Service};
