//! Texts and numbers of files, checked while they are parsed, so that the parser says where a bad
//! one is.

use runtime::Ns;
use runtime::registry::Dimension;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Unexpected, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};
use std::borrow::Cow;
use std::fmt;

/// Largest size of one object: up to here every number is exact in programs that keep all numbers
/// as 64-bit floats, as many that read and write JSON do.
pub const MAX_BYTES: u64 = 1 << 53;

/// Longest duration, 146 years.
pub(super) const MAX_NS: Ns = 1 << 62;

/// A text that borrows from the file where it can.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text<'a>(pub Cow<'a, str>);

impl std::ops::Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;

        impl<'de> Visitor<'de> for TextVisitor {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(TextVisitor)
    }
}

impl Serialize for Text<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self)
    }
}

impl JsonSchema for Text<'_> {
    fn schema_name() -> Cow<'static, str> {
        "Text".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string" })
    }
}

/// A size in bytes: a whole number, or a text with a unit such as `64 MiB`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size(pub u64);

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SizeVisitor)
    }
}

impl Serialize for Size {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.0)
    }
}

struct SizeVisitor;

impl Visitor<'_> for SizeVisitor {
    type Value = Size;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number of bytes from 0 to 2^53 or a text such as \"64 MiB\"")
    }

    fn visit_u64<E: Error>(self, bytes: u64) -> Result<Size, E> {
        match bytes <= MAX_BYTES {
            true => Ok(Size(bytes)),
            false => Err(E::invalid_value(Unexpected::Unsigned(bytes), &self)),
        }
    }

    fn visit_i64<E: Error>(self, bytes: i64) -> Result<Size, E> {
        match u64::try_from(bytes) {
            Ok(bytes) => self.visit_u64(bytes),
            Err(_) => Err(E::invalid_value(Unexpected::Signed(bytes), &self)),
        }
    }

    fn visit_f64<E: Error>(self, bytes: f64) -> Result<Size, E> {
        match (0.0..=MAX_BYTES as f64).contains(&bytes) {
            true => Ok(Size(bytes.ceil() as u64)),
            false => Err(E::invalid_value(Unexpected::Float(bytes), &self)),
        }
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Size, E> {
        match Dimension::Size.parse(text) {
            Ok(bytes) if bytes.is_finite() => self.visit_f64(bytes),
            Ok(_) => Err(E::invalid_value(Unexpected::Str(text), &self)),
            Err(e) => Err(E::custom(format!("{text:?} is no size: {e}"))),
        }
    }
}

impl JsonSchema for Size {
    fn schema_name() -> Cow<'static, str> {
        "Size".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A size in bytes: a number, or a text with a unit such as \"64 MiB\".",
            "anyOf": [
                { "type": "number", "minimum": 0, "maximum": MAX_BYTES },
                { "type": "string", "pattern": "^[0-9._+eE-]+ *([kKMGTP]i?)?B$" },
            ],
        })
    }
}

/// How long a task takes: work for devices of any speed, or a duration per device or class.
#[derive(Clone, Debug, PartialEq)]
pub enum CostEntry<'a> {
    /// Units of work; a device of speed `s` takes `work / s` seconds.
    Work(f64),
    /// Names of devices or classes with durations in nanoseconds; it cannot run elsewhere.
    Table(Vec<(Text<'a>, Ns)>),
}

impl Default for CostEntry<'_> {
    fn default() -> Self {
        Self::Work(0.0)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for CostEntry<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(CostVisitor)
    }
}

impl Serialize for CostEntry<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Work(work) => serializer.serialize_f64(*work),
            Self::Table(table) => {
                let mut map = serializer.serialize_map(Some(table.len()))?;
                for (name, ns) in table {
                    map.serialize_entry(name, &(*ns as f64 / 1e9))?;
                }
                map.end()
            }
        }
    }
}

struct CostVisitor;

impl<'de> Visitor<'de> for CostVisitor {
    type Value = CostEntry<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a finite number of work units of at least 0, or seconds per device or class")
    }

    fn visit_f64<E: Error>(self, work: f64) -> Result<CostEntry<'de>, E> {
        match work.is_finite() && work >= 0.0 {
            true => Ok(CostEntry::Work(work)),
            false => Err(E::invalid_value(Unexpected::Float(work), &self)),
        }
    }

    fn visit_u64<E: Error>(self, work: u64) -> Result<CostEntry<'de>, E> {
        self.visit_f64(work as f64)
    }

    fn visit_i64<E: Error>(self, work: i64) -> Result<CostEntry<'de>, E> {
        self.visit_f64(work as f64)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<CostEntry<'de>, A::Error> {
        let mut table: Vec<(Text<'de>, Ns)> = Vec::with_capacity(map.size_hint().unwrap_or(2));
        while let Some((name, Duration(ns))) = map.next_entry::<Text<'de>, Duration>()? {
            if table.iter().any(|(known, _)| *known == name) {
                let name: &str = &name;
                return Err(A::Error::custom(format!("{name:?} has a duration already")));
            }
            table.push((name, ns));
        }
        match table.is_empty() {
            true => Err(A::Error::custom("a cost table without a device: it can run nowhere")),
            false => Ok(CostEntry::Table(table)),
        }
    }
}

