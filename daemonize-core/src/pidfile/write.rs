//! Writes a process and its addresses into a locked pidfile (rule P6).

use super::PidFile;
use super::format::Record;
use super::path_errors::untrusted;
use crate::error::{Error, ErrorKind, Result, cause};
use crate::pid::Pid;
use crate::process::Identity;

impl PidFile {
    pub(super) fn seal_for(mut self, pid: Pid, addresses: &[String]) -> Result<PidFile> {
        let identity = Identity::of(pid)
            .map_err(|error| Error::failed(ErrorKind::PidFile, "identify process", pid, cause(&error)))?;
        self.write(&identity, addresses)?;
        self.renew_last_words();
        self.owner = Some(pid);
        Ok(self)
    }

    /// Writes the identity of a running process, and its addresses, with one `rename(2)` (P6). The lock is held.
    pub(crate) fn write(&mut self, identity: &Identity, addresses: &[String]) -> Result<()> {
        let failed = |why: &dyn std::fmt::Display| {
            Error::failed(ErrorKind::PidFile, "write pidfile", self.trusted.path().display(), why)
        };
        if self.sealed.is_some() {
            return Err(untrusted(self.path(), "it is sealed already"));
        }
        Record::check_addresses(addresses).map_err(|why| failed(&why))?;
        let mut text = Record::print(identity);
        for address in addresses {
            text.push_str(address);
            text.push('\n');
        }
        self.trusted.replace(text.as_bytes(), self.mode).map_err(|error| failed(&cause(&error)))?;
        self.sealed = Some(identity.clone());
        Ok(())
    }

    /// Makes this daemon the owner of the files; the launcher has written them.
    pub(crate) fn adopt(&mut self, identity: Identity) {
        self.owner = Some(identity.pid);
        self.sealed = Some(identity);
    }
}
