//! Faults and races forced at a chosen moment: processes that are killed or held there, commands that overlap, and file
//! systems that are full or change meanwhile.

mod command_interleavings;
mod concurrent_commands;
mod file_system_faults;
pub(crate) mod held_system_call;
mod launch_processes;
mod launch_rules;
mod launch_steps;
mod pid_reuse;
mod pidfile_interleavings;
mod pidfile_races;
