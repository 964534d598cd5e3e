//! One volume's story: what grew, who tried to resize it, and what came of it.
//! This is what the rules about resizes look at.

use super::absence::{self, Absence, Basis, Watch};
use super::fill::fills;
use crate::model::{RESIZE_TOOLS, Recording, Runs};
use crate::node::disk_id;
use crate::sample::event::Detail;
use crate::sample::inventory::{Device, Volume as KubeletVolume};
use crate::sample::{Dev, Event, ExecExit};
use std::collections::BTreeSet;
use std::rc::Rc;

/// A device of the volume became larger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Growth {
    /// The device: the volume's own, or one that it lies on.
    pub dev: Dev,
    /// It had not happened at this boot time, ns.
    pub after_ns: u64,
    /// It had happened at this boot time, ns.
    pub by_ns: u64,
    /// Size before.
    pub from: u64,
    /// Size after.
    pub to: u64,
    /// The event, if it was seen as one.
    pub event: Option<u64>,
}

/// A tool that resizes file systems ran on the volume.
#[derive(Clone, Copy, Debug)]
pub struct ToolRun<'a> {
    /// Its end.
    pub event: &'a Event,
    /// What it did.
    pub exit: &'a ExecExit,
    /// Size of the device that it was told.
    pub saw: Option<u64>,
}

impl ToolRun<'_> {
    /// Boot time at which it began, ns; its end where that is not known.
    pub fn start_ns(&self) -> u64 {
        match self.exit.start_boot_ns {
            0 => self.event.boot_ns,
            start => start,
        }
    }

    /// Boot time at which it ended, ns.
    pub fn end_ns(&self) -> u64 {
        self.event.boot_ns
    }

    /// It said that all was well, and no resize call of it was seen.
    fn exited_without_a_call(&self) -> bool {
        self.exit.exit_code == Some(0) && self.exit.resize_calls == 0
    }

    /// It said that something was wrong, or was killed.
    pub fn failed(&self) -> bool {
        self.exit.signal.is_some() || self.exit.exit_code.is_some_and(|code| code != 0)
    }

    /// Its name.
    pub fn tool(&self) -> &str {
        tool_name(self.event, self.exit)
    }
}

/// A resize that reached the kernel.
#[derive(Clone, Copy, Debug)]
pub struct Attempt<'a> {
    /// The event.
    pub event: &'a Event,
    /// What is known of it; `None`: had not returned by the end.
    pub resize: Option<&'a crate::sample::FsResize>,
}

impl Attempt<'_> {
    /// It made the file system larger.
    pub fn grew(&self) -> bool {
        self.resize.is_some_and(|resize| {
            let sizes = resize.from_bytes.zip(resize.to_bytes);
            match sizes.map(|(from, to)| to > from) {
                Some(larger) => larger && (resize.error.is_empty() || !resize.has_returned()),
                None => resize.error.is_empty(),
            }
        })
    }

    /// Name of the error it returned.
    pub fn error(&self) -> Option<&str> {
        let resize = self.resize.filter(|resize| resize.has_returned())?;
        (!resize.error.is_empty()).then_some(resize.error.as_str())
    }

    /// How it ended was not seen.
    pub fn is_lost(&self) -> bool {
        self.resize.is_some_and(|resize| !resize.has_returned())
    }

    /// Boot time at which it returned, ns.
    pub fn end_ns(&self) -> Option<u64> {
        Some(self.event.boot_ns.saturating_add(self.resize?.duration_ns))
    }
}

/// A file system, the devices under it, and all that happened to them.
#[derive(Clone, Debug)]
pub struct Volume<'a> {
    /// The recording.
    pub recording: &'a Recording,
    /// The device that is mounted.
    pub dev: Dev,
    /// Its name.
    pub name: String,
    /// Type of the file system; empty if nothing was mounted.
    pub fs: String,
    /// The device and all that it lies on.
    pub chain: Vec<Dev>,
    /// Growths of these, in order.
    pub growths: Vec<Growth>,
    /// Resize tools on it, in order of their ends; queries left out.
    pub runs: Vec<ToolRun<'a>>,
    /// Resizes that reached the kernel, in order.
    pub attempts: Vec<Attempt<'a>>,
    events: Rc<[&'a Event]>,
}

