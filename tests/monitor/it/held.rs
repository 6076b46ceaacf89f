//! Files and directories that do not answer.

use std::path::Path;
use std::time::Duration;

use crate::common::SOON;
use look::{Lab, Run, Running};
use nix::sys::signal::Signal;

/// Holds a file so that whoever opens it waits: until the holder is gone, or for 45 seconds.
const LEASE: &str = "
import fcntl, os, signal, sys, time
signal.signal(signal.SIGIO, signal.SIG_IGN)
fcntl.fcntl(os.open(sys.argv[1], os.O_RDONLY), fcntl.F_SETLEASE, fcntl.F_WRLCK)
open('held', 'w').write('held\\n')
time.sleep(1000)
";

/// A file system that does not answer: whoever wants something of it waits until the holder is gone, and is then told so.
const MOUNT: &str = include_str!("mount.py");

/// What is held until it is let go.
pub(crate) struct Held<'lab>(Running<'lab>);

impl<'lab> Held<'lab> {
    fn new(lab: &'lab Lab, run: Run<'lab>) -> Held<'lab> {
        let _ = std::fs::remove_file(lab.path("held"));
        let held = Held(run.within(Duration::from_secs(120)).spawn());
        lab.wait_for("held", SOON, |text| text.ends_with('\n'));
        held
    }

    /// A file of the lab that nobody can open.
    pub(crate) fn file(lab: &'lab Lab, name: &str) -> Held<'lab> {
        Held::new(lab, lab.command("python3", &["-c", LEASE, name]))
    }

    /// A directory of the lab that nobody can enter, for those who are told of it. Who waits for it can be killed.
    pub(crate) fn mount(lab: &'lab Lab, name: &str) -> Held<'lab> {
        Held::mounted(lab, name, "dead")
    }

    /// The same, but nobody can be killed who waits for it. What was asked of it is in the file `asked`.
    pub(crate) fn mute(lab: &'lab Lab, name: &str) -> Held<'lab> {
        Held::mounted(lab, name, "mute")
    }

    /// A directory of the lab with files that can be written, and that only the process can close which the file `stuck` names, while it is there.
    /// What was asked of it is in the file `asked`.
    pub(crate) fn stuck(lab: &'lab Lab, name: &str) -> Held<'lab> {
        Held::mounted(lab, name, "stuck")
    }

    fn mounted(lab: &'lab Lab, name: &str, behaviour: &str) -> Held<'lab> {
        assert!(Path::new("/dev/fuse").exists(), "this test needs /dev/fuse, which the kernel's module `fuse` makes");
        std::fs::create_dir(lab.path(name)).unwrap();
        Held::new(lab, lab.command("unshare", &["--mount", "python3", "-c", MOUNT, name, behaviour]))
    }

    /// Runs a script of the shell where the mount is seen.
    pub(crate) fn shell(&self, lab: &'lab Lab, script: &str) -> Run<'lab> {
        let holder = self.0.process().id().to_string();
        let script = format!("cd {} && {script}", lab.directory().display());
        lab.command("nsenter", &["--mount", "--target", &holder, "bash", "-c", &script]).env("D", lab.program())
    }

    /// From now on nobody waits for it.
    pub(crate) fn let_go(self) {
        self.0.signal(Signal::SIGKILL);
        self.0.finish();
    }
}
