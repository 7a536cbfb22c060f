//! Who decides.

use crate::Error;
use runtime::Scheduler;
use runtime::registry::{BuildContext, SchedulerInfo, Value};
use std::sync::Arc;
use std::time::Instant;

/// A scheduler with the name that traces tell it by.
pub struct Named {
    /// The name.
    pub name: String,
    /// The scheduler.
    pub scheduler: Box<dyn Scheduler>,
}

/// What a scheduler can be made of: its name in the registry, an entry of a registry, or an object
/// of one's own.
pub trait IntoScheduler {
    /// Makes it; `seed` is that of all its randomness.
    ///
    /// # Errors
    /// [`Error::UnknownScheduler`] for a name that nothing has.
    fn into_scheduler(self, seed: u64) -> Result<Named, Error>;
}

impl IntoScheduler for &str {
    fn into_scheduler(self, seed: u64) -> Result<Named, Error> {
        scheduler(self, &[], seed)
    }
}

impl IntoScheduler for &SchedulerInfo {
    fn into_scheduler(self, seed: u64) -> Result<Named, Error> {
        build(self, &[], seed)
    }
}

impl IntoScheduler for Box<dyn Scheduler> {
    fn into_scheduler(self, _: u64) -> Result<Named, Error> {
        Ok(Named { name: "own".to_owned(), scheduler: self })
    }
}

impl IntoScheduler for Named {
    fn into_scheduler(self, _: u64) -> Result<Named, Error> {
        Ok(self)
    }
}

/// The scheduler of a name with these parameters, its defaults for the others.
///
/// # Errors
/// [`Error::UnknownScheduler`], [`Error::Parameter`].
pub fn scheduler(name: &str, parameters: &[(&str, Value)], seed: u64) -> Result<Named, Error> {
    let info = schedulers::find(name).ok_or_else(|| Error::UnknownScheduler {
        name: name.to_owned(),
        known: schedulers::all().iter().map(|s| s.name).collect(),
    })?;
    build(info, parameters, seed)
}

fn build(info: &SchedulerInfo, given: &[(&str, Value)], seed: u64) -> Result<Named, Error> {
    let given: Vec<(String, Value)> =
        given.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    let parameters = info.parameters(&given)?;
    let begun = Instant::now();
    let clock: runtime::registry::Clock = Arc::new(move || begun.elapsed().as_nanos() as u64);
    let context = BuildContext { clock: Some(clock), ..BuildContext::new(seed) };
    let scheduler = (info.build)(&parameters, &context);
    Ok(Named { name: info.name.to_owned(), scheduler })
}
