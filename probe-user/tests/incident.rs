//! What `docs/incidents/volume-did-not-grow.md` shows is what the program prints of
//! the files in `docs/samples/resize`.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;
use std::process::Command;

#[test]
fn what_is_shown_is_what_is_printed() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    let text = fs::read_to_string(docs.join("incidents/volume-did-not-grow.md")).unwrap();
    let mut blocks = 0;
    for block in text.split("```\n$ volprobe ").skip(1) {
        let (block, _) = block.split_once("```").unwrap();
        let (words, shown) = block.split_once('\n').unwrap();
        let printed = Command::new(env!("CARGO_BIN_EXE_volprobe"))
            .args(words.split(' '))
            .current_dir(docs.join("samples/resize"))
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
    assert_eq!(blocks, 2);
}
