//! Files and mounts that hang the processes which open them, until they are released.

use std::path::Path;
use std::time::Duration;

use crate::common::EVENT_TIMEOUT;
use look::{Lab, Run, Running};
use nix::sys::signal::Signal;

/// Takes a lease of a file, so that each open(2) of it waits until the holder has exited, at most 45 seconds.
const LEASE: &str = "
import fcntl, os, signal, sys, time
signal.signal(signal.SIGIO, signal.SIG_IGN)
fcntl.fcntl(os.open(sys.argv[1], os.O_RDONLY), fcntl.F_SETLEASE, fcntl.F_WRLCK)
open('held', 'w').write('held\\n')
time.sleep(1000)
";

/// A FUSE file system that does not answer: each system call waits until the holder has exited, and then fails.
const MOUNT: &str = include_str!("mount.py");

/// A file or mount that hangs until it is released.
pub(crate) struct HungFile<'lab>(Running<'lab>);

impl<'lab> HungFile<'lab> {
    fn new(lab: &'lab Lab, run: Run<'lab>) -> HungFile<'lab> {
        let _ = std::fs::remove_file(lab.path("held"));
        let held = HungFile(run.within(Duration::from_secs(120)).spawn());
        lab.wait_for("held", EVENT_TIMEOUT, |text| text.ends_with('\n'));
        held
    }

    /// Makes a file of the lab hang in open(2).
    pub(crate) fn file(lab: &'lab Lab, name: &str) -> HungFile<'lab> {
        HungFile::new(lab, lab.command("python3", &["-c", LEASE, name]))
    }

    /// Mounts a directory of the lab that hangs any process that enters it. A waiting process can be killed.
    pub(crate) fn mount(lab: &'lab Lab, name: &str) -> HungFile<'lab> {
        HungFile::mounted(lab, name, "dead")
    }

    /// Mounts a directory that hangs processes uninterruptibly. Its requests are in the file `asked`.
    pub(crate) fn mute(lab: &'lab Lab, name: &str) -> HungFile<'lab> {
        HungFile::mounted(lab, name, "mute")
    }

    /// Mounts a directory whose files can be written; while there is a file `stuck`, only the process that it names can
    /// close them. Its requests are in the file `asked`.
    pub(crate) fn stuck(lab: &'lab Lab, name: &str) -> HungFile<'lab> {
        HungFile::mounted(lab, name, "stuck")
    }

    fn mounted(lab: &'lab Lab, name: &str, behaviour: &str) -> HungFile<'lab> {
        assert!(Path::new("/dev/fuse").exists(), "this test needs /dev/fuse, which the kernel's module `fuse` makes");
        std::fs::create_dir(lab.path(name)).unwrap();
        HungFile::new(lab, lab.command("unshare", &["--mount", "python3", "-c", MOUNT, name, behaviour]))
    }

    /// Returns a shell script that runs in the mount namespace of the file system.
    pub(crate) fn shell(&self, lab: &'lab Lab, script: &str) -> Run<'lab> {
        let holder = self.0.process().id().to_string();
        let script = format!("cd {} && {script}", lab.directory().display());
        lab.command("nsenter", &["--mount", "--target", &holder, "bash", "-c", &script]).env("D", lab.program())
    }

    /// Ends the holder, so that no process waits for the file any more.
    pub(crate) fn release(self) {
        self.0.signal(Signal::SIGKILL);
        self.0.finish();
    }
}
