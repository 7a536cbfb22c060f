//! What a task runs: the interface between a backend, which lends memory, and kernels, which are
//! plain functions over slices and know neither threads nor devices nor drivers.
//!
//! ```
//! use runtime::kernel::{Kernel, KernelArgs, KernelBuffer, KernelSet};
//!
//! let mut kernels = KernelSet::default();
//! kernels.insert("scale", |args: &mut KernelArgs<'_, '_>| {
//!     let factor = args.params[0] as f64;
//!     let [x] = args.buffers_exactly()?;
//!     x.as_mut_slice::<f64>()?.iter_mut().for_each(|v| *v *= factor);
//!     Ok(None)
//! });
//!
//! // What a backend does for a task of kernel `scale` with one read-write access:
//! let mut memory = [1.0, 2.0];
//! let mut buffers = [KernelBuffer::Write(bytemuck::cast_slice_mut(&mut memory))];
//! let mut args = KernelArgs {
//!     shape: [0; 4], params: &[3], cores: 1, buffers: &mut buffers, scratch: &mut [],
//! };
//! kernels.get("scale").unwrap().run(&mut args).unwrap();
//! assert_eq!(memory, [3.0, 6.0]);
//! ```

use crate::executive::Outcome;
use crate::{KernelId, ObjectId, TaskGraph};
use bytemuck::{AnyBitPattern, NoUninit};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

/// Alignment of every buffer and of the scratch memory that a kernel is lent.
pub const BUFFER_ALIGN_BYTES: usize = 64;

/// What a kernel is given.
pub struct KernelArgs<'a, 'b> {
    /// The task's shape, see [`Task::shape`](crate::graph::Task::shape).
    pub shape: [u32; 4],
    /// The task's parameters.
    pub params: &'a [i64],
    /// Cores that the task holds; a kernel that cannot use more than one ignores it.
    pub cores: u32,
    /// One buffer per access, in the order of
    /// [`TaskGraph::accesses`](crate::TaskGraph::accesses).
    pub buffers: &'a mut [KernelBuffer<'b>],
    /// The declared scratch memory, with undefined content.
    pub scratch: &'a mut [u8],
}

/// A copy of an object, lent for as long as the task runs; exactly as long as the object, and
/// aligned to [`BUFFER_ALIGN_BYTES`].
pub enum KernelBuffer<'b> {
    /// For [`Mode::Read`](crate::Mode::Read): others may read it at the same time.
    Read(&'b [u8]),
    /// For every mode that writes alone: write (the content is then undefined), read-write,
    /// commutative and reduce.
    Write(&'b mut [u8]),
    /// For [`Mode::Racy`](crate::Mode::Racy): others may read and write it at the same time. The
    /// object in words of 8 bytes; the last one is padded where its size is no multiple of 8.
    Racy(&'b [AtomicU64]),
}

/// What a kernel answers: small integers for a graph that grows by them, mostly nothing.
pub type KernelResult = Result<Outcome, KernelError>;

/// Why a kernel gave up.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KernelError {
    /// The task has another number of accesses than the kernel expects.
    #[error("the kernel expects {expected} buffers; the task has {given}")]
    BufferCount {
        /// What the kernel expects.
        expected: usize,
        /// Accesses of the task.
        given: usize,
    },
    /// The task has another number of parameters than the kernel expects.
    #[error("the kernel expects {expected} parameters; the task has {given}")]
    ParameterCount {
        /// What the kernel expects.
        expected: usize,
        /// Parameters of the task.
        given: usize,
    },
    /// The task did not declare the access that the kernel makes.
    #[error("the kernel needs to {wanted} a buffer that the task accesses as {declared}")]
    Access {
        /// What the kernel tries.
        wanted: &'static str,
        /// What the task declared.
        declared: &'static str,
    },
    /// A buffer that is not a whole number of the kernel's elements, or not aligned for them.
    #[error("{bytes} bytes are not a slice of {element}: {reason}")]
    Layout {
        /// Length of the buffer.
        bytes: usize,
        /// Type of the elements.
        element: &'static str,
        /// Size or alignment.
        reason: String,
    },
    /// A buffer whose size does not follow from the task's shape and parameters.
    #[error("{what} holds {given} elements; the kernel expects {expected}")]
    Size {
        /// Which buffer, as the kernel calls it.
        what: &'static str,
        /// What the kernel expects.
        expected: usize,
        /// What it has.
        given: usize,
    },
    /// The data is such that there is no answer, in the kernel's words.
    #[error("{0}")]
    Data(String),
}

/// A function over buffers. It must not keep state between runs, and its result may depend on
/// nothing but its arguments: a task may be run again, or elsewhere.
pub trait Kernel: Send + Sync {
    /// Runs once, on the calling thread.
    ///
    /// # Errors
    /// [`KernelError`] when it gives up; the run then ends with its message.
    fn run(&self, args: &mut KernelArgs<'_, '_>) -> KernelResult;
}

impl<F> Kernel for F
where
    F: Fn(&mut KernelArgs<'_, '_>) -> KernelResult + Send + Sync,
{
    fn run(&self, args: &mut KernelArgs<'_, '_>) -> KernelResult {
        self(args)
    }
}

/// Content of the objects that exist before the run.
pub trait Inputs: Send + Sync {
    /// Writes all of `bytes`, which has the object's size, is aligned to [`BUFFER_ALIGN_BYTES`]
    /// and has undefined content. The result depends on nothing but `object`, and calls may come
    /// in any order and from several threads.
    fn fill(&self, object: ObjectId, bytes: &mut [u8]);
}

impl<F: Fn(ObjectId, &mut [u8]) + Send + Sync> Inputs for F {
    fn fill(&self, object: ObjectId, bytes: &mut [u8]) {
        self(object, bytes);
    }
}

impl<'b> KernelArgs<'_, 'b> {
    /// The buffers, when there are `N` of them.
    ///
    /// # Errors
    /// [`KernelError::BufferCount`] otherwise.
    pub fn buffers_exactly<const N: usize>(
        &mut self,
    ) -> Result<&mut [KernelBuffer<'b>; N], KernelError> {
        let given = self.buffers.len();
        self.buffers.try_into().map_err(|_| KernelError::BufferCount { expected: N, given })
    }

    /// The parameters, when there are `N` of them.
    ///
    /// # Errors
    /// [`KernelError::ParameterCount`] otherwise.
    pub fn params_exactly<const N: usize>(&self) -> Result<[i64; N], KernelError> {
        let given = self.params.len();
        let wrong = KernelError::ParameterCount { expected: N, given };
        self.params.try_into().map_err(|_| wrong)
    }
}

