//! Black-box tests of the endpoint, its clients and single instances.

mod access_rules;
mod app_dir;
mod client;
mod client_limits;
mod client_trust;
mod common;
mod connection_limits;
mod endpoint;
mod endpoint_shutdown;
mod event_handlers;
mod examples;
mod http;
mod instance_attachment;
mod instance_forward;
mod instance_helpers;
mod instance_shutdown;
mod instance_signals;
mod instance_start;
mod request_limits;
mod response_framing;
mod runtime_dir;
mod runtime_dir_leftovers;
mod runtime_dir_location;
mod tcbon;
mod ui;
