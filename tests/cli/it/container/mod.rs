//! The example `serviced` in containers: its image, its Kubernetes manifest, and its end by `docker stop`. No container
//! runtime is here: namespaces, mounts, users and capabilities are those that a runtime would make of the two files.

mod docker_stop;
mod image;
mod manifest;
mod pod;
mod runtime;
mod schema;

use std::path::{Path, PathBuf};

/// Returns a file of the example's directory.
fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/cli").join(name)
}
