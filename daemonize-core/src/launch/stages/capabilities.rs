//! Part of the stage `Identity`: drops root's capabilities (`capabilities(7)`), except for those that the daemon keeps.

use crate::capability::Capability;
use crate::error::{Error, Result, cause};
use crate::settings::Settings;
use crate::stage::Stage;
use crate::sys::capabilities as sys;
use crate::sys::error::errno;
use nix::errno::Errno;
use nix::sys::prctl;
use std::fs::{self, File};
use std::io::{self, Read};

/// The file that shows the capabilities of the calling thread (`proc(5)`).
const STATUS: &str = "/proc/thread-self/status";

/// A capacity that is enough for this file in most processes, in bytes: a longer one lists many groups or processors.
const STATUS_SIZE: usize = 4096;

/// The size of a capability set, in bits: no kernel has more capabilities.
const SET_SIZE: u8 = 64;

/// The capabilities that a daemon keeps when it changes its user.
#[derive(Clone, Debug)]
pub(super) struct KeptCapabilities(Vec<Capability>);

impl KeptCapabilities {
    /// Returns the configured capabilities.
    ///
    /// # Errors
    /// This process does not have one of them.
    pub(super) fn resolve(settings: &Settings) -> Result<KeptCapabilities> {
        check_held(&settings.capabilities)?;
        Ok(KeptCapabilities(settings.capabilities.clone()))
    }

    fn set(&self) -> u64 {
        self.0.iter().fold(0, |set, capability| set | capability.bit())
    }

    /// Drops all other capabilities from the bounding set, so that no program which the daemon executes can gain them. Called
    /// first, because it needs `CAP_SETPCAP`.
    ///
    /// Returns `false` if this process lacks `CAP_SETPCAP` but sets `no_new_privs`: the bounding set has no effect then.
    pub(super) fn limit_bounding_set(&self, no_new_privs: bool) -> Result<bool> {
        let is_dropped = |number: &u8| self.set() & (1 << number) == 0;
        for number in (0..SET_SIZE).filter(is_dropped) {
            let Err(error) = sys::drop_from_bounding_set(number) else { continue };
            match errno(&error) {
                // The kernel has no more capabilities. `StatusSnapshot::verify` finds any that is left.
                Some(Errno::EINVAL) => break,
                Some(Errno::EPERM) if no_new_privs => return Ok(false),
                Some(Errno::EPERM) => {
                    return Err(failed("drop the bounding set, which needs CAP_SETPCAP or `no_new_privs`", &error));
                }
                _ => return Err(failed("drop the bounding set", &error)),
            }
        }
        Ok(true)
    }

    /// Runs the change of user with `PR_SET_KEEPCAPS` set if the daemon keeps capabilities, and cleared otherwise, whatever the
    /// program has set.
    pub(super) fn keep_through(&self, change: impl FnOnce() -> Result<()>) -> Result<()> {
        let keep = |yes| {
            prctl::set_keepcaps(yes)
                .map_err(|errno| failed("keep capabilities through the change of user", &errno.into()))
        };
        keep(!self.0.is_empty())?;
        change()?;
        keep(false)
    }

    /// Reduces every set to the kept capabilities after the change of user. The ambient set passes them on to programs that the
    /// daemon executes.
    pub(super) fn reduce(&self) -> Result<()> {
        sys::clear_ambient().map_err(|error| failed("clear the ambient capabilities", &error))?;
        sys::set(self.set()).map_err(|error| failed("reduce the capabilities", &error))?;
        for capability in &self.0 {
            sys::raise_ambient(*capability).map_err(|error| failed(&format!("keep {capability}"), &error))?;
        }
        // The kernel does this at the change of user, unless `fs.suid_dumpable` is set (proc(5)). `core_dumps` takes effect after
        // GO.
        prctl::set_dumpable(false).map_err(|errno| failed("clear the dumpable attribute", &errno.into()))
    }
}

/// Sets `no_new_privs` (`prctl(2)`): set-user-ID bits and file capabilities of executed programs have no effect from now on.
pub(super) fn set_no_new_privs() -> Result<()> {
    prctl::set_no_new_privs().map_err(|errno| failed("set `no_new_privs`", &errno.into()))
}

/// Verifies the effects of the calls through `/proc` instead of their return values, which a seccomp filter can forge.
pub(super) struct StatusSnapshot(File);

impl StatusSnapshot {
    /// Opens the file. Before `chroot(2)`, which hides `/proc`.
    pub(super) fn open() -> Result<StatusSnapshot> {
        File::open(STATUS).map(StatusSnapshot).map_err(|error| failed(&format!("open `{STATUS}`"), &error))
    }

    /// Verifies that the calls have had their effects. The kernel generates the content of the file when it is read, not when it is
    /// opened.
    pub(super) fn verify(
        mut self,
        kept: Option<&KeptCapabilities>,
        is_bounded: bool,
        no_new_privs: bool,
    ) -> Result<()> {
        // With less capacity, the file would be read in small pieces.
        let mut status = String::with_capacity(STATUS_SIZE);
        self.0.read_to_string(&mut status).map_err(|error| failed(&format!("read `{STATUS}`"), &error))?;
        if no_new_privs && value(&status, "NoNewPrivs") != Some(1) {
            return Err(not_applied("`no_new_privs` was not set"));
        }
        let Some(kept) = kept else { return Ok(()) };
        let sets = ["CapInh", "CapPrm", "CapEff", "CapAmb"].into_iter();
        for set in sets.chain(is_bounded.then_some("CapBnd")) {
            if value(&status, set) != Some(kept.set()) {
                return Err(not_applied(&format!("the capabilities ({set}) did not change")));
            }
        }
        verify_prctl()
    }
}

/// Verifies the attributes that `/proc/PID/status` does not show.
fn verify_prctl() -> Result<()> {
    if prctl::get_dumpable() != Ok(false) || prctl::get_keepcaps() != Ok(false) {
        return Err(not_applied("`prctl(2)` changed nothing"));
    }
    Ok(())
}

/// Checks that this process has the capabilities that its daemon keeps.
pub(super) fn check_held(wanted: &[Capability]) -> Result<()> {
    if wanted.is_empty() {
        return Ok(());
    }
    let status = fs::read_to_string(STATUS).map_err(|error| Error::system("read its capabilities", cause(&error)))?;
    let held = value(&status, "CapEff").unwrap_or(0);
    match wanted.iter().find(|capability| held & capability.bit() == 0) {
        Some(missing) => {
            Err(Error::configuration(format_args!("`capabilities`: this process has no {missing} to keep")))
        }
        None => Ok(()),
    }
}

/// Returns a value of the status file. Those that this module reads are hexadecimal, or a single digit.
fn value(status: &str, name: &str) -> Option<u64> {
    let value = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    u64::from_str_radix(value.trim(), 16).ok()
}

fn failed(what: &str, error: &io::Error) -> Error {
    Error::stage(Stage::Identity, format_args!("{what}: {}", cause(error)))
}

/// Returns the error of a system call that succeeded but changed nothing.
pub(super) fn not_applied(what: &str) -> Error {
    Error::stage(Stage::Identity, format_args!("{what}, although the system call succeeded"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn value_is_found_by_its_whole_name() {
        let status = "NoNewPrivs:\t1\nCapInhX:\t1\nCapInh:\t0000000000000400\nCapBnd:\tnothing\n";
        assert_eq!(value(status, "NoNewPrivs"), Some(1));
        assert_eq!(value(status, "CapInh"), Some(Capability::NET_BIND_SERVICE.bit()));
        assert_eq!((value(status, "CapBnd"), value(status, "CapAmb")), (None, None));
    }
}
