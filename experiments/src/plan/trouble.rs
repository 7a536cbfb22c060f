//! What goes wrong in a cell: noise, failures, outages, stragglers.

use super::Names;
use crate::mistake::{Mistake, Mistakes};
use crate::spec::{NoiseText, Repair, Span, Spec};
use runtime::Ns;
use runtime::executive::Retry;
use sim::noise::MOST_DEVIATION;
use sim::{Disturbance, Noise, Spells};

/// See the module's documentation; spans may still be in lower bounds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Trouble {
    /// Probability that an attempt fails.
    pub failure: f64,
    /// How often a task may be tried.
    pub attempts: u32,
    /// The first wait after a failure.
    pub back_off_ns: Ns,
    /// Devices that go and come back.
    pub outages: SpellsPlan,
    /// Devices that are slow for a while.
    pub stragglers: SpellsPlan,
    /// By how much.
    pub slow_down: f64,
}

/// Spells of a share of the devices.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SpellsPlan {
    /// Of the devices.
    pub share: f64,
    /// Mean time between spells.
    pub after: Span,
    /// Their mean length.
    pub lasts: Repair,
}

impl Default for Trouble {
    fn default() -> Self {
        let spells = |span| SpellsPlan {
            share: 0.0,
            after: Span::Bounds(span),
            lasts: Repair::After(Span::Bounds(span)),
        };
        Self {
            failure: 0.0,
            attempts: 20,
            back_off_ns: 0,
            outages: spells(0.5),
            stragglers: spells(0.3),
            slow_down: 3.0,
        }
    }
}

impl Trouble {
    /// What an experiment says.
    pub fn of(spec: &Spec) -> Self {
        let mut trouble = Self::default();
        if let Some(failures) = spec.failures {
            trouble.failure = failures.probability.0;
            trouble.attempts = failures.attempts.map_or(trouble.attempts, |c| c.0);
            trouble.back_off_ns = failures.back_off.map_or(0, |t| t.ns);
        }
        if let Some(text) = spec.outages {
            let outages = &mut trouble.outages;
            outages.share = text.share.0;
            outages.after = text.after.unwrap_or(outages.after);
            outages.lasts = text.repair.unwrap_or(outages.lasts);
        }
        if let Some(text) = spec.stragglers {
            let stragglers = &mut trouble.stragglers;
            stragglers.share = text.share.0;
            stragglers.after = text.after.unwrap_or(stragglers.after);
            stragglers.lasts = text.lasts.map_or(stragglers.lasts, Repair::After);
            trouble.slow_down = text.slow_down.map_or(trouble.slow_down, |s| s.0.max(1.0));
        }
        trouble
    }

    /// Whether tasks may be tried more than once.
    pub fn repeats_attempts(&self) -> bool {
        self.failure > 0.0 || self.outages.share > 0.0
    }

    /// Whether anything goes wrong.
    pub fn is_any(&self) -> bool {
        self.repeats_attempts() || self.stragglers.share > 0.0
    }

    /// In nanoseconds, for a cell with this lower bound.
    pub fn disturbance(&self, bound_ns: Ns) -> Disturbance {
        let ns = |span: Span| match span {
            Span::Time(ns) => ns,
            Span::Bounds(factor) => (factor * bound_ns as f64).round().max(1.0) as Ns,
        };
        let spells = |plan: &SpellsPlan| Spells {
            share: plan.share,
            well_ns: ns(plan.after),
            spell_ns: match plan.lasts {
                Repair::Never => None,
                Repair::After(span) => Some(ns(span)),
            },
        };
        Disturbance {
            failure: self.failure,
            retry: Retry { most_attempts: self.attempts, back_off_ns: self.back_off_ns },
            outages: spells(&self.outages),
            stragglers: spells(&self.stragglers),
            slow_down: self.slow_down,
        }
    }
}

/// The noise of a text.
pub(super) fn noise(names: &Names<'_>, text: &NoiseText, mistakes: &mut Mistakes) -> Noise {
    let mut refuse = |mistake: Mistake| {
        mistakes.push(mistake);
        Noise::None
    };
    match (&text.sigma, &text.normal, &text.empirical) {
        (Some(sigma), None, None) => lognormal(sigma.value.0),
        (None, Some(normal), None) if normal.value.0 > MOST_DEVIATION => {
            let deviation = normal.value.0;
            let message = format!("a normal deviation of {deviation} makes durations negative");
            let help = "at most 1/3; lognormal noise, `sigma`, has no such limit";
            refuse(names.mistake(normal.span, message).help(help))
        }
        (None, Some(normal), None) => Noise::Normal { deviation: normal.value.0 },
        (None, None, Some(list)) if list.value.is_empty() => {
            refuse(names.mistake(list.span, "this list of ratios is empty".to_owned()))
        }
        (None, None, Some(list)) => {
            Noise::Empirical { ratios: list.value.iter().map(|r| r.0).collect() }
        }
        (None, None, None) => Noise::None,
        _ => {
            let spans = [
                text.sigma.as_ref().map(|t| t.span),
                text.normal.as_ref().map(|t| t.span),
                text.empirical.as_ref().map(|t| t.span),
            ];
            let span = spans.into_iter().flatten().last().unwrap_or_default();
            let message = "noise has one of: sigma, normal, empirical".to_owned();
            refuse(names.mistake(span, message))
        }
    }
}

/// Lognormal noise; none for 0.
pub(crate) fn lognormal(sigma: f64) -> Noise {
    match sigma > 0.0 {
        true => Noise::LogNormal { sigma },
        false => Noise::None,
    }
}
