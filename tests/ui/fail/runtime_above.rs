//! `#[tokio::main]` above the daemon attribute is recognised by its expansion.

#[tokio::main]
#[daemon::run]
async fn serve() {}

fn main() {}
