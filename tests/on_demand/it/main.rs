//! Black-box tests of daemons on demand.

mod isolation;
