//! The smallest runtime there can be: one buffer per object, tasks in submission order. What an
//! app computes here it must compute under every scheduler.

use runtime::graph::Mode;
use runtime::kernel::{BUFFER_ALIGN_BYTES, KernelArgs, KernelBuffer, KernelError};
use runtime::{ObjectId, TaskId};
use workloads::registry::Workload;

/// Memory at the alignment that kernels are promised.
pub struct Buffer {
    words: Vec<u64>,
    skip: usize,
    bytes: usize,
}

impl Buffer {
    /// Filled with a pattern that is no sensible number: nothing may depend on it.
    pub fn new(bytes: usize) -> Self {
        let words = vec![u64::MAX; bytes.div_ceil(8) + BUFFER_ALIGN_BYTES / 8];
        let skip = words.as_ptr().cast::<u8>().align_offset(BUFFER_ALIGN_BYTES);
        Self { words, skip, bytes }
    }

    pub fn bytes(&self) -> &[u8] {
        &bytemuck::cast_slice(&self.words)[self.skip..][..self.bytes]
    }

    pub fn bytes_mut(&mut self) -> &mut [u8] {
        &mut bytemuck::cast_slice_mut(&mut self.words)[self.skip..][..self.bytes]
    }
}

/// Runs a workload that has an app; returns the content of its kept objects.
pub fn interpret(workload: &Workload) -> Result<Vec<(ObjectId, Buffer)>, (TaskId, KernelError)> {
    let graph = &workload.graph;
    let app = workload.app.as_ref().expect("only apps can be interpreted");
    let kernels = app.kernels().resolve(graph);
    let mut memory: Vec<Buffer> = (graph.object_ids())
        .map(|object| {
            let mut buffer = Buffer::new(graph.object(object).bytes as usize);
            if graph.object(object).initial {
                app.fill(object, buffer.bytes_mut());
            }
            buffer
        })
        .collect();
    for id in graph.task_ids() {
        let task = graph.task(id);
        let kernel = kernels[task.kernel.index()].as_ref().expect("a body for every kernel");
        let mut scratch = Buffer::new(task.scratch_bytes as usize);
        // Taken out of memory so that each can be lent on its own.
        let mut lent: Vec<(Mode, Buffer)> = (graph.accesses(id).iter())
            .map(|a| (a.mode, std::mem::replace(&mut memory[a.object.index()], Buffer::new(0))))
            .collect();
        let mut buffers: Vec<KernelBuffer<'_>> = (lent.iter_mut())
            .map(|(mode, buffer)| match mode {
                Mode::Read => KernelBuffer::Read(buffer.bytes()),
                Mode::Racy => panic!("no app has racy accesses"),
                _ => KernelBuffer::Write(buffer.bytes_mut()),
            })
            .collect();
        let mut args = KernelArgs {
            shape: task.shape,
            params: graph.params(id),
            cores: task.cores,
            buffers: &mut buffers,
            scratch: scratch.bytes_mut(),
        };
        kernel.run(&mut args).map_err(|error| (id, error))?;
        for (access, (_, buffer)) in graph.accesses(id).iter().zip(lent) {
            memory[access.object.index()] = buffer;
        }
    }
    let kept = graph.object_ids().zip(memory).filter(|(o, _)| graph.object(*o).keep);
    Ok(kept.collect())
}

/// What an app's check is given.
pub fn slices(results: &[(ObjectId, Buffer)]) -> Vec<(ObjectId, &[u8])> {
    results.iter().map(|(object, buffer)| (*object, buffer.bytes())).collect()
}
