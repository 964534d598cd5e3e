//! Totals to a key frame, and back.

use prost::Message;

use super::{GapKey, LossTotal, Totals, bounded::insert};
use crate::sample::{self, Gap, Inventory, KeyFrame, Missed};

impl Totals {
    /// Key frames that hold these totals together, each of about `limit`
    /// encoded bytes at most. There is always at least one.
    pub fn to_key_frames(&self, limit: usize) -> Vec<KeyFrame> {
        let whole = self.to_key_frame();
        if whole.encoded_len() <= limit {
            return vec![whole];
        }
        split(whole, limit)
    }

    /// The totals as one key frame.
    pub fn to_key_frame(&self) -> KeyFrame {
        KeyFrame {
            session: self.session.clone(),
            schemas: self.schemas.values().cloned().collect(),
            probes: self.probes.values().cloned().collect(),
            series: self.series.values().cloned().collect(),
            totals: self
                .counts
                .iter()
                .map(|(id, total)| total.to_delta(*id))
                .collect(),
            processes: self.processes.to_deltas(),
            inventory: Some(self.volumes.to_inventory()),
            losses: self
                .losses
                .iter()
                .map(|(kind, loss)| sample::LossTotal {
                    kind: kind.clone(),
                    count: loss.count,
                    from_boot_ns: loss.from_boot_ns,
                    to_boot_ns: loss.to_boot_ns,
                })
                .collect(),
            missed: self
                .missed
                .iter()
                .map(|((probe, hook), count)| Missed {
                    probe: probe.clone(),
                    hook: hook.clone(),
                    count: *count,
                })
                .collect(),
            gaps: self.gaps().collect(),
            first_anchor: self.clock.first,
            last_anchor: self.clock.last,
            window_seq: self.window_seq,
            previous_offset: 0,
            events: self.events,
            anchors: self.clock.anchors,
            clock_steps: self.clock.step_count,
            max_clock_error_ns: self.clock.max_error_ns,
            unsynchronised: self.clock.unsynchronised,
            steps: self.clock.steps.clone(),
            window_to_boot_ns: self.to_boot_ns,
            not_kept: self.not_kept,
            windows: self.windows,
        }
    }

    /// The gaps as records.
    pub fn gaps(&self) -> impl Iterator<Item = Gap> {
        self.gaps.iter().map(|(key, to)| Gap {
            probe: key.probe.clone(),
            from_boot_ns: key.from_boot_ns,
            to_boot_ns: *to,
            why: key.why.clone(),
        })
    }

    /// The totals in a key frame, given in its parts.
    pub fn from_key_frames(parts: impl IntoIterator<Item = KeyFrame>) -> Self {
        let mut totals = Self::default();
        for (number, part) in parts.into_iter().enumerate() {
            if number == 0 {
                totals.take_values(&part);
            }
            totals.take_lists(part);
        }
        totals
    }

    /// Takes what stands in the first part only.
    fn take_values(&mut self, part: &KeyFrame) {
        self.session.clone_from(&part.session);
        self.window_seq = part.window_seq;
        self.windows = part.windows;
        self.to_boot_ns = part.window_to_boot_ns;
        self.events = part.events;
        self.not_kept = part.not_kept;
        self.clock.first = part.first_anchor;
        self.clock.last = part.last_anchor;
        self.clock.anchors = part.anchors;
        self.clock.unsynchronised = part.unsynchronised;
        self.clock.step_count = part.clock_steps;
        self.clock.steps.clone_from(&part.steps);
        self.clock.max_error_ns = part.max_clock_error_ns;
    }

    fn take_lists(&mut self, part: KeyFrame) {
        part.schemas.iter().for_each(|schema| self.schema(schema));
        part.probes.iter().for_each(|status| self.probe(status));
        part.series.iter().for_each(|series| self.series(series));
        for delta in &part.totals {
            match super::entry(&mut self.counts, delta.series) {
                Some(total) => total.add(delta),
                None => self.not_kept += 1,
            }
        }
        for process in &part.processes {
            self.processes.add(process);
        }
        if let Some(inventory) = &part.inventory {
            self.not_kept += self.volumes.take(inventory);
        }
        for loss in part.losses {
            let total = LossTotal {
                count: loss.count,
                from_boot_ns: loss.from_boot_ns,
                to_boot_ns: loss.to_boot_ns,
            };
            self.not_kept += insert(&mut self.losses, loss.kind, total);
        }
        for missed in part.missed {
            let key = (missed.probe, missed.hook);
            self.not_kept += insert(&mut self.missed, key, missed.count);
        }
        for gap in part.gaps {
            let key = GapKey {
                from_boot_ns: gap.from_boot_ns,
                probe: gap.probe,
                why: gap.why,
            };
            self.not_kept += insert(&mut self.gaps, key, gap.to_boot_ns);
        }
    }
}

