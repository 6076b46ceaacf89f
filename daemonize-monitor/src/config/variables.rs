//! The variables of a configuration: those of the environment, and `INSTANCE`.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

/// Returns the value of a variable, if it is set.
pub(super) type Variables<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The variable that holds the number of an instance, from 1, in the table of a bot with `instances`.
const INSTANCE_NAME: &str = "INSTANCE";

/// The variables that a configuration may use.
pub(super) struct ConfigVariables<'a> {
    environment: Variables<'a>,
    /// The instance whose table is read.
    instance: Cell<Option<u32>>,
    /// How often the number of the instance was used.
    instance_uses: Cell<usize>,
    /// The variables of each `env_file` that was read: many bots, and all instances of one, may have the same.
    pub(super) env_files: RefCell<BTreeMap<PathBuf, BTreeMap<OsString, OsString>>>,
}

impl<'a> ConfigVariables<'a> {
    pub(super) fn new(environment: Variables<'a>) -> ConfigVariables<'a> {
        ConfigVariables {
            environment,
            instance: Cell::new(None),
            instance_uses: Cell::new(0),
            env_files: RefCell::default(),
        }
    }

    /// Returns the value of a variable, if it is set. `INSTANCE` is never that of the environment.
    pub(super) fn get(&self, name: &str) -> Option<String> {
        if name != INSTANCE_NAME {
            return (self.environment)(name);
        }
        let number = self.instance.get()?;
        self.instance_uses.set(self.instance_uses.get() + 1);
        Some(number.to_string())
    }

    /// Returns why a variable has no value.
    pub(super) fn unset(name: &str) -> String {
        if name == INSTANCE_NAME {
            return "`INSTANCE` is the number of an instance, and is set only for a bot with `instances`: write `instances`, or \
                    `${INSTANCE:-default}`"
                .into();
        }
        format!("the variable `{name}` is not set: set it, write `${{{name}:-default}}`, or `$$` for a dollar sign")
    }

    /// Sets the instance whose table is read from now on.
    pub(super) fn set_instance(&self, number: Option<u32>) {
        self.instance.set(number);
    }

    /// Returns how often the number of an instance was used so far.
    pub(super) fn instance_uses(&self) -> usize {
        self.instance_uses.get()
    }
}
