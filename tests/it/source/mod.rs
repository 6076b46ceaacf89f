//! Reads Rust source files as far as the checks of architecture and language need it.

mod files;
mod items;
mod let_chains;
mod lexer;
mod programs;
mod promises;
mod uses;

pub(crate) use files::{all_files, markdown_files, read, root, rust_files};
pub(crate) use items::{constants, functions, methods, types, without_tests};
pub(crate) use let_chains::let_chains;
pub(crate) use lexer::{Comment, code, comments, literals, words};
pub(crate) use programs::programs;
pub(crate) use promises::{named_promises, promises};
pub(crate) use uses::{uses, uses_of_root};
