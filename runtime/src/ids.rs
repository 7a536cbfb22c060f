//! Integer ids. Every id is an index into a flat array; ids are stable for a whole run.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Nanoseconds since the start of the run, or a duration in nanoseconds.
pub type Ns = u64;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub u32);

        impl $name {
            /// The id as an array index.
            #[inline]
            pub fn index(self) -> usize {
                self.0 as usize
            }

            /// The id of array position `index`.
            ///
            /// # Panics
            /// When `index` does not fit 32 bits.
            #[inline]
            pub fn from_index(index: usize) -> Self {
                Self(u32::try_from(index).expect("more than 2^32 ids"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "{}"), self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "{}"), self.0)
            }
        }
    };
}

id!(
    /// A task, numbered in submission order.
    TaskId, "t"
);
id!(
    /// A data object.
    ObjectId, "o"
);
id!(
    /// An interned kernel name of one graph.
    KernelId, "k"
);
id!(
    /// A set of tasks that start at one instant.
    GangId, "g"
);
id!(
    /// A device: one memory and one compute capacity.
    DeviceId, "d"
);
id!(
    /// A lane of a device, numbered over the whole cluster; a device's lanes are consecutive.
    LaneId, "l"
);
id!(
    /// A memory that holds copies of objects.
    MemoryId, "m"
);
id!(
    /// A link between memories and switches.
    LinkId, "n"
);
id!(
    /// One direction of a link (both directions of a half-duplex link are one channel).
    ChannelId, "c"
);
id!(
    /// One allocation in one memory that holds one copy of one object; reused after its release.
    BufferId, "b"
);
id!(
    /// A transfer, numbered in the order of issue.
    CopyId, "x"
);
