//! A machine with logins: D-Bus, logind, and a user with a service manager of her own.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::{BOOT_TIMEOUT, Machine};
use crate::Lab;
use crate::run::{Outcome, Run};
use crate::wait::{self, Deadline};

/// The user of a machine with logins: her name is `ada`, and her service manager is started at the boot.
const LOGIN_USER: u32 = 4711;

impl Machine {
    /// Boots a machine to `multi-user.target`: beside what [`Machine::boot`] boots, D-Bus and logind run, ordinary units can be
    /// enabled, and the user `ada` (uid 4711, with linger) has a service manager.
    ///
    /// # Panics
    /// If it does not boot; the message shows its output.
    pub fn boot_multi_user(lab: Lab) -> Self {
        Self::boot_to(lab, "multi-user.target")
    }

    /// Reboots the machine, which keeps the files that were written to it, except those in `/run` and `/tmp`.
    ///
    /// # Panics
    /// If it does not come up again.
    pub fn reboot(&mut self) {
        fs::remove_file(self.lab.path("booted")).expect("it was booted");
        let before = self.init;
        // The machine may be gone before the answer arrives.
        self.systemctl(&["reboot"]);
        wait::death(before.id(), Deadline::after(BOOT_TIMEOUT)).expect("a shutdown");
        self.wait_until_booted();
    }

    /// Copies a program of the host to a path of the machine, below directories that are root's alone.
    ///
    /// # Panics
    /// If it cannot be copied.
    pub fn install(&self, program: &Path, inside: &str) {
        let path = self.path(inside);
        fs::copy(program, &path).unwrap_or_else(|error| panic!("failed to copy to `{inside}`: {error}"));
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("a file of ours");
    }

    /// Prepares a run of a program inside the machine by the user `ada`, with the environment of a login.
    pub fn login(&self, program: &str, arguments: &[&str]) -> Run<'_> {
        let uid = LOGIN_USER.to_string();
        let user = ["--reuid", &uid, "--regid", &uid, "--clear-groups", "--"];
        self.command("setpriv", &user)
            .args([
                "env",
                "--chdir=/home/ada",
                &format!("XDG_RUNTIME_DIR=/run/user/{uid}"),
                "HOME=/home/ada",
                "USER=ada",
            ])
            .arg(program)
            .args(arguments)
    }

    /// Runs `systemctl --user …` of the user `ada` until it exits.
    pub fn user_systemctl(&self, arguments: &[&str]) -> Outcome {
        self.login("systemctl", &["--user"]).args(arguments).run()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn enabled_units_run_after_a_reboot() {
        let mut machine = Machine::boot_multi_user(Lab::new("/bin/true"));
        let unit = "[Service]\nExecStart=sleep infinity\n[Install]\nWantedBy=multi-user.target default.target\n";
        machine.unit("sleeps.service", unit);
        machine.systemctl(&["enable", "sleeps"]).ok();
        machine
            .login("sh", &["-c"])
            .arg(format!("mkdir -p .config/systemd/user && printf '{unit}' >.config/systemd/user/sleeps.service"))
            .run()
            .ok();
        machine.user_systemctl(&["daemon-reload"]).ok();
        machine.user_systemctl(&["enable", "sleeps"]).ok();
        machine.reboot();
        assert_eq!(machine.property("sleeps", "ActiveState"), "active");
        machine.user_systemctl(&["is-active", "sleeps"]).ok().prints(&["active"]);
        let main = machine.user_systemctl(&["show", "--property", "MainPID", "--value", "sleeps"]).ok();
        let main = machine.process(main.stdout.trim().parse().expect("a pid")).expect("a process");
        assert_eq!(main.ids().expect("it is alive").users[1], LOGIN_USER);
    }
}
