//! What is left of root's power after a change of user: nothing, or what was asked to be kept.

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

/// Where the kernel says what a thread may do.
const STATUS: &str = "/proc/thread-self/status";

/// More than this file is in most processes, in bytes: a long one names many groups or processors.
const STATUS_SIZE: usize = 4096;

/// More capabilities than any kernel can have: a set has 64 bits.
const NUMBERS: u8 = 64;

/// What a daemon is left with that becomes another user.
#[derive(Clone, Debug)]
pub(super) struct Rights {
    kept: Vec<Capability>,
}

impl Rights {
    /// What is to be kept has to be there.
    pub(super) fn resolve(settings: &Settings) -> Result<Rights> {
        check_held(&settings.capabilities)?;
        Ok(Rights { kept: settings.capabilities.clone() })
    }

    fn set(&self) -> u64 {
        self.kept.iter().fold(0, |set, capability| set | capability.bit())
    }

    /// First, while there is the right to: no program that is executed can ever bring back more than what is kept.
    ///
    /// False where the right to bound is missing, but programs will give no new privileges, so that it bounds nothing.
    pub(super) fn bound(&self, no_new_privileges: bool) -> Result<bool> {
        let dropped = |number: &u8| self.set() & (1 << number) == 0;
        for number in (0..NUMBERS).filter(dropped) {
            match sys::drop_from_bounding_set(number) {
                // The kernel has no more of them, or what is missing here comes out in `Witness::confirm`.
                Err(error) if errno(&error) == Some(Errno::EINVAL) => break,
                Err(error) if errno(&error) == Some(Errno::EPERM) && no_new_privileges => return Ok(false),
                Err(error) if errno(&error) == Some(Errno::EPERM) => {
                    return Err(failed("drop the bounding set, which needs CAP_SETPCAP or `no_new_privs`", &error));
                }
                outcome => outcome.map_err(|error| failed("drop the bounding set", &error))?,
            }
        }
        Ok(true)
    }

    /// Runs the change of user so that what is kept outlives it, and nothing does otherwise, whatever the program has set.
    pub(super) fn outlive(&self, change: impl FnOnce() -> Result<()>) -> Result<()> {
        let outlive = |yes| {
            prctl::set_keepcaps(yes)
                .map_err(|errno| failed("let capabilities outlive the change of user", &errno.into()))
        };
        outlive(!self.kept.is_empty())?;
        change()?;
        outlive(false)
    }

    /// After the change of user: every set is what is kept, also for programs that the daemon executes.
    pub(super) fn reduce(&self) -> Result<()> {
        sys::clear_ambient().map_err(|error| failed("clear the ambient capabilities", &error))?;
        sys::set(self.set()).map_err(|error| failed("reduce the capabilities", &error))?;
        for capability in &self.kept {
            sys::raise_ambient(*capability).map_err(|error| failed(&format!("keep {capability}"), &error))?;
        }
        // The kernel has made it so, unless `fs.suid_dumpable` says otherwise. `core_dumps` takes effect after the launch.
        prctl::set_dumpable(false).map_err(|errno| failed("change who may look inside", &errno.into()))
    }
}

/// Verifies what `/proc/PID/status` does not show.
fn verify_prctl() -> Result<()> {
    if prctl::get_dumpable() != Ok(false) || prctl::get_keepcaps() != Ok(false) {
        return Err(lied("`prctl(2)` changed nothing"));
    }
    Ok(())
}

/// No program that is executed from now on gives more rights than there are: no set-user-id, no file capabilities.
pub(super) fn forgo_new_privileges() -> Result<()> {
    prctl::set_no_new_privs().map_err(|errno| failed("forgo new privileges", &errno.into()))
}

/// Tells what the calls before it have really done, and is asked in another way than they are: who lies in the one has
/// not lied in the other. Called before a change of root, which hides `/proc`.
pub(super) struct Witness(File);

impl Witness {
    pub(super) fn call() -> Result<Witness> {
        File::open(STATUS).map(Witness).map_err(|error| failed(&format!("open `{STATUS}`"), &error))
    }

    /// The kernel writes the file when it is read, not when it is opened.
    pub(super) fn confirm(mut self, rights: Option<&Rights>, bounded: bool, no_new_privileges: bool) -> Result<()> {
        // Otherwise it is read in small pieces.
        let mut status = String::with_capacity(STATUS_SIZE);
        self.0.read_to_string(&mut status).map_err(|error| failed(&format!("read `{STATUS}`"), &error))?;
        if no_new_privileges && line(&status, "NoNewPrivs") != Some(1) {
            return Err(lied("new privileges were not forgone"));
        }
        let Some(rights) = rights else { return Ok(()) };
        let sets = ["CapInh", "CapPrm", "CapEff", "CapAmb"].into_iter();
        for set in sets.chain(bounded.then_some("CapBnd")) {
            if line(&status, set) != Some(rights.set()) {
                return Err(lied(&format!("the capabilities ({set}) did not change")));
            }
        }
        verify_prctl()
    }
}

/// Whether this process has the capabilities that its daemon is to keep.
pub(super) fn check_held(wanted: &[Capability]) -> Result<()> {
    if wanted.is_empty() {
        return Ok(());
    }
    let status = fs::read_to_string(STATUS).map_err(|error| Error::system("read its capabilities", cause(&error)))?;
    let held = line(&status, "CapEff").unwrap_or(0);
    match wanted.iter().find(|capability| held & capability.bit() == 0) {
        Some(missing) => {
            Err(Error::configuration(format_args!("`capabilities`: this process has no {missing} to keep")))
        }
        None => Ok(()),
    }
}

/// A number of the status file; all that are asked for are hexadecimal, or a single digit.
fn line(status: &str, name: &str) -> Option<u64> {
    let value = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    u64::from_str_radix(value.trim(), 16).ok()
}

fn failed(what: &str, error: &io::Error) -> Error {
    Error::stage(Stage::Identity, format_args!("{what}: {}", cause(error)))
}

/// A call that changed nothing.
pub(super) fn lied(what: &str) -> Error {
    Error::stage(Stage::Identity, format_args!("{what}, although the kernel said so"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_found_by_its_whole_name() {
        let status = "NoNewPrivs:\t1\nCapInhX:\t1\nCapInh:\t0000000000000400\nCapBnd:\tnothing\n";
        assert_eq!(line(status, "NoNewPrivs"), Some(1));
        assert_eq!(line(status, "CapInh"), Some(Capability::NET_BIND_SERVICE.bit()));
        assert_eq!((line(status, "CapBnd"), line(status, "CapAmb")), (None, None));
    }
}
