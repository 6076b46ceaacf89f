//! One booted systemd for the tests of this program.

use std::fs;
use std::os::unix::fs::chown;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use look::{Deadline, Lab, Machine, Process};

/// The timeout of events that happen immediately, on a busy machine.
pub(crate) const EVENT_TIMEOUT: Duration = Duration::from_secs(10);

/// The path of the helper program in the machine, where every directory above is root's alone.
pub(crate) const LAB_PROGRAM: &str = "/usr/local/bin/managedlab";

/// The path of the program that installs itself.
pub(crate) const UNIT_PROGRAM: &str = "/usr/local/bin/unitlab";

/// The user `ada` of the machine.
pub(crate) const ADA: u32 = 4711;

/// Boots a machine with the helper programs.
pub(crate) fn boot() -> Machine {
    let machine = Machine::boot_multi_user(Lab::new(env!("CARGO_BIN_EXE_managedlab")));
    machine.install(Path::new(env!("CARGO_BIN_EXE_managedlab")), LAB_PROGRAM);
    machine.install(Path::new(env!("CARGO_BIN_EXE_unitlab")), UNIT_PROGRAM);
    machine
}

/// Returns the machine of all tests in this program: it boots once, and is shut down when the program ends.
pub(crate) fn machine() -> Arc<Machine> {
    static MACHINE: Mutex<Option<Arc<Machine>>> = Mutex::new(None);
    extern "C" fn take_down() {
        drop(MACHINE.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
    let mut machine = MACHINE.lock().unwrap_or_else(PoisonError::into_inner);
    let booted = machine.get_or_insert_with(|| {
        look::sys::at_exit(take_down);
        Arc::new(boot())
    });
    Arc::clone(booted)
}

/// Writes a unit of the user `ada`, and makes her manager load it.
pub(crate) fn user_unit(machine: &Machine, name: &str, text: &str) {
    let units = machine.path("/home/ada/.config/systemd/user");
    fs::create_dir_all(&units).expect("a file system of our own");
    for directory in [".config", ".config/systemd", ".config/systemd/user"] {
        chown(machine.path("/home/ada").join(directory), Some(ADA), Some(ADA)).expect("root");
    }
    fs::write(units.join(name), text).expect("a file system of our own");
    machine.user_systemctl(&["daemon-reload"]).ok();
}

/// Returns the main process of a unit.
#[track_caller]
pub(crate) fn main_of(machine: &Machine, unit: &str) -> (i32, Process) {
    let pid = machine.property(unit, "MainPID").parse().expect("a number");
    (pid, machine.process(pid).unwrap_or_else(|| panic!("{unit} has no main process: {}", machine.journal(unit))))
}

/// Waits until a file of the machine satisfies `holds`, and returns its content.
#[track_caller]
pub(crate) fn wait_for(machine: &Machine, inside: &str, holds: impl Fn(&str) -> bool) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let content = look::file(&machine.path(inside), Deadline::after(EVENT_TIMEOUT), |bytes| holds(&text(bytes)));
    text(&content.unwrap_or_else(|_| panic!("`{inside}` did not come to that; it holds {:?}", machine.read(inside))))
}
