//! What there is to be drawn of a cluster.

use crate::shown::{duration, size};
use runtime::ClusterSpec;
use runtime::cluster::{DeviceSpec, Duplex, LinkSpec, MemoryKind, NetworkModel};
use std::collections::BTreeMap;

/// Height of a line of text.
pub const LINE: f64 = 15.0;
/// Height of a device within its memory's box.
pub const CHIP: f64 = 19.0;
/// Where the colours of classes of devices begin, apart from those of links.
pub const CLASS_COLOURS: usize = 3;
/// Above this number of vertices only the first line of each is written.
const MANY: usize = 120;

pub struct Scene {
    /// Memories, then switches.
    pub vertices: Vec<Vertex>,
    pub links: Vec<Link>,
    /// Links of about the same bandwidth, the fastest first.
    pub classes: Vec<Class>,
    /// Classes of devices for the legend.
    pub devices: Vec<String>,
    /// The line above the legend.
    pub title: String,
}

pub struct Vertex {
    /// The whole name.
    pub name: String,
    pub shape: Shape,
    pub width: f64,
    pub height: f64,
    pub lines: Vec<String>,
    /// Devices that compute here.
    pub chips: Vec<Chip>,
    /// Where the first of them begins, from the top.
    pub chips_top: f64,
    /// Shown when pointed at.
    pub about: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    Switch,
    Memory { is_main: bool },
}

pub struct Chip {
    /// Index of its class.
    pub class: usize,
    pub text: String,
}

pub struct Link {
    pub name: String,
    pub a: usize,
    pub b: usize,
    pub class: usize,
    pub latency_ns: u64,
}

pub struct Class {
    /// Of its lines.
    pub width: f64,
    pub is_half: bool,
    pub is_simplex: bool,
    /// Bandwidth and kind.
    pub text: String,
    /// As in the legend.
    pub legend: String,
}

/// About how wide a text is, in the picture's font.
pub fn text_width(text: &str) -> f64 {
    text.chars().count() as f64 * 6.7
}

/// A rate for people.
pub fn rate(bytes_per_s: f64) -> String {
    let units = [(1e12, "TB/s"), (1e9, "GB/s"), (1e6, "MB/s"), (1e3, "KB/s")];
    let unit = units.into_iter().find(|u| bytes_per_s >= u.0).unwrap_or((1.0, "B/s"));
    let value = bytes_per_s / unit.0;
    let digits = if value < 10.0 { 2 } else { usize::from(value < 100.0) };
    let text = format!("{value:.digits$}");
    let text = match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    };
    format!("{text} {}", unit.1)
}

impl Scene {
    pub fn new(spec: &ClusterSpec) -> Self {
        let is_many = spec.memories.len() + spec.switches.len() > MANY;
        let mut devices: BTreeMap<&str, Vec<&DeviceSpec>> = BTreeMap::new();
        for device in &spec.devices {
            devices.entry(&device.class).or_default().push(device);
        }
        let class_of = |class: &str| devices.keys().position(|c| *c == class).unwrap_or(0);
        let mut vertices: Vec<Vertex> = Vec::new();
        for memory in &spec.memories {
            let own = spec.devices.iter().filter(|d| d.memory == memory.name);
            let chips = own.clone().map(|d| Chip {
                class: class_of(&d.class),
                text: match d.lanes {
                    1 => d.class.clone(),
                    lanes => format!("{} x{lanes}", d.class),
                },
            });
            let capacity = memory.capacity_bytes.map(size);
            let held = capacity.clone().unwrap_or_else(|| "unlimited".to_owned());
            let computing: Vec<String> = own.map(|d| format!("{} ({})", d.name, d.class)).collect();
            let about = format!("{}: {held}; {}", memory.name, computing.join(", "));
            let mut lines = vec![short(&memory.name)];
            lines.extend(capacity.filter(|_| !is_many));
            let is_main = memory.kind != MemoryKind::Hbm;
            vertices.push(Vertex::new(
                &memory.name,
                Shape::Memory { is_main },
                lines,
                chips,
                about,
            ));
        }
        for switch in &spec.switches {
            let mut lines = vec![short(&switch.name)];
            lines.extend(switch.bytes_per_s.map(rate));
            let about = switch.name.clone();
            let none = std::iter::empty();
            vertices.push(Vertex::new(&switch.name, Shape::Switch, lines, none, about));
        }
        let (links, classes) = links(spec, &vertices);
        let network = match spec.network == NetworkModel::default() {
            true => String::new(),
            false => format!(", {}", crate::clusters::text::network(spec.network)),
        };
        let title = format!(
            "{}: {} memories, {} devices, {} switches, {} links{network}",
            spec.name,
            spec.memories.len(),
            spec.devices.len(),
            spec.switches.len(),
            spec.links.len()
        );
        let devices = devices.iter().map(|(class, all)| device_legend(class, all)).collect();
        Self { vertices, links, classes, devices, title }
    }
}

