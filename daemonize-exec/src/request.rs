//! The request to launch a daemon: what the starting process sends to the new one.

use crate::exec_error::{refused, system};
use crate::image;
use crate::isolation::Isolation;
use daemonize_core::body::Work;
use daemonize_core::settings::{Detach, EndsWith, Stage};
use daemonize_core::{Daemon, Error, ErrorKind, Result, Started};
use daemonize_sys::build_id::build_id;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::fmt::Display;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

/// The longest encoded arguments of a daemon, in bytes.
const ARGUMENTS_LIMIT: usize = 64 << 20;

/// The longest request besides its arguments, in bytes: names and paths.
const HEADER_LIMIT: usize = 64 << 10;

const GRANDPARENT_IS_UNKNOWN: &str =
    "a launch by exec knows the process that starts the daemon, not its parent: use `EndsWith::Parent`";

/// The first bytes of a request.
const MAGIC: [u8; 4] = *b"DXR1";

/// How the daemon is to be launched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Verb {
    /// It is started.
    Start,
    /// A running one is stopped first.
    Restart,
    /// It takes over from the daemon that sends the request.
    TakeOver,
}

/// The head of a request: all but the arguments. Paths are bytes, which need not be UTF-8.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Header {
    build: String,
    verb: Verb,
    isolation: Isolation,
    entry: String,
    name: String,
    /// The path of the pidfile, if one was set. The default one is the same for all processes of a user, but for a unit of systemd, and
    /// this daemon is not the unit's.
    pidfile: Option<Vec<u8>>,
    /// The path by which the program was called, for restarts.
    called: Option<Vec<u8>>,
}

/// Encodes the arguments of a daemon.
///
/// # Errors
/// A value refuses to be encoded, or the arguments are too long.
pub(crate) fn encode_arguments(name: &str, arguments: &impl Serialize) -> Result<Vec<u8>> {
    let failed = |cause: &dyn Display| {
        Error::new(ErrorKind::Configuration, format!("failed to encode the arguments of `{name}`: {cause}"))
    };
    // With the names of fields, so that types that leave fields out survive.
    let arguments = rmp_serde::to_vec_named(arguments).map_err(|error| failed(&error))?;
    if arguments.len() > ARGUMENTS_LIMIT {
        let length = arguments.len();
        let text = format!("they have {length} bytes, of at most {ARGUMENTS_LIMIT}: pass the path of a file instead");
        return Err(failed(&text));
    }
    Ok(arguments)
}

/// A request to launch a daemon, in the new process. An entry of the registry gets it, and [runs](Request::run) its daemon.
#[derive(Clone, Debug)]
pub struct Request {
    header: Header,
    arguments: Vec<u8>,
}

impl Request {
    /// Returns a request to launch this daemon by the function `entry`.
    pub(crate) fn new(daemon: &Daemon, entry: &str, arguments: Vec<u8>, verb: Verb, isolation: Isolation) -> Request {
        let header = Header {
            build: build_id().to_owned(),
            verb,
            isolation,
            entry: entry.to_owned(),
            name: daemon.settings().name().to_owned(),
            pidfile: daemon.settings().pidfile().map(|path| path.as_os_str().as_bytes().to_vec()),
            called: image::called_path().map(|path| path.into_os_string().into_vec()),
        };
        Request { header, arguments }
    }

    /// Returns which attributes of the starting process the daemon takes over.
    pub(crate) fn isolation(&self) -> Isolation {
        self.header.isolation
    }

    /// Returns the request of the daemon in this process to the one that takes over from it.
    pub(crate) fn to_take_over(&self) -> Request {
        let header = Header { verb: Verb::TakeOver, build: build_id().to_owned(), ..self.header.clone() };
        Request { header, arguments: self.arguments.clone() }
    }

