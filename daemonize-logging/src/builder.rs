//! The choices of a program about its logging, and the call that sets it up.

use crate::destination::Choice;
use crate::error::Result;
use crate::level;
use std::fmt;

/// Logging that is to be set up: its level and destination.
///
/// ```no_run
/// daemon::logging::Builder::new().level("info,hyper=warn").syslog().init()?;
/// # Ok::<(), daemon::logging::Error>(())
/// ```
#[derive(Default)]
#[must_use = "`init` sets it up"]
pub struct Builder {
    level: Option<String>,
    choice: Choice,
    #[cfg(feature = "tracing")]
    layer: Option<crate::subscriber::UserLayer>,
}

/// Sets up logging with the defaults of [`Builder`]: see [the module](crate).
///
/// # Errors
/// As of [`Builder::init`].
///
/// ```no_run
/// daemon::logging::init()?;
/// # Ok::<(), daemon::logging::Error>(())
/// ```
pub fn init() -> Result<()> {
    Builder::new().init()
}

impl Builder {
    /// Returns the defaults: level `info`, the destination by the environment of the process.
    pub fn new() -> Builder {
        Builder::default()
    }

    /// Sets the level that applies if neither `--log-level` nor `RUST_LOG` gives one: see [the module](crate#levels).
    ///
    /// ```no_run
    /// daemon::logging::Builder::new().level("info,hyper=warn").init()?;
    /// # Ok::<(), daemon::logging::Error>(())
    /// ```
    pub fn level(mut self, directives: impl Into<String>) -> Builder {
        self.level = Some(directives.into());
        self
    }

    /// Sets the name under which the journal (`SYSLOG_IDENTIFIER`) and syslog file the records. The default is the file name of the
    /// program.
    ///
    /// ```no_run
    /// daemon::logging::Builder::new().name("web").syslog().init()?;
    /// # Ok::<(), daemon::logging::Error>(())
    /// ```
    pub fn name(mut self, name: impl Into<String>) -> Builder {
        self.choice.name = Some(name.into());
        self
    }

    /// Sets whether lines on stderr have colours. The default: if stderr is a terminal, and `NO_COLOR` is not set.
    ///
    /// ```no_run
    /// daemon::logging::Builder::new().ansi(false).init()?;
    /// # Ok::<(), daemon::logging::Error>(())
    /// ```
    pub fn ansi(mut self, ansi: bool) -> Builder {
        self.choice.ansi = Some(ansi);
        self
    }

    /// Leaves out the time of lines on stderr: for a log that already has `timestamps`.
    ///
    /// ```no_run
    /// daemon::logging::Builder::new().without_time().init()?;
    /// # Ok::<(), daemon::logging::Error>(())
    /// ```
    pub fn without_time(mut self) -> Builder {
        self.choice.without_time = true;
        self
    }

    /// Sends records to stderr even where that is the journal: as lines with a priority, without fields.
    ///
    /// ```no_run
    /// daemon::logging::Builder::new().stderr().init()?;
    /// # Ok::<(), daemon::logging::Error>(())
    /// ```
    pub fn stderr(mut self) -> Builder {
        self.choice.stderr = true;
        self
    }

    /// Sends records to syslog, by datagrams to `/dev/log`, as facility `daemon`. A record waits at most 0.5 s for the receiver; what it
    /// does not accept is lost, counted, and reported when it accepts records again.
    ///
    /// ```no_run
    /// daemon::logging::Builder::new().syslog().init()?;
    /// # Ok::<(), daemon::logging::Error>(())
    /// ```
    pub fn syslog(mut self) -> Builder {
        self.choice.syslog = true;
        self
    }

    /// Adds a layer of the program's own, which receives the spans and events that the level lets pass. Needs the feature `tracing`.
    ///
    /// ```no_run
    /// use tracing_subscriber::layer::Identity;
    ///
    /// daemon::logging::Builder::new().layer(Identity::new()).init()?;
    /// # Ok::<(), daemon::logging::Error>(())
    /// ```
    #[cfg(feature = "tracing")]
    #[cfg_attr(docsrs, doc(cfg(feature = "tracing")))]
    pub fn layer(
        mut self,
        layer: impl tracing_subscriber::Layer<tracing_subscriber::Registry> + Send + Sync + 'static,
    ) -> Builder {
        use tracing_subscriber::Layer;
        self.layer = Some(match self.layer {
            None => layer.boxed(),
            Some(first) => first.and_then(layer).boxed(),
        });
        self
    }

    /// Sets up logging: a subscriber of `tracing` (feature `tracing`), which also takes the records of `log`, or a logger of `log`
    /// (feature `log` alone).
    ///
    /// Call it once, in the body. In the launcher it works too, since it starts no thread: the daemon inherits it, and the
    /// destination that was chosen then.
    ///
    /// # Errors
    /// Logging is set up already, by this function or by other code; `RUST_LOG` or [`level`](Builder::level) is wrong; or syslog has no
    /// receiver.
    pub fn init(self) -> Result<()> {
        level::begin(self.level.as_deref(), |directives| {
            #[cfg(feature = "tracing")]
            return crate::subscriber::set_up(directives, &self.choice, self.layer);
            #[cfg(not(feature = "tracing"))]
            return crate::logger::set_up(directives, &self.choice);
        })?;
        #[cfg(feature = "control")]
        crate::control::serve_level_event();
        Ok(())
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("level", &self.level).field("choice", &self.choice).finish_non_exhaustive()
    }
}