impl KernelBuffer<'_> {
    fn declared(&self) -> &'static str {
        match self {
            Self::Read(_) => "read",
            Self::Write(_) => "write",
            Self::Racy(_) => "racy",
        }
    }

    /// Its bytes.
    ///
    /// # Errors
    /// [`KernelError::Access`] for a racy buffer.
    pub fn bytes(&self) -> Result<&[u8], KernelError> {
        match self {
            Self::Read(bytes) => Ok(bytes),
            Self::Write(bytes) => Ok(bytes),
            Self::Racy(_) => Err(KernelError::Access { wanted: "read", declared: self.declared() }),
        }
    }

    /// Its bytes, to be written.
    ///
    /// # Errors
    /// [`KernelError::Access`] for a read or racy buffer.
    pub fn bytes_mut(&mut self) -> Result<&mut [u8], KernelError> {
        let declared = self.declared();
        match self {
            Self::Write(bytes) => Ok(bytes),
            _ => Err(KernelError::Access { wanted: "write", declared }),
        }
    }

    /// Its content as elements.
    ///
    /// # Errors
    /// [`KernelError::Access`] for a racy buffer, [`KernelError::Layout`] when its size is no
    /// multiple of an element's.
    pub fn as_slice<T: AnyBitPattern>(&self) -> Result<&[T], KernelError> {
        as_slice(self.bytes()?)
    }

    /// Its content as elements, to be written.
    ///
    /// # Errors
    /// [`KernelError::Access`] for a read or racy buffer, [`KernelError::Layout`] when its size is
    /// no multiple of an element's.
    pub fn as_mut_slice<T: AnyBitPattern + NoUninit>(&mut self) -> Result<&mut [T], KernelError> {
        as_mut_slice(self.bytes_mut()?)
    }

    /// The words of a racy buffer.
    ///
    /// # Errors
    /// [`KernelError::Access`] for any other.
    pub fn as_racy(&self) -> Result<&[AtomicU64], KernelError> {
        match self {
            Self::Racy(words) => Ok(words),
            _ => Err(KernelError::Access { wanted: "race on", declared: self.declared() }),
        }
    }
}

fn layout<T>(bytes: usize, reason: bytemuck::PodCastError) -> KernelError {
    KernelError::Layout { bytes, element: std::any::type_name::<T>(), reason: reason.to_string() }
}

/// Bytes as elements.
///
/// # Errors
/// [`KernelError::Layout`] when size or alignment do not fit.
pub fn as_slice<T: AnyBitPattern>(bytes: &[u8]) -> Result<&[T], KernelError> {
    bytemuck::try_cast_slice(bytes).map_err(|reason| layout::<T>(bytes.len(), reason))
}

/// Bytes as elements, to be written.
///
/// # Errors
/// [`KernelError::Layout`] when size or alignment do not fit.
pub fn as_mut_slice<T: AnyBitPattern + NoUninit>(
    bytes: &mut [u8],
) -> Result<&mut [T], KernelError> {
    let length = bytes.len();
    bytemuck::try_cast_slice_mut(bytes).map_err(|reason| layout::<T>(length, reason))
}

/// Kernels by name.
#[derive(Clone, Default)]
pub struct KernelSet {
    /// Sorted by name.
    kernels: Vec<(Box<str>, Arc<dyn Kernel>)>,
}

