//! The command line of a program whose `main` is the daemon: the program's own arguments, the verbs, and the standard options.

use crate::options::TargetOptions;
use crate::verb::Verb;
use clap::builder::{Resettable, Str, StyledStr};
use clap::{Arg, Command, Subcommand, value_parser};
use clap_complete::Shell;
use std::collections::BTreeSet;

/// The verb that prints what a shell needs to complete the command line.
pub(crate) const COMPLETIONS: &str = "completions";

/// The verb that prints the manual page.
pub(crate) const MAN: &str = "man";

/// The id of the shell of `completions`.
pub(crate) const SHELL: &str = "daemon:shell";

/// The description of the verb `completions`.
const COMPLETIONS_HELP: &str = "Print what a shell needs to complete this command line";

/// The description of the verb `man`.
const MAN_HELP: &str = "Print the manual page of this program, for `man -l -`";

/// The verbs that launch the daemon, and so take the program's own arguments.
const LAUNCHING_VERBS: [&str; 3] = ["start", "run", "restart"];

/// The name, version and description of a program.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ProgramTexts<'a> {
    pub(crate) name: &'a str,
    pub(crate) version: Option<&'static str>,
    pub(crate) about: Option<&'static str>,
}

/// Returns the command line: the arguments of `own` at the top level and below the verbs that launch the daemon.
///
/// # Errors
/// The program has subcommands of its own.
pub(crate) fn command_line(texts: ProgramTexts<'_>, own: &Command) -> Result<Command, String> {
    if let Some(subcommand) = own.get_subcommands().next() {
        return Err(format!(
            "failed to build the command line of `{}`: its arguments have the subcommand `{}`, which would stand beside the verbs of \
             the daemon; make `daemon::cli::Verb` one of its own subcommands, and pass the verb to `dispatch`",
            texts.name,
            subcommand.get_name()
        ));
    }
    let all = Taken::by(own.get_arguments());
    let globals = Taken::by(own.get_arguments().filter(|argument| argument.is_global_set()));
    let mut root = own
        .clone()
        .name(texts.name.to_owned())
        .subcommand_negates_reqs(true)
        .subcommand_help_heading("Verbs")
        .subcommand_value_name("VERB");
    if own.get_version().is_none() && !all.has_version_flag() {
        root = root.version(texts.version);
    }
    if own.get_about().is_none() {
        root = root.about(texts.about);
    }
    root = root.args(all.without([&TargetOptions::lsb_argument()]));
    for verb in verbs().get_subcommands() {
        let launches = LAUNCHING_VERBS.contains(&verb.get_name());
        let verb = if launches { launching_verb(own, verb, &all) } else { other_verb(verb, &globals) };
        root = root.subcommand(verb);
    }
    Ok(root)
}

/// Returns `true` if the first argument of the program `--lsb` is the standard option.
pub(crate) fn has_own_lsb(own: &Command) -> bool {
    own.get_arguments().any(|argument| argument.get_long() == Some("lsb"))
}

/// Returns a command with every verb, without the program's own arguments.
fn verbs() -> Command {
    let shell = Arg::new(SHELL).value_name("SHELL").required(true).value_parser(value_parser!(Shell)).help("Shell");
    let completions = Command::new(COMPLETIONS).about(COMPLETIONS_HELP).display_order(101).arg(shell);
    let manual = Command::new(MAN).about(MAN_HELP).display_order(102);
    Verb::augment_subcommands(Command::new("verbs")).subcommands([completions, manual])
}

/// Returns a verb with the program's own arguments, and the standard options whose names those have left.
fn launching_verb(own: &Command, verb: &Command, taken: &Taken) -> Command {
    own.clone()
        .name(verb.get_name().to_owned())
        .about(description(verb))
        .long_about(Resettable::<StyledStr>::Reset)
        .before_help(Resettable::<StyledStr>::Reset)
        .before_long_help(Resettable::<StyledStr>::Reset)
        .after_help(Resettable::<StyledStr>::Reset)
        .after_long_help(Resettable::<StyledStr>::Reset)
        .override_help(Resettable::<StyledStr>::Reset)
        .override_usage(Resettable::<StyledStr>::Reset)
        .help_template(Resettable::<StyledStr>::Reset)
        .version(Resettable::<Str>::Reset)
        .long_version(Resettable::<Str>::Reset)
        .author(Resettable::<Str>::Reset)
        .display_name(Resettable::Reset)
        .bin_name(Resettable::Reset)
        .arg_required_else_help(false)
        .display_order(verb.get_display_order())
        .args(taken.without(verb.get_arguments()))
}

