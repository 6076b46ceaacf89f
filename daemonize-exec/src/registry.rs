//! The daemons that a program can launch by exec, found by name.

use crate::exec_error::refused;
use crate::request::Request;
use daemonize_core::{Result, Started};
use std::any::TypeId;

/// A daemon that can be launched by exec: submitted by the expansion of an attribute, and found by its name in the new process.
pub struct Entry {
    /// The path of its function: the module and the name.
    pub name: &'static str,
    /// Launches the daemon in this process, which is the launcher.
    pub run: fn(&Request) -> Result<Started>,
}

inventory::collect!(Entry);

/// A function that [`exec!`](crate::exec!) names. Each use of the macro submits one, so that one function may have several.
pub struct FunctionEntry {
    /// The entry.
    pub entry: Entry,
    /// Returns the type of the function, which tells functions of one name apart.
    pub function: fn() -> TypeId,
}

inventory::collect!(FunctionEntry);

/// Returns the type of a function.
pub fn type_of<F: 'static>(_: F) -> TypeId {
    TypeId::of::<F>()
}

/// The hidden test that [`test_support!`](crate::test_support!) defines.
pub struct TestSupport {
    /// The path of the test, with the name of the crate.
    pub test: &'static str,
}

inventory::collect!(TestSupport);

/// Returns the entry with this name.
///
/// # Errors
/// No entry has the name, or several functions do.
pub(crate) fn find(daemon: &str, name: &str) -> Result<&'static Entry> {
    let mut found = inventory::iter::<Entry>.into_iter().filter(|entry| entry.name == name);
    let mut functions = inventory::iter::<FunctionEntry>.into_iter().filter(|entry| entry.entry.name == name);
    let (entry, function) = (found.next(), functions.next());
    let is_other = |other: &FunctionEntry| function.is_some_and(|function| (function.function)() != (other.function)());
    if found.next().is_some() || (entry.is_some() && function.is_some()) || functions.any(is_other) {
        return Err(refused(
            daemon,
            format_args!("two functions of this program are named `{name}`: rename one of them"),
        ));
    }
    entry.or_else(|| function.map(|function| &function.entry)).ok_or_else(|| {
        refused(daemon, format_args!("this program has no function `{name}`: it was renamed or removed in this build"))
    })
}

/// Returns the hidden test of this program, if it has one.
pub(crate) fn test_support() -> Option<&'static TestSupport> {
    inventory::iter::<TestSupport>.into_iter().next()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn function() {}
    fn other() {}

    const fn entry(name: &'static str) -> Entry {
        Entry { name, run: |_| unreachable!() }
    }

    inventory::submit! { entry("single") }
    inventory::submit! { entry("twice") }
    inventory::submit! { entry("twice") }
    inventory::submit! { FunctionEntry { entry: entry("two sites"), function: || type_of(function) } }
    inventory::submit! { FunctionEntry { entry: entry("two sites"), function: || type_of(function) } }
    inventory::submit! { FunctionEntry { entry: entry("two functions"), function: || type_of(function) } }
    inventory::submit! { FunctionEntry { entry: entry("two functions"), function: || type_of(other) } }

    #[test]
    fn entry_is_found_if_one_function_has_its_name() {
        for name in ["single", "two sites"] {
            assert_eq!(find("agent", name).map(|entry| entry.name).ok(), Some(name));
        }
        for name in ["twice", "two functions"] {
            let error = find("agent", name).map(|_| ()).unwrap_err().to_string();
            assert!(
                error.ends_with(&format!("two functions of this program are named `{name}`: rename one of them")),
                "{error}"
            );
        }
        let error = find("agent", "none").map(|_| ()).unwrap_err().to_string();
        assert!(error.contains("this program has no function `none`"), "{error}");
    }
}
