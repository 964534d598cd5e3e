//! `docs/performance.md`: text by hand, and between markers what was measured: of
//! each subject one part a heading, so that a kernel can be measured alone.

use std::{fs, path::Path};

use anyhow::{Context, Result};

use crate::host::progress;

const DOCUMENT: &str = "docs/performance.md";

/// Puts a part of what was measured of a subject into its place.
pub(super) fn write(root: &Path, subject: &str, part: &str) -> Result<()> {
    let path = root.join(DOCUMENT);
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {DOCUMENT}"))?;
    let text = replace(&text, subject, part)
        .with_context(|| format!("{DOCUMENT} has no place for {subject}"))?;
    fs::write(&path, text).with_context(|| format!("cannot write {DOCUMENT}"))?;
    progress(format_args!("{DOCUMENT}: wrote {subject}"));
    Ok(())
}

/// The text with another part; `None` where it has no markers for its subject.
fn replace(text: &str, subject: &str, part: &str) -> Option<String> {
    let begin = format!("<!-- begin: cargo xtask bench {subject} -->\n");
    let end = format!("<!-- end: cargo xtask bench {subject} -->");
    let (before, rest) = text.split_once(&begin)?;
    let (section, after) = rest.split_once(&end)?;
    let mut parts = parts(section);
    let new = key(part);
    match parts.iter_mut().find(|old| key(old) == new) {
        Some(old) => *old = part.trim(),
        None => parts.push(part.trim()),
    }
    // What stands there without a heading says that nothing was measured.
    if new.is_some() {
        parts.retain(|part| key(part).is_some());
    }
    Some(format!(
        "{before}{begin}\n{}\n\n{end}{after}",
        parts.join("\n\n")
    ))
}

/// A section cut at its headings.
fn parts(section: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = section.trim();
    while let Some(at) = rest.find("\n### ") {
        parts.push(rest[..at].trim());
        rest = &rest[at + 1..];
    }
    parts.push(rest);
    parts
}

/// What a part is about: its heading, with the series of a kernel for its release,
/// so that a newer build takes the place of an older one.
fn key(part: &str) -> Option<String> {
    let heading = part.trim().lines().next()?.strip_prefix("### ")?;
    let words = heading.split(' ').map(|word| {
        let numbers: Vec<&str> = word.splitn(3, '.').collect();
        match numbers.as_slice() {
            [major, minor, rest] => {
                let end = if rest.ends_with(',') { "," } else { "" };
                format!("{major}.{minor}{end}")
            }
            _ => word.to_owned(),
        }
    });
    Some(words.collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_takes_the_place_of_the_one_about_the_same() {
        let text = "<!-- begin: cargo xtask bench a -->\n\nNot written yet.\n\n<!-- end: cargo xtask bench a -->\n";
        let text = replace(text, "a", "### Linux 6.12.117+deb13, one thread\n\nold\n").unwrap();
        let text = replace(&text, "a", "### Linux 5.10.0-46, one thread\n\nkept\n").unwrap();
        let text = replace(&text, "a", "### Linux 6.12.118+deb13, one thread\n\nnew\n").unwrap();
        assert_eq!(
            text,
            "<!-- begin: cargo xtask bench a -->\n\n### Linux 6.12.118+deb13, one thread\n\nnew\n\n\
             ### Linux 5.10.0-46, one thread\n\nkept\n\n<!-- end: cargo xtask bench a -->\n"
        );
    }

    #[test]
    fn only_the_subject_s_own_section_is_replaced() {
        let text = "# A\n<!-- begin: cargo xtask bench a -->\nold\n<!-- end: cargo xtask bench a -->\n\
                    <!-- begin: cargo xtask bench b -->\nkept\n<!-- end: cargo xtask bench b -->\nB\n";
        let replaced = replace(text, "a", "new\n").unwrap();
        assert!(
            replaced.contains("bench a -->\n\nnew\n\n<!-- end"),
            "{replaced}"
        );
        assert!(!replaced.contains("old"), "{replaced}");
        assert!(
            replaced.contains("kept") && replaced.ends_with("B\n"),
            "{replaced}"
        );
        assert_eq!(replace(&replaced, "a", "new"), Some(replaced));
    }

    #[test]
    fn without_markers_nothing_is_written() {
        assert_eq!(replace("text", "a", "new"), None);
    }

    #[test]
    fn the_document_has_a_place_for_every_subject() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let text = fs::read_to_string(root.join(DOCUMENT)).unwrap();
        for subject in super::super::SUBJECTS {
            assert!(
                replace(&text, subject.name, "").is_some(),
                "{}",
                subject.name
            );
        }
    }
}
