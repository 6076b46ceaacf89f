//! Futures over socket pairs.

use super::*;
use std::future::poll_fn;
use std::io::Write as _;
use std::os::unix::net::UnixStream;
use std::time::Duration;

fn pair() -> (Arc<Poller>, PolledSocket, UnixStream) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let poller = Arc::<Poller>::default();
    let socket = poller.socket(ours.into());
    (poller, socket, theirs)
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(20)
}

#[test]
fn future_that_waits_for_nothing_is_run_until_it_is_ready() {
    let poller = Arc::<Poller>::default();
    let mut rounds = 0;
    let count = poll_fn(|context| {
        rounds += 1;
        context.waker().wake_by_ref();
        if rounds < 100 { Poll::Pending } else { Poll::Ready(rounds) }
    });
    assert_eq!(poller.block_on(Some(soon()), count).unwrap(), 100);
}

#[test]
fn read_of_a_silent_peer_ends_at_the_deadline_and_can_be_repeated() {
    let (poller, mut socket, mut theirs) = pair();
    let mut byte = [0];
    let deadline = Instant::now() + Duration::from_millis(30);
    let silent = poller.block_on(Some(deadline), poll_fn(|context| socket.poll_read(context, &mut byte)));
    assert!(silent.unwrap_err().kind() == io::ErrorKind::TimedOut && Instant::now() >= deadline);
    theirs.write_all(b"x").unwrap();
    let read = poller.block_on(Some(soon()), poll_fn(|context| socket.poll_read(context, &mut byte)));
    assert_eq!((read.unwrap().unwrap(), byte), (1, *b"x"));
}

#[test]
fn write_of_more_than_fits_waits_for_the_reader() {
    const LENGTH: usize = 4 << 20;
    let (poller, mut socket, theirs) = pair();
    let reader = std::thread::spawn(move || io::copy(&mut &theirs, &mut io::sink()).unwrap());
    let mut left = LENGTH;
    while left > 0 {
        let bytes = vec![b'x'; left];
        let write = poller.block_on(Some(soon()), poll_fn(|context| socket.poll_write(context, &bytes)));
        left -= write.unwrap().unwrap();
    }
    drop((poller, socket));
    assert_eq!(reader.join().unwrap(), LENGTH as u64);
}

#[test]
fn future_that_wakes_itself_for_ever_ends_at_the_deadline() {
    let deadline = Instant::now() + Duration::from_millis(50);
    let endless = poll_fn(|context| -> Poll<()> {
        context.waker().wake_by_ref();
        Poll::Pending
    });
    let ended = Arc::<Poller>::default().block_on(Some(deadline), endless);
    assert!(ended.unwrap_err().kind() == io::ErrorKind::TimedOut && Instant::now() >= deadline);
}
