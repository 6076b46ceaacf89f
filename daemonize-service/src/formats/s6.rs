//! Service directories of s6 (`s6-supervise`, section "Service directories" of its documentation).
//!
//! There is no `notification-fd`: the program reports readiness to systemd's socket only, and `s6-svwait -u` means "runs".

use super::run_script::run_script;
use crate::definition::Definition;
use crate::manager_kind::{Manager, Scope};
use crate::options::RestartPolicy;
use crate::places::Places;
use crate::quote::shell;
use crate::service_file::ServiceFile;
use std::path::Path;

/// The exit status of `finish` that means: do not restart (documentation of `s6-supervise`).
const PERMANENT_FAILURE: u32 = 125;

pub(super) fn files(definition: &Definition, scope: Scope, directory: &Path, places: &Places) -> Vec<ServiceFile> {
    let directory = directory.join(&definition.name);
    let run = run_script(definition);
    let mut files = vec![
        ServiceFile::script(directory.join("run"), definition, "/bin/sh", &run),
        // s6-svc -d sends SIGTERM, and SIGKILL after this time.
        ServiceFile::bare(directory.join("timeout-kill"), format!("{}\n", definition.stop_timeout.as_millis())),
    ];
    let finish = match definition.options.restart {
        RestartPolicy::Always => None,
        RestartPolicy::Never => Some(format!("exit {PERMANENT_FAILURE}\n")),
        RestartPolicy::OnFailure => Some(format!("if [ \"$1\" -eq 0 ]; then exit {PERMANENT_FAILURE}; fi\nexit 0\n")),
    };
    files.extend(finish.map(|text| ServiceFile::script(directory.join("finish"), definition, "/bin/sh", &text)));
    let log = places.logger_directory(Manager::S6, scope, &definition.name);
    let log = shell::word(&log.to_string_lossy());
    let text = format!("mkdir -p -m 0755 {log}\nexec s6-log n10 s1000000 T {log}\n");
    files.push(ServiceFile::script(directory.join("log/run"), definition, "/bin/sh", &text));
    files
}
