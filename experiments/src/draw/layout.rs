//! Where vertices go: on a grid, in layers or on a circle, by what the cluster looks like.

use super::scene::{Scene, Shape};
use std::collections::{BTreeMap, VecDeque};
use std::f64::consts::TAU;

/// Between neighbours on a row, and on a circle.
const GAP: f64 = 18.0;
/// Between rows of layers, where links must be told apart.
const ROW_GAP: f64 = 74.0;
/// Items side by side at most.
const MAX_PER_ROW: usize = 36;
/// Within a frame, around what it holds; more above, for its name.
const PADDING: f64 = 14.0;
const HEADING: f64 = 26.0;

type Point = (f64, f64);

pub struct Placed {
    pub width: f64,
    pub height: f64,
    /// Centers of vertices.
    pub at: Vec<Point>,
    pub frames: Vec<Frame>,
    pub wires: Vec<Wire>,
}

pub struct Frame {
    pub name: String,
    pub x: f64,
    pub y: f64,
    pub width: f64,
    pub height: f64,
}

pub struct Wire {
    /// Index of the link.
    pub link: usize,
    pub from: Point,
    pub to: Point,
    /// Control point of the curve between them.
    pub bend: Point,
    /// Leads around the end of a grid: only its ends are drawn, on the far sides.
    pub is_around: bool,
}

/// Something to be placed: a vertex, or a frame with all that is in it.
#[derive(Clone, Default)]
struct Item {
    name: String,
    width: f64,
    height: f64,
    is_switch: bool,
    /// A memory of an accelerator, which stands below those of processors.
    is_lower: bool,
}

/// Finds all places.
pub fn place(scene: &Scene) -> Placed {
    let groups = groups(scene);
    let mut item_of = vec![(0, 0); scene.vertices.len()];
    let mut inside: Vec<(Vec<Point>, Point)> = Vec::new();
    let mut items: Vec<Item> = Vec::new();
    for (g, (name, members)) in groups.iter().enumerate() {
        members.iter().enumerate().for_each(|(i, v)| item_of[*v] = (g, i));
        let own: Vec<Item> = members.iter().map(|v| item(scene, *v)).collect();
        if name.is_none() {
            inside.push((vec![(0.0, 0.0)], (0.0, 0.0)));
            items.push(own[0].clone());
            continue;
        }
        let edges: Vec<(usize, usize)> = (scene.links.iter())
            .filter(|l| members.contains(&l.a) && members.contains(&l.b))
            .map(|l| (position(members, l.a), position(members, l.b)))
            .collect();
        let (at, (width, height)) = arrange(&own, &edges);
        items.push(Item {
            name: name.clone().unwrap_or_default(),
            width: width + 2.0 * PADDING,
            height: height + PADDING + HEADING,
            ..Item::default()
        });
        inside.push((at, (width, height)));
    }
    let mut outer: Vec<(usize, usize)> =
        scene.links.iter().map(|l| (item_of[l.a].0, item_of[l.b].0)).collect();
    outer.retain(|(a, b)| a != b);
    let (centers, (width, height)) = arrange(&items, &outer);
    let mut at = vec![(0.0, 0.0); scene.vertices.len()];
    let mut frames = Vec::new();
    for (g, (name, members)) in groups.iter().enumerate() {
        let (x, y) = centers[g];
        let (left, top) = (x - items[g].width / 2.0, y - items[g].height / 2.0);
        for (i, vertex) in members.iter().enumerate() {
            let within = inside[g].0[i];
            at[*vertex] = match name {
                None => (x, y),
                Some(_) => (left + PADDING + within.0, top + HEADING + within.1),
            };
        }
        if let Some(name) = name {
            let (width, height) = (items[g].width, items[g].height);
            frames.push(Frame { name: name.clone(), x: left, y: top, width, height });
        }
    }
    let wires = wires(scene, &at);
    let mut placed = Placed { width, height, at, frames, wires };
    placed.make_room();
    placed
}

