//! What cannot be said without `unsafe`.

pub(crate) mod allocator;
pub(crate) mod filter;
