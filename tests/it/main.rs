//! Black-box tests: daemons in real processes, checked from outside.
//!
//! A test's doc comment names the promises of `docs/promises.md` that it proves (`Promise 1.01.`), and with `R8:` or
//! `L7, L11:` the rules of `docs/rules.md` that it forces. The loops run in the sizes of a quick check;
//! `DAEMON_TESTS_FULL=1` runs them in full. Many tests need root (they change users, mount in a private namespace,
//! inject failures with strace), and fail otherwise with the reason.

mod common;

mod architecture;
mod async_bodies;
mod async_message_receipts;
mod async_messages;
mod async_runtime;
mod async_steps;
mod attach;
mod brokers;
mod capabilities;
mod change_of_user;
mod container;
mod costs;
mod custom_shutdown;
mod default_locations;
mod default_log;
mod ends_with;
mod events;
mod examples;
mod external_tools;
mod failing_system_calls;
mod faults;
mod foreign_pidfiles;
mod fork_safety;
mod inherited_descriptors;
mod inherited_state;
mod invalid_pidfiles;
mod invalid_settings;
mod language;
mod last_words;
mod last_words_attacked;
mod listen_fds;
mod log_records;
mod log_rotation;
mod log_rotation_failures;
mod log_timestamps;
mod message_receipts;
mod message_retry;
mod message_shutdown;
mod messages;
mod on_wait;
mod pidfile;
mod pidfile_lock;
mod pidfile_trust;
mod privileges;
mod readiness;
mod readiness_auto;
mod readiness_matrix;
mod reload;
mod sd_notify;
mod self_restart;
mod self_restart_stop;
mod service_manager;
mod signal_handlers;
mod signals;
mod source;
mod stages;
mod standard_streams;
mod start_options;
mod stop;
mod systemd_notify;
mod systemd_pidfiles;
mod systemd_services;
mod systemd_unit;
mod testing;
mod tool_list;
mod ui;
mod under_monitor;
mod user_environment;
mod verbs;
mod watchdog;
