//! `windtunnel doctor`.

use super::terminal::table;
use super::{Context, Exit, Result};
use crate::shown::size;
use real_backend::Machine;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// Tell what this machine has and lacks
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  windtunnel doctor")]
pub struct Args {}

pub fn run(context: &Context, _: &Args) -> Result {
    let machine = Machine::detect();
    let unknown = || "unknown".to_owned();
    let bytes = |b: Option<u64>| b.map_or_else(unknown, size);
    let mut rows = vec![
        row("has", "processor", machine.processor.clone().unwrap_or_else(unknown)),
        row("has", "cores", format!("{} that may be used", machine.cores.len())),
        row(
            "has",
            "memory",
            format!(
                "{}, {} of it available",
                bytes(machine.memory_bytes),
                bytes(machine.available_bytes)
            ),
        ),
        row("has", "system", machine.system.clone()),
        row("has", "room", room()),
    ];
    rows.push(match can_pin(&machine) {
        true => row("has", "pinning", "workers stay on their cores"),
        false => row("lacks", "pinning", "workers may be moved between cores: real runs vary more"),
    });
    rows.push(match clock_step_ns() {
        step @ 0..=1_000 => row("has", "clock", format!("steps of {step} ns")),
        step => row("lacks", "clock", format!("steps of {step} ns: short tasks are not resolved")),
    });
    rows.push(match machine.cores.len() {
        1 => row("lacks", "parallel cores", "real runs have one lane and say little"),
        n => row("has", "parallel cores", format!("{n} lanes in real runs")),
    });
    rows.extend(gpus());
    rows.push(match std::env::var_os("NO_COLOR") {
        Some(_) => row("has", "NO_COLOR", "messages are not coloured"),
        None => row("lacks", "NO_COLOR", "messages are coloured on a terminal"),
    });
    context.terminal.say(&table(&rows));
    Ok(Exit::Fine)
}

/// GPUs, or why there are none, and libraries that kernels need.
fn gpus() -> Vec<Vec<String>> {
    let (found, missing) = gpu::probe::look();
    let facts = match found {
        Ok(facts) => facts,
        Err(why) => return vec![row("lacks", "GPU", why.to_string())],
    };
    let mut rows: Vec<Vec<String>> = (facts.iter())
        .map(|gpu| {
            let (memory, free) = (size(gpu.memory_bytes), size(gpu.free_bytes));
            let (major, minor) = (gpu.capability / 10, gpu.capability % 10);
            row(
                "has",
                "GPU",
                format!("{}, {memory}, {free} free, capability {major}.{minor}", gpu.name),
            )
        })
        .collect();
    for library in gpu::probe::LIBRARIES {
        rows.push(match missing.contains(&library) {
            true => row("lacks", library.file, library.missing().to_string()),
            false => row("has", library.file, format!("for {}", library.what)),
        });
    }
    rows
}

fn row(has: &str, what: &str, text: impl Into<String>) -> Vec<String> {
    vec![has.to_owned(), what.to_owned(), text.into()]
}

/// Whether a thread may be bound to the first core.
fn can_pin(machine: &Machine) -> bool {
    let core = machine.cores.first().copied().unwrap_or(0) as usize;
    // On a thread of its own, so that nothing else stays bound.
    let try_it = move || {
        let mut set = CpuSet::new();
        set.set(core);
        sched_setaffinity(None, &set).is_ok()
            && sched_getaffinity(None).is_ok_and(|s| s.count() == 1)
    };
    std::thread::spawn(try_it).join().unwrap_or(false)
}

/// The smallest step seen between readings of the clock that real runs are timed with.
fn clock_step_ns() -> u64 {
    let mut smallest = u64::MAX;
    for _ in 0..1000 {
        let before = std::time::Instant::now();
        let mut step = 0;
        while step == 0 {
            step = before.elapsed().as_nanos() as u64;
        }
        smallest = smallest.min(step);
    }
    smallest
}

/// What is free where run directories go.
fn room() -> String {
    let here = std::env::current_dir().unwrap_or_default();
    match rustix::fs::statvfs(&here) {
        Ok(stat) => {
            let free = size(stat.f_bavail.saturating_mul(stat.f_frsize));
            format!("{free} free in {}", crate::shown::printable(&here.display().to_string()))
        }
        Err(error) => format!("unknown: {error}"),
    }
}
