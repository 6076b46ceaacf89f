//! The wall clock steps, and the monitor is not affected.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::time::{Duration, SystemTime};

use look::{Lab, Process};

use crate::common::{EMBEDDED, EVENT_TIMEOUT, begin, lab, lines, state, stop, tell, time_left, wait_for, write_bots};

/// A library to preload, which shifts the wall clock by the number of seconds in the file `shift` of the lab, and the timer of a
/// schedule with it: the timer is due when the clock steps, as with `TFD_TIMER_CANCEL_ON_SET`. All other clocks are unchanged.
const SHIM: &str = r#"
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

static volatile long long *shift;

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("CLOCK_SHIFT");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0) return;
    void *map = mmap(0, sizeof *shift, PROT_READ, MAP_SHARED, file, 0);
    if (map != MAP_FAILED) shift = map;
    close(file);
}

int clock_gettime(clockid_t clock, struct timespec *time) {
    int outcome = syscall(SYS_clock_gettime, clock, time);
    if (outcome == 0 && shift && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) time->tv_sec += *shift;
    return outcome;
}

int gettimeofday(struct timeval *restrict time, void *restrict zone) {
    struct timespec now;
    (void)zone;
    if (clock_gettime(CLOCK_REALTIME, &now)) return -1;
    time->tv_sec = now.tv_sec;
    time->tv_usec = now.tv_nsec / 1000;
    return 0;
}

static volatile int wall_timer = -1;

/* Makes the timer due for a while after each step: the program may set it for a time that it has read before. */
static void *watch(void *unused) {
    const struct itimerspec due = {.it_value = {.tv_nsec = 1}};
    const struct timespec pause = {.tv_nsec = 5000000};
    long long seen = *shift;
    for (int left = 0;; left -= left > 0) {
        if (*shift != seen) left = 40;
        seen = *shift;
        if (left > 0) syscall(SYS_timerfd_settime, wall_timer, TFD_TIMER_ABSTIME, &due, NULL);
        nanosleep(&pause, NULL);
    }
    return unused;
}

int timerfd_settime(int fd, int flags, const struct itimerspec *value, struct itimerspec *old) {
    struct itimerspec at = *value;
    if (shift && flags & TFD_TIMER_CANCEL_ON_SET) {
        at.it_value.tv_sec -= *shift;
        if (at.it_value.tv_sec < 0) at.it_value = (struct timespec){.tv_nsec = 1};
        if (wall_timer < 0) {
            pthread_t thread;
            sigset_t all, before;
            wall_timer = fd;
            sigfillset(&all);
            pthread_sigmask(SIG_SETMASK, &all, &before);
            pthread_create(&thread, NULL, watch, NULL);
            pthread_sigmask(SIG_SETMASK, &before, NULL);
        }
    }
    return syscall(SYS_timerfd_settime, fd, flags, &at, old);
}

time_t time(time_t *to) {
    struct timespec now;
    if (clock_gettime(CLOCK_REALTIME, &now)) return -1;
    if (to) *to = now.tv_sec;
    return now.tv_sec;
}
"#;

const YEAR: i64 = 365 * 24 * 3600;

/// Shifts the wall clock of the lab's programs by this many seconds.
fn step(lab: &Lab, seconds: i64) {
    let file = File::options().write(true).create(true).truncate(false).open(lab.path("shift")).unwrap();
    file.write_all_at(&seconds.to_ne_bytes(), 0).unwrap();
}

/// Starts a monitor of these bots whose wall clock can be stepped.
fn start_shifted(lab: &Lab, bots: &[&str]) -> Process {
    step(lab, 0);
    start_with_shim(lab, bots)
}

/// Starts a monitor of these bots with this wall clock, which can be stepped.
fn start_shifted_at(lab: &Lab, bots: &[&str], at: i64) -> Process {
    set_clock(lab, at);
    start_with_shim(lab, bots)
}

fn start_with_shim(lab: &Lab, bots: &[&str]) -> Process {
    lab.write("shim.c", SHIM);
    lab.command("gcc", &["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", "shim.so", "shim.c"]).run().ok();
    write_bots(lab, bots);
    let preload = |name: &str| lab.path(name).display().to_string();
    lab.command(EMBEDDED, &["start"])
        .env("LD_PRELOAD", preload("shim.so"))
        .env("CLOCK_SHIFT", preload("shift"))
        .run()
        .ok();
    lab.daemon(crate::common::PIDFILE)
}

/// Returns the times of the starts, on the monotonic clock.
fn starts(lab: &Lab, file: &str, count: usize) -> Vec<Duration> {
    let nanos = |line: &String| line.split(' ').nth(1).unwrap().parse().unwrap();
    lines(lab, file, count).iter().map(|line| Duration::from_nanos(nanos(line))).collect()
}

/// Returns the year that the monitor writes before a line now.
fn year(lab: &Lab, count: usize) -> i64 {
    tell(lab, "restart --wait=20s teller");
    lines(lab, "teller.stamped", count)[count - 1].split('-').next().unwrap().parse().unwrap()
}

