//! The live source: the running kernel.
//!
//! One thread waits for the ring buffer, for notices about the node, and for the
//! next flush; whatever comes is noted, and a flush makes a window of it. While
//! nothing happens it wakes once a flush.

use super::alarm::Alarm;
use super::counts::Counts;
use super::decode::decode;
use super::events::Events;
use super::hooks::{Hooks, Uncovered};
use super::known::Known;
use super::maps::KernelMaps;
use super::node_watch::{News, NodeWatch};
use super::ring::Ring;
use super::surveyor::Question;
use super::{Source, clock, stale};
use crate::boottime::boot_ns;
use crate::node::facts;
use crate::probe::Attached;
use crate::probe::schema::{COPY, READAHEAD, Schema};
use crate::sample::event::Detail;
use crate::sample::series::key_value::Value;
use crate::sample::{
    End, Event, Gap, Inventory, Loss, ProbeSchema, Record, Sample, Session, Window,
    probe_schema::key::Kind,
};
use log::warn;
use probe_common::event::MountOp;
use std::collections::{BTreeMap, HashSet};
use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// The probes that count into series, in the order of their maps.
const SCHEMAS: [&Schema; 2] = [&COPY, &READAHEAD];

/// The first and the last window wait so long for the inventory, and then do
/// without: a disk that does not answer must not hold up a recording.
const INVENTORY_WAIT: Duration = Duration::from_secs(3);

/// So many records make a window due before its time: what waits for a flush
/// takes no more memory, however much happens.
const FULL: usize = 1 << 13;

/// What the stream says of how it was made.
#[derive(Clone, Debug)]
pub struct Options {
    /// Time between two windows.
    pub flush: Duration,
    /// Where the node's files lie.
    pub root: PathBuf,
    /// As volprobe was called.
    pub command_line: Vec<String>,
    /// Filters as given.
    pub filters: Vec<String>,
    /// For how long a growth may stay unused before that is a finding.
    pub unused_after: Duration,
}

/// Makes windows of what the attached programs count and send.
pub struct KernelSource {
    options: Options,
    hooks: Hooks,
    counts: Counts<KernelMaps>,
    ring: Ring,
    node: NodeWatch,
    known: Known,
    events: Events,
    cgroups: HashSet<u64>,
    /// Records for the next window.
    pending: Vec<Record>,
    /// Records of the ring buffer that could not be read, by what they were.
    unreadable: BTreeMap<String, u64>,
    seq: u64,
    window_from: u64,
    next_flush: Alarm,
    phase: Phase,
}

#[derive(Debug, PartialEq)]
enum Phase {
    /// Waiting for the first inventory.
    Starting,
    Running,
    /// Waiting for the last inventory.
    Closing {
        why: String,
    },
    Ended,
}

enum Wake {
    Ring,
    News(News),
    Flush,
}

impl KernelSource {
    /// Begins a stream of what `attached`, armed and tested, brings. Needs a
    /// running tokio runtime.
    pub fn start(attached: Attached, options: Options) -> anyhow::Result<Self> {
        let start = boot_ns();
        let shards = attached.sizes.shards;
        let maps = KernelMaps::open(&attached.ebpf, &SCHEMAS)?;
        let ring = Ring::open(&attached.ebpf)?;
        let lives = stale::sees_all_threads().then_some(stale::lives as fn(u32) -> bool);
        let mut node = NodeWatch::start(&options.root)?;
        node.ask(Question::Whole);
        let own_pid = attached.own_pid();
        let (hooks, status) = Hooks::start(attached);
        let mut pending = vec![Record::from(session(&options, own_pid, start))];
        let schemas = SCHEMAS.iter().map(|&schema| ProbeSchema::from(schema));
        pending.extend(schemas.map(Record::Schema));
        pending.extend(status);
        Ok(Self {
            hooks,
            counts: Counts::new(maps, &SCHEMAS, shards, lives),
            ring,
            node,
            known: Known::default(),
            events: Events::default(),
            cgroups: HashSet::new(),
            pending,
            unreadable: BTreeMap::new(),
            seq: 0,
            window_from: start,
            next_flush: Alarm::new(INVENTORY_WAIT)?,
            phase: Phase::Starting,
            options,
        })
    }

    async fn wake(&mut self) -> anyhow::Result<Wake> {
        // The ring buffer first: what the kernel told is known before an
        // inventory says the same.
        Ok(tokio::select! {
            biased;
            ready = self.ring.ready() => {
                ready?;
                Wake::Ring
            }
            news = self.node.news() => Wake::News(news),
            due = self.next_flush.wait() => {
                due?;
                Wake::Flush
            }
        })
    }

