//! How much of a shared device a task can use, as people write it.

use runtime::graph::FULL_PPM;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserializer, Error, Unexpected, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;

/// A share above 0 and at most 1, in millionths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Occupancy(pub u32);

impl Default for Occupancy {
    fn default() -> Self {
        Self(FULL_PPM)
    }
}

impl Occupancy {
    /// Whether it is all of the device.
    pub fn is_full(&self) -> bool {
        self.0 == FULL_PPM
    }
}

impl Serialize for Occupancy {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(f64::from(self.0) / f64::from(FULL_PPM))
    }
}

impl<'de> Deserialize<'de> for Occupancy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OccupancyVisitor)
    }
}

struct OccupancyVisitor;

impl Visitor<'_> for OccupancyVisitor {
    type Value = Occupancy;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a share above 0 and at most 1")
    }

    fn visit_f64<E: Error>(self, share: f64) -> Result<Occupancy, E> {
        // What is too small for a millionth is one.
        match share > 0.0 && share <= 1.0 {
            true => Ok(Occupancy(((share * f64::from(FULL_PPM)).round() as u32).max(1))),
            false => Err(E::invalid_value(Unexpected::Float(share), &self)),
        }
    }

    fn visit_u64<E: Error>(self, share: u64) -> Result<Occupancy, E> {
        match share {
            1 => Ok(Occupancy::default()),
            _ => Err(E::invalid_value(Unexpected::Unsigned(share), &self)),
        }
    }

    fn visit_i64<E: Error>(self, share: i64) -> Result<Occupancy, E> {
        self.visit_u64(share.try_into().unwrap_or(0))
    }
}

impl JsonSchema for Occupancy {
    fn schema_name() -> Cow<'static, str> {
        "Occupancy".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "number", "exclusiveMinimum": 0, "maximum": 1 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<u32, String> {
        serde_json::from_str::<Occupancy>(text).map(|o| o.0).map_err(|e| e.to_string())
    }

    #[test]
    fn shares_are_above_nothing_and_at_most_all() {
        assert_eq!(read("1"), Ok(FULL_PPM));
        assert_eq!(read("0.25"), Ok(250_000));
        assert_eq!(read("1e-9"), Ok(1));
        for wrong in ["0", "1.5", "-0.5", "2", "-1", "\"half\"", "null"] {
            let error = read(wrong).unwrap_err();
            assert!(error.contains("a share above 0 and at most 1"), "{wrong}: {error}");
        }
        assert_eq!(serde_json::to_string(&Occupancy(250_000)).unwrap(), "0.25");
    }
}
