//! Black-box tests of daemons on demand.

mod exec_tests;
