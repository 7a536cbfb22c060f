//! Device memory by buffer, within a budget per GPU.
//!
//! Blocks that are given back are kept by size, since tiles come in few sizes; what is kept counts
//! against the budget, and goes when it is in the way of something else. Sizes are rounded up to
//! what the device's allocator hands out.

use gpu::{BlockId, GpuError, GpuId, Gpus, Ticket};
use runtime::BufferId;
use std::collections::BTreeMap;

/// What the allocator of CUDA rounds to.
const GRAIN_BYTES: u64 = 512;

/// A buffer's memory.
#[derive(Clone, Copy)]
pub(super) struct Held {
    pub block: BlockId,
    bytes: u64,
    /// The copy of its first content, while it is under way.
    pub filling: Option<Ticket>,
}

/// One GPU's.
struct Budget {
    limit_bytes: u64,
    live_bytes: u64,
    idle_bytes: u64,
    /// Blocks that nobody uses, by size.
    idle: BTreeMap<u64, Vec<BlockId>>,
}

/// See the module's documentation.
pub(super) struct Store {
    budgets: Vec<Budget>,
    /// By buffer.
    held: Vec<Option<Held>>,
}

impl Store {
    /// A store with so many bytes on each GPU.
    pub fn new(limits_bytes: &[u64]) -> Self {
        let budget = |limit_bytes: &u64| Budget {
            limit_bytes: *limit_bytes,
            live_bytes: 0,
            idle_bytes: 0,
            idle: BTreeMap::new(),
        };
        Self { budgets: limits_bytes.iter().map(budget).collect(), held: Vec::new() }
    }

    /// The memory of a buffer; `None` when it could not be made.
    pub fn get(&self, buffer: BufferId) -> Option<Held> {
        self.held.get(buffer.index()).copied().flatten()
    }

    /// Notes that a buffer's first content is under way, or there.
    pub fn set_filling(&mut self, buffer: BufferId, filling: Option<Ticket>) {
        if let Some(Some(held)) = self.held.get_mut(buffer.index()) {
            held.filling = filling;
        }
    }

    /// Takes memory for a buffer: a block of its size that is kept, or a new one. When the device
    /// has none, everything that is kept goes, and it is asked once more.
    pub fn allocate(
        &mut self,
        gpus: &mut dyn Gpus,
        gpu: GpuId,
        buffer: BufferId,
        bytes: u64,
    ) -> Result<(), GpuError> {
        let bytes = bytes.max(1).next_multiple_of(GRAIN_BYTES);
        let budget = &mut self.budgets[gpu.0 as usize];
        let block = match budget.reuse(bytes) {
            Some(block) => block,
            None => budget.fresh(gpus, gpu, bytes)?,
        };
        budget.live_bytes += bytes;
        if self.held.len() <= buffer.index() {
            self.held.resize(buffer.index() + 1, None);
        }
        self.held[buffer.index()] = Some(Held { block, bytes, filling: None });
        Ok(())
    }

    /// Keeps a buffer's memory for the next one of its size.
    pub fn release(&mut self, buffer: BufferId) {
        let Some(held) = self.held.get_mut(buffer.index()).and_then(Option::take) else { return };
        let budget = &mut self.budgets[held.block.gpu.0 as usize];
        budget.live_bytes -= held.bytes;
        budget.idle_bytes += held.bytes;
        budget.idle.entry(held.bytes).or_default().push(held.block);
    }

    /// Gives everything that is kept back to the devices.
    pub fn trim(&mut self, gpus: &mut dyn Gpus) {
        self.budgets.iter_mut().for_each(|budget| budget.trim(gpus, 0));
    }
}

impl Budget {
    fn reuse(&mut self, bytes: u64) -> Option<BlockId> {
        let block = self.idle.get_mut(&bytes)?.pop()?;
        self.idle_bytes -= bytes;
        Some(block)
    }

