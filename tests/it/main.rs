//! Black-box tests: daemons in real processes, looked at from outside.
//!
//! A test's doc comment says which promises of `docs/promises.md` it proves (`Promise 1.01.`; the name of an older test
//! begins with it, `p1_01_…`), and with `R8:` or `L7, L11:` which rules of `docs/rules.md` it forces. The loops run in the
//! sizes of a quick check; `DAEMON_TESTS_FULL=1` runs them in full. Many tests want root (they drop privileges, mount in a
//! name space of their own, inject failures with strace) and fail, with what is missing, where they cannot have it.

mod common;

mod architecture;
mod asynchronous;
mod asynchronous_messages;
mod asynchronous_runtime;
mod attachments;
mod bad_input;
mod brokers;
mod clients;
mod container;
mod costs;
mod dropped;
mod events;
mod examples;
mod failures;
mod faults;
mod fork_safety;
mod identity;
mod inherited;
mod language;
mod last_words;
mod last_words_attacked;
mod lock_file;
mod messages;
mod messages_cut;
mod messages_retried;
mod monitored;
mod notifications;
mod own_shutdown;
mod pidfile;
mod places;
mod places_of_others;
mod privileges;
mod readiness;
mod readiness_auto;
mod readiness_matrix;
mod records;
mod self_restart;
mod signals;
mod source;
mod stages;
mod start_settings;
mod stop;
mod systemd;
mod systemd_notify;
mod testing;
mod tools;
mod ui;
mod unit;
mod verbs;
