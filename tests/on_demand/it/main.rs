//! Black-box tests of daemons on demand.
