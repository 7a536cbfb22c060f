//! A cluster as the text of a cluster file.
//!
//! What is written is read back as the same [`ClusterSpec`], bit for bit.

use runtime::ClusterSpec;
use runtime::cluster::{Capacity, Duplex, MemoryKind, NetworkModel, Power};

/// The text of a cluster file (YAML); `about` goes above it as comments.
pub fn write(spec: &ClusterSpec, about: &[String]) -> String {
    let mut text = String::new();
    for line in about.iter().flat_map(|a| a.lines()) {
        text += "# ";
        text += line;
        text += "\n";
    }
    let mut line = |parts: &[String], begin: &str, end: &str| {
        text += begin;
        text += &parts.join(", ");
        text += end;
        text += "\n";
    };
    line(&[format!("name: {}", quoted(&spec.name))], "", "");
    line(&[], "memories:", "");
    for memory in &spec.memories {
        let mut parts = vec![format!("name: {}", quoted(&memory.name))];
        match memory.kind {
            MemoryKind::Dram => {}
            MemoryKind::Hbm => parts.push("kind: hbm".to_owned()),
            MemoryKind::Disk => parts.push("kind: disk".to_owned()),
        }
        parts.extend(memory.capacity_bytes.map(|bytes| format!("capacity: {bytes} B")));
        parts.extend(memory.copies_in.map(|n| format!("copies_in: {n}")));
        parts.extend(memory.copies_out.map(|n| format!("copies_out: {n}")));
        line(&parts, "  - {", "}");
    }
    line(&[], "devices:", "");
    for device in &spec.devices {
        let (name, class) = (quoted(&device.name), quoted(&device.class));
        let mut parts = vec![
            format!("name: {name}"),
            format!("class: {class}"),
            format!("memory: {}", quoted(&device.memory)),
            format!("lanes: {}", device.lanes),
            format!("speed: {}", number(device.speed)),
        ];
        if device.capacity == Capacity::Shared {
            parts.push("capacity: shared".to_owned());
        }
        if device.issue_ns > 0 {
            parts.push(format!("issue: {} ns", device.issue_ns));
        }
        parts.extend(device.power.map(power));
        line(&parts, "  - {", "}");
    }
    if !spec.switches.is_empty() {
        line(&[], "switches:", "");
    }
    for switch in &spec.switches {
        let mut parts = vec![format!("name: {}", quoted(&switch.name))];
        parts.extend(switch.bytes_per_s.map(|rate| format!("bandwidth: {} B/s", number(rate))));
        line(&parts, "  - {", "}");
    }
    if !spec.links.is_empty() {
        line(&[], "links:", "");
    }
    for link in &spec.links {
        let mut parts = vec![
            format!("a: {}", quoted(&link.a)),
            format!("b: {}", quoted(&link.b)),
            format!("bandwidth: {} B/s", number(link.bytes_per_s)),
        ];
        if link.name != format!("{}-{}", link.a, link.b) {
            parts.insert(0, format!("name: {}", quoted(&link.name)));
        }
        if link.latency_ns > 0 {
            parts.push(format!("latency: {} ns", link.latency_ns));
        }
        match link.duplex {
            Duplex::Full => {}
            Duplex::Half => parts.push("duplex: half".to_owned()),
            Duplex::Simplex => parts.push("duplex: simplex".to_owned()),
        }
        parts.extend(link.power.map(power));
        line(&parts, "  - {", "}");
    }
    if spec.network != NetworkModel::default() {
        line(&[format!("network: {}", network(spec.network))], "", "");
    }
    if !spec.homes.is_empty() {
        let homes: Vec<String> = spec.homes.iter().map(|home| quoted(home)).collect();
        line(&homes, "homes: [", "]");
    }
    text
}

fn power(power: Power) -> String {
    format!("power: {{idle: {} mW, busy: {} mW}}", power.idle_mw, power.busy_mw)
}

/// The word for a model of the network.
pub fn network(model: NetworkModel) -> String {
    let word = serde_json::to_value(model).ok();
    word.as_ref().and_then(|w| w.as_str()).unwrap_or_default().to_owned()
}

/// A name as YAML: bare where it can be mistaken for nothing else.
fn quoted(name: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '/' | '.');
    let is_word = name.starts_with(|c: char| c.is_ascii_alphabetic());
    let reserved = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    match is_word && name.chars().all(is_plain) && !reserved.contains(&&*name.to_lowercase()) {
        true => name.to_owned(),
        false => serde_json::Value::from(name).to_string(),
    }
}

/// A number with an exponent where it is long, as no digit is to be counted by hand.
fn number(value: f64) -> String {
    let plain = format!("{value}");
    let short = format!("{value:e}");
    if plain.len() <= short.len() { plain } else { short }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mistake::{Mistakes, Source};

    #[test]
    fn every_preset_is_read_back_as_it_was() {
        for info in super::super::all() {
            let mut spec = info.make(&[], 1).unwrap();
            spec.memories[0].copies_in = Some(2);
            spec.memories[0].kind = MemoryKind::Disk;
            (spec.devices[0].issue_ns, spec.devices[0].capacity) = (5, Capacity::Shared);
            spec.devices[0].power = Some(Power { idle_mw: 1, busy_mw: 700_000 });
            spec.name = "a: \"name\" # with marks".to_owned();
            if let Some(link) = spec.links.first_mut() {
                (link.duplex, link.bytes_per_s) = (Duplex::Half, 6_010_679_672.232_608);
                link.name = "true".to_owned();
                link.power = Some(Power { idle_mw: 0, busy_mw: 12_500 });
            }
            spec.network = NetworkModel::ContentionFree;
            spec.homes = vec![spec.memories[0].name.clone()];
            let text = write(&spec, &["two\nlines".to_owned()]);
            let source = Source::new("cluster.yaml", &text);
            let (read, mistakes) = crate::spec::read_cluster(&source);
            assert!(mistakes.is_empty(), "{}: {}", info.name, mistakes.render(100, false));
            let mut mistakes = Mistakes::default();
            let read = crate::plan::written_cluster(&source, &read.unwrap(), &mut mistakes);
            assert!(mistakes.is_empty(), "{}", info.name);
            assert_eq!(read, spec, "{}", info.name);
        }
    }
}
