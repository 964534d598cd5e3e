//! What the pages in `docs/incidents` show is what the program prints of the files in
//! `docs/samples`.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;
use std::process::Command;

/// Checks each `$ volprobe …` of a page, run in a folder of samples; how many there are.
fn blocks(page: &str, samples: &str) -> usize {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    let text = fs::read_to_string(docs.join("incidents").join(page)).unwrap();
    let mut blocks = 0;
    for block in text.split("```\n$ volprobe ").skip(1) {
        let (block, _) = block.split_once("```").unwrap();
        let (words, shown) = block.split_once('\n').unwrap();
        let printed = Command::new(env!("CARGO_BIN_EXE_volprobe"))
            .args(words.split(' '))
            .current_dir(docs.join("samples").join(samples))
            .output()
            .unwrap();
        assert!(printed.status.success(), "volprobe {words}");
        let printed = String::from_utf8(printed.stdout).unwrap();
        // Without its end, where that is left out.
        match shown.trim_start().strip_suffix("…\n") {
            Some(part) => assert!(
                printed.starts_with(part),
                "volprobe {words} prints\n{printed}"
            ),
            None => assert_eq!(printed, shown.trim_start(), "volprobe {words}"),
        }
        blocks += 1;
    }
    blocks
}

#[test]
fn the_volume_that_did_not_grow() {
    assert_eq!(blocks("volume-did-not-grow.md", "resize"), 2);
}

#[test]
fn the_copy_that_became_slow() {
    assert_eq!(blocks("slow-copy.md", "readahead"), 1);
}
