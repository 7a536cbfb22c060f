//! Performance models of kernels, version 45.

use super::error::StarpuError;
use super::lines::Lines;

/// Measured durations of one kernel at one size on one device.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    pub device: Device,
    /// Bytes of all buffers of a task.
    pub bytes: u64,
    /// Floating-point operations, as the application counts them; 0 = not counted.
    pub flops: f64,
    pub mean_us: f64,
    pub deviation_us: f64,
    pub count: u64,
}

/// What a kernel was measured on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Device {
    /// Any one core.
    Cpu,
    /// A graphics card.
    Cuda(u32),
    /// Something else, or several at once.
    Other,
}

/// The version of the format.
const VERSION: u32 = 45;
/// More of anything than this is a damaged count.
const MAX_COUNT: usize = 4096;

/// Reads a model; of several implementations for one device and size the fastest counts, as in
/// StarPU.
pub fn read(file: &str, text: &str) -> Result<Vec<Sample>, StarpuError> {
    let mut lines = Lines::new(file, text);
    let version = lines.next("the version of the model")?;
    if version.number::<u32>(0, "the version of the model")? != VERSION {
        return Err(version.damaged("version 45 of the model", &version.number::<String>(0, "")?));
    }
    let mut samples: Vec<Sample> = Vec::new();
    let stated = count(&mut lines, "the number of combinations")?;
    let mut found = 0;
    // There are files with more combinations than they state; StarPU itself stops at that number.
    while found < stated || lines.has_more() {
        combination(&mut lines, &mut samples)?;
        found += 1;
    }
    Ok(samples)
}

/// Adds the samples of one combination of devices.
fn combination(lines: &mut Lines<'_>, samples: &mut Vec<Sample>) -> Result<(), StarpuError> {
    let device = device(lines)?;
    for _ in 0..count(lines, "the number of implementations")? {
        let entries = count(lines, "the number of entries")?;
        lines.next("the sums of the regression")?;
        lines.next("the coefficients of the regression")?;
        lines.next("whether there is a multiple regression")?;
        for _ in 0..entries {
            let sample = sample(lines, device)?;
            let same = |s: &&mut Sample| s.device == device && s.bytes == sample.bytes;
            match samples.iter_mut().find(same) {
                Some(known) if known.mean_us <= sample.mean_us => {}
                Some(known) => *known = sample,
                None => samples.push(sample),
            }
        }
    }
    Ok(())
}

fn count(lines: &mut Lines<'_>, expected: &str) -> Result<usize, StarpuError> {
    let row = lines.next(expected)?;
    match row.number(0, expected)? {
        n if n <= MAX_COUNT => Ok(n),
        n => Err(row.damaged(expected, &n.to_string())),
    }
}

/// What the implementations that follow run on.
fn device(lines: &mut Lines<'_>) -> Result<Device, StarpuError> {
    let devices = count(lines, "the number of devices")?;
    let mut device = Device::Other;
    for _ in 0..devices {
        let kind: u32 = lines.number("a device's type")?;
        let id: u32 = lines.number("a device's number")?;
        let cores: u32 = lines.number("a device's number of cores")?;
        device = match (devices, kind, cores) {
            (1, 0, 1) => Device::Cpu,
            (1, 1, _) => Device::Cuda(id),
            _ => Device::Other,
        };
    }
    Ok(device)
}

fn sample(lines: &mut Lines<'_>, device: Device) -> Result<Sample, StarpuError> {
    const ROW: &str = "hash, size, flops, mean, deviation, sum, sum of squares and count";
    let row = lines.next(ROW)?;
    if row.len() != 8 {
        return Err(row.damaged(ROW, &format!("{} words", row.len())));
    }
    let hash: String = row.number(0, "a hash of eight hexadecimal digits")?;
    if hash.len() > 8 || !hash.chars().all(|c| c.is_ascii_hexdigit()) {
        return Err(row.damaged("a hash of eight hexadecimal digits", &hash));
    }
    Ok(Sample {
        device,
        bytes: row.number(1, "a size in bytes")?,
        flops: row.quantity(2, "a number of operations")?,
        mean_us: row.quantity(3, "a mean in microseconds")?,
        deviation_us: row.quantity(4, "a deviation in microseconds")?,
        count: row.number(7, "how many there were")?,
    })
}
