//! Inside of a daemon its own name means the plain function, its companion is still there.
#![deny(warnings)]
#![allow(missing_docs, clippy::all, clippy::pedantic, reason = "users have a style of their own")]

#[daemon::run]
fn deep(left: u32) -> Result<(), Box<dyn std::error::Error>> {
    if left > 0 {
        deep(left - 1)?;
    }
    if left > 99 && deep::pid()?.is_none() {
        let _ = deep::stop()?;
    }
    Ok(())
}

fn main() {
    let plain: Result<(), Box<dyn std::error::Error>> = deep::call(3);
    drop(plain);
    let _: fn(u32) -> daemon::Result<daemon::Started> = deep;
    let _: fn(u32) -> daemon::Result<daemon::Started> = deep::restart;
    let _: fn(u32) -> daemon::Result<std::convert::Infallible> = deep::foreground;
}
