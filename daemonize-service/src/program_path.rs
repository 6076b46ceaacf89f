//! The program of a service, and the question of its integrity: a service manager runs the file at a path again and again, as root or as another user, so
//! no one else may be able to put another program there.

use crate::manager_kind::Scope;
use crate::places::Places;
use crate::service_error::{ServiceError, ServiceErrorKind};
use daemonize_sys::account;
use daemonize_sys::error::cause;
use nix::sys::statvfs::{FsFlags, statvfs};
use nix::unistd::{Uid, geteuid};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Directories whose content does not survive a reboot, or which any user can fill.
const TEMPORARY: &[&str] = &["/tmp", "/var/tmp", "/dev/shm", "/run", "/proc", "/memfd:"];

/// The file that cargo writes into its target directory (`CACHEDIR.TAG`), and the directory beside its programs.
const CARGO_MARKS: &[&str] = &["CACHEDIR.TAG", ".fingerprint"];

/// Bits with which the group and all others could write.
const GROUP_WRITES: u32 = 0o020;
const ANY_USER_WRITES: u32 = 0o002;

/// Returns the path of this program (`/proc/self/exe`) as the service manager will see it: below the root directory of an image.
///
/// # Errors
/// Returns an error for a program that a service manager must not run: see [`check_program`].
pub fn own_program(scope: Scope, places: &Places) -> Result<PathBuf, ServiceError> {
    let exe = fs::read_link("/proc/self/exe")
        .map_err(|error| program_error(format!("failed to read `/proc/self/exe`: {}", cause(&error))))?;
    // The kernel adds this to the path of a file that was removed (proc(5)).
    if let Some(path) = exe.to_string_lossy().strip_suffix(" (deleted)").filter(|_| !exe.exists()) {
        let text = format!("the program `{path}` was removed or replaced while it ran: run the new one");
        return Err(program_error(text));
    }
    let program = match exe.strip_prefix(places.root()) {
        Ok(inside) => Path::new("/").join(inside),
        Err(_) => exe,
    };
    check_program(&program, scope, places)?;
    Ok(program)
}

/// Checks that a service manager can run a program, and that no other user can replace it: `program` is a path on the machine or in the image.
///
/// # Errors
/// Returns [`ServiceErrorKind::Program`] for a program in cargo's target directory, in a temporary directory, on a file system
/// without programs (`noexec`), that is missing, or that is not a file. For a service of the machine, the program and each directory above it
/// must belong to root, and no other user may be able to write them; for a service of a user, they may belong to that user.
pub fn check_program(program: &Path, scope: Scope, places: &Places) -> Result<(), ServiceError> {
    check_place(program)?;
    let inside = places.root().join(program.strip_prefix("/").unwrap_or(program));
    let status = inside.symlink_metadata().map_err(|error| {
        program_error(format!(
            "failed to find the program `{}`: {}: install it there first",
            inside.display(),
            cause(&error)
        ))
    })?;
    if !status.is_file() || status.mode() & 0o111 == 0 {
        return Err(program_error(format!("`{}` is not a program", inside.display())));
    }
    for directory in inside.ancestors().skip(1).take_while(|directory| directory.starts_with(places.root())) {
        if CARGO_MARKS.iter().any(|mark| is_cargos(&directory.join(mark))) {
            return Err(program_error(format!(
                "the program `{}` is in cargo's target directory `{}`, which `cargo clean` empties: {}",
                program.display(),
                directory.display(),
                fix(program, scope)
            )));
        }
    }
    if statvfs(&inside).is_ok_and(|status| status.flags().contains(FsFlags::ST_NOEXEC)) {
        let text = format!(
            "the program `{}` is on a file system that is mounted with `noexec`: {}",
            program.display(),
            fix(program, scope)
        );
        return Err(program_error(text));
    }
    for path in inside.ancestors().take_while(|path| path.starts_with(places.root())) {
        check_owner(path, program, scope)?;
    }
    Ok(())
}

/// Refuses a program in a temporary directory.
fn check_place(program: &Path) -> Result<(), ServiceError> {
    match TEMPORARY.iter().find(|directory| program.starts_with(directory)) {
        None => Ok(()),
        Some(directory) => Err(program_error(format!(
            "the program `{}` is below `{directory}`, where it does not survive: {}",
            program.display(),
            fix(program, Scope::System)
        ))),
    }
}

/// Returns `true` for a mark of cargo's target directory.
fn is_cargos(mark: &Path) -> bool {
    match mark.symlink_metadata() {
        Ok(status) if status.is_dir() => true,
        // A small text; another cache may have the file, too.
        Ok(status) if status.is_file() && status.len() < 4096 => {
            fs::read_to_string(mark).is_ok_and(|text| text.contains("cargo"))
        }
        _ => false,
    }
}

/// Refuses a file or directory on the way to the program that another user could change.
fn check_owner(path: &Path, program: &Path, scope: Scope) -> Result<(), ServiceError> {
    let status = path
        .symlink_metadata()
        .map_err(|error| program_error(format!("failed to look at `{}`: {}", path.display(), cause(&error))))?;
    let owner = Uid::from_raw(status.uid());
    let (is_trusted, forbidden) = match scope {
        Scope::System => (owner.is_root(), GROUP_WRITES | ANY_USER_WRITES),
        Scope::User => (owner.is_root() || owner == geteuid(), ANY_USER_WRITES),
    };
    let why = if status.is_symlink() {
        "it is a symbolic link".to_owned()
    } else if !is_trusted {
        format!("it belongs to {}", account::describe(owner))
    } else if status.mode() & forbidden != 0 {
        format!("others than its owner can write it (mode {:04o})", status.mode() & 0o7777)
    } else {
        return Ok(());
    };
    let effect = match scope {
        Scope::System => "the service would run, as root, a program that another user has put there",
        Scope::User => "the service would run a program that another user has put there",
    };
    Err(program_error(format!(
        "the program `{}` is not safe: `{}`: {why}, and {effect}: {}",
        program.display(),
        path.display(),
        // The place for programs may itself be open: `/usr/local/bin` of Debian belongs to the group `staff`.
        match program.parent() {
            Some(parent) if scope == Scope::System && parent == Path::new(PROGRAM_DIRECTORY) => {
                format!("run `sudo chown root {0} && sudo chmod go-w {0}`", path.display())
            }
            _ => fix(program, scope),
        }
    )))
}

/// The directory of programs that no package has installed (`hier(7)`).
const PROGRAM_DIRECTORY: &str = "/usr/local/bin";

/// Returns the command that puts the program in a place for programs.
fn fix(program: &Path, scope: Scope) -> String {
    let name = program.file_name().unwrap_or(program.as_os_str()).to_string_lossy();
    match scope {
        Scope::System => {
            format!(
                "run `sudo install -m 755 {} {PROGRAM_DIRECTORY}/{name}`, and install the service from there",
                program.display()
            )
        }
        Scope::User => format!(
            "run `cargo install --path .`, or `install -D -m 755 {} ~/.local/bin/{name}`, and install the service from there",
            program.display()
        ),
    }
}

fn program_error(text: String) -> ServiceError {
    ServiceError::new(ServiceErrorKind::Program, text)
}