impl<'a> Volume<'a> {
    /// All volumes of a recording that anything is known of.
    pub fn all(recording: &'a Recording) -> Vec<Self> {
        let events = relevant(recording);
        let devices = recording.devices();
        let mut found: BTreeSet<Dev> = devices
            .mounts()
            .map(|state| devices.canonical(Dev(state.mount.dev)))
            .filter(|&dev| dev.major() != 0 && devices.device(dev).is_some())
            .collect();
        for event in events.iter() {
            match &event.detail {
                Some(Detail::FsResize(resize)) => _ = found.insert(Dev(resize.dev)),
                Some(Detail::FsResizeBegin(begin)) => _ = found.insert(Dev(begin.dev)),
                Some(Detail::ExecExit(exit)) if is_resize_tool(event, exit) => {
                    found.extend(exit.devices.iter().map(|asked| Dev(asked.dev)));
                }
                _ => {}
            }
        }
        found.remove(&Dev(0));
        found
            .into_iter()
            .map(|dev| Self::of(recording, Rc::clone(&events), dev))
            .collect()
    }

    /// The volume on this device.
    pub fn new(recording: &'a Recording, dev: Dev) -> Self {
        Self::of(recording, relevant(recording), dev)
    }

    fn of(recording: &'a Recording, events: Rc<[&'a Event]>, dev: Dev) -> Self {
        let devices = recording.devices();
        let chain = devices.chain(dev);
        // What happened to the disk that had the number before is not of this one.
        let since = chain.iter().map(|&dev| devices.since(dev)).max();
        let events: Rc<[&Event]> = match since.unwrap_or(0) {
            0 => events,
            since => {
                let later = events.iter().filter(|event| event.boot_ns >= since);
                later.copied().collect()
            }
        };
        let mut growths: Vec<Growth> = chain
            .iter()
            .flat_map(|&dev| growths_of(recording, &events, dev))
            .collect();
        growths.sort_by_key(|growth| (growth.by_ns, growth.after_ns));
        let attempts: Vec<Attempt> = attempts_of(recording, &events, dev);
        let runs = events.iter().filter_map(|event| run_on(event, dev));
        let mut runs: Vec<ToolRun> = runs.collect();
        runs.sort_by_key(ToolRun::end_ns);
        let mounted = devices.main_mount(dev).map(|state| state.mount.fs.clone());
        let resized = || attempts.iter().find_map(|a| Some(a.resize?.fs.clone()));
        Self {
            recording,
            dev,
            name: devices.name(dev).unwrap_or_else(|| dev.to_string()),
            fs: mounted.or_else(resized).unwrap_or_default(),
            chain,
            growths,
            runs,
            attempts,
            events,
        }
    }

    /// Sizes of the file system that were read.
    pub fn fs_sizes(&self) -> Option<&'a Runs> {
        self.recording.devices().fs_sizes(self.dev)
    }

    /// Size of the file system at the end.
    pub fn fs_bytes(&self) -> Option<u64> {
        let read = self.fs_sizes().and_then(|runs| runs.all().last().copied());
        let measured = self.attempts.iter().rev().find_map(|attempt| {
            let resize = attempt.resize.filter(|_| attempt.grew())?;
            Some((attempt.end_ns()?, resize.to_bytes?))
        });
        match (read, measured) {
            (Some(read), Some((at, size))) if at > read.last_ns => Some(size),
            (Some(read), _) => Some(read.value),
            (None, measured) => measured.map(|(_, size)| size),
        }
    }

    /// Size of a device at the end.
    pub fn bytes_of(&self, dev: Dev) -> Option<u64> {
        let read = self
            .recording
            .devices()
            .sizes(dev)
            .and_then(|runs| runs.all().last().copied());
        let growth = self.growths.iter().rev().find(|growth| growth.dev == dev);
        match (read, growth) {
            (Some(read), Some(growth)) if growth.by_ns > read.last_ns => Some(growth.to),
            (Some(read), _) => Some(read.value),
            (None, growth) => growth.map(|growth| growth.to),
        }
    }

    /// Size of the mounted device at the end.
    pub fn device_bytes(&self) -> Option<u64> {
        self.bytes_of(self.dev)
    }

    /// Whether a pod has the device itself, and there is no file system to grow.
    pub fn is_raw(&self) -> bool {
        let devices = self.recording.devices();
        let given = |v: &KubeletVolume| v.block && v.dev.map(Dev) == Some(self.dev);
        devices.volumes().any(given) && devices.main_mount(self.dev).is_none()
    }

    /// Whether the file system fills its device at the end.
    pub fn is_full_size(&self) -> Option<bool> {
        Some(fills(self.fs_bytes()?, self.device_bytes()?))
    }

    /// Whether it was mounted at a boot time.
    pub fn is_mounted_at(&self, boot_ns: u64) -> bool {
        let mounts = self.recording.devices().mounts_of(self.dev);
        let mut read = mounts.iter().filter(|m| m.since_ns <= boot_ns);
        if read.any(|m| m.present || boot_ns <= m.last_ns) {
            return true;
        }
        let changes = self.events.iter().filter(|event| event.boot_ns <= boot_ns);
        let mut ops = changes.filter_map(|event| match &event.detail {
            Some(Detail::Mount(change)) if self.is_on(change.dev) => Some(change.op.as_str()),
            _ => None,
        });
        ops.rfind(|op| *op != "umount_failed") == Some("add")
    }

    fn is_on(&self, dev: u32) -> bool {
        self.recording.devices().canonical(Dev(dev)) == self.dev
    }

    /// Where it was mounted at last.
    pub fn mount_point(&self) -> Option<&'a str> {
        let mount = self.recording.devices().main_mount(self.dev)?;
        Some(&mount.mount.mount_point)
    }

    /// Whether a resize made the file system larger at or after a boot time:
    /// by an event, or by sizes that were read.
    pub fn grew_since(&self, boot_ns: u64) -> bool {
        let by_event = |a: &Attempt| a.grew() && a.end_ns().is_some_and(|end| end >= boot_ns);
        let by_state = |runs: &Runs| {
            let pairs = runs.all().windows(2);
            pairs
                .into_iter()
                .any(|p| p[1].value > p[0].value && p[1].first_ns >= boot_ns)
        };
        self.attempts.iter().any(by_event) || self.fs_sizes().is_some_and(by_state)
    }

    /// The disk of this node that has this id, if it grew: its name, and the event.
    pub fn growth_of_disk(&self, id: &str) -> Option<(String, Option<u64>)> {
        let devices = self.recording.devices();
        let is_it = |device: &Device| {
            let called = disk_id::of(device);
            let serial = device.serial.as_deref();
            called.is_some_and(|called| called.eq_ignore_ascii_case(id)) || serial == Some(id)
        };
        let (dev, device) = devices.all().find(|(_, device)| is_it(device))?;
        let grown = growths_of(self.recording, &self.events, dev);
        let last = grown.last()?;
        Some((device.name.clone(), last.event))
    }

    /// Whether a resize call that a tool made would have been seen.
    pub fn watched_calls_of(&self, run: &ToolRun) -> bool {
        let watch = Watch::resizes(&self.fs);
        let (start, end) = (run.exit.start_boot_ns, run.end_ns());
        start != 0 && absence::by_events(self.recording, watch, start, end).is_ok()
    }

    /// Whether a run exited 0 and changed nothing. That it made no resize call
    /// proves it only for a mounted file system (offline, resize2fs writes the
    /// blocks itself), and only if the calls were watched; otherwise the size must
    /// have been the same before and after.
    pub fn was_no_op(&self, run: &ToolRun) -> bool {
        let (start, end) = (run.start_ns(), run.end_ns());
        let unchanged = self
            .fs_sizes()
            .and_then(|sizes| sizes.unchanged(start, end))
            .is_some();
        run.exited_without_a_call()
            && self.is_mounted_at(end)
            && (unchanged || self.watched_calls_of(run))
    }

    /// A resize had not returned by the end.
    pub fn is_resizing(&self) -> bool {
        self.attempts.iter().any(|attempt| attempt.resize.is_none())
    }

    /// That nobody resized it from a boot time to the end of the recording;
    /// otherwise why that is not known.
    pub fn nobody_resized_since(&self, boot_ns: u64) -> Result<Absence, Vec<String>> {
        if self.grew_since(boot_ns) || self.is_resizing() {
            return Err(vec!["it was resized".to_owned()]);
        }
        let what = format!("resize of {}", self.name);
        let watch = Watch::resizes(&self.fs);
        let absence = absence::since(self.recording, what, watch, self.fs_sizes(), boot_ns)?;
        // A call whose end nobody saw may have been one; the sizes know.
        let later = |a: &Attempt| a.is_lost() && a.event.boot_ns >= boot_ns;
        if !self.attempts.iter().any(later) {
            return Ok(absence);
        }
        match absence.basis {
            Basis::Events => Err(vec!["the return of a resize was not seen".to_owned()]),
            Basis::Both | Basis::State => Ok(Absence {
                basis: Basis::State,
                probes: Vec::new(),
                ..absence
            }),
        }
    }
}

