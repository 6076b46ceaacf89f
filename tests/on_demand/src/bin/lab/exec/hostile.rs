//! A parent that sets the variable by which a new process finds its link.

use nix::fcntl::{FcntlArg, FdFlag, SealFlag, fcntl};
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::socket::{AddressFamily, ControlMessage, MsgFlags, SockFlag, SockType, sendmsg, socketpair};
use nix::sys::stat::fstat;
use nix::unistd::{pipe, write};
use std::fs::{self, File};
use std::io::{IoSlice, Read, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::process::{Command, ExitCode, ExitStatus};
use std::{env, process};

/// The variable.
const VARIABLE: &str = "DAEMONIC_EXEC";

/// Executes this program with the variable set in the way that the first argument names, and prints how the child ended.
pub(crate) fn run(arguments: &[String]) -> ExitCode {
    let way = arguments[0].as_str();
    let status = match way {
        "pipe" | "closed" | "stream" | "other-socket" | "grandparent" | "number" | "empty" => with_wrong_variable(way),
        _ => with_wrong_request(way),
    };
    println!("child {}", status.code().unwrap_or(-1));
    ExitCode::SUCCESS
}

/// The descriptor is not a link of the child's parent: the child has to run `main` and to leave it alone.
fn with_wrong_variable(way: &str) -> ExitStatus {
    let (reader, writer) = pipe().expect("a pipe");
    write(&writer, b"for main").expect("room in the pipe");
    drop(writer);
    let kind = if way == "stream" { SockType::Stream } else { SockType::SeqPacket };
    let (one, other) = socketpair(AddressFamily::Unix, kind, None, SockFlag::empty()).expect("a pair");
    let number = |fd: &OwnedFd| fd.as_raw_fd();
    let value = match way {
        "pipe" => format!("{} {}", number(&reader), inode(&reader)),
        "closed" => format!("999 {}", inode(&one)),
        "number" => "three 1".to_owned(),
        "empty" => String::new(),
        "other-socket" => format!("{} {}", number(&one), inode(&other)),
        _ => format!("{} {}", number(&one), inode(&one)),
    };
    let mut command = Command::new(env::current_exe().expect("a program"));
    command.args(["exec", "inherited", &number(&reader).to_string(), &number(&one).to_string()]).env(VARIABLE, value);
    if way == "grandparent" {
        // The parent of the child is the shell.
        let program = command.get_program().to_owned();
        let arguments: Vec<_> = command.get_args().map(ToOwned::to_owned).collect();
        let value = command.get_envs().find_map(|(_, value)| value).expect("the variable").to_owned();
        command = Command::new("sh");
        command.args(["-c", "\"$@\"; exit $?", "sh"]).arg(program).args(arguments).env(VARIABLE, value);
    }
    command.status().expect("a child")
}

/// The link is one of the child's parent, which sends nothing sensible: the child has to end.
fn with_wrong_request(way: &str) -> ExitStatus {
    let (ours, theirs) =
        socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC).expect("a pair");
    fcntl(&theirs, FcntlArg::F_SETFD(FdFlag::empty())).expect("an open descriptor");
    let mut command = Command::new(env::current_exe().expect("a program"));
    command.args(["exec", "inherited", "0", "0"]).env(VARIABLE, format!("{} {}", theirs.as_raw_fd(), inode(&theirs)));
    let seals = SealFlag::F_SEAL_SHRINK | SealFlag::F_SEAL_GROW | SealFlag::F_SEAL_WRITE;
    match way {
        "closes" => {}
        "noise" => send(&ours, &[0xff; 4096], &[]),
        "no-file" => send(&ours, b"Q\x01", &[]),
        "endless-file" => send(&ours, b"Q\x01", &[File::open("/dev/zero").expect("a device").as_fd()]),
        "unsealed" => send(&ours, b"Q\x01", &[memory(b"DXR1\0\0\0\0", SealFlag::empty()).as_fd()]),
        "garbage" => send(&ours, b"Q\x01", &[memory(&[0xa5; 9000], seals).as_fd()]),
        "long-header" => send(&ours, b"Q\x01", &[memory(b"DXR1\xff\xff\xff\xff", seals).as_fd()]),
        "huge" => {
            let file = File::from(memory(b"DXR1", SealFlag::empty()));
            file.set_len(1 << 40).expect("a sparse file");
            fcntl(&file, FcntlArg::F_ADD_SEALS(seals)).expect("seals");
            send(&ours, b"Q\x01", &[file.as_fd()]);
        }
        "many-files" => {
            let null = File::open("/dev/null").expect("a device");
            send(&ours, b"Q\x01", &[null.as_fd(); 200]);
        }
        other => panic!("`{other}` is not a way"),
    }
    let mut child = command.spawn().expect("a child");
    drop((ours, theirs));
    child.wait().expect("a status")
}

/// Prints that `main` runs, what is in the pipe `arguments[0]`, and which file the descriptor `arguments[1]` is.
pub(crate) fn report_inherited(arguments: &[String]) -> ExitCode {
    let mut text = String::new();
    let pipe = File::open(format!("/proc/self/fd/{}", arguments[0]));
    pipe.and_then(|mut pipe| pipe.read_to_string(&mut text)).expect("the pipe is open");
    let other = fs::read_link(format!("/proc/self/fd/{}", arguments[1])).expect("the socket is open");
    assert!(env::var_os(VARIABLE).is_none(), "the variable stays");
    println!("main of {} got {text:?} and {}", process::id(), other.display());
    ExitCode::SUCCESS
}

fn inode(fd: &OwnedFd) -> String {
    fstat(fd).expect("an open descriptor").st_ino.to_string()
}

fn memory(bytes: &[u8], seals: SealFlag) -> OwnedFd {
    let mut file =
        File::from(memfd_create("hostile", MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING).expect("a file"));
    file.write_all(bytes).expect("memory");
    fcntl(&file, FcntlArg::F_ADD_SEALS(seals)).expect("seals");
    file.into()
}

fn send(link: &OwnedFd, packet: &[u8], files: &[BorrowedFd<'_>]) {
    let files: Vec<_> = files.iter().map(AsRawFd::as_raw_fd).collect();
    let copies = [ControlMessage::ScmRights(&files)];
    let copies = if files.is_empty() { &[] } else { &copies[..] };
    sendmsg::<()>(link.as_raw_fd(), &[IoSlice::new(packet)], copies, MsgFlags::empty(), None)
        .expect("room in the socket");
}
