//! Kernels against references that are written down in a line, and against wrong arguments.

use crate::interpreter::Buffer;
use runtime::kernel::{Kernel, KernelArgs, KernelBuffer, KernelError, KernelResult};
use workloads::kernels::{dense, sort, words};

/// Numbers in [-1, 1), the same every time, without a generator of the crate under test.
fn numbers(count: usize, seed: u32) -> Vec<f64> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(state) / f64::from(1u32 << 31) - 1.0
    };
    (0..count).map(|_| next()).collect()
}

/// Runs a kernel; the last buffer is written, those before are read.
fn run<T: bytemuck::Pod>(
    kernel: impl Kernel,
    shape: &[u32],
    reads: &[&[T]],
    write: &mut [T],
    scratch_bytes: usize,
) -> KernelResult {
    let mut buffers: Vec<_> =
        reads.iter().map(|read| KernelBuffer::Read(bytemuck::cast_slice(read))).collect();
    buffers.push(KernelBuffer::Write(bytemuck::cast_slice_mut(write)));
    let mut padded = [0; 4];
    padded[..shape.len()].copy_from_slice(shape);
    let mut scratch = Buffer::new(scratch_bytes);
    let scratch = scratch.bytes_mut();
    let mut args =
        KernelArgs { shape: padded, params: &[], cores: 1, buffers: &mut buffers, scratch };
    kernel.run(&mut args)
}

fn assert_close(given: f64, expected: f64) {
    assert!((given - expected).abs() < 1e-11, "{given}, not {expected}");
}

/// Element (i, j) of a matrix stored by columns of `rows`.
fn at(matrix: &[f64], rows: usize, i: usize, j: usize) -> f64 {
    matrix[j * rows + i]
}

const SHAPES: [(usize, usize, usize); 6] =
    [(1, 1, 1), (2, 3, 4), (7, 5, 3), (16, 16, 16), (33, 1, 20), (64, 65, 66)];

#[test]
fn gemm_subtracts_a_product() {
    for (m, n, k) in SHAPES {
        let (a, b, c) = (numbers(m * k, 1), numbers(n * k, 2), numbers(m * n, 3));
        let mut out = c.clone();
        let shape = [m, n, k].map(|s| s as u32);
        run(dense::gemm, &shape, &[&a, &b], &mut out, 0).unwrap();
        for (i, j) in (0..m).flat_map(|i| (0..n).map(move |j| (i, j))) {
            let product: f64 = (0..k).map(|l| at(&a, m, i, l) * at(&b, n, j, l)).sum();
            assert_close(at(&out, m, i, j), at(&c, m, i, j) - product);
        }
    }
}

#[test]
fn products_replace_add_and_subtract() {
    for (m, n, k) in SHAPES {
        let (a, b, c) = (numbers(m * k, 1), numbers(k * n, 2), numbers(m * n, 3));
        let shape = [m, n, k].map(|s| s as u32);
        type Body = fn(&mut KernelArgs<'_, '_>) -> KernelResult;
        let bodies: [(Body, f64, f64); 4] = [
            (dense::multiply, 0.0, 1.0),
            (dense::multiply_add, 1.0, 1.0),
            (dense::multiply_subtract, 1.0, -1.0),
            (dense::gemm_first, 0.0, -1.0),
        ];
        for (at_body, (body, kept, factor)) in bodies.into_iter().enumerate() {
            let mut out = if kept == 0.0 { vec![f64::NAN; m * n] } else { c.clone() };
            // The last one takes its second factor transposed.
            let is_transposed = at_body == 3;
            run(body, &shape, &[&a, &b], &mut out, 0).unwrap();
            for (i, j) in (0..m).flat_map(|i| (0..n).map(move |j| (i, j))) {
                let right = |l| if is_transposed { at(&b, n, j, l) } else { at(&b, k, l, j) };
                let product: f64 = (0..k).map(|l| at(&a, m, i, l) * right(l)).sum();
                assert_close(at(&out, m, i, j), kept * at(&c, m, i, j) + factor * product);
            }
        }
    }
}

