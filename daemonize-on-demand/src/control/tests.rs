use super::*;
use daemonize_core::Pid;
use proptest::prelude::*;
use std::time::Duration;

fn pid(number: i32) -> Pid {
    Pid::from_raw(number).unwrap()
}

fn report() -> DaemonReport {
    DaemonReport {
        name: "agent".into(),
        pid: pid(4711),
        build: Some("9f86d0".into()),
        protocol: 3,
        version: None,
        constraint: Some("two words".into()),
        state: DaemonState::Retiring,
        clients: 2,
        queued: 1,
        guards: 1,
        idle_for: Duration::ZERO,
    }
}

#[test]
fn requests_are_the_documented_lines() {
    let retire = |when| RetireRequest { pid: pid(4711), build: Some("9f86d0".into()), when, own: 1 };
    for (line, request) in [
        ("ping\n", ControlRequest::Ping),
        ("status\n", ControlRequest::Status),
        ("retire pid=4711 build=9f86d0 when=idle own=1\n", ControlRequest::Retire(retire(RetireTime::Idle))),
        ("retire pid=4711 build=9f86d0 when=if_idle own=1\n", ControlRequest::Retire(retire(RetireTime::IfIdle))),
        ("retire pid=4711 build=9f86d0 when=now own=1\n", ControlRequest::Retire(retire(RetireTime::Now))),
    ] {
        assert_eq!(request.to_line(), line);
        assert_eq!(ControlRequest::parse(line.as_bytes()), Ok(request));
    }
}

#[test]
fn answers_are_the_documented_lines() {
    let status = "status name=agent pid=4711 build=9f86d0 protocol=3 constraint=two%20words state=retiring clients=2 queued=1 \
                  guards=1 idle_ms=0\n";
    for (line, answer) in [
        ("pong pid=4711\n", ControlAnswer::Pong(pid(4711))),
        ("retiring\n", ControlAnswer::Retiring),
        ("busy clients=2 guards=0\n", ControlAnswer::Busy { clients: 2, guards: 0 }),
        ("other\n", ControlAnswer::OtherDaemon),
        ("refused why=no%20idea\n", ControlAnswer::Refused("no idea".into())),
        (status, ControlAnswer::Status(Box::new(report()))),
    ] {
        assert_eq!(answer.to_line(), line);
        assert_eq!(ControlAnswer::parse(line.as_bytes()), Some(answer));
    }
}

#[test]
fn request_of_a_later_version_is_read_without_its_new_keys() {
    let line = b"retire pid=4711 when=idle later=1";
    let expected = RetireRequest { pid: pid(4711), build: None, when: RetireTime::Idle, own: 0 };
    assert_eq!(ControlRequest::parse(line), Ok(ControlRequest::Retire(expected)));
}

#[test]
fn request_that_is_not_valid_is_refused_with_the_reason() {
    let many = " a=1 b=1 c=1 d=1 e=1 f=1 g=1 h=1 i=1 j=1 k=1 l=1 m=1 n=1 o=1 p=1 q=1 r=1 s=1 t=1 u=1 v=1 w=1 x=1 y=1 z=1 \
                A=1 B=1 C=1 D=1 E=1 F=1 G=1";
    for (line, reason) in [
        ("", "`ping`"),
        ("stop", "`ping`"),
        ("PING", "`ping`"),
        ("ping ", "key=value"),
        ("ping a=1 a=2", "key=value"),
        ("ping a=%0", "key=value"),
        (&format!("ping{many}"), "key=value"),
        (&format!("ping a={}", "x".repeat(512)), "key=value"),
        ("retire when=now", "`pid`"),
        ("retire pid=-1 when=now", "`pid`"),
        ("retire pid=+1 when=now", "`pid`"),
        ("retire pid=1", "`when`"),
        ("retire pid=1 when=later", "`when`"),
    ] {
        let why = ControlRequest::parse(line.as_bytes()).unwrap_err();
        assert!(why.contains(reason), "{line}: {why}");
    }
}

#[test]
fn longest_report_fits_into_an_answer() {
    let long = DaemonReport {
        name: "n".repeat(96),
        pid: pid(i32::MAX),
        build: Some("b".repeat(128)),
        protocol: u32::MAX,
        version: Some("v".repeat(64)),
        constraint: Some("c".repeat(128)),
        state: DaemonState::Starting,
        clients: u64::MAX,
        queued: u64::MAX,
        guards: u64::MAX,
        idle_for: Duration::from_millis(u64::MAX),
    };
    let line = ControlAnswer::Status(Box::new(long.clone())).to_line();
    assert!(line.len() <= MAX_ANSWER_BYTES, "{}", line.len());
    assert_eq!(ControlAnswer::parse(line.as_bytes()), Some(ControlAnswer::Status(Box::new(long))));
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..1200)) {
        let _ = ControlRequest::parse(&bytes);
        let _ = ControlAnswer::parse(&bytes);
        let _ = ControlRequest::parse(&[b"retire ", &bytes[..]].concat());
        let _ = ControlAnswer::parse(&[b"status ", &bytes[..]].concat());
    }
}
