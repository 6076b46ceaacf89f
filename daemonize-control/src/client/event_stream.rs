//! A stream of published events, for both clients.

use super::connection::Connect;
use super::error::{Error, Result};
use super::reply::{MAX_REFUSAL, check_status};
use super::request::Request;
use super::response::{Response, is_cut_off, malformed};
use super::server_sent_events::{Parser, Published};
use super::target::Target;
use std::task::{Context, Poll, ready};

/// A response that is a stream of server-sent events.
pub(super) struct EventStream {
    response: Response,
    parser: Parser,
    has_ended: bool,
    /// The error that ended the stream, until it is returned.
    failure: Option<Error>,
}

impl EventStream {
    /// Sends a request, and waits until the daemon has begun to answer with a stream.
    ///
    /// # Errors
    /// The daemon cannot be reached, refuses, or does not answer with HTTP.
    pub(super) async fn open(connector: &impl Connect, target: &Target, request: &Request) -> Result<EventStream> {
        let response = Response::of(connector, target, request).await?;
        EventStream::accept(response).await
    }

    async fn accept(mut response: Response) -> Result<EventStream> {
        if !response.status.is_success() {
            // A refusal even if its text cannot be read.
            let body = response.read_to_end(MAX_REFUSAL).await.unwrap_or_default();
            check_status(response.request(), response.status, &body)?;
        }
        Ok(EventStream { response, parser: Parser::default(), has_ended: false, failure: None })
    }

    /// Returns the next event; an error after all events that came before it; `None` at the end.
    pub(super) fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Published>>> {
        loop {
            if let Some(published) = self.parser.next() {
                return Poll::Ready(Some(Ok(published)));
            }
            if self.has_ended {
                return Poll::Ready(self.failure.take().map(Err));
            }
            match ready!(self.response.poll_bytes(context)) {
                Some(Ok(bytes)) => {
                    if let Err(why) = self.parser.push(&bytes) {
                        self.end(Some(malformed(self.response.request(), why)));
                    }
                }
                // A daemon that is killed ends its streams without the last chunk.
                Some(Err(error)) if is_cut_off(&error) => self.end(None),
                Some(Err(error)) => self.end(Some(self.response.failed(&error))),
                None => self.end(None),
            }
        }
    }

    /// Returns `true` if nothing more will be received.
    pub(super) fn has_ended(&self) -> bool {
        self.has_ended
    }

    pub(super) fn request(&self) -> &Request {
        self.response.request()
    }

    fn end(&mut self, failure: Option<Error>) {
        self.has_ended = true;
        self.failure = failure;
    }
}

#[cfg(test)]
mod tests {
    use super::super::error::ErrorKind;
    use super::super::response::tests::{respond, run};
    use super::super::server_sent_events::MAX_EVENT;
    use super::*;
    use serde_json::json;
    use std::future::poll_fn;

    const OK: &str = "HTTP/1.1 200 OK\r\n\r\n";

    /// Opens a stream that begins with `begin` and goes on with `piece` for ever.
    fn open(begin: &str, piece: &str) -> Result<EventStream> {
        let (begin, piece) = (begin.as_bytes().to_vec(), piece.as_bytes().to_vec());
        let pieces = std::iter::once(begin).chain(std::iter::repeat(piece));
        run(EventStream::accept(respond(Request::stream("/events").unwrap(), pieces)?))
    }

    fn next(stream: &mut EventStream) -> Option<Result<Published>> {
        run(poll_fn(|context| stream.poll_next(context)))
    }

    /// Promise 5.19.
    #[test]
    fn stream_with_an_event_too_large_ends_with_an_error_after_what_came_before() {
        let line = "x".repeat(1000);
        let endless: [String; 5] = [
            line.clone(),
            format!("data: {line}\n"),
            "data:\n".repeat(100),
            format!("event: {line}\ndata: {line}\n"),
            format!("data: [{}0]\n\n", "[0],".repeat(MAX_EVENT / 6)),
        ];
        for piece in endless {
            let mut stream = open(&format!("{OK}data: 1\n\n"), &piece).unwrap();
            assert_eq!(next(&mut stream).unwrap().unwrap().data, json!(1));
            let error = next(&mut stream).unwrap().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Reply);
            let text = error.to_string();
            assert!(
                text.starts_with("failed to parse the response to `/events`: an event ") && text.contains("limit"),
                "{text}"
            );
            assert!(next(&mut stream).is_none() && stream.has_ended());
        }
    }

    /// Promise 5.19.
    #[test]
    fn event_too_large_in_chunks_of_one_byte_ends_the_stream_with_an_error() {
        // Most of it comes at once, which takes less time.
        let begin = format!("data: {}", "x".repeat(MAX_EVENT - (64 << 10)));
        let head = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{begin}\r\n", begin.len());
        let mut stream = open(&head, &"1\r\nx\r\n".repeat(1000)).unwrap();
        let error = next(&mut stream).unwrap().unwrap_err();
        assert!(error.to_string().ends_with("an event is larger than 1 MiB, the limit of an event"), "{error}");
        assert!(next(&mut stream).is_none() && stream.has_ended());
    }

    #[test]
    fn stream_that_is_cut_off_ends_without_an_error() {
        let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\ndata: 1\n\n\r\n9\r\ndata";
        let pieces = std::iter::once(chunked.as_bytes().to_vec());
        let response = respond(Request::stream("/events").unwrap(), pieces).unwrap();
        let mut stream = run(EventStream::accept(response)).unwrap();
        assert_eq!(next(&mut stream).unwrap().unwrap().data, json!(1));
        assert!(next(&mut stream).is_none() && stream.has_ended());
    }

    /// Promise 5.19.
    #[test]
    fn refusal_without_end_is_a_refusal() {
        let chunked = "HTTP/1.1 404 No\r\nTransfer-Encoding: chunked\r\n\r\nfffffff\r\n";
        for head in ["HTTP/1.1 404 Not Found\r\n\r\n", chunked] {
            let error = open(head, &"x".repeat(1000)).err().expect("a refusal");
            assert_eq!(error.kind(), ErrorKind::Refused(404));
        }
    }

    #[test]
    fn refused_stream_is_an_error_that_says_why() {
        let head = "HTTP/1.1 403 Forbidden\r\nContent-Length: 21\r\n\r\n{\"message\":\"not you\"}";
        let error = open(head, "").err().expect("a refusal");
        assert_eq!(error.kind(), ErrorKind::Refused(403));
        assert!(error.to_string().ends_with("403: not you"), "{error}");
    }
}
