//! A cluster as a picture (SVG).
//!
//! Map: `scene` is what there is to be drawn: vertices with their texts and the links between them;
//! `layout` finds places; this module draws. Vertices whose names begin alike up to a `/` share a
//! frame and are placed by themselves first.

mod layout;
mod scene;

use crate::report::style::COLOURS;
use maud::{Markup, html};
use runtime::ClusterSpec;
use scene::{Scene, Shape, Vertex};

/// Around the picture, and between picture and legend.
const MARGIN: f64 = 24.0;
/// Height of a line of the legend.
const LEGEND_LINE: f64 = 20.0;

/// The picture of any cluster, checked or not: links to names that nothing has are left out.
pub fn svg(spec: &ClusterSpec) -> String {
    let scene = Scene::new(spec);
    let placed = layout::place(&scene);
    let legend = Legend::new(&scene);
    let width = (placed.width + 2.0 * MARGIN).max(legend.width());
    let height = placed.height + 3.0 * MARGIN + legend.height();
    let left = (width - placed.width) / 2.0;
    let picture = html! {
        svg xmlns="http://www.w3.org/2000/svg" viewBox=(format!("0 0 {width:.0} {height:.0}"))
            width=(format!("{width:.0}")) height=(format!("{height:.0}"))
            font-family="system-ui, sans-serif" font-size="12" {
            title { (spec.name) }
            rect width="100%" height="100%" fill="white" {}
            g transform=(format!("translate({left:.1} {MARGIN})")) {
                @for frame in &placed.frames { (frame_of(frame)) }
                @for wire in &placed.wires { (wire_of(&scene, wire)) }
                @for (vertex, at) in scene.vertices.iter().zip(&placed.at) {
                    (vertex_of(vertex, *at))
                }
            }
            g transform=(format!("translate({MARGIN} {:.1})", placed.height + 2.0 * MARGIN)) {
                (legend.draw())
            }
        }
    };
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{}\n", picture.into_string())
}

fn frame_of(frame: &layout::Frame) -> Markup {
    html! {
        rect x=(px(frame.x)) y=(px(frame.y)) width=(px(frame.width)) height=(px(frame.height))
            rx="8" fill="#f6f7f9" stroke="#b8bec6" {}
        text x=(px(frame.x + 8.0)) y=(px(frame.y + 16.0)) fill="#4a525c" { (frame.name) }
    }
}

fn wire_of(scene: &Scene, wire: &layout::Wire) -> Markup {
    let link = &scene.links[wire.link];
    let class = &scene.classes[link.class];
    let (a, b, by) = (wire.from, wire.to, wire.bend);
    let path = match wire.is_around {
        true => stub(&scene.vertices[link.a], a, b) + &stub(&scene.vertices[link.b], b, a),
        false => {
            format!("M{:.1} {:.1}Q{:.1} {:.1} {:.1} {:.1}", a.0, a.1, by.0, by.1, b.0, b.1)
        }
    };
    let middle = wire.middle();
    html! {
        path d=(path) fill="none" stroke=(COLOURS[link.class % COLOURS.len()])
            stroke-width=(px(class.width)) stroke-opacity="0.75"
            stroke-dasharray=[(class.is_half).then_some("7 3")] {
            title { (link.name) ": " (class.text) ", " (crate::shown::duration(link.latency_ns)) }
        }
        @if class.is_simplex && !wire.is_around {
            // Which way it leads.
            (arrow(middle, (b.0 - a.0, b.1 - a.1), COLOURS[link.class % COLOURS.len()]))
        }
    }
}

/// The beginning of a link that leads from a vertex at `at` away from `other`.
fn stub(vertex: &Vertex, at: (f64, f64), other: (f64, f64)) -> String {
    let (x, y) = (at.0 - other.0, at.1 - other.1);
    // To the edge of the box, and a little further.
    let reach =
        (vertex.width / 2.0 / x.abs().max(1e-9)).min(vertex.height / 2.0 / y.abs().max(1e-9));
    let length = (x * x + y * y).sqrt().max(1e-9);
    let share = reach + 14.0 / length;
    format!("M{:.1} {:.1}L{:.1} {:.1}", at.0, at.1, at.0 + x * share, at.1 + y * share)
}

/// A triangle at `at` that points along `way`.
fn arrow(at: (f64, f64), way: (f64, f64), colour: &str) -> Markup {
    let length = (way.0 * way.0 + way.1 * way.1).sqrt().max(1e-9);
    let (x, y) = (way.0 / length * 6.0, way.1 / length * 6.0);
    let points = [(x, y), (-x - y, -y + x), (-x + y, -y - x)];
    let points: Vec<String> =
        points.iter().map(|p| format!("{:.1},{:.1}", at.0 + p.0, at.1 + p.1)).collect();
    html! { polygon points=(points.join(" ")) fill=(colour) {} }
}

