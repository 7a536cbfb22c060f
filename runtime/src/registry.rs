//! What can be named in a file: schedulers with their parameters.
//!
//! The command line, the YAML schema, the documentation and the report are derived from these
//! descriptions.

mod units;

pub use units::{Dimension, UnitError};

use crate::{Evaluator, Ns, Scheduler};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A scheduler that can be named.
#[derive(Clone, Copy)]
pub struct SchedulerInfo {
    /// The name in files and on the command line.
    pub name: &'static str,
    /// One sentence.
    pub summary: &'static str,
    /// Where the algorithm comes from.
    pub paper: &'static str,
    /// Its parameters.
    pub parameters: &'static [ParameterInfo],
    /// Makes one for a run.
    pub build: fn(&Parameters, &BuildContext) -> Box<dyn Scheduler>,
}

/// What a scheduler is given besides its parameters.
#[derive(Clone, Default)]
pub struct BuildContext {
    /// Seed of all its randomness.
    pub seed: u64,
    /// A simulation on the estimates that the run shows its scheduler.
    pub evaluator: Option<Arc<dyn Evaluator>>,
    /// Time since some instant, for limits of planning time and for reports; without it there are
    /// neither.
    pub clock: Option<Clock>,
}

/// A clock that never runs backwards, in nanoseconds.
pub type Clock = Arc<dyn Fn() -> Ns + Send + Sync>;

impl BuildContext {
    /// A seed, no evaluator and no clock.
    pub fn new(seed: u64) -> Self {
        Self { seed, ..Self::default() }
    }
}

/// A parameter.
#[derive(Clone, Copy, Debug)]
pub struct ParameterInfo {
    /// Its key.
    pub name: &'static str,
    /// One sentence.
    pub summary: &'static str,
    /// What it may be.
    pub kind: Kind,
}

/// What a parameter may be, with its default.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// Yes or no.
    Bool {
        /// Default.
        default: bool,
    },
    /// A whole number in a range, both ends included.
    Int {
        /// Default.
        default: i64,
        /// Least.
        min: i64,
        /// Most.
        max: i64,
    },
    /// A number in a range, both ends included.
    Float {
        /// Default.
        default: f64,
        /// Least.
        min: f64,
        /// Most.
        max: f64,
    },
    /// One of several words.
    Choice {
        /// Default.
        default: &'static str,
        /// All of them.
        options: &'static [&'static str],
    },
    /// A quantity with a unit.
    Quantity {
        /// Default, as text.
        default: &'static str,
        /// What it measures.
        dimension: Dimension,
    },
}

/// A parameter's value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// Yes or no.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number.
    Float(f64),
    /// A word.
    Text(String),
}

/// Why a value does not fit.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ParameterError {
    /// No such parameter.
    #[error("{scheduler} has no parameter {name:?}; it has: {}", names(.known))]
    Unknown {
        /// The scheduler.
        scheduler: &'static str,
        /// What was given.
        name: String,
        /// What there is.
        known: Vec<&'static str>,
    },
    /// The wrong type, or out of range.
    #[error("{name} is {value}; expected {expected}")]
    BadValue {
        /// The parameter.
        name: &'static str,
        /// What was given.
        value: String,
        /// What was expected.
        expected: String,
    },
}

fn names(names: &[&str]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

/// All parameters of one scheduler, defaults filled in.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameters {
    values: Vec<(&'static str, Value)>,
}

impl Kind {
    /// The default.
    pub fn default_value(&self) -> Value {
        match *self {
            Self::Bool { default } => Value::Bool(default),
            Self::Int { default, .. } => Value::Int(default),
            Self::Float { default, .. } => Value::Float(default),
            Self::Choice { default, .. } | Self::Quantity { default, .. } => {
                Value::Text(default.to_owned())
            }
        }
    }

    /// What may be given, for people.
    pub fn expected(&self) -> String {
        match self {
            Self::Bool { .. } => "true or false".to_owned(),
            Self::Int { min, max, .. } => format!("a whole number from {min} to {max}"),
            Self::Float { min, max, .. } => format!("a number from {min} to {max}"),
            Self::Choice { options, .. } => format!("one of: {}", options.join(", ")),
            Self::Quantity { dimension, .. } => dimension.expected().to_owned(),
        }
    }

    /// The value as this kind has it, or `None` when it does not fit.
    fn accept(&self, value: &Value) -> Option<Value> {
        match (self, value) {
            (Self::Bool { .. }, Value::Bool(_)) => Some(value.clone()),
            (Self::Int { min, max, .. }, Value::Int(i)) if (min..=max).contains(&i) => {
                Some(value.clone())
            }
            (Self::Float { min, max, .. }, Value::Float(f)) if (min..=max).contains(&f) => {
                Some(value.clone())
            }
            (Self::Float { .. }, Value::Int(i)) => self.accept(&Value::Float(*i as f64)),
            (Self::Choice { options, .. }, Value::Text(t)) if options.contains(&t.as_str()) => {
                Some(value.clone())
            }
            (Self::Quantity { dimension, .. }, Value::Text(t)) if dimension.parse(t).is_ok() => {
                Some(value.clone())
            }
            _ => None,
        }
    }
}

impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Bool(v) => write!(f, "{v}"),
            Self::Int(v) => write!(f, "{v}"),
            Self::Float(v) => write!(f, "{v}"),
            Self::Text(v) => write!(f, "{v}"),
        }
    }
}

