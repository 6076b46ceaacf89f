//! Replies in one piece and in all possible pieces.

use super::*;
use proptest::prelude::*;

fn whole(bytes: &[u8]) -> Result<Option<Reply>, Malformed> {
    let mut whole = Whole::default();
    match whole.push(bytes)? {
        None => Ok(whole.close()),
        reply => Ok(reply),
    }
}

fn pieces(bytes: &[u8], cuts: &[usize]) -> Result<Option<Reply>, Malformed> {
    let mut whole = Whole::default();
    let mut begin = 0;
    for &cut in cuts.iter().chain([&bytes.len()]) {
        if let Some(reply) = whole.push(&bytes[begin..cut])? {
            return Ok(Some(reply));
        }
        begin = cut;
    }
    Ok(whole.close())
}

const REPLIES: [&str; 4] = [
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 13\r\n\r\n{\"answer\":42}",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n",
    "HTTP/1.1 404 Not Found\r\n\r\nuntil the end",
    "HTTP/1.1 204 No Content\r\nContent-Length: 7\r\n\r\n",
];

#[test]
fn a_reply_is_the_same_however_it_is_cut() {
    let bodies = ["{\"answer\":42}", "hello!", "until the end", ""];
    for (reply, body) in REPLIES.iter().zip(bodies) {
        let expected = whole(reply.as_bytes()).unwrap().unwrap();
        assert_eq!(String::from_utf8_lossy(&expected.body), body);
        for cut in 0..=reply.len() {
            assert_eq!(pieces(reply.as_bytes(), &[cut]).unwrap().as_ref(), Some(&expected), "{reply:?} at {cut}");
        }
        let all: Vec<usize> = (0..=reply.len()).collect();
        assert_eq!(pieces(reply.as_bytes(), &all).unwrap(), Some(expected));
    }
}

#[test]
fn what_is_cut_off_is_no_reply() {
    for reply in &REPLIES[..2] {
        for end in 0..reply.len() {
            assert_eq!(whole(&reply.as_bytes()[..end]).unwrap(), None, "{:?}", &reply[..end]);
        }
    }
}

#[test]
fn what_is_no_http_or_too_large_is_refused() {
    for reply in [
        "220 smtp ready\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnothing\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n",
        "HTTP/1.1 100 Continue\r\n\r\n",
    ] {
        assert!(whole(reply.as_bytes()).is_err(), "{reply:?}");
    }
    let endless = "HTTP/1.1 200 OK\r\nA: ".to_owned() + &"a".repeat(MAX_HEAD);
    assert!(whole(endless.as_bytes()).is_err());
}

#[test]
fn a_request_is_what_the_endpoint_reads() {
    let request = Request::post("event", &serde_json::json!({"name": "ack"})).unwrap();
    let text = String::from_utf8(request.bytes("127.0.0.1:80", Some(&Secret("secret".into())))).unwrap();
    assert_eq!(
        text,
        "POST /event HTTP/1.1\r\nHost: 127.0.0.1:80\r\nAccept: application/json, */*;q=0.5\r\n\
         Authorization: Bearer secret\r\nContent-Type: application/json\r\nContent-Length: 14\r\n\
         Connection: close\r\n\r\n{\"name\":\"ack\"}"
    );
    assert!(!String::from_utf8(request.bytes("localhost", None)).unwrap().contains("Authorization"));
}

#[test]
fn a_route_cannot_end_its_line() {
    assert_eq!(Request::get("//a?b=c").unwrap().route(), "/a?b=c");
    for route in ["/a b", "/a\r\nX: y", "/ä", "/a#b", "\0"] {
        assert_eq!(Request::get(route).unwrap_err().kind(), ErrorKind::Request, "{route:?}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused_however_they_are_cut(
        bytes in proptest::collection::vec(any::<u8>(), 0..120),
        kind in 0..3usize,
        cut in 0..150usize,
    ) {
        let heads = ["", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"];
        let bytes = [heads[kind].as_bytes(), &bytes].concat();
        let cut = cut.min(bytes.len());
        // Whether it is refused in the first or the second piece is all the same.
        prop_assert_eq!(whole(&bytes), pieces(&bytes, &[cut]));
    }
}
