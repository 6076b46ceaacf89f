//! Becoming somebody with fewer rights, for good.

use super::capabilities::{Rights, Witness, check_held, forgo_new_privileges, lied};
use super::prove_alone;
use crate::error::{Error, Result, cause};
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

/// Whom to become, looked up before anything else happens: after a chroot nobody can be looked up.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    user: Option<Uid>,
    group: Option<Gid>,
    groups: Option<Vec<Gid>>,
    /// The passwd entry of the user, if there is one.
    entry: Option<Entry>,
    root: Option<PathBuf>,
    /// What is left to the user, if there is one.
    rights: Option<Rights>,
    no_new_privs: bool,
    /// [`Target::take_on`], which is linked only with [`Target::resolve`].
    take_on: fn(&Target, Option<Alone>) -> Result<()>,
}

/// Looks up the target. Set by the settings of an identity, so that a program without them is linked without the code for it.
static RESOLVE: OnceLock<Resolve> = OnceLock::new();

type Resolve = fn(&Settings) -> Result<Option<Target>>;

/// Makes [`resolve`] look at the settings of an identity.
pub(crate) fn enable_identity() {
    let _ = RESOLVE.set(Target::resolve);
}

/// Returns what is to change; `None` if nothing is, as without [`enable_identity`].
pub(super) fn resolve(settings: &Settings) -> Result<Option<Target>> {
    RESOLVE.get().map_or(Ok(None), |resolve| resolve(settings))
}

/// Leaves an id as it is, in the `setres*id` calls.
const UNCHANGED: u32 = u32::MAX;

