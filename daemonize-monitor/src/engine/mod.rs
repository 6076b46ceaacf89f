//! The engine: one thread that waits for everything at once. Nothing in it blocks, except for the short moment in which a child
//! is forked, and gets descriptors of its own.
//!
//! The loop turns descriptors and timers into events, hands these to the states of bots, and carries out the actions that they
//! answer with. Deaths come through pidfds, output and events through pipes, commands through a channel and an eventfd; what is
//! to happen later sits in a heap of timers, of which the first one bounds the wait: there is no tick. Each operation that takes time (a
//! stop, readiness, a backoff) is a state of a bot, not a place in the code, so nothing waits behind anything else. What many
//! bots need at once (the journal, the look for orphans) is done once per turn for all of them.
//!
//! # Parts
//!
//! Each part owns its state, and calls only parts below it:
//!
//! * [`Engine`] (`state`, run by `event_loop`) has the commands, the configuration and the shutdown; it calls the supervisor.
//! * [`Supervisor`](supervisor::Supervisor) has the bots: it hands events to [`bot_state`], and carries out what that answers with.
//! * [`reaper`], with [`orphan_search`] and [`process_table`]: reaping, and the bot to which a process belongs.
//! * [`auxiliary`]: programs that are run beside bots for a short time: checks and hooks.
//! * [`output`]: pipes, logs and their readers. [`subscribers`] and [`pending_reply`]: receivers of changes.
//! * [`bot_table`]: what is known of each bot. [`dependencies`]: the order of starts and stops, as pure functions of a graph.
//! * [`bot_state`]: what one bot does when something happens to it, as a pure function.
//! * [`reactor`], [`token`] and [`slab`]: descriptors, timers, and numbers that are used again.
//!
//! # What another program in this place would need
//!
//! This thread forks all bots, and is the only one to whose end their `PR_SET_PDEATHSIG` is tied; a thread that calls `execve(2)`
//! is not ended by that, and its process keeps its pid and its children. So a new version of the monitor could be executed by
//! this thread in place of the old one, while bots run on. All that it would have to take over is owned here:
//!
//! * descriptors without `FD_CLOEXEC`: pidfds and notify sockets ([`bot_table`]), the reading ends of pipes with the cut lines that
//!   they hold ([`output`]), and those of the daemon around the engine (the lock of the pidfile, the endpoint's socket);
//! * of each bot its pid and user, its [`BotState`](bot_state::BotState), secret, counts and the file that it had before its start
//!   ([`bot_table`]); of the monitor its own secret, which is in the environment of all bots ([`process_journal`](crate::process_journal));
//! * orphans that were found, and the bots of children that have proved whose they are ([`orphan_search`]), though both can be found
//!   again from `/proc`;
//! * deadlines, as times on `CLOCK_MONOTONIC`, which the new program shares.
//!
//! Starts that are pending, commands, subscribers and followers would be ended before: a child that has not executed its program
//! reports to this one, and the others belong to other threads.

mod auxiliary;
mod auxiliary_leftovers;
mod bot_cgroups;
mod bot_detail;
mod bot_lookup;
mod bot_state;
mod bot_table;
mod bulk_commands;
mod checks;
mod commands;
mod dependencies;
mod dependents;
mod descriptor_limit;
mod event_lines;
mod event_loop;
mod exit_condition;
mod exit_records;
mod followers;
mod hook_facts;
mod ignored_signals;
mod log_requests;
mod lost_output;
mod memory_watch;
mod orphan_search;
mod output;
mod pending_reason;
mod pending_reply;
mod process_table;
mod reactor;
mod reaper;
mod reload;
mod restart;
mod roll_progress;
mod rolling;
mod schedule_timers;
mod scheduled_runs;
mod shutdown;
mod slab;
mod state;
mod subscribers;
mod supervised_bot;
mod supervisor;
mod token;
mod unowned_children;

pub(crate) use ignored_signals::fatal_by_default;
pub(crate) use state::{Engine, EngineConfig};
