//! How text is shown on stdout.

use crate::render::Style;
use std::env;
use std::io::{IsTerminal, stdout};

/// Colour on a terminal only, and never with `NO_COLOR`.
pub fn style() -> Style {
    let unwanted = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    Style {
        color: stdout().is_terminal() && !unwanted,
        ..Style::default()
    }
}
