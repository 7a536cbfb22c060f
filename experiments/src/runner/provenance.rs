//! What made the results: program, commit, machine, time.

use crate::plan::TextDigest;
use real_backend::Machine;
use std::path::Path;

/// Labels and values, for the manifest.
pub fn provenance() -> Vec<(String, String)> {
    let mut lines = Machine::detect().provenance();
    let mut add = |label: &str, value: Option<String>| {
        if let Some(value) = value {
            lines.push((label.to_owned(), value));
        }
    };
    let program = std::env::current_exe().ok();
    add("build", program.as_deref().and_then(digest_of));
    add("commit", program.as_deref().and_then(commit_of));
    add("host", Some(rustix::system::uname().nodename().to_string_lossy().into_owned()));
    add("started", Some(now()));
    lines
}

/// A digest of the program, which tells builds apart.
fn digest_of(program: &Path) -> Option<String> {
    let bytes = std::fs::read(program).ok()?;
    // Every 64th block is enough to tell two builds apart, and quick.
    let mut digest = TextDigest::default();
    bytes.chunks(512).step_by(64).for_each(|block| digest.add_bytes(block));
    digest.add(&bytes.len().to_string());
    Some(digest.hex())
}

/// The commit checked out where the program was built, if it still lies there.
fn commit_of(program: &Path) -> Option<String> {
    let git = program.ancestors().map(|a| a.join(".git")).find(|g| g.is_dir())?;
    let head = std::fs::read_to_string(git.join("HEAD")).ok()?;
    let Some(name) = head.trim().strip_prefix("ref: ") else {
        return Some(head.trim().to_owned());
    };
    if let Ok(commit) = std::fs::read_to_string(git.join(name)) {
        return Some(commit.trim().to_owned());
    }
    let packed = std::fs::read_to_string(git.join("packed-refs")).ok()?;
    let line = packed.lines().find(|line| line.ends_with(name))?;
    line.split_whitespace().next().map(str::to_owned)
}

/// The time in UTC, as in `2026-01-31 12:00:00 UTC`.
fn now() -> String {
    let time = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let seconds = time.map_or(0, |t| t.as_secs());
    let (year, month, day) = civil(seconds / 86_400);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC")
}

/// The date of a day since 1970-01-01, counting years from March so that leap days come last.
fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let era = days / 146_097;
    let day_of_era = days % 146_097;
    let year = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year + era * 400 + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        assert_eq!(civil(0), (1970, 1, 1));
        assert_eq!(civil(11_016), (2000, 2, 29));
        assert_eq!(civil(19_723), (2024, 1, 1));
        assert_eq!(civil(20_819), (2027, 1, 1));
    }

    #[test]
    fn the_machine_is_named() {
        let lines = provenance();
        assert!(lines.iter().any(|(label, _)| label == "processor"));
        assert!(lines.iter().any(|(label, value)| label == "build" && value.len() == 16));
    }
}
