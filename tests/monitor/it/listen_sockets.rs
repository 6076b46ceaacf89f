//! The sockets that the monitor holds for bots: bound before the first start, kept over restarts, closed when no bot is to run.

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;

use crate::cli_lab::CliLab;
use crate::common::open_bot;
use crate::zero_downtime::free_address;

fn server(listen: &str) -> String {
    format!("[bot.web]\ncommand = \"BOT\"\nargs = [\"serve:v1\"]\nready = \"notify\"\nlisten = [{listen}]\n")
}

fn refuses(address: SocketAddr) -> bool {
    TcpStream::connect(address).is_err()
}

/// Returns how many sockets a process has open.
fn sockets(pid: i32) -> usize {
    let entries = fs::read_dir(format!("/proc/{pid}/fd")).unwrap().flatten();
    entries
        .filter(|entry| fs::read_link(entry.path()).is_ok_and(|link| link.to_string_lossy().starts_with("socket:")))
        .count()
}

/// Promise 6.65. The other bot starts later, when the monitor has the socket.
#[test]
fn socket_is_passed_to_its_bot_alone_and_kept_while_that_restarts() {
    let address = free_address();
    let cli = CliLab::new(&format!(
        "{}[bot.other]\ncommand = \"BOT\"\nargs = [\"idle\"]\ndepends_on = [\"web\"]\n[bot.slow]\ncommand = \"BOT\"\n\
         args = [\"exit:1\"]\nautostart = false\nbackoff = {{ first = \"60s\" }}\nlisten = \"127.0.0.1:{}\"\n",
        server(&format!("\"{address}\"")),
        free_address().port()
    ));
    cli.ok(&["start", "--wait"]);
    cli.monitor();
    assert_eq!(sockets(cli.pid("other")), 0);
    // While the bot is stopped to be restarted, connections wait in the queue.
    cli.ok(&["restart", "--wait", "web"]);
    assert!(!refuses(address));
    cli.ok(&["stop", "--wait", "web"]);
    assert!(refuses(address), "a client would wait for ever");
    cli.ok(&["start", "--wait", "web"]);
    assert!(!refuses(address));
    cli.shutdown();
}

/// Promise 6.65.
#[test]
fn address_in_use_is_told_with_its_holder_and_stops_no_other_bot() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let other = "[bot.other]\ncommand = \"BOT\"\nargs = [\"idle\"]\n";
    let cli = CliLab::new(&format!("{}backoff = {{ first = \"100ms\" }}\n{other}", server(&format!("\"{address}\""))));
    let outcome = cli.ctl(&["start", "--wait=10s", "web"]).run();
    assert_eq!(outcome.code(), 1, "{outcome}");
    cli.monitor();
    let pid = std::process::id();
    let expected = format!("failed to listen on `{address}`: it is in use by process {pid} (`");
    cli.until("web", |bot| bot["reason"].as_str().is_some_and(|reason| reason.contains(&expected)));
    cli.ok(&["start", "--wait", "other"]);
    drop(taken);
    cli.ok(&["restart", "--wait", "web"]);
    assert!(!refuses(address));
    cli.shutdown();
}

/// Promise 6.65.
#[test]
fn reload_adds_and_removes_addresses() {
    let (first, second) = (free_address(), free_address());
    let cli = CliLab::new(&server(&format!("\"{first}\"")));
    cli.ok(&["start", "--wait"]);
    cli.monitor();
    let path = cli.lab.path("web.sock");
    cli.configure(&server(&format!("\"{second}\", {{ path = \"{}\", mode = \"600\" }}", path.display())));
    cli.ok(&["reload", "--wait"]);
    assert!(refuses(first) && !refuses(second) && UnixStream::connect(&path).is_ok());
    assert_eq!(mode(&path), 0o600);
    // Another mode is given to the socket that is there.
    let inode = fs::metadata(&path).unwrap().ino();
    cli.configure(&server(&format!("\"{second}\", \"{}\"", path.display())));
    cli.ok(&["reload", "--wait"]);
    assert_eq!((mode(&path), fs::metadata(&path).unwrap().ino()), (0o660, inode));
    cli.configure(&server(&format!("\"{second}\"")));
    cli.ok(&["reload", "--wait"]);
    assert!(!path.exists() && !refuses(second));
    cli.shutdown();
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// Promise 6.65.
#[test]
fn unix_socket_belongs_to_the_user_of_the_bot_and_replaces_only_a_stale_one() {
    assert!(nix::unistd::geteuid().is_root(), "this test needs root: run it in a container or a virtual machine");
    let cli = CliLab::new("");
    cli.lab.shell("chmod 755 .; mkdir -m 755 run; chown 65534 run").run().ok();
    let (program, path) = (open_bot(&cli.lab), cli.lab.path("run/web.sock"));
    let web = |restart: &str| {
        server(&format!("\"{}\"", path.display())).replace("BOT", &program) + "user = \"nobody\"\n" + restart
    };
    // A file that may belong to others is left alone: a file, a link, a socket on which a process listens.
    let secret = cli.lab.path("secret");
    fs::write(&secret, "").unwrap();
    let refused = |expected: &str| {
        cli.configure(&web("restart = \"never\"\n"));
        let outcome = cli.ctl(&["start", "--wait=10s", "web"]).run();
        assert!(outcome.stderr.contains(expected), "{expected}: {outcome}");
        cli.shutdown();
    };
    fs::write(&path, "").unwrap();
    refused("a file is there, and not a socket");
    fs::remove_file(&path).unwrap();
    symlink(&secret, &path).unwrap();
    refused("a symbolic link is there, and not a socket");
    assert!(secret.exists() && fs::symlink_metadata(&path).unwrap().is_symlink());
    fs::remove_file(&path).unwrap();
    let living = UnixListener::bind(&path).unwrap();
    refused(&format!("it is in use by process {}", std::process::id()));
    // One that no process listens on is what a monitor that was killed has left.
    drop(living);
    cli.lab.shell("chown -h 65534 run/web.sock").run().ok();
    cli.configure(&web(""));
    cli.ok(&["start", "--wait"]);
    cli.monitor();
    let found = fs::symlink_metadata(&path).unwrap();
    assert!(found.file_type().is_socket() && UnixStream::connect(&path).is_ok());
    assert_eq!((found.uid(), found.gid(), found.mode() & 0o777), (65534, 65534, 0o660));
    cli.shutdown();
    assert!(!path.exists());
    // A socket of a third user is not ours.
    drop(UnixListener::bind(&path).unwrap());
    cli.lab.shell("chown -h daemon run/web.sock").run().ok();
    refused("a socket of user `daemon`");
}

/// Promise 6.65. A port below 1024 is bound by the monitor, not by the bot's user.
#[test]
fn bot_with_user_is_passed_a_privileged_port() {
    assert!(nix::unistd::geteuid().is_root(), "this test needs root: run it in a container or a virtual machine");
    let port = (600..1024).find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok()).expect("a free port");
    let cli = CliLab::new("");
    cli.lab.shell("chmod 755 .").run().ok();
    let program = open_bot(&cli.lab);
    cli.configure(&(server(&format!("\"127.0.0.1:{port}\"")).replace("BOT", &program) + "user = \"nobody\"\n"));
    cli.ok(&["start", "--wait"]);
    cli.monitor();
    assert!(TcpStream::connect(("127.0.0.1", port)).is_ok());
    cli.shutdown();
}
