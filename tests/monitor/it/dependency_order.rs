//! The order in which bots stop and start when some between them do not run: waiting, failed or finished.

use std::time::{Duration, Instant};

use crate::common::{begin, lab, lines, number, process, start, state, status, stop, tell, wait_for, write_bots};
use look::Lab;
use nix::sys::signal::Signal;

/// The stop timeout of a bot in these tests. A stop that waits for a bot without a process takes at least as long.
const STOP: Duration = Duration::from_secs(30);

/// Below [`STOP`], and enough for processes to end on a busy machine.
const AT_ONCE: Duration = Duration::from_secs(20);

/// Returns a script that writes its name to `up` and becomes ready, and at its stop runs `at_end` and writes its name
/// to `ends`.
fn script(name: &str, at_end: &str) -> String {
    format!(
        "trap '{at_end} echo {name} >> LAB/ends; exit' TERM; echo {name} >> LAB/up; echo is up; \
         while :; do sleep 0.02; done"
    )
}

/// Returns a bot with that script, which is ready once it is up unless these settings say otherwise.
fn bot(name: &str, settings: &str) -> String {
    format!(
        r#"{name} = {{ command = "/bin/sh", args = ["-c", "{}"], ready = {{ output = "up" }}, stop = {{ signal = "TERM", timeout = "{}ms" }}, {settings} }}"#,
        script(name, ""),
        STOP.as_millis()
    )
}

