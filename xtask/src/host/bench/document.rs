//! `docs/performance.md`: text by hand, and between markers what was measured.

use std::{fs, path::Path};

use anyhow::{Context, Result};

use crate::host::progress;

const DOCUMENT: &str = "docs/performance.md";

/// Puts what was measured of a subject into its place.
pub(super) fn write(root: &Path, subject: &str, section: &str) -> Result<()> {
    let path = root.join(DOCUMENT);
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {DOCUMENT}"))?;
    let text = replace(&text, subject, section)
        .with_context(|| format!("{DOCUMENT} has no place for {subject}"))?;
    fs::write(&path, text).with_context(|| format!("cannot write {DOCUMENT}"))?;
    progress(format_args!("{DOCUMENT}: wrote {subject}"));
    Ok(())
}

/// The text with another section; `None` where it has no markers for it.
fn replace(text: &str, subject: &str, section: &str) -> Option<String> {
    let begin = format!("<!-- begin: cargo xtask bench {subject} -->\n");
    let end = format!("<!-- end: cargo xtask bench {subject} -->");
    let (before, rest) = text.split_once(&begin)?;
    let (_, after) = rest.split_once(&end)?;
    Some(format!(
        "{before}{begin}\n{}\n\n{end}{after}",
        section.trim()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

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
