//! The attributes in a crate of edition 2021, where `gen` is not a keyword yet.
#![cfg(test)]

include!("../names.rs");
