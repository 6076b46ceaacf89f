//! What lives beside the body: `beside=MOMENT:acts` says what it does when, `address=URL` where it can be reached.

use std::error::Error;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::fd::AsRawFd;
use std::sync::Mutex;

use daemon::{Attachment, Handle, Phase, Planned, Prepared};

use crate::act::{self, Act};

/// An attachment that performs acts. From `prepare` to `start` it keeps a file open, and writes into it then.
#[derive(Default)]
pub(crate) struct Beside {
    acts: Vec<(String, Vec<Act>)>,
    addresses: Vec<String>,
    kept: Mutex<Option<File>>,
}

impl Beside {
    /// `MOMENT:acts`, of the moments check, prepare, start and end.
    pub(crate) fn does(&mut self, value: &str) -> Result<(), String> {
        let (moment, acts) = value.split_once(':').ok_or("`beside` wants `MOMENT:acts`")?;
        self.acts.push((moment.to_owned(), act::parse(acts)?));
        Ok(())
    }

    /// One more address.
    pub(crate) fn is_at(&mut self, address: &str) {
        self.addresses.push(address.to_owned());
    }

    fn perform(&self, moment: &str) -> Result<(), Box<dyn Error>> {
        let mut acts = self.acts.iter().filter(|(when, _)| when == moment);
        acts.try_for_each(|(_, acts)| act::perform(acts)).map_err(|error| error as Box<dyn Error>)
    }
}

impl Attachment for Beside {
    fn check(&self, _: &Planned) -> Result<(), Box<dyn Error>> {
        self.perform("check")
    }

    fn prepare(&self, plan: &Planned) -> Result<Prepared, Box<dyn Error>> {
        self.perform("prepare")?;
        let mut file = OpenOptions::new().append(true).create(true).open(look::in_lab("kept"))?;
        writeln!(file, "{} becomes {:?} {:?}", plan.name(), plan.user(), plan.group())?;
        let mut prepared = Prepared::default();
        prepared.addresses.clone_from(&self.addresses);
        prepared.descriptors.push(file.as_raw_fd());
        *self.kept.lock().expect("no panic") = Some(file);
        Ok(prepared)
    }

    fn start(&self, daemon: Handle) -> Result<(), Box<dyn Error>> {
        self.perform("start")?;
        let kept = self.kept.lock().expect("no panic").take();
        writeln!(kept.ok_or("not prepared")?, "at {}", daemon.addresses().join(" "))?;
        Ok(())
    }

    fn phase(&self, phase: Phase) {
        let name = format!("{phase:?}").to_lowercase();
        let _ = self.perform(&name);
    }

    fn end(&self) {
        let _ = self.perform("end");
    }
}
