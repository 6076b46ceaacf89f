//! The features of the library that keys need.

use crate::keys::Key;

/// The features, whether each is enabled, and the keys that need it.
const FEATURES: &[(&str, bool, &[&str])] = &[
    ("control", cfg!(feature = "control"), &["control"]),
    ("cli", cfg!(feature = "cli"), &["cli", "service"]),
    ("exec", cfg!(feature = "exec"), &["launch", "environment"]),
    (
        "on-demand",
        cfg!(feature = "on-demand"),
        &["on_demand", "on_mismatch", "greeting_timeout", "connect_timeout", "protocol", "constraint"],
    ),
    ("scope", cfg!(feature = "scope"), &["scope"]),
];

/// Returns the feature that the key needs, if it is missing.
pub(crate) fn missing(key: &Key) -> Option<&'static str> {
    let is_missing = |(_, enabled, keys): &&(&str, bool, &[&str])| !enabled && keys.contains(&key.name);
    FEATURES.iter().find(is_missing).map(|(feature, ..)| *feature)
}