impl JsonSchema for CostEntry<'_> {
    fn schema_name() -> Cow<'static, str> {
        "Cost".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let duration = generator.subschema_for::<Duration>();
        json_schema!({
            "description": "How long a task takes: units of work (a device of speed s takes work / s \
                            seconds), or a duration for each device or class of devices that can \
                            run it.",
            "anyOf": [
                { "type": "number", "minimum": 0 },
                { "type": "object", "minProperties": 1, "additionalProperties": duration },
            ],
        })
    }
}

/// A duration in nanoseconds: written as a number of seconds or as a text such as `10 ms`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Duration(pub Ns);

impl<'de> Deserialize<'de> for Duration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(DurationVisitor)
    }
}

struct DurationVisitor;

impl Visitor<'_> for DurationVisitor {
    type Value = Duration;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("seconds of at least 0, less than 146 years, or a text such as \"10 ms\"")
    }

    fn visit_f64<E: Error>(self, seconds: f64) -> Result<Duration, E> {
        let ns = (seconds * 1e9).round();
        match (0.0..MAX_NS as f64).contains(&ns) {
            true => Ok(Duration(ns as Ns)),
            false => Err(E::invalid_value(Unexpected::Float(seconds), &self)),
        }
    }

    fn visit_u64<E: Error>(self, seconds: u64) -> Result<Duration, E> {
        match seconds.checked_mul(1_000_000_000) {
            Some(ns) if ns < MAX_NS => Ok(Duration(ns)),
            _ => Err(E::invalid_value(Unexpected::Unsigned(seconds), &self)),
        }
    }

    fn visit_i64<E: Error>(self, seconds: i64) -> Result<Duration, E> {
        match u64::try_from(seconds) {
            Ok(seconds) => self.visit_u64(seconds),
            Err(_) => Err(E::invalid_value(Unexpected::Signed(seconds), &self)),
        }
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Duration, E> {
        match Dimension::Time.parse(text) {
            Ok(ns) if ns < MAX_NS as f64 => Ok(Duration(ns.round() as Ns)),
            Ok(_) => Err(E::invalid_value(Unexpected::Str(text), &self)),
            Err(e) => Err(E::custom(format!("{text:?} is no duration: {e}"))),
        }
    }
}

impl JsonSchema for Duration {
    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A duration: a number of seconds, or a text with a unit such as \"10 ms\".",
            "anyOf": [
                { "type": "number", "minimum": 0 },
                { "type": "string", "pattern": "^[0-9._+eE-]+ *(ns|us|µs|ms|s|min|h)$" },
            ],
        })
    }
}

/// A number of at least 0 that may be written as a whole number or with a fraction.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
pub(super) struct Amount(pub f64);

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AmountVisitor;

        impl Visitor<'_> for AmountVisitor {
            type Value = Amount;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a finite number of at least 0")
            }

            fn visit_f64<E: Error>(self, value: f64) -> Result<Amount, E> {
                match value.is_finite() && value >= 0.0 {
                    true => Ok(Amount(value)),
                    false => Err(E::invalid_value(Unexpected::Float(value), &self)),
                }
            }

            fn visit_u64<E: Error>(self, value: u64) -> Result<Amount, E> {
                self.visit_f64(value as f64)
            }

            fn visit_i64<E: Error>(self, value: i64) -> Result<Amount, E> {
                self.visit_f64(value as f64)
            }
        }
        deserializer.deserialize_any(AmountVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size(text: &str) -> Result<u64, String> {
        serde_json::from_str::<Size>(text).map(|s| s.0).map_err(|e| e.to_string())
    }

    #[test]
    fn sizes_are_whole_and_bounded() {
        assert_eq!(size("0"), Ok(0));
        assert_eq!(size("1e3"), Ok(1000));
        assert_eq!(size("0.5"), Ok(1));
        assert_eq!(size("\"64 MiB\""), Ok(1 << 26));
        assert_eq!(size(&MAX_BYTES.to_string()), Ok(MAX_BYTES));
        for bad in ["-1", "-0.5", "9007199254740993", "1e30", "\"1\"", "\"unlimited\"", "true"] {
            assert!(size(bad).is_err(), "{bad}");
        }
        let error = size("-1").unwrap_err();
        assert!(
            error.starts_with("invalid value: integer `-1`, expected a number of bytes"),
            "{error}"
        );
    }

    #[test]
    fn costs_are_work_or_a_table() {
        let cost = |text| serde_json::from_str::<CostEntry<'_>>(text).map_err(|e| e.to_string());
        assert_eq!(cost("2"), Ok(CostEntry::Work(2.0)));
        let table = |ns: &[(&'static str, Ns)]| {
            let entry = |&(name, ns): &(&'static str, Ns)| (Text(Cow::Borrowed(name)), ns);
            CostEntry::Table(ns.iter().map(entry).collect())
        };
        let expected = table(&[("cpu", 1_500_000_000), ("gpu", 2_000_000)]);
        assert_eq!(cost("{\"cpu\": 1.5, \"gpu\": \"2 ms\"}"), Ok(expected));
        for bad in ["-1", "{}", "{\"a\": -1}", "{\"a\": 1e300}", "{\"a\": 1, \"a\": 2}", "null"] {
            assert!(cost(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn nanoseconds_survive_being_seconds() {
        for ns in [0, 1, 999, 123_456_789, 86_400_000_000_123, (1 << 50) - 1] {
            let text = serde_json::to_string(&(ns as f64 / 1e9)).unwrap();
            assert_eq!(serde_json::from_str::<Duration>(&text).unwrap(), Duration(ns), "{text}");
        }
    }
}
