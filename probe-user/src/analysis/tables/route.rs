//! Why a copy took no better way than it did: from its errors, its route, and what
//! it is from and to.
//!
//! From best to worst: blocks are shared (`clone`), the file system or its server
//! copies (`fs`), the kernel moves pages (`splice`), it does not copy at all (`none`)
//! and programs read and write.

use super::CopyRow;
use std::collections::BTreeMap;

/// File systems that can share blocks between files.
const SHARE_BLOCKS: &[&str] = &["xfs", "btrfs", "ocfs2", "bcachefs", "zfs"];

/// File systems whose files are made up when they are read: the kernel takes them
/// for empty.
const MADE_UP: &[&str] = &["proc", "sysfs", "debugfs", "tracefs", "cgroup", "cgroup2"];

/// Types of file systems by the names of their devices.
pub(super) type FileSystems = BTreeMap<String, String>;

/// The reason, in words; none where the way is the best one, or nothing is known.
/// `rows` are all of the table that `row` is in.
pub(super) fn why_not_better(
    row: &CopyRow,
    rows: &[CopyRow],
    file_systems: &FileSystems,
) -> Option<String> {
    let ends = Ends::of(row, file_systems);
    match row.route.as_deref()? {
        "none" => refused(row, &ends),
        "splice" => Some(spliced(row, rows, &ends)),
        _ => None,
    }
}

/// What is copied from and to.
struct Ends<'a> {
    from: Option<&'a str>,
    to: Option<&'a str>,
    same_device: bool,
}

impl<'a> Ends<'a> {
    fn of(row: &CopyRow, file_systems: &'a FileSystems) -> Self {
        let fs = |name: &Option<String>| Some(file_systems.get(name.as_ref()?)?.as_str());
        Self {
            from: fs(&row.src),
            to: fs(&row.dst),
            same_device: row.src.is_some() && row.src == row.dst,
        }
    }

    /// Why two files have nothing to share.
    fn apart(&self) -> String {
        match (self.from, self.to) {
            _ if self.same_device => "another mount of the same device".to_owned(),
            (Some(from), Some(to)) if from != to => format!("another file system: {from} → {to}"),
            (Some(_), Some(_)) => "another device".to_owned(),
            _ => "another device or file system".to_owned(),
        }
    }
}

fn refused(row: &CopyRow, ends: &Ends) -> Option<String> {
    let made_up = ends.from.filter(|fs| MADE_UP.contains(fs));
    let Some(errno) = row
        .errors
        .iter()
        .max_by_key(|(_, n)| **n)
        .map(|(errno, _)| errno)
    else {
        return made_up.map(|fs| format!("a special file: {fs} says that it is empty"));
    };
    let why = match errno.as_str() {
        "EXDEV" => ends.apart(),
        "EOPNOTSUPP" if row.via.as_deref() == Some("ioctl") => no_sharing(ends.to),
        "EOPNOTSUPP" => "the file system does not copy".to_owned(),
        "ENOSYS" => "the kernel, or what filters its calls, does not know the call".to_owned(),
        "EINVAL" if made_up.is_some() => "a special file".to_owned(),
        "EINVAL" if row.via.as_deref() == Some("ioctl") => {
            "not whole blocks, or one of the files may not share any".to_owned()
        }
        "EINVAL" => "no regular file, or the ranges overlap".to_owned(),
        "ETXTBSY" => "a swap file".to_owned(),
        "EPERM" => "the target may not be changed (immutable or append-only)".to_owned(),
        "EISDIR" => "a directory".to_owned(),
        "EBADF" => "not open for it".to_owned(),
        _ => return None,
    };
    Some(why)
}

fn spliced(row: &CopyRow, rows: &[CopyRow], ends: &Ends) -> String {
    if row.src != row.dst {
        return format!("no shared blocks: {}", ends.apart());
    }
    let clones = rows.iter().filter(|other| {
        let same = (&other.src, &other.dst, &other.pod) == (&row.src, &row.dst, &row.pod);
        same && other.via.as_deref() == Some("ioctl")
    });
    let mut refused = clones.filter(|other| other.route.as_deref() == Some("none"));
    match refused.find_map(|other| refused_clone(other, ends)) {
        Some(why) => why,
        None => no_sharing(ends.to),
    }
}

