//! A daemon with an endpoint, for the black-box tests.

fn main() {
    let endpoint = daemon::control::Endpoint::new();
    println!("{endpoint:?}");
}
