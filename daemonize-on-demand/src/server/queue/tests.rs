use super::*;
use std::thread;
use std::time::Duration;

/// Makes a client that its user id identifies.
fn client(uid: u32) -> QueuedClient {
    let (stream, _) = UnixStream::pair().unwrap();
    QueuedClient { stream, peer: Peer { pid: None, uid, gid: 0 }, token: ClientToken::new() }
}

fn uid(next: Next) -> u32 {
    match next {
        Next::Client(client) => client.peer.uid,
        Next::Closed => panic!("closed"),
        Next::Absent => panic!("absent"),
    }
}

#[test]
fn closed_queue_returns_what_is_in_it_and_then_its_end() {
    let queue = Queue::new();
    assert!(matches!(queue.next(), Next::Absent));
    queue.open();
    queue.push(client(1));
    queue.push(client(2));
    queue.close();
    assert_eq!((uid(queue.next()), uid(queue.next())), (1, 2));
    assert!(matches!(queue.next(), Next::Closed) && matches!(queue.next(), Next::Closed));
}

#[test]
fn every_waiting_thread_is_woken_by_a_client_or_the_end() {
    let queue = Queue::new();
    queue.open();
    thread::scope(|scope| {
        let waiting: Vec<_> = (0..4).map(|_| scope.spawn(|| matches!(queue.next(), Next::Client(_)))).collect();
        queue.push(client(1));
        queue.push(client(2));
        thread::sleep(Duration::from_millis(20));
        queue.close();
        let served = waiting.into_iter().filter_map(|thread| thread.join().ok()).filter(|served| *served).count();
        assert_eq!(served, 2);
    });
}

#[test]
fn clients_that_have_left_are_removed_only_while_the_body_has_never_asked() {
    let queue = Queue::new();
    queue.open();
    for number in 1..=3 {
        queue.push(client(number));
    }
    queue.remove_unasked(|client| client.peer.uid == 2);
    assert_eq!(queue.len(), 2);
    assert_eq!(uid(queue.next()), 1);
    queue.remove_unasked(|_| true);
    assert_eq!(uid(queue.next()), 3);
}

#[cfg(feature = "tokio")]
#[test]
fn async_calls_lose_no_client_when_they_are_cancelled() {
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};
    let queue = Queue::new();
    queue.open();
    let mut context = Context::from_waker(Waker::noop());
    {
        let (mut first, mut second) = (pin!(queue.next_async()), pin!(queue.next_async()));
        assert!(first.as_mut().poll(&mut context).is_pending() && second.as_mut().poll(&mut context).is_pending());
        queue.push(client(1));
        queue.push(client(2));
        // Both were woken, and each finds one.
        let Poll::Ready(next) = second.as_mut().poll(&mut context) else { panic!("not woken") };
        assert_eq!(uid(next), 1);
        // The first call is dropped: it was woken, and has taken none.
    }
    let mut third = pin!(queue.next_async());
    let Poll::Ready(next) = third.as_mut().poll(&mut context) else { panic!("lost") };
    assert_eq!(uid(next), 2);
}
