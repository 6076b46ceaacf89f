//! Annotated functions that await; each is a verb of the program.

use std::ops::ControlFlow;
use std::time::Duration;

use look::actions::{self, Guard, append};

#[daemon::run(pidfile = look::in_lab("d.pid"), worker_threads = 3)]
pub(crate) async fn serve(file: &'static str) -> Result<(), std::io::Error> {
    let _guard = Guard("left".into());
    actions::note(file)?;
    std::future::pending().await
}

/// The state that the step borrows.
pub(crate) struct State {
    pub(crate) beats: u32,
}

#[daemon::step(pidfile = look::in_lab("d.pid"), every = "10ms", runtime = current_thread)]
pub(crate) async fn beat(state: &mut State, last: u32) -> ControlFlow<()> {
    let before = state.beats;
    state.beats += 1;
    tokio::time::sleep(Duration::from_millis(1)).await;
    let _ = append("beats", &format!("{before} {} {}\n", state.beats, std::process::id()));
    if state.beats == last { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
}

async fn next_job() -> Option<u32> {
    static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    tokio::task::yield_now().await;
    Some(NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed)).filter(|job| *job < 5)
}

#[daemon::message(from = next_job, pidfile = look::in_lab("d.pid"), pool_size = 3, runtime = current_thread)]
pub(crate) async fn handle(job: u32) -> std::io::Result<()> {
    tokio::time::sleep(Duration::from_millis(1)).await;
    append("jobs", &format!("handled {job} {}\n", std::process::id()))
}
