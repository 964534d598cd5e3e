//! What the README shows is what the program prints.

use std::fs;
use std::path::Path;
use std::process::Command;

#[test]
fn the_report_of_the_sample_is_the_one_shown() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let readme = fs::read_to_string(root.join("README.md")).unwrap();
    let command = "$ volprobe report docs/samples/main.vprec\n";
    let (_, shown) = readme.split_once(command).unwrap();
    let (shown, _) = shown.split_once("…\n```").unwrap();

    let printed = Command::new(env!("CARGO_BIN_EXE_volprobe"))
        .args(["report", "docs/samples/main.vprec"])
        .current_dir(&root)
        .output()
        .unwrap();
    assert!(printed.status.success());
    let printed = String::from_utf8(printed.stdout).unwrap();
    assert!(!shown.trim().is_empty());
    assert!(
        printed.starts_with(shown),
        "README.md shows\n{shown}\nand this is printed:\n{printed}"
    );
    // A sample is to show the product at its best.
    assert!(printed.contains(" recording  complete"), "{printed}");
    assert!(!printed.contains("failed"), "{printed}");
}
