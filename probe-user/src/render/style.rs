//! How text looks.

/// What a piece of text is, for its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    /// Text.
    Plain,
    /// Titles, verdicts.
    Strong,
    /// Headings of columns, notes.
    Faint,
    /// Something is wrong.
    Bad,
    /// Something should be looked at.
    Odd,
}

/// How text looks. The caller knows whether it goes to a terminal, how wide
/// that is, and whether `NO_COLOR` is set; this module never looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Use colours.
    pub color: bool,
    /// Columns.
    pub width: usize,
}

/// Columns where nobody says otherwise.
const WIDTH: usize = 100;
/// The most that a page uses: longer lines are hard to read.
pub const WIDEST: usize = 120;

impl Default for Style {
    fn default() -> Self {
        Self::plain()
    }
}

impl Style {
    /// For files and pipes: 100 columns, no colours.
    pub const fn plain() -> Self {
        Self {
            color: false,
            width: WIDTH,
        }
    }

    pub(super) fn paint(self, tone: Tone, text: &str) -> String {
        let code = match tone {
            Tone::Plain => "",
            Tone::Strong => "1",
            Tone::Faint => "2",
            Tone::Bad => "1;31",
            Tone::Odd => "33",
        };
        if self.color && !code.is_empty() && !text.is_empty() {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }
}
