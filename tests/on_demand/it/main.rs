//! Black-box tests of daemons on demand.

mod common;
mod connect;
mod connect_async;
mod connect_races;
mod exec_attacks;
mod exec_death;
mod exec_refusals;
mod exec_restart;
mod exec_start;
mod exec_tests;
