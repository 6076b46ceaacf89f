//! Posts a report by HTTP.

use super::post_result::PostResult;
use super::tls_failure;
use crate::settings::Webhook;
use std::time::Duration;
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::{Agent, Error, Proxy};

/// How long one try may take in all, the lookup of the name included.
const POST_TIMEOUT: Duration = Duration::from_secs(10);

/// A client of the server of one webhook.
pub(super) struct Client {
    agent: Agent,
    webhook: Webhook,
}

impl Client {
    pub(super) fn new(webhook: &Webhook) -> Client {
        let mut tls = TlsConfig::builder();
        if let Some(authorities) = webhook.authorities() {
            let authorities: Vec<_> = authorities.iter().map(|der| Certificate::from_der(der).to_owned()).collect();
            tls = tls.root_certs(RootCerts::new_with_certs(&authorities));
        }
        // A report for this machine must not go to another one: its address is readable on the way.
        let proxy = Proxy::try_from_env().filter(|_| webhook.url().starts_with("https:"));
        let config = Agent::config_builder()
            .tls_config(tls.build())
            .proxy(proxy)
            .timeout_global(Some(POST_TIMEOUT))
            // The address may hold a secret, which no other server is to learn.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .user_agent(concat!("daemonctl/", env!("CARGO_PKG_VERSION")))
            .build();
        Client { agent: config.into(), webhook: webhook.clone() }
    }

    /// Posts a body of JSON. The answer's body is not read.
    pub(super) fn post(&self, body: &str) -> PostResult {
        let request = self.agent.post(self.webhook.url()).content_type("application/json");
        match request.send(body) {
            Ok(answer) if answer.status().is_success() => PostResult::Done,
            Ok(answer) => PostResult::Status(answer.status().as_u16()),
            Err(error) => PostResult::Failed(cause(&error)),
        }
    }
}

/// Returns the cause of an error, without any text that could hold the address.
fn cause(error: &Error) -> &'static str {
    match error {
        Error::Timeout(_) => "the server did not answer in time",
        Error::HostNotFound => "the host was not found",
        Error::BadUri(_) => "the address is not valid",
        Error::Rustls(error) => tls_failure::cause(error),
        Error::Tls(_) => "TLS failed",
        Error::Io(error) => match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            Some(error) => tls_failure::cause(error),
            None => "the connection failed",
        },
        _ => "the connection failed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead, BufReader, Read, Write};
    use std::net::TcpListener;
    use std::thread;

    /// Promise 6.73.
    #[test]
    fn report_is_posted_once_and_a_redirect_is_not_followed() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = thread::spawn(move || {
            let (stream, _) = listener.accept().unwrap();
            let mut reader = BufReader::new(stream);
            let (mut head, mut line) = (String::new(), String::new());
            while reader.read_line(&mut line).unwrap() > 2 {
                head.push_str(&std::mem::take(&mut line));
            }
            let mut body = [0; 7];
            reader.read_exact(&mut body).unwrap();
            let location = format!("http://{address}/other");
            let answer = format!("HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 9999\r\n\r\n");
            reader.get_mut().write_all(answer.as_bytes()).unwrap();
            // A second request would come before the end of the test.
            listener.set_nonblocking(true).unwrap();
            (head, body, listener)
        });
        let client = Client::new(&Webhook::new(&format!("http://{address}/s3cret?x=1")).unwrap());
        assert_eq!(client.post("{\"a\":1}"), PostResult::Status(302));
        let (head, body, listener) = server.join().unwrap();
        assert!(head.starts_with("POST /s3cret?x=1 HTTP/1.1\r\n"), "{head}");
        assert!(head.to_ascii_lowercase().contains("content-type: application/json\r\n"), "{head}");
        assert_eq!(&body, b"{\"a\":1}");
        assert!(listener.accept().is_err(), "the redirect was followed");
    }

    #[test]
    fn cause_of_a_failure_has_no_part_of_the_address() {
        let client = Client::new(&Webhook::new("http://127.0.0.1:1/s3cret").unwrap());
        assert_eq!(client.post("{}"), PostResult::Failed("the connection failed"));
    }
}
