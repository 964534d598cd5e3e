//! Events as timeline entries.

use super::TimelineRow;
use super::detail::{Detail, ToolDevice};
use super::mounted::Mountings;
use crate::analysis::times::{Times, rfc3339};
use crate::model::{Devices, Recording};
use crate::sample::event::Detail as Seen;
use crate::sample::{Dev, Event, ExecExit};
use std::collections::{BTreeMap, BTreeSet};

/// The entries of these events, in the order of their times.
pub(crate) fn timeline<'a>(
    recording: &Recording,
    events: impl Iterator<Item = &'a Event> + Clone,
) -> Vec<TimelineRow> {
    let context = Context {
        recording,
        returned: events.clone().filter_map(returned).collect(),
        ended: events.clone().filter_map(ended).collect(),
        mountings: Mountings::of(events.clone()),
    };
    let mut rows: Vec<_> = events.filter_map(|event| context.row(event)).collect();
    rows.sort_by_key(|row| (row.boot_ns, row.id));
    rows
}

/// A resize that returned: thread and the time it began.
fn returned(event: &Event) -> Option<(u32, u64)> {
    matches!(event.detail, Some(Seen::FsResize(_))).then_some((event.tid, event.boot_ns))
}

/// A tool that ended: process and the time it began.
fn ended(event: &Event) -> Option<((u32, u64), &ExecExit)> {
    match &event.detail {
        Some(Seen::ExecExit(exit)) => Some(((event.pid, exit.start_boot_ns), exit)),
        _ => None,
    }
}

struct Context<'a> {
    recording: &'a Recording,
    returned: BTreeSet<(u32, u64)>,
    ended: BTreeMap<(u32, u64), &'a ExecExit>,
    mountings: Mountings,
}

impl Context<'_> {
    fn row(&self, event: &Event) -> Option<TimelineRow> {
        let (device, detail) = self.detail(event)?;
        let at = Times(self.recording).at(event.boot_ns);
        let who = event.pid != 0;
        Some(TimelineRow {
            id: event.id,
            t_ns: at.map(|at| at.t_ns),
            error_ns: at.map(|at| at.error_ns),
            time: at.map(|at| rfc3339(at.t_ns)),
            host: None,
            kind: event.kind(),
            device,
            pid: who.then_some(event.pid),
            comm: (who && !event.comm.is_empty()).then(|| event.comm.clone()),
            pod: self.devices().pod(event.cgroup),
            detail,
            boot_ns: event.boot_ns,
        })
    }

    fn devices(&self) -> &Devices {
        self.recording.devices()
    }

    fn name(&self, dev: u32) -> Option<String> {
        self.devices().name(Dev(dev))
    }

    fn detail(&self, event: &Event) -> Option<(Option<String>, Detail)> {
        Some(match event.detail.as_ref()? {
            Seen::FsResizeBegin(begin) => {
                // Its return says more, and is an entry of its own.
                let returned = self.returned.range((event.tid, event.boot_ns)..).next();
                if returned.is_some_and(|&(tid, _)| tid == event.tid) {
                    return None;
                }
                let detail = Detail::FsResize {
                    fs: begin.fs.clone(),
                    from_bytes: None,
                    to_bytes: None,
                    requested_bytes: None,
                    error: None,
                    duration_ns: None,
                    command: begin.command.clone(),
                    returned: false,
                };
                (self.name(begin.dev), detail)
            }
            Seen::FsResize(resize) => {
                let detail = Detail::FsResize {
                    fs: resize.fs.clone(),
                    from_bytes: resize.from_bytes,
                    to_bytes: resize.to_bytes,
                    requested_bytes: resize.requested_bytes,
                    error: text(&resize.error).filter(|_| resize.has_returned()),
                    duration_ns: resize.has_returned().then_some(resize.duration_ns),
                    command: resize.command.clone(),
                    returned: resize.has_returned(),
                };
                (self.name(resize.dev), detail)
            }
            Seen::DeviceCapacity(change) => {
                let name = self.name(change.dev);
                let detail = Detail::Capacity {
                    from_bytes: change.from_bytes,
                    to_bytes: change.to_bytes,
                };
                (text(&change.name).or(name), detail)
            }
            Seen::PartitionChange(change) => {
                let name = self.name(change.disk_dev);
                let detail = Detail::Partition {
                    op: change.op.clone(),
                    number: (change.number != 0).then_some(change.number),
                    from_bytes: change.from_bytes,
                    to_bytes: change.to_bytes,
                    error: text(&change.error),
                };
                (text(&change.disk).or(name), detail)
            }
            Seen::ExecStart(start) => {
                let exit = self.ended.get(&(event.pid, event.boot_ns));
                let detail = Detail::ExecStart {
                    argv: start.argv.clone(),
                };
                (exit.and_then(|exit| self.worked_on(exit)), detail)
            }
            Seen::ExecExit(exit) => (self.worked_on(exit), self.exit(exit)),
            Seen::ReadAhead(change) => {
                let detail = Detail::ReadAhead {
                    from: change.from_kb,
                    to: change.to_kb,
                    error: text(&change.error),
                    via: change.via.clone(),
                };
                (self.name(change.dev), detail)
            }
            Seen::Mount(change) => {
                let mountings = &self.mountings;
                let detail = Detail::Mount {
                    mount_point: mountings.point(change, event.boot_ns, self.devices()),
                    fs: change.fs.clone(),
                    error: text(&change.error),
                };
                (self.name(change.dev), detail)
            }
            Seen::Module(_) => return None,
        })
    }

    fn exit(&self, exit: &ExecExit) -> Detail {
        let devices = exit.devices.iter().map(|asked| ToolDevice {
            device: self.name(asked.dev),
            size_bytes: asked.size_bytes,
            fs_size_bytes: asked.fs_size_bytes,
            resolved: asked.resolved.clone(),
        });
        Detail::ExecExit {
            argv: exit.argv.clone(),
            exit_code: exit.exit_code,
            signal: exit.signal,
            duration_ns: (exit.start_boot_ns != 0).then_some(exit.duration_ns),
            resize_calls: exit.resize_calls,
            devices: devices.collect(),
        }
    }

    /// The one device that a tool worked on, if it is one.
    fn worked_on(&self, exit: &ExecExit) -> Option<String> {
        let mut names = exit.devices.iter().filter_map(|asked| self.name(asked.dev));
        let first = names.next()?;
        names.all(|name| name == first).then_some(first)
    }
}

fn text(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}
