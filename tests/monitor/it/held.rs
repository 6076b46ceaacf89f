//! Files and directories that do not answer.

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

/// A file system that nobody serves: whoever enters it waits until the holder is gone, and is then told that it is.
const DEAD: &str = "
import ctypes, os, sys, time
fuse, libc = os.open('/dev/fuse', os.O_RDWR), ctypes.CDLL(None)
options = f'fd={fuse},rootmode=40000,user_id=0,group_id=0,allow_other'.encode()
assert libc.mount(b'dead', sys.argv[1].encode(), b'fuse', 0, options) == 0
open('held', 'w').write('held\\n')
time.sleep(1000)
";

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

    /// A directory of the lab that nobody can enter, for those who are told of it.
    pub(crate) fn mount(lab: &'lab Lab, name: &str) -> Held<'lab> {
        std::fs::create_dir(lab.path(name)).unwrap();
        Held::new(lab, lab.command("unshare", &["--mount", "python3", "-c", DEAD, name]))
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