impl SchedulerInfo {
    /// Checks what was given and fills in the rest.
    ///
    /// # Errors
    /// The first [`ParameterError`].
    pub fn parameters(&self, given: &[(String, Value)]) -> Result<Parameters, ParameterError> {
        Parameters::resolve(self.name, self.parameters, given)
    }

    /// Makes one with default parameters.
    pub fn build_default(&self, seed: u64) -> Box<dyn Scheduler> {
        let parameters = self.parameters(&[]).expect("defaults are accepted");
        (self.build)(&parameters, &BuildContext::new(seed))
    }
}

impl Parameters {
    /// Checks what was given to `owner`, which has the parameters `infos`, and fills in the rest.
    ///
    /// # Errors
    /// The first [`ParameterError`].
    pub fn resolve(
        owner: &'static str,
        infos: &[ParameterInfo],
        given: &[(String, Value)],
    ) -> Result<Self, ParameterError> {
        let mut values: Vec<(&'static str, Value)> =
            infos.iter().map(|p| (p.name, p.kind.default_value())).collect();
        for (name, value) in given {
            let Some(at) = infos.iter().position(|p| p.name == name) else {
                return Err(ParameterError::Unknown {
                    scheduler: owner,
                    name: name.clone(),
                    known: infos.iter().map(|p| p.name).collect(),
                });
            };
            let info = &infos[at];
            values[at].1 = info.kind.accept(value).ok_or_else(|| ParameterError::BadValue {
                name: info.name,
                value: value.to_string(),
                expected: info.kind.expected(),
            })?;
        }
        Ok(Self { values })
    }

    fn value(&self, name: &str) -> &Value {
        let found = self.values.iter().find(|(n, _)| *n == name);
        &found.unwrap_or_else(|| panic!("the registry entry does not declare {name:?}")).1
    }

    /// A boolean. Panics when the registry entry does not declare it so (a bug of the entry).
    pub fn bool(&self, name: &str) -> bool {
        matches!(self.value(name), Value::Bool(true))
    }

    /// A whole number; panics as [`Parameters::bool`].
    pub fn int(&self, name: &str) -> i64 {
        match self.value(name) {
            Value::Int(i) => *i,
            other => panic!("{name} is declared as {other:?}, not as a whole number"),
        }
    }

    /// A number; panics as [`Parameters::bool`].
    pub fn float(&self, name: &str) -> f64 {
        match self.value(name) {
            Value::Float(f) => *f,
            other => panic!("{name} is declared as {other:?}, not as a number"),
        }
    }

    /// A word; panics as [`Parameters::bool`].
    pub fn text(&self, name: &str) -> &str {
        match self.value(name) {
            Value::Text(t) => t,
            other => panic!("{name} is declared as {other:?}, not as a word"),
        }
    }

    /// A quantity in its base unit: bytes (`None` = unlimited), nanoseconds or bytes per second,
    /// rounded to a whole number; panics as [`Parameters::bool`].
    pub fn quantity(&self, name: &str, dimension: Dimension) -> Option<u64> {
        let value = self.value(name);
        let Value::Text(text) = value else {
            panic!("{name} is declared as {value:?}, not as a quantity");
        };
        let number = dimension.parse(text).unwrap_or_else(|e| panic!("{name} is {text:?}: {e}"));
        number.is_finite().then_some(number.round() as u64)
    }

    /// Names and values, in declaration order.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &Value)> {
        self.values.iter().map(|(n, v)| (*n, v))
    }
}
