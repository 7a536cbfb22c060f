//! Machines that can be bought or rented, with their data sheets' numbers.
//!
//! Latencies are in no data sheet: they are round figures of the right order. A speed is a peak,
//! in floating-point operations per second at the precision asked for; what kernels reach of it is
//! the business of a cost model (`docs/cost-models.md`).
//!
//! A busy processor or accelerator draws its thermal design power, from the same data sheets unless
//! a preset says otherwise. What parts draw idle, and what links draw, is in no data sheet either:
//! those powers are illustrative.

mod cpu_cluster;
mod hgx;
mod tpu;
mod workstation;

pub(super) use cpu_cluster::INFO as CPU_CLUSTER;
pub(super) use hgx::{CLUSTER as HGX_CLUSTER, NODE as HGX};
pub(super) use tpu::INFO as TPU_V4;
pub(super) use workstation::INFO as WORKSTATION;

use runtime::registry::{Kind, ParameterInfo, Parameters};

/// Which peak is a device's speed.
const PRECISION: ParameterInfo = ParameterInfo {
    name: "precision",
    summary: "numbers whose peak rate is a device's speed, in operations per second",
    kind: Kind::Choice { default: "f64", options: &["f64", "f32", "tf32", "bf16", "fp8"] },
};

/// Peak rates, dense, in operations per second.
struct Peaks {
    f64: f64,
    f32: f64,
    tf32: f64,
    bf16: f64,
    fp8: f64,
}

impl Peaks {
    fn of(&self, parameters: &Parameters) -> f64 {
        match parameters.text("precision") {
            "f32" => self.f32,
            "tf32" => self.tf32,
            "bf16" => self.bf16,
            "fp8" => self.fp8,
            _ => self.f64,
        }
    }
}
