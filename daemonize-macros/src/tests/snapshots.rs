//! Expansions, as files for people to read: `snapshots/*.rs`. `companion.rs` is a whole one, the others leave out the
//! functions that are the same there. `dispatch`, which only the feature `cli` prints, is in `dispatch*.rs` alone, and the call of
//! `init()`, which only the feature `exec` prints, in `exec*.rs`.
//!
//! `UPDATE_SNAPSHOTS=1 cargo test -p daemonize-macros` rewrites them; then read the difference.

use std::path::PathBuf;
use std::{env, fs, mem};

use quote::ToTokens;
use syn::{File, ImplItem, Item, Visibility};

use super::expansion;
use crate::kind::Kind::{self, Instance, Message, Run, Step};

/// The function whose snapshot holds the whole companion.
const WHOLE: (Kind, &str, &str) = (Step, "", "fn tick() { count(); }");

/// Asserts that an expansion is as in its snapshot, without the functions that are the same in the whole companion.
#[track_caller]
pub(super) fn assert_snapshot(name: &str, kind: Kind, args: &str, item: &str) {
    let (whole, mut found) = (printed(WHOLE.0, WHOLE.1, WHOLE.2), printed(kind, args, item));
    leave_out(&mut found, &functions_of(&whole));
    if !name.starts_with("dispatch") {
        leave_out_dispatch(&mut found);
    }
    if !name.starts_with("exec") {
        leave_out_init(&mut found);
    }
    assert_printed(name, &found);
}

/// Prints once, so that equal functions are equal texts.
fn printed(kind: Kind, args: &str, item: &str) -> File {
    let expansion = syn::parse2(expansion(kind, args, item)).expect("failed to read the expansion as items");
    syn::parse_str(&prettyplease::unparse(&expansion)).expect("failed to read what was printed")
}

#[track_caller]
fn assert_printed(name: &str, found: &File) {
    let (found, path) = (prettyplease::unparse(found), path(name));
    if env::var_os("UPDATE_SNAPSHOTS").is_some() {
        return fs::write(path, &found).expect("failed to write the snapshot");
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    let path = path.display();
    assert!(found == expected, "the expansion differs from {path}: UPDATE_SNAPSHOTS=1 rewrites it\n\n{found}");
}

fn path(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "snapshots", &format!("{name}.rs")].iter().collect()
}

fn functions_of(file: &File) -> Vec<String> {
    let functions = file.items.iter().filter_map(|item| match item {
        Item::Impl(block) => Some(block.items.iter().map(|item| item.to_token_stream().to_string())),
        _ => None,
    });
    functions.flatten().collect()
}

/// Leaves out the functions of the companion that are the same, but for a visibility that is the companion's own.
fn leave_out(found: &mut File, known: &[String]) {
    let mut own = String::new();
    for item in &mut found.items {
        match item {
            Item::Enum(companion) => own = companion.vis.to_token_stream().to_string(),
            Item::Impl(block) => block.items.retain_mut(|item| {
                let ImplItem::Fn(function) = item else { return true };
                let visibility = mem::replace(&mut function.vis, Visibility::Inherited);
                let same = known.contains(&function.to_token_stream().to_string());
                function.vis = visibility;
                !(same && function.vis.to_token_stream().to_string() == own)
            }),
            _ => {}
        }
    }
}

/// Leaves out `dispatch`, which depends on a feature.
fn leave_out_dispatch(found: &mut File) {
    for item in &mut found.items {
        if let Item::Impl(block) = item {
            block.items.retain(|item| !matches!(item, ImplItem::Fn(function) if function.sig.ident == "dispatch"));
        }
    }
}

/// Leaves out the call of `init()` in `main`, which depends on a feature.
fn leave_out_init(found: &mut File) {
    for item in &mut found.items {
        if let Item::Fn(main) = item {
            main.block
                .stmts
                .retain(|statement| !statement.to_token_stream().to_string().ends_with(":: exec :: init () ;"));
        }
    }
}

#[test]
fn nothing_but_the_attribute() {
    let mut whole = printed(WHOLE.0, WHOLE.1, WHOLE.2);
    leave_out_dispatch(&mut whole);
    assert_printed("companion", &whole);
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
            capabilities = [NET_BIND_SERVICE, kept()], no_new_privs = false,
            inherit = [3, 4], close = all, stdin = null, stdout = "/var/log/sleepy.log", stderr = inherit,
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
#[cfg(feature = "cli")]
fn verbs_of_a_programs_own_command_line() {
    assert_snapshot(
        "dispatch",
        Step,
        r#"service(hardening = strict, watchdog = "30s", restart = always, socket = ["80", "443"], environment_file = "/etc/a")"#,
        "pub fn tick(state: &mut State, verb: u8) { state.tick(verb) }",
    );
    assert_snapshot("dispatch_message", Message, "from = next, ends_with = parent", "fn handle(job: Job) {}");
}

#[test]
#[cfg(feature = "cli")]
fn mains_with_a_command_line() {
    let keys = r#"
        cli(default = start), name = "myd", pidfile = args.pidfile, log(path = args.log, max_size = "10MiB", keep = 3, timestamps),
        service(hardening = strict), ends_with = parent, signals = { SIGHUP => move || reload(&args.path) },
    "#;
    let item = "
        /// Serves files.
        ///
        /// Further text.
        #[cfg(unix)]
        fn main(mut args: Args) -> anyhow::Result<()> { serve(args) }
    ";
    assert_snapshot("cli", Run, keys, item);
    assert_snapshot("cli_without_arguments", Run, "cli", "fn main() {}");
    assert_snapshot("cli_step", Step, r#"cli, every = "1s""#, "fn main(args: &Args) {}");
    assert_snapshot(
        "cli_message",
        Message,
        "cli, from = source(args)",
        "fn main(job: Job, args: &Args) -> Result<(), E> { args.run(job) }",
    );
    assert_snapshot("cli_message_without_arguments", Message, "cli, from = next", "fn main(job: Job) {}");
    assert_snapshot("cli_errors", Run, "cli(defualt = run), pidfile = args.pidfile", "fn main(args: &Args) {}");
}

#[test]
#[cfg(all(feature = "cli", feature = "tokio"))]
fn mains_that_await_with_a_command_line() {
    let item = "async fn main(Args { port, .. }: Args) -> anyhow::Result<()> { serve(port).await }";
    assert_snapshot("cli_async", Run, r#"cli, pidfile = format!("/run/a-{port}")"#, item);
    let item = "async fn main(job: Job, args: &Args) { args.run(job).await }";
    assert_snapshot("cli_async_message", Message, "cli, from = move || args.next()", item);
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
    assert_snapshot("instance", Instance, "", "fn main() { serve(); }");
    let args = r#"
        name = "my_app", on_open = open, app_dir = "/srv/my_app", address = "127.0.0.1:0", without_token,
        configure = |app| app.on("ack", ack), crate = ::my::daemon
    "#;
    let item = "/// The program.\n#[allow(unused)] fn main(running: Running) -> Result<(), Failure> { serve(running) }";
    assert_snapshot("instance_every_key", Instance, args, item);
    assert_snapshot("instance_error", Instance, "colour = 3", "fn main() -> ExitCode { serve() }");
}
