//! Functions in modules and in functions, of every visibility, with other attributes, from macros.
#![deny(warnings)]
#![allow(missing_docs, clippy::all, clippy::pedantic, reason = "users have a style of their own")]

/// Beside a module of the same name.
#[daemon::run(companion = Served)]
pub fn served() {
    served::helper();
}

pub mod served {
    pub fn helper() {}
}

pub mod outer {
    #[daemon::run]
    pub(crate) fn inside() {}

    pub mod inner {
        #[daemon::step]
        pub(in crate::outer) fn deeper() {}

        #[daemon::step]
        pub(super) fn above() {}

        #[daemon::run]
        fn private() {}

        pub fn calls() -> daemon::Result<()> {
            private::stop()?;
            Ok(())
        }
    }

    pub fn calls() -> daemon::Result<()> {
        inner::deeper::stop()?;
        inner::above()?;
        Ok(())
    }
}

#[daemon::run]
fn r#type(r#fn: u8, r#match: &str) {
    println!("{} {}", r#fn, r#match);
}

#[daemon::run]
#[cfg(any())]
fn nowhere(thing: DoesNotExist) {}

#[cfg(any())]
#[daemon::run]
fn nowhere_either(thing: DoesNotExist) {}

#[daemon::run]
#[cfg(unix)]
#[deprecated = "sleep better"]
#[inline(never)]
#[expect(unused_variables)]
fn attributes(#[allow(unused_mut)] mut x: u8) {}

macro_rules! daemons {
    ($(#[$meta:meta])* $visibility:vis $name:ident($($argument:ident: $type:ty),*) $body:block, $path:expr, $mode:literal) => {
        #[daemon::run(pidfile = $path, umask = $mode)]
        $(#[$meta])*
        $visibility fn $name($($argument: $type),*) $body

        #[allow(dead_code)]
        $visibility mod of_macro {
            #[daemon::step]
            pub fn stepped($($argument: $type),*) $body
        }
    };
}

daemons!(
    /// Made by a macro.
    pub(crate) made(count: u8, name: &str) { println!("{count} {name}") }, "/tmp/made.pid", 0o027
);

fn main() {
    fn reload() {}

    #[daemon::run(signals = { HUP => reload })]
    fn local(left: u32) {
        fn reload() {}
        reload();
        if left > 0 {
            local(left - 1);
        }
    }

    let start: fn(u32) -> daemon::Result<daemon::Started> = local::start;
    let _ = start;
    let _ = Served::pidfile;
    let _ = outer::inside::status;
    let _ = r#type::pid;
    let _ = made::stop;
    let _ = outer::inner::calls;
}
