//! Black-box tests of the monitor: bots in real processes, looked at from outside.
//!
//! A test that proves a promise of `docs/promises.md` begins with its number. The loops run in the sizes of a quick check;
//! `DAEMON_TESTS_FULL=1` runs them in full. Many tests want root, and fail, with what is missing, where they cannot have it.

mod common;

mod chaos;
mod children;
mod clock;
mod commands;
mod container;
mod events;
mod hanging;
mod hanging_closes;
mod hanging_looks;
mod hung_files;
mod identity;
mod killed;
mod left_behind;
mod log_places;
mod logs;
mod long_lines;
mod notify;
mod order;
mod orphans;
mod places;
mod policy;
mod readiness;
mod ready_after;
mod reload;
mod reload_mistakes;
mod shared_descriptors;
mod shutdown;
mod spawning;
mod stop_time;
mod stop_together;
mod stopping;
mod stopping_order;
mod strangers;
mod stray_signals;
mod surroundings;
mod waits;

mod daemonctl;

mod cli_commands;
mod cli_identity;
mod cli_log;
mod cli_programs;
mod cli_reload;
mod cli_restart;
mod cli_start;
mod cli_status;
mod descriptors;
mod examples_run;
mod listener_routes;
