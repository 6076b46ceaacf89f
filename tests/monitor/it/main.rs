//! Black-box tests of the monitor: bots in real processes, looked at from outside.

mod site;

mod cli_commands;
mod cli_reload;
mod cli_status;
mod listener_routes;
