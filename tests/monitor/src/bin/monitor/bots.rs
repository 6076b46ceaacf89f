//! Bots, one a line: `NAME KEY=VALUE… : PROGRAM ARGUMENT…`, or `… : sh SCRIPT` for a script of the shell.

use daemonize_monitor::{Backoff, Bot, Config, Log, LogTarget, Ready, Restart, Result, Settings};
use std::error::Error;
use std::path::Path;
use std::time::Duration;

/// A file as the monitor reads it again.
pub(crate) fn config(path: &Path) -> Result<Config> {
    let bots = read(path).expect("the test has written them");
    Ok(Config::new(Settings::default(), bots)?)
}

/// All bots of a file.
pub(crate) fn read(path: &Path) -> Result<Vec<Bot>, Box<dyn Error>> {
    std::fs::read_to_string(path)?.lines().filter(|line| !line.trim().is_empty()).map(parse).collect()
}

fn parse(line: &str) -> Result<Bot, Box<dyn Error>> {
    let (head, program) = line.split_once(" : ").ok_or("a bot has a ` : ` before its program")?;
    let mut words = head.split_whitespace();
    let name = words.next().ok_or("a bot has a name")?;
    let mut bot = match program.trim().split_once(' ') {
        Some(("sh", script)) => Bot::new(name, "/bin/sh").arguments(["-c", script]),
        Some((program, arguments)) => Bot::new(name, program).arguments(arguments.split_whitespace()),
        None => Bot::new(name, program.trim()),
    };
    // Most tests are not about the second after which a bot is ready by default.
    bot = bot.ready(Ready::AtOnce);
    for word in words {
        let (key, value) = word.split_once('=').ok_or("a setting is KEY=VALUE")?;
        bot = set(bot, key, value)?;
    }
    Ok(bot)
}

fn millis(text: &str) -> Result<Duration, Box<dyn Error>> {
    Ok(Duration::from_millis(text.parse()?))
}

fn set(bot: Bot, key: &str, value: &str) -> Result<Bot, Box<dyn Error>> {
    Ok(match key {
        "autostart" => bot.autostart(value == "yes"),
        "instances" => bot.instances(value.parse()?),
        "restart" => bot.restart(match value {
            "never" => Restart::Never,
            "on-failure" => Restart::OnFailure,
            _ => Restart::Always,
        }),
        "limit" => {
            let (exits, window) = value.split_once('/').ok_or("EXITS/MILLIS")?;
            bot.limit(exits.parse()?, millis(window)?)
        }
        // The first wait, which is not made longer.
        "backoff" => {
            let wait = millis(value)?;
            bot.backoff(Backoff {
                first: wait,
                factor: 1.0,
                cap: wait,
                jitter: 0.0,
                stable_after: Duration::from_secs(60),
            })
        }
        "stop" => {
            let mut steps = Vec::new();
            for step in value.split(',') {
                let (signal, time) = step.split_once(':').ok_or("SIGNAL:MILLIS")?;
                steps.push((signal.parse().map_err(|_| "no such signal")?, millis(time)?));
            }
            bot.stop(steps)
        }
        "depends" => value.split(',').fold(bot, Bot::depends_on),
        "ready" => bot.ready(match value.split_once(':') {
            Some(("tcp", address)) => Ready::Tcp(address.parse()?),
            Some(("file", path)) => Ready::File(path.into()),
            Some(("output", text)) => Ready::Output(text.into()),
            Some(("after", time)) => Ready::After(millis(time)?),
            _ if value == "notify" => Ready::Notify,
            _ if value == "exit" => Ready::Exit,
            _ => Ready::AtOnce,
        }),
        "ready_timeout" => bot.ready_timeout(millis(value)?),
        "log" => bot.stdout(log(value)?),
        "errors" => bot.stderr(log(value)?),
        "stdout" if value == "null" => bot.stdout(LogTarget::Null),
        "stdout" if value == "inherit" => bot.stdout(LogTarget::Inherit),
        "user" => bot.user(value),
        "group" => bot.group(value),
        "umask" => bot.umask(u32::from_str_radix(value, 8)?),
        "no_new_privs" => bot.no_new_privs(value == "yes"),
        "directory" => bot.directory(value),
        "clear" => bot.clear_environment(),
        "env" => {
            let (name, value) = value.split_once('=').ok_or("NAME=VALUE")?;
            bot.variable(name, value)
        }
        _ => return Err(format!("there is no key `{key}`").into()),
    })
}

/// `PATH`, `PATH,SIZE` or `PATH,SIZE,KEEP`; with a time before each line if the path ends with `.stamped`.
fn log(value: &str) -> Result<Log, Box<dyn Error>> {
    let mut parts = value.split(',');
    let path = parts.next().unwrap_or_default();
    let mut log = Log::new(path);
    log.timestamps = path.ends_with(".stamped");
    if let Some(size) = parts.next() {
        log.max_size = size.parse()?;
    }
    if let Some(keep) = parts.next() {
        log.keep = keep.parse()?;
    }
    Ok(log)
}
