//! There can be only one: the first launch stays, every later one sends it an event and prints the reply.
//!
//! `cargo run -p daemonic-control-examples --bin simple`, and in another terminal the same once more

use daemon::control::serde_json::{Value, json};
use daemon::control::{Error, Event, Instance, Launch};

fn main() -> Result<(), Error> {
    let simple = Instance::new("simple").on("ack", acknowledge);
    match simple.run_or_send("ack", json!({ "from": std::process::id() }))? {
        Launch::Primary(running) => {
            println!("the first one, at {}; end it with ctrl-c", running.address());
            running.wait();
        }
        Launch::Forwarded(reply) => println!("{reply}"),
    }
    Ok(())
}

fn acknowledge(event: Event) -> Value {
    println!("hello, process {}", event["from"]);
    json!({ "message": "Hello there!" })
}
