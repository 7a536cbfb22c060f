//! What goes wrong: noise, failures, outages, stragglers.

use super::{At, Count, NotNegative, Positive, Time, fault};
use schemars::JsonSchema;
use serde::de::{Deserializer, Visitor};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Duration noise: one of its keys.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, expecting = "noise, as in `{sigma: 0.1}`")]
#[schemars(rename = "Noise")]
pub struct NoiseText {
    /// Lognormal: standard deviation of the logarithm of a duration over its mean.
    #[schemars(with = "Option<NotNegative>")]
    pub sigma: Option<At<NotNegative>>,
    /// Normal: relative deviation, as measured; at most 1/3, so that hardly any is cut off at 0.
    #[schemars(with = "Option<NotNegative>")]
    pub normal: Option<At<NotNegative>>,
    /// Normal, with the deviation that the cost model has of each kernel on each class of devices,
    /// times this; `costs` must be measured or a file.
    #[schemars(with = "Option<NotNegative>")]
    pub measured: Option<At<NotNegative>>,
    /// Empirical: measured durations over their mean, all equally likely.
    #[schemars(with = "Option<Vec<Positive>>")]
    pub empirical: Option<At<Vec<Positive>>>,
}

/// Attempts that fail.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "failures, as in `{probability: 0.05}`")]
#[schemars(rename = "Failures")]
pub struct FailuresText {
    /// Probability that an attempt at a task fails.
    pub probability: Share,
    /// A task that was tried this often and has not finished ends the run; 20 when absent.
    pub attempts: Option<Count>,
    /// How long a task waits after its first failure, doubled after each further one; 0 when
    /// absent.
    pub back_off: Option<Time>,
}

/// Devices that go and come back.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "outages, as in `{share: 0.1, after: 0.5, repair: 10 s}`")]
#[schemars(rename = "Outages")]
pub struct OutagesText {
    /// Part of the devices that are ever lost; at least one device if above 0.
    pub share: Share,
    /// Mean time until one is lost, exponentially distributed; 0.5 when absent.
    pub after: Option<Span>,
    /// Mean time until it is there again, exponentially distributed, or `never`; 0.5 when absent.
    pub repair: Option<Repair>,
}

/// Devices that are slow for a while.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "stragglers, as in `{share: 0.2, slow_down: 3}`")]
#[schemars(rename = "Stragglers")]
pub struct StragglersText {
    /// Part of the devices that are ever slow; at least one device if above 0.
    pub share: Share,
    /// By how much tasks take longer then; 3 when absent.
    pub slow_down: Option<Positive>,
    /// Mean time of normal speed, exponentially distributed; 0.3 when absent.
    pub after: Option<Span>,
    /// Mean time of being slow, exponentially distributed; 0.3 when absent.
    pub lasts: Option<Span>,
}

/// Links that carry less for a while, or are lost.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(
    deny_unknown_fields,
    default,
    expecting = "link faults, as in `{share: 0.2, factor: 0.1, after: 0.5, repair: 0.5}`"
)]
#[schemars(rename = "LinkFaults")]
pub struct LinkFaultsText {
    /// Part of the links that ever carry less; at least one link if above 0; 0 when absent.
    pub share: Option<Share>,
    /// The part of their bandwidth that is left then; 0 when absent: nothing.
    pub factor: Option<Share>,
    /// Mean time until one does, exponentially distributed; 0.5 when absent.
    pub after: Option<Span>,
    /// Mean time until it carries all again, exponentially distributed, or `never`; 0.5 when
    /// absent.
    pub repair: Option<Repair>,
    /// Further faults, one by one.
    pub list: Vec<LinkFaultText>,
}

/// A link that carries less for a while.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a link's fault, as in `{link: up0, from: 1 s}`")]
#[schemars(rename = "LinkFault")]
pub struct LinkFaultText {
    /// The link's name, as in the cluster's file; clusters without such a link are left alone.
    #[schemars(with = "String")]
    pub link: At<String>,
    /// From when on.
    pub from: Span,
    /// Until when, or `never`, which is meant when absent.
    pub until: Option<Repair>,
    /// The part of its bandwidth that is left; 0 when absent: nothing.
    pub factor: Option<Share>,
}

/// A number from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Share(pub f64);

/// A time, or a multiple of the lower bound on the makespan of the cell.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub enum Span {
    /// Nanoseconds.
    Time(u64),
    /// Of the lower bound.
    Bounds(f64),
}

/// Until a device is there again.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub enum Repair {
    /// It is not.
    Never,
    /// After that long.
    After(Span),
}

const SHARE: &str = "a number from 0 to 1";
const SPAN: &str = "a time such as `10 s`, or a number above 0: a multiple of the lower bound on the \
                    makespan";

struct SpanVisitor {
    or_never: bool,
}

impl Visitor<'_> for SpanVisitor {
    type Value = Repair;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(SPAN)?;
        f.write_str(if self.or_never { ", or `never`" } else { "" })
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Repair, E> {
        match value.is_finite() && value > 0.0 {
            true => Ok(Repair::After(Span::Bounds(value))),
            false => Err(fault::expected(format!("`{value}` does not fit"), SPAN)),
        }
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Repair, E> {
        self.visit_f64(value as f64)
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Repair, E> {
        self.visit_f64(value as f64)
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Repair, E> {
        if self.or_never && text == "never" {
            return Ok(Repair::Never);
        }
        let parsed = runtime::registry::Dimension::Time.parse(text);
        match parsed {
            Ok(ns) if ns >= 1.0 => Ok(Repair::After(Span::Time(ns.round() as u64))),
            Ok(_) => Err(fault::expected(format!("`{text}` is too short"), SPAN)),
            Err(why) => Err(fault::expected(format!("`{text}` does not fit: {why}"), SPAN)),
        }
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match deserializer.deserialize_any(SpanVisitor { or_never: false })? {
            Repair::After(span) => Ok(span),
            Repair::Never => Err(serde::de::Error::custom(SPAN)),
        }
    }
}

impl<'de> Deserialize<'de> for Repair {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SpanVisitor { or_never: true })
    }
}

impl<'de> Deserialize<'de> for Share {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let NotNegative(value) = NotNegative::deserialize(deserializer)?;
        match value <= 1.0 {
            true => Ok(Self(value)),
            false => Err(fault::expected(format!("`{value}` does not fit"), SHARE)),
        }
    }
}

impl JsonSchema for Share {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Share".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "number", "minimum": 0, "maximum": 1 })
    }
}

impl JsonSchema for Span {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Span".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "anyOf": [{ "type": "string" }, { "type": "number", "exclusiveMinimum": 0 }]
        })
    }
}

impl JsonSchema for Repair {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Repair".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        Span::json_schema(generator)
    }
}
