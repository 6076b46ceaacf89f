//! The verb `service`: what it writes, what it refuses, and what a real systemd makes of it.

mod booted;
mod foreign_files;
mod image;
mod supervisors;
mod unsafe_program;

use look::{Lab, Outcome};
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::PathBuf;

/// An image of a machine in a lab, with the helper program in `/usr/local/bin`.
struct Image {
    lab: Lab,
    root: PathBuf,
}

/// The user without rights.
const NOBODY: u32 = 65534;

impl Image {
    fn new() -> Image {
        let lab = Lab::new(env!("CARGO_BIN_EXE_servicelab"));
        let root = lab.path("image");
        let image = Image { lab, root };
        image.directory("usr/local/bin", 0, 0o755);
        image.directory("etc/systemd/system", 0, 0o755);
        let install = image.lab.command("install", &["-m", "755"]).arg(image.lab.program());
        install.arg(image.path("usr/local/bin/servicelab")).run().ok();
        image
    }

    /// Returns the path of a file of the image.
    fn path(&self, inside: &str) -> PathBuf {
        self.root.join(inside)
    }

    /// Makes a directory with this owner and mode.
    fn directory(&self, inside: &str, owner: u32, mode: u32) {
        let path = self.path(inside);
        fs::create_dir_all(&path).expect("a directory");
        chown(&path, Some(owner), Some(owner)).expect("root");
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("a directory of ours");
    }

    /// Runs `servicelab service VERB --root IMAGE --manager systemd ARGUMENTS…` from the image.
    fn service(&self, verb: &str, arguments: &[&str]) -> Outcome {
        self.service_of("systemd", verb, arguments)
    }

    fn service_of(&self, manager: &str, verb: &str, arguments: &[&str]) -> Outcome {
        let program = self.path("usr/local/bin/servicelab");
        let run = self.lab.command(&program.to_string_lossy(), &["service", verb, "--manager", manager, "--root"]);
        run.arg(&self.root).args(arguments).run()
    }

    fn unit(&self) -> String {
        fs::read_to_string(self.path("etc/systemd/system/servicelab.service")).unwrap_or_default()
    }

    /// Returns every file and link of the image but the program, sorted.
    fn files(&self) -> Vec<String> {
        let mut files = Vec::new();
        let mut directories = vec![self.root.clone()];
        while let Some(directory) = directories.pop() {
            for entry in fs::read_dir(directory).expect("a directory") {
                let entry = entry.expect("an entry");
                match entry.file_type().expect("a type") {
                    kind if kind.is_dir() => directories.push(entry.path()),
                    _ => files.push(entry.path().strip_prefix(&self.root).expect("inside").display().to_string()),
                }
            }
        }
        files.retain(|file| file != "usr/local/bin/servicelab");
        files.sort();
        files
    }
}
