//! Does so much work in the foreground and ends, for callgrind: `work step | message COUNT`.

use std::hint::black_box;
use std::ops::ControlFlow;
use std::process::ExitCode;

use daemon::Daemon;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, kind, count] = &arguments[..] else { panic!("work step | message COUNT") };
    let mut left: u64 = count.parse().expect("a number");
    let daemon = Daemon::new("work").no_pidfile();
    let outcome = match kind.as_str() {
        "step" => daemon
            .step(move || {
                left -= 1;
                if left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            })
            .foreground(),
        "message" => daemon
            .pool_size(1)
            .messages(
                move || {
                    if left == 0 {
                        daemon::stop();
                        return None;
                    }
                    left -= 1;
                    Some(left)
                },
                |message: u64| {
                    black_box(message);
                },
            )
            .foreground(),
        other => panic!("which kind? {other}"),
    };
    match outcome {
        Ok(never) => match never {},
        Err(error) => error.report(),
    }
}
