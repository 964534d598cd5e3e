//! The layers that the node's kernel tells of: capacity, partition, mapping,
//! file system.

use super::layer::{Layer, LayerRow, LayerState};
use crate::analysis::Evidence;
use crate::analysis::absence::{self, Absence, Basis, Watch};
use crate::analysis::case::{Case, real};
use crate::analysis::rules::evidence_of_growth;
use crate::analysis::state::Layers;
use crate::analysis::volume::{Growth, ToolRun, Volume};
use crate::sample::Dev;
use crate::units::{bytes, duration, gap};

/// The layers of the node, in order.
pub(super) fn all(case: &Case) -> [LayerRow; 4] {
    let Some(volume) = &case.volume else {
        let why = case.missing.first();
        let why = why.map_or("no recording of the node", String::as_str);
        let row = |layer| LayerRow::new(layer, LayerState::Unknown, why);
        return [
            row(Layer::Capacity),
            row(Layer::Partition),
            row(Layer::Mapping),
            row(Layer::Filesystem),
        ];
    };
    let layers = Layers::of(volume.recording.devices(), volume.dev);
    let capacity = capacity(case, volume, &layers);
    let above = capacity.state == LayerState::Done;
    [
        capacity,
        device(volume, Layer::Partition, layers.partition, above),
        device(volume, Layer::Mapping, layers.mapping, above),
        file_system(case, volume),
    ]
}

fn done(volume: &Volume, layer: Layer, growth: &Growth, what: String) -> LayerRow {
    LayerRow::new(layer, LayerState::Done, what)
        .at(real(volume.recording, growth.by_ns))
        .sizes(Some(growth.from), Some(growth.to))
        .shown_by([evidence_of_growth(volume, growth)])
}

fn capacity(case: &Case, volume: &Volume, layers: &Layers) -> LayerRow {
    let devices = volume.recording.devices();
    let is_disk = |growth: &&Growth| layers.disks.contains(&growth.dev);
    if let Some(growth) = volume.growths.iter().rev().find(is_disk) {
        let name = devices.name(growth.dev).unwrap_or_default();
        let what = format!("kernel: {name} grew{}", too_late(volume, growth));
        return done(volume, Layer::Capacity, growth, what);
    }
    let size: Option<u64> = layers.disks.iter().try_fold(0_u64, |sum, &disk| {
        Some(sum.saturating_add(volume.bytes_of(disk)?))
    });
    let size = size.filter(|_| !layers.disks.is_empty());
    let wanted = case.outside.wanted_bytes();
    let row = |state, what: &str| LayerRow::new(Layer::Capacity, state, what).sizes(size, size);
    if let (Some(size), Some(wanted)) = (size, wanted)
        && size >= wanted
    {
        return row(
            LayerState::Done,
            "the device has the size; when it grew was not recorded",
        )
        .sizes(None, Some(size));
    }
    match &*layers.disks {
        [disk] => match never_grew(volume, *disk, volume.recording.start_ns()) {
            Ok(absence) => row(LayerState::Missing, "the kernel saw no change of capacity")
                .shown_by([absence.evidence(volume.recording)]),
            Err(why) => row(LayerState::Unknown, &why.join("; ")),
        },
        _ => row(LayerState::Unknown, "it lies on several disks"),
    }
}

/// That a device did not grow from a boot time to the end.
pub(in crate::analysis) fn never_grew(
    volume: &Volume,
    dev: Dev,
    from_ns: u64,
) -> Result<absence::Absence, Vec<String>> {
    let devices = volume.recording.devices();
    let name = devices.name(dev).unwrap_or_else(|| dev.to_string());
    absence::since(
        volume.recording,
        format!("growth of {name}"),
        Watch::capacity(),
        devices.sizes(dev),
        from_ns,
    )
}

/// After a run that had nothing to do.
fn too_late(volume: &Volume, growth: &Growth) -> String {
    let before = |run: &&ToolRun| run.end_ns() <= growth.after_ns && volume.was_no_op(run);
    let early = volume.runs.iter().rev().find(before);
    early.map_or_else(String::new, |run| {
        format!(", {} too late", gap(growth.by_ns - run.end_ns()))
    })
}

fn device(volume: &Volume, layer: Layer, dev: Option<Dev>, beneath_grew: bool) -> LayerRow {
    let Some(dev) = dev else {
        return LayerRow::new(layer, LayerState::NotApplicable, "there is none");
    };
    let devices = volume.recording.devices();
    let name = devices.name(dev).unwrap_or_else(|| dev.to_string());
    if let Some(growth) = volume.growths.iter().rev().find(|growth| growth.dev == dev) {
        return done(volume, layer, growth, format!("{name} grew"));
    }
    let size = volume.bytes_of(dev);
    match never_grew(volume, dev, volume.recording.start_ns()) {
        Ok(absence) if beneath_grew => {
            LayerRow::new(layer, LayerState::Missing, format!("{name} kept its size"))
                .shown_by([absence.evidence(volume.recording)])
        }
        Ok(_) => LayerRow::new(layer, LayerState::Missing, format!("{name} kept its size")),
        Err(why) => LayerRow::new(layer, LayerState::Unknown, why.join("; ")),
    }
    .sizes(size, size)
}