    /// Takes in what woke us; true if a window is due.
    fn take(&mut self, wake: Wake) -> bool {
        match wake {
            Wake::Ring => {
                self.drain();
                return self.phase == Phase::Running && self.pending.len() >= FULL;
            }
            Wake::News(News::Module) => self.look_at_hooks(),
            Wake::News(News::Inventory(inventory)) => return self.inventory(inventory),
            Wake::News(News::Nothing) => {}
            Wake::Flush => return true,
        }
        false
    }

    /// Notes an inventory; true if it is the whole one that was waited for.
    fn inventory(&mut self, inventory: Inventory) -> bool {
        self.drain();
        let whole = inventory.whole;
        for detail in self.known.learn(&inventory) {
            let event = self.events.own(inventory.boot_ns, detail);
            self.pending.push(event.into());
        }
        self.pending.push(Record::Inventory(inventory));
        whole && matches!(self.phase, Phase::Starting | Phase::Closing { .. })
    }

    /// Makes events of what is in the ring buffer.
    fn drain(&mut self) {
        let Self {
            ring,
            events,
            known,
            pending,
            unreadable,
            ..
        } = self;
        let first = pending.len();
        ring.drain(|bytes| match decode(bytes) {
            Ok(record) => pending.extend(events.event(&record, known).map(Record::from)),
            Err(error) => *unreadable.entry(error.to_string()).or_default() += 1,
        });
        for record in &self.pending[first..] {
            if let Record::Event(event) = record {
                look_closer(&mut self.node, event);
            }
        }
    }

    /// Follows modules and states of probes. While the hooks of a file system's
    /// module were away, nothing can have happened before one was mounted.
    fn look_at_hooks(&mut self) {
        let (records, uncovered) = self.hooks.changes(&mut self.events);
        self.pending.extend(records);
        if uncovered.is_empty() {
            return;
        }
        self.drain();
        let sees_mounts = self.hooks.sees_mounts();
        for Uncovered { module, gaps } in uncovered {
            for gap in gaps {
                let from = if sees_mounts {
                    self.mounted_since(&module, gap.from_boot_ns)
                } else {
                    Some(gap.from_boot_ns)
                };
                if let Some(from_boot_ns) = from.filter(|&from| from < gap.to_boot_ns) {
                    let gap = Gap {
                        from_boot_ns,
                        ..gap
                    };
                    self.pending.push(Record::Gap(gap));
                }
            }
        }
    }

    /// The first mounting of a file system of type `fs` since `boot_ns`, which is
    /// within this window.
    fn mounted_since(&self, fs: &str, boot_ns: u64) -> Option<u64> {
        let mounted = self.pending.iter().filter_map(|record| {
            let Record::Event(event) = record else {
                return None;
            };
            match &event.detail {
                Some(Detail::Mount(mount)) if mount.op == MountOp::Add.name() && mount.fs == fs => {
                    Some(event.boot_ns)
                }
                _ => None,
            }
        });
        mounted.filter(|&mounted| mounted >= boot_ns).min()
    }

    /// Where a file system is mounted is decided after the kernel told of it; the
    /// inventory knows by now.
    fn name_mount_points(&mut self) {
        for record in &mut self.pending {
            if let Record::Event(event) = record
                && let Some(Detail::Mount(mount)) = &mut event.detail
                && mount.mount_point.is_empty()
                && let Some(mount_point) = self.known.mount_point(mount.dev)
            {
                mount_point.clone_into(&mut mount.mount_point);
            }
        }
    }

    fn flush(&mut self) -> anyhow::Result<Window> {
        let closing = match &self.phase {
            Phase::Closing { why } => Some(why.clone()),
            _ => None,
        };
        self.drain();
        self.look_at_hooks();
        self.name_mount_points();
        let counted = self.counts.look(closing.is_some())?;
        self.pending.extend(counted);
        self.pending.extend(self.hooks.missed_runs());
        self.pending.extend(unreadable(&mut self.unreadable));
        self.hooks.pass_on_log();
        self.ask_for_cgroups();
        self.node.tick();
        let anchor = clock::anchor();
        let now = anchor.boot_ns;
        self.pending.push(Record::Anchor(anchor));
        self.seq += 1;
        if let Some(why) = closing {
            self.pending.push(Record::End(End {
                boot_ns: now,
                why,
                events: self.events.made(),
                windows: self.seq,
            }));
        }
        let window = Window {
            seq: self.seq,
            from_boot_ns: self.window_from,
            to_boot_ns: now,
            samples: self.pending.drain(..).map(Sample::from).collect(),
        };
        self.window_from = now;
        Ok(window)
    }

