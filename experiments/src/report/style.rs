//! One colour and dash per scheduler, and one colour per use of a lane's time, throughout.

use crate::metrics::Cause;
use plotly::common::DashType;

/// Twelve colours that stay apart for people with any of the three kinds of dichromacy, and that
/// can be seen on white and on near-black. The first six are those of Okabe and Ito (2008) that
/// are neither black nor light; the rest were searched for the largest least distance in OKLab
/// over the simulated deficiencies of Machado, Oliveira and Fernandes (2009).
pub const COLOURS: [&str; 12] = [
    "#0072b2", "#e69f00", "#009e73", "#d55e00", "#56b4e9", "#cc79a7", "#aa66ee", "#88aa66",
    "#cc2222", "#886666", "#cc00aa", "#aa00ee",
];

/// The dashes that tell lines apart without colour, by plotly's names and as SVG dash arrays.
const DASHES: [(&str, &str); 6] = [
    ("solid", ""),
    ("dash", "9 5"),
    ("dot", "2 4"),
    ("dashdot", "9 4 2 4"),
    ("longdash", "14 5"),
    ("longdashdot", "14 4 2 4"),
];

/// How a scheduler is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// `#rrggbb`.
    pub colour: &'static str,
    dash: usize,
}

impl Style {
    /// The style of the scheduler at `index` in the sorted list of all; the first 72 differ.
    pub fn of(index: usize) -> Self {
        let round = index / COLOURS.len();
        Self { colour: COLOURS[index % COLOURS.len()], dash: (index + round) % DASHES.len() }
    }

    /// For charts.
    pub fn dash(self) -> DashType {
        match DASHES[self.dash].0 {
            "dash" => DashType::Dash,
            "dot" => DashType::Dot,
            "dashdot" => DashType::DashDot,
            "longdash" => DashType::LongDash,
            "longdashdot" => DashType::LongDashDot,
            _ => DashType::Solid,
        }
    }

    /// Plotly's name of the dash.
    pub fn dash_name(self) -> &'static str {
        DASHES[self.dash].0
    }

    /// The dash as an SVG `stroke-dasharray`.
    pub fn dash_array(self) -> &'static str {
        DASHES[self.dash].1
    }
}

/// Colour of a lane that computes.
pub const COMPUTE: &str = "#7f93a8";

/// Colour of a lane that waits.
pub fn cause_colour(cause: Cause) -> &'static str {
    match cause {
        Cause::Dependency => "#f0c75e",
        Cause::Data => "#e8743b",
        Cause::Memory => "#a24bb8",
        Cause::Lock => "#c2183c",
        Cause::Scheduler => "#2aa198",
        Cause::Launch => "#6b4a2b",
        // Seen through, so that it stays in the background of light and dark pages.
        Cause::Lost => "#7d1128",
        Cause::Away => "#444b54",
        Cause::NoWork => "rgba(128,140,152,0.36)",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Relative luminance of the Web Content Accessibility Guidelines 2.
    fn luminance(colour: &str) -> f64 {
        let channel = |at: usize| {
            let value = f64::from(u8::from_str_radix(&colour[at..at + 2], 16).unwrap()) / 255.0;
            match value <= 0.04045 {
                true => value / 12.92,
                false => libm::pow((value + 0.055) / 1.055, 2.4),
            }
        };
        0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
    }

    #[test]
    fn every_colour_shows_on_both_backgrounds() {
        for colour in COLOURS {
            let light = 1.05 / (luminance(colour) + 0.05);
            let dark = (luminance(colour) + 0.05) / (luminance("#14171b") + 0.05);
            assert!(light > 2.2 && dark > 3.0, "{colour}: {light} on white, {dark} on dark");
        }
    }

    #[test]
    fn seventy_two_schedulers_can_be_told_apart() {
        let styles: Vec<Style> = (0..72).map(Style::of).collect();
        for (i, a) in styles.iter().enumerate() {
            assert!(!styles[..i].contains(a), "scheduler {i} looks like an earlier one");
        }
    }
}
