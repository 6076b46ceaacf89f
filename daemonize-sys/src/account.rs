//! Users and groups by name or by number (`getpwnam(3)`, `getgrnam(3)`).

use crate::error::cause;
use crate::syscall::syscall_result;
use nix::errno::Errno;
use nix::unistd::{Gid, Group, Uid, User};
use std::ffi::{CString, OsStr};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// The number of groups in the first call of `getgrouplist(3)`, which is repeated for a user with more.
const INITIAL_GROUPS: usize = 64;

/// The maximum number of supplementary groups of a process (`NGROUPS_MAX`, since Linux 2.6.4).
const NGROUPS_MAX: usize = 65536;

/// A user, with its passwd entry if there is one.
#[derive(Clone, Debug)]
pub struct Account {
    /// The user id.
    pub uid: Uid,
    /// The group in the passwd entry.
    pub group: Option<Gid>,
    /// The passwd entry, if there is one.
    pub entry: Option<Entry>,
}

/// The passwd entry of a user, without the numeric ids.
#[derive(Clone, Debug)]
pub struct Entry {
    name: CString,
    home: PathBuf,
    shell: PathBuf,
}

impl Account {
    /// Looks up a user by name or number (`getpwnam(3)`, `getpwuid(3)`). A number needs no passwd entry.
    ///
    /// # Errors
    /// Returns the cause if the user database cannot be read or has no such user.
    pub fn find(text: &str) -> Result<Account, String> {
        let number = number(text);
        let found = match number {
            Some(uid) => User::from_uid(Uid::from_raw(uid)),
            None => User::from_name(text),
        };
        match (entry(found)?, number) {
            (Some(user), _) => {
                let (home, shell) = (user.dir, user.shell);
                let entry = CString::new(user.name).ok().map(|name| Entry { name, home, shell });
                Ok(Account { uid: user.uid, group: Some(user.gid), entry })
            }
            (None, Some(uid)) => Ok(Account { uid: Uid::from_raw(uid), group: None, entry: None }),
            (None, None) => Err("there is no such user".to_owned()),
        }
    }
}

impl Entry {
    /// Returns the groups of the user, including `group` (`getgrouplist(3)`).
    ///
    /// nix is not used, since it first reads `NGROUPS_MAX`, and repeats the look-up for a user with more than 8 groups.
    ///
    /// # Errors
    /// Returns the cause if the group database cannot be read, or if the user has more groups than a process can have.
    pub fn groups(&self, group: Gid) -> Result<Vec<Gid>, String> {
        let mut groups = vec![0; INITIAL_GROUPS];
        loop {
            let mut count = libc::c_int::try_from(groups.len()).map_err(|error| error.to_string())?;
            // SAFETY: the name ends with a zero; at most `count` groups are written to a list that has room for them.
            let answer =
                unsafe { libc::getgrouplist(self.name.as_ptr(), group.as_raw(), groups.as_mut_ptr(), &raw mut count) };
            let count = usize::try_from(count).unwrap_or_default();
            if answer >= 0 {
                groups.truncate(count);
                return Ok(groups.into_iter().map(Gid::from_raw).collect());
            }
            if groups.len() == NGROUPS_MAX {
                return Err("they cannot be looked up, or are too many".to_owned());
            }
            groups.resize(count.max(groups.len() * 2).min(NGROUPS_MAX), 0);
        }
    }

    /// Returns the user's name.
    pub fn name(&self) -> &OsStr {
        OsStr::from_bytes(self.name.as_bytes())
    }
}

/// Returns the supplementary groups of this process (`getgroups(2)`).
///
/// # Errors
/// Returns `EINVAL` if there are more than `max`.
pub fn supplementary_groups(max: usize) -> io::Result<Vec<Gid>> {
    // At least 1: for a length of 0, the kernel only counts the groups.
    let mut groups = vec![0; max.max(1)];
    let room = libc::c_int::try_from(groups.len()).map_err(io::Error::other)?;
    // SAFETY: at most `room` groups are written to a list of that length.
    let count = syscall_result(unsafe { libc::getgroups(room, groups.as_mut_ptr()) }.into())?;
    groups.truncate(usize::try_from(count).map_err(io::Error::other)?);
    Ok(groups.into_iter().map(Gid::from_raw).collect())
}

