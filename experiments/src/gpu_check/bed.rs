//! One GPU with a stream, without the runtime.

use gpu::{
    BlockId, Call, Done, Duty, GpuError, GpuId, Gpus, HostBox, Op, Priority, Refused, Span,
    StreamId, Ticket,
};

const GPU: GpuId = GpuId(0);

/// See the module's documentation. Operations run one after the other unless said otherwise.
pub struct Bed {
    pub gpus: Box<dyn Gpus>,
    pub stream: StreamId,
    blocks: Vec<BlockId>,
}

/// Host memory of at least so many bytes, not pinned.
pub fn pageable(bytes: u64) -> HostBox {
    Box::new(vec![0u64; bytes.div_ceil(8) as usize].into_boxed_slice())
}

impl Bed {
    pub fn new(mut gpus: Box<dyn Gpus>) -> Result<Self, GpuError> {
        let stream = gpus.stream(GPU, Priority::Normal, Duty::Kernels)?;
        Ok(Self { gpus, stream, blocks: Vec::new() })
    }

    pub fn stream(&mut self) -> Result<StreamId, GpuError> {
        self.gpus.stream(GPU, Priority::Normal, Duty::Kernels)
    }

    pub fn block(&mut self, bytes: u64) -> Result<Span, GpuError> {
        let block = self.gpus.allocate(GPU, bytes.max(1))?;
        self.blocks.push(block);
        Ok(Span { block, offset: 0, bytes })
    }

    /// Device memory with that content.
    pub fn put(&mut self, content: &[u8]) -> Result<Span, GpuError> {
        let span = self.block(content.len() as u64)?;
        self.refill(span, content)?;
        Ok(span)
    }

    pub fn refill(&mut self, span: Span, content: &[u8]) -> Result<(), GpuError> {
        let mut host = pageable(span.bytes);
        host.bytes_mut()[..content.len()].copy_from_slice(content);
        self.run(Op::CopyIn { from: host, to: span }).map(|_| ())
    }

    pub fn get(&mut self, span: Span) -> Result<Vec<u8>, GpuError> {
        let done = self.run(Op::CopyOut { from: span, to: pageable(span.bytes) })?;
        let host = done.host.expect("a copy gives its memory back");
        Ok(host.bytes()[..span.bytes as usize].to_vec())
    }

    pub fn call(&mut self, calls: &[Call]) -> Result<Done, GpuError> {
        self.run(Op::Launch { calls })
    }

    /// Runs an operation to its end.
    pub fn run(&mut self, op: Op<'_>) -> Result<Done, GpuError> {
        let ticket = self.gpus.submit(self.stream, op, &[]).map_err(error)?;
        self.wait(ticket)
    }

    pub fn wait(&mut self, ticket: Ticket) -> Result<Done, GpuError> {
        loop {
            if let Some(done) = self.gpus.poll(ticket).map_err(error)? {
                return Ok(done);
            }
            std::hint::spin_loop();
        }
    }

    /// Gives all memory back; nothing is under way.
    pub fn clear(&mut self) {
        self.blocks.drain(..).for_each(|block| self.gpus.free(block));
    }
}

fn error(refused: Refused) -> GpuError {
    refused.error
}
