use super::*;
use proptest::prelude::*;

fn greeting() -> Greeting {
    let mut greeting = Greeting::new("agent", Pid::from_raw(4711).unwrap());
    greeting.build = Some("9f86d0".to_owned());
    greeting.version = Some("0.3.1".to_owned());
    greeting.clients = 3;
    greeting
}

#[test]
fn greeting_is_the_documented_line() {
    let line = "daemonic/1 name=agent pid=4711 build=9f86d0 version=0.3.1 protocol=1 state=ready clients=3\n";
    assert_eq!(greeting().to_line(), line);
    assert_eq!(Greeting::parse(line.as_bytes()), Ok(greeting()));
}

#[test]
fn greeting_with_unknown_keys_is_read() {
    let line =
        b"daemonic/1 later=%00x name=agent pid=4711 build=9f86d0 version=0.3.1 protocol=1 state=ready clients=3 z=";
    assert_eq!(Greeting::parse(line), Ok(greeting()));
}

#[test]
fn line_that_is_no_greeting_is_refused_with_the_reason() {
    for (line, reason) in [
        (&b""[..], "begin with"),
        (b"HTTP/1.1 400 Bad Request", "begin with"),
        (b"daemonic/2 name=a pid=1 protocol=1 state=ready", "format 2"),
        (b"daemonic/1", "`name`"),
        (b"daemonic/1 name= pid=1 protocol=1 state=ready", "`name`"),
        (b"daemonic/1 name=a pid=0 protocol=1 state=ready", "`pid`"),
        (b"daemonic/1 name=a pid=+1 protocol=1 state=ready", "`pid`"),
        (b"daemonic/1 name=a pid=1 protocol=4294967296 state=ready", "`protocol`"),
        (b"daemonic/1 name=a pid=1 protocol=1 state=", "`state`"),
        (b"daemonic/1 name=a pid=1 protocol=1 state=ready clients=-1", "`clients`"),
        (b"daemonic/1 name=a name=b pid=1 protocol=1 state=ready", "repeated"),
        (b"daemonic/1  name=a pid=1 protocol=1 state=ready", "key=value"),
        (b"daemonic/1 name=a%2 pid=1 protocol=1 state=ready", "escaped"),
        (b"daemonic/1 name=a%+1 pid=1 protocol=1 state=ready", "escaped"),
        (b"daemonic/1 name=a%ff pid=1 protocol=1 state=ready", "escaped"),
        (b"daemonic/1 name=a\tb pid=1 protocol=1 state=ready", "escaped"),
        (b"daemonic/1 name=a\npid=1 protocol=1 state=ready", "escaped"),
        (b"daemonic/1 name=\xff pid=1 protocol=1 state=ready", "ASCII"),
        (&[b'x'; MAX_GREETING_BYTES], "512 bytes"),
    ] {
        let error = Greeting::parse(line).unwrap_err().to_string();
        assert!(error.contains(reason), "{error} without {reason}");
    }
}

#[test]
fn failed_greeting_cuts_an_error_that_does_not_fit() {
    let mut failed = greeting();
    (failed.state, failed.error) = (GreetingState::Failed, Some("ö".repeat(400)));
    let line = failed.to_line();
    assert!(line.len() <= MAX_GREETING_BYTES && line.len() > MAX_GREETING_BYTES - 10, "{}", line.len());
    let error = Greeting::parse(line.as_bytes()).unwrap().error.unwrap();
    assert!(error.starts_with("öö") && error.ends_with("ö..."), "{error}");
}

proptest! {
    #[test]
    fn greeting_of_any_texts_is_read_as_it_was_sent(
        name in "\\PC{1,20}|[\\x00-\\xff]{1,16}",
        version in proptest::option::of("[ -~]{0,20}"),
        constraint in proptest::option::of("[\\x00-\\xff]{0,16}"),
        (protocol, clients, pid) in (any::<u32>(), any::<u64>(), 1..=i32::MAX),
    ) {
        let mut sent = Greeting::new(name, Pid::from_raw(pid).unwrap());
        (sent.version, sent.constraint, sent.protocol, sent.clients) = (version, constraint, protocol, clients);
        let line = sent.to_line();
        prop_assert!(line.len() <= MAX_GREETING_BYTES && line.is_ascii());
        prop_assert_eq!(Greeting::parse(line.as_bytes()), Ok(sent));
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        let _ = Greeting::parse(&bytes);
        let _ = Greeting::parse(&[b"daemonic/1 ", &bytes[..]].concat());
    }
}
