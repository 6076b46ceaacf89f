//! Stage `Identity`: changes root directory, groups and user, and drops privileges (`credentials(7)`), irreversibly.

use super::capabilities::{KeptCapabilities, StatusSnapshot, check_held, not_applied, set_no_new_privs};
use crate::error::{Error, Result, cause};
use crate::launch::single_thread::require_single_thread;
use crate::settings::Settings;
use crate::stage::Stage;
use crate::sys::account::{self, Account, Entry};
use crate::sys::env as environment;
use crate::sys::error::errno;
use crate::sys::fork::Alone;
use crate::sys::keyring;
use nix::errno::Errno;
use nix::unistd::{Gid, Uid, chdir, chroot, getegid, geteuid, getresgid, getresuid, setgroups, setresgid, setresuid};
use std::path::PathBuf;
use std::sync::OnceLock;

/// The privileges to change to, looked up in the launcher: after `chroot(2)` the user database may be missing.
#[derive(Clone, Debug)]
pub(crate) struct Privileges {
    user: Option<Uid>,
    group: Option<Gid>,
    groups: Option<Vec<Gid>>,
    /// The passwd entry of the user, if there is one.
    entry: Option<Entry>,
    root: Option<PathBuf>,
    /// `None` if the user does not change.
    capabilities: Option<KeptCapabilities>,
    no_new_privs: bool,
    /// [`Privileges::apply`]: a pointer, so that a program without these settings is linked without the code.
    apply: fn(&Privileges, Option<Alone>) -> Result<()>,
}

/// [`Privileges::resolve`], once a setting of this stage is used: a program without them is linked without the code.
static RESOLVE: OnceLock<Resolve> = OnceLock::new();

type Resolve = fn(&Settings) -> Result<Option<Privileges>>;

/// Makes [`resolve`] use the settings of this stage.
pub(crate) fn enable_privileges() {
    let _ = RESOLVE.set(Privileges::resolve);
}

/// Looks up the privileges to change to. Returns `None` if nothing changes, as without [`enable_privileges`].
pub(in crate::launch) fn resolve(settings: &Settings) -> Result<Option<Privileges>> {
    match RESOLVE.get() {
        Some(resolve) => resolve(settings),
        None => Ok(None),
    }
}

/// Leaves an ID unchanged in `setresuid(2)` and `setresgid(2)`.
const UNCHANGED: u32 = u32::MAX;

impl Privileges {
    fn resolve(settings: &Settings) -> Result<Option<Privileges>> {
        let user = settings.user.as_deref().map(find_user).transpose()?;
        let group = settings.group.as_deref().map(find_group).transpose()?;
        if settings.chroot.is_some() && user.is_none() {
            return Err(Error::configuration("`chroot` without `user`: root can leave any chroot"));
        }
        if user.is_none() && group.is_none() {
            return Ok(Privileges::unchanged(settings));
        }
        if !geteuid().is_root() {
            refuse_change(settings, user.as_ref(), group)?;
            return Ok(Privileges::unchanged(settings));
        }
        let group = group.or(user.as_ref().and_then(|user| user.group));
        if group.is_none() {
            return Err(Error::configuration("`user` has no passwd entry that would name its group: set `group`"));
        }
        let groups = match (&user, group) {
            (Some(Account { entry: Some(entry), .. }), Some(group)) if settings.init_groups => {
                let wrong = |why| Error::configuration(format_args!("the groups of `user`: {why}"));
                Some(entry.groups(group).map_err(wrong)?)
            }
            (_, group) => group.map(|group| vec![group]),
        };
        let capabilities = if user.is_some() { Some(KeptCapabilities::resolve(settings)?) } else { None };
        let no_new_privs = settings.no_new_privs.unwrap_or(user.is_some());
        let (uid, root) = (user.as_ref().map(|user| user.uid), settings.chroot.clone());
        let entry = user.and_then(|user| user.entry);
        let apply = Privileges::apply;
        Ok(Some(Privileges { user: uid, group, groups, entry, root, capabilities, no_new_privs, apply }))
    }

