//! Service managers that really run: what they have is found, and acted on through them.

mod detection;
pub(crate) mod machine;
mod supervisors;
mod verbs;
