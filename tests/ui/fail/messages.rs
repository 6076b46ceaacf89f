//! Messages that cannot be fetched or handled.

struct Job;

fn next_job() -> Option<Job> {
    None
}

fn no_option() -> Job {
    Job
}

fn takes_one(_: u8) -> Option<Job> {
    None
}

fn stays_here() -> Option<std::rc::Rc<Job>> {
    None
}

#[daemon::message]
fn from_nowhere(_job: Job) {}

#[daemon::message(from = next_job, pool_size = 0)]
fn nobody(_job: Job) {}

#[daemon::message(from = next_job)]
fn borrowed(_job: &Job) {}

#[daemon::message(from = no_option)]
fn without_option(_job: Job) {}

#[daemon::message(from = takes_one)]
fn with_argument(_job: Job) {}

#[daemon::message(from = stays_here)]
fn unsendable(_job: std::rc::Rc<Job>) {}

#[daemon::message(from = next_job)]
fn of_another_type(_job: String) {}

#[daemon::message(from = next_job)]
fn unknown_outcome(_job: Job) -> Vec<u8> {
    Vec::new()
}

fn main() {}