    /// Returns the head of the encoded request; the arguments follow.
    pub(crate) fn encode_header(&self) -> Result<Vec<u8>> {
        let header =
            rmp_serde::to_vec(&self.header).map_err(|error| system(self.name(), "encode the request", error))?;
        if header.len() > HEADER_LIMIT {
            return Err(refused(self.name(), "its name and its paths are too long"));
        }
        let length = u32::try_from(header.len()).unwrap_or(u32::MAX).to_le_bytes();
        Ok([&MAGIC[..], &length, &header].concat())
    }

    /// Returns the encoded arguments.
    pub(crate) fn arguments(&self) -> &[u8] {
        &self.arguments
    }

    /// The longest encoded request, in bytes.
    pub(crate) const LIMIT: usize = MAGIC.len() + size_of::<u32>() + HEADER_LIMIT + ARGUMENTS_LIMIT;

    /// Decodes a request; `None` for bytes that are none.
    pub(crate) fn decode(mut bytes: Vec<u8>) -> Option<Request> {
        let rest = bytes.strip_prefix(&MAGIC)?;
        let (length, rest) = rest.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_le_bytes(*length)).ok().filter(|length| *length <= HEADER_LIMIT)?;
        let header: Header = rmp_serde::from_slice(rest.get(..length)?).ok()?;
        let arguments = bytes.split_off(MAGIC.len() + size_of::<u32>() + length);
        Some(Request { header, arguments })
    }

    /// Returns the name of the daemon.
    pub(crate) fn name(&self) -> &str {
        &self.header.name
    }

    /// Returns the name of the daemon's entry.
    pub(crate) fn entry(&self) -> &str {
        &self.header.entry
    }

    /// Returns the path by which the starting process was called.
    pub(crate) fn called_path(&self) -> Option<PathBuf> {
        self.header.called.clone().map(|path| OsString::from_vec(path).into())
    }

    /// Returns `true` if the daemon takes over from the one that sent the request, and that ends then.
    pub(crate) fn takes_over(&self) -> bool {
        self.header.verb == Verb::TakeOver
    }

    /// Fails if another build of the program made the request, unless a restart executes the new build.
    pub(crate) fn check_build(&self) -> Result<()> {
        if self.takes_over() || self.header.build == build_id() {
            return Ok(());
        }
        Err(refused(self.name(), "the program that was executed is another build than the one that starts the daemon"))
    }

    /// Isolates this process from the one that starts the daemon, builds the daemon from its arguments, and launches it.
    ///
    /// # Errors
    /// The arguments cannot be decoded, the settings differ from those in the starting process, or the launch fails.
    pub fn run<A, W, E>(&self, build: impl FnOnce(&A) -> Result<Daemon<W>, E>) -> Result<Started>
    where
        A: DeserializeOwned,
        W: Work,
        E: Display,
    {
        self.run_owned(|arguments: A| build(&arguments))
    }

    /// Does the same with a function that takes the arguments.
    pub(crate) fn run_owned<A, W, E>(&self, build: impl FnOnce(A) -> Result<Daemon<W>, E>) -> Result<Started>
    where
        A: DeserializeOwned,
        W: Work,
        E: Display,
    {
        let undecodable = |cause: &dyn Display| {
            let text = format!("failed to decode the arguments of `{}`: {cause}", self.name());
            Error::new(ErrorKind::Configuration, text)
        };
        let arguments: A = rmp_serde::from_slice(&self.arguments).map_err(|error| undecodable(&error))?;
        let warnings = self.header.isolation.apply();
        let daemon = build(arguments).map_err(|error| undecodable(&error))?;
        self.check_settings(&daemon)?;
        if daemon.settings().replaces(Stage::Detach) {
            return Err(refused(
                self.name(),
                "a hook runs instead of its stage `Detach`, which a launch by exec needs",
            ));
        }
        // A supervisor of the starting process is not one of the new process, which ends in any case.
        let daemon = self.ending_with_the_starter(daemon)?.detach(Detach::Always);
        let mut started = match self.header.verb {
            Verb::Start | Verb::TakeOver => daemon.start()?,
            Verb::Restart => daemon.restart()?,
        };
        started.warnings.extend(warnings);
        Ok(started)
    }

    /// Replaces the launcher, this process, which ends at once, by its parent, which starts the daemon. Refuses the parent of that.
    fn ending_with_the_starter<W>(&self, daemon: Daemon<W>) -> Result<Daemon<W>> {
        match daemon.settings().ends_with() {
            Some(EndsWith::Parent) => Ok(daemon.ends_with(EndsWith::LauncherParent)),
            Some(EndsWith::LauncherParent) => Err(refused(self.name(), GRANDPARENT_IS_UNKNOWN)),
            _ => Ok(daemon),
        }
    }

    /// Fails if the settings were computed from something that the starting process had and this one has not.
    fn check_settings<W>(&self, daemon: &Daemon<W>) -> Result<()> {
        let settings = daemon.settings();
        let pidfile = settings.pidfile().map(|path| path.as_os_str().as_bytes());
        if self.takes_over() || (settings.name() == self.name() && pidfile == self.header.pidfile.as_deref()) {
            return Ok(());
        }
        let path =
            |path: Option<&[u8]>| path.map_or("the default".into(), |path| String::from_utf8_lossy(path).into_owned());
        Err(refused(
            self.name(),
            format_args!(
                "its function returned other settings in the new process (name `{}`, pidfile `{}`) than in this one (`{}`, `{}`): they depend \
                 on variables that must be named in `environment`, on the working directory (make the path absolute), or on \
                 something else that differs between processes",
                settings.name(),
                path(pidfile),
                self.name(),
                path(self.header.pidfile.as_deref()),
            ),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn request(verb: Verb) -> Request {
        let daemon = Daemon::new("agent").pidfile("/run/agent.pid");
        Request::new(&daemon, "program::agent", vec![1, 2, 3], verb, Isolation::Reset)
    }

    fn encode(request: &Request) -> Vec<u8> {
        [request.encode_header().unwrap(), request.arguments().to_vec()].concat()
    }

    #[test]
    fn request_that_is_encoded_decodes_back() {
        for verb in [Verb::Start, Verb::Restart, Verb::TakeOver] {
            let decoded = Request::decode(encode(&request(verb))).unwrap();
            assert_eq!(
                (decoded.name(), decoded.entry(), decoded.arguments()),
                ("agent", "program::agent", &[1, 2, 3][..])
            );
            assert_eq!((decoded.takes_over(), decoded.header.isolation), (verb == Verb::TakeOver, Isolation::Reset));
        }
    }

    #[test]
    fn request_of_another_build_is_refused_unless_it_takes_over() {
        let mut other = request(Verb::Start);
        assert!(other.check_build().is_ok());
        other.header.build = "another".to_owned();
        assert!(other.check_build().unwrap_err().to_string().contains("another build"));
        other.header.verb = Verb::TakeOver;
        assert!(other.check_build().is_ok());
    }

    #[test]
    fn arguments_that_do_not_fit_the_function_are_an_error() {
        let outcome = request(Verb::Start).run(|_: &(String, bool)| Ok::<_, String>(Daemon::new("agent").run(|| ())));
        let error = outcome.unwrap_err();
        assert!(error.to_string().starts_with("failed to decode the arguments of `agent`: "), "{error}");
    }

    #[test]
    fn arguments_that_are_too_long_are_refused() {
        let error = encode_arguments("agent", &"x".repeat(ARGUMENTS_LIMIT)).unwrap_err();
        assert!(error.to_string().contains("of at most 67108864: pass the path of a file instead"), "{error}");
    }

    proptest! {
        #[test]
        fn any_bytes_are_decoded_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300), cut in 0_usize..200) {
            let _ = Request::decode(bytes.clone());
            let _ = Request::decode([&MAGIC[..], &bytes].concat());
            let whole = encode(&request(Verb::Start));
            // A header that is cut off is refused. Arguments are the rest, of any length.
            let decoded = Request::decode(whole[..whole.len().saturating_sub(cut)].to_vec());
            prop_assert_eq!(decoded.is_some(), cut <= 3);
        }
    }
}
