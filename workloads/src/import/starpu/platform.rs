//! `bus/<machine>.platform.xml`: the machine as SimGrid is told of it.

use super::error::StarpuError;

/// What is taken from it.
#[derive(Clone, Debug, PartialEq)]
pub struct Platform {
    /// Model and bytes of memory of each CUDA device.
    pub cudas: Vec<(String, u64)>,
    /// Bandwidth in bytes per second that all transfers to and from main memory share.
    pub host: Option<f64>,
}

/// Reads the description of a machine with that many CUDA devices.
pub fn read(file: &str, text: &str, cudas: u32) -> Result<Platform, StarpuError> {
    let options = roxmltree::ParsingOptions { allow_dtd: true, ..Default::default() };
    let tree = roxmltree::Document::parse_with_options(text, options).map_err(|source| {
        StarpuError::Xml { file: file.to_owned(), line: source.pos().row, source }
    })?;
    let named = |tag: &str, id: &str| {
        tree.descendants().find(|n| n.has_tag_name(tag) && n.attribute("id") == Some(id))
    };
    let damaged = |node: roxmltree::Node<'_, '_>, expected: &str, found: &str| {
        let line = tree.text_pos_at(node.range().start).row as usize;
        let (expected, found) = (expected.to_owned(), found.to_owned());
        StarpuError::Damaged { file: file.to_owned(), line, expected, found }
    };
    let mut devices = Vec::new();
    for id in 0..cudas {
        let what = format!("host CUDA{id}");
        let host = named("host", &format!("CUDA{id}"))
            .ok_or_else(|| StarpuError::NotDescribed { file: file.to_owned(), what })?;
        let prop = |id: &str| host.children().find(|n| n.attribute("id") == Some(id));
        let value = |id: &str| prop(id).and_then(|n| n.attribute("value"));
        let size = value("memsize").unwrap_or("nothing");
        let bytes = size.parse().ok().filter(|b| *b > 0);
        let bytes = bytes.ok_or_else(|| damaged(host, "a memsize in bytes", size))?;
        devices.push((value("model").unwrap_or("a CUDA device").to_owned(), bytes));
    }
    let host = match named("link", "Host").or_else(|| named("link", "Share")) {
        None => None,
        Some(link) => {
            let given = link.attribute("bandwidth").unwrap_or("nothing");
            let rate = given.trim_end_matches("Bps").parse::<f64>().ok();
            let rate = rate.filter(|r| r.is_finite() && *r > 0.0);
            Some(rate.ok_or_else(|| damaged(link, "a bandwidth in bytes per second", given))?)
        }
    };
    Ok(Platform { cudas: devices, host })
}
