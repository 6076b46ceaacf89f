//! Functions of every form that can be launched by exec or be daemons on demand, and what their companions gain by it.

#![deny(warnings)]
#![deny(clippy::all, clippy::pedantic)]
#![deny(
    unused,
    unreachable_pub,
    single_use_lifetimes,
    unused_lifetimes,
    missing_debug_implementations,
    elided_lifetimes_in_paths
)]
#![forbid(unsafe_code)]

use std::borrow::Cow;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use daemon::exec::Environment;
use daemon::on_demand::{AsyncConnection, Connection, OnMismatch};
use serde::{Deserialize, Serialize};

/// The settings of a helper.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Settings<'a> {
    hosts: Vec<Cow<'a, str>>,
}

#[daemon::run(launch = exec)]
fn nothing() {}

#[daemon::run(launch = fork)]
fn forked(handler: fn()) {
    handler();
}

#[daemon::run(launch = exec, environment = inherit)]
fn values(port: u16, name: String, hosts: Option<Vec<PathBuf>>, (left, _): (u8, u8)) -> std::io::Result<()> {
    println!("{port}{left}");
    drop(name);
    hosts.map_or(Err(std::io::ErrorKind::NotFound.into()), |_| Ok(()))
}

#[daemon::run(launch = exec, environment = ["LANG", EXTRA], ends_with = parent)]
fn references<'a>(
    text: &'a str,
    list: &[Settings<'a>],
    path: &Path,
    word: &OsStr,
    settings: &Settings<'_>,
    cow: Cow<'a, str>,
    counter: &mut u32,
) -> Result<(), String> {
    *counter += u32::try_from(text.len() + list.len()).unwrap_or(0);
    println!("{}{word:?}{settings:?}", path.display());
    if text.is_empty() { Err(cow.into_owned()) } else { Ok(()) }
}

const EXTRA: &str = "EXTRA";

#[daemon::step(launch = exec, every = "1s", environment = Environment::Clean)]
fn steps(state: &mut Settings<'static>, text: &str, list: &[u8], limit: u64) {
    state.hosts.push(format!("{text}{}{limit}", list.len()).into());
}

#[daemon::message(launch = exec, from = || None::<u8>)]
fn messages(_: u8) {}

#[daemon::run(
    on_demand = "10m", on_mismatch = restart_now, greeting_timeout = "2s", connect_timeout = Duration::from_secs(20),
    protocol = 3, constraint = format!("{:x}", 0xc0de)
)]
async fn agent(name: &str, settings: Settings<'static>) -> daemon::Result<()> {
    while let Some(client) = daemon::accept().await {
        println!("{name} {settings:?} {client:?}");
    }
    Ok(())
}

#[daemon::run(on_demand = IDLE, on_mismatch = OnMismatch::Keep, constraint = "v1", scope, companion = Raw)]
fn r#type(r#struct: u8) {
    let busy = daemon::busy();
    println!("{struct} {:?}", daemon::clients());
    drop(busy);
}

#[daemon::message(on_demand = "1m", from = || None::<u8>, scope = false)]
async fn on_demand_messages(_: u8) {}

const IDLE: Duration = Duration::from_secs(600);

mod shadowing {
    //! Names of the user that the expansion must not find.
    #![allow(dead_code, unused_macros, reason = "they are never used")]
    struct String;
    struct Vec;
    struct Box;
    struct Result;
    mod std {}
    mod core {}
    macro_rules! concat {
        () => {};
    }

    #[daemon::run(launch = exec, crate = ::daemon, environment = ["A"])]
    fn request(arguments: u8, reader: &str, daemon: u8, deadline: u8, __reader: u8) {
        let _ = (arguments, reader, daemon, deadline, __reader);
    }

    #[daemon::run(on_demand = "1m", scope = false, constraint = "x")]
    pub(crate) fn connect(start: u8) {
        let _ = start;
    }
}

fn inside() {
    {
        #[daemon::run(launch = exec)]
        fn in_a_block() {}
        let _: fn() -> daemon::Result<daemon::Started> = in_a_block;
    }
    #[daemon::run(launch = exec)]
    fn in_a_function(text: &str) {
        let _ = text;
    }
    let _ = in_a_function::stop;
}

macro_rules! generated {
    ($name:ident, $ty:ty) => {
        #[daemon::run(launch = exec)]
        fn $name(argument: $ty) {
            let _ = argument;
        }
    };
}

generated!(by_a_macro, &[u8]);

#[daemon::init]
#[tokio::main(flavor = "current_thread")]
async fn main() -> daemon::Result<()> {
    let start: fn(&[u8]) -> daemon::Result<daemon::Started> = by_a_macro;
    let connect: fn(&str, Settings<'static>) -> daemon::Result<Connection> = agent::connect;
    let future = agent::connect_async("agent", Settings::default());
    let future: std::pin::Pin<Box<dyn Future<Output = daemon::Result<AsyncConnection>> + Send>> = Box::pin(future);
    drop((start, connect, future));
    let _ = (nothing, forked, references::restart, messages::start, Raw::connect, on_demand_messages::connect);
    let _ = (shadowing::connect::connect, steps::stop, inside, values);
    Ok(())
}
