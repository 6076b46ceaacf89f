//! Values of the wrong type show the user's expression.

struct NoName;

fn takes_two(_: u8, _: u8) {}

#[daemon::run(
    pidfile = 3 + 4,
    umask = "x".len(),
    user = NoName,
    detach = Some(3),
    signals = { HUP => takes_two, NoName => || {} },
    configure = |daemon| daemon.nothing(),
)]
fn sleepy() {}

fn main() {}
