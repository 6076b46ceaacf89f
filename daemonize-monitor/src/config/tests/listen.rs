//! The key `listen`.

use super::{config, mistakes};
use crate::bot::ListenAddress;

#[test]
fn listen_takes_addresses_and_paths() {
    let found = config(
        "[bot.web]\ncommand = \"/bin/true\"\nlisten = [\"127.0.0.1:80\", \"[::1]:80\", \"/run/web.sock\", { path = \"/run/x\", mode = \"666\" }]\n\
         [bot.one]\ncommand = \"/bin/true\"\nlisten = \"localhost:81\"\n",
    );
    let tcp = |text: &str| ListenAddress::Tcp(text.parse().unwrap());
    let unix = ListenAddress::unix("/run/web.sock");
    let open = ListenAddress::Unix { path: "/run/x".into(), mode: 0o666 };
    assert_eq!(found.bots[0].listen, [tcp("127.0.0.1:80"), tcp("[::1]:80"), unix, open]);
    assert_eq!(found.bots[1].listen, [tcp("127.0.0.1:81")]);
}

#[test]
fn listen_on_what_is_no_address_is_a_mistake_that_says_what_to_write() {
    for (value, expected) in [
        ("80", "expected a table with `path` and `mode`|an address such as"),
        ("\"80\"", "`80` has no address: write \"127.0.0.1:80\""),
        ("\"example.com:80\"", "is not an address and port"),
        ("\"127.0.0.1:0\"", "has the port 0"),
        ("[\"127.0.0.1:80\", \"127.0.0.1:80\"]", "cannot both be listened on"),
        ("[\"127.0.0.1:80\", \"0.0.0.0:80\"]", "cannot both be listened on"),
        ("{ mode = \"660\" }", "it has no `path`"),
        ("{ path = \"/run/x\", mode = \"888\" }", "is not a mode"),
        ("\"/run/\"", "is not the path of a socket"),
    ] {
        let found = mistakes(&format!("[bot.web]\ncommand = \"/bin/true\"\nlisten = {value}\n"));
        let is_there = expected.split('|').any(|expected| found.contains(expected));
        assert!(is_there && found.starts_with("3:"), "{value}: {found}");
    }
}

#[test]
fn two_bots_that_listen_on_one_address_are_a_mistake() {
    let bot = |name: &str, listen: &str| format!("[bot.{name}]\ncommand = \"/bin/true\"\nlisten = [\"{listen}\"]\n");
    let found = mistakes(&(bot("a", "127.0.0.1:80") + &bot("b", "0.0.0.0:80")));
    assert!(found.contains("bots `a` and `b` listen on `127.0.0.1:80` and `0.0.0.0:80`"), "{found}");
    let found = config(&(bot("a", "127.0.0.1:80") + &bot("b", "[::1]:80") + &bot("c", "127.0.0.2:80")));
    assert_eq!(found.bots.len(), 3);
}

#[test]
fn probe_of_an_address_that_the_monitor_holds_is_a_warning() {
    let bot = |keys: &str| format!("[bot.web]\ncommand = \"/bin/true\"\nlisten = \"127.0.0.1:80\"\n{keys}\n");
    let warnings =
        |keys: &str| config(&bot(keys)).warnings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    assert!(warnings("ready = { tcp = \"127.0.0.1:80\" }").contains("accepts before the program does"));
    assert!(warnings("check = { tcp = \"127.0.0.1:80\" }").contains("also when the program hangs"));
    assert!(!warnings("ready = { tcp = \"127.0.0.1:81\" }").contains("the monitor listens"));
}
