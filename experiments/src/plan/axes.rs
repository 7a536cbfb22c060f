//! Axes: what else varies besides workloads, clusters, schedulers and seeds.

use crate::mistake::{Mistake, Source};
use crate::spec::{At, Backend, Estimates, NotNegative, Scalar, ThinkingText, Time};
use runtime::Ns;
use runtime::cluster::NetworkModel;
use runtime::registry::{Dimension, Value};
use runtime::scheduler::Eviction;
use std::sync::Arc;

/// An axis that every experiment has.
#[derive(Clone, Copy, Debug)]
pub struct AxisInfo {
    /// Its key under `vary`.
    pub name: &'static str,
    /// One sentence.
    pub summary: &'static str,
    /// Which backends know it; those that do not have one cell for all its values.
    pub scope: Scope,
    read: fn(&Value) -> Result<Setting, String>,
}

/// Which backends an axis says anything to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Simulation alone.
    Simulated,
    /// Those that run a model of the cluster: simulation and emulation.
    Modelled,
    /// All.
    All,
}

/// One value of a built-in axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Setting {
    /// Duration noise.
    Noise(f64),
    /// Probability that an attempt fails.
    Failures(f64),
    /// Share of the devices that are lost now and then.
    Outages(f64),
    /// Share of the devices that are slow now and then.
    Stragglers(f64),
    /// Share of the links that carry less now and then.
    LinkFaults(f64),
    /// The part of their bandwidth that is left then.
    LinkFactor(f64),
    /// Least time between two calls of the scheduler.
    DecisionInterval(Ns),
    /// Factor on the capacity of the memories that are nobody's home.
    Capacity(f64),
    /// Capacity of the memories that are nobody's home.
    Memory(Option<u64>),
    /// Factor on the bandwidth of links.
    Bandwidth(f64),
    /// Factor on the latency of links.
    Latency(f64),
    /// Factor on the time between graphs that arrive.
    Interval(f64),
    /// What thinking costs.
    Thinking(ThinkingText),
    /// What schedulers are told.
    Estimates(Estimates),
    /// How many unfinished tasks are known; `None` = all.
    Window(Option<u32>),
    /// Which copy goes.
    Eviction(Eviction),
    /// How links are shared.
    Network(NetworkModel),
}

/// The axis that says something to workloads of arrivals alone.
const INTERVAL: &str = "interval";

/// The axis that says something to workloads that are there from the begin alone.
const WINDOW: &str = "window";

