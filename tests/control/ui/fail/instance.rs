//! Keys and functions that an instance cannot have; each error points at its place.

mod unknown {
    #[daemon::instance(naem = "x")]
    pub fn main() {}
}

mod twice {
    #[daemon::instance(name = "x", name = "y")]
    pub fn main() {}
}

mod valued {
    #[daemon::instance(without_token = true)]
    pub fn main() {}
}

mod elsewhere {
    #[daemon::instance]
    pub fn program() {}
}

mod awaiting {
    #[daemon::instance]
    pub async fn main() {}
}

mod parameters {
    #[daemon::instance]
    pub fn main(_running: daemon::control::Running, _more: u8) {}
}

mod no_function {
    #[daemon::instance]
    pub struct Main;
}

mod types {
    #[daemon::instance(name = 7)]
    pub fn main() {}
}

mod parameter_type {
    #[daemon::instance]
    pub fn main(_running: u8) {}
}

mod no_reply {
    struct Opaque;

    #[daemon::instance(on_open = |_| Opaque)]
    pub fn main() {}
}

mod no_instance {
    #[daemon::instance(configure = |_| ())]
    pub fn main() {}
}

mod body {
    #[daemon::instance]
    pub fn main() {
        let _: u8 = "no number";
    }
}

fn main() {}
