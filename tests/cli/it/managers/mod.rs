//! Service managers that really run: their services are found, and acted on through them.

mod detection;
mod installed_unit;
pub(crate) mod machine;
mod supervisors;
mod verbs;
