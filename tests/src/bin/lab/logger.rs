//! A logger that appends a line `PID LEVEL TEXT` per record to the file named by `LAB_LOG`. A logger on `*.panic`
//! panics, one on `*.hang` hangs when the daemon ends, one on `*.thread` creates a thread when a daemon was stopped.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

struct ToFile(PathBuf);

/// Installs the logger if `LAB_LOG` is set.
pub(crate) fn begin() {
    let Ok(name) = std::env::var("LAB_LOG") else { return };
    log::set_logger(Box::leak(Box::new(ToFile(look::in_lab(&name))))).expect("the first logger");
    log::set_max_level(log::LevelFilter::Debug);
}

impl log::Log for ToFile {
    fn enabled(&self, _: &log::Metadata) -> bool {
        true
    }

    fn log(&self, record: &log::Record) {
        let line = format!("{} {} {}\n", std::process::id(), record.level(), record.args());
        match self.0.extension().and_then(|extension| extension.to_str()) {
            Some("panic") => panic!("a logger that panics"),
            // `is to stop` and `ends with status …`
            Some("thread") if line.contains("stopped") => {
                let run = || std::thread::sleep(Duration::MAX);
                std::thread::Builder::new().name("records".into()).spawn(run).expect("a thread");
            }
            Some("hang") if line.contains("stop\n") || line.contains("ends") => std::thread::sleep(Duration::MAX),
            _ => {}
        }
        let file = OpenOptions::new().append(true).create(true).open(&self.0);
        file.and_then(|mut file| file.write_all(line.as_bytes())).expect("a log");
    }

    fn flush(&self) {}
}
