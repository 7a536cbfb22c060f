//! Every call, carried out on the host: the fake device's kernels, the reference for the real
//! one's, and bodies for CPU workers ([`Twin`]).
//!
//! Kernels of `kernels/*.cu` are written down again here, operation for operation; where a sum runs
//! over a whole row the device adds in another order, so agreement is up to rounding.

mod dense;
mod kernels;

use crate::{BlockId, Call, GpuArgs, GpuId, GpuKernel, Span};
use runtime::kernel::{Kernel, KernelArgs, KernelBuffer, KernelError, KernelResult};
use std::sync::Arc;

/// Memory that calls name by spans.
pub trait Memory {
    /// The bytes of a span, aligned to 8 where the span is.
    fn read(&self, span: Span) -> &[u8];

    /// The bytes of a span, to be written.
    fn write(&mut self, span: Span) -> &mut [u8];
}

/// Carries a call out; what [`Done::info`](crate::Done::info) is to be.
///
/// # Errors
/// When the kernel is not known, in words.
pub fn run(call: &Call, memory: &mut dyn Memory) -> Result<i64, String> {
    match *call {
        Call::Kernel { name, grid, threads, args } => {
            kernels::run(name, (grid, threads), args.as_slice(), memory).map(|()| 0)
        }
        Call::Zero { span } => {
            memory.write(span).fill(0);
            Ok(0)
        }
        Call::Copy { from, to } => {
            let bytes = memory.read(from).to_vec();
            memory.write(to).copy_from_slice(&bytes);
            Ok(0)
        }
        _ => Ok(dense::run(call, memory)),
    }
}

/// A copy of the elements of a span.
fn elements<T: bytemuck::AnyBitPattern + bytemuck::NoUninit>(
    memory: &dyn Memory,
    span: Span,
) -> Vec<T> {
    let bytes = memory.read(span).chunks_exact(size_of::<T>());
    bytes.map(bytemuck::pod_read_unaligned).collect()
}

/// Puts elements into a span.
fn put<T: bytemuck::NoUninit>(memory: &mut dyn Memory, span: Span, elements: &[T]) {
    memory.write(span).copy_from_slice(bytemuck::cast_slice(elements));
}

/// The CPU body of a GPU kernel: its calls, carried out by their twins.
pub struct Twin(pub Arc<dyn GpuKernel>);

impl Kernel for Twin {
    fn run(&self, args: &mut KernelArgs<'_, '_>) -> KernelResult {
        let spans: Vec<Span> = (args.buffers.iter().enumerate())
            .map(|(at, buffer)| {
                let block = BlockId { gpu: GpuId(0), index: at as u32 };
                Ok(Span { block, offset: 0, bytes: buffer.bytes()?.len() as u64 })
            })
            .collect::<Result<_, KernelError>>()?;
        let mut calls = Vec::new();
        let task = GpuArgs { shape: args.shape, params: args.params, spans: &spans };
        self.0.calls(&task, &mut calls)?;
        let written = calls.iter().flat_map(Call::spans).filter(|(_, is_written)| *is_written);
        for (span, _) in written {
            args.buffers[span.block.index as usize].bytes_mut()?;
        }
        let mut memory = Lent(args.buffers);
        for call in &calls {
            let info = run(call, &mut memory).map_err(KernelError::Data)?;
            if info != 0 {
                return Err(KernelError::Data(crate::bind::info_message(info)));
            }
        }
        Ok(None)
    }
}

/// A task's buffers by span; blocks are numbered as they are.
struct Lent<'a, 'b>(&'a mut [KernelBuffer<'b>]);

impl Memory for Lent<'_, '_> {
    fn read(&self, span: Span) -> &[u8] {
        let bytes = self.0[span.block.index as usize].bytes().expect("it was looked at before");
        &bytes[span.offset as usize..][..span.bytes as usize]
    }

    fn write(&mut self, span: Span) -> &mut [u8] {
        let buffer = &mut self.0[span.block.index as usize];
        let bytes = buffer.bytes_mut().expect("it was looked at before");
        &mut bytes[span.offset as usize..][..span.bytes as usize]
    }
}
