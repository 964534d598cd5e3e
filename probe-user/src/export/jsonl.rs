//! Everything in a recording, one sample a line. The fields of a sample are
//! those of the `.proto`, by its names.

use super::output::Target;
use super::{Failure, Recordings};
use crate::model::Recording;
use crate::render::json_line;
use crate::sample::{Sample, Window};
use crate::session::Span;
use serde::Serialize;
use std::io::Write;

/// One line.
#[derive(Serialize)]
struct Line<'a> {
    node: Option<&'a str>,
    session: &'a str,
    /// Number of the window.
    window: u64,
    /// Its end, ns since the Unix epoch.
    t_ns: Option<i64>,
    #[serde(flatten)]
    sample: &'a Sample,
}

pub(super) fn write(recordings: &Recordings, target: &Target) -> Result<(), Failure> {
    let mut out = target.file()?;
    for parts in recordings {
        let known = parts.fold(&Span::default())?;
        let session = super::session_name(&known);
        let mut result = Ok(());
        parts.windows(|window| {
            result = lines(&known, &session, &window, &mut out);
            result.is_ok()
        })?;
        result?;
    }
    Ok(out.flush()?)
}

fn lines(
    known: &Recording,
    session: &str,
    window: &Window,
    out: &mut impl Write,
) -> std::io::Result<()> {
    for sample in &window.samples {
        let line = Line {
            node: known.session().map(|session| session.host.as_str()),
            session,
            window: window.seq,
            t_ns: known.real(window.to_boot_ns).map(|at| at.t_ns),
            sample,
        };
        json_line(&line, out)?;
    }
    Ok(())
}
