//! Property lists of launchd (`launchd.plist(5)`). They are written for users of macOS; this library does not run there.

use crate::definition::Definition;
use crate::manager_kind::Scope;
use crate::options::RestartPolicy;
use crate::quote::xml;
use crate::service_file::ServiceFile;
use std::fmt::Write;
use std::path::Path;

/// The lines above the header.
const PROLOG: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \
                      \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n";

pub(super) fn file(definition: &Definition, scope: Scope, directory: &Path) -> ServiceFile {
    let mut list = String::from("<plist version=\"1.0\">\n<dict>\n");
    string(&mut list, "Label", &definition.name);
    list.push_str("\t<key>ProgramArguments</key>\n\t<array>\n");
    for word in definition.command(&definition.run_arguments) {
        let _ = writeln!(list, "\t\t<string>{}</string>", xml::text(&word.to_string_lossy()));
    }
    list.push_str("\t</array>\n\t<key>RunAtLoad</key>\n\t<true/>\n");
    list.push_str(match definition.options.restart {
        RestartPolicy::Never => "",
        RestartPolicy::Always => "\t<key>KeepAlive</key>\n\t<true/>\n",
        RestartPolicy::OnFailure => {
            "\t<key>KeepAlive</key>\n\t<dict>\n\t\t<key>SuccessfulExit</key>\n\t\t<false/>\n\t</dict>\n"
        }
    });
    let _ =
        writeln!(list, "\t<key>ExitTimeOut</key>\n\t<integer>{}</integer>", definition.stop_timeout.as_secs().max(1));
    if scope == Scope::System && definition.manager_changes_user() {
        definition.user.iter().for_each(|user| string(&mut list, "UserName", user));
        definition.group.iter().for_each(|group| string(&mut list, "GroupName", group));
    }
    if scope == Scope::System {
        let output = format!("/var/log/{}.out", definition.name);
        string(&mut list, "StandardOutPath", &output);
        string(&mut list, "StandardErrorPath", &output);
    }
    list.push_str("</dict>\n</plist>\n");
    let path = directory.join(format!("{}.plist", definition.name));
    ServiceFile::xml(path, definition, PROLOG, &list)
}

fn string(list: &mut String, key: &str, value: &str) {
    let _ = writeln!(list, "\t<key>{key}</key>\n\t<string>{}</string>", xml::text(value));
}
