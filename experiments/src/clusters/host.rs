//! The machine that this program runs on.

use super::parts::SPEED;
use super::{Category, ClusterInfo};
use real_backend::Machine;
use runtime::ClusterSpec;
use runtime::registry::{Kind, ParameterError, ParameterInfo, Parameters};

pub(super) const INFO: ClusterInfo = ClusterInfo {
    name: "host",
    summary: "this machine: one memory, one device with a lane per core that may be used",
    source: "",
    category: Category::Machine,
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

fn build(parameters: &Parameters, _: u64) -> Result<ClusterSpec, ParameterError> {
    let machine = Machine::detect();
    let lanes = match parameters.int("cores") {
        0 => machine.cores.len() as u32,
        cores => cores as u32,
    };
    Ok(real_backend::host_cluster(&machine, lanes, parameters.float("speed")))
}
