//! From a task to calls: which kernel's name means what on a GPU.
//!
//! Names, shapes and accesses of the dense kernels are those of the workloads (`potrf`, `trsm`,
//! `syrk`, `gemm`, `multiply` and what goes with them, on tiles of `f64` by column); an `s` in
//! front stands for `f32`. Parameters that are no integers are bits: [`bits`].

use crate::{Arg, Args, Call, Precision, Span};
use runtime::kernel::KernelError;
use std::sync::Arc;

/// What a task gives a GPU kernel.
pub struct GpuArgs<'a> {
    /// The task's shape.
    pub shape: [u32; 4],
    /// The task's parameters.
    pub params: &'a [i64],
    /// One per access, as long as the object.
    pub spans: &'a [Span],
}

/// A body for tasks on GPUs: it says what is to be called and does nothing itself.
pub trait GpuKernel: Send + Sync {
    /// Appends the calls, which run in order on one stream.
    ///
    /// # Errors
    /// [`KernelError`] when the task does not fit; the run then ends with its message.
    fn calls(&self, args: &GpuArgs<'_>, out: &mut Vec<Call>) -> Result<(), KernelError>;
}

impl<F> GpuKernel for F
where
    F: Fn(&GpuArgs<'_>, &mut Vec<Call>) -> Result<(), KernelError> + Send + Sync,
{
    fn calls(&self, args: &GpuArgs<'_>, out: &mut Vec<Call>) -> Result<(), KernelError> {
        self(args, out)
    }
}

/// GPU kernels by name.
#[derive(Clone, Default)]
pub struct GpuKernelSet {
    /// Sorted by name.
    kernels: Vec<(Box<str>, Arc<dyn GpuKernel>)>,
}

impl GpuKernelSet {
    /// Adds a kernel, in place of another one of its name.
    pub fn insert(&mut self, name: &str, kernel: impl GpuKernel + 'static) {
        let kernel: Arc<dyn GpuKernel> = Arc::new(kernel);
        match self.kernels.binary_search_by(|(known, _)| known.as_ref().cmp(name)) {
            Ok(at) => self.kernels[at].1 = kernel,
            Err(at) => self.kernels.insert(at, (name.into(), kernel)),
        }
    }

    /// The kernel of that name.
    pub fn get(&self, name: &str) -> Option<&Arc<dyn GpuKernel>> {
        let at = self.kernels.binary_search_by(|(known, _)| known.as_ref().cmp(name)).ok()?;
        Some(&self.kernels[at].1)
    }

    /// All names, sorted.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.kernels.iter().map(|(name, _)| name.as_ref())
    }
}

/// A real parameter as a task carries it.
pub fn bits(value: f32) -> i64 {
    i64::from(value.to_bits())
}

/// What a factorisation's answer means.
pub fn info_message(info: i64) -> String {
    format!("the matrix is not positive definite: leading minor {info} of a tile")
}

/// Threads per block of kernels with a thread per element.
const THREADS: u32 = 256;

/// What a kernel on tiles calls.
type Dense = fn(Precision, &GpuArgs<'_>, &mut Vec<Call>) -> Result<(), KernelError>;

/// A kernel on tiles of one type.
struct Tiles {
    precision: Precision,
    calls: Dense,
}

impl GpuKernel for Tiles {
    fn calls(&self, args: &GpuArgs<'_>, out: &mut Vec<Call>) -> Result<(), KernelError> {
        (self.calls)(self.precision, args, out)
    }
}

/// All kernels that come with this crate.
pub fn library() -> GpuKernelSet {
    let mut set = GpuKernelSet::default();
    for (precision, prefix) in [(Precision::F64, ""), (Precision::F32, "s")] {
        let mut add = |name: &str, calls: Dense| {
            set.insert(&format!("{prefix}{name}"), Tiles { precision, calls });
        };
        add("potrf", potrf);
        add("trsm", trsm);
        add("syrk", |p, a, out| syrk(p, 1.0, a, out));
        add("syrk_first", |p, a, out| syrk(p, 0.0, a, out));
        add("gemm", |p, a, out| product(p, true, (-1.0, 1.0), a, out));
        add("gemm_first", |p, a, out| product(p, true, (-1.0, 0.0), a, out));
        add("multiply", |p, a, out| product(p, false, (1.0, 0.0), a, out));
        add("multiply_add", |p, a, out| product(p, false, (1.0, 1.0), a, out));
        add("multiply_subtract", |p, a, out| product(p, false, (-1.0, 1.0), a, out));
        add("add", sum);
        add("copy", copy);
    }
    set.insert("axpy", axpy);
    set.insert("relu", |a: &GpuArgs<'_>, out: &mut Vec<Call>| map("relu_f32", a, out));
    set.insert("gelu", |a: &GpuArgs<'_>, out: &mut Vec<Call>| map("gelu_f32", a, out));
    set.insert("row-sums", row_sums);
    set.insert("softmax", softmax);
    set.insert("gather", gather);
    set.insert("combine", combine);
    set.insert("momentum", momentum);
    set.insert("adam", adam);
    set.insert("spin", spin);
    set.insert("sweep", sweep);
    set
}

/// The spans, of a task with so many accesses.
fn spans<const N: usize>(args: &GpuArgs<'_>) -> Result<[Span; N], KernelError> {
    let given = args.spans.len();
    args.spans.try_into().map_err(|_| KernelError::BufferCount { expected: N, given })
}

fn params<const N: usize>(args: &GpuArgs<'_>) -> Result<[i64; N], KernelError> {
    let given = args.params.len();
    args.params.try_into().map_err(|_| KernelError::ParameterCount { expected: N, given })
}

fn real(bits: i64) -> f32 {
    f32::from_bits(bits as u32)
}

/// Checks that a span holds so many elements.
fn holds(what: &'static str, span: Span, element: u64, count: u64) -> Result<(), KernelError> {
    let given = (span.bytes / element) as usize;
    match span.bytes == count * element {
        true => Ok(()),
        false => Err(KernelError::Size { what, expected: count as usize, given }),
    }
}

fn tile(
    what: &'static str,
    span: Span,
    precision: Precision,
    rows: u32,
    columns: u32,
) -> Result<(), KernelError> {
    holds(what, span, precision.bytes(), u64::from(rows) * u64::from(columns))
}

/// As the workloads' `potrf`: shape (n); A read-write.
fn potrf(precision: Precision, args: &GpuArgs<'_>, out: &mut Vec<Call>) -> Result<(), KernelError> {
    let (n, [a]) = (args.shape[0], spans(args)?);
    tile("A", a, precision, n, n)?;
    out.push(Call::Potrf { precision, n, a });
    Ok(())
}

/// Shape (m, n); L read, B read-write.
fn trsm(precision: Precision, args: &GpuArgs<'_>, out: &mut Vec<Call>) -> Result<(), KernelError> {
    let ([m, n, ..], [l, b]) = (args.shape, spans(args)?);
    tile("L", l, precision, n, n)?;
    tile("B", b, precision, m, n)?;
    out.push(Call::Trsm { precision, size: [m, n], l, b });
    Ok(())
}

/// Shape (n, k); A read, C read-write: `C = beta C - A A^T`, and zeroes above the diagonal where
/// beta is zero.
fn syrk(
    precision: Precision,
    beta: f64,
    args: &GpuArgs<'_>,
    out: &mut Vec<Call>,
) -> Result<(), KernelError> {
    let ([n, k, ..], [a, c]) = (args.shape, spans(args)?);
    tile("A", a, precision, n, k)?;
    tile("C", c, precision, n, n)?;
    if beta == 0.0 {
        out.push(Call::Zero { span: c });
    }
    out.push(Call::Syrk { precision, size: [n, k], factors: (-1.0, beta), a, c });
    Ok(())
}

/// Shape (m, n, k); A and B read, C written: `C = alpha A B + beta C`, B stored transposed or not.
fn product(
    precision: Precision,
    is_transposed: bool,
    factors: (f64, f64),
    args: &GpuArgs<'_>,
    out: &mut Vec<Call>,
) -> Result<(), KernelError> {
    let ([m, n, k, _], [a, b, c]) = (args.shape, spans(args)?);
    tile("A", a, precision, m, k)?;
    tile("B", b, precision, n, k)?;
    tile("C", c, precision, m, n)?;
    let (size, transposed) = ([m, n, k], (false, is_transposed));
    out.push(Call::Gemm { precision, transposed, size, factors, a, b, c });
    Ok(())
}

/// Shape (m, n); D read, C read-write: `C = C + D`.
fn sum(precision: Precision, args: &GpuArgs<'_>, out: &mut Vec<Call>) -> Result<(), KernelError> {
    let ([m, n, ..], [d, c]) = (args.shape, spans(args)?);
    tile("D", d, precision, m, n)?;
    tile("C", c, precision, m, n)?;
    let (count, x, y) = (u64::from(m) * u64::from(n), Arg::Read(d), Arg::Write(c));
    out.push(match precision {
        Precision::F32 => each("axpy_f32", count, &[Arg::U64(count), Arg::F32(1.0), x, y]),
        Precision::F64 => each("axpy_f64", count, &[Arg::U64(count), Arg::F64(1.0), x, y]),
    });
    Ok(())
}

/// Shape (m, n); C read, D written: `D = C`.
fn copy(precision: Precision, args: &GpuArgs<'_>, out: &mut Vec<Call>) -> Result<(), KernelError> {
    let ([m, n, ..], [from, to]) = (args.shape, spans(args)?);
    tile("C", from, precision, m, n)?;
    tile("D", to, precision, m, n)?;
    out.push(Call::Copy { from, to });
    Ok(())
}

/// A kernel with a thread per element.
fn each(name: &'static str, n: u64, args: &[Arg]) -> Call {
    let grid = n.div_ceil(u64::from(THREADS)).max(1) as u32;
    Call::Kernel { name, grid, threads: THREADS, args: Args::new(args) }
}

/// A kernel with a block per row.
fn per_row(name: &'static str, rows: u32, args: &[Arg], out: &mut Vec<Call>) {
    if rows > 0 {
        out.push(Call::Kernel { name, grid: rows, threads: THREADS, args: Args::new(args) });
    }
}

/// Shape (n), parameter a; x read, y read-write, `f32`: `y = a x + y`.
fn axpy(args: &GpuArgs<'_>, out: &mut Vec<Call>) -> Result<(), KernelError> {
    let (n, [a], [x, y]) = (u64::from(args.shape[0]), params(args)?, spans(args)?);
    holds("x", x, 4, n)?;
    holds("y", y, 4, n)?;
    let list = [Arg::U64(n), Arg::F32(real(a)), Arg::Read(x), Arg::Write(y)];
    out.push(each("axpy_f32", n, &list));
    Ok(())
}

/// Shape (n); x read, y written, `f32`.
fn map(name: &'static str, args: &GpuArgs<'_>, out: &mut Vec<Call>) -> Result<(), KernelError> {
    let (n, [x, y]) = (u64::from(args.shape[0]), spans(args)?);
    holds("x", x, 4, n)?;
    holds("y", y, 4, n)?;
    out.push(each(name, n, &[Arg::U64(n), Arg::Read(x), Arg::Write(y)]));
    Ok(())
}

/// Shape (rows, columns); x read by row, y of one element per row written.
fn row_sums(args: &GpuArgs<'_>, out: &mut Vec<Call>) -> Result<(), KernelError> {
    let ([rows, columns, ..], [x, y]) = (args.shape, spans(args)?);
    tile("x", x, Precision::F32, rows, columns)?;
    tile("y", y, Precision::F32, rows, 1)?;
    per_row("row_sums_f32", rows, &[Arg::U32(columns), Arg::Read(x), Arg::Write(y)], out);
    Ok(())
}

/// Shape (rows, columns); x read, y written, both by row.
fn softmax(args: &GpuArgs<'_>, out: &mut Vec<Call>) -> Result<(), KernelError> {
    let ([rows, columns, ..], [x, y]) = (args.shape, spans(args)?);
    tile("x", x, Precision::F32, rows, columns)?;
    tile("y", y, Precision::F32, rows, columns)?;
    per_row("softmax_rows_f32", rows, &[Arg::U32(columns), Arg::Read(x), Arg::Write(y)], out);
    Ok(())
}

/// Shape (rows, columns, rows of x); index (`u32`) and x read, y written: `y[r] = x[index[r]]`.
fn gather(args: &GpuArgs<'_>, out: &mut Vec<Call>) -> Result<(), KernelError> {
    let ([rows, columns, limit, _], [index, x, y]) = (args.shape, spans(args)?);
    holds("index", index, 4, rows.into())?;
    tile("x", x, Precision::F32, limit, columns)?;
    tile("y", y, Precision::F32, rows, columns)?;
    let list = [Arg::U32(columns), Arg::U32(limit), Arg::Read(index), Arg::Read(x), Arg::Write(y)];
    per_row("gather_rows_f32", rows, &list, out);
    Ok(())
}

/// Shape (tokens, columns, rows of x, top); slots (`u32`), weights and x read, y written: each
/// token is the weighted sum of `top` rows of x.
fn combine(args: &GpuArgs<'_>, out: &mut Vec<Call>) -> Result<(), KernelError> {
    let ([rows, columns, limit, top], [slots, weights, x, y]) = (args.shape, spans(args)?);
    tile("slots", slots, Precision::F32, rows, top)?;
    tile("weights", weights, Precision::F32, rows, top)?;
    tile("x", x, Precision::F32, limit, columns)?;
    tile("y", y, Precision::F32, rows, columns)?;
    let (reads, sizes) = ([slots, weights, x].map(Arg::Read), [columns, limit, top].map(Arg::U32));
    let list = [sizes[0], sizes[1], sizes[2], reads[0], reads[1], reads[2], Arg::Write(y)];
    per_row("combine_rows_f32", rows, &list, out);
    Ok(())
}

/// Shape (n), parameters rate and momentum; gradient read, velocity and weights read-write.
fn momentum(args: &GpuArgs<'_>, out: &mut Vec<Call>) -> Result<(), KernelError> {
    let (n, [rate, factor], all) = (args.shape[0], params(args)?, spans::<3>(args)?);
    all.into_iter().try_for_each(|span| holds("a vector", span, 4, n.into()))?;
    let [g, v, w] = all;
    let (rate, factor) = (Arg::F32(real(rate)), Arg::F32(real(factor)));
    let list = [Arg::U64(n.into()), rate, factor, Arg::Read(g), Arg::Write(v), Arg::Write(w)];
    out.push(each("momentum_f32", n.into(), &list));
    Ok(())
}

/// Shape (n), parameters rate, beta1, beta2, epsilon, 1 - beta1^t, 1 - beta2^t; gradient read,
/// mean, square and weights read-write.
fn adam(args: &GpuArgs<'_>, out: &mut Vec<Call>) -> Result<(), KernelError> {
    let (n, all) = (args.shape[0], spans::<4>(args)?);
    all.into_iter().try_for_each(|span| holds("a vector", span, 4, n.into()))?;
    let p = params::<6>(args)?.map(|p| Arg::F32(real(p)));
    let [g, m, s, w] = all;
    let (g, m, s, w) = (Arg::Read(g), Arg::Write(m), Arg::Write(s), Arg::Write(w));
    let list = [Arg::U64(n.into()), p[0], p[1], p[2], p[3], p[4], p[5], g, m, s, w];
    out.push(each("adam_f32", n.into(), &list));
    Ok(())
}

/// Shape (blocks, threads per block), parameter nanoseconds: takes so much of the device for so
/// long. Accesses are not touched.
fn spin(args: &GpuArgs<'_>, out: &mut Vec<Call>) -> Result<(), KernelError> {
    let [length_ns] = params(args)?;
    let ([grid, threads, ..], length) = (args.shape, Arg::U64(length_ns.max(0) as u64));
    let (grid, threads) = (grid.max(1), threads.clamp(1, 1024));
    out.push(Call::Kernel { name: "spin", grid, threads, args: Args::new(&[length]) });
    Ok(())
}

/// Shape (n, passes, blocks); x read, y written, so many times.
fn sweep(args: &GpuArgs<'_>, out: &mut Vec<Call>) -> Result<(), KernelError> {
    let ([n, passes, grid, _], [x, y]) = (args.shape, spans(args)?);
    holds("x", x, 4, n.into())?;
    holds("y", y, 4, n.into())?;
    let list = [Arg::U64(n.into()), Arg::U32(passes), Arg::Read(x), Arg::Write(y)];
    let (grid, args) = (grid.max(1), Args::new(&list));
    out.push(Call::Kernel { name: "sweep_f32", grid, threads: THREADS, args });
    Ok(())
}
