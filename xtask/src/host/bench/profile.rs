//! Where the instructions go that volprobe adds to a copy: every one of them
//! written down, and booked to the function or kernel program it belongs to.

use std::collections::BTreeMap;

use anyhow::Result;

use super::{Bench, rig::Rig, table::table};
use crate::{guest::bench::Profile, host::build};

/// Less than so many instructions a call make no row.
const LEAST: f64 = 1.5;

pub(super) fn run(bench: &Bench) -> Result<String> {
    let mut sections = Vec::new();
    for series in &bench.kernels {
        let mut rig = Rig::boot(series, 1, build::VM_PROFILE)?;
        let profile: Profile = rig.measure(&["profile"])?;
        let text = rig.text(&profile.symbols)?;
        let symbols = Symbols::parse(&text);
        let plain = symbols.count(&rig.trace("plain")?);
        let traced = symbols.count(&rig.trace("traced")?);
        sections.push(format!(
            "### Linux {}\n\n{}",
            rig.release(),
            rows(&plain, &traced, profile.calls)
        ));
    }
    Ok(sections.join("\n"))
}

/// A row a function that runs more instructions under volprobe, the largest
/// first.
fn rows(plain: &Counts, traced: &Counts, calls: u64) -> String {
    let mut added: Vec<(&str, f64)> = traced
        .iter()
        .map(|(&name, &count)| {
            let before = plain.get(name).copied().unwrap_or_default();
            (name, (count as f64 - before as f64) / calls as f64)
        })
        .filter(|(_, count)| *count >= LEAST)
        .collect();
    added.sort_by(|a, b| b.1.total_cmp(&a.1));
    let rows: Vec<_> = added
        .iter()
        .map(|(name, count)| vec![format!("`{name}`"), format!("{count:.0}")])
        .collect();
    table(
        &["function or kernel program", "instructions a call"],
        &rows,
    )
}

/// Instructions by symbol.
type Counts<'a> = BTreeMap<&'a str, u64>;

/// The kernel's symbols by address.
struct Symbols<'a>(BTreeMap<u64, &'a str>);

impl<'a> Symbols<'a> {
    /// Reads `/proc/kallsyms`.
    fn parse(text: &'a str) -> Self {
        let line = |line: &'a str| {
            let mut words = line.split_whitespace();
            let address = u64::from_str_radix(words.next()?, 16).ok()?;
            Some((address, words.nth(1)?))
        };
        Self(text.lines().filter_map(line).collect())
    }

    fn count(&self, addresses: &[u64]) -> Counts<'a> {
        let mut counts = Counts::new();
        for address in addresses {
            // User space lies below the first symbol, and is not of interest.
            if let Some((_, name)) = self.0.range(..=address).next_back() {
                *counts.entry(without_tag(name)).or_default() += 1;
            }
        }
        counts
    }
}

/// A kernel program's name without the hash of its code, as in
/// `bpf_prog_6deef7357e7b4530_copy_enter`.
fn without_tag(symbol: &str) -> &str {
    symbol
        .strip_prefix("bpf_prog_")
        .and_then(|rest| rest.split_once('_'))
        .map_or(symbol, |(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_added_is_booked_to_its_symbol() {
        let symbols = Symbols::parse(
            "ffffffff81000000 T first\nffffffff81000100 t second\n\
             ffffffffc0000000 t bpf_prog_6deef7357e7b4530_copy_enter\t[bpf]\n",
        );
        let at = 0xffff_ffff_8100_0000;
        let plain = symbols.count(&[0x1000, at, at + 4, at + 0x104]);
        assert_eq!(plain, Counts::from([("first", 2), ("second", 1)]));
        let traced = symbols.count(&[at, at + 0x104, at + 0x108, at + 0x10c, at + 0x3f00_0004]);
        assert_eq!(traced["copy_enter"], 1);
        let text = rows(&plain, &traced, 1);
        assert!(text.ends_with("| `second` | 2 |\n"), "{text}");
    }
}
