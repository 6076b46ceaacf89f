//! Attachments of the daemon: `attach=MOMENT:body` runs a body at that moment, `address=URL` and `warning=TEXT` add an address and a
//! warning about the start.

use std::error::Error;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::fd::AsRawFd;
use std::sync::Mutex;

use daemon::attach::{AttachContext, Attachment, Handle, Phase, Prepared};
use look::actions::{Failure, append};

use crate::bodies::Body;

/// An attachment that runs bodies. It opens a file in `prepare`, and writes to it in `start`.
#[derive(Default)]
pub(crate) struct Attached {
    bodies: Vec<(String, Body)>,
    addresses: Vec<String>,
    warnings: Vec<String>,
    kept: Mutex<Option<File>>,
}

impl Attached {
    /// Adds `MOMENT:body`; the moments are check, launching, launched, prepare, start and end, and the phases of a
    /// daemon.
    pub(crate) fn does(&mut self, value: &str) -> Result<(), Failure> {
        let (moment, body) = value.split_once(':').ok_or("`attach` wants `MOMENT:body`")?;
        self.bodies.push((moment.to_owned(), Body::parse(body)?));
        Ok(())
    }

    /// Adds an address.
    pub(crate) fn is_at(&mut self, address: &str) {
        self.addresses.push(address.to_owned());
    }

    /// Adds a warning about the start.
    pub(crate) fn warns(&mut self, warning: &str) {
        self.warnings.push(warning.replace("\\n", "\n").replace("\\e", "\x1b"));
    }

    fn has(&self, moment: &str) -> bool {
        self.bodies.iter().any(|(when, _)| when == moment)
    }

    fn run(&self, moment: &str) -> Result<(), Box<dyn Error>> {
        let mut bodies = self.bodies.iter().filter(|(when, _)| when == moment);
        bodies.try_for_each(|(_, body)| body.run()).map_err(|error| error as Box<dyn Error>)
    }
}

impl Attachment for Attached {
    fn check(&self, _: &AttachContext) -> Result<(), Box<dyn Error>> {
        self.run("check")
    }

    fn launching(&self, plan: &AttachContext) -> Result<(), Box<dyn Error>> {
        if self.has("launching") {
            let size = fs::metadata(plan.pidfile())?.len();
            append("launching", &format!("{} {size}\n", std::process::id()))?;
        }
        self.run("launching")
    }

    fn launched(&self, outcome: Result<(), &dyn Error>) {
        if self.has("launched") {
            let pidfile = if look::in_lab("d.pid").exists() { "pidfile" } else { "free" };
            let outcome = outcome.map_or_else(ToString::to_string, |()| "success".to_owned());
            let _ = append("launched", &format!("{} {pidfile} {outcome}\n", std::process::id()));
        }
        let _ = self.run("launched");
    }

    fn prepare(&self, plan: &AttachContext) -> Result<Prepared, Box<dyn Error>> {
        self.run("prepare")?;
        let mut file = OpenOptions::new().append(true).create(true).open(look::in_lab("kept"))?;
        writeln!(file, "{} becomes {:?} {:?}", plan.name(), plan.user(), plan.group())?;
        let mut prepared = Prepared::default();
        prepared.addresses.clone_from(&self.addresses);
        prepared.warnings.clone_from(&self.warnings);
        prepared.descriptors.push(file.as_raw_fd());
        *self.kept.lock().expect("no panic") = Some(file);
        Ok(prepared)
    }

    fn start(&self, daemon: Handle) -> Result<(), Box<dyn Error>> {
        self.run("start")?;
        let kept = self.kept.lock().expect("no panic").take();
        writeln!(kept.ok_or("not prepared")?, "at {}", daemon.addresses().join(" "))?;
        Ok(())
    }

    fn phase(&self, phase: Phase) {
        let name = format!("{phase:?}").to_lowercase();
        let _ = self.run(&name);
    }

    fn end(&self) {
        let _ = self.run("end");
    }
}
