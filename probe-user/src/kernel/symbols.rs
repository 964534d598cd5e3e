//! Which functions the kernel has, and which of them can be traced.
//!
//! tracefs' `available_filter_functions` has nearly all of them, and each line
//! costs the kernel some five thousand instructions. `/proc/kallsyms` has all, with
//! four times as many lines; it is read only where the former leaves a doubt.
//! Of both, only the functions asked for are kept.

use super::Fact;
use super::names::Names;
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
    /// `None`: neither list could be read.
    standing: Option<HashMap<String, Standing>>,
    /// `None`: tracefs could not be read.
    traceable: Option<HashSet<String>>,
}

impl Symbols {
    /// Looks the functions up in the running kernel. A function that is
    /// `described` by its types and not among the traceable ones is looked for
    /// among all.
    pub fn read<'n>(
        functions: impl IntoIterator<Item = &'n str>,
        tracefs: &Fact<std::path::PathBuf>,
        described: impl Fn(&str) -> bool,
    ) -> Self {
        let wanted: Names = functions.into_iter().collect();
        let open =
            |path: &Path| Ok::<_, io::Error>(BufReader::with_capacity(1 << 16, File::open(path)?));
        let traceable = tracefs.known().and_then(|place| {
            open(&place.join("available_filter_functions"))
                .and_then(|list| traceable(list, &wanted))
                .ok()
        });
        let all = match &traceable {
            Some(found) if !found.is_doubtful(&wanted, described) => None,
            _ => open(Path::new("/proc/kallsyms"))
                .and_then(|list| all(list, &wanted))
                .ok(),
        };
        Self::new(all, traceable)
    }

    fn new(all: Option<Found>, traceable: Option<Found>) -> Self {
        Self {
            traceable: traceable
                .as_ref()
                .map(|found| found.exact.keys().cloned().collect()),
            standing: all.or(traceable).map(Found::standings),
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

/// Calls `take` with each line, without its end; one buffer for all.
fn for_each_line(mut list: impl BufRead, mut take: impl FnMut(&[u8])) -> io::Result<()> {
    let mut line = Vec::new();
    while list.read_until(b'\n', &mut line)? > 0 {
        take(line.trim_ascii_end());
        line.clear();
    }
    Ok(())
}

/// What a list has of the functions that are wanted.
#[derive(Default)]
struct Found {
    /// How often each is there, and the module that it is in.
    exact: HashMap<String, (usize, Option<String>)>,
    /// A compiler's variant of a function, by the function's name.
    variants: HashMap<String, String>,
}

impl Found {
    fn add(&mut self, name: &[u8], module: Option<&[u8]>, wanted: &Names<'_>) {
        let Some(name) = wanted.candidate(name) else {
            return;
        };
        if wanted.contains(name) {
            let entry = self.exact.entry(name.to_owned()).or_default();
            entry.0 += 1;
            entry.1 = module.map(module_name);
        } else if let Some((stem, suffix)) = name.split_once('.')
            // A cold part is a piece of the function, not a form of it.
            && !suffix.starts_with("cold")
            && wanted.contains(stem)
        {
            self.variants.insert(stem.to_owned(), name.to_owned());
        }
    }

    /// Whether this list of traceable functions says too little: one that exists
    /// is not in it, or more than once. (Before 6.0 a weak function that was
    /// left out of the kernel goes by the name of the one before it.)
    fn is_doubtful(&self, wanted: &Names<'_>, exists: impl Fn(&str) -> bool) -> bool {
        wanted.iter().any(|name| match self.exact.get(name) {
            Some((count, _)) => *count > 1,
            None => exists(name),
        })
    }

    fn standings(self) -> HashMap<String, Standing> {
        let present = self.exact.into_iter().map(|(name, (count, module))| {
            let standing = match count {
                1 => Standing::Present(module),
                count => Standing::Ambiguous(count),
            };
            (name, standing)
        });
        let variants = self.variants.into_iter();
        let mut standings: HashMap<_, _> = variants
            .map(|(name, variant)| (name, Standing::Variant(variant)))
            .collect();
        standings.extend(present);
        standings
    }
}

/// Reads lines such as `ffffffff81000000 t xfs_growfs_data<TAB>[xfs]`.
fn all(list: impl BufRead, wanted: &Names<'_>) -> io::Result<Found> {
    let mut found = Found::default();
    for_each_line(list, |line| {
        let mut fields = line.splitn(3, |&byte| byte == b' ').skip(1);
        let (Some([kind]), Some(rest)) = (fields.next(), fields.next()) else {
            return;
        };
        if !matches!(kind, b't' | b'T' | b'w' | b'W') {
            return;
        }
        let (name, module) = split(rest, b'\t');
        found.add(name, module, wanted);
    })?;
    Ok(found)
}

/// Reads lines such as `xfs_growfs_data [xfs]`.
fn traceable(list: impl BufRead, wanted: &Names<'_>) -> io::Result<Found> {
    let mut found = Found::default();
    for_each_line(list, |line| {
        let (name, module) = split(line, b' ');
        found.add(name, module, wanted);
    })?;
    Ok(found)
}

/// A name, and what follows it.
fn split(line: &[u8], by: u8) -> (&[u8], Option<&[u8]>) {
    match memchr::memchr(by, line) {
        Some(at) => (&line[..at], Some(&line[at + 1..])),
        None => (line, None),
    }
}

/// `[xfs]` → `xfs`.
fn module_name(bracketed: &[u8]) -> String {
    String::from_utf8_lossy(bracketed)
        .trim_matches(['[', ']'])
        .to_owned()
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

    const TRACEABLE: &str = "\
vfs_copy_file_range
do_move_mount.isra.0
page_cache_sync_ra
page_cache_sync_ra
xfs_growfs_data [xfs]
";

    fn wanted() -> Names<'static> {
        let wanted = [
            "vfs_copy_file_range",
            "read_pages",
            "do_move_mount",
            "copy_exit",
            "page_cache_sync_ra",
            "xfs_growfs_data",
            "vfs_statfs",
        ];
        wanted.into_iter().collect()
    }

    fn found() -> Symbols {
        let all = all(KALLSYMS.as_bytes(), &wanted()).ok();
        Symbols::new(all, traceable(TRACEABLE.as_bytes(), &wanted()).ok())
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
    fn what_can_be_traced_is_told_apart_without_the_whole_table() {
        let symbols = Symbols::new(None, traceable(TRACEABLE.as_bytes(), &wanted()).ok());
        assert_eq!(
            symbols.standing("vfs_copy_file_range"),
            Standing::Present(None)
        );
        assert_eq!(
            symbols.standing("page_cache_sync_ra"),
            Standing::Ambiguous(2)
        );
        assert_eq!(
            symbols.standing("do_move_mount"),
            Standing::Variant("do_move_mount.isra.0".to_owned())
        );
        assert_eq!(
            symbols.standing("xfs_growfs_data"),
            Standing::Present(Some("xfs".to_owned()))
        );
        assert_eq!(symbols.standing("read_pages"), Standing::Absent);
    }

    #[test]
    fn the_whole_table_is_asked_only_where_the_other_leaves_a_doubt() {
        let doubtful = |list: &str, exists: &[&str]| {
            let found = traceable(list.as_bytes(), &wanted()).unwrap();
            found.is_doubtful(&wanted(), |name| exists.contains(&name))
        };
        let clear = "vfs_copy_file_range\nxfs_growfs_data [xfs]\n";
        assert!(!doubtful(clear, &["vfs_copy_file_range"]));
        assert!(doubtful(clear, &["vfs_copy_file_range", "read_pages"]));
        assert!(doubtful(TRACEABLE, &["vfs_copy_file_range"]));
    }

    #[test]
    fn an_unread_table_is_unknown_not_absent() {
        assert_eq!(Symbols::default().standing("read_pages"), Standing::Unknown);
    }
}
