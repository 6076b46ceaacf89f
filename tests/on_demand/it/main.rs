//! Black-box tests of daemons on demand.

mod fd_passing;
mod isolation;
mod places;
