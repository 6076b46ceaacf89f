//! Black-box tests of daemons on demand.

mod clients;
mod common;
mod exec_attacks;
mod exec_death;
mod exec_refusals;
mod exec_restart;
mod exec_start;
mod exec_tests;
mod failed_start;
mod fd_passing;
mod greeting;
mod idle_exit;
mod isolation;
mod places;
mod plain_client;
mod scope;
mod scope_failures;
mod session_machine;
mod settings;
