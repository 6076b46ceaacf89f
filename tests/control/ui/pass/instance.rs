//! Every key of the attribute `instance`. No instance is started: it would be created in the home of a user.

#![deny(warnings)]
#![allow(missing_docs, clippy::all, clippy::pedantic, reason = "users have a style of their own")]

use daemon::control::serde_json::{Value, json};
use daemon::control::{Activation, Instance, Running};
use std::process::ExitCode;

mod bare {
    #[daemon::instance]
    pub fn main() {}
}

mod with_all {
    use super::*;

    #[daemon::instance(
        name = "my_app",
        app_dir = std::env::temp_dir().join("my_app"),
        address = "127.0.0.1:0",
        without_token,
        on_open = open,
        configure = |instance: Instance| instance.on("echo", |event| event.into_value()),
        crate = ::daemon
    )]
    pub fn main(running: Running) -> Result<(), String> {
        running.wait();
        Ok(())
    }

    fn open(opened: Activation) -> Value {
        json!({ "message": format!("{:?} from {}", opened.arguments, opened.directory.unwrap_or_default().display()) })
    }
}

mod opening {
    use super::*;

    #[daemon::instance(name = NAME, on_open = |_: Activation| ())]
    pub fn main() -> ExitCode {
        ExitCode::from(7)
    }

    const NAME: &str = "another";
}

mod awaiting {
    use super::*;

    #[daemon::instance(on_open = open, configure = configured)]
    /// It is documented, too.
    pub fn main(mut _running: Running) {}

    async fn open(opened: Activation) -> Result<Value, std::io::Error> {
        Ok(json!({ "count": opened.arguments.len() }))
    }

    fn configured(instance: Instance) -> Instance {
        instance.on_start(|| ()).on_stop(|| ())
    }
}

mod optional {
    use super::*;
    use std::path::PathBuf;
    use std::time::Duration;

    fn unset<T>() -> Option<T> {
        None
    }

    #[daemon::instance(
        name = None,
        app_dir = unset::<PathBuf>(),
        address = None,
        configure = |instance: Instance| instance.address(unset::<&str>()).lock_timeout(unset::<Duration>()),
    )]
    pub fn main() {}
}

mod shadowing {
    #![allow(dead_code)]
    struct Instance;
    struct Opening;
    mod control {}
    mod std {}
    mod core {}

    #[daemon::instance(on_open = |_| ())]
    pub fn main() {}
}

fn main() {
    let mains: [fn() -> ExitCode; 6] =
        [bare::main, with_all::main, opening::main, awaiting::main, optional::main, shadowing::main];
    let _ = mains;
}