impl Placed {
    /// Makes the picture large enough for curves that leave the box around the vertices.
    fn make_room(&mut self) {
        let (mut left, mut top) = (0.0_f64, 0.0_f64);
        for wire in &self.wires {
            let (x, y) = wire.middle();
            (left, top) = (left.min(x - 4.0), top.min(y - 4.0));
            (self.width, self.height) = (self.width.max(x + 4.0), self.height.max(y + 4.0));
        }
        let moved = |p: Point| (p.0 - left, p.1 - top);
        (self.width, self.height) = moved((self.width, self.height));
        self.at.iter_mut().for_each(|p| *p = moved(*p));
        self.frames.iter_mut().for_each(|f| (f.x, f.y) = moved((f.x, f.y)));
        for wire in &mut self.wires {
            let points = [&mut wire.from, &mut wire.to, &mut wire.bend];
            points.into_iter().for_each(|p| *p = moved(*p));
        }
    }
}

impl Wire {
    /// The point half way along the curve.
    pub fn middle(&self) -> Point {
        let (a, b, c) = (self.from, self.to, self.bend);
        ((a.0 + 2.0 * c.0 + b.0) / 4.0, (a.1 + 2.0 * c.1 + b.1) / 4.0)
    }
}

fn position(members: &[usize], vertex: usize) -> usize {
    members.iter().position(|m| *m == vertex).unwrap_or(0)
}

fn item(scene: &Scene, vertex: usize) -> Item {
    let v = &scene.vertices[vertex];
    Item {
        name: v.name.clone(),
        width: v.width,
        height: v.height,
        is_switch: v.shape == Shape::Switch,
        is_lower: v.shape == Shape::Memory { is_main: false },
    }
}

/// Vertices by the beginning of their names, in order of appearance; `None` = by itself.
fn groups(scene: &Scene) -> Vec<(Option<String>, Vec<usize>)> {
    let mut groups: Vec<(Option<String>, Vec<usize>)> = Vec::new();
    let mut known: BTreeMap<&str, usize> = BTreeMap::new();
    for (i, vertex) in scene.vertices.iter().enumerate() {
        match vertex.name.split_once('/') {
            None => groups.push((None, vec![i])),
            Some((begin, _)) => {
                let group = *known.entry(begin).or_insert_with(|| {
                    groups.push((Some(begin.to_owned()), Vec::new()));
                    groups.len() - 1
                });
                groups[group].1.push(i);
            }
        }
    }
    groups
}

/// Places items in a box that begins at the origin: their centers, and its width and height.
fn arrange(items: &[Item], edges: &[(usize, usize)]) -> (Vec<Point>, Point) {
    if items.is_empty() {
        return (Vec::new(), (0.0, 0.0));
    }
    let spots: Vec<Option<Vec<i64>>> = items.iter().map(|i| coordinates(&i.name)).collect();
    let on_grid = spots.iter().flatten().count();
    let is_layered = items.iter().any(|i| i.is_switch || i.is_lower);
    let at = if on_grid * 2 > items.len() {
        grid(items, &spots, edges)
    } else if is_layered || items.len() < 3 {
        layers(items, edges)
    } else {
        circle(items)
    };
    boxed(items, at)
}

/// Moves everything so that the box around it begins at the origin.
fn boxed(items: &[Item], mut at: Vec<Point>) -> (Vec<Point>, Point) {
    let each = || items.iter().zip(&at);
    let left = each().map(|(i, p)| p.0 - i.width / 2.0).fold(f64::MAX, f64::min);
    let right = each().map(|(i, p)| p.0 + i.width / 2.0).fold(f64::MIN, f64::max);
    let top = each().map(|(i, p)| p.1 - i.height / 2.0).fold(f64::MAX, f64::min);
    let bottom = each().map(|(i, p)| p.1 + i.height / 2.0).fold(f64::MIN, f64::max);
    at.iter_mut().for_each(|p| *p = (p.0 - left, p.1 - top));
    (at, (right - left, bottom - top))
}

