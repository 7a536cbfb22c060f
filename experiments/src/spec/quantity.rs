//! Numbers with units and ranges, checked while they are read.

use super::fault::expected;
use runtime::registry::Dimension;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error, Unexpected, Visitor};
use std::borrow::Cow;
use std::fmt;

/// A size such as `16 GiB`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Bytes; `None` = unlimited.
    pub bytes: Option<u64>,
}

/// A time such as `10 us`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Time {
    /// Nanoseconds.
    pub ns: u64,
}

/// A rate such as `25 GB/s`; above 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    /// Bytes per second.
    pub bytes_per_s: f64,
}

/// A power such as `250 W`; at most 4 MW.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Watts {
    /// Milliwatts.
    pub mw: u32,
}

/// A number that is finite and at least 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NotNegative(pub f64);

/// A number that is finite and above 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Positive(pub f64);

/// A whole number of at least 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count(pub u32);

struct QuantityVisitor(Dimension);

impl Visitor<'_> for QuantityVisitor {
    type Value = f64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.expected())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<f64, E> {
        let value = self.0.parse(text);
        value.map_err(|why| expected(format!("`{text}` does not fit: {why}"), self.0.expected()))
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = deserializer.deserialize_any(QuantityVisitor(Dimension::Size))?;
        if value < 1.0 {
            return Err(expected("a size of 0 holds nothing", Dimension::Size.expected()));
        }
        Ok(Self { bytes: value.is_finite().then_some(value.round() as u64) })
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = deserializer.deserialize_any(QuantityVisitor(Dimension::Time))?;
        Ok(Self { ns: value.round() as u64 })
    }
}

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes_per_s = deserializer.deserialize_any(QuantityVisitor(Dimension::Rate))?;
        Ok(Self { bytes_per_s })
    }
}

impl<'de> Deserialize<'de> for Watts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mw = deserializer.deserialize_any(QuantityVisitor(Dimension::Power))?.round();
        match mw <= f64::from(u32::MAX) {
            true => Ok(Self { mw: mw as u32 }),
            false => Err(expected("a part draws at most 4 MW", Dimension::Power.expected())),
        }
    }
}

struct NumberVisitor(&'static str);

impl Visitor<'_> for NumberVisitor {
    type Value = f64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }

    fn visit_i64<E>(self, value: i64) -> Result<f64, E> {
        Ok(value as f64)
    }

    fn visit_u64<E>(self, value: u64) -> Result<f64, E> {
        Ok(value as f64)
    }

    fn visit_f64<E>(self, value: f64) -> Result<f64, E> {
        Ok(value)
    }
}

const NOT_NEGATIVE: &str = "a finite number, at least 0";
const POSITIVE: &str = "a finite number above 0";
const COUNT: &str = "a whole number, at least 1";

impl<'de> Deserialize<'de> for NotNegative {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = deserializer.deserialize_any(NumberVisitor(NOT_NEGATIVE))?;
        match value >= 0.0 {
            true => Ok(Self(value)),
            false => Err(D::Error::invalid_value(Unexpected::Float(value), &NOT_NEGATIVE)),
        }
    }
}

impl<'de> Deserialize<'de> for Positive {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = deserializer.deserialize_any(NumberVisitor(POSITIVE))?;
        match value > 0.0 {
            true => Ok(Self(value)),
            false => Err(D::Error::invalid_value(Unexpected::Float(value), &POSITIVE)),
        }
    }
}

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = deserializer.deserialize_any(NumberVisitor(COUNT))?;
        match value.fract() == 0.0 && value >= 1.0 && value <= f64::from(u32::MAX) {
            true => Ok(Self(value as u32)),
            false => Err(D::Error::invalid_value(Unexpected::Float(value), &COUNT)),
        }
    }
}

macro_rules! schema {
    ($name:ident, $schema:tt) => {
        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    };
}

schema!(Size, {
    "type": "string",
    "pattern": "^\\s*([0-9][0-9._eE+-]*\\s*(B|[kKMGTP]B|[KMGTP]iB)|unlimited)\\s*$",
    "examples": ["512 MB", "16 GiB", "unlimited"]
});
schema!(Time, {
    "type": "string",
    "pattern": "^\\s*[0-9][0-9._eE+-]*\\s*(ns|us|µs|ms|s|min|h)\\s*$",
    "examples": ["10 us", "2 s"]
});
schema!(Rate, {
    "type": "string",
    "pattern": "^\\s*[0-9][0-9._eE+-]*\\s*([kKMGT]?B|[KMG]iB|[MGT]?bit)/s\\s*$",
    "examples": ["25 GB/s", "100 Gbit/s"]
});
schema!(Watts, {
    "type": "string",
    "pattern": "^\\s*[0-9][0-9._eE+-]*\\s*[mkM]?W\\s*$",
    "examples": ["250 W", "1.5 kW"]
});
schema!(NotNegative, { "type": "number", "minimum": 0 });
schema!(Positive, { "type": "number", "exclusiveMinimum": 0 });
schema!(Count, { "type": "integer", "minimum": 1 });
