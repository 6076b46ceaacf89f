//! Faults and races forced at a chosen moment: processes that are killed or held there, verbs that overlap, and file systems
//! that are full or changed meanwhile.

mod file_systems;
pub(crate) mod held_call;
mod interleavings;
mod interleavings_of_verbs;
mod launch_family;
mod launch_rules;
mod launch_steps;
mod races;
mod storm;
