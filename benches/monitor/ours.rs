//! A monitor of this library, built in code: `ours BOT STARTS COUNT` looks after COUNT bots and keeps
//! what they print in two log files each, or nowhere with a fourth argument `null`. It works in the current directory.

use std::time::Duration;

use daemonize_monitor::{Bot, Log, LogTarget, Monitor, Ready};

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, bot, starts, count, rest @ ..] = &arguments[..] else { panic!("ours BOT STARTS COUNT [null]") };
    let is_kept = rest.is_empty();
    let here = std::env::current_dir().expect("a directory");
    let log = |name: String| if is_kept { Log::new(here.join(name)).into() } else { LogTarget::Null };
    let bots = (0..count.parse().expect("a count")).map(|number: usize| {
        Bot::new(format!("b{number}"), bot)
            .arguments([starts, &number.to_string()])
            .stdout(log(format!("b{number}.out")))
            .stderr(log(format!("b{number}.err")))
            // As those of the others, which have no second to wait for either.
            .ready(Ready::AtOnce)
            // It is killed again and again.
            .limit(1000, Duration::from_secs(3600))
    });
    let pidfile = here.join("ours.pid");
    let monitor = Monitor::builder("ours").bots(bots).daemon(|daemon| daemon.pidfile(pidfile)).build();
    let Err(error) = monitor.and_then(Monitor::foreground);
    panic!("{error}");
}
