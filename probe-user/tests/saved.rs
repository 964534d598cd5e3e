//! What `volumes --save` writes is a recording, which all other commands read.

#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::process::{Command, Output};

fn volprobe(words: &[&str], folder: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_volprobe"))
        .args(words)
        .current_dir(folder)
        .output()
        .unwrap()
}

#[test]
fn what_was_saved_is_read_by_every_command() {
    let folder = tempfile::tempdir().unwrap();
    let saved = volprobe(&["volumes", "--json", "--save", "now.vprec"], folder.path());
    assert!(saved.status.success(), "{saved:?}");
    let now: serde_json::Value = serde_json::from_slice(&saved.stdout).unwrap();
    let schema = |words: &[&str]| {
        let done = volprobe(words, folder.path());
        assert!(done.status.success(), "{words:?}: {done:?}");
        let json: serde_json::Value = serde_json::from_slice(&done.stdout).unwrap();
        json
    };
    let later = schema(&["volumes", "--json", "now.vprec"]);
    assert_eq!(later["volumes"], now["volumes"]);
    assert_eq!(
        schema(&["report", "--json", "now.vprec"])["schema"],
        "volprobe.report/1"
    );
    let same = schema(&["diff", "--json", "now.vprec", "now.vprec"]);
    assert_eq!(same["schema"], "volprobe.diff/1");
    assert_eq!(same["config"], serde_json::json!([]));
    let correlated = schema(&["correlate", "--json", "now.vprec"]);
    assert!(correlated["correlation"].is_array(), "{correlated}");

    let again = volprobe(&["volumes", "--save", "now.vprec"], folder.path());
    assert_eq!(again.status.code(), Some(2), "overwritten");
    let forced = volprobe(
        &["volumes", "--save", "now.vprec", "--force"],
        folder.path(),
    );
    assert!(forced.status.success());
}
