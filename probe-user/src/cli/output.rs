//! How text is shown on stdout.

use crate::error::Error;
use crate::render::{Style, WIDEST};
use std::io::{self, BufWriter, IsTerminal, StdoutLock, Write};

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
            columns.clamp(NARROWEST, WIDEST)
        },
    }
}

/// Writes to stdout, all of it.
pub fn write(
    text: impl FnOnce(&mut BufWriter<StdoutLock<'static>>) -> io::Result<()>,
) -> Result<(), Error> {
    let mut out = BufWriter::new(io::stdout().lock());
    let written = text(&mut out).and_then(|()| out.flush());
    Ok(written.map_err(anyhow::Error::from)?)
}

/// The error where no volume has the name that `--volume` gave.
pub fn no_volume(name: &str) -> Error {
    Error::Input(anyhow::anyhow!(
        "no volume is called '{name}'; it may be namespace/pvc, a PV, a disk id, a device or a mount point"
    ))
}