/// Returns the environment variables of a user as `login(1)` sets them; `None` for a variable that the passwd entry has no value
/// for.
pub fn variables(entry: Option<&Entry>) -> [(&'static str, Option<&OsStr>); 4] {
    let name = entry.map(Entry::name);
    let home = entry.map(|entry| entry.home.as_os_str()).filter(|home| !home.is_empty());
    let shell = entry.map(|entry| entry.shell.as_os_str()).filter(|shell| !shell.is_empty());
    [("HOME", home), ("USER", name), ("LOGNAME", name), ("SHELL", shell)]
}

/// Returns the id of a user by name or number (`getpwnam(3)`). A number is not looked up.
///
/// # Errors
/// Returns the cause if the user database cannot be read or has no such user.
pub fn find_uid(text: &str) -> Result<Uid, String> {
    if let Some(uid) = number(text) {
        return Ok(Uid::from_raw(uid));
    }
    entry(User::from_name(text))?.map(|user| user.uid).ok_or_else(|| "there is no such user".to_owned())
}

/// Returns the id of a group by name or number (`getgrnam(3)`). A number is not looked up.
///
/// # Errors
/// Returns the cause if the group database cannot be read or has no such group.
pub fn find_group(text: &str) -> Result<Gid, String> {
    if let Some(gid) = number(text) {
        return Ok(Gid::from_raw(gid));
    }
    entry(Group::from_name(text))?.map(|group| group.gid).ok_or_else(|| "there is no such group".to_owned())
}

/// Returns the entry, or `None` if the database has no such entry.
fn entry<T>(found: nix::Result<Option<T>>) -> Result<Option<T>, String> {
    match found {
        // glibc's errors where there is no database, as in a container image with a single program.
        Err(Errno::ENOENT | Errno::ESRCH) => Ok(None),
        found => found.map_err(|errno| cause(&errno.into())),
    }
}

/// Parses a plain decimal id: no sign, no leading zero, and not the -1 that `setresuid(2)` takes for "unchanged".
fn number(text: &str) -> Option<u32> {
    let plain = text == "0" || (text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0'));
    plain.then(|| text.parse().ok()).flatten().filter(|id| *id != u32::MAX)
}

/// Returns the name and id of a user, for messages (`getpwuid(3)`).
pub fn describe(uid: Uid) -> String {
    match User::from_uid(uid) {
        Ok(Some(user)) => format!("user `{}` (uid {uid})", user.name),
        _ => format!("uid {uid}"),
    }
}

/// Returns the home directory in the passwd entry of the effective user (`getpwuid(3)`); `None` without an entry, or if the path
/// is not absolute.
///
/// `HOME` is not used: callers can set it, and it differs between a session, `sudo` and a cron job.
pub fn home() -> Option<PathBuf> {
    User::from_uid(nix::unistd::geteuid()).ok().flatten().map(|user| user.dir).filter(|home| home.is_absolute())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_numbers_are_ids() {
        assert_eq!((number("0"), number("65534")), (Some(0), Some(65534)));
        for text in ["", "-1", "4294967295", "4294967296", "+0", "00", "0day", "0x10", " 7", "12 "] {
            assert_eq!(number(text), None, "{text:?}");
        }
    }

    #[test]
    fn account_is_found_by_name_and_by_number() {
        let root = Account::find("root").unwrap();
        assert_eq!((root.uid.as_raw(), root.group), (0, Some(Gid::from_raw(0))));
        let entry = Account::find("0").unwrap().entry.unwrap();
        assert_eq!(entry.name(), "root");
        assert!(entry.groups(Gid::from_raw(4711)).unwrap().contains(&Gid::from_raw(4711)));
        let mut now = supplementary_groups(NGROUPS_MAX).unwrap();
        assert_eq!(now, nix::unistd::getgroups().unwrap());
        assert_eq!(supplementary_groups(now.len()).unwrap(), now);
        if now.len() > 1 {
            now.pop();
            assert!(supplementary_groups(now.len()).is_err());
        }
        let variables = variables(Some(&entry));
        assert!(variables.iter().all(|(_, value)| value.is_some()) && variables[1] == ("USER", Some("root".as_ref())));
        assert_eq!((find_uid("root"), find_group("root")), (find_uid("0"), find_group("0")));
    }

    #[test]
    fn missing_database_has_no_entry_and_one_that_fails_is_an_error() {
        for errno in [Errno::ENOENT, Errno::ESRCH] {
            assert_eq!(entry::<()>(Err(errno)), Ok(None));
        }
        assert_eq!(entry::<()>(Err(Errno::EIO)), Err("input/output error".to_owned()));
        assert_eq!(entry(Ok(Some(7))), Ok(Some(7)));
    }

    #[test]
    fn number_without_entry_is_an_account_and_unknown_name_is_none() {
        let unknown = Account::find("4294967294").unwrap();
        assert!(unknown.uid.as_raw() == u32::MAX - 1 && unknown.group.is_none() && unknown.entry.is_none());
        assert!(variables(None).iter().all(|(_, value)| value.is_none()));
        assert_eq!(Account::find("no such user").unwrap_err(), "there is no such user");
        assert_eq!(find_uid("no such user").unwrap_err(), "there is no such user");
        assert_eq!(find_group("no such group").unwrap_err(), "there is no such group");
    }
}
