//! Messages of the library on stderr.

use log::{LevelFilter, Log, Metadata, Record};

struct Stderr;

static STDERR: Stderr = Stderr;

impl Log for Stderr {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        // With `--kernel-log` the level is lowered for the kernel programs, not
        // for what the loader tells of every relocation.
        let is_loader = metadata.target().starts_with("aya");
        metadata.level()
            <= if is_loader {
                LevelFilter::Warn
            } else {
                log::max_level()
            }
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            let level = record.level().as_str().to_lowercase();
            eprintln!("volprobe: {level}: {}", record.args());
        }
    }

    fn flush(&self) {}
}

/// Shows warnings and errors from now on.
pub fn install() {
    if log::set_logger(&STDERR).is_ok() {
        log::set_max_level(LevelFilter::Warn);
    }
}
