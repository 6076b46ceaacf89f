//! Users with home directories, and a `/run`, in a mount namespace: they decide where a daemon's files are.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};

use crate::lab::Lab;
use crate::run::Run;

/// A user whose home is `home` in the lab's directory.
pub const USER_WITH_HOME: u32 = 4711;
/// A user without a passwd entry.
pub const UNKNOWN_USER: u32 = 4712;

/// Bind-mounts files of the lab over those of the machine, for one command.
const ENTER: &str = "mount --bind \"$0/passwd\" /etc/passwd && mount --bind \"$0/run\" /run && exec \"$@\"";

impl Lab {
    /// Creates the users, and the directory `run`, which is mounted on `/run` in [`Lab::as_user`]. Needs root.
    ///
    /// # Panics
    /// If they cannot be created.
    pub fn make_test_users(&self) {
        let directory = self.directory().display();
        let users = format!(
            "root:x:0:0::{directory}/root:/bin/sh\nada:x:{USER_WITH_HOME}:{USER_WITH_HOME}::{directory}/home:/bin/sh\n\
             nobody:x:65534:65534::/nonexistent:/bin/false\n"
        );
        self.write("passwd", users);
        for name in ["root", "home", "run"] {
            fs::create_dir(self.path(name)).expect("a directory");
        }
        chown(self.path("home"), Some(USER_WITH_HOME), Some(USER_WITH_HOME)).expect("root");
    }

    /// Creates a directory of this user, with this mode, and its parents.
    ///
    /// # Panics
    /// If it cannot be created.
    pub fn make_directory(&self, name: &str, user: u32, mode: u32) {
        let path = self.path(name);
        fs::create_dir_all(&path).expect("a directory");
        chown(&path, Some(user), Some(user)).expect("root");
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("a directory of ours");
    }

    /// Prepares a run of the helper program by this user in the mount namespace. `HOME` is another directory there.
    pub fn as_user(&self, user: u32, arguments: &[&str]) -> Run<'_> {
        self.household(user).arg(self.program()).args(arguments)
    }

    /// Prepares a run of a bash script by this user in the mount namespace, with the helper program in `$D`.
    pub fn shell_as_user(&self, user: u32, script: &str) -> Run<'_> {
        self.household(user).args(["bash", "-c", script]).env("D", self.program())
    }

    /// Prepares a run as if systemd had started the program, with `RUNTIME_DIRECTORY` set.
    pub fn as_unit(&self, user: u32, directories: &str, arguments: &[&str]) -> Run<'_> {
        let script = "export SYSTEMD_EXEC_PID=$$; exec \"$@\"";
        let run = self.household(user).args(["sh", "-c", script, "sh"]).arg(self.program()).args(arguments);
        run.env("RUNTIME_DIRECTORY", directories)
    }

    /// Returns a command that enters the mount namespace as this user, without the program to run there.
    fn household(&self, user: u32) -> Run<'_> {
        let id = user.to_string();
        let become_user = ["setpriv", "--reuid", &id, "--regid", &id, "--clear-groups", "--"];
        let become_user = if user == 0 { &[][..] } else { &become_user };
        let directory = self.directory().display().to_string();
        self.command("unshare", &["--mount", "--", "bash", "-c", ENTER, &directory]).args(become_user)
    }
}