#[test]
fn tiles_are_added_and_copied() {
    let (c, d) = (numbers(35, 1), numbers(35, 2));
    let mut out = c.clone();
    run(dense::add, &[7, 5], &[&d], &mut out, 0).unwrap();
    assert!(out.iter().zip(c.iter().zip(&d)).all(|(out, (c, d))| *out == c + d));
    run(dense::copy, &[7, 5], &[&d], &mut out, 0).unwrap();
    assert_eq!(out, d);
    let error = run(dense::copy, &[7, 4], &[&d], &mut out, 0).unwrap_err();
    assert_eq!(error, KernelError::Size { what: "C", expected: 28, given: 35 });
}

#[test]
fn the_first_syrk_leaves_nothing_of_what_was_there() {
    for (n, k, _) in SHAPES {
        let a = numbers(n * k, 1);
        let (mut out, mut zero) = (vec![f64::NAN; n * n], vec![0.0; n * n]);
        run(dense::syrk_first, &[n as u32, k as u32], &[&a], &mut out, 0).unwrap();
        run(dense::syrk, &[n as u32, k as u32], &[&a], &mut zero, 0).unwrap();
        assert_eq!(out, zero);
    }
}

#[test]
fn syrk_subtracts_in_the_lower_triangle_only() {
    for (n, k, _) in SHAPES {
        let (a, c) = (numbers(n * k, 1), numbers(n * n, 3));
        let mut out = c.clone();
        run(dense::syrk, &[n as u32, k as u32], &[&a], &mut out, 0).unwrap();
        for (i, j) in (0..n).flat_map(|i| (0..n).map(move |j| (i, j))) {
            let product: f64 = (0..k).map(|l| at(&a, n, i, l) * at(&a, n, j, l)).sum();
            let product = if i >= j { product } else { 0.0 };
            assert_close(at(&out, n, i, j), at(&c, n, i, j) - product);
        }
    }
}

/// A lower triangle that is far from singular, with numbers above it that nobody may read.
fn triangle(n: usize) -> Vec<f64> {
    let mut l = numbers(n * n, 5);
    for j in 0..n {
        l[j * n + j] += 3.0 + n as f64;
        l[j * n..j * n + j].fill(f64::NAN);
    }
    l
}

#[test]
fn trsm_solves_from_the_right() {
    for (m, n, _) in SHAPES {
        let (l, b) = (triangle(n), numbers(m * n, 4));
        let mut x = b.clone();
        run(dense::trsm, &[m as u32, n as u32], &[&l], &mut x, 0).unwrap();
        for (i, j) in (0..m).flat_map(|i| (0..n).map(move |j| (i, j))) {
            // (X L^T)(i, j), L being lower.
            let product: f64 = (0..=j).map(|k| at(&x, m, i, k) * at(&l, n, j, k)).sum();
            assert_close(product, at(&b, m, i, j));
        }
    }
}

#[test]
fn potrf_finds_the_triangle() {
    for n in [1, 2, 7, 48, 100] {
        let l = triangle(n);
        let mut a = vec![f64::NAN; n * n];
        for (i, j) in (0..n).flat_map(|i| (0..=i).map(move |j| (i, j))) {
            a[j * n + i] = (0..=j).map(|k| at(&l, n, i, k) * at(&l, n, j, k)).sum();
        }
        run(dense::potrf, &[n as u32], &[], &mut a, 0).unwrap();
        for (i, j) in (0..n).flat_map(|i| (0..=i).map(move |j| (i, j))) {
            assert_close(at(&a, n, i, j), at(&l, n, i, j));
        }
    }
}

#[test]
fn dense_kernels_name_what_is_wrong() {
    let error = run(dense::potrf, &[2], &[], &mut [1.0, 2.0, 2.0, 1.0], 0).unwrap_err();
    assert!(matches!(&error, KernelError::Data(text) if text.contains("pivot 1")), "{error}");
    let error = run(dense::potrf, &[3], &[], &mut [1.0; 4], 0).unwrap_err();
    assert_eq!(error, KernelError::Size { what: "A", expected: 9, given: 4 });
    let error = run(dense::gemm, &[1, 1, 1], &[&[1.0][..]], &mut [1.0], 0).unwrap_err();
    assert_eq!(error, KernelError::BufferCount { expected: 3, given: 2 });
}

