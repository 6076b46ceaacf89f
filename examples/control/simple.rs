//! A single instance: the first launch stays, and every later launch sends it an event and prints the reply.
//!
//! `cargo run -p daemonic-control-examples --bin simple`, and the same command in another terminal.

use daemon::control::serde_json::{Value, json};
use daemon::control::{Error, Event, Instance, Launch};

fn main() -> Result<(), Error> {
    let simple = Instance::new("simple").on("ack", |event: Event| acknowledge(&event["from"]));
    match simple.run_or_send("ack", json!({ "from": std::process::id() }))? {
        Launch::Primary(running) => {
            println!("the first one, at {}; end it with ctrl-c", running.address());
            running.wait();
        }
        Launch::Forwarded(reply) => println!("{reply}"),
    }
    Ok(())
}

fn acknowledge(from: &Value) -> Value {
    println!("hello, process {from}");
    json!({ "message": "Hello there!" })
}
