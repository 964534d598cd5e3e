//! Where the instructions go that volprobe adds to an operation: every one of
//! them written down, and booked to the function or kernel program it belongs to.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};

use super::{Bench, Found, rig::Rig, table::table};
use crate::guest::bench::Profile;

/// Less than so many instructions an operation make no row.
const LEAST: f64 = 1.5;

/// What is looked at, as the guest program knows it, and one operation of it.
const WORKLOADS: [(&str, &str); 2] = [("copy", "a call"), ("readahead", "a window")];

pub(super) fn run(bench: &Bench, found: &mut Found) -> Result<()> {
    for series in &bench.kernels {
        for (workload, operation) in WORKLOADS {
            let mut rig = Rig::boot(series, 1)?;
            let profile: Profile = rig.measure(&["profile", workload])?;
            let text = rig.text(&profile.symbols)?;
            let symbols = Symbols::parse(&text);
            let function = symbols
                .address(&profile.function)
                .with_context(|| format!("the kernel has no {}", profile.function))?;
            let count = |trace: &str| -> Result<(u64, Counts)> {
                let addresses = rig.trace(trace)?;
                let (operations, addresses) = whole(&addresses, function)
                    .with_context(|| format!("{} was not called", profile.function))?;
                Ok((operations, symbols.count(addresses)))
            };
            let (operations, plain) = count("plain")?;
            let (again, traced) = count("traced")?;
            ensure!(
                again == operations,
                "{again} {workload} traced, not {operations}"
            );
            found(&format!(
                "### Linux {}, {workload}\n\n{}",
                rig.release(),
                rows(&plain, &traced, operation, operations)
            ))?;
        }
    }
    Ok(())
}

/// The part of a trace from the first call of a function to its last, which is
/// so many whole operations: what the machine does while it is told to trace is
/// none.
fn whole(addresses: &[u64], function: u64) -> Option<(u64, &[u64])> {
    let is_call = |address: &u64| *address == function;
    let first = addresses.iter().position(is_call)?;
    let last = addresses.iter().rposition(is_call)?;
    let part = &addresses[first..last];
    let operations = part.iter().filter(|address| is_call(address)).count();
    (operations > 0).then_some((operations as u64, part))
}

/// A row a function that runs more instructions under volprobe, the largest
/// first.
fn rows(plain: &Counts, traced: &Counts, operation: &str, operations: u64) -> String {
    let mut added: Vec<(&str, f64)> = traced
        .iter()
        .map(|(&name, &count)| {
            let before = plain.get(name).copied().unwrap_or_default();
            (name, (count as f64 - before as f64) / operations as f64)
        })
        .filter(|(_, count)| *count >= LEAST)
        .collect();
    added.sort_by(|a, b| b.1.total_cmp(&a.1));
    let rows: Vec<_> = added
        .iter()
        .map(|(name, count)| vec![format!("`{name}`"), format!("{count:.0}")])
        .collect();
    table(
        &[
            "function or kernel program",
            &format!("instructions of {operation}"),
        ],
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

    fn address(&self, name: &str) -> Option<u64> {
        let symbol = self.0.iter().find(|(_, symbol)| **symbol == name)?;
        Some(*symbol.0)
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
        assert_eq!(
            whole(&[1, 7, 2, 7, 3, 7, 4], 7),
            Some((2, &[7, 2, 7, 3][..]))
        );
        assert_eq!(whole(&[1, 7, 2], 7), None);
        let text = rows(&plain, &traced, "a call", 1);
        assert!(text.ends_with("| `second` | 2 |\n"), "{text}");
    }
}
