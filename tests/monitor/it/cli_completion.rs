//! Completion of bots, groups and signals by a shell.

use look::Run;

use crate::cli_lab::{CliLab, daemonctl};

/// Loads the script as bash does, and completes the last of the words.
const COMPLETE: &str = r#"
eval "$(daemonctl completions bash)"
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_TYPE=9
COMP_LINE="$*" COMP_POINT=${#COMP_LINE}
_clap_complete_daemonctl daemonctl "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
printf '%s\n' "${COMPREPLY[@]}"
"#;

fn bash<'a>(cli: &'a CliLab, words: &[&str]) -> Run<'a> {
    let programs = daemonctl().parent().expect("a directory").display();
    let run = cli.lab.command("bash", &["-c", COMPLETE, "bash", "daemonctl"]).args(words);
    run.env("PATH", format!("{programs}:/usr/bin:/bin"))
}

#[track_caller]
fn completed(cli: &CliLab, words: &[&str]) -> Vec<String> {
    let outcome = bash(cli, words).run().ok();
    assert_eq!(outcome.stderr, "", "a completion says something");
    outcome.stdout.lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect()
}

#[test]
fn names_of_bots_groups_and_signals_are_completed() {
    let cli = CliLab::new(
        "[bot.web]\ncommand = \"BOT\"\nargs = [\"sleep\"]\ninstances = 2\nbot_group = \"shop\"\n[bot.worker]\ncommand = \"BOT\"\nargs = [\"sleep\"]\n",
    );
    // Without a monitor there are no names, and no message.
    assert_eq!(completed(&cli, &["-c", "m.toml", "stop", "w"]), [""; 0]);
    cli.ctl(&["start"]).run();
    assert_eq!(completed(&cli, &["-c", "m.toml", "stop", "w"]), ["web", "web:1", "web:2", "worker"]);
    assert_eq!(completed(&cli, &["-c", "m.toml", "restart", "web", "sh"]), ["shop"]);
    assert_eq!(completed(&cli, &["--config=m.toml", "tail", "web:"]), ["web:1", "web:2"]);
    assert_eq!(completed(&cli, &["--pidfile", "m.pid", "status", "a"]), ["all"]);
    assert_eq!(completed(&cli, &["-c", "m.toml", "signal", "US"]), ["USR1", "USR2"]);
    assert_eq!(completed(&cli, &["-c", "m.toml", "rest"]), ["restart"]);
    cli.shutdown();
}

#[test]
fn each_shell_gets_a_script() {
    let cli = CliLab::new("[bot.web]\ncommand = \"BOT\"\n");
    for (shell, expected) in
        [("zsh", "#compdef daemonctl"), ("fish", "complete "), ("bash", "complete "), ("elvish", "edit:complet")]
    {
        let script = cli.lab.run(&["completions", shell]).ok().stdout;
        assert!(script.contains(expected) && script.contains("DAEMONCTL_COMPLETE"), "{shell}:\n{script}");
    }
}