/// Runs a kernel that writes all of its buffers.
fn run_writing(
    kernel: impl Kernel,
    shape: [u32; 4],
    writes: &mut [&mut [u64]],
    scratch_bytes: usize,
) -> KernelResult {
    let write = |w| KernelBuffer::Write(bytemuck::cast_slice_mut(w));
    let mut buffers: Vec<_> = writes.iter_mut().map(|w| write(&mut **w)).collect();
    let mut scratch = Buffer::new(scratch_bytes);
    let scratch = scratch.bytes_mut();
    kernel.run(&mut KernelArgs { shape, params: &[], cores: 1, buffers: &mut buffers, scratch })
}

#[test]
fn lu_panels_of_two_tiles_pivot_across_them() {
    let bits = |numbers: &[f64]| numbers.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
    // The columns are (1, 2, 4) and (3, 4, 2).
    let (mut upper, mut lower) = (bits(&[1.0, 2.0, 3.0, 4.0]), bits(&[4.0, 2.0]));
    let mut pivots = [9; 3];
    let scratch_bytes = dense::lu_panel_scratch_bytes(3, 2);
    let shape = [3, 2, 0, 0];
    let mut all = [&mut upper[..], &mut lower[..], &mut pivots[..]];
    run_writing(dense::lu_panel, shape, &mut all, scratch_bytes).unwrap();
    // Rows of 4, of 2 and of 1: the second column has 3 and 2.5 below 2; 3 is larger.
    assert_eq!(pivots, [2, 1, 0]);
    assert_eq!(upper, bits(&[4.0, 0.5, 2.0, 3.0]));
    assert_eq!(lower[0], 0.25f64.to_bits());
    assert_close(f64::from_bits(lower[1]), 2.5 / 3.0);
    let mut zeros = [0; 4];
    let mut none = [0; 2];
    let mut all = [&mut zeros[..], &mut none[..]];
    let scratch_bytes = dense::lu_panel_scratch_bytes(2, 2);
    let error = run_writing(dense::lu_panel, [2, 2, 0, 0], &mut all, scratch_bytes).unwrap_err();
    assert!(matches!(&error, KernelError::Data(text) if text.contains("singular")), "{error}");
    let error = run_writing(dense::lu_panel, [2, 2, 0, 0], &mut all, 8).unwrap_err();
    assert!(matches!(error, KernelError::Size { what: "the scratch memory", .. }), "{error}");
}

#[test]
fn solve_is_the_inverse_of_a_product() {
    for (n, columns, _) in SHAPES {
        let (l, b) = (triangle(n), numbers(n * columns, 4));
        let mut x = b.clone();
        run(dense::solve, &[n as u32, columns as u32], &[&l], &mut x, 0).unwrap();
        for (i, j) in (0..n).flat_map(|i| (0..columns).map(move |j| (i, j))) {
            let product: f64 = (0..=i).map(|k| at(&l, n, i, k) * at(&x, n, k, j)).sum();
            assert_close(product, at(&b, n, i, j));
        }
    }
}

#[test]
fn sort_and_merge_agree_with_the_standard_library() {
    let mut block: Vec<u64> = numbers(1000, 7).iter().map(|x| x.to_bits()).collect();
    let mut expected = block.clone();
    expected.sort_unstable();
    run(sort::sort, &[1000], &[], &mut block, 0).unwrap();
    assert_eq!(block, expected);
    let (odd, even) = (&[1u64, 3, 5][..], &[0u64, 2][..]);
    let mut merged = [9; 5];
    run(sort::merge, &[3, 2], &[odd, even], &mut merged, 0).unwrap();
    assert_eq!(merged, [0, 1, 2, 3, 5]);
    let error = run(sort::merge, &[3, 2], &[odd, even], &mut [9; 4], 0).unwrap_err();
    assert_eq!(error, KernelError::Size { what: "the merged run", expected: 5, given: 4 });
}

fn entry(word: &str, count: u64) -> words::Entry {
    words::entry(words::key(word.as_bytes()).unwrap(), count)
}

