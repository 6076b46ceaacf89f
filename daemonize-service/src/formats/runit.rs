//! Service directories of runit (`runsv(8)`).

use super::run_script::run_script;
use crate::definition::Definition;
use crate::manager_kind::{Manager, Scope};
use crate::options::RestartPolicy;
use crate::places::Places;
use crate::quote::shell;
use crate::service_file::ServiceFile;
use std::path::Path;

pub(super) fn files(definition: &Definition, scope: Scope, directory: &Path, places: &Places) -> Vec<ServiceFile> {
    let directory = directory.join(&definition.name);
    let run = run_script(definition);
    let mut files = vec![ServiceFile::script(directory.join("run"), definition, "/bin/sh", &run)];
    // runsv(8): `finish` gets the exit status, or -1 after a signal; `sv once` tells runsv not to restart.
    let finish = match definition.options.restart {
        RestartPolicy::Always => None,
        RestartPolicy::Never => Some("exec sv down .\n"),
        RestartPolicy::OnFailure => Some("if [ \"$1\" = 0 ]; then exec sv down .; fi\nexit 0\n"),
    };
    files.extend(finish.map(|text| ServiceFile::script(directory.join("finish"), definition, "/bin/sh", text)));
    let log = places.logger_directory(Manager::Runit, scope, &definition.name);
    let log = shell::word(&log.to_string_lossy());
    let text = format!("mkdir -p -m 0755 {log}\nexec svlogd -tt {log}\n");
    files.push(ServiceFile::script(directory.join("log/run"), definition, "/bin/sh", &text));
    files
}
