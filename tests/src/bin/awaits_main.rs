//! A daemon whose `main` is annotated, awaits, and never returns.
#![deny(unsafe_code)]

use std::time::Duration;

use look::actions::Guard;

#[daemon::run(pidfile = look::in_lab("d.pid"), runtime = current_thread, ready = manual)]
async fn main() -> ! {
    let _guard = Guard("left".to_owned());
    tokio::task::yield_now().await;
    let _ = daemon::ready();
    loop {
        daemon::sleep_async(Duration::from_secs(3600)).await;
    }
}
