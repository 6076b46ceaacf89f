//! Black-box tests of the endpoint, its client and single instances.

mod access;
mod clients;
mod common;
mod examples;
mod features;
mod http;
mod impostors;
mod instances;
mod life;
mod limits;
mod only;
mod socket;
mod tcbon;
mod ui;