fn refused_clone(row: &CopyRow, ends: &Ends) -> Option<String> {
    let errno = row.errors.keys().next()?;
    Some(format!("{} (clone: {errno})", refused(row, ends)?))
}

fn no_sharing(fs: Option<&str>) -> String {
    match fs {
        Some(fs) if SHARE_BLOCKS.contains(&fs) => {
            format!(
                "this {fs} shares no blocks: made without it, or the ranges are no whole blocks"
            )
        }
        Some(fs) => format!("{fs} shares no blocks"),
        None => "blocks are not shared".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use crate::analysis::tables::{Counts, copy};
    use crate::model::testing::{GIB, MS, NAS, Story, VDB, VDC, disk, ext4, nfs};
    use crate::sample::inventory::Mount;

    fn node(fs: &str) -> Story {
        let mut story = Story::new();
        let mount = Mount {
            fs: fs.to_owned(),
            ..ext4(VDB, "/data", 20 * GIB)
        };
        let disks = vec![disk(VDB, "vdb", 20 * GIB), disk(VDC, "vdc", GIB)];
        story.inventory(disks, vec![mount, ext4(VDC, "/other", GIB), nfs()], true);
        story.at(1000);
        story
    }

    /// Why of each row, in the order of the table.
    fn why(story: &Story) -> Vec<Option<String>> {
        let recording = story.recording();
        let rows = copy(&Counts::whole(&recording));
        rows.into_iter().map(|row| row.why_not_better).collect()
    }

    #[test]
    fn each_way_has_its_reason() {
        let mut story = node("ext4");
        story.copies(VDB, VDB, "splice", "syscall", &[MS]);
        assert_eq!(why(&story), [Some("ext4 shares no blocks".to_owned())]);
        let mut story = node("xfs");
        story.copies(VDB, VDB, "clone", "ioctl", &[MS]);
        assert_eq!(why(&story), [None]);
        for (fs, src, dst, error, expected) in [
            ("xfs", VDB, VDC, "EXDEV", "another file system: xfs → ext4"),
            ("ext4", VDB, VDC, "EXDEV", "another device"),
            (
                "ext4",
                NAS,
                VDB,
                "EXDEV",
                "another file system: nfs4 → ext4",
            ),
            ("proc", VDB, VDC, "EINVAL", "a special file"),
            (
                "ext4",
                VDB,
                VDB,
                "EINVAL",
                "no regular file, or the ranges overlap",
            ),
        ] {
            let mut story = node(fs);
            story.failed_copies(src, dst, "syscall", &[(error, 1)]);
            assert_eq!(why(&story), [Some(expected.to_owned())], "{fs} {error}");
        }
        // Errors of the copy itself say nothing of a way.
        let mut story = node("ext4");
        story.failed_copies(VDB, VDB, "syscall", &[("EIO", 1)]);
        assert_eq!(why(&story), [None]);
    }

    #[test]
    fn a_clone_that_was_refused_tells_why_pages_were_moved() {
        let mut story = node("xfs");
        story.failed_copies(VDB, VDB, "ioctl", &[("EOPNOTSUPP", 1)]);
        story.copies(VDB, VDB, "splice", "syscall", &[MS]);
        let expected = "this xfs shares no blocks: made without it, or the ranges are no whole \
                        blocks (clone: EOPNOTSUPP)";
        assert!(
            why(&story).contains(&Some(expected.to_owned())),
            "{:?}",
            why(&story)
        );
    }

    #[test]
    fn an_empty_special_file_is_told_from_the_end_of_a_file() {
        let mut story = node("proc");
        story.copies_at_the_end(VDB, VDC, 1);
        let expected = "a special file: proc says that it is empty";
        assert_eq!(why(&story), [Some(expected.to_owned())]);
        let mut story = node("ext4");
        story.copies_at_the_end(VDB, VDC, 1);
        assert_eq!(why(&story), [None]);
    }
}
