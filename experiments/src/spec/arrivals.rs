//! Graphs that arrive over time, as written.

use super::entry::Entry;
use super::{At, Count, Positive, Span, schema};
use schemars::JsonSchema;
use serde::Deserialize;

/// Instances of workloads that arrive while others run: which ones, and one of `poisson`,
/// `periodic`, `burst` and `file`.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(
    deny_unknown_fields,
    expecting = "arrivals, as in `{of: [layered], poisson: {count: 20, interval: 0.5}}`"
)]
#[schemars(rename = "Arrivals")]
pub struct ArrivalsText {
    /// Shown in reports; `arrivals` when absent.
    #[schemars(with = "Option<String>")]
    pub name: Option<At<String>>,
    /// What each arrival is drawn from.
    #[schemars(with = "schema::Workloads")]
    pub of: Vec<Entry>,
    /// How often each of these is drawn, in proportion; all alike when absent.
    #[schemars(with = "Option<Vec<Positive>>")]
    pub weights: Option<At<Vec<Positive>>>,
    /// Independent arrivals: exponential times between them, with this mean.
    #[schemars(with = "Option<RepeatedText>")]
    pub poisson: Option<At<RepeatedText>>,
    /// One arrival after every interval.
    #[schemars(with = "Option<RepeatedText>")]
    pub periodic: Option<At<RepeatedText>>,
    /// Several at once after every interval.
    #[schemars(with = "Option<BurstText>")]
    pub burst: Option<At<BurstText>>,
    /// A CSV file with the columns `at` and `workload`, or a JSON file with a list of such objects.
    #[schemars(with = "Option<String>")]
    pub file: Option<At<String>>,
}

/// Arrivals one by one, the first one at the begin.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "arrivals, as in `{count: 20, interval: 10 ms}`")]
#[schemars(rename = "Repeated")]
pub struct RepeatedText {
    /// How many graphs arrive.
    pub count: Count,
    /// Time between two: a time, or a multiple of the mean lower bound of the graphs alone.
    pub interval: Span,
}

/// Arrivals several at once, the first ones at the begin.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "bursts, as in `{count: 20, size: 5, interval: 10 ms}`")]
#[schemars(rename = "Burst")]
pub struct BurstText {
    /// How many graphs arrive in all.
    pub count: Count,
    /// How many at once.
    pub size: Count,
    /// Time between two bursts: a time, or a multiple of the mean lower bound of the graphs alone.
    pub interval: Span,
}
