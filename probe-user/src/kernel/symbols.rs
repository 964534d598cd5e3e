//! Which functions the kernel has, and which of them can be traced.
//!
//! Read from `/proc/kallsyms` and tracefs' `available_filter_functions`, only
//! for the functions asked for: the whole lists have some hundred thousand
//! lines.

use super::Fact;
use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

/// Where a function stands in the symbol table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Exactly one function has the name; the module it is in, if any.
    Present(Option<String>),
    /// So many functions have the name: which is meant, nobody can say.
    Ambiguous(usize),
    /// Only a variant made by the compiler has it, such as `name.isra.0`:
    /// callers may bypass it, and its arguments may have moved.
    Variant(String),
    /// No function has the name: it is inlined, or not in this kernel.
    Absent,
    /// The symbol table could not be read.
    Unknown,
}

/// The standing of the functions that were asked for.
#[derive(Clone, Debug, Default)]
pub struct Symbols {
    /// `None`: kallsyms could not be read.
    standing: Option<HashMap<String, Standing>>,
    /// `None`: tracefs could not be read.
    traceable: Option<HashSet<String>>,
}

impl Symbols {
    /// Looks the functions up in the running kernel.
    pub fn read<'n>(
        functions: impl IntoIterator<Item = &'n str>,
        tracefs: &Fact<std::path::PathBuf>,
    ) -> Self {
        let wanted: Wanted = functions.into_iter().collect();
        let open =
            |path: &Path| Ok::<_, io::Error>(BufReader::with_capacity(1 << 16, File::open(path)?));
        let standing = open(Path::new("/proc/kallsyms"))
            .and_then(|list| standings(list, &wanted))
            .ok();
        let traceable = tracefs.known().and_then(|place| {
            open(&place.join("available_filter_functions"))
                .and_then(|list| traceable(list, &wanted))
                .ok()
        });
        Self {
            standing,
            traceable,
        }
    }

    /// Symbols from lists, as the kernel would give them.
    pub fn from_known(
        standing: impl IntoIterator<Item = (String, Standing)>,
        traceable: Option<HashSet<String>>,
    ) -> Self {
        Self {
            standing: Some(standing.into_iter().collect()),
            traceable,
        }
    }

    /// Where a function stands.
    pub fn standing(&self, function: &str) -> Standing {
        match &self.standing {
            Some(known) => known.get(function).cloned().unwrap_or(Standing::Absent),
            None => Standing::Unknown,
        }
    }

    /// Whether ftrace can trace the function, which fentry needs; `None` where
    /// the list could not be read.
    pub fn is_traceable(&self, function: &str) -> Option<bool> {
        self.traceable.as_ref().map(|list| list.contains(function))
    }
}

/// The names that are looked for. Nearly all lines are of others: those are told
/// by their first bytes, without hashing.
struct Wanted<'n> {
    names: HashSet<&'n str>,
    /// First eight bytes of each name, sorted.
    starts: Vec<[u8; 8]>,
}

impl<'n> FromIterator<&'n str> for Wanted<'n> {
    fn from_iter<I: IntoIterator<Item = &'n str>>(names: I) -> Self {
        let names: HashSet<&str> = names.into_iter().collect();
        let mut starts: Vec<_> = names.iter().map(|name| start(name.as_bytes())).collect();
        starts.sort_unstable();
        Self { names, starts }
    }
}

fn start(name: &[u8]) -> [u8; 8] {
    let mut start = [0; 8];
    let length = name.len().min(start.len());
    start[..length].copy_from_slice(&name[..length]);
    start
}

impl Wanted<'_> {
    /// The name, if it or, before a dot, its stem may be wanted. (A stem shorter
    /// than eight bytes is not found; no function of the catalog has one.)
    fn candidate<'l>(&self, name: &'l [u8]) -> Option<&'l str> {
        self.starts.binary_search(&start(name)).ok()?;
        std::str::from_utf8(name).ok()
    }
}

/// Calls `take` with each line, without its end; one buffer for all.
fn for_each_line(mut list: impl BufRead, mut take: impl FnMut(&[u8])) -> io::Result<()> {
    let mut line = Vec::new();
    while list.read_until(b'\n', &mut line)? > 0 {
        take(line.trim_ascii_end());
        line.clear();
    }
    Ok(())
}

