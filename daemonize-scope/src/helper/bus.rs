//! The buses of D-Bus: the user's, and the system's.

use daemonize_sys::error::cause;
use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};
use nix::unistd::Uid;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::time::Duration;
use zbus::blocking::connection::Builder;
use zbus::blocking::proxy::Builder as ProxyBuilder;
use zbus::blocking::{Connection, Proxy};
use zbus::proxy::CacheProperties;

/// The socket of the system bus.
const SYSTEM_BUS: &str = "/run/dbus/system_bus_socket";

/// The longest time that a call may take. The helper is killed before.
const CALL_TIMEOUT: Duration = Duration::from_secs(2);

/// Connects to the bus of this user. The environment is not asked: a variable would name the bus of any user.
pub(super) fn connect_user(user: Uid) -> Result<Connection, String> {
    let directory = format!("/run/user/{user}");
    let failed = |cause: &str| format!("failed to use `{directory}`: {cause}");
    let status = std::fs::symlink_metadata(&directory).map_err(|error| failed(&cause(&error)))?;
    if !status.is_dir() || status.uid() != user.as_raw() || status.mode() & 0o077 != 0 {
        return Err(failed("it is not a directory of this user's alone"));
    }
    connect(&format!("{directory}/bus"), user)
}

/// Connects to the system bus.
pub(super) fn connect_system() -> Result<Connection, String> {
    connect(SYSTEM_BUS, Uid::from_raw(0))
}

/// Connects to the bus with this socket, which a process of `owner` has made.
fn connect(path: &str, owner: Uid) -> Result<Connection, String> {
    let failed = |cause: &str| format!("failed to connect to `{path}`: {cause}");
    // zbus takes streams of a type that the features of other crates decide: this one is for the checks.
    let stream = UnixStream::connect(path).map_err(|error| failed(&cause(&error)))?;
    let peer = getsockopt(&stream, PeerCredentials).map_err(|error| failed(error.desc()))?;
    if peer.uid() != owner.as_raw() {
        return Err(failed(&format!("it belongs to uid {} instead of {owner}", peer.uid())));
    }
    let address = format!("unix:path={path}");
    let builder = Builder::address(address.as_str()).map_err(|error| failed(&describe(&error)))?;
    let connection = builder.method_timeout(CALL_TIMEOUT).build().map_err(|error| failed(&describe(&error)))?;
    check_pid_namespace(&connection).map_err(|cause| failed(&cause))?;
    Ok(connection)
}

/// Checks that the bus sees this process under its own pid. In a container with the bus of its host, the daemon's pid would be that of
/// another process there, which would be moved instead.
fn check_pid_namespace(connection: &Connection) -> Result<(), String> {
    let bus = "org.freedesktop.DBus";
    let name = connection.unique_name().ok_or("it gave no name")?.to_string();
    let seen: u32 = proxy(connection, bus, "/org/freedesktop/DBus", bus)
        .and_then(|proxy| proxy.call("GetConnectionUnixProcessID", &name))
        .map_err(|error| describe(&error))?;
    if seen == std::process::id() { Ok(()) } else { Err("it is outside of this container".to_owned()) }
}

/// Returns a proxy that fetches each property when it is read: the cache of zbus would fetch and watch all of them.
pub(super) fn proxy(
    connection: &Connection,
    service: &'static str,
    path: &str,
    interface: &'static str,
) -> zbus::Result<Proxy<'static>> {
    let builder = ProxyBuilder::new(connection).destination(service)?.path(path.to_owned())?.interface(interface)?;
    builder.cache_properties(CacheProperties::No).build()
}

/// Returns the text of an error of the client, or of one that the bus has sent.
pub(super) fn describe(error: &zbus::Error) -> String {
    match error {
        zbus::Error::InputOutput(error) => cause(error),
        other => other.to_string(),
    }
}
