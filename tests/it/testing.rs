//! `daemon::testing`: bodies that a program's own tests run in the test process.

use std::future::pending;
use std::os::fd::AsRawFd;
use std::panic::catch_unwind;
use std::thread;
use std::time::{Duration, Instant};

use daemon::testing::{Ended, stop_after, stop_after_async};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

const HOUR: Duration = Duration::from_secs(3600);
const STOP_DELAY: Duration = Duration::from_millis(20);

#[test]
fn body_that_looks_returns_after_the_stop_and_not_before() {
    for _ in 0..3 {
        let begin = Instant::now();
        let ended = stop_after(STOP_DELAY, || {
            while !daemon::stopping() {
                thread::yield_now();
            }
            "stopped"
        });
        assert_eq!(ended, Ended::Stopped("stopped"));
        assert!(begin.elapsed() >= STOP_DELAY);
        assert_eq!(stop_after(STOP_DELAY, || daemon::sleep(HOUR)), Ended::Stopped(false));
        assert_eq!(stop_after(HOUR, || 7), Ended::Early(7));
        assert!(!daemon::stopping(), "the stop is forgotten");
    }
}

#[test]
fn body_that_sleeps_on_is_unwound_and_its_locals_are_dropped() {
    struct Guard(std::sync::mpsc::Sender<()>);
    impl Drop for Guard {
        fn drop(&mut self) {
            self.0.send(()).expect("the test waits");
        }
    }
    let (sender, dropped) = std::sync::mpsc::channel();
    let ended = stop_after(STOP_DELAY, move || -> () {
        let _guard = Guard(sender);
        loop {
            daemon::sleep(HOUR);
        }
    });
    assert_eq!(ended, Ended::Unwound);
    dropped.try_recv().expect("dropped before the end was told");
}

#[test]
fn local_that_sleeps_while_the_body_is_unwound_takes_its_time() {
    struct Slow;
    impl Drop for Slow {
        fn drop(&mut self) {
            assert!(!daemon::sleep(STOP_DELAY), "the daemon is to stop");
        }
    }
    let begin = Instant::now();
    let ended = stop_after(Duration::ZERO, || -> () {
        let _slow = [Slow, Slow];
        loop {
            daemon::sleep(HOUR);
        }
    });
    assert_eq!(ended, Ended::Unwound);
    assert!(begin.elapsed() >= 2 * STOP_DELAY);
}

#[test]
fn stop_reaches_other_threads_and_wait_handles() {
    let ended = stop_after(STOP_DELAY, || {
        let helper = thread::spawn(|| daemon::sleep(HOUR));
        let handle = daemon::wait_handle().expect("a handle");
        let mut fds = [PollFd::new(handle, PollFlags::POLLIN)];
        let count = poll(&mut fds, PollTimeout::NONE).expect("a poll");
        (count, handle.as_raw_fd() > 2, helper.join().expect("it returns"))
    });
    assert_eq!(ended, Ended::Stopped((1, true, false)));
    // The next body's handle does not report a stop from the start.
    let ended = stop_after(HOUR, || {
        let mut fds = [PollFd::new(daemon::wait_handle().expect("a handle"), PollFlags::POLLIN)];
        poll(&mut fds, PollTimeout::ZERO).expect("a poll")
    });
    assert_eq!(ended, Ended::Early(0));
}

#[test]
fn thread_that_outlives_a_body_sees_the_next_stop() {
    let (work, jobs) = std::sync::mpsc::channel::<std::sync::mpsc::Sender<bool>>();
    let pool = thread::spawn(move || {
        for done in jobs {
            done.send(daemon::sleep(HOUR)).expect("the body waits");
        }
    });
    for _ in 0..2 {
        let work = work.clone();
        let ended = stop_after(STOP_DELAY, move || {
            let (sender, done) = std::sync::mpsc::channel();
            work.send(sender).expect("the thread lives");
            done.recv()
        });
        assert_eq!(ended, Ended::Stopped(Ok(false)));
    }
    drop(work);
    pool.join().expect("the thread ends");
}

#[test]
fn async_body_is_stopped_or_dropped_where_it_awaits() {
    for _ in 0..2 {
        assert_eq!(stop_after_async(STOP_DELAY, async || daemon::stopped().await), Ended::Stopped(()));
        assert_eq!(stop_after_async(STOP_DELAY, async || daemon::sleep_async(HOUR).await), Ended::Stopped(false));
        assert_eq!(stop_after_async(STOP_DELAY, pending::<()>), Ended::Unwound);
        let sleeps_on = async || loop {
            daemon::sleep_async(HOUR).await;
        };
        assert_eq!(stop_after_async(STOP_DELAY, sleeps_on), Ended::<()>::Unwound);
        assert_eq!(stop_after_async(HOUR, async || 7), Ended::Early(7));
    }
}

#[test]
fn panic_of_a_body_is_the_panic_of_its_test() {
    let panic = catch_unwind(|| stop_after(HOUR, || panic!("no paper"))).map(|_: Ended<()>| ()).unwrap_err();
    assert_eq!(panic.downcast_ref::<&str>(), Some(&"no paper"));
    assert_eq!(stop_after(HOUR, || 7), Ended::Early(7));
}