    /// Returns `no_new_privs` alone, if that is set.
    fn unchanged(settings: &Settings) -> Option<Privileges> {
        if settings.no_new_privs != Some(true) {
            return None;
        }
        let (user, group, groups, entry) = (None, None, None, None);
        let (root, capabilities, apply) = (None, None, Privileges::apply);
        Some(Privileges { user, group, groups, entry, root, capabilities, no_new_privs: true, apply })
    }

    /// Returns the owner of files that are created for the daemon.
    pub(crate) fn owner(&self) -> (Option<Uid>, Option<Gid>) {
        (self.user, self.group)
    }

    /// Returns `true` if the daemon changes its user or its root: it could not start itself again with the same settings.
    pub(crate) fn is_irreversible(&self) -> bool {
        self.user.is_some() || self.root.is_some()
    }

    /// Returns `true` if the daemon changes its user.
    pub(crate) fn changes_user(&self) -> bool {
        self.user.is_some()
    }

    /// Runs the stage. Without `single_thread`, checks that this process has one thread.
    pub(super) fn run(&self, single_thread: Option<Alone>) -> Result<()> {
        (self.apply)(self, single_thread)
    }

    /// Applies the changes, in an order in which each step still has the privileges that it needs.
    fn apply(&self, single_thread: Option<Alone>) -> Result<()> {
        // Capabilities are attributes of a thread: one that a hook has spawned would keep its own.
        let single_thread = match single_thread {
            Some(single_thread) => single_thread,
            None => require_single_thread()?,
        };
        let snapshot = StatusSnapshot::open()?;
        if self.user.is_some() {
            leave_session_keyring()?;
        }
        self.change_root()?;
        let mut is_bounded = false;
        match &self.capabilities {
            Some(capabilities) => {
                is_bounded = capabilities.limit_bounding_set(self.no_new_privs)?;
                capabilities.keep_through(|| self.change_ids())?;
            }
            None => self.change_ids()?,
        }
        // Before the capabilities are dropped: if the change of user alone does not drop them (SECBIT_NO_SETUID_FIXUP, see
        // capabilities(7)), the daemon could regain root, and this call finds that.
        self.verify_irreversible()?;
        if let Some(capabilities) = &self.capabilities {
            capabilities.reduce()?;
        }
        if self.no_new_privs {
            set_no_new_privs()?;
        }
        if self.user.is_some() {
            self.change_environment(single_thread);
        }
        snapshot.verify(self.capabilities.as_ref(), is_bounded, self.no_new_privs)
    }

    fn change_root(&self) -> Result<()> {
        if let Some(root) = &self.root {
            chroot(root).map_err(|errno| failed(&format!("chroot to `{}`", root.display()), errno))?;
            // chroot(2) does not change the working directory, from which the process could leave the new root.
            chdir("/").map_err(|errno| failed("chdir to the new root", errno))?;
        }
        Ok(())
    }

    /// Changes the supplementary groups, the group, and the user last, because the others need root.
    fn change_ids(&self) -> Result<()> {
        if let Some(groups) = &self.groups {
            setgroups(groups).map_err(|errno| failed("setgroups", errno))?;
        }
        if let Some(group) = self.group {
            setresgid(group, group, group).map_err(|errno| failed("setresgid", errno))?;
        }
        if let Some(user) = self.user {
            setresuid(user, user, user).map_err(|errno| failed("setresuid", errno))?;
        }
        Ok(())
    }

    /// Sets `HOME`, `USER`, `LOGNAME` and `SHELL` to the values of the passwd entry; removes those without a value.
    fn change_environment(&self, single_thread: Alone) {
        for (name, value) in account::variables(self.entry.as_ref()) {
            match value {
                Some(value) => environment::set(single_thread, name, value),
                None => environment::forget(single_thread, name),
            }
        }
    }

