//! The `KEY=value` file of the original.

use super::{config, mistakes};
use crate::bot::{Bot, Log};
use crate::settings::Handler;
use log::LevelFilter;
use std::path::PathBuf;

/// The keys without which there is no monitor.
const REQUIRED: &str = "PIDFILE=/run/bots.pid\nLISTENER_HOST=127.0.0.1\nLISTENER_PORT=4711\n";

fn with(lines: &str) -> String {
    format!("# A comment\n\n{REQUIRED}{lines}\n")
}

#[test]
fn the_originals_file_means_what_it_meant() {
    let config = config(&with(
        "AUTOSTART=/srv/bots/reply.bot\n  AUTOSTART=greet.py\nLOG_HANDLER=file\nLOG_FILE=/var/log/bots=all.log\nLOG_LEVEL=WARNING\n\
         LOG_FORMAT=%(levelname)8s %(process)05d: %(message)s",
    ));
    assert_eq!(config.bots, [Bot::new("reply", "/srv/bots/reply.bot"), Bot::new("greet", "/etc/greet.py")]);
    assert_eq!(config.settings.pidfile, Some(PathBuf::from("/run/bots.pid")));
    assert_eq!(config.settings.control.tcp, Some("127.0.0.1:4711".parse().unwrap()));
    assert!(config.settings.control.token);
    assert_eq!(config.settings.log, Some(Handler::File(Log::new("/var/log/bots=all.log"))));
    assert_eq!(config.settings.log_level, LevelFilter::Warn);
    assert_eq!(config.settings.log_format.to_string(), "%(levelname)8s %(process)05d: %(message)s");
}

#[test]
fn every_handler_of_its_log() {
    let cases = [
        ("LOG_HANDLER=syslog", Handler::Syslog("daemon".parse().unwrap())),
        ("LOG_HANDLER=syslog\nLOG_FACILITY=local3", Handler::Syslog("local3".parse().unwrap())),
        ("LOG_HANDLER=stream", Handler::Stderr),
        ("LOG_HANDLER=stream\nLOG_STREAM=stdout", Handler::Stdout),
        ("LOG_HANDLER=stream\nLOG_STREAM=sys.stderr", Handler::Stderr),
        ("LOG_FILE=x.log\nLOG_HANDLER=file", Handler::File(Log::new("/etc/x.log"))),
    ];
    for (lines, handler) in cases {
        assert_eq!(config(&with(lines)).settings.log, Some(handler), "{lines}");
    }
    assert_eq!(config(REQUIRED).settings.log, None);
}

#[test]
fn the_stream_is_one_of_two_words_and_never_evaluated() {
    let evil = "LOG_HANDLER=stream\nLOG_STREAM=__import__('os').system('reboot')";
    assert_eq!(
        mistakes(&with(evil)),
        "7:12: `LOG_STREAM`: `__import__('os').system('reboot')` is no stream: write `stdout` or `stderr`"
    );
}

#[test]
fn each_mistake_in_the_originals_file() {
    let cases = [
        ("LOG_LEVL=INFO", "6:1: unknown key `LOG_LEVL`: did you mean `LOG_LEVEL`?"),
        (
            "COLOUR=red",
            "6:1: unknown key `COLOUR`: known are `PIDFILE`, `LISTENER_HOST`, `LISTENER_PORT`, `AUTOSTART`, `LOG_HANDLER`, \
             `LOG_STREAM`, `LOG_FACILITY`, `LOG_FILE`, `LOG_LEVEL` and `LOG_FORMAT`",
        ),
        ("just words", "6:1: `just words` is no setting: write `KEY=value`"),
        ("PIDFILE=/other", "6:1: `PIDFILE` is there already, at 3:1: leave one of them"),
        ("AUTOSTART=", "6:1: `AUTOSTART` has no value: write one after the `=`"),
        ("LOG_HANDLER=mail", "6:13: `LOG_HANDLER`: `mail` is not known: write `syslog`, `file` or `stream`"),
        ("LOG_HANDLER=file", "6:13: `LOG_HANDLER`: which file? write `LOG_FILE=PATH`"),
        (
            "LOG_HANDLER=syslog\nLOG_FACILITY=radio",
            "7:14: `LOG_FACILITY`: `radio` is no facility: write \"daemon\", \"user\" or \"local0\" to \"local7\"",
        ),
        (
            "LOG_LEVEL=loud",
            "6:11: `LOG_LEVEL`: `loud` is no level: write `off`, `error`, `warn`, `info`, `debug` or `trace`",
        ),
        ("LOG_FORMAT=%(message", "6:12: `LOG_FORMAT`: a `%` begins neither a field, such as `%(message)s`, nor `%%`"),
        (
            "AUTOSTART=/srv/my bot.py",
            "6:11: `AUTOSTART`: \"my bot\" is no name: ' ' cannot be in a name; write letters, digits and `-_.+@`",
        ),
        ("AUTOSTART=/a/x.py\nAUTOSTART=/b/x.py", "7:11: bot `x` is there already, at 6:11: give this one another name"),
    ];
    for (line, expected) in cases {
        assert_eq!(mistakes(&with(line)), expected, "{line}");
    }
    assert_eq!(
        mistakes("LISTENER_HOST=0.0.0.0\nLISTENER_PORT=99999\n"),
        " `PIDFILE` is missing: write `PIDFILE=…`\n2:15: `LISTENER_PORT`: `99999` is no port: write a number up to 65535"
    );
    assert_eq!(
        mistakes("PIDFILE=/x\nLISTENER_HOST=0.0.0.0\nLISTENER_PORT=80\n"),
        "2:15: `LISTENER_HOST`: `0.0.0.0` is not this machine alone: write 127.0.0.1"
    );
}
