//! What all charts share. Colours of text, axes and backgrounds come from the page's style sheet,
//! which follows the reader's choice of light or dark; those here are for exported pictures.

use crate::shown::printable;
use maud::{Markup, PreEscaped, html};
use plotly::common::{Anchor, Font, Label, Orientation};
use plotly::configuration::{ImageButtonFormats, ModeBarButtonName, ToImageButtonOptions};
use plotly::layout::{Axis, HoverMode, Legend, Margin};
use plotly::{Configuration, Layout, Plot};

const TEXT: &str = "#333a42";
const GRID: &str = "#d9dee3";

/// A name made safe for a chart: charts read a little HTML in every text, so its marks are written
/// as entities; hidden characters are made visible.
pub fn safe(name: &str) -> String {
    printable(name).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// A layout without a title: the question stands above the chart.
pub fn layout(legend: Legend) -> Layout {
    let clear = "rgba(0,0,0,0)";
    Layout::new()
        .paper_background_color(clear)
        .plot_background_color(clear)
        .font(Font::new().family("system-ui, sans-serif").size(13).color(TEXT))
        .hover_mode(HoverMode::Closest)
        .hover_label(Label::new().name_length(-1))
        .margin(Margin::new().left(70).right(20).top(16).bottom(56))
        .legend(legend)
}

/// A legend below the axis title of a chart of a height in pixels.
pub fn legend_below(height_px: usize) -> Legend {
    let plot_px = height_px.saturating_sub(2 * BELOW_PX).max(1) as f64;
    let y = short(-(BELOW_PX as f64) / plot_px);
    Legend::new().orientation(Orientation::Horizontal).x(0.0).y(y).y_anchor(Anchor::Top)
}

/// Room for an axis with its title.
const BELOW_PX: usize = 66;

/// An axis with a light grid.
pub fn axis(title: &str) -> Axis {
    Axis::new().title(title).grid_color(GRID).zero_line(false).auto_margin(true).line_color(GRID)
}

/// The chart as a part of the page; `anchor` becomes the name of exported pictures.
pub fn inline(mut plot: Plot, anchor: &str, height_px: usize) -> Markup {
    let picture = ToImageButtonOptions::new().format(ImageButtonFormats::Svg).filename(anchor);
    let buttons = vec![ModeBarButtonName::Select2d, ModeBarButtonName::Lasso2d];
    plot.set_configuration(
        Configuration::new()
            .responsive(true)
            .display_logo(false)
            .mode_bar_buttons_to_remove(buttons)
            .to_image_button_options(picture),
    );
    let chart = plot.to_inline_html(Some(&format!("chart-{anchor}")));
    html! {
        div.chart style=(format!("height:{height_px}px")) { (PreEscaped(chart)) }
        noscript { p.note { "The chart needs scripts; its numbers are in the table below." } }
    }
}

/// Ticks for an axis of base-2 logarithms of ratios from 1 to `most`: positions and labels.
pub fn ratio_ticks(most: f64) -> (Vec<f64>, Vec<String>) {
    let fine = [1.0, 1.02, 1.05, 1.1, 1.15, 1.2, 1.3];
    let middle = [1.0, 1.1, 1.25, 1.5, 1.75, 2.0, 2.5, 3.0];
    let coarse = [1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0];
    let mut ticks = match most {
        m if m <= 1.3 => fine.to_vec(),
        m if m <= 3.0 => middle.to_vec(),
        m if m <= 16.0 => coarse.to_vec(),
        _ => (0..40).map(|power| (1u64 << power) as f64).collect(),
    };
    ticks.retain(|t| *t <= most * 1.000_1);
    (ticks.iter().map(|t| libm::log2(*t)).collect(), ticks.iter().map(|t| t.to_string()).collect())
}

/// Enough digits for a pixel, few enough for a small file.
pub fn short(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return 0.0;
    }
    let scale = libm::pow(10.0, 5.0 - libm::floor(libm::log10(value.abs())));
    (value * scale).round() / scale
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_text_in_charts() {
        assert_eq!(safe("<b>a&\u{1b}"), "&lt;b&gt;a&amp;\\u{1b}");
        let mut plot = Plot::new();
        let line = plotly::Scatter::new(vec![1], vec![1]).name("</script><script>alert(1)");
        plot.add_trace(line);
        let html = inline(plot, "x", 100).into_string();
        assert_eq!(html.matches("</script>").count(), 1, "{html}");
    }

    #[test]
    fn ticks_end_with_the_axis() {
        let (at, labels) = ratio_ticks(2.0);
        assert_eq!(labels, ["1", "1.1", "1.25", "1.5", "1.75", "2"]);
        assert_eq!((at[0], at[5]), (0.0, 1.0));
        assert_eq!(ratio_ticks(100.0).1.last().unwrap(), "64");
    }

    #[test]
    fn short_numbers_keep_six_digits() {
        assert_eq!(short(1_234.567_891), 1234.57);
        assert_eq!(short(0.000_123_456_789), 0.000_123_457);
        assert_eq!(short(f64::NAN), 0.0);
    }
}
