//! Lines that exceed the limit of stored lines.

use crate::cli_lab::CliLab;

/// A bot that exits after three lines, the second of which has 60,000 bytes, three per letter.
const BOTS: &str = r#"
[bot.memory]
command = "/bin/sh"
args = ["-c", "echo before; printf '%20000s\n' | sed 's/ /길/g'; echo after"]
restart = "never"

[bot.file]
command = "/bin/sh"
args = ["-c", "echo before; printf '%20000s\n' | sed 's/ /길/g'; echo after"]
restart = "never"
stdout = "LAB/file.log"
"#;

/// Promise 6.51.
#[test]
fn long_line_is_broken_between_characters_and_leaves_its_neighbours_in_memory() {
    let cli = CliLab::new(&BOTS.replace("\\n", "\\\\n"));
    cli.start();
    for bot in ["memory", "file"] {
        cli.until_is(bot, "exited");
    }
    let file = cli.lab.read("file.log");
    assert_eq!(file.replace('\n', ""), format!("before{}after", "길".repeat(20_000)), "a letter was cut in two");
    assert!(file.lines().all(|line| line.len() <= 16 * 1024) && file.lines().count() == 6);
    assert_eq!(cli.ok(&["tail", "file"]), file);
    let memory = cli.ok(&["tail", "memory"]);
    let lines: Vec<&str> = memory.lines().collect();
    assert_eq!(*lines.last().expect("lines"), "after", "{memory}");
    assert!(lines.len() >= 2 && lines.iter().all(|line| line.len() < 4096), "{memory}");
    assert!(lines[0].starts_with("길") && lines[0].ends_with(" more bytes]"), "{memory}");
    assert!(!memory.contains(char::REPLACEMENT_CHARACTER), "{memory}");
    cli.shutdown();
}
