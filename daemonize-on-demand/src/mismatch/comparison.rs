//! Compares the build of this program with that of the daemon.

use crate::greeting::Greeting;
use crate::settings::OnDemand;
use semver::Version;
use std::cmp::Ordering;

/// The build of this program, compared with the daemon's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools)] // Each is compared by itself.
pub(super) struct Comparison {
    /// The packages differ. One that is not known does not.
    pub(super) is_other_package: bool,
    /// The order of the protocol numbers: `Less` if this program's is lower.
    pub(super) protocol: Ordering,
    /// The order of the package versions; `Equal` if one is missing or not a semantic version.
    pub(super) version: Ordering,
    /// The ids differ. An id that is not known does not.
    pub(super) is_other_id: bool,
    /// The constraints differ.
    pub(super) is_other_constraint: bool,
}

impl Comparison {
    /// Compares the settings of this program and the id of its build with the daemon's greeting.
    pub(super) fn of(ours: &OnDemand, build: &str, theirs: &Greeting) -> Comparison {
        let packages = ours.package.as_deref().zip(theirs.package.as_deref());
        Comparison {
            is_other_package: packages.is_some_and(|(ours, theirs)| ours != theirs),
            protocol: ours.protocol.cmp(&theirs.protocol),
            version: version_order(ours.version.as_deref(), theirs.version.as_deref()),
            is_other_id: theirs.build.as_deref().is_some_and(|id| id != build),
            is_other_constraint: ours.constraint != theirs.constraint,
        }
    }
}

/// Returns the order of two versions by semantic versioning, which ignores the build metadata (`1.0.0+debug`).
fn version_order(ours: Option<&str>, theirs: Option<&str>) -> Ordering {
    // Mostly so.
    if ours == theirs {
        return Ordering::Equal;
    }
    let parse = |version: Option<&str>| Version::parse(version?).ok();
    match (parse(ours), parse(theirs)) {
        (Some(ours), Some(theirs)) => ours.cmp_precedence(&theirs),
        _ => Ordering::Equal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_ordered_by_semantic_versioning() {
        for (ours, theirs, order) in [
            ("1.10.0", "1.9.9", Ordering::Greater),
            ("1.0.0-rc.1", "1.0.0", Ordering::Less),
            ("1.0.0-rc.10", "1.0.0-rc.9", Ordering::Greater),
            ("1.0.0+a", "1.0.0+b", Ordering::Equal),
            ("1.0", "2.0.0", Ordering::Equal),
            ("nightly", "1.0.0", Ordering::Equal),
            ("99999999999999999999.0.0", "1.0.0", Ordering::Equal),
        ] {
            assert_eq!(version_order(Some(ours), Some(theirs)), order, "{ours} {theirs}");
            assert_eq!(version_order(Some(theirs), Some(ours)), order.reverse(), "{theirs} {ours}");
        }
        assert_eq!(version_order(None, Some("1.0.0")), Ordering::Equal);
        assert_eq!(version_order(Some("1.0.0"), None), Ordering::Equal);
    }
}
