//! The dense calls, by `faer`, on the calling thread.

use super::{Memory, elements, put};
use crate::{Call, Precision};
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::cholesky::llt::factor::{
    LltError, LltParams, LltRegularization, cholesky_in_place, cholesky_in_place_scratch,
};
use faer::linalg::matmul::matmul;
use faer::linalg::matmul::triangular::{self, BlockStructure};
use faer::linalg::triangular_solve::solve_lower_triangular_in_place;
use faer::traits::ComplexField;
use faer::{Accum, Auto, MatMut, MatRef, Par};

/// Carries out what is no kernel; what a factorisation says.
pub fn run(call: &Call, memory: &mut dyn Memory) -> i64 {
    let (Call::Gemm { precision, .. }
    | Call::Trsm { precision, .. }
    | Call::Syrk { precision, .. }
    | Call::Potrf { precision, .. }) = *call
    else {
        return 0;
    };
    match precision {
        Precision::F32 => typed::<f32>(call, memory, |x| x as f32),
        Precision::F64 => typed::<f64>(call, memory, |x| x),
    }
}

fn typed<T>(call: &Call, memory: &mut dyn Memory, of: impl Fn(f64) -> T) -> i64
where
    T: ComplexField + bytemuck::AnyBitPattern + bytemuck::NoUninit + std::ops::Mul<Output = T>,
    LltParams: Auto<T>,
{
    let view = |elements: &[T], rows: u32, columns: u32| -> faer::Mat<T> {
        MatRef::from_column_major_slice(elements, rows as usize, columns as usize).to_owned()
    };
    match *call {
        Call::Gemm { transposed, size: [m, n, k], factors: (alpha, beta), a, b, c, .. } => {
            let stored = |is_transposed, rows, columns| match is_transposed {
                true => (columns, rows),
                false => (rows, columns),
            };
            let (of_a, of_b) = (stored(transposed.0, m, k), stored(transposed.1, k, n));
            let a = view(&elements(memory, a), of_a.0, of_a.1);
            let b = view(&elements(memory, b), of_b.0, of_b.1);
            let a = if transposed.0 { a.transpose() } else { a.as_ref() };
            let b = if transposed.1 { b.transpose() } else { b.as_ref() };
            let mut out = scaled(elements(memory, c), &of(beta));
            matmul(shaped(&mut out, m, n), Accum::Add, a, b, of(alpha), Par::Seq);
            put(memory, c, &out);
        }
        Call::Trsm { size: [m, n], l, b, .. } => {
            let l = view(&elements(memory, l), n, n);
            let mut out: Vec<T> = elements(memory, b);
            solve_lower_triangular_in_place(
                l.as_ref(),
                shaped(&mut out, m, n).transpose_mut(),
                Par::Seq,
            );
            put(memory, b, &out);
        }
        Call::Syrk { size: [n, k], factors: (alpha, beta), a, c, .. } => {
            let a = view(&elements(memory, a), n, k);
            let before: Vec<T> = elements(memory, c);
            let mut out = scaled(before.clone(), &of(beta));
            // Above the diagonal nothing is touched.
            let order = n as usize;
            for (at, element) in out.iter_mut().enumerate() {
                if at % order < at / order {
                    *element = before[at];
                }
            }
            let (lower, full) = (BlockStructure::TriangularLower, BlockStructure::Rectangular);
            let (left, right) = (a.as_ref(), a.transpose());
            let into = shaped(&mut out, n, n);
            triangular::matmul(
                into,
                lower,
                Accum::Add,
                left,
                full,
                right,
                full,
                of(alpha),
                Par::Seq,
            );
            put(memory, c, &out);
        }
        Call::Potrf { n, a, .. } => return potrf::<T>(memory, n, a),
        Call::Kernel { .. } | Call::Zero { .. } | Call::Copy { .. } => {}
    }
    0
}

fn shaped<T>(elements: &mut [T], rows: u32, columns: u32) -> MatMut<'_, T> {
    MatMut::from_column_major_slice_mut(elements, rows as usize, columns as usize)
}

/// As BLAS does: a factor of zero overwrites whatever was there, even what is not a number.
fn scaled<T: ComplexField + Copy + std::ops::Mul<Output = T>>(
    mut elements: Vec<T>,
    factor: &T,
) -> Vec<T> {
    let zero = T::zero_impl();
    for element in &mut elements {
        *element = if *factor == zero { zero } else { *element * *factor };
    }
    elements
}

fn potrf<T>(memory: &mut dyn Memory, n: u32, a: crate::Span) -> i64
where
    T: ComplexField + bytemuck::AnyBitPattern + bytemuck::NoUninit,
    LltParams: Auto<T>,
{
    let mut out: Vec<T> = elements(memory, a);
    let parameters = <LltParams as Auto<T>>::auto().into();
    let scratch = cholesky_in_place_scratch::<T>(n as usize, Par::Seq, parameters);
    let mut scratch = MemBuffer::new(scratch);
    let stack = MemStack::new(&mut scratch);
    let matrix = shaped(&mut out, n, n);
    let regular = LltRegularization::default();
    let factored = cholesky_in_place(matrix, regular, Par::Seq, stack, parameters);
    put(memory, a, &out);
    match factored {
        Ok(_) => 0,
        Err(LltError::NonPositivePivot { index }) => index as i64 + 1,
    }
}
