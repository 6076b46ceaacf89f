//! Reads options from parsed arguments. An option that was left out, since the program has one of that name, is not set.

use clap::ArgMatches;
use std::any::Any;

/// Begins the id of each standard option, so that no option of the program has the same id.
pub(crate) const PREFIX: &str = "daemon:";

/// Returns the value of an option.
pub(crate) fn value<T: Any + Clone + Send + Sync>(matches: &ArgMatches, id: &str) -> Option<T> {
    matches.try_get_one::<T>(id).ok().flatten().cloned()
}

/// Returns `true` if a flag is set.
pub(crate) fn flag(matches: &ArgMatches, id: &str) -> bool {
    value(matches, id).unwrap_or(false)
}

/// Implements `clap::Args` for a type with the functions `arguments` and `read`.
macro_rules! implement_args {
    ($options:ty) => {
        impl clap::FromArgMatches for $options {
            fn from_arg_matches(matches: &clap::ArgMatches) -> Result<Self, clap::Error> {
                Ok(Self::read(matches))
            }

            fn update_from_arg_matches(&mut self, matches: &clap::ArgMatches) -> Result<(), clap::Error> {
                *self = Self::read(matches);
                Ok(())
            }
        }

        impl clap::Args for $options {
            fn augment_args(command: clap::Command) -> clap::Command {
                command.args(Self::arguments())
            }

            fn augment_args_for_update(command: clap::Command) -> clap::Command {
                command.args(Self::arguments())
            }
        }
    };
}
pub(crate) use implement_args;
