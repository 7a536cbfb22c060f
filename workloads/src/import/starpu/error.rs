//! What is wrong with StarPU's files.

/// Why a machine cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum StarpuError {
    /// A file or folder that cannot be read.
    #[error("{file}: {source}")]
    Io {
        /// The file.
        file: String,
        /// Why.
        source: std::io::Error,
    },
    /// A folder without any machine.
    #[error(
        "{folder}: no bus/*.bandwidth and codelets/*/ are here: this is no folder of StarPU's sampled models"
    )]
    NoSampling {
        /// The folder.
        folder: String,
    },
    /// A machine that is not there.
    #[error("{folder}: there is no machine {machine:?}{}; there are: {}", suggestion(.nearest), .known.join(", "))]
    NoMachine {
        /// The folder.
        folder: String,
        /// What was asked for.
        machine: String,
        /// The machine whose name is most like it.
        nearest: Option<String>,
        /// The machines that are there.
        known: Vec<String>,
    },
    /// A machine for which no kernel was measured.
    #[error("{folder}: no kernel was measured on {machine}")]
    NoKernels {
        /// The folder of kernels.
        folder: String,
        /// The machine.
        machine: String,
    },
    /// A value that is not what belongs there.
    #[error("{file}, line {line}: expected {expected}, found {found:?}")]
    Damaged {
        /// The file.
        file: String,
        /// The line, from 1.
        line: usize,
        /// What belongs there.
        expected: String,
        /// What is there.
        found: String,
    },
    /// A file that stops too early.
    #[error("{file}, line {line}: the file ends where {expected} should be")]
    Ends {
        /// The file.
        file: String,
        /// Its last line.
        line: usize,
        /// What is missing.
        expected: String,
    },
    /// A platform description that is no XML.
    #[error("{file}, line {line}: {source}")]
    Xml {
        /// The file.
        file: String,
        /// The line.
        line: u32,
        /// Why.
        source: roxmltree::Error,
    },
    /// A platform description that does not describe a device.
    #[error("{file}: there is no {what}")]
    NotDescribed {
        /// The file.
        file: String,
        /// What is missing.
        what: String,
    },
    /// Files that name each other in a circle.
    #[error("{file}: links to other files in a circle")]
    LinkLoop {
        /// One of them.
        file: String,
    },
    /// More drivers than there are cores.
    #[error(
        "{machine} has {cores} cores: {drivers} of them cannot drive devices and leave one for tasks"
    )]
    NoCores {
        /// The machine.
        machine: String,
        /// Its cores.
        cores: u32,
        /// Cores that would drive devices.
        drivers: u32,
    },
}

fn suggestion(nearest: &Option<String>) -> String {
    nearest.as_ref().map_or_else(String::new, |name| format!(", did you mean {name:?}?"))
}