/// All built-in axes.
pub const AXES: [AxisInfo; 18] = [
    AxisInfo {
        name: "noise",
        summary: "sigma of the duration noise",
        scope: Scope::Simulated,
        read: |v| number(v, 0.0, "a number of at least 0").map(Setting::Noise),
    },
    AxisInfo {
        name: "failures",
        summary: "probability that an attempt at a task fails",
        scope: Scope::Simulated,
        read: |v| share(v).map(Setting::Failures),
    },
    AxisInfo {
        name: "outages",
        summary: "share of the devices that are lost now and then",
        scope: Scope::Simulated,
        read: |v| share(v).map(Setting::Outages),
    },
    AxisInfo {
        name: "stragglers",
        summary: "share of the devices that are slow now and then",
        scope: Scope::Simulated,
        read: |v| share(v).map(Setting::Stragglers),
    },
    AxisInfo {
        name: "link_faults",
        summary: "share of the links that carry less, or nothing, now and then",
        scope: Scope::Simulated,
        read: |v| share(v).map(Setting::LinkFaults),
    },
    AxisInfo {
        name: "link_factor",
        summary: "part of the bandwidth that is left to faulty links; 0 = nothing",
        scope: Scope::Simulated,
        read: |v| share(v).map(Setting::LinkFactor),
    },
    AxisInfo {
        name: "error",
        summary: "sigma of the error of a user's estimates; 0 = they are exact",
        scope: Scope::Simulated,
        read: |v| {
            let sigma = number(v, 0.0, "a number of at least 0")?;
            Ok(Setting::Estimates(match sigma > 0.0 {
                true => Estimates::Error(NotNegative(sigma)),
                false => Estimates::Exact,
            }))
        },
    },
    AxisInfo {
        name: "decision_interval",
        summary: "for how long events are collected before a scheduler is asked, such as 10 us",
        scope: Scope::All,
        read: |v| match v {
            Value::Int(0) => Ok(Setting::DecisionInterval(0)),
            _ => time_ns(v).map(Setting::DecisionInterval),
        },
    },
    AxisInfo {
        name: "capacity",
        summary: "factor on the capacity of every memory where no data is at home",
        scope: Scope::All,
        read: |v| number(v, f64::MIN_POSITIVE, "a number above 0").map(Setting::Capacity),
    },
    AxisInfo {
        name: "memory",
        summary: "capacity of every memory where no data is at home",
        scope: Scope::All,
        read: memory,
    },
    AxisInfo {
        name: "bandwidth",
        summary: "factor on the bandwidth of every link",
        scope: Scope::Modelled,
        read: |v| number(v, f64::MIN_POSITIVE, "a number above 0").map(Setting::Bandwidth),
    },
    AxisInfo {
        name: "latency",
        summary: "factor on the latency of every link",
        scope: Scope::Modelled,
        read: |v| number(v, 0.0, "a number of at least 0").map(Setting::Latency),
    },
    AxisInfo {
        name: INTERVAL,
        summary: "factor on the time between graphs that arrive",
        scope: Scope::All,
        read: |v| number(v, 0.0, "a number of at least 0").map(Setting::Interval),
    },
    AxisInfo {
        name: "thinking",
        summary: "what thinking costs: free, measured or a time such as 5 us",
        scope: Scope::Simulated,
        read: thinking,
    },
    AxisInfo {
        name: "estimates",
        summary: "what schedulers are told about durations: exact, noisy, mean or nothing",
        scope: Scope::Simulated,
        read: |v| match word(v) {
            Some("exact") => Ok(Setting::Estimates(Estimates::Exact)),
            Some("noisy") => Ok(Setting::Estimates(Estimates::Noisy)),
            Some("mean") => Ok(Setting::Estimates(Estimates::Mean)),
            Some("nothing") => Ok(Setting::Estimates(Estimates::Nothing)),
            _ => Err("one of: exact, noisy, mean, nothing".to_owned()),
        },
    },
    AxisInfo {
        name: WINDOW,
        summary: "how many unfinished tasks a scheduler knows of, in the order of submission: a \
                  number, or all",
        scope: Scope::Simulated,
        read: |v| match v {
            Value::Int(tasks) if *tasks >= 1 => Ok(Setting::Window(u32::try_from(*tasks).ok())),
            // What the command line reads.
            Value::Float(tasks) if tasks.fract() == 0.0 && *tasks >= 1.0 => {
                Ok(Setting::Window(Some(*tasks as u32)))
            }
            _ if word(v) == Some("all") => Ok(Setting::Window(None)),
            _ => Err("a whole number of at least 1, or all".to_owned()),
        },
    },
    AxisInfo {
        name: "eviction",
        summary: "which copy goes when a memory is full: lru, lfu or next-use",
        scope: Scope::All,
        read: |v| match word(v) {
            Some("lru") => Ok(Setting::Eviction(Eviction::Lru)),
            Some("lfu") => Ok(Setting::Eviction(Eviction::Lfu)),
            Some("next-use") => Ok(Setting::Eviction(Eviction::NextUse)),
            _ => Err("one of: lru, lfu, next-use".to_owned()),
        },
    },
    AxisInfo {
        name: "network",
        summary: "how transfers share links: max-min, contention-free or one-port",
        scope: Scope::Modelled,
        read: |v| match word(v) {
            Some("max-min") => Ok(Setting::Network(NetworkModel::MaxMin)),
            Some("contention-free") => Ok(Setting::Network(NetworkModel::ContentionFree)),
            Some("one-port") => Ok(Setting::Network(NetworkModel::OnePort)),
            _ => Err("one of: max-min, contention-free, one-port".to_owned()),
        },
    },
];

impl AxisInfo {
    /// Whether cells of a backend differ along this axis.
    pub fn concerns(&self, backend: Backend) -> bool {
        match self.scope {
            Scope::Simulated => backend == Backend::Sim,
            Scope::Modelled => backend.is_modelled(),
            Scope::All => true,
        }
    }

