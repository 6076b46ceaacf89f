//! Black-box tests of daemons on demand.

mod common;
mod exec_attacks;
mod exec_death;
mod exec_refusals;
mod exec_restart;
mod exec_start;
mod exec_tests;
mod fd_passing;
mod isolation;
mod places;
mod clients;
mod failed_start;
mod greeting;
mod idle_exit;
mod plain_client;
mod settings;