    /// The names of cgroups that are new in this window come with a later one.
    fn ask_for_cgroups(&mut self) {
        for record in &self.pending {
            let id = match record {
                Record::Event(event) => event.cgroup,
                Record::Process(process) => process.cgroup,
                Record::Series(series) => cgroup_of(series),
                _ => continue,
            };
            if id != 0 && self.cgroups.insert(id) {
                self.node.ask(Question::Cgroup(id));
            }
        }
    }

    /// The next flush: a whole interval after the last one was due, or at once,
    /// where that is past already. A flush before its time leaves it as it is.
    fn schedule(&mut self) -> io::Result<()> {
        if self.phase == Phase::Running && self.next_flush.at() > Instant::now() {
            return Ok(());
        }
        let begin = match self.phase {
            Phase::Running => self.next_flush.at(),
            _ => Instant::now(),
        };
        self.next_flush
            .set((begin + self.options.flush).max(Instant::now()))
    }
}

impl Source for KernelSource {
    async fn next(&mut self) -> anyhow::Result<Option<Window>> {
        if self.phase == Phase::Ended {
            return Ok(None);
        }
        loop {
            let wake = self.wake().await?;
            if self.take(wake) {
                break;
            }
        }
        let window = self.flush()?;
        self.schedule()?;
        self.phase = match self.phase {
            Phase::Starting | Phase::Running => Phase::Running,
            Phase::Closing { .. } | Phase::Ended => Phase::Ended,
        };
        Ok(Some(window))
    }

    fn stop(&mut self, why: &str) {
        if matches!(self.phase, Phase::Closing { .. } | Phase::Ended) {
            return;
        }
        if let Err(error) = self.hooks.disarm() {
            warn!("the programs could not be stopped: {error:#}");
        }
        self.node.ask(Question::Whole);
        if let Err(error) = self.next_flush.set(Instant::now() + INVENTORY_WAIT) {
            warn!("the last flush may be late: {error}");
        }
        self.phase = Phase::Closing {
            why: why.to_owned(),
        };
    }
}

/// States the sizes, or looks what else changed, where an event calls for it.
fn look_closer(node: &mut NodeWatch, event: &Event) {
    if event.self_test {
        return;
    }
    match &event.detail {
        Some(Detail::DeviceCapacity(change)) => {
            node.measure(change.dev);
            node.ask(Question::Changes);
        }
        Some(Detail::FsResize(resize)) => node.measure(resize.dev),
        Some(Detail::ExecExit(exit)) => {
            for device in &exit.devices {
                node.measure(device.dev);
            }
        }
        Some(Detail::PartitionChange(_) | Detail::Mount(_)) => node.ask(Question::Changes),
        Some(Detail::ReadAhead(_)) => node.ask(Question::Poll),
        _ => {}
    }
}

fn session(options: &Options, own_pid: Option<u32>, start: u64) -> Session {
    let facts = facts::read(&options.root);
    Session {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        host: facts.host,
        kernel: facts.kernel,
        boot_id: facts.boot_id,
        machine: facts.machine,
        time_zone: facts.time_zone,
        command_line: options.command_line.clone(),
        start_boot_ns: start,
        flush_ns: options.flush.as_nanos() as u64,
        filters: options.filters.clone(),
        own_pid: own_pid.unwrap_or(0),
        unused_after_ns: Some(u64::try_from(options.unused_after.as_nanos()).unwrap_or(u64::MAX)),
        stream: 0,
        part: 0,
    }
}

fn cgroup_of(series: &crate::sample::Series) -> u64 {
    let schema = SCHEMAS.iter().find(|schema| schema.probe == series.probe);
    let at = schema.and_then(|schema| schema.keys.iter().position(|key| key.1 == Kind::Cgroup));
    match at.and_then(|at| series.keys.get(at)?.value.as_ref()) {
        Some(Value::Number(id)) => *id,
        _ => 0,
    }
}

/// Records that could not be read are lost events.
fn unreadable(errors: &mut BTreeMap<String, u64>) -> Vec<Record> {
    let lost = std::mem::take(errors).into_iter().map(|(error, count)| {
        warn!("{count} records of the ring buffer were dropped: {error}");
        Record::Loss(Loss {
            kind: "ring/unreadable".to_owned(),
            count,
        })
    });
    lost.collect()
}
