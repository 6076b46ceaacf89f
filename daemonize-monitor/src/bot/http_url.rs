//! The `http://` address of a check.

use hyper::Uri;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

/// The beginning of a URL that names a Unix socket.
const UNIX: &str = "http://unix:";

/// The port of a URL that names none.
const DEFAULT_PORT: u16 = 80;

/// An `http://` URL: of an address, of a name that is looked up, or of a Unix socket (`http://unix:/run/web.sock:/health`).
///
/// ```
/// use daemonize_monitor::HttpUrl;
///
/// let url: HttpUrl = "http://localhost:8080/health".parse()?;
/// assert_eq!(url.to_string(), "http://localhost:8080/health");
/// assert!("https://localhost/".parse::<HttpUrl>().is_err());
/// # Ok::<(), String>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpUrl(Arc<UrlParts>);

/// The parts of a URL.
#[derive(Debug, PartialEq, Eq)]
struct UrlParts {
    text: String,
    server: HttpServer,
    /// The value of the header `Host`.
    host: String,
    /// The path with the query.
    target: String,
}

/// The place of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum HttpServer {
    /// Its addresses, of which the first that answers is used.
    Addresses(Vec<SocketAddr>),
    /// A name that is looked up for each request.
    Name(String, u16),
    Unix(PathBuf),
}

impl HttpUrl {
    fn new(text: &str, server: HttpServer, host: &str, target: &str) -> HttpUrl {
        let [text, host, target] = [text, host, target].map(str::to_owned);
        HttpUrl(Arc::new(UrlParts { text, server, host, target }))
    }

    pub(crate) fn server(&self) -> &HttpServer {
        &self.0.server
    }

    pub(crate) fn host(&self) -> &str {
        &self.0.host
    }

    pub(crate) fn target(&self) -> &str {
        &self.0.target
    }

    fn of_socket(text: &str) -> Result<HttpUrl, String> {
        let rest = text.strip_prefix(UNIX).unwrap_or_default();
        let (path, target) = rest.split_once(':').unwrap_or((rest, "/"));
        if !path.starts_with('/') || target.parse::<Uri>().map_or(true, |uri| uri.path_and_query().is_none()) {
            return Err(format!("`{text}` names no socket and path: write \"{UNIX}/run/web.sock:/health\""));
        }
        let (server, host) = (HttpServer::Unix(path.into()), "localhost");
        Ok(HttpUrl::new(text, server, host, target))
    }
}

impl FromStr for HttpUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<HttpUrl, String> {
        if text.starts_with(UNIX) {
            return HttpUrl::of_socket(text);
        }
        let wrong = || format!("`{text}` is not a URL: write \"http://127.0.0.1:PORT/PATH\"");
        let uri: Uri = text.parse().map_err(|_| wrong())?;
        match uri.scheme_str() {
            Some("http") => {}
            Some("https") => {
                return Err(format!(
                    "`{text}` is not spoken here, which is only http: write exec = [\"curl\", \"-fsS\", \"-o\", \"/dev/null\", \
                     \"{text}\"]"
                ));
            }
            _ => return Err(wrong()),
        }
        let authority = uri.authority().ok_or_else(wrong)?;
        if authority.as_str().contains('@') {
            return Err(format!(
                "`{text}` holds a user, and checks do not log in: write exec = [\"curl\", …], which reads a file with the \
                 password"
            ));
        }
        let has_port = authority.as_str().len() > authority.host().len();
        let port = authority.port_u16().or((!has_port).then_some(DEFAULT_PORT)).filter(|port| *port > 0);
        let server = server(authority.host(), port.ok_or_else(wrong)?).ok_or_else(wrong)?;
        let target = uri.path_and_query().map_or("/", |target| target.as_str());
        Ok(HttpUrl::new(text, server, authority.as_str(), target))
    }
}

impl fmt::Display for HttpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.text)
    }
}

fn server(host: &str, port: u16) -> Option<HttpServer> {
    if host.is_empty() {
        return None;
    }
    if host.eq_ignore_ascii_case("localhost") {
        // Always the loopback interface (RFC 6761), so no name service is asked.
        let both = [IpAddr::from(Ipv4Addr::LOCALHOST), IpAddr::from(Ipv6Addr::LOCALHOST)];
        return Some(HttpServer::Addresses(both.map(|ip| SocketAddr::new(ip, port)).to_vec()));
    }
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    match bare.unwrap_or(host).parse::<IpAddr>() {
        Ok(ip) => Some(HttpServer::Addresses(vec![SocketAddr::new(ip, port)])),
        Err(_) if bare.is_some() => None,
        Err(_) => Some(HttpServer::Name(host.to_owned(), port)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> HttpUrl {
        text.parse().unwrap()
    }

    #[test]
    fn url_is_taken_apart() {
        let found = url("http://127.0.0.1:8080/health?deep=1");
        let address = "127.0.0.1:8080".parse().unwrap();
        assert_eq!(*found.server(), HttpServer::Addresses(vec![address]));
        assert_eq!((found.host(), found.target()), ("127.0.0.1:8080", "/health?deep=1"));
        let found = url("http://[::1]");
        assert_eq!(*found.server(), HttpServer::Addresses(vec!["[::1]:80".parse().unwrap()]));
        assert_eq!((found.host(), found.target()), ("[::1]", "/"));
        assert_eq!(*url("http://db.example:81").server(), HttpServer::Name("db.example".into(), 81));
        let HttpServer::Addresses(both) = url("http://localhost/").server().clone() else { panic!("it is looked up") };
        assert_eq!(both, ["127.0.0.1:80".parse().unwrap(), "[::1]:80".parse().unwrap()]);
    }

    #[test]
    fn url_of_socket_has_its_path_and_that_of_the_request() {
        let found = url("http://unix:/run/web.sock:/health?a=b");
        assert_eq!(*found.server(), HttpServer::Unix("/run/web.sock".into()));
        assert_eq!((found.host(), found.target()), ("localhost", "/health?a=b"));
        assert_eq!(url("http://unix:/run/web.sock").target(), "/");
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            "/health",
            "127.0.0.1:80",
            "ftp://a/",
            "http://",
            "http://:80/",
            "http://a:0/",
            "http://a:99999/",
            "http://a:/",
            "http://[::1/",
            "http://[x]/",
            "http://unix:web.sock",
            "http://unix:/a:b c",
            "http://a/\r\nX: y",
            "http://me:pw@a/",
        ] {
            assert!(text.parse::<HttpUrl>().is_err(), "{text}");
        }
        assert!("https://a/".parse::<HttpUrl>().unwrap_err().contains("curl"));
    }
}