/// The numbers at the end of `node1,2`; at least two of them.
fn coordinates(name: &str) -> Option<Vec<i64>> {
    let end = name.trim_start_matches(|c: char| !c.is_ascii_digit());
    let all: Option<Vec<i64>> = end.split(',').map(|n| n.parse().ok()).collect();
    all.filter(|all| all.len() >= 2)
}

/// Items with coordinates where these say; all others at the left, by their neighbours. In three
/// dimensions each place of a plane holds a stair of the items along the first one, so that no link
/// is hidden.
fn grid(items: &[Item], spots: &[Option<Vec<i64>>], edges: &[(usize, usize)]) -> Vec<Point> {
    let placed = || items.iter().zip(spots).filter_map(|(i, s)| Some((i, s.as_ref()?)));
    let width = placed().map(|(i, _)| i.width).fold(0.0, f64::max);
    let height = placed().map(|(i, _)| i.height).fold(0.0, f64::max);
    let size = |d: usize| placed().filter_map(|(_, s)| s.get(d)).max().map_or(1, |m| m + 1) as f64;
    let is_deep = placed().any(|(_, s)| s.len() > 2);
    let steps = if is_deep { size(0) - 1.0 } else { 0.0 };
    let stair = (0.55 * width, height + 6.0);
    let cell = (width + steps * stair.0 + 2.0 * GAP, height + steps * stair.1 + 2.0 * GAP);
    let spot = |s: &[i64]| match s {
        [x, y, z, ..] => {
            (*z as f64 * cell.0 + *x as f64 * stair.0, *y as f64 * cell.1 + *x as f64 * stair.1)
        }
        [x, y] => (*y as f64 * cell.0, *x as f64 * cell.1),
        _ => (0.0, 0.0),
    };
    let mut at: Vec<Point> =
        spots.iter().map(|s| s.as_ref().map_or((0.0, 0.0), |s| spot(s))).collect();
    let mut rest: Vec<(f64, usize)> = Vec::new();
    for (i, _) in spots.iter().enumerate().filter(|(_, s)| s.is_none()) {
        let ends = edges.iter().filter_map(|&(a, b)| match (a == i, b == i) {
            (true, false) => Some(b),
            (false, true) => Some(a),
            _ => None,
        });
        let ys: Vec<f64> = ends.filter(|e| spots[*e].is_some()).map(|e| at[e].1).collect();
        let mean = ys.iter().sum::<f64>() / ys.len() as f64;
        rest.push((if ys.is_empty() { f64::MAX } else { mean }, i));
    }
    rest.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let mut below = f64::MIN;
    for (wanted, i) in rest {
        let half = items[i].height / 2.0;
        let bottom = if below == f64::MIN { 0.0 } else { below };
        let y = if wanted == f64::MAX { bottom + half } else { wanted.max(below + half) };
        at[i] = (-(width / 2.0 + items[i].width / 2.0 + ROW_GAP), y);
        below = y + half + 6.0;
    }
    at
}

/// All on a circle that is large enough for the widest.
fn circle(items: &[Item]) -> Vec<Point> {
    let widest = items.iter().map(|i| i.width.max(i.height)).fold(0.0, f64::max) + GAP;
    let count = items.len() as f64;
    let radius = (widest / 2.0 / libm::sin(TAU / 2.0 / count.max(2.0))).max(widest);
    let spot = |i: usize| {
        let angle = TAU * (i as f64 / count - 0.25);
        (radius * libm::cos(angle), radius * libm::sin(angle))
    };
    (0..items.len()).map(spot).collect()
}

