//! Bodies that spawn tasks.

use crate::bodies::{await_file, clean_up, note_and_block, perform};
use look::actions::{self, Fallible, Guard, HOUR, note};
use std::future::{self};

/// Leaves two tasks to the daemon: one that is pending forever, and one that sleeps.
pub(crate) async fn spawn_two_tasks() -> Fallible {
    tokio::spawn(hang_with_guard("one"));
    tokio::spawn(async {
        let _guard = Guard("two".to_owned());
        tokio::time::sleep(HOUR).await;
    });
    await_file("one-runs").await?;
    note("begun")?;
    future::pending().await
}

async fn hang_with_guard(name: &str) -> Fallible {
    let _guard = Guard(name.to_owned());
    note(&format!("{name}-runs"))?;
    future::pending().await
}

/// Ends before its task, by an error, a panic or a return.
pub(crate) async fn spawn_task_and_end(how: String) -> Fallible {
    tokio::spawn(hang_with_guard("task"));
    await_file("task-runs").await?;
    note("begun")?;
    await_file("go").await?;
    match &*how {
        "error" => Err("no paper".into()),
        "panic" => panic!("no ink"),
        _ => Ok(()),
    }
}

/// Ends after its task, which sees the stop.
pub(crate) async fn spawn_task_that_cleans_up() -> Fallible {
    tokio::spawn(async {
        note("begun")?;
        daemon::stopped().await;
        clean_up().await
    });
    await_file("cleaned").await
}

pub(crate) async fn spawn_task_that_blocks() -> Fallible {
    tokio::spawn(note_and_block("begun".to_owned()));
    future::pending().await
}

pub(crate) async fn spawn_task_that_gets_ready() -> Fallible {
    tokio::spawn(perform(actions::parse("pause:300,say:hello,ready,note:begun")));
    future::pending().await
}