/// A list with `room` for entries.
fn list(entries: &[words::Entry], room: usize) -> Vec<u64> {
    let mut list = vec![entries.len() as u64];
    list.extend(entries.as_flattened());
    list.resize(1 + 3 * room, u64::MAX);
    list
}

fn map(text: &str, list: &mut [u64], scratch_bytes: usize) -> KernelResult {
    let mut scratch = Buffer::new(scratch_bytes);
    let mut buffers =
        [KernelBuffer::Read(text.as_bytes()), KernelBuffer::Write(bytemuck::cast_slice_mut(list))];
    let shape = [text.len() as u32, 1, 0, 0];
    let scratch = scratch.bytes_mut();
    words::map(&mut KernelArgs { shape, params: &[], cores: 1, buffers: &mut buffers, scratch })
}

#[test]
fn mappers_count_and_sort() {
    let mut counts = list(&[], 4);
    map("  the cat and the dog and the the", &mut counts, 16 * 8).unwrap();
    let expected = [("and", 2), ("cat", 1), ("dog", 1), ("the", 4)].map(|(w, n)| entry(w, n));
    assert_eq!(words::entries(&counts).unwrap(), expected);
}

#[test]
fn mappers_split_words_among_reducers() {
    let text = "a b c d e f g h i j k l m n o p q r s t u v w x y z";
    let mut lists: [Vec<u64>; 3] = std::array::from_fn(|_| list(&[], 26));
    let mut scratch = Buffer::new(16 * 26);
    let mut buffers = vec![KernelBuffer::Read(text.as_bytes())];
    buffers.extend(lists.iter_mut().map(|l| KernelBuffer::Write(bytemuck::cast_slice_mut(l))));
    let shape = [text.len() as u32, 3, 0, 0];
    let mut args = KernelArgs {
        shape,
        params: &[],
        cores: 1,
        buffers: &mut buffers,
        scratch: scratch.bytes_mut(),
    };
    words::map(&mut args).unwrap();
    let mut all = Vec::new();
    for (reducer, list) in lists.iter().enumerate() {
        let entries = words::entries(list).unwrap();
        assert!(!entries.is_empty() && entries.is_sorted());
        for [high, low, _] in entries {
            let key = u128::from(*high) << 64 | u128::from(*low);
            assert_eq!(words::partition(key, 3), reducer);
        }
        all.extend_from_slice(entries);
    }
    all.sort_unstable();
    let expected: Vec<_> = text.split(' ').map(|word| entry(word, 1)).collect();
    assert_eq!(all, expected);
}

#[test]
fn mappers_name_what_is_wrong() {
    let mut counts = list(&[], 1);
    let error = map("seventeen-letters", &mut counts, 16).unwrap_err();
    assert!(matches!(&error, KernelError::Data(text) if text.contains("16 bytes")), "{error}");
    let error = map("a b", &mut counts, 16).unwrap_err();
    assert_eq!(error, KernelError::Size { what: "the scratch memory", expected: 2, given: 1 });
    let error = map("a b", &mut counts, 32).unwrap_err();
    assert_eq!(error, KernelError::Size { what: "a list of counts", expected: 2, given: 1 });
}

#[test]
fn reducers_add_up() {
    let first = list(&[entry("and", 2), entry("cat", 1)], 3);
    let second = list(&[entry("and", 5), entry("dog", 1)], 2);
    let mut sum = list(&[], 3);
    let reads = [&first[..], &second[..]];
    run(words::reduce, &[2], &reads, &mut sum, 24 * 5).unwrap();
    let expected = [entry("and", 7), entry("cat", 1), entry("dog", 1)];
    assert_eq!(words::entries(&sum).unwrap(), expected);
    let error = run(words::reduce, &[2], &reads, &mut sum, 24 * 3).unwrap_err();
    assert_eq!(error, KernelError::Size { what: "the scratch memory", expected: 4, given: 3 });
    let mut short = list(&[], 2);
    let error = run(words::reduce, &[2], &reads, &mut short, 24 * 5).unwrap_err();
    assert_eq!(error, KernelError::Size { what: "a list of counts", expected: 3, given: 2 });
}
