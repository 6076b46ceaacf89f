//! The Kubernetes manifest against the published schema, the Pod Security Standard `restricted`, and the daemon's settings.

use boon::{Compiler, Schemas};
use serde_json::{Value, json};

use super::manifest::{objects, pod, texts};

/// Validates an object of Kubernetes 1.37 by its kind, and rejects unknown fields.
fn validate(object: &Value) -> Result<(), String> {
    let kind = match object["kind"].as_str() {
        Some("Deployment") => "io.k8s.api.apps.v1.Deployment",
        Some("Service") => "io.k8s.api.core.v1.Service",
        kind => return Err(format!("the kind {kind:?} is not in the schema")),
    };
    let schema = serde_json::from_str(include_str!("kubernetes.schema.json")).expect("JSON");
    let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
    compiler.add_resource("kubernetes.json", schema).expect("a name");
    let schema = compiler.compile(&format!("kubernetes.json#/$defs/{kind}"), &mut schemas).expect("a schema");
    schemas.validate(object, schema).map_err(|error| error.to_string())
}

#[test]
fn manifest_is_valid_by_the_published_schema() {
    for object in objects() {
        validate(&object).unwrap_or_else(|error| panic!("{}: {error}", object["kind"]));
    }
}

/// The check is worth something only if it finds mistakes.
#[test]
fn manifest_with_a_mistake_is_invalid() {
    let container = "/spec/template/spec/containers/0";
    for (place, value) in [
        ("/apiVersion", json!("v1")),
        ("/spec/selector", json!([])),
        ("/spec/template/spec/terminationGracePeriodSeconds", json!("15")),
        (&format!("{container}/startupProbe"), json!({ "exec": { "cmd": ["probe"] } })),
        (&format!("{container}/ports/0/containerPort"), json!("http")),
        (&format!("{container}/securityContext/capabilities"), json!(["ALL"])),
        (&format!("{container}/readOnlyRootFilesystem"), json!(true)),
        (&format!("{container}/name"), json!(7)),
    ] {
        let [mut deployment, _] = objects();
        let (parent, key) = place.rsplit_once('/').expect("a path");
        deployment.pointer_mut(parent).expect("a place of the manifest")[key] = value;
        assert!(validate(&deployment).is_err(), "a wrong `{place}` was accepted");
    }
}

/// <https://kubernetes.io/docs/concepts/security/pod-security-standards/>
#[test]
fn pods_keep_the_restricted_security_standard() {
    let pod = pod();
    for host in ["hostNetwork", "hostPID", "hostIPC"] {
        assert_eq!(pod[host], Value::Null);
    }
    let context = &pod["securityContext"];
    assert_eq!(
        (&context["runAsNonRoot"], &context["seccompProfile"]["type"]),
        (&json!(true), &json!("RuntimeDefault"))
    );
    assert_ne!(context["runAsUser"].as_u64().expect("a number"), 0);
    for volume in pod["volumes"].as_array().expect("volumes") {
        assert!(volume["emptyDir"].is_object(), "{volume}");
    }
    for container in pod["containers"].as_array().expect("containers") {
        let context = &container["securityContext"];
        assert_eq!(context["allowPrivilegeEscalation"], json!(false));
        assert_eq!(context["readOnlyRootFilesystem"], json!(true));
        assert_eq!(context["capabilities"], json!({ "drop": ["ALL"] }));
    }
}

#[test]
fn objects_of_the_manifest_fit_each_other() {
    let [deployment, service] = objects();
    let labels = &deployment["spec"]["template"]["metadata"]["labels"];
    assert_eq!((labels, labels), (&deployment["spec"]["selector"]["matchLabels"], &service["spec"]["selector"]));
    let pod = pod();
    let container = &pod["containers"][0];
    let port = &container["ports"][0];
    assert_eq!(service["spec"]["ports"][0]["targetPort"], port["name"]);
    assert_eq!(container["livenessProbe"]["httpGet"]["port"], port["name"]);
    let argument = ["--port".to_owned(), port["containerPort"].to_string()];
    assert!(texts(&container["args"]).windows(2).any(|pair| pair == argument));
    for volume in container["volumeMounts"].as_array().expect("mounts") {
        let mut names = pod["volumes"].as_array().expect("volumes").iter().map(|volume| &volume["name"]);
        assert!(names.any(|name| *name == volume["name"]), "{volume}");
    }
    // The default `grace` of process 1 is 8 s.
    assert!(pod["terminationGracePeriodSeconds"].as_u64().expect("seconds") >= 10);
}