fn vertex_of(vertex: &Vertex, (x, y): (f64, f64)) -> Markup {
    let (left, top) = (x - vertex.width / 2.0, y - vertex.height / 2.0);
    let (fill, stroke, round) = match vertex.shape {
        Shape::Switch => ("#3d4650", "#3d4650", vertex.height / 2.0),
        Shape::Memory { .. } => ("#ffffff", "#3d4650", 4.0),
    };
    let colour = if matches!(vertex.shape, Shape::Switch) { "white" } else { "#1d2329" };
    html! {
        g {
            title { (vertex.about) }
            rect x=(px(left)) y=(px(top)) width=(px(vertex.width)) height=(px(vertex.height))
                rx=(px(round)) fill=(fill) stroke=(stroke) {}
            @for (i, line) in vertex.lines.iter().enumerate() {
                text x=(px(x)) y=(px(top + 16.0 + i as f64 * scene::LINE)) fill=(colour)
                    text-anchor="middle" { (line) }
            }
            @for (i, chip) in vertex.chips.iter().enumerate() {
                (chip_of(chip, x, top + vertex.chips_top + i as f64 * scene::CHIP, vertex.width))
            }
        }
    }
}

fn chip_of(chip: &scene::Chip, x: f64, top: f64, width: f64) -> Markup {
    let width = (width - 6.0).max(2.0);
    let height = scene::CHIP - 2.0;
    html! {
        rect x=(px(x - width / 2.0)) y=(px(top)) width=(px(width)) height=(px(height)) rx="3"
            fill=(COLOURS[(chip.class + scene::CLASS_COLOURS) % COLOURS.len()])
            fill-opacity="0.3" {}
        text x=(px(x)) y=(px(top + height - 4.5)) text-anchor="middle" fill="#1d2329" {
            (chip.text)
        }
    }
}

/// What colours mean: classes of links at the left, of devices at the right.
struct Legend<'a> {
    scene: &'a Scene,
}

/// Classes of links named in the legend.
const MAX_CLASSES: usize = 14;

impl<'a> Legend<'a> {
    fn new(scene: &'a Scene) -> Self {
        Self { scene }
    }

    fn width(&self) -> f64 {
        let widest = |texts: Vec<&String>| {
            texts.into_iter().map(|t| scene::text_width(t)).fold(0.0, f64::max)
        };
        let classes = widest(self.scene.classes.iter().map(|c| &c.legend).collect());
        let devices = widest(self.scene.devices.iter().collect());
        3.0 * MARGIN + 110.0 + classes + devices
    }

    fn lines(&self) -> usize {
        let classes = self.scene.classes.len();
        let shown = if classes > MAX_CLASSES { MAX_CLASSES + 1 } else { classes };
        shown.max(self.scene.devices.len()) + 1
    }

    fn height(&self) -> f64 {
        self.lines() as f64 * LEGEND_LINE
    }

    fn draw(&self) -> Markup {
        let y = |i: usize| (i + 1) as f64 * LEGEND_LINE;
        let classes = self.scene.classes.iter().map(|c| scene::text_width(&c.legend));
        let right = 60.0 + MARGIN + classes.fold(0.0, f64::max);
        let others = self.scene.classes.len().saturating_sub(MAX_CLASSES);
        html! {
            text x="0" y="0" font-weight="600" fill="#1d2329" { (self.scene.title) }
            @for (i, class) in self.scene.classes.iter().take(MAX_CLASSES).enumerate() {
                line x1="0" x2="44" y1=(px(y(i) - 4.0)) y2=(px(y(i) - 4.0))
                    stroke=(COLOURS[i % COLOURS.len()]) stroke-width=(px(class.width))
                    stroke-dasharray=[(class.is_half).then_some("7 3")] {}
                text x="56" y=(px(y(i))) fill="#1d2329" { (class.legend) }
            }
            @if others > 0 {
                text x="56" y=(px(y(MAX_CLASSES))) fill="#4a525c" { "and " (others) " more" }
            }
            @for (i, device) in self.scene.devices.iter().enumerate() {
                rect x=(px(right)) y=(px(y(i) - 12.0)) width="26" height="14" rx="3"
                    fill=(COLOURS[(i + scene::CLASS_COLOURS) % COLOURS.len()])
                    fill-opacity="0.3" {}
                text x=(px(right + 36.0)) y=(px(y(i))) fill="#1d2329" { (device) }
            }
        }
    }
}

/// A length, short.
fn px(value: f64) -> String {
    format!("{value:.1}")
}

#[cfg(test)]
mod tests;
