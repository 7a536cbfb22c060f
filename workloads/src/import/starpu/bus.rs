//! The bus: how many devices there are, and bandwidth and latency of each pair of memories.

use super::error::StarpuError;
use super::lines::Lines;

/// `bus/<machine>.config`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    pub cpus: u32,
    pub cudas: u32,
    pub opencls: u32,
}

/// Reads the numbers of devices.
pub fn read_counts(file: &str, text: &str) -> Result<Counts, StarpuError> {
    let mut lines = Lines::new(file, text);
    Ok(Counts {
        cpus: lines.number("the number of CPUs")?,
        cudas: lines.number("the number of CUDA devices")?,
        opencls: lines.number("the number of OpenCL devices")?,
    })
}

/// A number for each ordered pair of the first `memories` memories, row by row: main memory, CUDA
/// devices, OpenCL devices. What is no device is `nan` in the file and not looked at.
pub fn read_pairs(
    file: &str,
    text: &str,
    memories: usize,
    what: &str,
) -> Result<Vec<Vec<f64>>, StarpuError> {
    let mut lines = Lines::new(file, text);
    let mut pairs = Vec::new();
    for from in 0..memories {
        let row = lines.next(&format!("the row of memory {from}"))?;
        let numbers: Result<Vec<f64>, _> = (0..memories)
            .map(|to| match from == to {
                true => Ok(0.0),
                false => row.quantity(to, &format!("{what} from memory {from} to {to}")),
            })
            .collect();
        pairs.push(numbers?);
    }
    Ok(pairs)
}

/// `bus/<machine>.affinity`: per device its number and then its cores, the nearest first; CUDA
/// devices before others.
pub fn read_affinity(file: &str, text: &str, counts: Counts) -> Result<Vec<Vec<u32>>, StarpuError> {
    let mut lines = Lines::new(file, text);
    let mut nearest = Vec::new();
    for device in 0..counts.cudas {
        let row = lines.next(&format!("the cores of CUDA device {device}"))?;
        if row.number::<u32>(0, "a device's number")? != device {
            let found: String = row.number(0, "")?;
            return Err(row.damaged(&format!("the device's number {device}"), &found));
        }
        let cores: Result<Vec<u32>, StarpuError> = (1..row.len())
            .map(|i| match row.number::<u32>(i, "a core's number")? {
                core if core < counts.cpus => Ok(core),
                core => Err(row.damaged("the number of a core that there is", &core.to_string())),
            })
            .collect();
        nearest.push(cores?);
    }
    Ok(nearest)
}
