//! Columns of text that fit the page.

use super::clean::clean;
use super::page::Page;
use super::style::Tone;

/// How a column stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Align {
    /// Words; cut where the page is too narrow.
    Left,
    /// Numbers; never cut.
    Right,
}

/// A table with a heading for each column.
pub(super) struct Table {
    columns: Vec<(&'static str, Align)>,
    rows: Vec<Vec<String>>,
    /// Under the row with this index.
    notes: Vec<(usize, String)>,
}

const GAP: usize = 2;
/// Columns of words are not cut below this.
const LEAST: usize = 6;

impl Table {
    pub(super) fn new(columns: &[(&'static str, Align)]) -> Self {
        Self {
            columns: columns.to_vec(),
            rows: Vec::new(),
            notes: Vec::new(),
        }
    }

    pub(super) fn row<const N: usize>(&mut self, cells: [String; N]) {
        debug_assert_eq!(N, self.columns.len());
        self.rows
            .push(cells.map(|cell| clean(&cell).into_owned()).into());
    }

    /// Adds words under the last row, which may take the whole width.
    pub(super) fn note(&mut self, text: String) {
        if !text.is_empty() {
            self.notes.push((self.rows.len(), text));
        }
    }

    /// Writes the table, leaving out columns in which nothing is known.
    pub(super) fn write(&self, page: &mut Page, indent: usize) {
        let shown: Vec<usize> = (0..self.columns.len())
            .filter(|&i| self.says_something(i))
            .collect();
        let widths = self.widths(&shown, page.width().saturating_sub(indent));
        let heading: Vec<String> = self
            .columns
            .iter()
            .map(|(name, _)| (*name).to_owned())
            .collect();
        if heading.iter().any(|name| !name.is_empty()) {
            page.line(
                indent,
                &[(Tone::Faint, &self.join(&heading, &shown, &widths))],
            );
        }
        for (i, row) in self.rows.iter().enumerate() {
            page.line(indent, &[(Tone::Plain, &self.join(row, &shown, &widths))]);
            for (_, note) in self.notes.iter().filter(|(under, _)| *under == i + 1) {
                page.wrap(indent + GAP, GAP, Tone::Odd, note);
            }
        }
    }

    fn says_something(&self, column: usize) -> bool {
        self.rows
            .iter()
            .any(|row| !matches!(row[column].as_str(), "" | "–"))
    }

    fn widths(&self, shown: &[usize], page: usize) -> Vec<usize> {
        let width = |&i: &usize| {
            let cells = self.rows.iter().map(|row| row[i].chars().count());
            cells
                .chain([self.columns[i].0.chars().count()])
                .max()
                .unwrap_or(0)
        };
        let mut widths: Vec<usize> = shown.iter().map(width).collect();
        let gaps = GAP * widths.len().saturating_sub(1);
        while widths.iter().sum::<usize>() + gaps > page {
            let words = |(at, width): &(usize, &mut usize)| {
                self.columns[shown[*at]].1 == Align::Left && **width > LEAST
            };
            let widest = widths
                .iter_mut()
                .enumerate()
                .filter(words)
                .max_by_key(|(_, w)| **w);
            match widest {
                Some((_, width)) => *width -= 1,
                None => break,
            }
        }
        widths
    }

    fn join(&self, cells: &[String], shown: &[usize], widths: &[usize]) -> String {
        let mut line = String::new();
        for (&i, &width) in shown.iter().zip(widths) {
            let cell = cut(&cells[i], width);
            let pad = " ".repeat(width - cell.chars().count());
            match self.columns[i].1 {
                Align::Left => line.extend([cell.as_str(), &pad]),
                Align::Right => line.extend([pad.as_str(), &cell]),
            }
            line.push_str(&" ".repeat(GAP));
        }
        line.trim_end().to_owned()
    }
}

/// The text in at most `width` characters.
pub(super) fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(width.saturating_sub(1)).collect();
    cut.push('…');
    cut
}

#[cfg(test)]
mod tests {
    use super::super::style::Style;
    use super::*;

    #[test]
    fn words_are_cut_and_numbers_are_not() {
        let mut table = Table::new(&[
            ("device", Align::Left),
            ("calls", Align::Right),
            ("pod", Align::Left),
        ]);
        table.row([
            "nfs4:/a/very/long/mount/point".into(),
            "1234567890".into(),
            "–".into(),
        ]);
        table.row(["v\x1bdb".into(), "1".into(), String::new()]);
        let style = Style {
            color: false,
            width: 40,
        };
        let mut page = Page::new(style);
        table.write(&mut page, 1);
        insta::assert_snapshot!(page.finish(), @r"
         device                            calls
         nfs4:/a/very/long/mount/po…  1234567890
         v\u{1b}db                             1
        ");
    }
}
