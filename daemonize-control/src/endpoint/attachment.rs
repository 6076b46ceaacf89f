//! Runs the endpoint beside the body of a daemon.

use super::Endpoint;
use super::listen::{Bound, ListenSettings, Stage};
use crate::access_rules::AccessRules;
use crate::routes::reserved_paths::find_reserved;
use crate::routes::{DEFAULT_POLICY, Service};
use crate::runtime_dir::RuntimeDir;
use crate::server::Server;
use crate::status::RequestCounters;
use daemonize_core::attach::{AttachContext, Attachment, Handle, Phase, Prepared};
use daemonize_sys::mutex::lock;
use serde_json::json;
use std::error::Error;
use std::os::fd::AsRawFd;
use std::sync::Arc;

impl Attachment for Endpoint {
    fn check(&self, context: &AttachContext) -> Result<(), Box<dyn Error>> {
        if let Some(invalid) = &self.invalid_setting {
            return Err(invalid.clone().into());
        }
        if let Some(path) = self.routes.as_ref().and_then(find_reserved) {
            return Err(format!("failed to add the route `{path}`: the path is reserved by the endpoint").into());
        }
        Ok(RuntimeDir::of(context.name(), context.pidfile()).check()?)
    }

    fn prepare(&self, context: &AttachContext) -> Result<Prepared, Box<dyn Error>> {
        let settings = ListenSettings {
            address: self.address,
            without_token: self.without_token,
            group: self.group,
            has_page: self.page.is_some(),
            bearer_check: self.bearer_check.clone(),
        };
        let bound = Bound::new(&settings, context)?;
        let mut prepared = Prepared::default();
        prepared.addresses = [Some(bound.runtime_dir.url()), bound.port_url.clone()].into_iter().flatten().collect();
        prepared.descriptors.push(bound.socket.as_raw_fd());
        prepared.descriptors.extend(bound.port.as_ref().map(AsRawFd::as_raw_fd));
        *lock(&self.stage) = Stage::Bound(bound);
        Ok(prepared)
    }

    fn start(&self, daemon: Handle) -> Result<(), Box<dyn Error>> {
        let mut stage = lock(&self.stage);
        match std::mem::take(&mut *stage) {
            Stage::Bound(bound) => {
                let Bound { runtime_dir, socket, port, rules, port_url } = bound;
                let service = self.service(daemon, rules, &runtime_dir, port_url);
                *stage = Stage::Serving(runtime_dir, Server::start(socket, port, service)?);
                Ok(())
            }
            _ => Err("the endpoint was not prepared".into()),
        }
    }

    fn phase(&self, phase: Phase) {
        self.lifecycle.set(phase);
        let state = match phase {
            Phase::Ready => "running",
            Phase::Reloading => "reloading",
            _ => "stopping",
        };
        self.publisher.publish("state", &json!({ "state": state }));
    }

    fn end(&self) {
        let stage = std::mem::take(&mut *lock(&self.stage));
        match stage {
            Stage::Planned => {}
            Stage::Bound(bound) => bound.runtime_dir.remove(),
            Stage::Serving(runtime_dir, server) => {
                // The files first: the process may be forced to exit while the server waits for responses.
                runtime_dir.remove();
                server.end();
            }
        }
    }
}

impl Endpoint {
    fn service(
        &self,
        daemon: Handle,
        rules: AccessRules,
        runtime_dir: &RuntimeDir,
        port_url: Option<String>,
    ) -> Service {
        Service {
            daemon,
            lifecycle: Arc::clone(&self.lifecycle),
            rules,
            handlers: self.handlers.clone(),
            publisher: self.publisher.clone(),
            page: self.page.clone(),
            policy: self.policy.clone().unwrap_or(DEFAULT_POLICY),
            version: self.version.clone(),
            routes: self.routes.clone(),
            metrics: self.metrics.clone(),
            requests: RequestCounters::default(),
            socket_url: runtime_dir.url(),
            port_url,
        }
    }
}
