//! Black-box tests of the endpoint, its client and single instances.

mod access;
mod common;
mod features;
mod http;
mod life;
mod limits;
mod socket;
mod clients;
mod impostors;
mod instances;
mod only;
