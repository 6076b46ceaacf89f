//! Arguments that a step cannot receive repeatedly.

struct Once;

struct Config<'a>(&'a str);

#[daemon::step]
fn by_value(_once: Once) {}

#[daemon::step]
fn left_out(config: &Config) {
    println!("{}", config.0);
}

fn main() -> daemon::Result<()> {
    by_value(Once)?;
    Ok(())
}