/// Promises 6.01, 6.17. Neither waits, nor the window of the limit, nor stop timeouts depend on the wall clock.
#[test]
fn step_of_the_wall_clock_changes_nothing() {
    let lab = lab();
    start_shifted(
        &lab,
        &[
            r#"teller = { command = "BOT", args = ["print:now", "idle"], restart = "never", stdout = { file = "LAB/teller.stamped", timestamps = true } }"#,
            r#"loop = { command = "BOT", args = ["stamp:LAB/loop", "exit:1"], limit = { exits = 5, window = "1h" }, backoff = { first = "1500ms", cap = "1500ms", jitter = 0.0 } }"#,
            r#"stubborn = { command = "BOT", args = ["ignore:TERM", "touch:LAB/ignores", "idle"], stop = { signal = "TERM", timeout = "1500ms" } }"#,
            r#"slow = { command = "BOT", args = ["idle"], limit = { exits = 0, window = "1s" }, ready = { output = "never" }, ready_timeout = "4s" }"#,
        ],
    );
    let now = lines(&lab, "teller.stamped", 1)[0].split('-').next().unwrap().parse::<i64>().unwrap();
    // Two starts at once, and then a wait: a step forward does not end it, a step back does not prolong it.
    starts(&lab, "loop", 2);
    step(&lab, 20 * YEAR);
    assert!((19..=20).contains(&(year(&lab, 2) - now)), "the clock of the monitor was not stepped");
    starts(&lab, "loop", 3);
    step(&lab, -20 * YEAR);
    assert!((19..=21).contains(&(now - year(&lab, 3))), "the clock of the monitor was not stepped");
    starts(&lab, "loop", 4);
    // A stop takes its timeout, and no longer.
    lab.wait_for("ignores", EVENT_TIMEOUT, |_| true);
    let before = look::now();
    begin(&lab, "stop stubborn");
    step(&lab, 20 * YEAR);
    assert_eq!(state(&lab, "stubborn"), "stopping");
    wait_for(&lab, "stubborn", "stopped");
    let took = look::now().saturating_sub(before);
    assert!((Duration::from_millis(1500)..EVENT_TIMEOUT).contains(&took), "{took:?}");
    step(&lab, -20 * YEAR);
    // All six exits are in the window: the bot is given up, for an hour.
    let told = wait_for(&lab, "loop", "gave-up");
    assert!(told.contains("ended 6 times"), "{told}");
    step(&lab, 0);
    let left = time_left(&lab, "loop");
    assert!((Duration::from_secs(3500)..=Duration::from_secs(3600)).contains(&left), "{left:?}");
    let starts = starts(&lab, "loop", 6);
    assert_eq!(starts.len(), 6);
    for (at, pair) in starts.windows(2).enumerate().skip(1) {
        let wait = pair[1].saturating_sub(pair[0]);
        assert!((Duration::from_millis(1500)..EVENT_TIMEOUT).contains(&wait), "wait {at}: {wait:?}");
    }
    wait_for(&lab, "slow", "gave-up");
    stop(&lab);
}

const HOUR: i64 = 3600;

/// 2030-06-03T00:00:00Z, a Monday.
const DAY: i64 = 1_906_675_200;

/// Sets the wall clock of the lab's programs.
fn set_clock(lab: &Lab, at: i64) {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    // The next second is the first that is shown.
    step(lab, at - i64::try_from(now.as_secs()).unwrap());
}

/// Promises 6.56, 6.88. `second` shows that time passes for the schedules, which is waited for.
#[test]
fn schedules_go_on_after_steps_of_the_wall_clock_and_repeat_nothing() {
    let lab = lab();
    let job = |name: &str, schedule: &str| {
        format!(
            r#"{name} = {{ command = "/bin/sh", args = ["-c", "echo run >> LAB/{name}"], restart = "never", autostart = false, ready = "exit", schedule = {schedule} }}"#
        )
    };
    let bots = [
        job("second", r#"{ cron = "* * * * * *", time_zone = "UTC" }"#),
        job("hourly", r#"{ cron = "0 * * * *", time_zone = "UTC" }"#),
        job("daily", r#"{ cron = "0 12 * * *", time_zone = "UTC" }"#),
        job("caught-up", r#"{ cron = "0 12 * * *", time_zone = "UTC", missed = "run" }"#),
        job("period", r#"{ every = "1h" }"#),
    ];
    let runs = |name: &str| lab.read(name).lines().count();
    let counts = || ["hourly", "daily", "caught-up", "period"].map(runs);
    // After this number of seconds all that is due at a moment has begun, and has written its line.
    let wait = |seconds: usize| drop(lines(&lab, "second", runs("second") + seconds));
    start_shifted_at(&lab, &bots.each_ref().map(String::as_str), DAY + 11 * HOUR + 1800);
    set_clock(&lab, DAY + 12 * HOUR - 2);
    lines(&lab, "hourly", 1);
    wait(2);
    assert_eq!(counts(), [1, 1, 1, 0]);
    // A little back: the same minute comes again, and no run with it.
    set_clock(&lab, DAY + 12 * HOUR - 2);
    wait(5);
    assert_eq!(counts(), [1, 1, 1, 0]);
    // Back by an hour and some: intervals go on, and are not shortened.
    set_clock(&lab, DAY + 11 * HOUR - 2);
    wait(5);
    assert_eq!(counts(), [1, 1, 1, 0]);
    set_clock(&lab, DAY + 12 * HOUR - 2);
    lines(&lab, "hourly", 2);
    wait(2);
    assert_eq!(counts(), [2, 1, 1, 0]);
    // Forwards by days: what was missed is left out, or made up for once.
    set_clock(&lab, DAY + 5 * 24 * HOUR + 13 * HOUR + 1800);
    lines(&lab, "caught-up", 2);
    wait(3);
    assert_eq!(counts(), [2, 1, 2, 0]);
    lab.wait_for("m.log", EVENT_TIMEOUT, |log| log.contains("bot `daily`: a run of its schedule was missed"));
    // It was wrong by days: its times count as they come.
    set_clock(&lab, DAY + 24 * HOUR + 12 * HOUR - 2);
    for (name, count) in [("hourly", 3), ("daily", 2), ("caught-up", 3)] {
        lines(&lab, name, count);
    }
    wait(3);
    assert_eq!(counts(), [3, 2, 3, 0]);
    stop(&lab);
}
