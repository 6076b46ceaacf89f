//! Black-box tests of daemons on demand.

mod builds;
mod control_requests;
mod mismatch;
mod versions_lab;
mod wedged;
