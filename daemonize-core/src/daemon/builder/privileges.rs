//! Builder methods for the user, the group and the privileges of the daemon.

use crate::capability::Capability;
use crate::daemon::Daemon;
use crate::launch::enable_privileges;
use crate::settings::{Account, List, Setting, set, set_optional};
use std::path::PathBuf;

impl<W> Daemon<W> {
    /// Sets the user to change to, by name or number. Only root can change to another user, and the change is final.
    /// `HOME`, `USER`, `LOGNAME` and `SHELL` become those of that user's passwd entry, or are unset if there is none.
    /// The daemon leaves root's session keyring.
    #[must_use]
    pub fn user<K>(mut self, user: impl Setting<Account, K>) -> Self {
        enable_privileges();
        set_optional(&mut self.settings.user, user.value().map(Account::into_name));
        self
    }

    /// Sets the group, by name or number; the user's primary group unless set.
    #[must_use]
    pub fn group<K>(mut self, group: impl Setting<Account, K>) -> Self {
        enable_privileges();
        set_optional(&mut self.settings.group, group.value().map(Account::into_name));
        self
    }

    /// Sets whether the daemon gets the user's supplementary groups (`initgroups(3)`), true unless set. It loses the launcher's
    /// supplementary groups in any case.
    #[must_use]
    pub fn init_groups(mut self, yes: impl Into<Option<bool>>) -> Self {
        set(&mut self.settings.init_groups, yes);
        self
    }

    /// Sets the root directory (`chroot(2)`). Needs a [`user`](Daemon::user), since root can leave any chroot.
    #[must_use]
    pub fn chroot<K>(mut self, path: impl Setting<PathBuf, K>) -> Self {
        enable_privileges();
        if let Some(path) = path.value() {
            self.settings.chroot = self.path("chroot", &path);
        }
        self
    }

    /// Adds capabilities of root that the daemon keeps when the [`user`](Daemon::user) changes, also for the programs that the
    /// daemon executes; none unless set. `SETUID` and `SETGID` are refused: with them the change could be undone.
    #[must_use]
    pub fn capabilities<K>(mut self, kept: impl Setting<List<Capability>, K>) -> Self {
        enable_privileges();
        self.settings.capabilities.extend(kept.value().into_iter().flat_map(List::into_values));
        self
    }

    /// Sets whether programs that the daemon executes can gain no privileges (`PR_SET_NO_NEW_PRIVS`): `sudo` and other
    /// set-user-ID programs run with the daemon's own. Unless set, true when the [`user`](Daemon::user) changes, else inherited.
    #[must_use]
    pub fn no_new_privs(mut self, yes: impl Into<Option<bool>>) -> Self {
        enable_privileges();
        set_optional(&mut self.settings.no_new_privs, yes);
        self
    }

    /// Sets whether the daemon may dump core, false unless set. After a change of user, true also lets other processes of that
    /// user inspect the daemon (`PR_SET_DUMPABLE`).
    #[must_use]
    pub fn core_dumps(mut self, yes: impl Into<Option<bool>>) -> Self {
        set(&mut self.settings.core_dumps, yes);
        self
    }
}
