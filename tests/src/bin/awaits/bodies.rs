//! The async bodies, steps, handlers and receipts of the tests: functions by name, or a list of [`actions`], which are
//! awaited where they wait.

use std::future::{self, Future};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use look::actions::{self, Action, Failure, Fallible, Guard, HOUR, note};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

use crate::tasks::{
    spawn_task_and_end, spawn_task_that_blocks, spawn_task_that_cleans_up, spawn_task_that_gets_ready, spawn_two_tasks,
};

type Running = Pin<Box<dyn Future<Output = Fallible> + Send>>;

/// Calls the function that the test names: one without an argument, or one that takes the text after `name:`.
macro_rules! call {
    ($name:expr, $argument:expr; $($plain:ident,)* ; $($with:ident,)*) => {
        match $name {
            $(stringify!($plain) => Some(Box::pin($plain()) as Running),)*
            $(stringify!($with) => Some(Box::pin($with($argument)) as Running),)*
            _ => None,
        }
    };
}

/// Runs a function with the text after its name, or performs actions in order, up to the first error.
pub(crate) fn run(text: &str) -> Running {
    let (name, argument) = text.split_once(':').unwrap_or((text, ""));
    let function = call!(
        name, argument.to_owned();
        block_on_go,
        stop_itself,
        stop_on_go,
        count_steps,
        note_hangups,
        await_stop_in_another_runtime,
        sleep_ignoring_stop,
        block_ignoring_stop,
        fetch_ignoring_stop,
        fetch_until_stop,
        fetch_with_guard,
        two_sleeps_ignoring_stop,
        two_sleeps_and_clean_up,
        sleep_and_clean_up,
        sleep_while_cleaning_up,
        await_stop_beside_work_and_clean_up,
        spawn_two_tasks,
        spawn_task_that_cleans_up,
        spawn_task_that_blocks,
        spawn_task_that_gets_ready,
        ;
        note_and_block,
        block_thread_and_end,
        spawn_task_and_end,
    );
    function.unwrap_or_else(|| perform(actions::parse(text)))
}

pub(crate) fn perform(words: Result<Vec<Action>, Failure>) -> Running {
    Box::pin(async move {
        for word in words? {
            match word {
                Action::Idle => daemon::stopped().await,
                Action::Hang => future::pending().await,
                Action::Await(file) => await_file(&file).await?,
                Action::Pause(time) => tokio::time::sleep(time).await,
                other => other.perform()?,
            }
        }
        Ok(())
    })
}

/// Returns the output of a future that is ready when polled first, and an error otherwise.
pub(crate) fn at_once<T>(future: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(outcome) => outcome,
        Poll::Pending => Err("this can only be awaited".into()),
    }
}

/// Waits in a thread beside the runtime until a file exists.
pub(crate) async fn await_file(file: &str) -> Fallible {
    let (file, (found, exists)) = (file.to_owned(), oneshot::channel());
    thread::spawn(move || found.send(actions::await_file(&file)));
    exists.await?
}

async fn pause(milliseconds: u64) {
    tokio::time::sleep(Duration::from_millis(milliseconds)).await;
}

/// Blocks its thread of the runtime forever.
pub(crate) async fn note_and_block(file: String) -> Fallible {
    note(&file)?;
    actions::hang()
}

async fn block_on_go() -> Fallible {
    await_file("go").await?;
    note_and_block("begun".to_owned()).await
}

/// Blocks one of the runtime's blocking threads forever, then returns, panics or hangs as `how` says.
async fn block_thread_and_end(how: String) -> Fallible {
    tokio::task::spawn_blocking(|| actions::hang());
    note("begun")?;
    match &*how {
        "hang" => future::pending().await,
        "panic" => {
            daemon::stopping();
            panic!("no ink")
        }
        _ => pause(10).await,
    }
    Ok(())
}

async fn stop_itself() -> Fallible {
    print!("working");
    daemon::stop();
    future::pending().await
}

