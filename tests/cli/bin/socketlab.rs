//! A program whose socket its service manager opens: it greets each client.

use daemon::Daemon;
use daemon::cli::{NoArguments, Program, Service};
use daemon::settings::Ready;
use std::io::Write;
use std::os::unix::net::UnixListener;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

fn main() -> ExitCode {
    let service = Service::new().socket("greeter=/run/socketlab.socket");
    let settings = |_: NoArguments| Daemon::new("socketlab").ready(Ready::Manual);
    Program::new("socketlab").service(service).main(settings, |daemon, _| daemon.run(body))
}

fn body() -> Result<(), String> {
    for (name, socket) in daemon::systemd::listen_fds() {
        let listener = UnixListener::from(socket);
        let greet = move || {
            for client in listener.incoming().flatten() {
                let _ = writeln!(&client, "this is {name}");
            }
        };
        thread::spawn(greet);
    }
    daemon::ready().map_err(|error| error.to_string())?;
    while daemon::sleep(Duration::from_secs(1000)) {}
    Ok(())
}