    /// Whether it says something to workloads that arrive over time, or that are there from the
    /// begin.
    pub fn fits(&self, is_arriving: bool) -> bool {
        match self.name {
            INTERVAL => is_arriving,
            WINDOW => !is_arriving,
            _ => true,
        }
    }

    /// The setting of a value.
    ///
    /// # Errors
    /// The mistake at the value's place.
    pub fn setting(&self, source: &Arc<Source>, value: &At<Scalar>) -> Result<Setting, Mistake> {
        (self.read)(&value.value.0).map_err(|expected| {
            let message = format!("the axis `{}` has no value `{}`", self.name, value.value.0);
            Mistake::new(source, value.span, message).help(format!("expected {expected}"))
        })
    }
}

fn word(value: &Value) -> Option<&str> {
    match value {
        Value::Text(text) => Some(text),
        _ => None,
    }
}

fn number(value: &Value, least: f64, expected: &str) -> Result<f64, String> {
    let number = match value {
        Value::Int(i) => *i as f64,
        Value::Float(f) => *f,
        _ => return Err(expected.to_owned()),
    };
    if number >= least { Ok(number) } else { Err(expected.to_owned()) }
}

fn share(value: &Value) -> Result<f64, String> {
    const EXPECTED: &str = "a number from 0 to 1";
    let number = number(value, 0.0, EXPECTED)?;
    if number <= 1.0 { Ok(number) } else { Err(EXPECTED.to_owned()) }
}

fn time_ns(value: &Value) -> Result<Ns, String> {
    let expected = || Dimension::Time.expected().to_owned();
    let text = word(value).ok_or_else(expected)?;
    Dimension::Time.parse(text).map(|ns| ns.round() as Ns).map_err(|_| expected())
}

fn memory(value: &Value) -> Result<Setting, String> {
    let expected = || Dimension::Size.expected().to_owned();
    let bytes = word(value).ok_or_else(expected)?;
    let bytes = Dimension::Size.parse(bytes).map_err(|_| expected())?;
    match bytes >= 1.0 {
        true => Ok(Setting::Memory(bytes.is_finite().then_some(bytes as u64))),
        false => Err("a size above 0".to_owned()),
    }
}

fn thinking(value: &Value) -> Result<Setting, String> {
    let expected = || "free, measured or a time such as 5 us".to_owned();
    let text = match word(value).ok_or_else(expected)? {
        "free" => ThinkingText::Free,
        "measured" => ThinkingText::Measured,
        text => {
            let ns = Dimension::Time.parse(text).map_err(|_| expected())?;
            ThinkingText::Fixed(Time { ns: ns as u64 })
        }
    };
    Ok(Setting::Thinking(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mistake::Span;

    fn setting(axis: &str, value: Value) -> Option<Setting> {
        let axis = AXES.iter().find(|a| a.name == axis).unwrap();
        let source = Source::new("test", "");
        axis.setting(&source, &At::new(Scalar(value), Span::default())).ok()
    }

    #[test]
    fn values_are_read_and_ranges_kept() {
        let text = |t: &str| Value::Text(t.to_owned());
        assert_eq!(setting("noise", Value::Float(0.5)), Some(Setting::Noise(0.5)));
        assert_eq!(setting("noise", Value::Int(-1)), None);
        assert_eq!(setting("bandwidth", Value::Int(0)), None);
        assert_eq!(setting("latency", Value::Int(0)), Some(Setting::Latency(0.0)));
        assert_eq!(setting("memory", text("1 KiB")), Some(Setting::Memory(Some(1024))));
        assert_eq!(setting("memory", text("unlimited")), Some(Setting::Memory(None)));
        assert_eq!(setting("memory", Value::Int(5)), None);
        let fixed = ThinkingText::Fixed(Time { ns: 5000 });
        assert_eq!(setting("thinking", text("5 us")), Some(Setting::Thinking(fixed)));
        assert_eq!(setting("network", text("maxmin")), None);
        assert_eq!(setting("window", Value::Int(8)), Some(Setting::Window(Some(8))));
        assert_eq!(setting("window", Value::Float(8.0)), Some(Setting::Window(Some(8))));
        assert_eq!(setting("window", text("all")), Some(Setting::Window(None)));
        for wrong in [Value::Int(0), Value::Float(0.5), text("some")] {
            assert_eq!(setting("window", wrong), None);
        }
    }
}
