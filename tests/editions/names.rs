// Functions, parameters and companions called `gen`, which is a keyword from edition 2024 on.

use std::sync::atomic::{AtomicU64, Ordering};

static SUM: AtomicU64 = AtomicU64::new(0);

fn add(number: u64) {
    SUM.fetch_add(number, Ordering::SeqCst);
}

#[daemon::run]
fn gen(gen: u64, r#try: u64) {
    add(gen + r#try);
}

#[daemon::step(every = "1s")]
fn tick(gen: &mut u64, more: &[u64]) {
    *gen += more[0];
    add(*gen);
}

#[daemon::message(from = || None::<u64>)]
fn handle(gen: u64) {
    add(gen);
}

mod companion {
    #[daemon::run(companion = gen)]
    pub fn run(gen: u64, more: &[u64]) {
        super::add(gen + more[0]);
    }
}

mod by_exec {
    #[daemon::run(launch = exec, environment = ["A"])]
    pub(crate) fn gen(gen: u64, r#try: &[u64]) {
        super::add(gen + r#try[0]);
    }

    #[daemon::step(on_demand = "1m", companion = r#async)]
    pub(crate) fn r#dyn(gen: &mut u64) {
        super::add(*gen);
    }
}

mod program {
    #[derive(clap::Parser)]
    pub(crate) struct Args {
        #[arg(long)]
        pub(crate) gen: u64,
    }

    #[daemon::run(cli, pidfile = format!("/run/{}.pid", gen.gen), on_demand = std::time::Duration::from_secs(gen.gen), protocol = 2)]
    pub(crate) fn main(gen: Args) {
        super::add(gen.gen);
    }
}

mod counter {
    #[daemon::message(cli, from = move || Some(gen.gen))]
    pub(crate) fn main(number: u64, gen: &super::program::Args) {
        super::add(gen.gen + number);
    }
}

#[test]
fn keyword_of_a_later_edition_as_a_name_is_accepted() {
    gen::call(1, 2);
    tick::call(&mut 10, &[20]);
    handle(100);
    companion::gen::call(1_000, &[2_000]);
    program::main::call(program::Args { gen: 10_000 });
    counter::main::call(20_000, &program::Args { gen: 30_000 });
    let _ = (program::main as fn() -> _, counter::main as fn() -> _, gen::dispatch);
    by_exec::gen::call(100_000, &[200_000]);
    by_exec::r#async::call(&mut 400_000);
    let _ = (by_exec::gen::stop, || by_exec::r#async::connect(1_u64), || by_exec::r#dyn(1_u64));
    let _ = (gen as fn(u64, u64) -> daemon::Result<daemon::Started>, gen::stop, tick::stop, companion::gen::stop);
    assert_eq!(SUM.load(Ordering::SeqCst), 763_133);
}
