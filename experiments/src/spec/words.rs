//! Words that may stand in a file, and what they mean to the crates below.

use super::located::At;
use super::quantity::{NotNegative, Time};
use runtime::cluster::{Capacity, Duplex, MemoryKind, NetworkModel};
use runtime::scheduler::Eviction;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

macro_rules! same {
    ($word:ident => $target:ident { $($variant:ident),* }) => {
        impl From<$word> for $target {
            fn from(word: $word) -> Self {
                match word {
                    $($word::$variant => Self::$variant,)*
                }
            }
        }
    };
}

/// Where cells are run.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub enum Backend {
    /// In virtual time.
    Sim,
    /// On the cores of this machine.
    Cpu,
    /// On the cores of this machine, which stand for the cluster: data moves and kernels run for
    /// real, and everything is held back until the cluster's model says that it ends.
    Emulated,
    /// On the cores and the NVIDIA GPUs of this machine: memories of kind `hbm`, in order, are
    /// theirs, and the lanes of devices there are streams.
    Cuda,
    /// As `cuda`, with GPUs that are made up: kernels run on the host, times are drawn. A rehearsal
    /// on a machine without GPUs.
    FakeGpu,
}

impl Backend {
    /// The word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sim => "sim",
            Self::Cpu => "cpu",
            Self::Emulated => "emulated",
            Self::Cuda => "cuda",
            Self::FakeGpu => "fake-gpu",
        }
    }

    /// Whether cells take the machine's own time: they are run one at a time, and may be repeated.
    pub fn is_real(self) -> bool {
        self != Self::Sim
    }

    /// Whether the cluster is a model, so that its links are what the file says.
    pub fn is_modelled(self) -> bool {
        matches!(self, Self::Sim | Self::Emulated)
    }

    /// Whether memories of kind `hbm` are those of GPUs.
    pub fn has_gpus(self) -> bool {
        matches!(self, Self::Cuda | Self::FakeGpu)
    }
}

/// What schedulers are told about durations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub enum Estimates {
    /// The durations before noise.
    #[default]
    Exact,
    /// Those durations disturbed like the truth, but independently of it.
    Noisy,
    /// The mean over the tasks of a kernel, on each kind of device.
    Mean,
    /// Nothing: every task seems to last as long, the mean of all, on every device that can run it.
    Nothing,
    /// A user's estimates: off by a lognormal factor with this sigma, the same on all devices.
    Error(NotNegative),
}

/// Where durations come from.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub enum CostsText {
    /// From the workloads.
    #[default]
    Stated,
    /// From real runs on this machine before everything else, by kernel, shape and class of
    /// device; simulations then predict this machine.
    Measured,
    /// From a cost-model file; what it does not know is as stated.
    File(#[schemars(with = "String")] At<String>),
}

/// Which traces are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub enum KeepTraces {
    /// Every cell's.
    All,
    /// None.
    None,
    /// Those of the first seed and repetition of graphs with at most 2 000 tasks.
    #[default]
    Some,
}

/// What a scheduler's thinking costs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub enum ThinkingText {
    /// Nothing.
    #[default]
    Free,
    /// What it takes of the processor: results then depend on the machine.
    Measured,
    /// The same for every call.
    Fixed(Time),
}

/// Which copy goes when a memory is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub enum EvictionWord {
    /// The one whose last use is longest ago.
    Lru,
    /// The one that was used least often since it came.
    Lfu,
    /// The one whose next use is farthest away.
    NextUse,
}
same!(EvictionWord => Eviction { Lru, Lfu, NextUse });

/// Whose capacity a task takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub enum CapacityWord {
    /// Its lanes' own: the cores of a CPU.
    #[default]
    PerLane,
    /// A part of the device's, by its occupancy: lanes are the streams of a GPU.
    Shared,
}
same!(CapacityWord => Capacity { PerLane, Shared });

/// How transfers share links.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub enum NetworkWord {
    /// Flows share every link of their routes max-min fairly.
    #[default]
    MaxMin,
    /// Every transfer has its route to itself.
    ContentionFree,
    /// A memory sends one transfer and receives one at a time.
    OnePort,
}
same!(NetworkWord => NetworkModel { MaxMin, ContentionFree, OnePort });

/// Which ways a link carries data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub enum DuplexWord {
    /// Each direction has the full bandwidth.
    #[default]
    Full,
    /// Both directions share it.
    Half,
    /// From `a` to `b` only.
    Simplex,
}
same!(DuplexWord => Duplex { Full, Half, Simplex });

/// What kind of memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub enum MemoryWord {
    /// Main memory.
    #[default]
    Dram,
    /// Memory of an accelerator.
    Hbm,
    /// A disk or a file system.
    Disk,
}
same!(MemoryWord => MemoryKind { Dram, Hbm, Disk });
