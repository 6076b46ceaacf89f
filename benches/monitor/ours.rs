//! A monitor of this library with all defaults, built in code: `ours BOT STARTS COUNT` looks after COUNT bots and keeps
//! what they print in two log files each. It works in the current directory.

use std::time::Duration;

use daemonize_monitor::{Bot, Log, Monitor};

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, bot, starts, count] = &arguments[..] else { panic!("ours BOT STARTS COUNT") };
    let here = std::env::current_dir().expect("a directory");
    let bots = (0..count.parse().expect("a count")).map(|number: usize| {
        Bot::new(format!("b{number}"), bot)
            .arguments([starts, &number.to_string()])
            .stdout(Log::new(here.join(format!("b{number}.out"))))
            .stderr(Log::new(here.join(format!("b{number}.err"))))
            // It is killed again and again.
            .limit(1000, Duration::from_secs(3600))
    });
    let pidfile = here.join("ours.pid");
    let monitor = Monitor::builder("ours").bots(bots).daemon(|daemon| daemon.pidfile(pidfile)).build();
    let Err(error) = monitor.and_then(Monitor::foreground);
    panic!("{error}");
}
