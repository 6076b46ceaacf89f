//! The arguments of a daemon's function: encoded in the starting process, owned by the new one and lent to the function.

use std::borrow::Borrow;
use std::ffi::{CStr, CString, OsStr, OsString};
use std::fmt;
use std::path::{Path, PathBuf};

use serde::de::{self, DeserializeOwned, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer, ser};

/// A type that is passed by value, or lent from the type that owns it: `str` from `String`, `[T]` from `Vec<T>`.
pub trait Lend {
    /// The type that owns the value in the new process.
    type Owned: Borrow<Self>;
}

impl<T> Lend for T {
    type Owned = T;
}

impl Lend for str {
    type Owned = String;
}

impl<T> Lend for [T] {
    type Owned = Vec<T>;
}

impl Lend for Path {
    type Owned = PathBuf;
}

impl Lend for OsStr {
    type Owned = OsString;
}

impl Lend for CStr {
    type Owned = CString;
}

/// A type whose values can be sent to the new process.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an argument of a daemon that is launched by exec",
    label = "must implement `serde::Serialize` and `serde::de::DeserializeOwned`",
    note = "the arguments are sent to a fresh execution of the program: derive `serde::Serialize` and `serde::Deserialize`, or set \
            `launch = fork` where there is no `on_demand`"
)]
pub trait Argument: Lend<Owned: DeserializeOwned> + Serialize {}

impl<T: Lend<Owned: DeserializeOwned> + Serialize + ?Sized> Argument for T {}

/// One parameter of a daemon's function: its name, and how its values are encoded and decoded.
pub struct Parameter<T: Lend + ?Sized> {
    name: &'static str,
    encode: fn(&T, &mut Vec<u8>) -> Result<(), rmp_serde::encode::Error>,
    decode: fn(&mut &[u8]) -> Result<T::Owned, rmp_serde::decode::Error>,
}

/// Returns a parameter. The compiler reports an unsuitable type once, at this type: no other function has the bound.
pub const fn parameter<T: Argument + ?Sized>(name: &'static str) -> Parameter<T> {
    // With the names of fields, so that types that leave fields out survive.
    Parameter {
        name,
        encode: |value, bytes| rmp_serde::encode::write_named(bytes, value),
        decode: |bytes| rmp_serde::from_read(bytes),
    }
}

/// The encoded arguments of one call, one after the other. The encoding of each says where it ends.
#[derive(Default)]
pub struct Arguments {
    bytes: Vec<u8>,
    /// The first argument that could not be encoded, and the cause.
    error: Option<String>,
}

impl Arguments {
    /// Returns the arguments of a call without any.
    pub const fn new() -> Arguments {
        Arguments { bytes: Vec::new(), error: None }
    }

    /// Adds the argument for the next parameter. An argument that cannot be encoded is reported when the arguments are serialised.
    #[must_use]
    pub fn with<T: Lend + ?Sized>(mut self, parameter: &Parameter<T>, value: &T) -> Arguments {
        if self.error.is_none() {
            if let Err(error) = (parameter.encode)(value, &mut self.bytes) {
                self.error = Some(format!("the argument `{}`: {error}", parameter.name));
            }
        }
        self
    }

    /// Returns a reader of the arguments.
    pub fn reader(&self) -> ArgumentReader<'_> {
        ArgumentReader { rest: &self.bytes }
    }
}

/// Reads arguments one after the other.
pub struct ArgumentReader<'a> {
    rest: &'a [u8],
}

impl ArgumentReader<'_> {
    /// Decodes the argument for the next parameter.
    ///
    /// # Errors
    /// If the type cannot decode what it has encoded itself: "the argument `NAME`: CAUSE".
    pub fn next<T: Lend + ?Sized>(&mut self, parameter: &Parameter<T>) -> Result<T::Owned, String> {
        (parameter.decode)(&mut self.rest).map_err(|error| format!("the argument `{}`: {error}", parameter.name))
    }
}

