//! The machine that this program runs on.

use super::{ClusterInfo, SPEED};
use real_backend::Machine;
use runtime::ClusterSpec;
use runtime::registry::{Kind, ParameterInfo, Parameters};

pub(super) const INFO: ClusterInfo = ClusterInfo {
    name: "host",
    summary: "this machine: one memory, one device with a lane per core that may be used",
    parameters: &[
        ParameterInfo {
            name: "cores",
            summary: "lanes; 0 = as many as there are cores",
            kind: Kind::Int { default: 0, min: 0, max: 4096 },
        },
        SPEED,
    ],
    is_random: false,
    build,
};

fn build(parameters: &Parameters, _: u64) -> ClusterSpec {
    let machine = Machine::detect();
    let lanes = match parameters.int("cores") {
        0 => machine.cores.len() as u32,
        cores => cores as u32,
    };
    real_backend::host_cluster(&machine, lanes, parameters.float("speed"))
}
