//! The Kubernetes manifest, as JSON.

use std::fs;

use serde_json::{Map, Number, Value};
use yaml_rust2::{Yaml, YamlLoader};

/// Returns the objects of the example's manifest: the deployment and its service.
pub(super) fn objects() -> [Value; 2] {
    let text = fs::read_to_string(super::example("kubernetes.yaml")).expect("the manifest");
    let documents = YamlLoader::load_from_str(&text).expect("YAML");
    let objects: Vec<Value> = documents.iter().map(to_json).collect();
    objects.try_into().expect("two objects")
}

/// Returns the specification of the deployment's pods.
pub(super) fn pod() -> Value {
    let [deployment, _] = objects();
    deployment["spec"]["template"]["spec"].clone()
}

fn to_json(yaml: &Yaml) -> Value {
    match yaml {
        Yaml::String(text) => text.as_str().into(),
        Yaml::Integer(number) => (*number).into(),
        Yaml::Boolean(value) => (*value).into(),
        Yaml::Real(_) => yaml.as_f64().and_then(Number::from_f64).expect("a finite number").into(),
        Yaml::Array(values) => values.iter().map(to_json).collect(),
        Yaml::Hash(fields) => {
            let field = |(key, value)| (Yaml::as_str(key).expect("a key of text").to_owned(), to_json(value));
            fields.iter().map(field).collect::<Map<_, _>>().into()
        }
        Yaml::Null => Value::Null,
        Yaml::Alias(_) | Yaml::BadValue => panic!("not a plain value: {yaml:?}"),
    }
}

/// Returns the texts of a list.
pub(super) fn texts(list: &Value) -> Vec<String> {
    let list = list.as_array().expect("a list");
    list.iter().map(|text| text.as_str().expect("text").to_owned()).collect()
}