/// The events that a volume's story may be made of. Of a busy node's day they
/// are few, and every volume looks through them.
fn relevant(recording: &Recording) -> Rc<[&Event]> {
    let events = recording.events().filter(|event| match &event.detail {
        Some(Detail::ExecExit(exit)) => is_resize_tool(event, exit),
        Some(
            Detail::FsResizeBegin(_)
            | Detail::FsResize(_)
            | Detail::DeviceCapacity(_)
            | Detail::PartitionChange(_)
            | Detail::Mount(_),
        ) => true,
        _ => false,
    });
    events.collect()
}

fn growths_of(recording: &Recording, events: &[&Event], dev: Dev) -> Vec<Growth> {
    let runs = recording.devices().sizes(dev).map_or(&[][..], Runs::all);
    let before = |at: u64| runs.iter().rev().find(|run| run.first_ns < at).copied();
    let mut growths: Vec<Growth> = events
        .iter()
        .filter_map(|event| {
            let (from, to, polled) = size_change(recording, event, dev)?;
            let last = before(event.boot_ns);
            Some(Growth {
                dev,
                after_ns: match last {
                    Some(last) if polled => last.last_ns.min(event.boot_ns),
                    _ => event.boot_ns,
                },
                by_ns: event.boot_ns,
                from: from.or(last.map(|run| run.value))?,
                to: to?,
                event: Some(event.id),
            })
        })
        .filter(|growth| growth.to > growth.from)
        .collect();
    // Growth that no event told of, such as that of a partition whose table
    // was read anew.
    for pair in runs.windows(2) {
        let (old, new) = (pair[0], pair[1]);
        let told = |g: &Growth| g.by_ns > old.first_ns && g.by_ns <= new.first_ns;
        if new.value > old.value && !growths.iter().any(told) {
            growths.push(Growth {
                dev,
                after_ns: old.last_ns,
                by_ns: new.first_ns,
                from: old.value,
                to: new.value,
                event: None,
            });
        }
    }
    growths
}

