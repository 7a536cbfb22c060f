//! What a launch consists of: calls of libraries and of kernels from `kernels/*.cu`.
//!
//! Matrices are stored by column, as BLAS has them, and fill their spans without gaps: their sizes
//! are checked against the spans where calls are made ([`crate::bind`]), so that a wrong shape is
//! an error on the host and no fault on the device.

use crate::Span;

/// Type of a matrix' elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// `f32`, without TF32.
    F32,
    /// `f64`.
    F64,
}

impl Precision {
    /// Size of an element.
    pub fn bytes(self) -> u64 {
        match self {
            Self::F32 => 4,
            Self::F64 => 8,
        }
    }
}

/// An argument of a kernel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Arg {
    /// Memory that is read.
    Read(Span),
    /// Memory that is written, or read and written.
    Write(Span),
    /// `unsigned`.
    U32(u32),
    /// `unsigned long long`.
    U64(u64),
    /// `float`.
    F32(f32),
    /// `double`.
    F64(f64),
}

/// Most arguments of a kernel.
pub const MAX_ARGS: usize = 12;

/// The arguments of a kernel, in order.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Args {
    list: [Arg; MAX_ARGS],
    count: usize,
}

impl Args {
    /// So many arguments.
    ///
    /// # Panics
    /// When there are more than [`MAX_ARGS`].
    pub fn new(args: &[Arg]) -> Self {
        let mut list = [Arg::U32(0); MAX_ARGS];
        list[..args.len()].copy_from_slice(args);
        Self { list, count: args.len() }
    }

    /// All of them.
    pub fn as_slice(&self) -> &[Arg] {
        &self.list[..self.count]
    }
}

/// One call. `m`, `n`, `k` are as in BLAS.
#[derive(Clone, Copy, Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "calls are made in lists that are used again")]
pub enum Call {
    /// `C = alpha op(A) op(B) + beta C`, op(A) m by k, op(B) k by n.
    Gemm {
        /// Elements.
        precision: Precision,
        /// Whether A and B are stored transposed.
        transposed: (bool, bool),
        /// m, n, k.
        size: [u32; 3],
        /// alpha and beta.
        factors: (f64, f64),
        /// A.
        a: Span,
        /// B.
        b: Span,
        /// C.
        c: Span,
    },
    /// `B = B L^-T`, L lower, n by n; B m by n.
    Trsm {
        /// Elements.
        precision: Precision,
        /// m, n.
        size: [u32; 2],
        /// L.
        l: Span,
        /// B.
        b: Span,
    },
    /// `C = alpha A A^T + beta C` in the lower triangle, A n by k.
    Syrk {
        /// Elements.
        precision: Precision,
        /// n, k.
        size: [u32; 2],
        /// alpha and beta.
        factors: (f64, f64),
        /// A.
        a: Span,
        /// C.
        c: Span,
    },
    /// `A = L L^T`, the lower triangle overwritten by L; says in [`Done::info`](crate::Done::info)
    /// whether it could.
    Potrf {
        /// Elements.
        precision: Precision,
        /// Order.
        n: u32,
        /// A.
        a: Span,
    },
    /// Zeroes.
    Zero {
        /// What.
        span: Span,
    },
    /// A copy within the device, of equal length.
    Copy {
        /// From.
        from: Span,
        /// To.
        to: Span,
    },
    /// A kernel of this crate's.
    Kernel {
        /// Its name in [`SOURCES`](crate::sources::SOURCES).
        name: &'static str,
        /// Blocks.
        grid: u32,
        /// Threads per block.
        threads: u32,
        /// Arguments.
        args: Args,
    },
}

impl Call {
    /// Memory that it touches, and whether it writes it.
    pub fn spans(&self) -> impl Iterator<Item = (Span, bool)> + use<> {
        let mut list = [None; MAX_ARGS];
        match *self {
            Self::Gemm { a, b, c, .. } => {
                list[..3].copy_from_slice(&[Some((a, false)), Some((b, false)), Some((c, true))]);
            }
            Self::Trsm { l: a, b, .. }
            | Self::Syrk { a, c: b, .. }
            | Self::Copy { from: a, to: b } => {
                list[..2].copy_from_slice(&[Some((a, false)), Some((b, true))]);
            }
            Self::Potrf { a, .. } | Self::Zero { span: a } => list[0] = Some((a, true)),
            Self::Kernel { args, .. } => {
                for (to, arg) in list.iter_mut().zip(args.as_slice()) {
                    *to = match *arg {
                        Arg::Read(span) => Some((span, false)),
                        Arg::Write(span) => Some((span, true)),
                        _ => None,
                    };
                }
            }
        }
        list.into_iter().flatten()
    }
}
