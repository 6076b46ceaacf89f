//! A program whose `main` returns the error of a start, which Rust prints with `Debug`.
#![deny(unsafe_code)]

#[daemon::run(pidfile = look::in_lab("d.pid"), ready = manual)]
fn failing() -> Result<(), String> {
    println!("opening");
    eprintln!("no such file\x1b[2J");
    Err("no table".to_owned())
}

fn main() -> daemon::Result<()> {
    failing()?;
    Ok(())
}