/// Reads lines such as `ffffffff81000000 t xfs_growfs_data<TAB>[xfs]`.
fn standings(list: impl BufRead, wanted: &Wanted<'_>) -> io::Result<HashMap<String, Standing>> {
    let mut exact: HashMap<String, (usize, Option<String>)> = HashMap::new();
    let mut variants: HashMap<String, String> = HashMap::new();
    for_each_line(list, |line| {
        let mut fields = line.splitn(3, |&byte| byte == b' ').skip(1);
        let (Some([kind]), Some(rest)) = (fields.next(), fields.next()) else {
            return;
        };
        if !matches!(kind, b't' | b'T' | b'w' | b'W') {
            return;
        }
        let (name, module) = match rest.iter().position(|&byte| byte == b'\t') {
            Some(tab) => (&rest[..tab], Some(&rest[tab + 1..])),
            None => (rest, None),
        };
        let Some(name) = wanted.candidate(name) else {
            return;
        };
        if wanted.names.contains(name) {
            let entry = exact.entry(name.to_owned()).or_default();
            entry.0 += 1;
            entry.1 = module.map(module_name);
        } else if let Some((stem, suffix)) = name.split_once('.')
            // A cold part is a piece of the function, not a form of it.
            && !suffix.starts_with("cold")
            && wanted.names.contains(stem)
        {
            variants.insert(stem.to_owned(), name.to_owned());
        }
    })?;
    let present = exact.into_iter().map(|(name, (count, module))| {
        let standing = match count {
            1 => Standing::Present(module),
            count => Standing::Ambiguous(count),
        };
        (name, standing)
    });
    let mut found: HashMap<_, _> = variants
        .into_iter()
        .map(|(name, variant)| (name, Standing::Variant(variant)))
        .collect();
    found.extend(present);
    Ok(found)
}

/// `[xfs]` → `xfs`.
fn module_name(bracketed: &[u8]) -> String {
    String::from_utf8_lossy(bracketed)
        .trim_matches(['[', ']'])
        .to_owned()
}

/// Reads lines such as `xfs_growfs_data [xfs]`.
fn traceable(list: impl BufRead, wanted: &Wanted<'_>) -> io::Result<HashSet<String>> {
    let mut found = HashSet::new();
    for_each_line(list, |line| {
        let name = line.split(|&byte| byte == b' ').next().unwrap_or_default();
        if let Some(name) = wanted.candidate(name)
            && wanted.names.contains(name)
        {
            found.insert(name.to_owned());
        }
    })?;
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KALLSYMS: &str = "\
0000000000000000 T vfs_copy_file_range
0000000000000000 t read_pages
0000000000000000 t read_pages
0000000000000000 t do_move_mount.isra.0
0000000000000000 t vfs_copy_file_range.cold
0000000000000000 D copy_exit
0000000000000000 t xfs_growfs_data\t[xfs]
garbage
";

    fn found() -> Symbols {
        let wanted = [
            "vfs_copy_file_range",
            "read_pages",
            "do_move_mount",
            "copy_exit",
            "xfs_growfs_data",
            "vfs_statfs",
        ];
        let wanted = wanted.into_iter().collect();
        Symbols {
            standing: standings(KALLSYMS.as_bytes(), &wanted).ok(),
            traceable: traceable(
                "vfs_copy_file_range\nxfs_growfs_data [xfs]\n".as_bytes(),
                &wanted,
            )
            .ok(),
        }
    }

    #[test]
    fn each_standing_is_told_apart() {
        let symbols = found();
        assert_eq!(
            symbols.standing("vfs_copy_file_range"),
            Standing::Present(None)
        );
        assert_eq!(symbols.standing("read_pages"), Standing::Ambiguous(2));
        assert_eq!(
            symbols.standing("do_move_mount"),
            Standing::Variant("do_move_mount.isra.0".to_owned())
        );
        assert_eq!(
            symbols.standing("xfs_growfs_data"),
            Standing::Present(Some("xfs".to_owned()))
        );
        assert_eq!(symbols.standing("vfs_statfs"), Standing::Absent);
    }

    #[test]
    fn data_is_no_function() {
        assert_eq!(found().standing("copy_exit"), Standing::Absent);
    }

    #[test]
    fn traceable_functions_are_found_in_modules_too() {
        let symbols = found();
        assert_eq!(symbols.is_traceable("xfs_growfs_data"), Some(true));
        assert_eq!(symbols.is_traceable("read_pages"), Some(false));
        assert_eq!(Symbols::default().is_traceable("read_pages"), None);
    }

    #[test]
    fn an_unread_table_is_unknown_not_absent() {
        assert_eq!(Symbols::default().standing("read_pages"), Standing::Unknown);
    }
}
