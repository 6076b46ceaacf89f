//! The `unsafe` code of this program.

pub(crate) mod allocator;
pub(crate) mod filter;
