//! Mistakes in the body are the compiler's to tell, where they are.

#[daemon::run]
fn sleepy(idle: u64) -> Result<(), std::io::Error> {
    let text: String = idle;
    undefined(text);
    Ok(3)
}

#[daemon::step]
fn tick(count: &mut u64) {
    count += 1;
}

fn main() -> daemon::Result<()> {
    sleepy("x")?;
    tick(3u8)?;
    Ok(())
}
