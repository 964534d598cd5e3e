//! `cargo xtask demo`: what volprobe is for, played on a real kernel.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use clap::{Args, builder::PossibleValuesParser};

use super::{
    apt, build,
    initramfs::{self, HostFile},
    kernels,
    machine::{Exit, Machine, tail},
    progress,
    qemu::{Clock, Config, Disk},
    run, vm,
};

/// Boot a Debian kernel in a virtual machine, play a story with real tools, record
/// it with volprobe, and show what volprobe says of it.
///
/// resize: the volume that did not grow. A claim is enlarged, and the tool that
/// resizes its file system runs before the disk has grown, and succeeds with
/// nothing. Prints the report, and what correlate makes of all that was written down.
///
/// readahead: the copy that became slow. io.Copy from a network mount, before and
/// after its read-ahead fell to the kernel's default. Prints the diff.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// The story.
    #[arg(default_value = STORIES[0].name, value_parser = names())]
    pub story: String,
    /// Kernel series: 5.10, 6.1, 6.12 or 7.3.
    #[arg(long, default_value = kernels::MAIN_SERIES)]
    pub kernel: String,
    /// Folder for what the story leaves: target/demo/STORY without it.
    #[arg(long)]
    pub output: Option<PathBuf>,
}

/// A story, as far as the host has a part in it. The guest program plays it under
/// the name `demo`.
struct Story {
    name: &'static str,
    /// Sizes of its disks, in bytes: `vdb`, `vdc`, …
    disks: &'static [u64],
    /// Programs that it needs beside volprobe.
    programs: fn() -> Result<Vec<HostFile>>,
    /// What it leaves.
    files: &'static [&'static str],
    /// What is then run on that, in its folder.
    shown: &'static [&'static [&'static str]],
}

/// All stories; the first is played if none is named.
const STORIES: &[Story] = &[
    Story {
        name: "resize",
        disks: &[1 << 30],
        programs: || Ok(Vec::new()),
        files: &[
            "node.vprec",
            "audit.jsonl",
            "actiontrail.json",
            "claims.json",
            "kubelet.log",
        ],
        shown: &[
            &["report", "node.vprec"],
            &[
                "correlate",
                "node.vprec",
                "--events",
                "audit.jsonl",
                "actiontrail.json",
                "claims.json",
                "kubelet.log",
            ],
        ],
    },
    Story {
        name: "readahead",
        disks: &[1 << 30, 1 << 30],
        programs: || {
            apt::ensure(apt::TEST_NEEDS)?;
            Ok(vec![HostFile {
                from: build::go_program()?,
                to: "/usr/bin/gocopy".to_owned(),
            }])
        },
        files: &["before.vprec", "after.vprec"],
        shown: &[&["diff", "before.vprec", "after.vprec"]],
    },
];

/// Where the guest leaves its files.
const FOLDER: &str = "/tmp/demo";

fn names() -> PossibleValuesParser {
    PossibleValuesParser::new(STORIES.iter().map(|story| story.name))
}

/// Runs `cargo xtask demo`.
pub fn run(args: &DemoArgs) -> Result<ExitCode> {
    let story = STORIES.iter().find(|story| story.name == args.story);
    let story = story.with_context(|| format!("there is no story {}", args.story))?;
    apt::ensure(apt::VM_NEEDS)?;
    progress("building volprobe, static (slow the first time) …");
    let volprobe = build::static_binary("volprobe", "volprobe", build::VM_PROFILE)?;
    let guest = build::static_binary("xtask", "guest", build::VM_PROFILE)?;
    let kernel = kernels::get(&args.kernel)?;
    let folder = match &args.output {
        Some(folder) => folder.clone(),
        None => build::target_dir()?.join("demo").join(story.name),
    };
    fs::create_dir_all(&folder)
        .with_context(|| format!("cannot make the folder {}", folder.display()))?;
    play(story, kernel, &guest, &volprobe, &folder)?;
    println!("in {}:", folder.display());
    for words in story.shown {
        println!("\n$ volprobe {}\n", words.join(" "));
        std::io::stdout().flush()?;
        run::check(Command::new(&volprobe).args(*words).current_dir(&folder))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Plays a story, and brings what it leaves into the folder.
fn play(
    story: &Story,
    kernel: kernels::Kernel,
    guest: &Path,
    volprobe: &Path,
    folder: &Path,
) -> Result<()> {
    let mut files = (story.programs)()?;
    files.push(HostFile {
        from: volprobe.to_owned(),
        to: "/usr/bin/volprobe".to_owned(),
    });
    let console = vm::console_path(&kernel.series, "demo")?;
    progress(format_args!(
        "booting kernel {} under QEMU …",
        kernel.release
    ));
    let start = Instant::now();
    let mut machine = Machine::boot(&Config {
        initramfs: initramfs::build(&kernel, guest, &[], &files)?,
        kernel,
        disks: story.disks.iter().copied().map(Disk::empty).collect(),
        clock: Clock::Host,
        cpus: 2,
        possible_cpus: 2,
        memory: 1024,
        append: "quiet".to_owned(),
        console: console.clone(),
        show_console: false,
    })?;
    progress(format_args!(
        "up after {:.1} s",
        start.elapsed().as_secs_f64()
    ));
    let argv = ["demo", story.name, FOLDER].map(str::to_owned);
    let exit = machine.run(&argv, Duration::from_mins(2), |_, bytes| {
        let _ = std::io::stderr().write_all(bytes);
    })?;
    if exit != Exit::Code(0) {
        let text = fs::read_to_string(&console).unwrap_or_default();
        bail!("the demo ended with {exit:?}\n{}", tail(&text, 40));
    }
    for file in story.files {
        let bytes = machine.get(&format!("{FOLDER}/{file}"))?;
        let to = folder.join(file);
        fs::write(&to, bytes).with_context(|| format!("cannot write {}", to.display()))?;
    }
    Ok(())
}