impl Target {
    fn resolve(settings: &Settings) -> Result<Option<Target>> {
        let user = settings.user.as_deref().map(find_user).transpose()?;
        let group = settings.group.as_deref().map(find_group).transpose()?;
        if settings.chroot.is_some() && user.is_none() {
            return Err(Error::configuration("`chroot` without `user`: root can leave any chroot"));
        }
        if user.is_none() && group.is_none() {
            return Ok(Target::staying(settings));
        }
        if !geteuid().is_root() {
            return unchanged(settings, user.as_ref(), group).map(|()| Target::staying(settings));
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
        let rights = user.is_some().then(|| Rights::resolve(settings)).transpose()?;
        let no_new_privs = settings.no_new_privs.unwrap_or(user.is_some());
        let (uid, root) = (user.as_ref().map(|user| user.uid), settings.chroot.clone());
        let entry = user.and_then(|user| user.entry);
        Ok(Some(Target { user: uid, group, groups, entry, root, rights, no_new_privs, take_on: Target::take_on }))
    }

    /// Who stays who they are can still forgo new privileges.
    fn staying(settings: &Settings) -> Option<Target> {
        let (user, group, groups, entry) = (None, None, None, None);
        let (root, rights, take_on) = (None, None, Target::take_on);
        let stays = Target { user, group, groups, entry, root, rights, no_new_privs: true, take_on };
        settings.no_new_privs.filter(|yes| *yes).map(|_| stays)
    }

    /// The owner of files that are made for the daemon.
    pub(crate) fn owner(&self) -> (Option<Uid>, Option<Gid>) {
        (self.user, self.group)
    }

    /// Whether the daemon could not be started again as it was: another user, another root.
    pub(crate) fn is_one_way(&self) -> bool {
        self.user.is_some() || self.root.is_some()
    }

    /// Returns `true` if the daemon becomes another user.
    pub(crate) fn changes_user(&self) -> bool {
        self.user.is_some()
    }

    /// Becomes it; without the proof that this process has one thread, that is looked at.
    pub(super) fn assume(&self, alone: Option<Alone>) -> Result<()> {
        (self.take_on)(self, alone)
    }

    /// Each step needs the rights that the next one gives up.
    fn take_on(&self, alone: Option<Alone>) -> Result<()> {
        // Capabilities are each thread's own: one that a hook has made would keep its.
        let alone = alone.map_or_else(prove_alone, Ok)?;
        let witness = Witness::call()?;
        let rights = self.rights.as_ref();
        if self.user.is_some() {
            leave_session_keyring()?;
        }
        self.change_root()?;
        let bounded = rights.map_or(Ok(false), |rights| rights.bound(self.no_new_privs))?;
        rights.map_or_else(|| self.change_ids(), |rights| rights.outlive(|| self.change_ids()))?;
        // Before the capabilities go: where they outlive the change of user by themselves, that is the way back.
        self.prove()?;
        rights.map_or(Ok(()), Rights::reduce)?;
        if self.no_new_privs {
            forgo_new_privileges()?;
        }
        if self.user.is_some() {
            self.change_environment(alone);
        }
        witness.confirm(rights, bounded, self.no_new_privs)
    }

    fn change_root(&self) -> Result<()> {
        if let Some(root) = &self.root {
            chroot(root).map_err(|errno| failed(&format!("chroot to `{}`", root.display()), errno))?;
            chdir("/").map_err(|errno| failed("chdir to the new root", errno))?;
        }
        Ok(())
    }

    /// Groups, group, user.
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

    /// Sets the variables that name the user and its home, and removes those of root for which passwd has no value.
    fn change_environment(&self, alone: Alone) {
        for (name, value) in account::variables(self.entry.as_ref()) {
            match value {
                Some(value) => environment::set(alone, name, value),
                None => environment::forget(alone, name),
            }
        }
    }

    /// Looks at what was really done, and tries to undo it.
    fn prove(&self) -> Result<()> {
        if let Some(user) = self.user {
            if !getresuid().is_ok_and(|ids| (ids.real, ids.effective, ids.saved) == (user, user, user)) {
                return Err(lied("the user did not change"));
            }
        }
        if let Some(group) = self.group {
            if !getresgid().is_ok_and(|ids| (ids.real, ids.effective, ids.saved) == (group, group, group)) {
                return Err(lied("the group did not change"));
            }
        }
        if let Some(groups) = &self.groups {
            // More groups than asked for do not fit, and are an error.
            let now = account::supplementary_groups(groups.len());
            let within = |some: &[Gid], all: &[Gid]| some.iter().all(|group| all.contains(group));
            if !now.is_ok_and(|now| within(&now, groups) && within(groups, &now)) {
                return Err(lied("the supplementary groups did not change"));
            }
        }
        if self.user.is_some_and(|user| !user.is_root()) && can_go_back() {
            return Err(Error::stage(Stage::Identity, "root could be had back after the change of user"));
        }
        Ok(())
    }
}

/// Joins a new session keyring: the old one stays readable after a change of user, with all keys that root has in it
/// (session-keyring(7)). Before the change, since root's quota of keys has room for it.
fn leave_session_keyring() -> Result<()> {
    match keyring::join_new_session() {
        Ok(true) => Ok(()),
        Ok(false) => Err(lied("the session keyring did not change")),
        // A kernel without keys, or a container whose filter of system calls forbids them all.
        Err(error) if matches!(errno(&error), Some(Errno::ENOSYS | Errno::EPERM | Errno::EACCES)) => Ok(()),
        Err(error) => Err(Error::stage(Stage::Identity, format_args!("join a new session keyring: {}", cause(&error)))),
    }
}

fn failed(what: &str, errno: nix::Error) -> Error {
    Error::stage(Stage::Identity, format_args!("{what}: {}", cause(&errno.into())))
}

/// Every way back has to be closed: the effective, real and saved user, the group, the groups.
fn can_go_back() -> bool {
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

/// Who is not root can only stay who they are.
fn unchanged(settings: &Settings, user: Option<&Account>, group: Option<Gid>) -> Result<()> {
    let refuse = |key: &str, value: &Option<String>| {
        let value = value.as_deref().unwrap_or_default();
        Err(Error::configuration(format_args!("`{key}` `{value}`: only root can become somebody else")))
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
