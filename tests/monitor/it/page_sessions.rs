//! `daemonctl open`: codes, sessions, and who may have them.

use std::io::{Read, Write};
use std::net::TcpStream;

use look::sys::as_user;
use serde_json::{Value, json};

use crate::cli_lab::CliLab;
use crate::listener_routes::{EVENT_TIMEOUT, ask};
