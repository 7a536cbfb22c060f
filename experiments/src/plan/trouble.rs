//! What goes wrong in a cell: noise, failures, outages, stragglers, faults of links.

use super::Names;
use crate::mistake::{Mistake, Mistakes};
use crate::spec::{At, CostsText, LinkFaultText, NoiseText, Repair, Span, Spec};
use runtime::cluster::LinkSpec;
use runtime::executive::Retry;
use runtime::{LinkId, Ns};
use sim::noise::MOST_DEVIATION;
use sim::{Disturbance, LinkSpell, LinkTrouble, Noise, Spells};

/// See the module's documentation; spans may still be in lower bounds.
#[derive(Clone, Debug, PartialEq)]
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
    /// Links that carry less for a while.
    pub links: SpellsPlan,
    /// The part of their bandwidth that is left then.
    pub link_factor: f64,
    /// Further faults of links.
    pub link_list: Vec<LinkFaultPlan>,
}

/// A link that carries less for a while.
#[derive(Clone, Debug, PartialEq)]
pub struct LinkFaultPlan {
    /// Its name.
    pub link: At<String>,
    /// From when on.
    pub from: Span,
    /// Until when.
    pub until: Repair,
    /// The part of its bandwidth that is left.
    pub factor: f64,
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
            links: spells(0.5),
            link_factor: 0.0,
            link_list: Vec::new(),
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
        if let Some(text) = &spec.link_faults {
            let links = &mut trouble.links;
            links.share = text.share.map_or(0.0, |s| s.0);
            links.after = text.after.unwrap_or(links.after);
            links.lasts = text.repair.unwrap_or(links.lasts);
            trouble.link_factor = text.factor.map_or(0.0, |f| f.0);
            let fault = |f: &LinkFaultText| LinkFaultPlan {
                link: f.link.clone(),
                from: f.from,
                until: f.until.unwrap_or(Repair::Never),
                factor: f.factor.map_or(0.0, |f| f.0),
            };
            trouble.link_list = text.list.iter().map(fault).collect();
        }
        trouble
    }

    /// Whether tasks may be tried more than once.
    pub fn repeats_attempts(&self) -> bool {
        self.failure > 0.0 || self.outages.share > 0.0
    }

    /// Whether anything goes wrong.
    pub fn is_any(&self) -> bool {
        self.repeats_attempts()
            || self.stragglers.share > 0.0
            || self.links.share > 0.0
            || !self.link_list.is_empty()
    }

    /// In nanoseconds, for a cell with this lower bound, whose cluster has links of these names.
    pub fn disturbance(&self, bound_ns: Ns, links: &[LinkSpec]) -> Disturbance {
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
        let listed = self.link_list.iter().filter_map(|fault| {
            let link = links.iter().position(|l| l.name == fault.link.value)?;
            Some(LinkSpell {
                link: LinkId::from_index(link),
                from_ns: ns(fault.from),
                until_ns: match fault.until {
                    Repair::Never => None,
                    Repair::After(span) => Some(ns(span)),
                },
                factor: fault.factor,
            })
        });
        let list = listed.collect();
        Disturbance {
            failure: self.failure,
            retry: Retry { most_attempts: self.attempts, back_off_ns: self.back_off_ns },
            outages: spells(&self.outages),
            stragglers: spells(&self.stragglers),
            slow_down: self.slow_down,
            links: LinkTrouble { spells: spells(&self.links), factor: self.link_factor, list },
        }
    }
}

/// The noise of a text.
pub(super) fn noise(names: &Names<'_>, text: &NoiseText, mistakes: &mut Mistakes) -> Noise {
    let mut refuse = |mistake: Mistake| {
        mistakes.push(mistake);
        Noise::None
    };
    let given = [
        text.sigma.as_ref().map(|t| t.span),
        text.normal.as_ref().map(|t| t.span),
        text.empirical.as_ref().map(|t| t.span),
        text.measured.as_ref().map(|t| t.span),
    ];
    let mut given = given.into_iter().flatten();
    if let (Some(_), Some(second)) = (given.next(), given.next_back()) {
        let message = "noise has one of: sigma, normal, empirical, measured".to_owned();
        return refuse(names.mistake(second, message));
    }
    match (&text.sigma, &text.normal, &text.empirical) {
        (Some(sigma), ..) => lognormal(sigma.value.0),
        (_, Some(normal), _) if normal.value.0 > MOST_DEVIATION => {
            let deviation = normal.value.0;
            let message = format!("a normal deviation of {deviation} makes durations negative");
            let help = "at most 1/3; lognormal noise, `sigma`, has no such limit";
            refuse(names.mistake(normal.span, message).help(help))
        }
        (_, Some(normal), _) => Noise::Normal { deviation: normal.value.0 },
        (.., Some(list)) if list.value.is_empty() => {
            refuse(names.mistake(list.span, "this list of ratios is empty".to_owned()))
        }
        (.., Some(list)) => Noise::Empirical { ratios: list.value.iter().map(|r| r.0).collect() },
        (None, None, None) => Noise::None,
    }
}

/// The factor on the deviations that the cost model measured, where they are the noise.
pub(super) fn measured_noise(
    names: &Names<'_>,
    spec: &Spec,
    mistakes: &mut Mistakes,
) -> Option<f64> {
    let factor = spec.noise.as_ref()?.measured.as_ref()?;
    if matches!(spec.costs, None | Some(CostsText::Stated)) {
        let message = "no deviation was measured: `costs` are as stated";
        let help = "`costs: measured`, or a cost-model file";
        mistakes.push(names.mistake(factor.span, message).help(help));
    }
    Some(factor.value.0).filter(|factor| *factor > 0.0)
}

/// Lognormal noise; none for 0.
pub(crate) fn lognormal(sigma: f64) -> Noise {
    match sigma > 0.0 {
        true => Noise::LogNormal { sigma },
        false => Noise::None,
    }
}