/// Layers by the number of links from the memories: switches above memories that are all alike,
/// accelerators below the memories of processors.
fn layers(items: &[Item], edges: &[(usize, usize)]) -> Vec<Point> {
    let is_down = items.iter().any(|i| i.is_lower);
    let is_source = |i: &Item| !i.is_switch && !i.is_lower;
    let mut around: Vec<Vec<usize>> = vec![Vec::new(); items.len()];
    for &(a, b) in edges {
        around[a].push(b);
        around[b].push(a);
    }
    let mut level = vec![usize::MAX; items.len()];
    let mut queue: VecDeque<usize> = VecDeque::new();
    for i in 0..items.len() {
        if is_source(&items[i]) {
            level[i] = 0;
            queue.push_back(i);
        }
    }
    while let Some(at) = queue.pop_front() {
        for &next in &around[at] {
            if level[next] == usize::MAX {
                level[next] = level[at] + 1;
                queue.push_back(next);
            }
        }
    }
    let mut rows: Vec<Vec<usize>> = Vec::new();
    for (i, level) in level.iter().enumerate() {
        let level = if *level == usize::MAX { 0 } else { *level };
        rows.resize_with(rows.len().max(level + 1), Vec::new);
        rows[level].push(i);
    }
    // The widest row stands evenly; the others follow it, those nearest to it first.
    let widest =
        (0..rows.len()).max_by_key(|r| (rows[*r].len(), std::cmp::Reverse(*r))).unwrap_or(0);
    let mut at = vec![(0.0, 0.0); items.len()];
    evenly(items, &rows[widest], &mut at);
    let order =
        (0..widest).rev().map(|r| (r, r + 1)).chain((widest + 1..rows.len()).map(|r| (r, r - 1)));
    for (row, before) in order {
        let row = &mut rows[row];
        let near = |i: usize| {
            let by = around[i]
                .iter()
                .filter(|n| level[**n] == before || (before == 0 && level[**n] == usize::MAX));
            let xs: Vec<f64> = by.map(|n| at[*n].0).collect();
            if xs.is_empty() { 0.0 } else { xs.iter().sum::<f64>() / xs.len() as f64 }
        };
        let wanted: Vec<f64> = row.iter().map(|i| near(*i)).collect();
        let mut sorted: Vec<usize> = (0..row.len()).collect();
        sorted.sort_by(|a, b| wanted[*a].total_cmp(&wanted[*b]).then(a.cmp(b)));
        let wanted: Vec<f64> = sorted.iter().map(|i| wanted[*i]).collect();
        *row = sorted.iter().map(|i| row[*i]).collect();
        follow(items, row, &wanted, &mut at);
    }
    stack(items, &rows, is_down, &mut at);
    at
}

/// A row side by side.
fn evenly(items: &[Item], row: &[usize], at: &mut [Point]) {
    let per_row = row.len().div_ceil(row.len().div_ceil(MAX_PER_ROW).max(1)).max(1);
    for part in row.chunks(per_row) {
        let mut x = 0.0;
        for &i in part {
            at[i].0 = x + items[i].width / 2.0;
            x += items[i].width + GAP;
        }
    }
}

/// A row where it wants to be, pushed apart where items would overlap: each run of items that
/// touch is centered on the mean of their wishes.
fn follow(items: &[Item], row: &[usize], wanted: &[f64], at: &mut [Point]) {
    // Runs as (first, end, left edge); neighbours that overlap are joined.
    let width = |k: usize| items[row[k]].width + GAP;
    let mut runs: Vec<(usize, usize, f64)> = Vec::new();
    for (k, wish) in wanted.iter().enumerate() {
        runs.push((k, k + 1, wish - width(k) / 2.0));
        while let [.., (a, b, left), (_, end, right)] = runs[..] {
            let length: f64 = (a..b).map(width).sum();
            if left + length <= right {
                break;
            }
            runs.truncate(runs.len() - 2);
            let (mut offset, mut sum) = (0.0, 0.0);
            (a..end).for_each(|k| {
                sum += wanted[k] - offset - width(k) / 2.0;
                offset += width(k);
            });
            runs.push((a, end, sum / (end - a) as f64));
        }
    }
    for (a, b, left) in runs {
        let mut x = left;
        for k in a..b {
            at[row[k]].0 = x + width(k) / 2.0;
            x += width(k);
        }
    }
}

