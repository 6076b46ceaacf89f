//! Records of a unit of a real systemd: in the journal, with fields.

use super::lab;
use look::Machine;
use serde_json::Value;

/// Boots a machine with the helper, and runs it in units with these lines, one after another; returns the records of each.
fn journals(units: &[(&str, &str)]) -> Vec<Vec<Value>> {
    let mut lab = lab();
    lab.bring_program();
    let machine = Machine::boot(lab);
    let program = machine.lab().program().display().to_string();
    let directory = machine.lab().directory().display().to_string();
    let journal = |(name, lines): &(&str, &str)| {
        let lines = lines.replace("LABDIR", &directory).replace("LAB", &program);
        let text = format!("[Unit]\nDefaultDependencies=no\n[Service]\nType=notify\nWorkingDirectory=/run\n{lines}\n");
        machine.unit(&format!("{name}.service"), &text);
        machine.systemctl(&["start", &format!("{name}.service")]).ok();
        machine.systemctl(&["stop", &format!("{name}.service")]).ok();
        machine.command("journalctl", &["--sync"]).run().ok();
        let unit = format!("_SYSTEMD_UNIT={name}.service");
        let all = machine.command("journalctl", &["--no-pager", "--all", "--output", "json", &unit]).run().ok();
        all.stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    };
    units.iter().map(journal).collect()
}

fn text<'a>(record: &'a Value, field: &str) -> &'a str {
    record[field].as_str().unwrap_or_default()
}

/// Returns the record with this message.
#[track_caller]
fn find<'a>(records: &'a [Value], message: &str) -> &'a Value {
    let found = records.iter().find(|record| text(record, "MESSAGE") == message);
    found.unwrap_or_else(|| panic!("{message:?} is not in {records:#?}"))
}

#[test]
fn unit_logs_to_the_journal_with_fields_and_falls_back_to_priorities() {
    let journals = journals(&[
        ("fields", "ExecStart=LAB run attack"),
        ("cut-off", "InaccessiblePaths=/run/systemd/journal/socket\nExecStart=LAB run attack"),
        ("plain", "ExecStart=LAB run stderr"),
        ("file", "StandardError=append:LABDIR/unit.log\nExecStart=LAB run"),
    ]);
    let [fields, cut_off, plain, file] = &journals[..] else { panic!("{journals:?}") };
    let ready = find(fields, "ready");
    for (field, value) in [
        ("PRIORITY", "6"),
        ("SYSLOG_IDENTIFIER", "helper"),
        ("TARGET", "logging_lab::records"),
        ("F_PORT", "8080"),
        ("F_HOST", "localhost"),
        ("SPAN_NAME", "request"),
        ("F_ID", "7"),
        ("_TRANSPORT", "journal"),
    ] {
        assert_eq!(text(ready, field), value, "{field} of {ready:#}");
    }
    assert_eq!(text(find(fields, "an error"), "PRIORITY"), "3");
    assert_eq!(text(find(fields, "by log"), "PRIORITY"), "6");
    // Its lines are within the message; none is a record, a field or a priority of its own.
    let forged: Vec<&Value> = fields.iter().filter(|record| record.to_string().contains("forged")).collect();
    assert!(forged.iter().all(|record| text(record, "PRIORITY") == "6"), "{forged:#?}");
    assert!(fields.iter().all(|record| !text(record, "MESSAGE").starts_with("2026-01-01T")), "{forged:#?}");

    for records in [cut_off, plain] {
        let ready = find(records, "request{id=7}: logging_lab::records: ready port=8080 host=\"localhost\"");
        assert_eq!((text(ready, "PRIORITY"), text(ready, "_TRANSPORT")), ("6", "stdout"));
        assert_eq!(text(find(records, "request{id=7}: logging_lab::records: a warning"), "PRIORITY"), "4");
        let low = records.iter().filter(|record| text(record, "PRIORITY").parse::<u8>().unwrap_or(9) < 3);
        assert_eq!(low.count(), 0, "{records:#?}");
    }
    // The unit's stderr is a file, whatever `JOURNAL_STREAM` says of stdout.
    assert!(file.iter().all(|record| !text(record, "MESSAGE").contains("ready")), "{file:#?}");
}
