//! The endpoint comes with a feature that this package does not ask for.

#[daemon::run(control)]
fn bare() {}

#[daemon::step(control = "127.0.0.1:0", umask = 0o022)]
fn addressed() {}

fn main() -> daemon::Result<()> {
    bare()?;
    addressed()?;
    addressed::stop()?;
    Ok(())
}
