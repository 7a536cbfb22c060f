//! Text that came from a file, made safe to show in a terminal.

/// Whether a character would do something else than be seen: controls, and the marks that turn
/// the direction of text.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(c, '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// The text with everything that is no visible character escaped (`\u{1b}`); line ends too.
pub fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match is_hidden(c) {
            true => out.extend(c.escape_unicode()),
            false => out.push(c),
        }
    }
    out
}

/// A path as [`printable`] text.
pub fn path(path: &std::path::Path) -> String {
    printable(&path.display().to_string())
}

/// As [`printable`], but line ends stay line ends.
pub fn printable_lines(text: &str) -> String {
    text.split('\n').map(printable).collect::<Vec<_>>().join("\n")
}

/// The text with hidden characters replaced by visible ones of the same length in bytes, so that
/// positions stay what they are. Line ends and tabs stay.
pub fn printable_same_length(text: &str) -> String {
    let replace = |c: char| match (is_hidden(c) && c != '\n' && c != '\t', c.len_utf8()) {
        (false, _) => c,
        (true, 1) => '?',
        (true, 2) => '¿',
        (true, _) => '\u{fffd}',
    };
    text.chars().map(replace).collect()
}

/// A duration for people: three digits and a unit.
pub fn duration(ns: u64) -> String {
    let (value, unit) = match ns {
        0..1_000 => return format!("{ns} ns"),
        1_000..1_000_000 => (ns as f64 / 1e3, "us"),
        1_000_000..1_000_000_000 => (ns as f64 / 1e6, "ms"),
        _ => (ns as f64 / 1e9, "s"),
    };
    match value {
        v if v < 10.0 => format!("{v:.2} {unit}"),
        v if v < 100.0 => format!("{v:.1} {unit}"),
        v => format!("{v:.0} {unit}"),
    }
}

/// A quantity for people: three digits, a decimal prefix and the unit.
pub fn significant(value: f64, unit: &str) -> String {
    let prefixes = [(1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""), (1e-3, "m"), (1e-6, "u")];
    let fits = |(scale, _): &&(f64, &str)| value.abs() >= *scale;
    let (scale, prefix) = prefixes.iter().find(fits).unwrap_or(&(1e-6, "u"));
    let scaled = if value == 0.0 { 0.0 } else { value / scale };
    match (value, scaled.abs()) {
        (0.0, _) => format!("0 {unit}"),
        (_, v) if v < 10.0 => format!("{scaled:.2} {prefix}{unit}"),
        (_, v) if v < 100.0 => format!("{scaled:.1} {prefix}{unit}"),
        _ => format!("{scaled:.0} {prefix}{unit}"),
    }
}

/// A size for people, in binary units.
pub fn size(bytes: u64) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < units.len() {
        value /= 1024.0;
        unit += 1;
    }
    match (unit, value) {
        (0, _) => format!("{bytes} B"),
        (_, v) if v < 10.0 => format!("{v:.2} {}", units[unit]),
        (_, v) if v < 100.0 => format!("{v:.1} {}", units[unit]),
        (_, v) => format!("{v:.0} {}", units[unit]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_hidden_gets_through() {
        assert_eq!(printable("a\u{1b}[31mb"), "a\\u{1b}[31mb");
        assert_eq!(printable("<b>é\n"), "<b>é\\u{a}");
        assert_eq!(printable("x\u{202e}y"), "x\\u{202e}y");
        assert_eq!(printable_lines("a\u{7}\nb"), "a\\u{7}\nb");
    }

    #[test]
    fn positions_survive() {
        let text = "a\u{1b}b\u{85}c\u{202e}d\n\te";
        let shown = printable_same_length(text);
        assert_eq!(shown, "a?b¿c\u{fffd}d\n\te");
        assert_eq!(shown.len(), text.len());
    }

    #[test]
    fn numbers_for_people() {
        assert_eq!(duration(999), "999 ns");
        assert_eq!(duration(1_234_000), "1.23 ms");
        assert_eq!(duration(62_000_000_000), "62.0 s");
        assert_eq!(size(1023), "1023 B");
        assert_eq!(size(16 << 30), "16.0 GiB");
        assert_eq!(significant(0.0, "J"), "0 J");
        assert_eq!(significant(1234.0, "J"), "1.23 kJ");
        assert_eq!(significant(0.0456, "J s"), "45.6 mJ s");
        assert_eq!(significant(3.2e-9, "J"), "0.00 uJ");
    }
}
