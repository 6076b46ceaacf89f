//! Whole expansions, as files for people to read: `src/tests/snapshots/*.rs`.
//!
//! `UPDATE_SNAPSHOTS=1 cargo test -p daemonize-macros` rewrites them; then read the difference.

use std::path::PathBuf;
use std::{env, fs};

use proc_macro2::TokenStream;

use super::{expansion, tokens};
use crate::instance;
use crate::keys::Kind::{self, Message, Run, Step};

#[track_caller]
fn assert_snapshot(name: &str, kind: Kind, args: &str, item: &str) {
    assert_printed(name, expansion(kind, args, item));
}

#[track_caller]
fn assert_printed(name: &str, expansion: TokenStream) {
    let expansion = syn::parse2(expansion).expect("the expansion is no items");
    let found = prettyplease::unparse(&expansion);
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "src/tests/snapshots", &format!("{name}.rs")].iter().collect();
    if env::var_os("UPDATE_SNAPSHOTS").is_some() {
        fs::write(&path, &found).expect("the snapshot cannot be written");
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == expected,
        "the expansion differs from {}: UPDATE_SNAPSHOTS=1 rewrites it\n\n{found}",
        path.display()
    );
}

#[test]
fn nothing_but_the_attribute() {
    assert_snapshot("bare_step", Step, "", "fn tick() { count(); }");
}

#[test]
fn every_key() {
    assert_snapshot(
        "every_key",
        Step,
        r#"
            name = "sleepy", pidfile = "~/sleepy.pid", pidfile_mode = 0o644,
            signals = { SIGTERM => log_goodbye, HUP => [reload, || rotate(3)], libc::SIGUSR1 => reload, USR2 => ignore, SIGPIPE => default },
            detach = always, working_directory = "/srv", umask = 0o027, user = "www-data", group = 33,
            init_groups = true, configure = |daemon| daemon.umask(0o077), chroot = jail(), core_dumps = false,
            inherit = [3, 4], close = all, stdin = null, stdout = "/var/log/sleepy.log", stderr = keep,
            ready = manual, start_timeout = "1m", stop_timeout = "1h", grace = "1500ms", kill = false,
            hooks = { before(Umask) => prepare, after(PidFile) => [tell, show], replace(Stdio) => || {} },
            every = Duration::from_secs(1),
        "#,
        "
            /// Sleeps, and sleeps again.
            #[cfg(unix)]
            #[must_use]
            #[allow(clippy::needless_pass_by_value)]
            #[inline]
            pub(crate) fn sleepy(idle: Duration) -> ControlFlow<()> { ControlFlow::Continue(sleep(idle)) }
        ",
    );
}

#[test]
fn options_and_a_daemon_without_pidfile() {
    assert_snapshot(
        "options",
        Run,
        r#"name = config().name, pidfile = none, umask = None, user = config().user, log = "/var/log/a.log", on_output = show"#,
        "fn serve() {}",
    );
}

#[test]
fn main_is_the_program() {
    assert_snapshot("main", Run, "umask = 0", "fn main() -> anyhow::Result<()> { serve()?; Ok(()) }");
}

#[test]
fn lifetimes_and_patterns() {
    assert_snapshot(
        "lifetimes_and_patterns",
        Run,
        "",
        "pub fn serve<'a, 'b>(mut name: &'a str, Config { port, .. }: &'b Config<'a>, _: u8) -> ! where 'a: 'b { loop {} }",
    );
}

#[test]
fn arguments_lent_to_a_step() {
    assert_snapshot(
        "lent_arguments",
        Step,
        r#"every = "1s""#,
        "fn tick(state: &mut State, name: &str, limit: u64) -> Result<(), Error> { state.tick(name, limit) }",
    );
}

#[test]
fn another_companion_and_another_crate() {
    assert_snapshot("companion_and_crate", Run, "companion = Sleepy, crate = crate::facade", "fn r#type() {}");
}

#[test]
fn a_handler_of_messages_stays_what_it_is() {
    assert_snapshot(
        "message",
        Message,
        r#"from = next_job, pool_size = 8, idle_time = "50ms", grace = "1m", nack_timeout = "3s", retry = { delay = "200ms", attempts = limit() }"#,
        "
            /// Does a job.
            #[cfg(unix)]
            #[allow(clippy::needless_pass_by_value)]
            #[inline]
            pub(crate) fn handle(Job { id, .. }: Job<'_>) -> anyhow::Result<()> { work(id) }
        ",
    );
}

#[test]
fn a_handler_after_errors() {
    assert_snapshot("message_errors", Message, "pool_size = 0", "pub fn handle(job: &Job) -> u8 { job.run() }");
}

#[test]
#[cfg(feature = "control")]
fn daemons_with_an_endpoint() {
    assert_snapshot("control", Run, "control", "pub fn serve() { body() }");
    assert_snapshot(
        "control_endpoint",
        Message,
        r#"from = next, control = Endpoint::from("127.0.0.1:0").on("add", add), umask = 0o022"#,
        "fn handle(job: Job) {}",
    );
}

#[test]
fn after_errors() {
    assert_snapshot(
        "errors",
        Run,
        r#"pid_file = "x", umask = 22, kill = false"#,
        "fn sleepy(idle: u64) -> u64 { nap(idle) }",
    );
}

#[test]
#[cfg(feature = "tokio")]
fn functions_that_await() {
    assert_snapshot("async_run", Run, "", "async fn serve(port: u16) -> std::io::Result<()> { listen(port).await }");
    assert_snapshot(
        "async_step",
        Step,
        r#"every = "1s""#,
        "async fn beat(state: &mut State, pace: u8) { go(state).await }",
    );
    assert_snapshot("async_message", Message, "from = next", "async fn handle(job: Job) { job.run().await }");
}

#[test]
fn instances() {
    let print = |args: &str, item: &str| instance::attribute(tokens(args), tokens(item));
    assert_printed("instance", print("", "fn main() { serve(); }"));
    let args = r#"
        name = "my_app", on_open = open, app_dir = "/srv/my_app", address = "127.0.0.1:0", without_token,
        configure = |app| app.on("ack", ack), crate = my::daemon
    "#;
    let item = "/// The program.\n#[allow(unused)] fn main(running: Running) -> Result<(), Failure> { serve(running) }";
    assert_printed("instance_every_key", print(args, item));
    assert_printed("instance_error", print("colour = 3", "fn main() -> ExitCode { serve() }"));
}