fn device_legend(class: &str, devices: &[&DeviceSpec]) -> String {
    let lanes: u64 = devices.iter().map(|d| u64::from(d.lanes)).sum();
    let count = devices.len();
    let plural = if count == 1 { "" } else { "s" };
    let speeds = devices.iter().map(|d| d.speed);
    let (least, most) = speeds.fold((f64::MAX, 0.0), |(l, m), s| (s.min(l), s.max(m)));
    let speed = match least == most {
        true => format!("{most:.3e}"),
        false => format!("{least:.3e} to {most:.3e}"),
    };
    let lane = if lanes == 1 { "lane" } else { "lanes" };
    format!("{class}: {count} device{plural}, {lanes} {lane}, {speed} units of work/s each")
}

impl Vertex {
    fn new(
        name: &str,
        shape: Shape,
        lines: Vec<String>,
        chips: impl Iterator<Item = Chip>,
        about: String,
    ) -> Self {
        let chips: Vec<Chip> = chips.collect();
        let texts = lines.iter().chain(chips.iter().map(|c| &c.text));
        let width = texts.map(|t| text_width(t)).fold(20.0, f64::max) + 16.0;
        let chips_top = lines.len() as f64 * LINE + 8.0;
        let height = chips_top + chips.len() as f64 * CHIP;
        Self { name: name.to_owned(), shape, width, height, lines, chips, chips_top, about }
    }
}

/// The name within its frame.
fn short(name: &str) -> String {
    name.split_once('/').map_or(name, |(_, rest)| rest).to_owned()
}

/// Links between known vertices, and their classes.
fn links(spec: &ClusterSpec, vertices: &[Vertex]) -> (Vec<Link>, Vec<Class>) {
    let mut order: Vec<usize> = (0..vertices.len()).collect();
    order.sort_by_key(|v| &vertices[*v].name);
    let find = |name: &String| {
        let at = order.binary_search_by_key(&name, |v| &vertices[*v].name).ok()?;
        Some(order[at])
    };
    let known: Vec<(&LinkSpec, usize, usize)> =
        spec.links.iter().filter_map(|link| Some((link, find(&link.a)?, find(&link.b)?))).collect();
    // The fastest first: sorted by negated rounded bandwidth.
    let key = |link: &LinkSpec| (std::cmp::Reverse(rounded(link.bytes_per_s)), link.duplex as u8);
    let mut keys: BTreeMap<_, Vec<&LinkSpec>> = BTreeMap::new();
    known.iter().for_each(|(link, ..)| keys.entry(key(link)).or_default().push(link));
    let classes: Vec<Class> = keys.values().map(|links| class(links)).collect();
    let class_of = |link: &LinkSpec| keys.keys().position(|k| *k == key(link)).unwrap_or(0);
    let links = known.into_iter().map(|(link, a, b)| Link {
        name: link.name.clone(),
        a,
        b,
        class: class_of(link),
        latency_ns: link.latency_ns,
    });
    (links.collect(), classes)
}

/// Two significant digits of a bandwidth: what differs by less is drawn alike.
fn rounded(bytes_per_s: f64) -> u64 {
    let digits = libm::log10(bytes_per_s.max(1.0)).floor() - 1.0;
    let unit = libm::pow(10.0, digits.max(0.0));
    ((bytes_per_s / unit).round() * unit).min(1e18) as u64
}

fn class(links: &[&LinkSpec]) -> Class {
    let first = links[0];
    let range = |values: &mut dyn Iterator<Item = f64>| {
        values.fold((f64::MAX, 0.0_f64), |(l, m), v| (l.min(v), m.max(v)))
    };
    let (slow, fast) = range(&mut links.iter().map(|l| l.bytes_per_s));
    let (near, far) = range(&mut links.iter().map(|l| l.latency_ns as f64));
    let bandwidth = match rate(slow) == rate(fast) {
        true => rate(fast),
        false => format!("{} to {}", rate(slow), rate(fast)),
    };
    let latency = match near == far {
        true => duration(far as u64),
        false => format!("{} to {}", duration(near as u64), duration(far as u64)),
    };
    let kind = match first.duplex {
        Duplex::Full => "per direction",
        Duplex::Half => "shared by both directions",
        Duplex::Simplex => "one way",
    };
    let text = format!("{bandwidth} {kind}");
    let plural = if links.len() == 1 { "" } else { "s" };
    Class {
        // A tenfold bandwidth is drawn 1.6 points wider.
        width: (1.6 * (libm::log10(fast.max(1.0)) - 8.0)).clamp(1.0, 7.0),
        is_half: first.duplex == Duplex::Half,
        is_simplex: first.duplex == Duplex::Simplex,
        legend: format!("{text}, {latency} ({} link{plural})", links.len()),
        text,
    }
}
