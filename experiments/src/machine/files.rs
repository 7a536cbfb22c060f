//! The files that measurements are kept in: a cluster and a cost model.

use super::{BySize, DiskSpeed, Findings, Sample};
use real_backend::Machine;
use runtime::cost::History;
use serde::{Deserialize, Serialize};

/// Version of [`CostFile`].
pub const COSTS_VERSION: u32 = 1;

/// What kernels, copies and the runtime cost on a machine, and on which.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CostFile {
    /// [`COSTS_VERSION`] of the writer.
    pub windtunnel_costs: u32,
    /// Where, when and with what it was measured: label and value.
    pub provenance: Vec<(String, String)>,
    /// Reasons to trust the numbers less.
    pub warnings: Vec<String>,
    /// A lane's time per empty task, in nanoseconds.
    pub overhead_ns: Sample,
    /// What the runtime takes of a lane before each task of the workloads, in nanoseconds.
    #[serde(default)]
    pub issue_ns: u64,
    /// Copies in main memory by one core.
    pub copies: Vec<BySize>,
    /// The disk.
    pub disk: Option<DiskSpeed>,
    /// Tasks left out of `history` because something else held them up, and all tasks.
    pub outliers: (usize, usize),
    /// Mean, deviation and number of the durations, by kernel, class and shape.
    pub history: History,
}

/// Why a cost file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CostFileError {
    /// It is no cost file.
    #[error("not a cost file: {0}")]
    Syntax(#[from] serde_json::Error),
    /// Of another version.
    #[error("has version {found}; this program reads version {COSTS_VERSION}")]
    Version {
        /// What it says.
        found: u32,
    },
}

/// The cost file of what was found.
pub fn write_costs(findings: &Findings) -> String {
    let Findings {
        provenance,
        warnings,
        copies,
        disk,
        overhead_ns,
        issue_ns,
        history,
        outliers,
        ..
    } = findings.clone();
    let file = CostFile {
        windtunnel_costs: COSTS_VERSION,
        provenance,
        warnings,
        overhead_ns,
        issue_ns,
        copies,
        disk,
        outliers,
        history,
    };
    let text = serde_json::to_string_pretty(&file);
    text.expect("plain numbers and texts can be written") + "\n"
}

/// Reads what [`write_costs`] wrote.
///
/// # Errors
/// [`CostFileError`].
pub fn read_costs(text: &str) -> Result<CostFile, CostFileError> {
    /// What every version begins with.
    #[derive(Deserialize)]
    struct Head {
        windtunnel_costs: u32,
    }
    match serde_json::from_str::<Head>(text)?.windtunnel_costs {
        COSTS_VERSION => Ok(serde_json::from_str(text)?),
        found => Err(CostFileError::Version { found }),
    }
}

