//! Handlers of messages, and where their messages come from.
#![deny(warnings)]
#![allow(missing_docs, clippy::all, clippy::pedantic, reason = "users have a style of their own")]

use std::error::Error;
use std::sync::Mutex;

use daemon::Daemon;
use daemon::messages::{Ack, Delivery, Messages, Nack, Requeue};

#[derive(Clone)]
struct Job(u32);

static JOBS: Mutex<Vec<Job>> = Mutex::new(Vec::new());

fn next_job() -> Option<Job> {
    JOBS.lock().ok()?.pop()
}

#[daemon::message(from = next_job)]
fn plain(job: Job) {
    assert!(job.0 < 100);
}

/// Any pattern, any outcome, any place.
mod elsewhere {
    #[daemon::message(from = super::next_job, pool_size = 4, idle_time = "5ms")]
    pub(crate) fn handle(super::Job(number): super::Job) -> std::io::Result<()> {
        println!("{number}");
        Ok(())
    }
}

fn next_or_error() -> anyhow::Result<Option<Job>> {
    Ok(next_job())
}

#[daemon::message(from = next_or_error, pool_size = size(), companion = Fallible)]
fn fallible(job: Job) -> anyhow::Result<()> {
    if job.0 > 0 { fallible(Job(job.0 - 1)) } else { Ok(()) }
}

fn size() -> usize {
    3
}

#[daemon::message(from = || Some("text"))]
fn from_a_closure(text: &'static str) -> ! {
    panic!("{text}")
}

struct Tag(u32);

impl Ack for Tag {
    fn ack(self) -> Result<(), Box<dyn Error + Send + Sync>> {
        println!("{} is done", self.0);
        Ok(())
    }

    fn nack(self, why: Nack) -> Result<(), Box<dyn Error + Send + Sync>> {
        Err(format!("{} is not done: {why:?}", self.0).into())
    }
}

fn next_delivery() -> Result<Option<Delivery<Job, Tag>>, Box<dyn Error + Send + Sync>> {
    Ok(next_job().map(|job| Delivery::new(job.clone(), Tag(job.0))))
}

#[daemon::message(from = next_delivery, retry = { delay = "1s", max_delay = "1m", attempts = 3 }, nack_timeout = "2s")]
fn acknowledged(job: Job) -> Result<(), String> {
    plain(job);
    Ok(())
}

fn next_kept() -> Option<Delivery<Job, Requeue<Job>>> {
    next_job().map(|job| Delivery::requeue_on_failure(job, |job, _| JOBS.lock().unwrap().push(job)))
}

#[daemon::message(from = next_kept)]
fn given_back(job: Job) {
    plain(job);
}

struct Shop;

impl Messages for Shop {
    type Message = Job;
    type Fetched = Option<Delivery<Job, Tag>>;

    fn fetch(&self) -> Self::Fetched {
        next_job().map(|job| Delivery::new(job.clone(), Tag(job.0)))
    }

    fn handle(&self, job: Job) -> Result<(), Box<dyn Error + Send + Sync>> {
        Ok(acknowledged(job)?)
    }
}

/// Without attributes: types are inferred, and what fetches need not be `Send`.
fn builders() -> daemon::Result<()> {
    let mine = std::rc::Rc::new(std::cell::Cell::new(0_u64));
    Daemon::new("closures")
        .pool_size(2)
        .messages(move || mine.get().checked_sub(1), |number| assert!(number.pow(2) < 9))
        .start()?;
    Daemon::new("delivered").messages(next_delivery, |job| assert!(job.0 > 0)).start()?;
    Daemon::new("shop").messages_of(Shop).start()?;
    Ok(())
}

fn main() {
    #[daemon::message(from = || daemon::messages::counters().fetched.checked_sub(1))]
    fn inside(_number: u64) {}

    plain(Job(1));
    inside(2);
    if std::env::args().count() > 5 {
        plain::start().unwrap();
        plain::stop().unwrap();
        elsewhere::handle::restart().unwrap();
        Fallible::status().unwrap();
        builders().unwrap();
    }
}
