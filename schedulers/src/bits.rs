//! Sets of devices.

use runtime::DeviceId;

/// A set of devices, one bit each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Devices {
    words: Vec<u64>,
}

impl Devices {
    /// The empty set, with room for `count` devices.
    pub fn new(count: usize) -> Self {
        Self { words: vec![0; count.div_ceil(64)] }
    }

    /// Puts a device in.
    #[inline]
    pub fn insert(&mut self, device: DeviceId) {
        self.words[device.index() / 64] |= 1 << (device.0 % 64);
    }

    /// Takes a device out.
    #[inline]
    pub fn remove(&mut self, device: DeviceId) {
        self.words[device.index() / 64] &= !(1 << (device.0 % 64));
    }

    /// Whether a device is in.
    #[inline]
    pub fn contains(&self, device: DeviceId) -> bool {
        self.words[device.index() / 64] & (1 << (device.0 % 64)) != 0
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|w| *w == 0)
    }

    /// Empties it.
    pub fn clear(&mut self) {
        self.words.fill(0);
    }

    /// Makes it the set of the first `count` devices.
    pub fn fill(&mut self, count: usize) {
        for (at, word) in self.words.iter_mut().enumerate() {
            let bits = count.saturating_sub(at * 64).min(64);
            *word = if bits == 64 { u64::MAX } else { (1 << bits) - 1 };
        }
    }

    /// Puts all of another set in.
    pub fn insert_all(&mut self, other: &Self) {
        self.words.iter_mut().zip(&other.words).for_each(|(a, b)| *a |= b);
    }

    /// The first device that is in this set and in `also`, but not in `except`, and that `is_fine`.
    pub fn first(
        &self,
        also: &Self,
        except: &Self,
        mut is_fine: impl FnMut(DeviceId) -> bool,
    ) -> Option<DeviceId> {
        for (at, word) in self.words.iter().enumerate() {
            let mut left = word & also.words[at] & !except.words[at];
            while left != 0 {
                let device = DeviceId(at as u32 * 64 + left.trailing_zeros());
                if is_fine(device) {
                    return Some(device);
                }
                left &= left - 1;
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_that_is_in_both_and_not_excepted() {
        let of = |ids: &[u32]| {
            let mut set = Devices::new(200);
            ids.iter().for_each(|i| set.insert(DeviceId(*i)));
            set
        };
        let (a, b, except) = (of(&[3, 64, 130, 131]), of(&[64, 130, 131, 199]), of(&[64]));
        assert_eq!(a.first(&b, &except, |_| true), Some(DeviceId(130)));
        assert_eq!(a.first(&b, &except, |d| d.0 > 130), Some(DeviceId(131)));
        let mut all = a.clone();
        all.insert_all(&b);
        all.remove(DeviceId(3));
        assert!(all.contains(DeviceId(199)) && !all.contains(DeviceId(3)));
        assert_eq!(a.first(&of(&[]), &except, |_| true), None);
        all.clear();
        assert!(all.is_empty());
        all.fill(130);
        assert!(all.contains(DeviceId(129)) && !all.contains(DeviceId(130)));
    }
}
