//! What `cargo xtask demo` plays: stories, each of which leaves its files in a folder.

mod readahead;
mod resize;

use std::{fs, path::Path};

use anyhow::{Result, bail};

/// Plays the story named; leaves its files in the folder.
pub(super) fn run(args: &[String]) -> Result<()> {
    let [story, folder] = args else {
        bail!("usage: demo STORY FOLDER")
    };
    let folder = Path::new(folder);
    fs::create_dir_all(folder)?;
    match story.as_str() {
        "resize" => resize::play(folder),
        "readahead" => readahead::play(folder),
        _ => bail!("there is no story {story:?}"),
    }
}