/// Rows below each other; sources at the bottom unless accelerators hang below them.
fn stack(items: &[Item], rows: &[Vec<usize>], is_down: bool, at: &mut [Point]) {
    let order: Vec<usize> = match is_down {
        true => (0..rows.len()).collect(),
        false => (0..rows.len()).rev().collect(),
    };
    let mut y = 0.0;
    for row in order {
        let row = &rows[row];
        let per_row = row.len().div_ceil(row.len().div_ceil(MAX_PER_ROW).max(1)).max(1);
        for part in row.chunks(per_row) {
            let height = part.iter().map(|i| items[*i].height).fold(0.0, f64::max);
            part.iter().for_each(|i| at[*i].1 = y + height / 2.0);
            y += height + GAP;
        }
        y += ROW_GAP - GAP;
    }
}

/// Links as curves: straight, but bent around what stands between their ends and apart from
/// others of the same ends.
fn wires(scene: &Scene, at: &[Point]) -> Vec<Wire> {
    let mut same: BTreeMap<(usize, usize), usize> = BTreeMap::new();
    let total = |l: &super::scene::Link| (l.a.min(l.b), l.a.max(l.b));
    let mut counts: BTreeMap<(usize, usize), usize> = BTreeMap::new();
    scene.links.iter().for_each(|l| *counts.entry(total(l)).or_default() += 1);
    let boxes: Vec<(Point, f64, f64)> =
        scene.vertices.iter().zip(at).map(|(v, p)| (*p, v.width / 2.0, v.height / 2.0)).collect();
    let mut wires = Vec::with_capacity(scene.links.len());
    for (index, link) in scene.links.iter().enumerate() {
        let (from, to) = (at[link.a], at[link.b]);
        let key = total(link);
        let nth = same.entry(key).or_default();
        let apart = *nth as f64 - (counts[&key] - 1) as f64 / 2.0;
        *nth += 1;
        let (x, y) = (to.0 - from.0, to.1 - from.1);
        let length = (x * x + y * y).sqrt().max(1e-9);
        // Perpendicular, the same for both directions between two vertices.
        let sign = if link.a < link.b { 1.0 } else { -1.0 };
        let (nx, ny) = (-y / length * sign, x / length * sign);
        let is_level = x.abs() < 1.0 || y.abs() < 1.0;
        let is_blocked = is_level && scene.links.len() < 4096 && blocked(&boxes, link, from, to);
        let bow = if is_blocked { (length * 0.2).clamp(28.0, 70.0) } else { 0.0 };
        let bow = bow + apart * 22.0;
        let middle = ((from.0 + to.0) / 2.0, (from.1 + to.1) / 2.0);
        // The middle of a quadratic curve is half as far out as its control point.
        let bend = (middle.0 + 2.0 * bow * nx, middle.1 + 2.0 * bow * ny);
        let is_around = is_around(&scene.vertices[link.a].name, &scene.vertices[link.b].name);
        let bend = if is_around { middle } else { bend };
        wires.push(Wire { link: index, from, to, bend, is_around });
    }
    wires
}

/// Whether two vertices of a grid are further apart than neighbours.
fn is_around(a: &str, b: &str) -> bool {
    let (Some(a), Some(b)) = (coordinates(a), coordinates(b)) else { return false };
    a.len() == b.len() && a.iter().zip(&b).any(|(a, b)| a.abs_diff(*b) > 1)
}

/// Whether a straight line along a row or column would run behind other vertices.
fn blocked(boxes: &[(Point, f64, f64)], link: &super::scene::Link, a: Point, b: Point) -> bool {
    let (left, right) = (a.0.min(b.0), a.0.max(b.0));
    let (top, bottom) = (a.1.min(b.1), a.1.max(b.1));
    boxes.iter().enumerate().any(|(i, (p, half_width, half_height))| {
        i != link.a
            && i != link.b
            && p.0 + half_width > left
            && p.0 - half_width < right
            && p.1 + half_height > top
            && p.1 - half_height < bottom
    })
}
