//! Size classes: four per power of two, so that a block wastes less than a quarter of itself.

use runtime::kernel::BUFFER_ALIGN_BYTES;

const LINE: u64 = BUFFER_ALIGN_BYTES as u64;

/// A size class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Class {
    /// Classes are numbered by size.
    pub index: usize,
    /// Size of its blocks, a multiple of the alignment.
    pub bytes: u64,
}

/// The smallest class that holds `bytes`.
pub(super) fn class_of(bytes: u64) -> Class {
    let lines = bytes.div_ceil(LINE).max(1);
    // Steps of an eighth to a quarter of the size.
    let shift = lines.ilog2().saturating_sub(2);
    let steps = lines.div_ceil(1 << shift);
    let index = shift as usize * 4 + steps as usize;
    Class { index, bytes: (steps << shift).saturating_mul(LINE) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_hold_what_they_are_asked_for_and_waste_less_than_a_quarter() {
        let mut last = class_of(0);
        assert_eq!(last, Class { index: 1, bytes: 64 });
        for bytes in (1..4096).chain((12..40).flat_map(|e| [(1 << e) - 1, 1 << e, (1 << e) + 1])) {
            let class = class_of(bytes);
            assert!(class.bytes >= bytes && class.bytes.is_multiple_of(LINE), "{bytes}: {class:?}");
            assert!(class.bytes - bytes < LINE.max(class.bytes / 4), "{bytes}: {class:?}");
            assert_eq!(class_of(class.bytes), class, "a class holds itself");
            assert!(class.index >= last.index, "{bytes}");
            assert_eq!(class.index == last.index, class.bytes == last.bytes, "{bytes}");
            last = class;
        }
    }
}
