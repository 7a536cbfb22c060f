//! Arrivals as written, to a plan.

use super::{ArrivalsPlan, MAX_ARRIVALS, Times, file};
use crate::mistake::{Mistake, Mistakes};
use crate::plan::names::Names;
use crate::plan::parts::{WorkloadPlan, WorkloadSource};
use crate::spec::{ArrivalsText, At, Entries};

/// The workload that a text means; `None` beside mistakes.
pub fn resolve(
    names: &Names<'_>,
    text: &At<Box<ArrivalsText>>,
    mistakes: &mut Mistakes,
) -> Option<WorkloadPlan> {
    let At { value: arrivals, span } = text;
    let before = mistakes.len();
    let of = names.workloads(&Entries::Listed(arrivals.of.clone()), mistakes);
    if of.is_empty() && mistakes.len() == before {
        mistakes.push(names.mistake(*span, "arrivals of nothing: the list `of` is empty"));
    }
    if let Some(inner) = of.iter().find(|w| matches!(w.source, WorkloadSource::Arriving(_))) {
        mistakes.push(inner.place.mistake("arrivals cannot be drawn from arrivals"));
    }
    let weights = match &arrivals.weights {
        None => vec![1.0; of.len()],
        Some(given) => {
            if given.value.len() != of.len() && mistakes.len() == before {
                let (weights, workloads) = (given.value.len(), of.len());
                let message = format!("{weights} weights for {workloads} workloads");
                let help = "a list of values in a parameter makes a workload each";
                mistakes.push(names.mistake(given.span, message).help(help));
            }
            given.value.iter().map(|w| w.0).collect()
        }
    };
    let times = match times(names, text, &of) {
        Ok(times) => times,
        Err(mistake) => {
            mistakes.push(mistake);
            return None;
        }
    };
    let plan = ArrivalsPlan { of, weights, times, factor: 1.0 };
    if plan.count() > MAX_ARRIVALS as usize {
        let message = format!("{} graphs are too many; at most {MAX_ARRIVALS}", plan.count());
        mistakes.push(names.mistake(*span, message));
    }
    let name = arrivals.name.as_ref();
    (mistakes.len() == before).then(|| WorkloadPlan {
        label: name.map_or("arrivals", |n| n.value.as_str()).to_owned(),
        family: "arrivals".to_owned(),
        source: WorkloadSource::Arriving(plan),
        place: names.place(name.map_or(*span, |n| n.span)),
    })
}

fn times(
    names: &Names<'_>,
    text: &At<Box<ArrivalsText>>,
    of: &[WorkloadPlan],
) -> Result<Times, Mistake> {
    let ArrivalsText { poisson, periodic, burst, file, .. } = &*text.value;
    match (poisson, periodic, burst, file) {
        (Some(At { value, .. }), None, None, None) => {
            Ok(Times::Poisson { count: value.count.0, interval: value.interval })
        }
        (None, Some(At { value, .. }), None, None) => {
            Ok(Times::Bursts { count: value.count.0, size: 1, interval: value.interval })
        }
        (None, None, Some(At { value, .. }), None) => {
            Ok(Times::Bursts { count: value.count.0, size: value.size.0, interval: value.interval })
        }
        (None, None, None, Some(path)) => file::read(names, path, of),
        _ => {
            let help = "exactly one of them says when graphs arrive";
            let message = "arrivals have one of: poisson, periodic, burst, file";
            Err(names.mistake(text.span, message).help(help))
        }
    }
}
