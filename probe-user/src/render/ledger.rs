//! The layers of a volume's growth as text: a line each, in the order in which they
//! came, with what lay between them.

use super::page::Page;
use super::style::Tone;
use crate::analysis::Correlation;
use crate::analysis::ledger::{Layer, LayerRow, LayerState};
use crate::cloud::Interval;
use crate::units::{bytes, bytes_change, duration, gap};
use jiff::Timestamp;

/// Between two columns.
const GAP: usize = 2;
/// Words in a narrower column than this are put below their layer.
const LEAST: usize = 36;

/// The layers in the order in which they came, and then those that have no time.
pub(super) fn write(page: &mut Page, row: &Correlation) {
    write_layers(page, &row.layers);
}

fn write_layers(page: &mut Page, layers: &[LayerRow]) {
    let shown = |layer: &&LayerRow| {
        !matches!(layer.state, LayerState::NotApplicable | LayerState::Unknown)
            || layer.at.is_some()
    };
    let rows = in_order(layers.iter().filter(shown).collect());
    let columns = Columns::of(&rows);
    columns.head(page);
    let mut before: Option<&LayerRow> = None;
    for layer in rows {
        let later = before.and_then(|before| between(before, layer));
        if let Some(later) = later {
            columns.write(page, Tone::Faint, ' ', ["", &later, ""], "");
        }
        let (mark, tone) = mark(layer, layers);
        let time = layer.at.map_or_else(String::new, time);
        let cells = [called(layer.layer), &time, &size(layer)];
        columns.write(page, tone, mark, cells, &layer.what);
        before = Some(layer);
    }
    unknown(page, layers);
}

/// Layers of which nothing is known, by the reasons.
fn unknown(page: &mut Page, layers: &[LayerRow]) {
    let mut reasons: Vec<(&str, Vec<&str>)> = Vec::new();
    for layer in layers {
        if layer.state != LayerState::Unknown || layer.at.is_some() {
            continue;
        }
        match reasons.iter_mut().find(|(why, _)| *why == layer.what) {
            Some((_, of)) => of.push(called(layer.layer)),
            None => reasons.push((&layer.what, vec![called(layer.layer)])),
        }
    }
    for (why, of) in reasons {
        page.wrap(1, 2, Tone::Faint, &format!("? {}: {why}", of.join(", ")));
    }
}

/// Widths of the columns, as their cells need.
struct Columns([usize; 3]);

impl Columns {
    fn of(rows: &[&LayerRow]) -> Self {
        let widest = |cells: &dyn Fn(&LayerRow) -> String, least: usize| {
            let widths = rows.iter().map(|row| cells(row).chars().count());
            widths.max().unwrap_or(0).max(least) + GAP
        };
        Self([
            widest(&|row| called(row.layer).to_owned(), "layer".len()),
            widest(
                &|row| row.at.map_or_else(String::new, time),
                "order unknown".len(),
            ),
            widest(&size, "size".len()),
        ])
    }

    /// The line above all.
    fn head(&self, page: &mut Page) {
        let beside = if self.has_room(page) { "evidence" } else { "" };
        self.write(page, Tone::Faint, ' ', ["layer", "UTC", "size"], beside);
    }

    /// Whether words have room beside the cells.
    fn has_room(&self, page: &Page) -> bool {
        let used = 3 + self.0.iter().sum::<usize>();
        page.width().saturating_sub(used) >= LEAST
    }

    /// A line: mark and cells, and words beside them or, where that is too narrow,
    /// below.
    fn write(&self, page: &mut Page, tone: Tone, mark: char, cells: [&str; 3], what: &str) {
        let mut head = format!("{mark} ");
        for (cell, width) in cells.into_iter().zip(self.0) {
            let pad = width.saturating_sub(cell.chars().count());
            head.push_str(cell);
            head.extend(std::iter::repeat_n(' ', pad));
        }
        let width = head.chars().count();
        if what.is_empty() {
            page.line(1, &[(tone, head.trim_end())]);
        } else if self.has_room(page) {
            page.entry_in(tone, 1, width, head.trim_end(), what);
        } else {
            page.line(1, &[(tone, head.trim_end())]);
            page.wrap(5, 0, Tone::Plain, what);
        }
    }
}

