//! Black-box tests of daemons on demand.

mod attributes;
mod common;
mod exec_attacks;
mod exec_death;
mod exec_refusals;
mod exec_restart;
mod exec_start;
mod exec_tests;
mod ui;
