//! The report of `doctor` for people: verdict first, then what stands in the
//! way and what to do, then the probes.

use super::checks::{Check, Standing};
use super::report::{Hook, Probe, Report};
use std::fmt::{self, Display, Formatter};

impl Display for Report {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "volprobe on {} {}: {}\n",
            self.release,
            self.machine,
            self.verdict()
        )?;
        for check in &self.checks {
            check.write(f)?;
        }
        if let Some(maps) = &self.maps {
            let bytes = maps.bytes.map_or_else(
                || "of unknown size".to_owned(),
                |bytes| format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20)),
            );
            writeln!(
                f,
                " ✔ {:<20} {bytes} in all; up to {} series of copies and {} of readahead",
                "maps",
                maps.copy_series - 1,
                maps.readahead_series - 1,
            )?;
        }
        if !self.probes.is_empty() {
            let heading = if self.tried {
                "probes, as attached for a moment and tested"
            } else {
                "probes, as this kernel would have them; nothing was attached"
            };
            writeln!(f, "\n{heading}")?;
        }
        self.probes.iter().try_for_each(|probe| probe.write(f))
    }
}

impl Report {
    fn verdict(&self) -> String {
        match (self.can_attach, &self.refusal) {
            (Some(false), Some(refusal)) => format!("nothing can be attached\n{refusal}"),
            (Some(false), None) => "nothing can be attached".to_owned(),
            (None, _) => "not tried".to_owned(),
            (Some(true), _) => {
                let short: Vec<_> = self
                    .probes
                    .iter()
                    .filter(|probe| !matches!(probe.state, "attached" | "waiting" | "off"))
                    .map(|probe| format!("{} {}", probe.name, probe.state))
                    .collect();
                if short.is_empty() {
                    "every probe works".to_owned()
                } else {
                    short.join(", ")
                }
            }
        }
    }
}

impl Check {
    fn write(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mark = match self.standing {
            Standing::Ok => '✔',
            Standing::Warning => '!',
            Standing::Problem => '✘',
            Standing::Unknown => '?',
        };
        writeln!(f, " {mark} {:<20} {}", self.name, self.finding)?;
        match self.remedy {
            Some(remedy) => writeln!(f, "   {:<20} to do: {remedy}", ""),
            None => Ok(()),
        }
    }
}

fn mark(state: &str) -> char {
    match state {
        "attached" => '✔',
        "possible" => '·',
        "waiting" => '…',
        "off" => '–',
        "partial" => '!',
        _ => '✘',
    }
}

impl Probe {
    fn write(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(
            f,
            " {} {:<12} {:<12}",
            mark(self.state),
            self.name,
            self.state
        )?;
        match (&self.self_test, &self.reason) {
            (Some(result), _) => {
                let result = result.replace("not_possible", "not possible");
                writeln!(f, " self-test {result}")?;
            }
            (None, Some(reason)) => writeln!(f, " {reason}")?,
            (None, None) => writeln!(f, " {}", self.about)?,
        }
        self.hooks.iter().try_for_each(|hook| hook.write(f))
    }
}

impl Hook {
    fn write(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "     {} {:<26} {:<10} {}",
            mark(self.state),
            self.name,
            self.how,
            self.purpose
        )?;
        match &self.reason {
            Some(reason) => writeln!(f, "       {:<26} {:<10} {reason}", "", ""),
            None => Ok(()),
        }
    }
}
