//! Black-box tests of daemons on demand.

mod clients;
mod failed_start;
mod fd_passing;
mod greeting;
mod idle_exit;
mod isolation;
mod places;
mod plain_client;
mod settings;
