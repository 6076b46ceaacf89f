//! Black-box tests of the monitor: bots in real processes, checked from outside.
//!
//! A test's doc comment names the promises of `docs/promises.md` that it proves. The loops run in the sizes of a quick
//! check; `DAEMON_TESTS_FULL=1` runs them in full. Many tests need root, and fail otherwise with the reason.

mod common;
mod control_group;

mod bot_attributes;
mod bot_history;
mod bot_selection;
mod bot_user;
mod cgroups;
mod clock_steps;
mod command_cgroups;
mod config_values;
mod console;
mod container;
mod daemonizing_programs;
mod dependency_order;
mod disk_sync;
mod events;
mod exec_checks;
mod exit_when;
mod failed_starts;
mod freeze;
mod group_stop;
mod hooks;
mod hung_closes;
mod hung_mount;
mod hung_processes;
mod hung_readiness;
mod hung_starts;
mod import_configs;
mod inherited_state;
mod killed_monitor;
mod log_file_security;
mod log_files;
mod log_lines;
mod log_rotation;
mod log_search;
mod memory_limit;
mod monitor_commands;
mod notify;
mod notify_access;
mod orphans;
mod page_sessions;
mod random_faults;
mod readiness;
mod ready_after;
mod reload;
mod reload_mistakes;
mod resource_limits;
mod restart_policy;
mod schedule;
mod shared_descriptors;
mod show;
mod shutdown;
mod stop_timeout;
mod stopping;
mod stopping_order;
mod systemd_delegation;
mod unexpected_signals;
mod unrelated_processes;
mod user_locations;
mod webhook;
mod webhook_server;

mod cli_lab;

mod checks;
mod listen_sockets;
mod rolling_restart;
mod zero_downtime;

mod cli_commands;
mod cli_completion;
mod cli_init;
mod cli_log;
mod cli_monitor_lookup;
mod cli_programs;
mod cli_reload;
mod cli_restart;
mod cli_start;
mod cli_status;
mod cli_wait;
mod descriptor_limit;
mod examples_run;
mod listener_routes;
mod listener_streams;
mod log_failures;