/// Returns a verb without the options whose names the program's global options have.
fn other_verb(verb: &Command, taken: &Taken) -> Command {
    if verb.has_subcommands() {
        return verb.clone();
    }
    Command::new(verb.get_name().to_owned())
        .about(description(verb))
        .display_order(verb.get_display_order())
        .args(taken.without(verb.get_arguments()))
}

/// Returns the description of a verb.
fn description(verb: &Command) -> Resettable<StyledStr> {
    verb.get_about().cloned().into()
}

/// The names of options that the program has taken.
#[derive(Debug)]
struct Taken {
    long: BTreeSet<String>,
    short: BTreeSet<char>,
}

impl Taken {
    fn by<'a>(arguments: impl Iterator<Item = &'a Arg>) -> Taken {
        let (mut long, mut short) = (BTreeSet::new(), BTreeSet::new());
        for argument in arguments {
            long.extend(argument.get_long().map(str::to_owned));
            long.extend(argument.get_all_aliases().into_iter().flatten().map(str::to_owned));
            short.extend(argument.get_short());
            short.extend(argument.get_all_short_aliases().into_iter().flatten());
        }
        Taken { long, short }
    }

    fn has_version_flag(&self) -> bool {
        self.long.contains("version") || self.short.contains(&'V')
    }

    /// Returns copies of the options whose names are not taken.
    fn without<'a>(&self, options: impl IntoIterator<Item = &'a Arg>) -> Vec<Arg> {
        let is_free = |option: &&Arg| {
            option.get_long().is_none_or(|long| !self.long.contains(long))
                && option.get_short().is_none_or(|short| !self.short.contains(&short))
        };
        options.into_iter().filter(is_free).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{CommandFactory, Parser};

    #[derive(Parser)]
    struct Own {
        /// Port to listen on
        #[arg(long)]
        port: u16,
        /// A file of the program
        #[arg(long)]
        pidfile: Option<String>,
        #[arg(short = 'V', long)]
        verbose: bool,
    }

    fn built(own: &Command) -> Command {
        command_line(ProgramTexts { name: "myd", version: Some("1.2"), about: Some("Serves") }, own).unwrap()
    }

    #[test]
    fn command_line_is_valid_for_clap() {
        built(&Own::command()).debug_assert();
        built(&Command::new("empty")).debug_assert();
    }

    #[test]
    fn option_of_the_program_wins_over_the_standard_one() {
        let command = built(&Own::command());
        let start = command.find_subcommand("start").unwrap();
        let pidfile: Vec<_> = start.get_arguments().filter(|option| option.get_long() == Some("pidfile")).collect();
        assert_eq!(pidfile.len(), 1);
        assert_eq!(pidfile[0].get_help().unwrap().to_string(), "A file of the program");
        assert!(start.get_arguments().any(|option| option.get_long() == Some("log")));
        let stop = command.find_subcommand("stop").unwrap();
        let standard = stop.get_arguments().find(|option| option.get_long() == Some("pidfile")).unwrap();
        assert_eq!(standard.get_help().unwrap().to_string(), "Pidfile of the daemon");
        assert_eq!(command.get_version(), None);
    }

    #[test]
    fn program_with_subcommands_is_refused_with_the_way_out() {
        #[derive(Parser)]
        enum Subcommands {
            Import,
        }
        let texts = ProgramTexts { name: "myd", version: None, about: None };
        let error = command_line(texts, &Subcommands::command()).unwrap_err();
        assert!(
            error.contains("`import`") && error.contains("daemon::cli::Verb") && error.contains("`dispatch`"),
            "{error}"
        );
        let _ = Subcommands::Import;
    }

    #[test]
    fn required_argument_is_not_required_by_other_verbs() {
        let matches = built(&Own::command()).try_get_matches_from(["myd", "stop"]);
        assert!(matches.is_ok(), "{matches:?}");
        assert!(built(&Own::command()).try_get_matches_from(["myd", "start"]).is_err());
    }
}
