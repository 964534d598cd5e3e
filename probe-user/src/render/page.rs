//! The lines of a text report.

use super::clean::clean;
use super::style::{Style, Tone, WIDEST};

/// Text being written. Everything on it is made safe for a terminal first and
/// coloured after.
pub(super) struct Page {
    style: Style,
    text: String,
}

impl Page {
    pub(super) fn new(style: Style) -> Self {
        Self {
            style,
            text: String::new(),
        }
    }

    /// Columns that may be used.
    pub(super) fn width(&self) -> usize {
        self.style.width.clamp(40, WIDEST)
    }

    /// One line, of pieces in their tones.
    pub(super) fn line(&mut self, indent: usize, pieces: &[(Tone, &str)]) {
        self.text.push_str(&" ".repeat(indent));
        for (tone, piece) in pieces {
            self.text.push_str(&self.style.paint(*tone, &clean(piece)));
        }
        self.text.push('\n');
    }

    /// An empty line, unless there is one.
    pub(super) fn blank(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with("\n\n") {
            self.text.push('\n');
        }
    }

    /// A line with a piece at either edge.
    pub(super) fn spread(&mut self, left: (Tone, &str), right: (Tone, &str)) {
        let used = clean(left.1).chars().count() + clean(right.1).chars().count();
        let gap = " ".repeat(self.width().saturating_sub(used).max(2));
        self.line(0, &[left, (Tone::Plain, &gap), right]);
    }

    /// A paragraph, broken between words; lines after the first are indented
    /// by `hang` as well.
    pub(super) fn wrap(&mut self, indent: usize, hang: usize, tone: Tone, text: &str) {
        let text = clean(text);
        let mut line = String::new();
        let mut margin = indent;
        for word in text.split(' ').filter(|word| !word.is_empty()) {
            let length = line.chars().count() + 1 + word.chars().count();
            if !line.is_empty() && margin + length > self.width() {
                self.line(margin, &[(tone, &line)]);
                line.clear();
                margin = indent + hang;
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        if !line.is_empty() {
            self.line(margin, &[(tone, &line)]);
        }
    }

    /// A word in a column of its own, and a paragraph beside it.
    pub(super) fn entry(&mut self, indent: usize, column: usize, word: &str, text: &str) {
        self.entry_in(Tone::Faint, indent, column, word, text);
    }

    /// As [`Self::entry`], the word in a tone of its own.
    pub(super) fn entry_in(
        &mut self,
        tone: Tone,
        indent: usize,
        column: usize,
        word: &str,
        text: &str,
    ) {
        let before = self.text.len();
        let margin = indent + column;
        self.wrap(margin, 0, Tone::Plain, text);
        let word = clean(word);
        let pad = column.saturating_sub(word.chars().count()).max(1);
        let head = format!(
            "{}{}{}",
            " ".repeat(indent),
            self.style.paint(tone, &word),
            " ".repeat(pad)
        );
        let start = (before + margin).min(self.text.len());
        self.text.replace_range(before..start, &head);
    }

    /// What was written.
    pub(super) fn finish(self) -> String {
        self.text
    }
}
