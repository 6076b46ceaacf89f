//! The attributes in a crate of edition 2018, where `gen` is not a keyword yet.
#![cfg(test)]

include!("../names.rs");