    /// Verifies that real, effective and saved IDs have changed, and that no call can restore root.
    fn verify_irreversible(&self) -> Result<()> {
        if let Some(user) = self.user {
            if !getresuid().is_ok_and(|ids| (ids.real, ids.effective, ids.saved) == (user, user, user)) {
                return Err(not_applied("the user did not change"));
            }
        }
        if let Some(group) = self.group {
            if !getresgid().is_ok_and(|ids| (ids.real, ids.effective, ids.saved) == (group, group, group)) {
                return Err(not_applied("the group did not change"));
            }
        }
        if let Some(groups) = &self.groups {
            // More groups than configured do not fit into the buffer, which is an error.
            let now = account::supplementary_groups(groups.len());
            let contains_all = |all: &[Gid], some: &[Gid]| some.iter().all(|group| all.contains(group));
            if !now.is_ok_and(|now| contains_all(groups, &now) && contains_all(&now, groups)) {
                return Err(not_applied("the supplementary groups did not change"));
            }
        }
        if self.user.is_some_and(|user| !user.is_root()) && can_regain_root() {
            return Err(Error::stage(Stage::Identity, "root could be regained after the change of user"));
        }
        Ok(())
    }
}

/// Joins a new session keyring: the old one, with root's keys, would stay readable after the change of user
/// (`session-keyring(7)`). Before the change, because the new keyring then counts against root's quota (`keyrings(7)`).
fn leave_session_keyring() -> Result<()> {
    match keyring::join_new_session() {
        Ok(true) => Ok(()),
        Ok(false) => Err(not_applied("the session keyring did not change")),
        // A kernel without keyrings, or a container whose seccomp filter forbids the system calls.
        Err(error) if matches!(errno(&error), Some(Errno::ENOSYS | Errno::EPERM | Errno::EACCES)) => Ok(()),
        Err(error) => Err(Error::stage(Stage::Identity, format_args!("join a new session keyring: {}", cause(&error)))),
    }
}

fn failed(what: &str, errno: nix::Error) -> Error {
    Error::stage(Stage::Identity, format_args!("{what}: {}", cause(&errno.into())))
}

/// Returns `true` if root can be restored as the effective, real or saved user, as the group, or as a supplementary group.
fn can_regain_root() -> bool {
    let (same, root) = (Uid::from_raw(UNCHANGED), Uid::from_raw(0));
    let (same_group, root_group) = (Gid::from_raw(UNCHANGED), Gid::from_raw(0));
    setresuid(same, root, same).is_ok()
        || setresuid(root, same, same).is_ok()
        || setresuid(same, same, root).is_ok()
        || (getegid() != root_group && setresgid(same_group, root_group, same_group).is_ok())
        || setgroups(&[root_group]).is_ok()
}

fn find_user(text: &str) -> Result<Account> {
    let wrong = |why: &str| Error::configuration(format_args!("`user` `{text}`: {why}"));
    let found = Account::find(text).map_err(|why| wrong(&why))?;
    if found.uid.is_root() && geteuid().is_root() {
        return Err(wrong("that is root already; leave `user` out to stay root"));
    }
    Ok(found)
}

fn find_group(text: &str) -> Result<Gid> {
    account::find_group(text).map_err(|why| Error::configuration(format_args!("`group` `{text}`: {why}")))
}

/// Fails if the settings need root, in a process of another user.
fn refuse_change(settings: &Settings, user: Option<&Account>, group: Option<Gid>) -> Result<()> {
    let refuse = |key: &str, value: &Option<String>| {
        let value = value.as_deref().unwrap_or_default();
        Err(Error::configuration(format_args!("`{key}` `{value}`: only root can change it")))
    };
    if user.is_some_and(|user| user.uid != geteuid()) {
        return refuse("user", &settings.user);
    }
    if group.is_some_and(|group| group != getegid()) {
        return refuse("group", &settings.group);
    }
    if settings.chroot.is_some() {
        return Err(Error::configuration("`chroot`: only root can change its root"));
    }
    check_held(&settings.capabilities)
}
