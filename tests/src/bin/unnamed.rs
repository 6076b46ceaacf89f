//! A daemon with an annotated `main` but neither name nor pidfile: it prints its pidfile and status. The first argument
//! is the user that it becomes.
#![deny(unsafe_code)]

#[daemon::run(detach = never, configure = become_user)]
fn main() -> daemon::Result<()> {
    let status = main::status()?;
    println!("{}\n{status}", main::pidfile().display());
    Ok(())
}

fn become_user(daemon: daemon::Daemon) -> daemon::Daemon {
    match std::env::args().nth(1) {
        Some(user) => daemon.user(user),
        None => daemon,
    }
}
