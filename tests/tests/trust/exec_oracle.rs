//! Whole executions under max-min contention, against two independent solvers.
//!
//! `../shared/data/oracles/exec` fixes each task's core and each core's order; every task's start
//! and end, and every transfer's end, must come out to 1e-6 relative.
#![allow(clippy::print_stderr, reason = "a test says what it skipped")]

use runtime::cluster::{DeviceSpec, Duplex, LinkSpec, MemorySpec, SwitchSpec};
use runtime::graph::{Mode, ObjectSpec};
use runtime::planner::{Assignment, PlanFailure};
use runtime::{
    Cluster, ClusterSpec, Cost, Costs, DeviceId, LaneId, Planned, Planner, Problem, Schedule,
    TaskGraph, TaskId, TaskSpec,
};
use serde_json::Value;
use std::sync::Arc;
use windtunnel_tests::conformance::assert_conserved;

/// Places every task on its core, in the order given.
struct Fixed {
    /// Host, lane and position on the lane, by task.
    places: Vec<(u32, u32, u64)>,
}

impl Planner for Fixed {
    fn plan(&mut self, problem: &Problem<'_>) -> Result<Schedule, PlanFailure> {
        let place = |&task: &TaskId| {
            let (device, lane, at) = self.places[task.index()];
            let (device, lane) = (DeviceId(device), LaneId(lane));
            Assignment { task, device, lane, start_ns: at, finish_ns: at + 1 }
        };
        Ok(Schedule { assignments: problem.tasks.iter().map(place).collect() })
    }
}

struct Oracle {
    file: Value,
    /// File position of each task, by our id.
    order: Vec<usize>,
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a string")
}

impl Oracle {
    fn list(&self, key: &str) -> &Vec<Value> {
        self.file[key].as_array().expect("an array")
    }

    fn position(&self, key: &str, id: &Value) -> usize {
        self.list(key).iter().position(|v| v["id"] == *id).expect("a known id")
    }

    /// One memory per host. `up` and `down` links are one-way links of a star, a bus is a switch.
    fn cluster(&self) -> Cluster {
        let hosts = self.list("hosts");
        let name = |h: &Value| text(&h["id"]).to_owned();
        let memories =
            hosts.iter().map(|h| MemorySpec { name: name(h), ..Default::default() }).collect();
        let device = |h: &Value| DeviceSpec {
            name: name(h),
            class: "cpu".into(),
            memory: name(h),
            lanes: h["cores"].as_u64().unwrap() as u32,
            speed: h["flops_per_s"].as_f64().unwrap(),
            ..Default::default()
        };
        let mut switch = SwitchSpec { name: "switch".into(), bytes_per_s: None };
        let mut links = Vec::new();
        for link in self.list("links") {
            let id = text(&link["id"]);
            let bytes_per_s = link["bandwidth"].as_f64().unwrap();
            let latency_ns = (link["latency"].as_f64().unwrap() * 1e9).round() as u64;
            let one_way = |a: String, b: String, bytes_per_s| LinkSpec {
                name: format!("{a}-{b}"),
                a,
                b,
                bytes_per_s,
                latency_ns,
                duplex: Duplex::Simplex,
                ..Default::default()
            };
            let hub = || "switch".to_owned();
            if id == "bus" {
                switch.bytes_per_s = Some(bytes_per_s);
                assert_eq!(latency_ns, 0, "a bus with latency needs another model");
                links.extend(hosts.iter().map(|h| one_way(name(h), hub(), 1e18)));
                links.extend(hosts.iter().map(|h| one_way(hub(), name(h), 1e18)));
            } else if let Some(host) = id.strip_prefix("up") {
                links.push(one_way(format!("h{host}"), hub(), bytes_per_s));
            } else {
                let host = id.strip_prefix("down").expect("up, down or bus");
                links.push(one_way(hub(), format!("h{host}"), bytes_per_s));
            }
        }
        Cluster::new(ClusterSpec {
            name: text(&self.file["name"]).to_owned(),
            memories,
            devices: hosts.iter().map(device).collect(),
            switches: vec![switch],
            links,
            ..Default::default()
        })
        .unwrap()
    }

