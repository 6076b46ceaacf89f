//! The place of a process among systemd's units, by its cgroup.

use crate::cgroup::Cgroup;
use std::path::Path;

/// The kind of cgroup that a daemon was started in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Placement {
    /// The scope of the login session with this ID (`systemd-logind.service(8)`).
    Session(String),
    /// The scope of a terminal or another application, with this name, below a user's manager.
    Application(String),
    /// A job step of Slurm: `job_12/step_0`. Its end is the end of all its processes.
    SlurmStep(String),
    /// A container without login sessions.
    Container,
    /// A service, or a cgroup without a unit: not the place of a session.
    Other,
}

/// The files by which container managers mark a container.
const CONTAINER_MARKS: [&str; 3] = ["/.dockerenv", "/run/.containerenv", "/run/systemd/container"];

/// The names of cgroups in which container managers put containers begin with these.
const CONTAINER_PREFIXES: [&str; 7] =
    ["docker", "libpod", "crio-", "cri-containerd-", "kubepods", "lxc.", "machine.slice"];

impl Placement {
    /// Classifies a cgroup.
    pub(crate) fn of(cgroup: &Cgroup) -> Placement {
        match Placement::of_path(&cgroup.path) {
            Placement::Other if is_marked_as_container(&cgroup.path) => Placement::Container,
            placement => placement,
        }
    }

    /// Classifies the path of a cgroup.
    fn of_path(path: &str) -> Placement {
        let names: Vec<&str> = path.split('/').filter(|name| !name.is_empty()).collect();
        if let Some(step) = slurm_step(&names) {
            return Placement::SlurmStep(step);
        }
        if names.iter().any(|name| CONTAINER_PREFIXES.iter().any(|prefix| name.starts_with(prefix))) {
            return Placement::Container;
        }
        let Some(unit) = names.iter().rposition(|name| is_unit(name)) else { return Placement::Other };
        let (above, name) = (&names[..unit], names[unit]);
        if let Some(id) = session_id(name).filter(|_| above.iter().any(|name| is_slice_of_user(name))) {
            return Placement::Session(id.to_owned());
        }
        if above.iter().any(|name| is_user_manager(name)) && is_application(name) {
            return Placement::Application(name.to_owned());
        }
        Placement::Other
    }
}

/// Returns `true` if this process is in a container, outside of all units.
fn is_marked_as_container(path: &str) -> bool {
    path == "/" && CONTAINER_MARKS.iter().any(|mark| Path::new(mark).exists())
}

fn is_unit(name: &str) -> bool {
    is_scope(name) || name.strip_suffix(".service").is_some()
}

fn is_scope(name: &str) -> bool {
    name.strip_suffix(".scope").is_some()
}

/// Returns the ID of the session whose scope has this name.
fn session_id(name: &str) -> Option<&str> {
    let id = name.strip_prefix("session-")?.strip_suffix(".scope")?;
    (!id.is_empty() && id.len() <= 32 && id.bytes().all(|byte| byte.is_ascii_alphanumeric())).then_some(id)
}

fn is_slice_of_user(name: &str) -> bool {
    is_number_between(name, "user-", ".slice")
}

fn is_user_manager(name: &str) -> bool {
    is_number_between(name, "user@", ".service")
}

fn is_number_between(name: &str, prefix: &str, suffix: &str) -> bool {
    let number = name.strip_prefix(prefix).and_then(|rest| rest.strip_suffix(suffix));
    number.is_some_and(|number| number.parse::<u32>().is_ok())
}

/// Returns `true` for the unit of an application or of a terminal's window: a scope, or a service of the form that desktop environments
/// use (<https://systemd.io/DESKTOP_ENVIRONMENTS/>). `systemd-run --scope` makes `run-….scope`, which its caller has chosen.
fn is_application(name: &str) -> bool {
    if is_scope(name) {
        return name != "init.scope" && !name.starts_with("run-");
    }
    name.starts_with("app-") && name.contains('@')
}

/// Returns the job step in the path of a cgroup of Slurm: `/system.slice/slurmstepd.scope/job_12/step_0/user/task_0`.
fn slurm_step(names: &[&str]) -> Option<String> {
    let slurm = names.iter().position(|name| name.starts_with("slurm"))?;
    let part = |prefix: &str| {
        let mut parts = names[slurm..].iter().filter(|name| name.strip_prefix(prefix).is_some_and(is_word));
        parts.next().copied()
    };
    Some(format!("{}/{}", part("job_")?, part("step_")?))
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.len() <= 32 && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn scopes_of_sessions_and_windows_are_told_from_services() {
        let session = |id: &str| Placement::Session(id.into());
        let application = |name: &str| Placement::Application(name.into());
        let manager = "/user.slice/user-1000.slice/user@1000.service";
        for (path, expected) in [
            ("/user.slice/user-1000.slice/session-4.scope", session("4")),
            ("/user.slice/user-1000.slice/session-c1.scope/below", session("c1")),
            ("/user.slice/user-1000.slice/session-.scope", Placement::Other),
            ("/user.slice/user-1000.slice/session-a\\x2d.scope", Placement::Other),
            ("/system.slice/session-4.scope", Placement::Other),
            ("/user.slice/user-1000.slice/session-4.scope (deleted)", Placement::Other),
            (&format!("{manager}/app.slice/vte-spawn-1.scope"), application("vte-spawn-1.scope")),
            (&format!("{manager}/app.slice/app-a-1.scope/tab(2).scope"), application("tab(2).scope")),
            (&format!("{manager}/tmux-spawn-1.scope"), application("tmux-spawn-1.scope")),
            (&format!("{manager}/app.slice/app-konsole@1f.service"), application("app-konsole@1f.service")),
            (&format!("{manager}/app.slice/run-r12.scope"), Placement::Other),
            (&format!("{manager}/app.slice/agent.service"), Placement::Other),
            (&format!("{manager}/app.slice/app-agent.service"), Placement::Other),
            (&format!("{manager}/init.scope"), Placement::Other),
            (&format!("{manager}/user.slice/libpod-12.scope/container"), Placement::Container),
            ("/system.slice/agent.service", Placement::Other),
            ("/system.slice/docker-12ab.scope", Placement::Container),
            ("/kubepods.slice/pod.slice/x.scope", Placement::Container),
            ("/system.slice/slurmstepd.scope/job_12/step_0/user/task_0", Placement::SlurmStep("job_12/step_0".into())),
            ("/slurm/uid_1000/job_12/step_batch", Placement::SlurmStep("job_12/step_batch".into())),
            ("/system.slice/slurmd.service", Placement::Other),
            ("/", Placement::Other),
        ] {
            assert_eq!(Placement::of_path(path), expected, "{path}");
        }
    }

    proptest! {
        #[test]
        fn any_path_has_a_placement(path in "(/[a-z0-9@.:_\\\\()\u{0}-\u{1f}-]{0,20}(\\.scope|\\.service|\\.slice)?){0,8}") {
            if let Placement::Session(id) = Placement::of_path(&path) {
                prop_assert!(is_word(&id));
            }
        }
    }
}
