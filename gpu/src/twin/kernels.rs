//! The kernels of `kernels/*.cu`.

use super::{Memory, elements, put};
use crate::{Arg, Span};

/// Carries a kernel out.
pub fn run(
    name: &str,
    (grid, _threads): (u32, u32),
    args: &[Arg],
    memory: &mut dyn Memory,
) -> Result<(), String> {
    use Arg::{F32, F64, Read, U32, U64, Write};
    match (name, args) {
        ("axpy_f32", &[U64(n), F32(a), Read(x), Write(y)]) => {
            let x: Vec<f32> = elements(memory, x);
            update(memory, y, n, |i, y: f32| libm::fmaf(a, x[i], y));
        }
        ("axpy_f64", &[U64(n), F64(a), Read(x), Write(y)]) => {
            let x: Vec<f64> = elements(memory, x);
            update(memory, y, n, |i, y: f64| libm::fma(a, x[i], y));
        }
        ("relu_f32", &[U64(n), Read(x), Write(y)]) => {
            let x: Vec<f32> = elements(memory, x);
            update(memory, y, n, |i, _: f32| if x[i] > 0.0 { x[i] } else { 0.0 });
        }
        ("gelu_f32", &[U64(n), Read(x), Write(y)]) => {
            let x: Vec<f32> = elements(memory, x);
            update(memory, y, n, |i, _: f32| gelu(x[i]));
        }
        ("row_sums_f32", &[U32(columns), Read(x), Write(y)]) => {
            let x: Vec<f32> = elements(memory, x);
            let rows = x.chunks_exact(columns.max(1) as usize).take(grid as usize);
            let sums: Vec<f32> = rows.map(|row| row.iter().sum()).collect();
            put(memory, y, &sums);
        }
        ("softmax_rows_f32", &[U32(columns), Read(x), Write(y)]) => {
            let mut x: Vec<f32> = elements(memory, x);
            x.chunks_exact_mut(columns.max(1) as usize).take(grid as usize).for_each(softmax);
            put(memory, y, &x);
        }
        ("gather_rows_f32", &[U32(columns), U32(limit), Read(index), Read(x), Write(y)]) => {
            let (index, x) = (elements::<u32>(memory, index), elements::<f32>(memory, x));
            let columns = columns as usize;
            let rows = index.iter().take(grid as usize).flat_map(|from| {
                let from = (*from < limit).then_some(*from as usize);
                let x = &x;
                (0..columns).map(move |i| from.map_or(0.0, |from| x[from * columns + i]))
            });
            let rows: Vec<f32> = rows.collect();
            put(memory, y, &rows);
        }
        (
            "combine_rows_f32",
            &[U32(columns), U32(limit), U32(top), Read(slots), Read(weights), Read(x), Write(y)],
        ) => {
            let slots: Vec<u32> = elements(memory, slots);
            let (weights, x) = (elements::<f32>(memory, weights), elements::<f32>(memory, x));
            let (columns, top) = (columns as usize, top as usize);
            update(memory, y, u64::from(grid) * columns as u64, |at, _: f32| {
                let (token, i) = (at / columns, at % columns);
                let picks = token * top..(token + 1) * top;
                let picks = picks.filter(|k| slots[*k] < limit);
                picks.fold(0.0, |sum, k| {
                    libm::fmaf(weights[k], x[slots[k] as usize * columns + i], sum)
                })
            });
        }
        ("momentum_f32", &[U64(n), F32(rate), F32(momentum), Read(g), Write(v), Write(w)]) => {
            let g: Vec<f32> = elements(memory, g);
            update(memory, v, n, |i, v: f32| libm::fmaf(momentum, v, g[i]));
            let v: Vec<f32> = elements(memory, v);
            update(memory, w, n, |i, w: f32| libm::fmaf(-rate, v[i], w));
        }
        (
            "adam_f32",
            &[
                U64(n),
                F32(rate),
                F32(beta1),
                F32(beta2),
                F32(epsilon),
                F32(first),
                F32(second),
                Read(g),
                Write(m),
                Write(s),
                Write(w),
            ],
        ) => {
            let g: Vec<f32> = elements(memory, g);
            update(memory, m, n, |i, m: f32| beta1 * m + (1.0 - beta1) * g[i]);
            update(memory, s, n, |i, s: f32| beta2 * s + (1.0 - beta2) * g[i] * g[i]);
            let (m, s) = (elements::<f32>(memory, m), elements::<f32>(memory, s));
            update(memory, w, n, |i, w: f32| {
                w - rate * (m[i] / first) / ((s[i] / second).sqrt() + epsilon)
            });
        }
        // The time that it takes is the device's.
        ("spin", &[U64(_)]) => {}
        ("sweep_f32", &[U64(n), U32(passes), Read(x), Write(y)]) => {
            let x: Vec<f32> = elements(memory, x);
            let last = passes.saturating_sub(1) as f32;
            update(memory, y, n, |i, y: f32| if passes == 0 { y } else { x[i] + last });
        }
        _ => return Err(format!("no kernel {name:?} takes {args:?}")),
    }
    Ok(())
}

/// Replaces the first `n` elements of a span by what `of` makes of their place and value.
fn update<T>(memory: &mut dyn Memory, span: Span, n: u64, of: impl Fn(usize, T) -> T)
where
    T: bytemuck::AnyBitPattern + bytemuck::NoUninit,
{
    let mut y: Vec<T> = elements(memory, span);
    y.iter_mut().take(n as usize).enumerate().for_each(|(i, y)| *y = of(i, *y));
    put(memory, span, &y);
}

fn gelu(v: f32) -> f32 {
    0.5 * v * (1.0 + libm::tanhf(0.797_884_6 * (v + 0.044_715 * v * v * v)))
}

fn softmax(row: &mut [f32]) {
    let most = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    row.iter_mut().for_each(|x| *x = libm::expf(*x - most));
    let sum: f32 = row.iter().sum();
    row.iter_mut().for_each(|x| *x /= sum);
}