    /// New memory from the device.
    fn fresh(&mut self, gpus: &mut dyn Gpus, gpu: GpuId, bytes: u64) -> Result<BlockId, GpuError> {
        let before_bytes = self.idle_bytes;
        let live_bytes = self.live_bytes;
        let out = GpuError::OutOfMemory { gpu, bytes, live_bytes, idle_bytes: before_bytes };
        let room = self.limit_bytes.checked_sub(live_bytes + bytes).ok_or_else(|| out.clone())?;
        self.trim(gpus, room);
        match gpus.allocate(gpu, bytes) {
            Err(GpuError::OutOfMemory { .. }) => {
                self.trim(gpus, 0);
                gpus.allocate(gpu, bytes).map_err(|error| match error {
                    GpuError::OutOfMemory { .. } => out,
                    other => other,
                })
            }
            other => other,
        }
    }

    /// Gives kept blocks back, the largest first, until no more than so many bytes are kept.
    fn trim(&mut self, gpus: &mut dyn Gpus, keep_bytes: u64) {
        while self.idle_bytes > keep_bytes {
            let Some((bytes, mut blocks)) = self.idle.pop_last() else { return };
            if let Some(block) = blocks.pop() {
                gpus.free(block);
                self.idle_bytes -= bytes;
            }
            if !blocks.is_empty() {
                self.idle.insert(bytes, blocks);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gpu::fake::{FakeGpus, FakeSpec, Fault};

    const GPU: GpuId = GpuId(0);

    fn gpus(memory_bytes: u64, faults: &[Fault]) -> FakeGpus {
        let faults = faults.to_vec();
        FakeGpus::new(FakeSpec { memory_bytes, faults, ..FakeSpec::default() }).unwrap()
    }

    #[test]
    fn a_block_serves_the_next_buffer_of_its_size_and_makes_way_for_others() {
        let mut gpus = gpus(4096, &[]);
        let mut store = Store::new(&[4096]);
        store.allocate(&mut gpus, GPU, BufferId(0), 1000).unwrap();
        let first = store.get(BufferId(0)).unwrap().block;
        store.release(BufferId(0));
        store.allocate(&mut gpus, GPU, BufferId(5), 600).unwrap();
        assert_eq!(store.get(BufferId(5)).unwrap().block, first, "both are 1024 bytes");
        store.release(BufferId(5));
        store.allocate(&mut gpus, GPU, BufferId(1), 3500).unwrap();
        assert_eq!(store.budgets[0].idle_bytes, 0, "what was kept is gone");
    }

    #[test]
    fn the_budget_holds_though_the_device_has_more() {
        let mut gpus = gpus(1 << 20, &[]);
        let mut store = Store::new(&[2048]);
        store.allocate(&mut gpus, GPU, BufferId(0), 1024).unwrap();
        let error = store.allocate(&mut gpus, GPU, BufferId(1), 1500).unwrap_err();
        assert!(matches!(error, GpuError::OutOfMemory { bytes: 1536, live_bytes: 1024, .. }));
        let text = error.to_string();
        assert!(text.contains("lower the capacity of its memory in the cluster file"), "{text}");
    }

    #[test]
    fn a_refused_allocation_is_tried_once_more_after_giving_back_what_is_kept() {
        let once = Fault::Allocation { gpu: GPU, after: 1, times: 1 };
        let mut gpus = gpus(1 << 20, &[once]);
        let mut store = Store::new(&[1 << 20]);
        store.allocate(&mut gpus, GPU, BufferId(0), 1024).unwrap();
        store.release(BufferId(0));
        store.allocate(&mut gpus, GPU, BufferId(1), 4096).unwrap();
        assert_eq!(store.budgets[0].idle_bytes, 0);
        let twice = Fault::Allocation { gpu: GPU, after: 0, times: 2 };
        let mut gpus = self::gpus(1 << 20, &[twice]);
        let mut store = Store::new(&[1 << 20]);
        let error = store.allocate(&mut gpus, GPU, BufferId(0), 1024).unwrap_err();
        assert!(matches!(error, GpuError::OutOfMemory { .. }), "{error}");
    }
}