fn file_system(case: &Case, volume: &Volume) -> LayerRow {
    let layer = Layer::Filesystem;
    if case.is_raw() {
        return LayerRow::new(
            layer,
            LayerState::NotApplicable,
            "a raw device (block mode)",
        );
    }
    let size = volume.fs_bytes();
    let full = volume.is_full_size();
    if let Some(attempt) = volume.attempts.iter().rev().find(|attempt| attempt.grew()) {
        let resize = attempt.resize;
        let who = format!("{} [{}]", attempt.event.comm, attempt.event.pid);
        return LayerRow::new(layer, LayerState::Done, format!("resized by {who}"))
            .at(real(volume.recording, attempt.event.boot_ns))
            .sizes(
                resize.and_then(|r| r.from_bytes),
                resize.and_then(|r| r.to_bytes),
            )
            .shown_by([Evidence::Event {
                id: attempt.event.id,
            }]);
    }
    let row = |state, what: String| LayerRow::new(layer, state, what).sizes(size, size);
    if full != Some(true)
        && let Some(refused) = volume.attempts.iter().rev().find(|a| a.error().is_some())
    {
        let error = refused.error().unwrap_or_default();
        return row(LayerState::Failed, format!("the kernel refused: {error}"))
            .at(real(volume.recording, refused.event.boot_ns))
            .shown_by([Evidence::Event {
                id: refused.event.id,
            }]);
    }
    if let Some(run) = volume.runs.last()
        && (run.failed() || full == Some(false) || has_waited(case, volume))
    {
        let (state, what) = if run.failed() {
            (LayerState::Failed, ran(volume, run))
        } else if volume.was_no_op(run) {
            (LayerState::NoOp, ran(volume, run))
        } else {
            let state = match full {
                Some(false) => LayerState::Missing,
                _ => LayerState::Unknown,
            };
            let unseen = "what it changed was not seen";
            (state, format!("{}; {unseen}", ran(volume, run)))
        };
        return row(state, what)
            .at(real(volume.recording, run.start_ns()))
            .shown_by([Evidence::Event { id: run.event.id }]);
    }
    match full {
        Some(true) if !has_waited(case, volume) => {
            row(LayerState::Done, "it fills its device".to_owned()).sizes(None, size)
        }
        Some(_) => {
            let (what, absence) = not_grown(volume);
            let absence = absence.map(|absence| absence.evidence(volume.recording));
            row(LayerState::Missing, what.to_owned()).shown_by(absence)
        }
        None => row(LayerState::Unknown, "its size is not known".to_owned()),
    }
}

/// What may be said of a file system that is too small, and on what it rests. Only
/// of a growth that was seen can it be said that nobody came after it.
fn not_grown(volume: &Volume) -> (&'static str, Option<Absence>) {
    let own = |growth: &&Growth| growth.dev == volume.dev;
    let grown = volume.growths.iter().rev().find(own);
    let from_ns = grown.map_or(volume.recording.start_ns(), |growth| growth.after_ns);
    let absence = volume.nobody_resized_since(from_ns).ok();
    let what = match (grown, absence.as_ref().map(|absence| absence.basis)) {
        (Some(_), Some(Basis::Events | Basis::Both)) => "nobody resized it",
        (Some(_), Some(Basis::State)) => "it has not grown since its device did",
        (None, Some(_)) => "it kept its size",
        (_, None) => "it is smaller than it should be",
    };
    (what, absence)
}

/// More was asked for than the file system has.
fn has_waited(case: &Case, volume: &Volume) -> bool {
    let sizes = case.outside.wanted_bytes().zip(volume.device_bytes());
    sizes.is_some_and(|(wanted, device)| device < wanted && !near(device, wanted))
}

/// A partition is a little smaller than the disk that was asked for.
fn near(device: u64, wanted: u64) -> bool {
    crate::analysis::fill::fills(device, wanted)
}

/// `resize2fs /dev/vdb [4711], saw 20 GiB, exit 0 after 17 ms, no resize call`.
/// Of calls only where they were watched.
fn ran(volume: &Volume, run: &ToolRun) -> String {
    let argv = if run.exit.argv.is_empty() {
        run.tool().to_owned()
    } else {
        run.exit.argv.join(" ")
    };
    let saw = run
        .saw
        .map(|size| format!(", saw {}", bytes(size)))
        .unwrap_or_default();
    let end = match (run.exit.exit_code, run.exit.signal) {
        (Some(code), _) => format!("exit {code}"),
        (None, Some(signal)) => format!("killed by signal {signal}"),
        (None, None) => "ended".to_owned(),
    };
    let took = match run.exit.start_boot_ns {
        0 => String::new(),
        start => format!(" after {}", duration(run.end_ns().saturating_sub(start))),
    };
    let calls = match run.exit.resize_calls {
        0 if !volume.watched_calls_of(run) => String::new(),
        0 => ", no resize call".to_owned(),
        1 => ", 1 resize call".to_owned(),
        n => format!(", {n} resize calls"),
    };
    format!("{argv} [{}]{saw}, {end}{took}{calls}", run.event.pid)
}
