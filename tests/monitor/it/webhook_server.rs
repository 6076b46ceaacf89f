//! A server of HTTPS to which a webhook posts, with certificates made for the test.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use rcgen::{BasicConstraints, Certificate, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::common::EVENT_TIMEOUT;

/// An authority that signs certificates.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    /// Its own certificate.
    pub(crate) pem: String,
}

/// A certificate of a server with its key.
pub(crate) struct ServerIdentity {
    pub(crate) pem: String,
    certificate: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
}

impl Authority {
    pub(crate) fn new() -> Authority {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "authority of a test");
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Authority { issuer: Issuer::new(params, key), pem }
    }

    /// Signs a certificate for a host that is valid until the end of a year.
    pub(crate) fn sign(&self, host: &str, year: i32) -> ServerIdentity {
        let (params, key) = (server(host, year), KeyPair::generate().unwrap());
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        ServerIdentity::new(&certificate, &key)
    }
}

impl ServerIdentity {
    /// Creates a certificate that is signed with its own key.
    pub(crate) fn self_signed(host: &str) -> ServerIdentity {
        let key = KeyPair::generate().unwrap();
        ServerIdentity::new(&server(host, 4000).self_signed(&key).unwrap(), &key)
    }

    fn new(certificate: &Certificate, key: &KeyPair) -> ServerIdentity {
        let key = PrivatePkcs8KeyDer::from(key.serialize_der()).into();
        ServerIdentity { pem: certificate.pem(), certificate: certificate.der().clone(), key }
    }
}

fn server(host: &str, year: i32) -> CertificateParams {
    let mut params = CertificateParams::new(vec![host.to_owned()]).unwrap();
    (params.not_before, params.not_after) = (date_time_ymd(2000, 1, 1), date_time_ymd(year, 12, 31));
    params
}

/// The answer of a server to each request.
#[derive(Clone, Debug)]
pub(crate) enum ServerAnswer {
    /// The bytes of an answer.
    Fixed(String),
    /// None: the connection stays open.
    Silence,
    /// The first bytes, and then the others again and again.
    Endless(&'static str, &'static str),
}

/// A server, whose threads end with the test.
pub(crate) struct HttpsServer {
    pub(crate) address: SocketAddr,
    /// The requests, and the errors of connections without one.
    events: Receiver<Result<String, String>>,
    /// How many bytes of endless answers were written.
    pub(crate) written: Arc<AtomicUsize>,
    /// Receives an event when an endless answer has ended.
    pub(crate) ends: Receiver<()>,
}

impl HttpsServer {
    pub(crate) fn start(identity: ServerIdentity, answer: ServerAnswer) -> HttpsServer {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .and_then(|config| config.with_no_client_auth().with_single_cert(vec![identity.certificate], identity.key))
            .unwrap();
        let (config, listener) = (Arc::new(config), TcpListener::bind("127.0.0.1:0").unwrap());
        let address = listener.local_addr().unwrap();
        let ((report, events), (end, ends), written) = (channel(), channel(), Arc::<AtomicUsize>::default());
        let counter = Arc::clone(&written);
        thread::spawn(move || {
            for connection in listener.incoming() {
                let (config, answer) = (Arc::clone(&config), answer.clone());
                let (report, end, counter) = (report.clone(), end.clone(), Arc::clone(&counter));
                thread::spawn(move || serve(connection.unwrap(), config, &answer, &report, (&end, &counter)));
            }
        });
        HttpsServer { address, events, written, ends }
    }

    /// Waits for a request: its head and its body.
    #[track_caller]
    pub(crate) fn request(&self) -> String {
        self.events.recv_timeout(EVENT_TIMEOUT).expect("a connection").expect("a request")
    }

    /// Waits for a connection that is ended without a request.
    #[track_caller]
    pub(crate) fn refusal(&self) -> String {
        self.events.recv_timeout(EVENT_TIMEOUT).expect("a connection").expect_err("no request")
    }

    /// Returns `true` if there is an event that was not waited for.
    pub(crate) fn has_more(&self) -> bool {
        self.events.try_recv().is_ok()
    }
}

fn serve(
    connection: TcpStream,
    config: Arc<ServerConfig>,
    answer: &ServerAnswer,
    report: &Sender<Result<String, String>>,
    (end, written): (&Sender<()>, &AtomicUsize),
) {
    let mut stream = StreamOwned::new(ServerConnection::new(config).unwrap(), connection);
    let request = read_request(&mut stream).map_err(|error| error.to_string());
    let is_request = request.is_ok();
    let _ = report.send(request);
    if !is_request {
        return;
    }
    match answer {
        ServerAnswer::Fixed(text) => {
            let _ = stream.write_all(text.as_bytes());
            stream.conn.send_close_notify();
            let _ = stream.flush();
        }
        ServerAnswer::Silence => {
            let _ = stream.read(&mut [0]);
        }
        ServerAnswer::Endless(first, again) => {
            let mut rest = stream.write_all(first.as_bytes());
            while rest.is_ok() {
                rest = stream.write_all(again.as_bytes());
                written.fetch_add(again.len(), Ordering::Relaxed);
            }
            let _ = end.send(());
        }
    }
}

/// Reads a request with a `Content-Length`.
fn read_request(stream: &mut impl Read) -> std::io::Result<String> {
    let mut text = String::new();
    loop {
        let mut piece = [0; 4096];
        let length = match stream.read(&mut piece)? {
            0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            length => length,
        };
        text.push_str(&String::from_utf8_lossy(&piece[..length]));
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let head = head.to_ascii_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
        if body.len() >= length.unwrap_or(0) {
            return Ok(text);
        }
    }
}
