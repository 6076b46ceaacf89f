//! A program that contains a monitor, for tests of what only such a program can do. It reads `m.toml` in its working
//! directory, and `daemonctl` controls it like any other monitor.
//!
//! ```sh
//! embedded start SETTING…  # as a daemon
//! embedded run SETTING…    # in the foreground
//! ```
#![deny(unsafe_code)]

#[allow(unsafe_code)] // The only room with it.
mod sys;

use daemonize_core::Signal;
use daemonize_core::attach::{Attachment, Handle};
use daemonize_core::settings::Stage;
use daemonize_monitor::{Bot, Builder, Commands, Monitor, Ready};
use std::error::Error;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::mpsc::Receiver;
use std::thread;
use std::time::Duration;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (verb, settings) = arguments.split_first().ok_or("`start` or `run`")?;
    let here = std::env::current_dir()?;
    let (sender, commands) = std::sync::mpsc::channel();
    let mut builder = Monitor::from_config(here.join("m.toml"))?;
    for setting in settings {
        builder = match setting.as_str() {
            "careful" => watch_allocations(builder, here.join("allocations")),
            "old-kernel" => before_anything(builder, sys::filter::no_groups_by_pidfd),
            "no-close-range" => before_anything(builder, sys::filter::no_close_range),
            "old-container" => before_anything(builder, sys::filter::forbidden_calls),
            "own-signals" => set_own_signals(builder, here.join("handled")),
            "unknown-user" => {
                builder.bot(Bot::new("ghost", "/bin/sleep").user("nosuchuser").limit(0, Duration::from_secs(1)))
            }
            "own-variables" => builder.bot(with_variables_of_the_monitor()),
            _ => return Err(format!("there is no setting `{setting}`").into()),
        };
    }
    let monitor = builder
        .daemon(|daemon| daemon.attach(Caller { file: here.join("call"), commands: Mutex::new(commands) }))
        .build()?;
    sender.send(monitor.commands())?;
    match verb.as_str() {
        "start" => monitor.start().map(drop)?,
        _ => match monitor.foreground()? {},
    }
    Ok(())
}

/// Makes the monitor end any process that allocates between fork and exec, and report that in a file.
fn watch_allocations(builder: Builder, file: PathBuf) -> Builder {
    builder.daemon(|daemon| daemon.stderr(file).after(Stage::Stdio, sys::allocator::watch))
}

/// Runs a function in the monitor's process before it does anything else.
fn before_anything(builder: Builder, function: fn()) -> Builder {
    builder.daemon(|daemon| daemon.after(Stage::Stdio, function))
}

/// Handles SIGUSR1 by a line in a file, and leaves SIGUSR2 its default action.
fn set_own_signals(builder: Builder, file: PathBuf) -> Builder {
    let handler = move |signal: Signal| {
        let file = File::options().append(true).create(true).open(&file);
        let _ = file.and_then(|mut file| file.write_all(format!("handled {signal}\n").as_bytes()));
    };
    builder.daemon(|daemon| daemon.handle(Signal::SIGUSR1, handler).default_action(Signal::SIGUSR2))
}

/// Returns a bot with a variable that no configuration can set, because the monitor sets it.
fn with_variables_of_the_monitor() -> Bot {
    let program = std::env::current_exe().expect("this program").with_file_name("bot");
    let file = std::env::current_dir().expect("a directory").join("own.new");
    let arguments = [format!("write_environment:{}", file.display()), "idle".to_owned()];
    Bot::new("own", program).arguments(arguments).variable("NOTIFY_SOCKET", "mine").ready(Ready::AtOnce)
}

/// Runs the commands of a program in a separate thread, once there is a file with the name of a bot.
struct Caller {
    file: PathBuf,
    commands: Mutex<Receiver<Commands>>,
}

impl Attachment for Caller {
    fn start(&self, _: Handle) -> Result<(), Box<dyn Error>> {
        let commands = self.commands.lock().expect("no panic with it").recv()?;
        let file = self.file.clone();
        thread::spawn(move || {
            let bot = loop {
                match std::fs::read_to_string(&file) {
                    Ok(text) if !text.is_empty() => break text,
                    _ => thread::sleep(Duration::from_millis(20)),
                }
            };
            follow_and_forget(&commands, &bot);
            write_time_left(&commands, &bot, &file.with_file_name("left"));
        });
        Ok(())
    }
}

/// Follows the output of a bot and the changes of all bots, and drops both subscriptions at once.
fn follow_and_forget(commands: &Commands, bot: &str) {
    drop((commands.follow(bot), commands.subscribe()));
}

/// Writes the number of milliseconds after which a bot may be started again.
fn write_time_left(commands: &Commands, bot: &str, file: &Path) {
    let status = commands.bot_status(bot).expect("a bot").remove(0);
    let _ = std::fs::write(file, format!("{}\n", status.left.map_or(0, |left| left.as_millis())));
}