/// Returns such a bot that is never ready.
fn never_ready(name: &str) -> String {
    bot(name, "").replace(r#"output = "up""#, r#"output = "never""#)
}

/// Returns a bot that ends only once there is a file `go`.
fn held(name: &str, settings: &str) -> String {
    let until = "until [ -e LAB/go ]; do sleep 0.02; done;";
    format!(
        r#"{name} = {{ command = "/bin/sh", args = ["-c", "{}"], ready = {{ output = "up" }}, stop = {{ signal = "TERM", timeout = "{}ms" }}, {settings} }}"#,
        script(name, until),
        STOP.as_millis()
    )
}

/// Returns a job that finishes at once, and writes to `runs`.
fn job(name: &str, settings: &str) -> String {
    format!(
        r#"{name} = {{ command = "BOT", args = ["append:LAB/runs:{name}"], ready = "exit", stop = {{ signal = "TERM", timeout = "{}ms" }}, {settings} }}"#,
        STOP.as_millis()
    )
}

/// Returns a job that fails and is not retried.
fn failing(name: &str, settings: &str) -> String {
    format!(
        r#"{name} = {{ command = "BOT", args = ["exit:1"], ready = "exit", restart = "never", {settings} stop = {{ signal = "TERM", timeout = "{}ms" }} }}"#,
        STOP.as_millis()
    )
}

#[track_caller]
fn start_all(lab: &Lab, bots: &[String]) {
    start(lab, &bots.iter().map(String::as_str).collect::<Vec<_>>());
}

/// Runs something that must not wait for a bot without a process.
#[track_caller]
fn at_once<T>(act: impl FnOnce() -> T) -> T {
    let begin = Instant::now();
    let done = act();
    let took = begin.elapsed();
    assert!(took < AT_ONCE, "waited for a bot that does not run: {took:?}");
    done
}

/// Returns the database of the documentation, its migration, and the server that needs both.
fn database_migration_server() -> [String; 3] {
    [bot("db", ""), job("migrate", r#"depends_on = ["db"],"#), bot("web", r#"depends_on = ["migrate"],"#)]
}

/// Returns a database that never becomes ready, and a chain of bots that wait for it.
fn chain_that_waits() -> Vec<String> {
    let mut bots = vec![never_ready("db")];
    for (name, below) in [("w1", "db"), ("w2", "w1"), ("w3", "w2"), ("w4", "w3")] {
        bots.push(bot(name, &format!(r#"depends_on = ["{below}"],"#)));
    }
    bots
}

/// Promise 6.28.
#[test]
fn shutdown_with_chain_of_waiting_bots_stops_the_database_at_once() {
    let lab = lab();
    start_all(&lab, &chain_that_waits());
    lines(&lab, "up", 1);
    wait_for(&lab, "w4", "waiting");
    at_once(|| stop(&lab));
    assert_eq!(lab.read("ends"), "db\n", "the database was killed");
}

/// Promise 6.28.
#[test]
fn stop_below_chain_of_waiting_bots_is_done_at_once() {
    let lab = lab();
    start_all(&lab, &chain_that_waits());
    lines(&lab, "up", 1);
    at_once(|| tell(&lab, "stop --wait=60s db"));
    assert_eq!(["db", "w1", "w2", "w3", "w4"].map(|bot| state(&lab, bot)), ["stopped"; 5].map(str::to_owned));
    assert_eq!((lab.read("ends").as_str(), number(&status(&lab, "db"), "kill")), ("db\n", 0));
    // A `destroy` and a reload that removes the bots complete at once, too.
    begin(&lab, "start w4");
    lines(&lab, "up", 2);
    at_once(|| tell(&lab, "destroy --wait=60s db"));
    begin(&lab, "start w4");
    lines(&lab, "up", 3);
    wait_for(&lab, "w4", "waiting");
    write_bots(&lab, &[r#"other = { command = "BOT", args = ["idle"] }"#]);
    tell(&lab, "reload");
    at_once(|| lines(&lab, "ends", 2));
    at_once(|| stop(&lab));
}

/// Promise 6.28.
#[test]
fn shutdown_passes_bots_that_failed_or_back_off() {
    let lab = lab();
    start_all(
        &lab,
        &[
            bot("db", ""),
            // The database exits while bots that depend on it run.
            format!(
                r#"app = {{ command = "/bin/sh", args = ["-c", 'until [ "$$(wc -l < LAB/up)" -ge 3 ]; do sleep 0.02; done; exit 1'], depends_on = ["db"], backoff = {{ first = "600s", cap = "600s", jitter = 0.0 }}, limit = {{ exits = 9, window = "600s" }}, stop = {{ signal = "TERM", timeout = "{}ms" }} }}"#,
                STOP.as_millis()
            ),
            bot("web", r#"depends_on = ["app"],"#),
            bot("edge", r#"depends_on = ["web"],"#),
            failing("job", ""),
            bot("late", r#"depends_on = ["job"],"#),
            bot("later", r#"depends_on = ["late"],"#),
            format!(
                r#"broken = {{ command = "BOT", args = ["exit:1"], ready = {{ output = "never" }}, limit = {{ exits = 0, window = "600s" }}, stop = {{ signal = "TERM", timeout = "{}ms" }} }}"#,
                STOP.as_millis()
            ),
            bot("last", r#"depends_on = ["broken"],"#),
        ],
    );
    lines(&lab, "up", 3);
    wait_for(&lab, "app", "backing-off");
    wait_for(&lab, "job", "failed");
    wait_for(&lab, "broken", "gave-up");
    at_once(|| stop(&lab));
    assert_eq!(lab.read("ends"), "edge\nweb\ndb\n");
}

/// Promise 6.29.
#[test]
fn shutdown_with_finished_job_stops_the_server_before_the_database() {
    let lab = lab();
    let [db, migrate, _] = database_migration_server();
    let slow = format!(
        r#"web = {{ command = "/bin/sh", args = ["-c", "{}"], depends_on = ["migrate"], stop = {{ signal = "TERM", timeout = "{}ms" }} }}"#,
        script("web", "sleep 0.5;"),
        STOP.as_millis()
    );
    start_all(&lab, &[db, migrate, slow]);
    assert_eq!(lines(&lab, "up", 2), ["db", "web"]);
    at_once(|| stop(&lab));
    assert_eq!(lab.read("ends"), "web\ndb\n");
}

/// Promise 6.29.
#[test]
fn stop_below_finished_job_stops_the_server_before_the_database() {
    let lab = lab();
    start_all(&lab, &database_migration_server());
    lines(&lab, "up", 2);
    at_once(|| tell(&lab, "stop --wait=60s db"));
    assert_eq!(lab.read("ends"), "web\ndb\n");
    assert_eq!(["db", "migrate", "web"].map(|bot| state(&lab, bot)), ["stopped"; 3].map(str::to_owned));
    // The start brings up everything that the server needs, including the migration.
    assert!(tell(&lab, "start --wait=60s web").starts_with("web: running"));
    assert_eq!(
        (lines(&lab, "up", 4)[2..].to_vec(), lines(&lab, "runs", 2).len()),
        (vec!["db".into(), "web".into()], 2)
    );
    stop(&lab);
}

/// Promise 6.29.
#[test]
fn restart_below_finished_job_takes_the_server_along_and_runs_the_job_once() {
    let lab = lab();
    let [db, migrate, _] = database_migration_server();
    start_all(&lab, &[db, migrate, held("web", r#"depends_on = ["migrate"],"#)]);
    lines(&lab, "up", 2);
    wait_for(&lab, "web", "running");
    let web = process(&lab, "web");
    lab.write("go", "");
    at_once(|| tell(&lab, "restart --wait=60s db"));
    assert_eq!(lines(&lab, "up", 4)[2..], ["db", "web"]);
    assert_eq!(lab.read("ends"), "web\ndb\n");
    assert_ne!(process(&lab, "web"), web);
    // A restart of the server meanwhile does not run the job again.
    std::fs::remove_file(lab.path("go")).unwrap();
    wait_for(&lab, "web", "running");
    begin(&lab, "restart db");
    wait_for(&lab, "web", "stopping");
    begin(&lab, "restart web");
    lab.write("go", "");
    assert_eq!(lines(&lab, "up", 6)[4..], ["db", "web"]);
    wait_for(&lab, "web", "running");
    assert_eq!((state(&lab, "migrate"), lab.read("runs")), ("exited".to_owned(), "migrate\n".to_owned()));
    stop(&lab);
}

/// Promise 6.29.
#[test]
fn server_behind_finished_job_starts_only_with_its_database() {
    let lab = lab();
    let [_, migrate, web] = database_migration_server();
    start_all(
        &lab,
        &[
            bot(
                "db",
                r#"backoff = { first = "600s", cap = "600s", jitter = 0.0 }, limit = { exits = 9, window = "600s" },"#,
            ),
            migrate,
            web,
        ],
    );
    lines(&lab, "up", 2);
    // The first restart happens at once, the second one after the backoff.
    process(&lab, "db").signal(Signal::SIGKILL);
    lines(&lab, "up", 3);
    process(&lab, "db").signal(Signal::SIGKILL);
    wait_for(&lab, "db", "backing-off");
    process(&lab, "web").signal(Signal::SIGKILL);
    let waits = wait_for(&lab, "web", "waiting");
    assert!(waits.contains("waits for `db`"), "{waits}");
    assert_eq!(state(&lab, "migrate"), "exited");
    // A manual start of a waiting bot starts what it needs, through the job.
    tell(&lab, "stop --wait=60s db");
    tell(&lab, "start --wait=60s migrate");
    process(&lab, "db").signal(Signal::SIGKILL);
    lines(&lab, "up", 5);
    assert!(tell(&lab, "start --wait=60s web").starts_with("web: running"));
    stop(&lab);
}

/// Promise 6.29. A bot that is down and was inserted between others by a reload keeps the order, too.
#[test]
fn stop_passes_stopped_bot_between_running_ones_in_order() {
    let lab = lab();
    let (db, web) = (bot("db", ""), bot("web", ""));
    start_all(&lab, &[db.clone(), web]);
    lines(&lab, "up", 2);
    let bots = [db, bot("mid", r#"depends_on = ["db"], autostart = false,"#), bot("web", r#"depends_on = ["mid"],"#)];
    write_bots(&lab, &bots.iter().map(String::as_str).collect::<Vec<_>>());
    tell(&lab, "reload");
    at_once(|| tell(&lab, "stop --wait=60s db"));
    assert_eq!(lab.read("ends"), "web\ndb\n");
    stop(&lab);
}

/// Promise 6.29. Otherwise the database would stop below the running bot.
#[test]
fn start_during_a_restart_below_restarts_with_it() {
    let lab = lab();
    let edge = held("edge", r#"depends_on = ["web"],"#);
    start_all(
        &lab,
        &[bot("db", ""), job("migrate", r#"depends_on = ["db"],"#), bot("web", r#"depends_on = ["migrate"],"#), edge],
    );
    lines(&lab, "up", 3);
    begin(&lab, "restart db");
    wait_for(&lab, "edge", "stopping");
    begin(&lab, "stop web");
    begin(&lab, "start web");
    lab.write("go", "");
    assert_eq!(lines(&lab, "up", 5)[3..], ["db", "web"]);
    wait_for(&lab, "edge", "stopped");
    assert_eq!(lab.read("ends"), "edge\nweb\ndb\n");
    assert_eq!((state(&lab, "edge"), lab.read("runs")), ("stopped".to_owned(), "migrate\n".to_owned()));
    stop(&lab);
}
