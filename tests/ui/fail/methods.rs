//! The verbs belong to the companion, not to the function.

#[daemon::run]
fn sleepy(idle: u64) {
    println!("{idle}");
}

fn main() {
    sleepy.stop();
    sleepy.restart(20);
}