/// Size before and after, if the event changed that of the device, and whether
/// it was noticed by looking, some time later.
fn size_change(
    recording: &Recording,
    event: &Event,
    dev: Dev,
) -> Option<(Option<u64>, Option<u64>, bool)> {
    match event.detail.as_ref()? {
        Detail::DeviceCapacity(change) if Dev(change.dev) == dev => {
            Some((change.from_bytes, change.to_bytes, change.source == "poll"))
        }
        Detail::PartitionChange(change) if change.op == "resize" && change.error.is_empty() => {
            let part = recording
                .devices()
                .partition(Dev(change.disk_dev), change.number);
            (part == Some(dev)).then_some((change.from_bytes, change.to_bytes, false))
        }
        _ => None,
    }
}

fn attempts_of<'a>(recording: &Recording, events: &[&'a Event], dev: Dev) -> Vec<Attempt<'a>> {
    let canonical = |number: u32| recording.devices().canonical(Dev(number));
    let returned: BTreeSet<(u32, u64)> = events
        .iter()
        .filter(|event| matches!(event.detail, Some(Detail::FsResize(_))))
        .map(|event| (event.tid, event.boot_ns))
        .collect();
    let mut attempts: Vec<Attempt> = events
        .iter()
        .filter_map(|event| match &event.detail {
            Some(Detail::FsResize(resize)) if canonical(resize.dev) == dev => Some(Attempt {
                event,
                resize: Some(resize),
            }),
            Some(Detail::FsResizeBegin(begin)) if canonical(begin.dev) == dev => {
                let later = returned.range((event.tid, event.boot_ns)..).next();
                let open = later.is_none_or(|&(tid, _)| tid != event.tid);
                open.then_some(Attempt {
                    event,
                    resize: None,
                })
            }
            _ => None,
        })
        .collect();
    attempts.sort_by_key(|attempt| attempt.event.boot_ns);
    attempts
}

fn run_on(event: &Event, dev: Dev) -> Option<ToolRun<'_>> {
    let Some(Detail::ExecExit(exit)) = &event.detail else {
        return None;
    };
    if !is_resize_tool(event, exit) || is_query(event, exit) {
        return None;
    }
    let asked = exit.devices.iter().find(|asked| Dev(asked.dev) == dev)?;
    Some(ToolRun {
        event,
        exit,
        saw: asked.size_bytes,
    })
}

/// Name of a tool: the last part of its first argument, else the task's name.
pub(super) fn tool_name<'a>(event: &'a Event, exit: &'a ExecExit) -> &'a str {
    let called = exit
        .argv
        .first()
        .map_or(event.comm.as_str(), String::as_str);
    called.rsplit('/').next().unwrap_or(called)
}

fn is_resize_tool(event: &Event, exit: &ExecExit) -> bool {
    RESIZE_TOOLS.contains(&tool_name(event, exit))
}

/// `resize2fs -P` and `xfs_growfs -n` only print.
fn is_query(event: &Event, exit: &ExecExit) -> bool {
    let flag = if tool_name(event, exit) == "resize2fs" {
        'P'
    } else {
        'n'
    };
    let mut options = exit.argv.iter().skip(1).filter(|arg| arg.starts_with('-'));
    options.any(|arg| !arg.starts_with("--") && arg.contains(flag))
}
