//! Black-box tests of daemons on demand.

mod clients;
mod failed_start;
mod greeting;
mod idle_exit;
mod plain_client;
mod settings;
