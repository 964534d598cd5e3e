//! How text is shown on stdout.

use crate::render::Style;
use std::io::IsTerminal;

/// Narrower terminals get the text of this width, and wrap it.
const NARROWEST: usize = 60;

/// Colours only on a terminal, and never with `NO_COLOR`
/// (<https://no-color.org>).
pub fn style() -> Style {
    let stdout = std::io::stdout();
    if !stdout.is_terminal() {
        return Style::plain();
    }
    let plain = Style::plain();
    let columns = rustix::termios::tcgetwinsize(&stdout).map_or(0, |size| usize::from(size.ws_col));
    Style {
        color: std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
        width: if columns == 0 {
            plain.width
        } else {
            columns.clamp(NARROWEST, plain.width)
        },
    }
}
