//! What a run leaves behind.

use crate::{Data, Element, Error};
use real_backend::RunOutput;
use runtime::kernel::as_slice;
use runtime::{Ns, Trace};

/// A finished run.
#[derive(Debug)]
pub struct Results {
    output: RunOutput,
}

impl Results {
    pub(crate) fn new(mut output: RunOutput) -> Result<Self, Error> {
        output.read_results()?;
        Ok(Self { output })
    }

    /// From the start to the last result at home.
    pub fn makespan_ns(&self) -> Ns {
        self.output.makespan_ns
    }

    /// What happened.
    pub fn trace(&self) -> &Trace {
        &self.output.trace
    }

    /// Everything that the driver tells.
    pub fn output(&self) -> &RunOutput {
        &self.output
    }

    /// The content of a result.
    ///
    /// # Errors
    /// [`Error::NotAResult`] when the run did not bring it home.
    pub fn get<T: Element>(&self, data: Data<T>) -> Result<&[T], Error> {
        let bytes = self.output.object_bytes(data.object()).ok_or_else(|| {
            let graph = &self.output.trace.graph;
            Error::NotAResult(graph.object_name(data.object()))
        })?;
        Ok(as_slice(bytes)?)
    }
}