/// What lay between two layers, where it is worth a line.
fn between(a: &LayerRow, b: &LayerRow) -> Option<String> {
    let (from, to) = (a.at?, b.at?);
    if is_of_kernel(a) && is_of_kernel(b) {
        let ns = from.start_ns.abs_diff(to.start_ns);
        return (ns >= SECOND.unsigned_abs()).then(|| format!("{} later", gap(ns)));
    }
    if !from.is_before(&to) {
        return Some("order unknown".to_owned());
    }
    let least = from.end_ns.abs_diff(to.start_ns);
    let most = from.start_ns.abs_diff(to.end_ns);
    let later = if most.saturating_sub(least) <= most / 10 {
        duration(least.midpoint(most))
    } else {
        format!("{} .. {}", duration(least), duration(most))
    };
    (least >= SECOND.unsigned_abs()).then(|| format!("{later} later"))
}

/// Seen by the node's kernel, by its one clock.
fn is_of_kernel(row: &LayerRow) -> bool {
    (Layer::Capacity..=Layer::Filesystem).contains(&row.layer)
}

/// Those with a time in the order in which they came, then the others. Where clocks
/// cannot tell, in the order in which they should have come.
fn in_order(layers: Vec<&LayerRow>) -> Vec<&LayerRow> {
    let (mut left, timeless): (Vec<_>, Vec<_>) =
        layers.into_iter().partition(|layer| layer.at.is_some());
    let mut ordered = Vec::new();
    while !left.is_empty() {
        let is_first = |layer: &&LayerRow| !left.iter().any(|other| came_before(other, layer));
        let next = left.iter().position(is_first).unwrap_or(0);
        ordered.push(left.remove(next));
    }
    ordered.extend(timeless);
    ordered
}

/// Whether one layer surely came before another. The kernel's own are all of one
/// clock, whatever its error against others.
fn came_before(one: &LayerRow, other: &LayerRow) -> bool {
    let (Some(a), Some(b)) = (one.at, other.at) else {
        return false;
    };
    if is_of_kernel(one) && is_of_kernel(other) {
        a.start_ns < b.start_ns
    } else {
        a.is_before(&b)
    }
}

fn called(layer: Layer) -> &'static str {
    match layer {
        Layer::Request => "request",
        Layer::Api => "api",
        Layer::Cloud => "cloud",
        Layer::Capacity => "capacity",
        Layer::Partition => "partition",
        Layer::Mapping => "mapping",
        Layer::Filesystem => "filesystem",
        Layer::Kubernetes => "kubernetes",
    }
}

fn mark(layer: &LayerRow, layers: &[LayerRow]) -> (char, Tone) {
    let file_system = layers
        .iter()
        .find(|layer| layer.layer == Layer::Filesystem)
        .map(|layer| layer.state);
    let claims_too_much = layer.layer == Layer::Kubernetes
        && !matches!(
            file_system,
            Some(LayerState::Done | LayerState::Unknown | LayerState::NotApplicable)
        );
    match layer.state {
        LayerState::Done if claims_too_much => ('!', Tone::Odd),
        LayerState::Done => ('✔', Tone::Plain),
        LayerState::NoOp | LayerState::Failed | LayerState::Missing => ('✘', Tone::Bad),
        LayerState::Unknown => ('?', Tone::Faint),
        LayerState::NotApplicable => ('–', Tone::Faint),
    }
}

fn size(layer: &LayerRow) -> String {
    match (layer.from_bytes, layer.to_bytes) {
        (None, None) => String::new(),
        (Some(from), Some(to)) if from == to => format!("= {}", bytes(to)),
        (None, Some(to)) => bytes(to),
        (from, to) => bytes_change(from, to),
    }
}

const SECOND: i64 = 1_000_000_000;

/// `07:14:57.941 ± 2 ms`; of a time that is only good to seconds,
/// `07:14:56 .. 57`.
fn time(at: Interval) -> String {
    let width = at.end_ns.saturating_sub(at.start_ns);
    let cut_to_seconds = at.start_ns % SECOND == 0 && width.saturating_add(1) % SECOND == 0;
    if cut_to_seconds {
        let last = at.end_ns.saturating_add(1);
        let (from, to) = (of_day(at.start_ns, false), of_day(last, false));
        let to = match from.rsplit_once(':') {
            Some((minute, _)) => to.strip_prefix(&format!("{minute}:")).unwrap_or(&to),
            None => &to,
        };
        return format!("{from} .. {to}");
    }
    let middle = of_day(at.start_ns.saturating_add(width / 2), true);
    match width / 2 {
        0..500_000 => middle,
        half => format!("{middle} ± {}", duration(half.unsigned_abs())),
    }
}

