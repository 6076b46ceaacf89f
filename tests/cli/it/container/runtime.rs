//! A container runtime of a few lines: what Docker and a kubelet make of the image and of the manifest.

use std::thread;
use std::time::Duration;

use look::{Deadline, Lab, Outcome, Process, Running};
use nix::sys::signal::Signal;

use super::image;
use crate::serviced::programs;

/// The time in which a container's daemon is ready, on a busy machine.
const START_TIMEOUT: Duration = Duration::from_secs(20);

/// The time after which `docker stop` sends SIGKILL.
pub(super) const DOCKER_STOP_TIMEOUT: Duration = Duration::from_secs(10);

/// Makes the container, in fresh namespaces of mounts, processes and network, and executes its program as process 1: an
/// ordinary user without capabilities. `$VOLUME` is mounted as Kubernetes mounts an `emptyDir`.
const SETUP: &str = r#"
    set -eu
    # SIOCSIFFLAGS: the loopback interface is up.
    /usr/bin/python3 -c "import fcntl, socket, struct
fcntl.ioctl(socket.socket(), 0x8914, struct.pack('16sh14x', b'lo', 0x49))"
    mount --bind "$PASSWD" /etc/passwd
    mount -t tmpfs -o mode=0755 none /usr/local/bin
    for program in serviced probe lab; do
        touch "/usr/local/bin/$program"
        mount --bind "$PROGRAMS/$program" "/usr/local/bin/$program"
    done
    mount -t tmpfs -o mode=0755 none /home
    install --directory --owner="$ID" --group="$ID" --mode=0700 /home/nonroot
    if [ -n "$VOLUME" ]; then mkdir --parents "$VOLUME"; mount -t tmpfs -o mode=0777,size=1m none "$VOLUME"; fi
    if [ "$READ_ONLY" = true ]; then mount -o remount,bind,ro /; fi
    unset PASSWD PROGRAMS VOLUME READ_ONLY
    cd /home/nonroot
    exec setpriv --reuid "$ID" --regid "$ID" --clear-groups --no-new-privs --bounding-set=-all --inh-caps=-all "$@""#;

/// A container's settings beside its image.
#[derive(Default)]
pub(super) struct Settings {
    /// The program in place of the image's.
    pub(super) program: Option<Vec<String>>,
    /// The arguments in place of the image's.
    pub(super) args: Option<Vec<String>>,
    /// The root file system is mounted read-only.
    pub(super) read_only: bool,
    /// The place of an `emptyDir`.
    pub(super) volume: Option<String>,
}

/// A container whose process 1 runs.
pub(super) struct Container<'lab> {
    lab: &'lab Lab,
    running: Running<'lab>,
    pub(super) init: Process,
}

/// Returns a lab with the image's passwd file.
pub(super) fn lab() -> Lab {
    assert!(nix::unistd::geteuid().is_root(), "this test needs root: run it in a container or a virtual machine");
    let lab = Lab::new("/bin/true");
    lab.write(
        "passwd",
        format!("root:x:0:0::/root:/sbin/nologin\nnonroot:x:{0}:{0}::/home/nonroot:/sbin/nologin\n", id()),
    );
    lab
}

/// Returns the number of the image's user, which its group has as well.
fn id() -> String {
    image::instruction("USER").split(':').next().expect("a user").to_owned()
}

impl<'lab> Container<'lab> {
    /// Runs the image, as `docker run` does.
    #[track_caller]
    pub(super) fn run(lab: &'lab Lab, settings: &Settings) -> Container<'lab> {
        let command = [
            settings.program.clone().unwrap_or_else(|| image::command("ENTRYPOINT")),
            settings.args.clone().unwrap_or_else(|| image::command("CMD")),
        ];
        let unshare =
            ["--pid", "--mount", "--net", "--fork", "--mount-proc", "--kill-child", "bash", "-c", SETUP, "bash"];
        let running = lab
            .command("unshare", &unshare)
            .args(command.concat())
            .env("PASSWD", lab.path("passwd"))
            .env("PROGRAMS", programs())
            .env("ID", id())
            .env("VOLUME", settings.volume.as_deref().unwrap_or_default())
            .env("READ_ONLY", settings.read_only.to_string())
            .spawn();
        let deadline = Deadline::after(START_TIMEOUT);
        loop {
            let entrypoint = |process: &Process| {
                let inside = process.status("NSpid").unwrap_or_default();
                let is_setup =
                    process.program().is_none_or(|program| program.ends_with("setpriv") || program.ends_with("bash"));
                inside.split_whitespace().nth(1) == Some("1") && !is_setup
            };
            if let Some(init) = lab.processes().into_iter().find(entrypoint) {
                return Container { lab, running, init };
            }
            let waits = !deadline.passed() && running.process().alive();
            assert!(waits, "no process 1: {}", running.finish());
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Executes a program in the container by its user, as `docker exec` and a kubelet's exec probe do.
    pub(super) fn exec(&self, command: &[String]) -> Outcome {
        let (target, id) = (self.init.id().to_string(), id());
        let enter = ["--target", &target, "--pid", "--mount", "--net", "setpriv", "--reuid", &id, "--regid", &id];
        self.lab.command("nsenter", &enter).args(["--clear-groups", "--no-new-privs", "--"]).args(command).run()
    }

    /// Requests a path of a port of the container, as a kubelet's HTTP probe does.
    pub(super) fn http_get(&self, port: &str, path: &str) -> Outcome {
        let (target, url) = (self.init.id().to_string(), format!("http://127.0.0.1:{port}{path}"));
        self.lab
            .command("nsenter", &["--target", &target, "--net", "curl", "--silent", "--fail", "--max-time", "5", &url])
            .run()
    }

    /// Waits until a probe succeeds, as a kubelet does with the startup probe.
    #[track_caller]
    pub(super) fn wait_for(&self, probe: &[String]) {
        let deadline = Deadline::after(START_TIMEOUT);
        loop {
            let outcome = self.exec(probe);
            if outcome.code() == 0 {
                return;
            }
            assert!(!deadline.passed(), "{probe:?} does not succeed: {outcome}");
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Stops the container, and returns its output and its exit status.
    pub(super) fn stop(self) -> Outcome {
        self.init.signal(Signal::SIGTERM);
        self.running.finish()
    }

    /// Waits for the container's own end.
    pub(super) fn finish(self) -> Outcome {
        self.running.finish()
    }
}
