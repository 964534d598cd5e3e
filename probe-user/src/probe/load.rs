//! The object: its settings, its maps, and getting them into the kernel.

use super::error::AttachError;
use super::explain::{chain, errno, privileges};
use super::patch::{Numbers, patch};
use super::settings::{Filters, Part, Settings, comm};
use super::sizes::MapSizes;
use super::{Reason, catalog};
use crate::kernel::{KernelBtf, KernelFacts};
use aya::maps::{Array, HashMap, Map, MapData, MapError, Queue};
use aya::{Ebpf, EbpfError, EbpfLoader};
use probe_common::fields::FIELDS;
use probe_common::patch::Setting;
use probe_common::state::filter;
use rustix::io::Errno;
use rustix::process::{Resource, Rlimit};
use std::{fs, io};
use zerocopy::IntoBytes;

/// The map of the programs' one variable, the state word.
const STATE: &str = ".bss";

/// The built kernel programs.
pub(super) static OBJECT: &[u8] =
    aya::include_bytes_aligned!(concat!(env!("CARGO_MANIFEST_DIR"), "/ebpf/volprobe.bpf.o"));

/// What the object is told before it is loaded: numbers in its instructions, and
/// read-only globals.
pub(super) struct Globals {
    numbers: Numbers,
    words: [(&'static str, u32); 3],
    filter_comm: [u8; 16],
    filter_cgroup: u64,
}

impl Globals {
    pub(super) fn new(settings: &Settings, btf: &KernelBtf, shards: u32) -> Self {
        let filters = &settings.filters;
        let flag = |on: bool| u32::from(on);
        let mut numbers = Numbers::new(btf.offsets(FIELDS));
        numbers.set(Setting::OwnTgid, std::process::id());
        numbers.set(Setting::Shards, shards);
        numbers.set(Setting::Filters, filter_bits(filters));
        let entry = settings.selection.contains(catalog::COPY_ENTRY);
        numbers.set(Setting::WithCopyEntry, flag(entry));
        let task_btf = btf.has_helper("BPF_FUNC_get_current_task_btf");
        numbers.set(Setting::HasTaskBtf, flag(task_btf));
        for (setting, part) in [
            (Setting::WithDevices, Part::Devices),
            (Setting::WithCgroup, Part::Cgroup),
            (Setting::WithOnCpu, Part::OnCpu),
            (Setting::WithReadahead, Part::Readahead),
        ] {
            numbers.set(setting, flag(!settings.without.contains(&part)));
        }
        Self {
            numbers,
            words: [
                ("FILTER_PID", filters.pid.unwrap_or_default()),
                ("FILTER_DEV", filters.dev.unwrap_or_default().0),
                (
                    "FILTER_CGROUP_LEVEL",
                    filters.cgroup.map_or(0, |cgroup| cgroup.level),
                ),
            ],
            filter_comm: filters.comm.as_deref().map(comm).unwrap_or_default(),
            filter_cgroup: filters.cgroup.map_or(0, |cgroup| cgroup.id),
        }
    }
}

fn filter_bits(filters: &Filters) -> u32 {
    let bit = |set: bool, bit: u32| if set { bit } else { 0 };
    bit(filters.pid.is_some(), filter::PID)
        | bit(filters.comm.is_some(), filter::COMM)
        | bit(filters.cgroup.is_some(), filter::CGROUP)
        | bit(filters.dev.is_some(), filter::DEV)
        | bit(filters.tree, filter::TREE)
}

/// Makes the maps and prepares the programs; none is in the kernel yet.
pub(super) fn load(
    globals: &Globals,
    sizes: &MapSizes,
    kernel_log: bool,
    facts: &KernelFacts,
) -> Result<Ebpf, AttachError> {
    raise_memlock();
    // The loader parses the kernel's BTF, which only relocations would need,
    // and these programs have none: drop it before it is parsed once more to
    // attach, or memory holds two.
    let mut loader = EbpfLoader::new();
    loader.btf(None);
    for (name, value) in &globals.words {
        loader.override_global(name, value, false);
    }
    loader.override_global("FILTER_COMM", &globals.filter_comm, false);
    loader.override_global("FILTER_CGROUP", &globals.filter_cgroup, false);
    let silent = 0_u8;
    if !kernel_log {
        loader.override_global(aya_log::LEVEL, &silent, false);
    }
    for (map, entries) in sizes.entries() {
        loader.map_max_entries(map, entries);
    }
    // Words, as the loader wants it aligned.
    let mut object = vec![0_u64; OBJECT.len().div_ceil(size_of::<u64>())];
    let object = &mut object.as_mut_bytes()[..OBJECT.len()];
    object.copy_from_slice(OBJECT);
    patch(object, &globals.numbers).map_err(|error| AttachError::Object(error.to_string()))?;
    loader.load(object).map_err(|error| refused(&error, facts))
}

fn refused(error: &EbpfError, facts: &KernelFacts) -> AttachError {
    match errno(error) {
        Some(Errno::PERM) if is_memlock_bound(facts) => AttachError::Forbidden(Reason::Memlock),
        Some(Errno::PERM | Errno::ACCESS) => AttachError::Forbidden(privileges(facts)),
        Some(Errno::NOSYS) => AttachError::Forbidden(Reason::NoBpf),
        None => AttachError::Object(chain(error)),
        Some(_) => AttachError::Load(chain(error)),
    }
}

/// Before 5.11 maps and programs count as locked memory.
fn raise_memlock() {
    let unlimited = Rlimit {
        current: None,
        maximum: None,
    };
    // Without CAP_SYS_RESOURCE this fails, and matters only on old kernels,
    // where making a map then says so.
    let _ = rustix::process::setrlimit(Resource::Memlock, unlimited);
}

fn is_memlock_bound(facts: &KernelFacts) -> bool {
    let limit = rustix::process::getrlimit(Resource::Memlock).current;
    facts.counts_maps_as_locked() && limit.is_some()
}

/// Puts the free ids of series, and the names of the watched tools, where the
/// programs look for them.
pub(super) fn fill(ebpf: &mut Ebpf, sizes: &MapSizes, tools: &[String]) -> Result<(), AttachError> {
    for (map, series) in [
        ("COPY_FREE", sizes.copy_series),
        ("READAHEAD_FREE", sizes.readahead_series),
    ] {
        let mut free: Queue<&mut MapData, u32> = map_mut(ebpf, map)?;
        // Id 0 is the "other" series.
        for id in 1..series {
            free.push(id, 0).map_err(|error| failed(map, &error))?;
        }
    }
    let mut watched: HashMap<&mut MapData, [u8; 16], u8> = map_mut(ebpf, "TOOLS")?;
    for tool in tools {
        watched
            .insert(comm(tool), 1, 0)
            .map_err(|error| failed("TOOLS", &error))?;
    }
    Ok(())
}

/// Sets the word that says whether programs count.
pub(super) fn set_state(ebpf: &mut Ebpf, bits: u32) -> Result<(), AttachError> {
    let mut state: Array<&mut MapData, u32> = map_mut(ebpf, STATE)?;
    state.set(0, bits, 0).map_err(|error| failed(STATE, &error))
}

/// Memory of all maps that this process holds, bytes: the kernel's own figure,
/// from the fdinfo of each map.
pub(super) fn map_bytes() -> io::Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir("/proc/self/fdinfo")? {
        // A descriptor may be closed by now: the one that read this directory.
        let Ok(info) = fs::read_to_string(entry?.path()) else {
            continue;
        };
        let field = |name: &str| info.lines().find_map(|line| line.strip_prefix(name));
        if field("map_type:").is_some() {
            let memory = field("memlock:").and_then(|text| text.trim().parse::<u64>().ok());
            bytes += memory.unwrap_or_default();
        }
    }
    Ok(bytes)
}

/// A map of the object, as the type it has.
pub(super) fn map_mut<'e, M>(ebpf: &'e mut Ebpf, name: &str) -> Result<M, AttachError>
where
    M: TryFrom<&'e mut Map, Error = MapError>,
{
    ebpf.map_mut(name)
        .ok_or_else(|| AttachError::Object(format!("no map {name}")))
        .and_then(|map| {
            M::try_from(map).map_err(|error| AttachError::Object(format!("{name}: {error}")))
        })
}

pub(super) fn failed(map: &str, error: &MapError) -> AttachError {
    AttachError::Load(format!("{map}: {}", chain(error)))
}