impl KernelSet {
    /// Adds a kernel and returns the one that had its name before.
    pub fn insert(&mut self, name: &str, kernel: impl Kernel + 'static) -> Option<Arc<dyn Kernel>> {
        let kernel: Arc<dyn Kernel> = Arc::new(kernel);
        match self.kernels.binary_search_by(|(known, _)| known.as_ref().cmp(name)) {
            Ok(at) => Some(std::mem::replace(&mut self.kernels[at].1, kernel)),
            Err(at) => {
                self.kernels.insert(at, (name.into(), kernel));
                None
            }
        }
    }

    /// The kernel of that name.
    pub fn get(&self, name: &str) -> Option<&Arc<dyn Kernel>> {
        let at = self.kernels.binary_search_by(|(known, _)| known.as_ref().cmp(name)).ok()?;
        Some(&self.kernels[at].1)
    }

    /// Kernels by the graph's [`KernelId`], `None` where the set has no body for one. Backends
    /// look names up once, here, and never again while they run.
    pub fn resolve(&self, graph: &TaskGraph) -> Vec<Option<Arc<dyn Kernel>>> {
        let ids = (0..graph.kernel_names().len()).map(KernelId::from_index);
        ids.map(|k| self.get(graph.kernel_name(k)).cloned()).collect()
    }

    /// All names, sorted.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.kernels.iter().map(|(name, _)| name.as_ref())
    }
}

impl std::fmt::Debug for KernelSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::Ordering;

    fn args<'a, 'b>(params: &'a [i64], buffers: &'a mut [KernelBuffer<'b>]) -> KernelArgs<'a, 'b> {
        KernelArgs { shape: [0; 4], params, cores: 1, buffers, scratch: &mut [] }
    }

    #[test]
    fn sets_are_sorted_and_resolve_a_graph_by_id() {
        let answer = |n: i64| move |_: &mut KernelArgs<'_, '_>| Ok(Some(vec![n].into()));
        let mut set = KernelSet::default();
        assert!(set.insert("b", answer(2)).is_none());
        assert!(set.insert("a", answer(1)).is_none());
        assert!(set.insert("b", answer(3)).is_some());
        assert_eq!(set.names().collect::<Vec<_>>(), ["a", "b"]);
        let mut graph = TaskGraph::new("g");
        for name in ["b", "unknown", "a"] {
            graph.kernel(name);
        }
        let outcomes: Vec<Option<Outcome>> = (set.resolve(&graph).iter())
            .map(|k| k.as_ref().map(|k| k.run(&mut args(&[], &mut [])).unwrap()))
            .collect();
        let one = |n: i64| Some(Some(vec![n].into_boxed_slice()));
        assert_eq!(outcomes, [one(3), None, one(1)]);
    }

    #[test]
    fn a_kernel_gets_no_access_that_was_not_declared() {
        let (shared, racing) = ([0u8; 16], [AtomicU64::new(7)]);
        let mut own = [0u64; 2];
        let mut buffers = [
            KernelBuffer::Read(&shared),
            KernelBuffer::Write(bytemuck::cast_slice_mut(&mut own)),
            KernelBuffer::Racy(&racing),
        ];
        let mut args = args(&[4, 5], &mut buffers);
        let expected = KernelError::BufferCount { expected: 2, given: 3 };
        assert_eq!(args.buffers_exactly::<2>().err(), Some(expected));
        let expected = KernelError::ParameterCount { expected: 3, given: 2 };
        assert_eq!(args.params_exactly::<3>(), Err(expected));
        assert_eq!(args.params_exactly(), Ok([4, 5]));
        let [read, write, racy] = args.buffers_exactly().unwrap();
        assert!(matches!(read.bytes_mut(), Err(KernelError::Access { .. })));
        assert!(matches!(racy.bytes(), Err(KernelError::Access { .. })));
        assert!(matches!(racy.bytes_mut(), Err(KernelError::Access { .. })));
        assert!(matches!(write.as_racy(), Err(KernelError::Access { .. })));
        racy.as_racy().unwrap()[0].fetch_add(1, Ordering::Relaxed);
        write.as_mut_slice::<f64>().unwrap()[1] = 1.0;
        assert_eq!(write.as_slice::<f64>().unwrap(), [0.0, 1.0]);
        assert_eq!((own[1], racing[0].load(Ordering::Relaxed)), (1.0f64.to_bits(), 8));
    }

    #[test]
    fn sizes_and_alignments_that_do_not_fit_are_errors() {
        let words = [0u64; 2];
        let bytes: &[u8] = bytemuck::cast_slice(&words);
        assert!(as_slice::<f64>(bytes).is_ok());
        assert!(matches!(as_slice::<f64>(&bytes[..12]), Err(KernelError::Layout { .. })));
        assert!(matches!(as_slice::<f64>(&bytes[1..9]), Err(KernelError::Layout { .. })));
    }
}
