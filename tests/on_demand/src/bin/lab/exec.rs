//! Daemons that are launched by exec.

use daemon::Daemon;
use daemon::body::Work;
use std::path::PathBuf;
use std::time::Duration;

fn sleeper(pidfile: PathBuf, text: String) -> Daemon<impl Work> {
    Daemon::new("sleeper").pidfile(pidfile).ready(daemon::settings::Ready::Manual).run(move || {
        println!("{text}");
        daemon::ready();
        while daemon::sleep(Duration::from_secs(20)) {}
    })
}

pub(crate) fn run(mut arguments: impl Iterator<Item = String>) {
    let pidfile: PathBuf = arguments.next().expect("a pidfile").into();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().expect("a runtime");
    let started = runtime.block_on(async move {
        tokio::task::spawn_blocking(move || daemon::exec::exec!(sleeper(pidfile, "hello".to_owned()))?.start())
            .await
            .expect("no panic")
    });
    println!("{started:?}");
}
