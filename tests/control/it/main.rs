//! Black-box tests of the endpoint, its client and single instances.

mod access;
mod client_trust;
mod clients;
mod common;
mod examples;
mod features;
mod floods;
mod following;
mod framing;
mod handlers;
mod http;
mod instance_directory;
mod instances;
mod leftovers;
mod life;
mod limits;
mod places;
mod signals;
mod single_instance;
mod socket;
mod tcbon;
mod ui;
