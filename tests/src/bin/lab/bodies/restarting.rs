//! Daemons that restart or reload themselves, or send an event.

use look::actions::{Fallible, await_file, idle, note};

use super::{Named, table};

pub(super) const TABLE: &[Named] = table![
    restart,
    restart_three_times,
    stop_and_restart,
    reload,
    reload_and_idle,
    reload_on_go;
    restart_and_note,
    send_event,
    send_event_and_idle,
];

/// Starts the program again, and stops this daemon once the new one has started.
fn restart() -> daemon::Result<()> {
    daemon::restart()
}

/// Requests a restart while another one is under way.
fn restart_three_times() -> Fallible {
    for _ in 0..3 {
        daemon::restart()?;
    }
    note("asked")?;
    Ok(())
}

fn restart_and_note(file: &str) -> Fallible {
    daemon::restart()?;
    note(file)?;
    Ok(())
}

/// Requests a restart after the stop.
fn stop_and_restart() -> Fallible {
    daemon::stopping();
    note("bodies")?;
    daemon::stop();
    daemon::restart()?;
    Ok(())
}

/// Reloads as SIGHUP does.
fn reload() -> daemon::Result<()> {
    daemon::reload()
}

fn reload_and_idle() -> Fallible {
    daemon::stopping();
    daemon::reload()?;
    idle();
    Ok(())
}

fn reload_on_go() -> Fallible {
    await_file("go")?;
    daemon::reload()?;
    Ok(())
}

/// Sends an event to the monitor that started this daemon.
fn send_event(name: &str) -> Fallible {
    if daemon::event(name) { Ok(()) } else { Err("no monitor hears".into()) }
}

fn send_event_and_idle(name: &str) -> Fallible {
    send_event(name)?;
    idle();
    Ok(())
}
