//! Daemons on demand and launches by exec, and their clients, for the tests.

mod exec;

fn main() {
    daemon::exec::init();
    let mut arguments = std::env::args().skip(1);
    match arguments.next().as_deref() {
        Some("exec") => exec::run(arguments),
        other => panic!("{other:?} is not a helper"),
    }
}