impl Serialize for Arguments {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.error {
            Some(error) => Err(ser::Error::custom(error)),
            None => serializer.serialize_bytes(&self.bytes),
        }
    }
}

impl<'de> Deserialize<'de> for Arguments {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Arguments, D::Error> {
        deserializer.deserialize_byte_buf(Bytes)
    }
}

/// Accepts the bytes of [`Arguments`].
struct Bytes;

impl Visitor<'_> for Bytes {
    type Value = Arguments;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("encoded arguments")
    }

    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Arguments, E> {
        self.visit_byte_buf(bytes.to_vec())
    }

    fn visit_byte_buf<E: de::Error>(self, bytes: Vec<u8>) -> Result<Arguments, E> {
        Ok(Arguments { bytes, error: None })
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;
    use std::collections::HashMap;

    use proptest::{collection, prelude::*};

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Settings {
        #[serde(skip_serializing_if = "Option::is_none", default)]
        left_out: Option<u8>,
        numbers: HashMap<u64, (i128, f64)>,
        kind: Kind,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(untagged)]
    enum Kind {
        Unit,
        Named { name: String },
    }

    /// Refuses to be encoded.
    #[derive(Deserialize)]
    struct Unencodable;

    impl Serialize for Unencodable {
        fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(ser::Error::custom("the vault is locked"))
        }
    }

    fn sent(arguments: &Arguments) -> Arguments {
        rmp_serde::from_slice(&rmp_serde::to_vec(arguments).expect("encodable")).expect("decodable")
    }

    #[test]
    fn arguments_of_all_kinds_survive() {
        let settings = Settings {
            left_out: None,
            numbers: HashMap::from([(u64::MAX, (i128::MIN, f64::MIN_POSITIVE))]),
            kind: Kind::Named { name: "agent".to_owned() },
        };
        let (text, list, path) = (parameter::<str>("text"), parameter::<[u8]>("list"), parameter::<Path>("path"));
        let (by_value, cow) = (parameter::<Settings>("settings"), parameter::<Cow<'static, str>>("cow"));
        let nothing = parameter::<()>("nothing");
        let arguments = Arguments::new()
            .with(&text, "caf\u{e9}")
            .with(&list, &[0, 255])
            .with(&nothing, &())
            .with(&path, Path::new("/srv"))
            .with(&by_value, &settings)
            .with(&cow, &Cow::Borrowed("last"));
        let arguments = sent(&arguments);
        let mut reader = arguments.reader();
        assert_eq!(reader.next(&text).as_deref(), Ok("caf\u{e9}"));
        assert_eq!(reader.next(&list), Ok(vec![0, 255]));
        assert_eq!(reader.next(&nothing), Ok(()));
        assert_eq!(reader.next(&path), Ok(PathBuf::from("/srv")));
        assert_eq!(reader.next(&by_value), Ok(settings));
        assert_eq!(reader.next(&cow).as_deref(), Ok("last"));
        assert!(reader.next(&nothing).is_err_and(|error| error.starts_with("the argument `nothing`: ")));
    }

    proptest! {
        #[test]
        fn bytes_of_all_kinds_are_read_or_refused(bytes in collection::vec(any::<u8>(), 0..200)) {
            let arguments = Arguments { bytes, error: None };
            let mut reader = arguments.reader();
            let _ = reader.next(&parameter::<Settings>("settings"));
            let _ = reader.next(&parameter::<str>("text"));
            let _ = reader.next(&parameter::<[Vec<String>]>("lists"));
            let _ = reader.next(&parameter::<HashMap<String, Option<u8>>>("map"));
        }
    }

    #[test]
    fn argument_that_cannot_be_encoded_is_named() {
        let vault = parameter::<Unencodable>("vault");
        let arguments = Arguments::new().with(&vault, &Unencodable).with(&parameter::<u8>("port"), &80);
        let error = rmp_serde::to_vec(&arguments).expect_err("it refuses");
        assert!(error.to_string().contains("the argument `vault`: the vault is locked"), "{error}");
    }
}
