//! The listening sockets of an endpoint.

use crate::access_rules::{AccessRules, BearerCheck, accepted_hosts};
use crate::runtime_dir::{Owner, RuntimeDir};
use crate::server::Server;
use crate::token::Token;
use daemonize_core::attach::AttachContext;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::UnixListener;

/// The progress of an endpoint in its daemon.
#[derive(Default)]
pub(super) enum Stage {
    #[default]
    Planned,
    Bound(Bound),
    Serving(RuntimeDir, Server),
}

/// The settings of the sockets.
pub(super) struct ListenSettings {
    pub(super) address: Option<SocketAddr>,
    pub(super) without_token: bool,
    pub(super) group: Option<u32>,
    pub(super) has_page: bool,
    pub(super) bearer_check: Option<BearerCheck>,
}

/// The listening sockets, and the access rules of their peers.
pub(super) struct Bound {
    pub(super) runtime_dir: RuntimeDir,
    pub(super) socket: UnixListener,
    pub(super) port: Option<TcpListener>,
    pub(super) rules: AccessRules,
    /// The URL of the port.
    pub(super) port_url: Option<String>,
}

impl Bound {
    /// Binds the sockets. Removes the files that it has created if that fails.
    pub(super) fn new(settings: &ListenSettings, context: &AttachContext) -> Result<Bound, String> {
        let owner = Owner {
            user: context.user().unwrap_or_else(|| nix::unistd::geteuid().as_raw()),
            group: context.group(),
            shared_with: settings.group,
        };
        let port = match settings.address {
            Some(address) => Some(bind_port(address)?),
            None => None,
        };
        let address = match &port {
            Some(port) => Some(port.local_addr().map_err(|error| error.to_string())?),
            None => None,
        };
        let token = match address {
            Some(_) if !settings.without_token => {
                Some(Token::random().map_err(|error| format!("failed to generate a token: {error}"))?)
            }
            _ => None,
        };
        let mut runtime_dir = RuntimeDir::of(context.name(), context.pidfile());
        let socket = runtime_dir.create_contents(&owner, token.as_ref())?;
        let rules = AccessRules {
            owner: owner.user,
            groups: settings.group.into_iter().collect(),
            token,
            bearer_check: settings.bearer_check.clone(),
            hosts: address.map(accepted_hosts).unwrap_or_default(),
            has_page: settings.has_page,
        };
        Ok(Bound { runtime_dir, socket, port, rules, port_url: address.map(|address| format!("http://{address}")) })
    }
}

fn bind_port(address: SocketAddr) -> Result<TcpListener, String> {
    TcpListener::bind(address).map_err(|error| format!("failed to listen on `{address}`: {error}"))
}
