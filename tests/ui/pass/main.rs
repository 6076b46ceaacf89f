//! The program is the daemon.
#![deny(warnings)]
#![allow(missing_docs, clippy::all, clippy::pedantic, reason = "users have a style of their own")]

#[daemon::run(
    detach = never,
    pidfile = std::env::temp_dir().join(format!("daemonic-ui-{}.pid", std::process::id())),
)]
/// With everything that a plain `main` may have.
fn main() -> std::io::Result<()> {
    if main::pidfile().starts_with("/nowhere") {
        main()?;
    }
    Ok(())
}
