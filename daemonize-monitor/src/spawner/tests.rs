//! Things that hang, without any process.

use super::*;
use std::time::Instant;

fn spawners() -> Spawners {
    Spawners::new(Ground::new(&Secret::random().unwrap(), None)).unwrap()
}

/// What comes of it, however long that takes on a busy machine.
fn outcome<T>(begun: Begun<T>) -> Result<T, Refusal> {
    let ticket = match begun {
        Begun::Over(outcome) => return outcome,
        Begun::Hangs(ticket) => ticket,
    };
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        if let Some(outcome) = ticket.outcome() {
            return outcome;
        }
        assert!(Instant::now() < deadline, "nobody tells");
        thread::yield_now();
    }
}

#[test]
fn p6_11_whatever_hangs_is_left_alone_and_heard_of() {
    let mut spawners = spawners();
    let mut gates = Vec::new();
    let mut tickets: Vec<Ticket<usize>> = Vec::new();
    for number in 0..MOST {
        let (gate, waits) = channel::<()>();
        let begin = Instant::now();
        match spawners.give(LESS, move |_, _| Ok(waits.recv().map_or(number, |()| usize::MAX))) {
            Begun::Hangs(ticket) => tickets.push(ticket),
            Begun::Over(outcome) => panic!("{number} is over: {outcome:?}"),
        }
        assert!(begin.elapsed() >= LESS);
        gates.push(gate);
    }
    // There is no thread for one more, until one comes back.
    let Begun::Over(Err(short)) = spawners.give(LESS, |_, _| Ok(())) else { panic!("more than {MOST} hang") };
    assert!(short.shortage && short.text.contains("others hang"), "{short:?}");
    assert!(spawners.bell().read().is_err() && tickets.iter().all(|ticket| ticket.outcome().is_none()));
    drop(gates.remove(7));
    let begin = Instant::now();
    while spawners.bell().read().is_err() {
        assert!(begin.elapsed() < Duration::from_secs(20), "nobody rings");
        thread::yield_now();
    }
    let over: Vec<usize> = tickets.iter().filter_map(Ticket::outcome).map(Result::unwrap).collect();
    assert_eq!(over, [7]);
    assert!(matches!(outcome(spawners.give(LESS, |_, _| Ok(8))), Ok(8)));
    // Whoever looks needs none of them.
    assert!(matches!(outcome(spawners.look("/".into(), Duration::ZERO)), Ok(Some(_))));
    assert_eq!(spawners.threads.len(), MOST);
}

#[test]
fn a_panic_ends_no_thread() {
    let mut spawners = spawners();
    for _ in 0..3 {
        let refusal = outcome(spawners.give(LESS, |_, _| -> Result<(), Refusal> { panic!("on purpose") })).unwrap_err();
        assert!(refusal.text.contains("panicked"), "{refusal:?}");
    }
    assert!(matches!(outcome(spawners.give(LESS, |_, _| Ok(8))), Ok(8)));
    assert!(matches!(outcome(spawners.look("/nowhere".into(), Duration::ZERO)), Ok(None)));
    assert_eq!(spawners.threads.len(), 1);
}
