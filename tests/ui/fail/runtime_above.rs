//! The same the other way round: what tokio has made of the function is recognised.

#[tokio::main]
#[daemon::run]
async fn serve() {}

fn main() {}
