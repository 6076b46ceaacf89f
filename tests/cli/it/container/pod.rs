//! A pod of the manifest: its user, its read-only root, its volume and its probes.

use super::manifest::{pod, texts};
use super::runtime::{Container, DOCKER_STOP_TIMEOUT, Settings, lab};

/// Returns the settings that a kubelet makes of the manifest.
fn settings() -> Settings {
    let container = &pod()["containers"][0];
    Settings {
        program: None,
        args: Some(texts(&container["args"])),
        read_only: container["securityContext"]["readOnlyRootFilesystem"] == true,
        volume: container["volumeMounts"][0]["mountPath"].as_str().map(str::to_owned),
    }
}

/// The probes ask a daemon that runs as an ordinary user, without capabilities, on a read-only root.
#[test]
fn probes_of_the_manifest_reach_the_daemon() {
    let lab = lab();
    let pod = Container::run(&lab, &settings());
    let container = &super::manifest::pod()["containers"][0];
    pod.wait_for(&texts(&container["startupProbe"]["exec"]["command"]));
    pod.exec(&texts(&container["readinessProbe"]["exec"]["command"])).ok();
    let (port, path) = (&container["ports"][0]["containerPort"], &container["livenessProbe"]["httpGet"]["path"]);
    pod.http_get(&port.to_string(), path.as_str().expect("a path")).ok().prints(&["hello"]);
    let stopped = pod.stop().ok();
    assert!(stopped.took < DOCKER_STOP_TIMEOUT, "{stopped}");
}

/// A probe that cannot fail would keep a broken pod in service.
#[test]
fn probe_without_a_daemon_fails() {
    let lab = lab();
    let pod = Container::run(&lab, &settings());
    let container = &super::manifest::pod()["containers"][0];
    let probe = texts(&container["readinessProbe"]["exec"]["command"]);
    pod.wait_for(&probe);
    let other = [probe[0].clone(), "another".to_owned()];
    pod.exec(&other).exits(1).says(&["another"]);
    pod.stop().ok();
}
