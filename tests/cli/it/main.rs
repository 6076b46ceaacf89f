//! Black-box tests of the command line, the logs and the services.

mod attribute;
mod container;
mod logging;
mod managers;
mod service;
mod serviced;
mod serviced_unit;
mod ui;
mod verbs;
