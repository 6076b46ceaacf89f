//! The service manager: starts a transient scope with a process (`org.freedesktop.systemd1(5)`).

use super::bus::{describe, proxy};
use crate::unit::Unit;
use zbus::blocking::Connection;
use zbus::zvariant::{OwnedObjectPath, Value};

/// Asks the service manager of this bus for the scope, and waits until its process is in it.
pub(super) fn start_scope(bus: &Connection, unit: &Unit) -> Result<(), String> {
    match start(bus, unit) {
        Ok(result) if result == "done" => Ok(()),
        Ok(result) => Err(format!("failed to start `{}`: its job ended with `{result}`", unit.name)),
        Err(error) => Err(format!("failed to start `{}`: {}", unit.name, describe(&error))),
    }
}

/// Returns the result of the job.
fn start(bus: &Connection, unit: &Unit) -> zbus::Result<String> {
    let (name, path) = ("org.freedesktop.systemd1", "/org/freedesktop/systemd1");
    let manager = proxy(bus, name, path, "org.freedesktop.systemd1.Manager")?;
    // Before the job exists: it may be done at once.
    let removed = manager.receive_signal("JobRemoved")?;
    manager.call_method("Subscribe", &())?;
    let properties = [
        ("PIDs", Value::from(vec![unit.pid.as_raw().unsigned_abs()])),
        ("Description", Value::from(unit.description.as_str())),
        ("Slice", Value::from(unit.slice)),
        // Otherwise the unit of a daemon that was killed would stay, as failed.
        ("CollectMode", Value::from("inactive-or-failed")),
    ];
    let others: [(&str, Vec<(&str, Value<'_>)>); 0] = [];
    let job: OwnedObjectPath =
        manager.call("StartTransientUnit", &(unit.name.as_str(), "fail", &properties[..], &others[..]))?;
    for message in removed {
        let (_, ended, _, result): (u32, OwnedObjectPath, String, String) = message.body().deserialize()?;
        if ended == job {
            return Ok(result);
        }
    }
    Err(zbus::Error::Failure("the bus closed the connection".to_owned()))
}
