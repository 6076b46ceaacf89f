//! The supervisors that are measured: how each is configured, started and stopped.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

use measure::WorkDir;
use nix::sys::signal::Signal;

/// The measured supervisors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum System {
    /// The monitor of this library.
    Ours,
    /// A bare loop of `posix_spawn` and `waitpid` with two pipes for each bot: the limit.
    Loop,
    Supervisord,
    Circus,
    Runit,
}

/// The bot program, and the file in which the bots say that they live.
#[derive(Clone, Debug)]
pub(crate) struct Bots {
    pub(crate) program: PathBuf,
    pub(crate) starts: PathBuf,
    pub(crate) count: usize,
    /// `true` if the monitor of this library captures the output of the bots.
    pub(crate) is_kept: bool,
}

impl System {
    pub(crate) const ALL: [Self; 5] = [Self::Ours, Self::Loop, Self::Supervisord, Self::Circus, Self::Runit];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::Loop => "loop",
            Self::Supervisord => "supervisord",
            Self::Circus => "circus",
            Self::Runit => "runit",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|system| system.name() == name)
    }

    /// How many bots it can be asked to look after: circus needs half a minute and more to stop a hundred; a thousand
    /// and one processes of runit are enough to know the next.
    pub(crate) fn at_most(self) -> usize {
        match self {
            Self::Circus => 100,
            Self::Supervisord | Self::Runit => 1000,
            Self::Ours | Self::Loop => usize::MAX,
        }
    }

    /// Descriptors that it needs for each bot: pipes, and what it hears of a death by.
    pub(crate) fn descriptors(self, is_kept: bool) -> usize {
        match self {
            Self::Ours if !is_kept => 2,
            Self::Ours => 4,
            Self::Supervisord => 5,
            Self::Loop => 2,
            Self::Circus | Self::Runit => 0,
        }
    }

    /// The signal that stops the supervisor and its bots.
    pub(crate) fn stop_signal(self) -> Signal {
        if self == Self::Runit { Signal::SIGHUP } else { Signal::SIGTERM }
    }

    /// The command that looks after the bots in the foreground, with its configuration written.
    pub(crate) fn command(self, work_dir: &WorkDir, bots: &Bots) -> Command {
        match self {
            Self::Ours => {
                let mut command = beside("ours", bots);
                command.args((!bots.is_kept).then_some("null"));
                command
            }
            Self::Loop => beside("spawn_loop", bots),
            Self::Supervisord => supervisord(work_dir, bots),
            Self::Circus => circus(work_dir, bots),
            Self::Runit => runit(work_dir, bots),
        }
    }
}

/// A program of this package, told of the bots by its arguments.
fn beside(name: &str, bots: &Bots) -> Command {
    let this = std::env::current_exe().expect("a path");
    let mut command = Command::new(this.with_file_name(name));
    command.arg(&bots.program).arg(&bots.starts).arg(bots.count.to_string());
    command
}

/// A program of the virtual environment that `scripts/bench` makes.
fn python(name: &str) -> Command {
    let folder = std::env::var_os("BENCH_RIVALS").expect("`scripts/bench monitor` installs them and says where");
    Command::new(PathBuf::from(folder).join("bin").join(name))
}

/// Defaults, but for what it needs: descriptors for all, and to start again what ended well, too.
fn supervisord(work_dir: &WorkDir, bots: &Bots) -> Command {
    let folder = work_dir.path().display();
    let mut text = format!(
        "[unix_http_server]\nfile={folder}/socket\n[supervisord]\nlogfile={folder}/log\npidfile={folder}/pid\n\
         childlogdir={folder}\nnodaemon=true\nminfds={}\n[rpcinterface:supervisor]\n\
         supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n",
        bots.count * 5 + 100
    );
    for number in 0..bots.count {
        let (program, starts) = (bots.program.display(), bots.starts.display());
        let _ = write!(text, "[program:b{number}]\ncommand={program} {starts} {number}\nautorestart=true\n");
    }
    let mut command = python("supervisord");
    command.arg("-n").arg("-c").arg(work_dir.write("supervisord.conf", text));
    command
}

/// Defaults: it does not capture what the bots print.
fn circus(work_dir: &WorkDir, bots: &Bots) -> Command {
    let folder = work_dir.path().display();
    let mut text = format!(
        "[circus]\nendpoint=ipc://{folder}/endpoint\npubsub_endpoint=ipc://{folder}/events\n\
         stats_endpoint=ipc://{folder}/stats\n"
    );
    for number in 0..bots.count {
        let (program, starts) = (bots.program.display(), bots.starts.display());
        let _ = write!(text, "[watcher:b{number}]\ncmd={program} {starts} {number}\nnumprocesses=1\n");
    }
    let mut command = python("circusd");
    command.arg(work_dir.write("circus.ini", text));
    command
}

/// A directory for each bot, without a log service, which would be another process per bot.
fn runit(work_dir: &WorkDir, bots: &Bots) -> Command {
    let services = work_dir.join("services");
    for number in 0..bots.count {
        let folder = services.join(format!("b{number}"));
        fs::create_dir_all(&folder).expect("failed to create a directory in the working directory");
        let run = folder.join("run");
        let (program, starts) = (bots.program.display(), bots.starts.display());
        fs::write(&run, format!("#!/bin/sh\nexec {program} {starts} {number}\n")).expect("a file in it");
        fs::set_permissions(&run, fs::Permissions::from_mode(0o755)).expect("a file of ours");
    }
    let mut command = Command::new("runsvdir");
    command.arg(services);
    command
}