/// Splits the lists of a key frame over several; the first has everything else.
fn split(mut whole: KeyFrame, limit: usize) -> Vec<KeyFrame> {
    let mut lists = KeyFrame {
        schemas: std::mem::take(&mut whole.schemas),
        probes: std::mem::take(&mut whole.probes),
        series: std::mem::take(&mut whole.series),
        totals: std::mem::take(&mut whole.totals),
        processes: std::mem::take(&mut whole.processes),
        inventory: whole.inventory.take(),
        losses: std::mem::take(&mut whole.losses),
        missed: std::mem::take(&mut whole.missed),
        gaps: std::mem::take(&mut whole.gaps),
        ..KeyFrame::default()
    };
    let continuation = KeyFrame {
        window_seq: whole.window_seq,
        ..KeyFrame::default()
    };
    let mut parts = Parts {
        limit,
        size: whole.encoded_len(),
        all: vec![whole],
        continuation,
    };
    parts.spread(lists.schemas, |part, item| part.schemas.push(item));
    parts.spread(lists.probes, |part, item| part.probes.push(item));
    parts.spread(lists.series, |part, item| part.series.push(item));
    parts.spread(lists.totals, |part, item| part.totals.push(item));
    parts.spread(lists.processes, |part, item| part.processes.push(item));
    parts.spread(lists.losses, |part, item| part.losses.push(item));
    parts.spread(lists.missed, |part, item| part.missed.push(item));
    parts.spread(lists.gaps, |part, item| part.gaps.push(item));
    if let Some(inventory) = lists.inventory.take() {
        let pieces = split_inventory(inventory, limit);
        parts.spread(pieces, |part, item| match &mut part.inventory {
            Some(piece) => {
                piece.devices.extend(item.devices);
                piece.mounts.extend(item.mounts);
                piece.volumes.extend(item.volumes);
                piece.cgroups.extend(item.cgroups);
            }
            none => *none = Some(item),
        });
    }
    parts.all
}

struct Parts {
    limit: usize,
    size: usize,
    all: Vec<KeyFrame>,
    continuation: KeyFrame,
}

impl Parts {
    fn spread<T: Message>(&mut self, items: Vec<T>, put: impl Fn(&mut KeyFrame, T)) {
        for item in items {
            // A tag of at most two bytes and a length of at most five.
            let size = item.encoded_len() + 7;
            if self.size + size > self.limit {
                self.all.push(self.continuation.clone());
                self.size = self.continuation.encoded_len();
            }
            self.size += size;
            if let Some(part) = self.all.last_mut() {
                put(part, item);
            }
        }
    }
}

/// Splits a snapshot: the first piece is as whole as the original, the others
/// are changes to it.
pub(crate) fn split_inventory(mut inventory: Inventory, limit: usize) -> Vec<Inventory> {
    if inventory.encoded_len() <= limit {
        return vec![inventory];
    }
    let devices = std::mem::take(&mut inventory.devices);
    let mounts = std::mem::take(&mut inventory.mounts);
    let volumes = std::mem::take(&mut inventory.volumes);
    let cgroups = std::mem::take(&mut inventory.cgroups);
    let piece = Inventory {
        whole: false,
        ..inventory.clone()
    };
    let mut pieces = vec![inventory];
    let mut size = piece.encoded_len();
    let mut place = |len: usize, put: &mut dyn FnMut(&mut Inventory)| {
        if size + len + 7 > limit {
            pieces.push(piece.clone());
            size = piece.encoded_len();
        }
        size += len + 7;
        if let Some(last) = pieces.last_mut() {
            put(last);
        }
    };
    for device in devices {
        place(device.encoded_len(), &mut |piece| {
            piece.devices.push(device.clone());
        });
    }
    for mount in mounts {
        place(mount.encoded_len(), &mut |piece| {
            piece.mounts.push(mount.clone());
        });
    }
    for volume in volumes {
        place(volume.encoded_len(), &mut |piece| {
            piece.volumes.push(volume.clone());
        });
    }
    for cgroup in cgroups {
        place(cgroup.encoded_len(), &mut |piece| {
            piece.cgroups.push(cgroup.clone());
        });
    }
    pieces
}