/// Stops the daemon from a handler, and returns 100 ms later.
async fn stop_on_go() -> Fallible {
    await_file("go").await?;
    daemon::stop();
    pause(100).await;
    Ok(note("stopped")?)
}

/// Writes the number of steps done to the file `steps`.
async fn count_steps() -> Fallible {
    std::fs::write(look::in_lab("steps"), format!("{}\n", daemon::messages::counters().steps))?;
    note("begun")?;
    pause(10).await;
    Ok(())
}

/// Notes each SIGHUP that a tokio task receives.
async fn note_hangups() -> Fallible {
    let mut hangups = signal(SignalKind::hangup())?;
    tokio::spawn(async move {
        while hangups.recv().await.is_some() {
            let _ = note("heard");
        }
    });
    note("begun")?;
    future::pending().await
}

/// Notes the stop that the runtime of another thread sees.
async fn await_stop_in_another_runtime() -> Fallible {
    thread::spawn(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(daemon::stopped());
        let _ = note("heard");
    });
    note("begun")?;
    await_file("heard").await
}

/// Sleeps in a loop that ignores the result of each sleep.
async fn sleep_ignoring_stop() -> Fallible {
    note("begun")?;
    sleep_forever().await
}

async fn sleep_forever() -> Fallible {
    loop {
        daemon::sleep_async(HOUR).await;
    }
}

/// Sleeps in the same loop with the blocking sleep.
async fn block_ignoring_stop() -> Fallible {
    note("begun")?;
    loop {
        daemon::sleep(HOUR);
    }
}

async fn two_sleeps_ignoring_stop() -> Fallible {
    note("begun")?;
    tokio::join!(sleep_forever(), sleep_forever()).0
}

/// Sleeps in a fetch function that ignores the stop.
async fn fetch_ignoring_stop() -> Fallible {
    note("fetching")?;
    sleep_forever().await
}

async fn fetch_until_stop() -> Fallible {
    note("fetching")?;
    sleep_until_stop().await;
    Ok(())
}

async fn fetch_with_guard() -> Fallible {
    let _guard = Guard("fetch".to_owned());
    note("fetching")?;
    future::pending().await
}

async fn sleep_until_stop() {
    while daemon::sleep_async(HOUR).await {}
}

pub(crate) async fn clean_up() -> Fallible {
    pause(200).await;
    Ok(note("cleaned")?)
}

/// Notes `begun` once the other futures of the `join!` have asked about the stop: a body that is stopped before it has
/// asked is dropped.
fn note_begun() -> impl Future<Output = std::io::Result<()>> {
    future::poll_fn(|_| Poll::Ready(note("begun")))
}

async fn sleep_and_clean_up() -> Fallible {
    let ((), begun) = tokio::join!(sleep_until_stop(), note_begun());
    begun?;
    clean_up().await
}

/// Sleeps twice at once in one task; both sleeps return at the stop.
async fn two_sleeps_and_clean_up() -> Fallible {
    let sleep_and_note = async |milliseconds, file| {
        sleep_until_stop().await;
        pause(milliseconds).await;
        note(file)
    };
    let (one, other, begun) = tokio::join!(sleep_and_note(100, "one"), sleep_and_note(200, "other"), note_begun());
    one.and(other).and(begun)?;
    Ok(note("cleaned")?)
}

/// Sleeps again after it has awaited the stop.
async fn sleep_while_cleaning_up() -> Fallible {
    note("begun")?;
    daemon::stopped().await;
    for file in ["one", "two", "cleaned"] {
        daemon::sleep_async(Duration::from_millis(10)).await;
        note(file)?;
    }
    Ok(())
}

async fn await_stop_beside_work_and_clean_up() -> Fallible {
    let ((), (), begun) = tokio::join!(pause(600), daemon::stopped(), note_begun());
    begun?;
    clean_up().await
}
