//! Pictures are well-formed and nothing in them overlaps or is missing.

use super::*;
use crate::clusters;

/// Every element is closed where it should be; `maud` escapes texts.
fn check_nesting(text: &str) {
    let mut open: Vec<&str> = Vec::new();
    let body = text.split_once("?>").unwrap().1;
    for tag in body.split('<').skip(1) {
        let tag = tag.split('>').next().unwrap();
        match tag.strip_prefix('/') {
            Some(name) => assert_eq!(open.pop(), Some(name)),
            None => open.push(tag.split(' ').next().unwrap()),
        }
    }
    assert!(open.is_empty(), "{open:?}");
}

#[test]
fn every_preset_is_drawn_without_overlap() {
    for info in clusters::all() {
        let spec = info.make(&[], 1).unwrap();
        let scene = Scene::new(&spec);
        let placed = layout::place(&scene);
        let boxes: Vec<_> = scene.vertices.iter().zip(&placed.at).collect();
        for (i, (a, at)) in boxes.iter().enumerate() {
            assert!(at.0 - a.width / 2.0 > -0.1 && at.0 + a.width / 2.0 < placed.width + 0.1);
            assert!(at.1 - a.height / 2.0 > -0.1 && at.1 + a.height / 2.0 < placed.height + 0.1);
            for (b, other) in &boxes[i + 1..] {
                let x = (at.0 - other.0).abs() >= (a.width + b.width) / 2.0 - 0.1;
                let y = (at.1 - other.1).abs() >= (a.height + b.height) / 2.0 - 0.1;
                assert!(x || y, "{}: {} is over {}", info.name, a.name, b.name);
            }
        }
        assert_eq!(placed.wires.len(), spec.links.len(), "{}", info.name);
        let text = svg(&spec);
        check_nesting(&text);
        for memory in &spec.memories {
            let name = memory.name.split('/').next_back().unwrap();
            assert!(text.contains(&format!(">{name}</text>")), "{}: {name}", info.name);
        }
    }
}

#[test]
fn names_cannot_break_the_picture() {
    let mut spec = clusters::find("star").unwrap().make(&[], 1).unwrap();
    spec.memories[0].name = "<script>\"&".to_owned();
    spec.devices[0].class = "</svg>".to_owned();
    spec.links.push(runtime::cluster::LinkSpec { a: "nowhere".to_owned(), ..Default::default() });
    let text = svg(&spec);
    check_nesting(&text);
    assert!(!text.contains("<script>"), "{text}");
}

#[test]
fn a_cluster_of_one_memory_is_a_picture_too() {
    let mut spec = clusters::find("ring").unwrap().make(&[], 1).unwrap();
    spec.memories.truncate(1);
    spec.devices.truncate(1);
    spec.links.clear();
    check_nesting(&svg(&spec));
    check_nesting(&svg(&ClusterSpec::default()));
}