    /// Every edge is an object of its own.
    fn graph(&mut self) -> TaskGraph {
        let mut graph = TaskGraph::new("oracle");
        let kernel = graph.kernel("task");
        let edges = self.list("edges").clone();
        let objects: Vec<_> = (edges.iter())
            .map(|e| {
                let bytes = e["bytes"].as_u64().unwrap();
                graph.add_object(ObjectSpec { bytes, ..Default::default() }).unwrap()
            })
            .collect();
        // File order need not be topological.
        let mut done = vec![false; self.list("tasks").len()];
        while self.order.len() < done.len() {
            for (at, task) in self.list("tasks").clone().iter().enumerate() {
                let is_done = |id| done[self.position("tasks", id)];
                let ready = edges.iter().all(|e| e["dst"] != task["id"] || is_done(&e["src"]));
                if done[at] || !ready {
                    continue;
                }
                let mut accesses = Vec::new();
                for (edge, &object) in edges.iter().zip(&objects) {
                    if edge["dst"] == task["id"] {
                        accesses.push((object, Mode::Read));
                    }
                    if edge["src"] == task["id"] {
                        accesses.push((object, Mode::Write));
                    }
                }
                let cost = Cost::Work(task["flops"].as_f64().unwrap());
                let spec = TaskSpec { cost, accesses: &accesses, ..TaskSpec::new(kernel) };
                graph.submit(spec).unwrap();
                self.order.push(at);
                done[at] = true;
            }
        }
        graph
    }

    fn planner(&self, cluster: &Cluster) -> Fixed {
        let mut position = vec![0; self.order.len()];
        for lane in self.list("core_order") {
            for (at, id) in lane.as_array().unwrap().iter().enumerate() {
                position[self.position("tasks", id)] = at as u64;
            }
        }
        let place = |&at: &usize| {
            let task = &self.list("tasks")[at];
            let host = self.position("hosts", &task["host"]) as u32;
            let core = task["core"].as_u64().unwrap() as u32;
            (host, cluster.first_lane(DeviceId(host)).0 + core, position[at])
        };
        Fixed { places: self.order.iter().map(place).collect() }
    }
}

fn assert_close(what: &str, got_ns: u64, expected_s: f64) {
    let got_s = got_ns as f64 / 1e9;
    let error = (got_s - expected_s).abs() / expected_s.max(1e-3);
    assert!(error < 1e-6, "{what}: {got_s} s, expected {expected_s} s");
}

fn check(file: Value) {
    let name = text(&file["name"]).to_owned();
    let mut oracle = Oracle { file, order: Vec::new() };
    let graph = oracle.graph();
    let cluster = Arc::new(oracle.cluster());
    let costs = Costs::resolve(&graph, &cluster, None).unwrap();
    let planner = oracle.planner(&cluster);
    let spec = sim::SimSpec::new(graph, cluster, costs, Box::new(Planned::new(planner)));
    let output = sim::run(spec).unwrap_or_else(|e| panic!("{name}: {e}"));
    assert_conserved(&output.trace, || name.clone());
    let expected = &oracle.file["simgrid_3.32"];
    for record in &output.trace.tasks {
        let id = text(&oracle.list("tasks")[oracle.order[record.task.index()]]["id"]);
        let span = &expected["tasks"][id];
        let what = format!("{name} {id}");
        assert_close(&what, record.started_ns, span[0].as_f64().unwrap());
        assert_close(&what, record.finished_ns, span[1].as_f64().unwrap());
    }
    assert_eq!(output.trace.tasks.len(), oracle.order.len());
    let transfers = expected["transfers"].as_object().expect("ends of transfers by edge");
    let mut compared = 0;
    for copy in &output.trace.copies {
        let edge = &oracle.list("edges")[copy.object.index()];
        let key = format!("{}>{}", text(&edge["src"]), text(&edge["dst"]));
        assert_close(&format!("{name} {key}"), copy.finished_ns, transfers[&key].as_f64().unwrap());
        compared += 1;
    }
    assert_eq!(compared, transfers.len(), "{name}: every transfer was simulated");
    assert_close(&name, output.makespan_ns, expected["makespan"].as_f64().unwrap());
}

#[test]
fn every_task_and_transfer_time_is_that_of_two_independent_solvers() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data/oracles/exec");
    let Ok(files) = std::fs::read_dir(folder) else {
        eprintln!("skipped: no shared data at {folder}");
        return;
    };
    let mut count = 0;
    for path in files.map(|f| f.unwrap().path()).filter(|p| p.extension() == Some("json".as_ref()))
    {
        check(serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap());
        count += 1;
    }
    assert!(count > 0);
}
