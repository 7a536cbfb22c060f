//! `windtunnel import`.

use super::{CliError, Context, Exit, Result};
use crate::shown::{self, printable, size};
use crate::store::write_whole;
use std::path::{Path, PathBuf};
use workloads::import::starpu::{self, Bus};
use workloads::import::{self, Options, TraceCosts};

/// Read a task graph in any known format, or a machine that StarPU measured
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
#[command(after_help = "\
Examples:
  windtunnel import montage.json
  windtunnel import montage.json -o montage-graph.json
  windtunnel import graph.dot -o graph.json
  windtunnel import run.jsonl.gz -o recorded.json
  windtunnel import starpu sampling --machine mirage -o machines

Known are task-graph files, traces, WfFormat 1.2 to 1.5, STG and DOT; and, as `import starpu`, the
folder in which StarPU keeps its measured performance models.")]
pub struct Args {
    /// The file
    #[arg(required = true)]
    file: Option<PathBuf>,
    /// Where to write the task-graph file (JSON)
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(subcommand)]
    what: Option<What>,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    Starpu(Starpu),
}

/// Read a machine of StarPU's sampled models: a cluster and a cost model
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  windtunnel import starpu sampling
  windtunnel import starpu sampling --machine mirage -o .
  windtunnel schedule --workload 'starpu-cholesky:{tiles: 20}' --cluster mirage.cluster.yaml \\
      --costs mirage.costs.yaml --scheduler 'dmda:{priorities: true}'")]
struct Starpu {
    /// The folder that holds bus/ and codelets/45/
    folder: PathBuf,
    /// The machine; all are listed when absent
    #[arg(long)]
    machine: Option<String>,
    /// Cores that drive devices and run no tasks; one per device when absent
    #[arg(long, value_name = "N")]
    driver_cores: Option<u32>,
    /// CUDA devices used; all when absent
    #[arg(long, value_name = "N")]
    devices: Option<u32>,
    /// How transfers meet on the bus
    #[arg(long, value_enum, default_value = "pairs")]
    bus: BusArg,
    /// The folder to write MACHINE.cluster.yaml and MACHINE.costs.yaml to
    #[arg(long, short, value_name = "FOLDER")]
    output: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum BusArg {
    /// Each ordered pair of memories has its measured bandwidth to itself
    Pairs,
    /// Transfers to and from main memory also share the bandwidth that the platform file states
    Shared,
}

pub fn run(context: &Context, args: &Args) -> Result {
    match (&args.what, &args.file) {
        (Some(What::Starpu(args)), _) => machine(context, args),
        (None, Some(file)) => graph(context, file, args.output.as_deref()),
        // clap asks for the file.
        (None, None) => Err(CliError::new("a file is needed")),
    }
}

fn graph(context: &Context, file: &Path, output: Option<&Path>) -> Result {
    let options = Options { trace_costs: TraceCosts::Work, ..Options::default() };
    let imported = import::read(file, options).map_err(CliError::new)?;
    let graph = &imported.graph;
    let shape = graph.summary();
    let mut rows = vec![
        vec!["name".to_owned(), printable(graph.name())],
        vec!["format".to_owned(), imported.format.to_string()],
        vec!["tasks".to_owned(), shape.tasks.to_string()],
        vec!["objects".to_owned(), format!("{}, {}", shape.objects, size(shape.object_bytes))],
        vec!["edges".to_owned(), format!("{}, {}", shape.edges, size(shape.flow_bytes))],
        vec!["depth, width".to_owned(), format!("{}, {}", shape.depth, shape.width)],
        vec!["largest set".to_owned(), size(shape.max_working_set_bytes)],
    ];
    if let Some(seconds) = imported.recorded.makespan_s {
        rows.push(vec!["recorded".to_owned(), format!("{seconds} s")]);
    }
    rows.extend(imported.notes.iter().map(|n| vec!["note".to_owned(), printable(n)]));
    context.terminal.say(&super::terminal::table(&rows));
    if let Some(output) = output {
        let mut text = Vec::new();
        import::task_graph_file::write(graph, &mut text).map_err(CliError::new)?;
        write(context, output, &text)?;
    }
    Ok(Exit::Fine)
}

fn machine(context: &Context, args: &Starpu) -> Result {
    let Some(machine) = &args.machine else {
        let machines = starpu::machines(&args.folder).map_err(CliError::new)?;
        context.terminal.say(&format!("{}\n", machines.join("\n")));
        return Ok(Exit::Fine);
    };
    let options = starpu::Options {
        driver_cores: args.driver_cores,
        devices: args.devices,
        bus: match args.bus {
            BusArg::Pairs => Bus::Pairs,
            BusArg::Shared => Bus::Shared,
        },
    };
    let sampled = starpu::read(&args.folder, machine, options).map_err(CliError::new)?;
    let cluster = runtime::Cluster::new(sampled.cluster.clone()).map_err(CliError::new)?;
    let mut rows = vec![
        vec!["machine".to_owned(), printable(machine)],
        vec!["devices".to_owned(), cluster.device_count().to_string()],
        vec!["lanes".to_owned(), cluster.lane_count().to_string()],
    ];
    rows.extend(sampled.notes.iter().map(|n| vec!["note".to_owned(), printable(n)]));
    context.terminal.say(&super::terminal::table(&rows));
    let Some(folder) = &args.output else { return Ok(Exit::Fine) };
    let about =
        [format!("{machine}, from StarPU's sampled performance models"), sampled.notes.join("\n")];
    let text = crate::clusters::text::write(&sampled.cluster, &about);
    write(context, &folder.join(format!("{machine}.cluster.yaml")), text.as_bytes())?;
    let text = crate::costs::write(&sampled.costs, &about);
    write(context, &folder.join(format!("{machine}.costs.yaml")), text.as_bytes())?;
    Ok(Exit::Fine)
}

fn write(context: &Context, path: &Path, text: &[u8]) -> Result<()> {
    write_whole(path, |out| out.write_all(text))?;
    context.terminal.say(&format!("written to {}\n", shown::path(path)));
    Ok(())
}
