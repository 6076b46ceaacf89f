//! Every mistake in the keys at once, each where it is.

#[daemon::run(
    pid_file = "x.pid",
    umask = 22,
    detach = atuo,
    grace = 10,
    kill = "yes",
    umask = 0o22,
    every = "1s",
    pidfile_mode = 0o666,
    stop_timeout = "5s",
    name = "a/b",
    ready
)]
fn sleepy() {}

fn main() -> daemon::Result<()> {
    sleepy()?;
    sleepy::stop()?;
    Ok(())
}