/// The machine as a cluster file: its cores over main memory, which is home of all data, and the
/// disk beside it.
pub fn cluster_text(machine: &Machine, findings: &Findings) -> String {
    let mut text = String::from("# This machine, as `windtunnel calibrate` measured it.\n");
    for (label, value) in &findings.provenance {
        text += &format!("# {label}: {}\n", crate::shown::printable(value));
    }
    for warning in &findings.warnings {
        text += &format!("# WARNING: {}\n", crate::shown::printable(warning));
    }
    let cores = machine.cores.len();
    let processor = machine.processor.as_deref().unwrap_or("cpu");
    let capacity = machine.memory_bytes.map_or("unlimited".to_owned(), |b| format!("{b} B"));
    // A JSON string is a YAML one.
    text += &format!("name: {}\n", serde_json::json!(format!("{cores} cores of {processor}")));
    text += &format!("memories:\n  - {{name: host, capacity: {capacity}}}\n");
    if findings.disk.is_some() {
        text += "  - {name: disk, kind: disk}\n";
    }
    let (speed, issue_ns) = (findings.speed, findings.issue_ns);
    text +=
        "# Speed: floating-point operations per second in the largest gemm that was measured.\n";
    text += "# Issue: what the runtime took of a lane before each task.\n";
    text += &format!(
        "devices:\n  - {{name: cpu, class: cpu, memory: host, lanes: {cores}, speed: {speed:.4e}, \
         issue: {issue_ns} ns}}\n"
    );
    if let Some(disk) = &findings.disk {
        // Reads and writes share the disk; its rate is that of the slower direction.
        let slope = disk.read_line.slope.max(disk.write_line.slope).max(1e-6);
        let latency_ns = disk.read_line.at_zero.max(disk.write_line.at_zero).round() as u64;
        let bytes_per_s = (1e9 / slope).round().max(1.0) as u64;
        text += match disk.is_direct {
            true => "# Past the system's cache, as the real backend uses it.\n",
            false => "# Through the system's cache, for want of a way past it.\n",
        };
        text += &format!(
            "links:\n  - {{a: host, b: disk, bandwidth: {bytes_per_s} B/s, latency: {latency_ns} \
             ns, duplex: half}}\n"
        );
    }
    text + "homes: [host]\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::Line;
    use crate::mistake::Source;
    use crate::spec::read_cluster;

    fn findings() -> Findings {
        let ns = Sample { median: 1000.5, deviation: 3.25, count: 7 };
        let times = vec![BySize { bytes: 4096, ns }];
        let read_line = Line { at_zero: 12_000.0, slope: 0.5 };
        let write_line = Line { at_zero: 8_000.0, slope: 2.0 };
        Findings {
            provenance: vec![("host".to_owned(), "a\nb".to_owned())],
            warnings: vec!["it is noisy".to_owned()],
            copies: times.clone(),
            disk: Some(DiskSpeed {
                is_direct: true,
                reads: times.clone(),
                writes: times,
                read_line,
                write_line,
            }),
            overhead_ns: ns,
            issue_ns: 1001,
            history: History::new(),
            outliers: (1, 20),
            speed: 1.25e11,
        }
    }

    #[test]
    fn the_cluster_file_is_one_and_says_what_was_measured() {
        let machine = Machine {
            processor: Some("A \"fast\" one: really".to_owned()),
            cores: vec![0, 1],
            memory_bytes: Some(1 << 30),
            ..Machine::default()
        };
        let text = cluster_text(&machine, &findings());
        assert!(text.contains("# WARNING: it is noisy\n"), "{text}");
        let (read, mistakes) = read_cluster(&Source::new("cluster.yaml", &text));
        assert!(mistakes.is_empty(), "{text}\n{}", mistakes.render(100, false));
        let read = read.unwrap();
        assert_eq!(read.name.value, "2 cores of A \"fast\" one: really");
        assert_eq!(read.memories[0].capacity.unwrap().bytes, Some(1 << 30));
        assert_eq!(read.devices[0].speed.unwrap().0, 1.25e11);
        assert_eq!(read.devices[0].issue.unwrap().ns, 1001);
        // The slower direction: 2 ns per byte. The longer latency.
        let link = &read.links[0];
        assert_eq!((link.bandwidth.bytes_per_s, link.latency.unwrap().ns), (5e8, 12_000));
        let bare = cluster_text(&machine, &Findings { disk: None, ..findings() });
        let (read, mistakes) = read_cluster(&Source::new("cluster.yaml", &bare));
        assert!(mistakes.is_empty() && read.unwrap().memories.len() == 1, "{bare}");
    }

    #[test]
    fn a_cost_file_comes_back_as_it_was_and_others_are_refused() {
        let text = write_costs(&findings());
        let read = read_costs(&text).unwrap();
        assert_eq!((read.overhead_ns, read.disk), (findings().overhead_ns, findings().disk));
        assert_eq!((read.outliers, &read.provenance), ((1, 20), &findings().provenance));
        let newer = read_costs("{\"windtunnel_costs\": 9}").unwrap_err();
        assert_eq!(newer.to_string(), "has version 9; this program reads version 1");
        assert!(read_costs("[]").unwrap_err().to_string().starts_with("not a cost file: "));
    }
}
