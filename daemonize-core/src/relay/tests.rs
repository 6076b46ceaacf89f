use super::*;
use crate::error::ErrorKind;
use crate::stage::Stage;
use proptest::collection::vec;
use proptest::prelude::*;

/// Every kind of error.
fn kinds() -> Vec<ErrorKind> {
    let pid = Pid::this();
    let stages = Stage::ALL.map(ErrorKind::Stage);
    let others = [
        ErrorKind::AlreadyRunning { pid },
        ErrorKind::Configuration,
        ErrorKind::Threads,
        ErrorKind::Runtime,
        ErrorKind::Locked,
        ErrorKind::Died,
        ErrorKind::NotReady,
        ErrorKind::Body,
        ErrorKind::Stopped,
        ErrorKind::Stop,
        ErrorKind::Reload,
        ErrorKind::NotRunning,
        ErrorKind::Permission,
        ErrorKind::PidFileInaccessible,
        ErrorKind::PidFile,
        ErrorKind::Connect,
        ErrorKind::Unsupported,
        ErrorKind::System,
    ];
    stages.into_iter().chain(others).collect()
}

fn relayed(error: Error) -> Error {
    decode(&encode(&Err(error))).unwrap().unwrap_err()
}

#[test]
fn error_of_each_kind_keeps_kind_text_and_output() {
    for kind in kinds() {
        let error = Error::new(kind, "failed to fly: no\x1b wings\nat all");
        let error = error.with_capture(b"out\xff".to_vec(), b"err\0".to_vec());
        let text = error.to_string();
        let copy = relayed(error);
        assert_eq!((copy.kind(), copy.to_string()), (kind, text), "{kind:?}");
        assert_eq!((copy.output(), copy.errors()), (&b"out\xff"[..], &b"err\0"[..]));
    }
}

#[test]
fn longest_outcome_is_truncated_and_fits_the_limit() {
    let long = |length: usize| vec![b'#'; length];
    let error = Error::new(ErrorKind::Body, "ä".repeat(TEXT_LIMIT)).with_capture(long(1 << 20), long(1 << 20));
    let bytes = encode(&Err(error));
    assert!(bytes.len() <= ENCODED_LIMIT);
    let copy = decode(&bytes).unwrap().unwrap_err();
    assert_eq!((copy.to_string().len(), copy.output().len()), (TEXT_LIMIT, OUTPUT_LIMIT));
    let path = || PathBuf::from("x".repeat(2 * PATH_LIMIT));
    let started = Started {
        stdout: Destination::File(path()),
        stderr: Destination::File(path()),
        output: long(1 << 20),
        errors: long(1 << 20),
        warnings: vec!["ö".repeat(WARNING_LIMIT); 300],
        ..Started::in_this_process(path())
    };
    let bytes = encode(&Ok(started));
    assert!(bytes.len() <= ENCODED_LIMIT);
    assert_eq!(decode(&bytes).unwrap().unwrap().warnings, vec!["ö".repeat(WARNING_LIMIT / 2); WARNING_COUNT_LIMIT]);
}

#[test]
fn bytes_that_are_not_an_outcome_are_refused() {
    let started = Started { warnings: vec!["w".into()], ..Started::in_this_process("/run/x.pid".into()) };
    for outcome in [Ok(started), Err(Error::new(ErrorKind::Died, "failed to start"))] {
        let bytes = encode(&outcome);
        assert!(decode(&bytes).is_some());
        for end in 0..bytes.len() {
            assert!(decode(&bytes[..end]).is_none(), "cut at {end}");
        }
        assert!(decode(&[&bytes[..], b"x"].concat()).is_none(), "with a byte more");
        assert!(decode(&[&[FORMAT + 1], &bytes[1..]].concat()).is_none(), "of another format");
    }
    assert!(decode(&[&[FORMAT, b'S'][..], &0_i32.to_le_bytes(), &[0; 64]].concat()).is_none(), "no pid");
    assert!(decode(&[&[FORMAT, b'F', b'y', 0, 0, 0, 0][..], &[0xff; 4]].concat()).is_none(), "a negative length");
    assert!(decode(&[&[FORMAT, b'F', b'y', 0, 0, 0, 0][..], &[0xff, 0xff, 0xff, 0x7f]].concat()).is_none());
    assert!(decode(&vec![FORMAT; ENCODED_LIMIT + 1]).is_none());
}

fn destination() -> impl Strategy<Value = Destination> {
    prop_oneof![
        "[^\0]{0,40}".prop_map(|path| Destination::File(path.into())),
        Just(Destination::Null),
        Just(Destination::Inherited),
        Just(Destination::Descriptor),
    ]
}

proptest! {
    #[test]
    fn any_started_daemon_is_relayed_unchanged(
        pid in 1..i32::MAX,
        pidfile in "[^\0]{0,40}",
        (stdout, stderr) in (destination(), destination()),
        (output, errors) in (vec(any::<u8>(), 0..100), vec(any::<u8>(), 0..100)),
        warnings in vec(".{0,40}", 0..WARNING_COUNT_LIMIT),
    ) {
        let pid = Pid::from_raw(pid).unwrap();
        let started = Started { pid, pidfile: pidfile.into(), stdout, stderr, output, errors, warnings };
        prop_assert_eq!(decode(&encode(&Ok(started.clone()))).unwrap().unwrap(), started);
    }

    /// A decoded outcome is encoded to the bytes that it came from. The text of an error may differ, because it is escaped.
    #[test]
    fn any_bytes_are_decoded_or_refused(tag in prop_oneof![Just(b'S'), Just(b'F')], rest in vec(any::<u8>(), 0..200)) {
        let bytes = [&[FORMAT, tag], &rest[..]].concat();
        if let Some(Ok(started)) = decode(&bytes) {
            prop_assert_eq!(encode(&Ok(started)), bytes);
        }
    }

    #[test]
    fn outcome_with_a_changed_byte_is_decoded_or_refused(at in 0_usize..120, byte in any::<u8>()) {
        let started = Started { warnings: vec!["w".into()], output: vec![7; 50], ..Started::in_this_process("/x".into()) };
        for outcome in [Ok(started), Err(Error::new(ErrorKind::Died, "failed to start").with_capture(vec![7; 60], vec![]))] {
            let mut bytes = encode(&outcome);
            let at = at % bytes.len();
            bytes[at] = byte;
            if let Some(Ok(changed)) = decode(&bytes) {
                prop_assert_eq!(encode(&Ok(changed)), bytes);
            }
        }
    }
}
