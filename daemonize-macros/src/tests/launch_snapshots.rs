//! Expansions of daemons that are launched by exec or on demand, and of `#[daemon::init]`, as files: see `snapshots`.
#![cfg(feature = "exec")]

use super::snapshots::assert_snapshot;
use crate::kind::Kind::{Init, Message, Run, Step};

#[test]
fn daemons_that_are_launched_by_exec() {
    let item = "pub fn agent<'a>(port: u16, name: &'a str, hosts: &[Host<'a>], state: &mut State) -> Result<(), Error<'a>> { body() }";
    assert_snapshot("exec_run", Run, r#"launch = exec, environment = ["LANG", EXTRA], ends_with = parent"#, item);
    let item = "fn tick(state: &mut State, name: &str, limit: u64) { state.tick(name, limit) }";
    assert_snapshot("exec_step", Step, "launch = exec, environment = inherit", item);
    assert_snapshot("exec_message", Message, "launch = exec, from = next", "fn handle(job: Job) {}");
    assert_snapshot("exec_main", Run, "", "fn main() {}");
    assert_snapshot("exec_errors", Run, "launch = exec, umask = 22", "fn agent<T>(x: T) { body() }");
}

#[test]
fn program_that_may_be_executed_to_launch_a_daemon() {
    assert_snapshot(
        "exec_init",
        Init,
        "",
        "/// The program.\n#[cfg(unix)] #[tokio::main] async fn main() -> Result<(), Failure> { serve().await }",
    );
    assert_snapshot("exec_init_crate", Init, "crate = crate::facade", "fn main() { serve() }");
}

#[test]
#[cfg(all(feature = "on-demand", feature = "scope", feature = "tokio"))]
fn daemons_on_demand() {
    assert_snapshot("on_demand", Run, r#"on_demand = "10m""#, "pub fn agent() -> daemon::Result<()> { body() }");
    let keys = r#"
        on_demand = "10m", on_mismatch = keep, greeting_timeout = "2s", connect_timeout = limit(), protocol = 3,
        constraint = hash(), environment = ENVIRONMENT, scope = false,
    "#;
    assert_snapshot("on_demand_every_key", Run, keys, "async fn agent(name: &str, limit: u64) { body().await }");
    assert_snapshot("on_demand_main", Run, r#"on_demand = "10m""#, "fn main() { body() }");
    assert_snapshot("on_demand_errors", Run, r#"on_demand = "10m", umask = 22"#, "fn agent<T>(x: T) { body() }");
}