fn of_day(t_ns: i64, millis: bool) -> String {
    let at = Timestamp::from_nanosecond(t_ns.into()).unwrap_or(Timestamp::UNIX_EPOCH);
    let format = if millis { "%H:%M:%S%.3f" } else { "%H:%M:%S" };
    at.strftime(format).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::ledger::LayerState::Done;
    use crate::render::Style;

    const MS: i64 = 1_000_000;

    /// A layer at so many ms, give or take as many.
    fn at(layer: Layer, ms: i64, error_ms: i64) -> LayerRow {
        LayerRow::new(layer, Done, "").at(Some(Interval {
            start_ns: (ms - error_ms) * MS,
            end_ns: (ms + error_ms) * MS,
        }))
    }

    fn order(rows: &[LayerRow]) -> Vec<Layer> {
        let rows = in_order(rows.iter().collect());
        rows.into_iter().map(|row| row.layer).collect()
    }

    #[test]
    fn a_clock_that_cannot_tell_leaves_the_order_that_should_be() {
        use Layer::{Api, Capacity, Filesystem, Kubernetes, Request};
        // The call's time was cut to the second in which the request came, too.
        let rows = [at(Request, 700, 0), at(Api, 500, 500)];
        assert_eq!(order(&rows), [Request, Api]);
        let rows = [at(Request, 1700, 0), at(Api, 500, 500)];
        assert_eq!(order(&rows), [Api, Request]);
        // The kernel's own are in order, however wide their times are.
        let rows = [
            at(Request, 0, 0),
            LayerRow::new(Layer::Cloud, Done, ""),
            at(Capacity, 6000, 1000),
            at(Filesystem, 5200, 1000),
            at(Kubernetes, 5300, 0),
        ];
        assert_eq!(
            order(&rows),
            [Request, Filesystem, Capacity, Kubernetes, Layer::Cloud]
        );
    }

    #[test]
    fn a_time_is_shown_as_good_as_it_is() {
        let shown = |start_ns, end_ns| time(Interval { start_ns, end_ns });
        let s = SECOND;
        assert_eq!(shown(56 * s, 57 * s - 1), "00:00:56 .. 57");
        assert_eq!(shown(56 * s, 56 * s), "00:00:56.000");
        let half = 500 * MS;
        assert_eq!(shown(56 * s + half, 58 * s + half), "00:00:57.500 ± 1 s");
        assert_eq!(shown(56 * s, 56 * s + 4 * MS), "00:00:56.002 ± 2 ms");
    }

    #[test]
    fn what_lies_between_two_layers_is_as_good_as_their_times() {
        use Layer::{Api, Capacity, Filesystem, Request};
        let later = |a: &LayerRow, b: &LayerRow| between(a, b).unwrap_or_default();
        let request = at(Request, 1_000, 0);
        assert_eq!(later(&request, &at(Api, 1_900, 0)), "");
        assert_eq!(later(&request, &at(Api, 9_000, 0)), "8 s later");
        assert_eq!(later(&request, &at(Api, 9_000, 1_000)), "7 s .. 9 s later");
        assert_eq!(later(&request, &at(Api, 1_500, 1_000)), "order unknown");
        // One clock: however unsure it is of the time of day.
        let tool = at(Filesystem, 57_941, 1_000);
        assert_eq!(later(&tool, &at(Capacity, 61_141, 1_000)), "3.200 s later");
    }

    /// The ledger of a volume as it is on a page of this width.
    fn shown(width: usize) -> String {
        let long = "claim patched by system:serviceaccount:db:example-operator";
        let words = |row: LayerRow, what: &str| LayerRow {
            what: what.to_owned(),
            ..row
        };
        let layers = [
            words(at(Layer::Request, 1_000, 0), long).sizes(Some(20 << 30), Some(40 << 30)),
            words(at(Layer::Capacity, 9_000, 2), "kernel: vdb grew")
                .sizes(Some(20 << 30), Some(40 << 30)),
            LayerRow::new(
                Layer::Filesystem,
                LayerState::Unknown,
                "its size is not known",
            ),
            LayerRow::new(
                Layer::Api,
                LayerState::Unknown,
                "no trail of API calls is among the inputs",
            ),
            LayerRow::new(
                Layer::Cloud,
                LayerState::Unknown,
                "no trail of API calls is among the inputs",
            ),
        ];
        let mut page = Page::new(Style {
            color: false,
            width,
        });
        write_layers(&mut page, &layers);
        page.finish()
    }

    #[test]
    fn words_stand_beside_the_layer_where_there_is_room() {
        insta::assert_snapshot!(shown(100));
    }

    #[test]
    fn words_stand_below_the_layer_where_there_is_none() {
        insta::assert_snapshot!(shown(60));
    }
}
