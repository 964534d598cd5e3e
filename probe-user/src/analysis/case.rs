//! One volume, as its node saw it and as others tell of it: what the rules about
//! resizes look at.

use super::absence::Absence;
use super::fill::fills;
use super::ledger::never_grew;
use super::outside::{Outside, Told};
use super::state::Layers;
use super::volume::{ToolRun, Volume};
use crate::cloud::Interval;
use crate::model::Recording;

/// What is known of one volume.
#[derive(Clone, Debug, Default)]
pub struct Case<'a> {
    /// The node's side; `None` without a recording, or where no device was found.
    pub volume: Option<Volume<'a>>,
    /// The side of everybody else.
    pub outside: Outside<'a>,
    /// What is taken of times of two clocks that overlap.
    pub overlap: Overlap,
    /// Why less is known than could be.
    pub missing: Vec<String>,
}

/// Which of two events came first, where the clocks cannot tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Overlap {
    /// What the node did came after what was asked for.
    #[default]
    NodeAfter,
    /// What the node did came before.
    NodeBefore,
}

impl<'a> Case<'a> {
    /// A volume of which only its node tells.
    pub fn of_node(volume: Volume<'a>) -> Self {
        Self {
            volume: Some(volume),
            ..Self::default()
        }
    }

    /// Whether it is a raw device (block mode), with no file system to grow.
    pub fn is_raw(&self) -> bool {
        let claimed = self.outside.claim.is_some_and(|claim| claim.block_mode);
        claimed || self.volume.as_ref().is_some_and(Volume::is_raw)
    }

    /// What it is called in a finding: its device, else the disk's id.
    pub fn name(&self) -> Option<String> {
        let device = self.volume.as_ref().map(|volume| volume.name.clone());
        device.or_else(|| self.outside.disk_id.clone())
    }

    /// Whether a tool ran before anybody had asked for the growth; `None` where
    /// nobody is known to have asked.
    pub fn ran_before_asked(&self, volume: &Volume, run: &ToolRun) -> Option<bool> {
        let asked = self.outside.wanted_at()?;
        let ran = real(volume.recording, run.start_ns())?;
        Some(match (ran.is_before(&asked), asked.is_before(&ran)) {
            (true, _) => true,
            (_, true) => false,
            _ => self.overlap == Overlap::NodeBefore,
        })
    }

    /// Whether a boot time is after an event of another clock; where they
    /// overlap, what is taken of it.
    pub fn is_after(&self, volume: &Volume, boot_ns: u64, told: Interval) -> bool {
        real(volume.recording, boot_ns).is_some_and(|at| {
            told.is_before(&at) || !at.is_before(&told) && self.overlap == Overlap::NodeAfter
        })
    }

    /// Whether one of its devices grew at or after a time of another clock, as far
    /// as was recorded.
    pub fn grew_since(&self, at: Interval) -> bool {
        self.volume.as_ref().is_some_and(|volume| {
            let mut grown = volume.growths.iter();
            grown.any(|growth| self.is_after(volume, growth.by_ns, at))
        })
    }

    /// Whether its device has the size that was asked for, at the end; `None`
    /// where either is not known. A partition may be a little smaller.
    pub fn has_wanted_size(&self) -> Option<bool> {
        let wanted = self.outside.wanted_bytes()?;
        let volume = self.volume.as_ref()?;
        let largest = volume
            .chain
            .iter()
            .filter_map(|&dev| volume.bytes_of(dev))
            .max()?;
        Some(largest >= wanted || fills(largest, wanted))
    }

    /// That its disk did not grow since something was told, as far as was recorded;
    /// otherwise why that is not known.
    pub fn never_grew_since(&self, told: Told) -> Result<Absence, Vec<String>> {
        let Some(volume) = &self.volume else {
            return Err(self.missing.clone());
        };
        let layers = Layers::of(volume.recording.devices(), volume.dev);
        let [disk] = *layers.disks else {
            return Err(vec!["it lies on several disks".to_owned()]);
        };
        match self.boot_after(volume, told) {
            Some(from_ns) => never_grew(volume, disk, from_ns),
            None => Err(vec!["the recording had ended before".to_owned()]),
        }
    }

    /// The boot time at which something told surely was over, as far as the
    /// recording goes: its start for what was before. `None` if it came after
    /// the recording's end.
    pub fn boot_after(&self, volume: &Volume, told: Told) -> Option<u64> {
        let recording = volume.recording;
        let (start, end) = (recording.start_ns(), recording.end_ns());
        let wanted = told.event.at.end_ns;
        let first = recording.real(start)?;
        let last = recording.real(end)?;
        let margin = i64::try_from(last.error_ns).unwrap_or(i64::MAX);
        let wanted = wanted.saturating_add(margin);
        if wanted > last.t_ns {
            return None;
        }
        let since = u64::try_from(wanted.saturating_sub(first.t_ns)).unwrap_or(0);
        Some(start.saturating_add(since))
    }
}

/// Real time of a boot time, as an interval.
pub fn real(recording: &Recording, boot_ns: u64) -> Option<Interval> {
    let at = recording.real(boot_ns)?;
    let error = i64::try_from(at.error_ns).unwrap_or(i64::MAX);
    Some(Interval {
        start_ns: at.t_ns.saturating_sub(error),
        end_ns: at.t_ns.saturating_add(error),
    })
}
