//! What a booted systemd makes of a service.
