//! The built object against the tables that user space goes by.

use super::load::OBJECT;
use super::sizes::{MAPS_LIMIT, MapSizes};
use aya_obj::{Object, ParseError, ProgramSection};
use probe_common::programs::{Kind, PROGRAMS};
use std::collections::{BTreeMap, BTreeSet};

fn object() -> Object {
    Object::parse(OBJECT).expect("the committed object is readable")
}

fn kind(section: &ProgramSection) -> Option<Kind> {
    Some(match section {
        ProgramSection::FEntry { .. } => Kind::FEntry,
        ProgramSection::FExit { .. } => Kind::FExit,
        ProgramSection::KProbe => Kind::KProbe,
        ProgramSection::KRetProbe => Kind::KRetProbe,
        ProgramSection::BtfTracePoint => Kind::BtfTracePoint,
        ProgramSection::TracePoint => Kind::TracePoint,
        _ => return None,
    })
}

#[test]
fn the_object_has_the_programs_of_the_table_and_no_others() {
    let built: BTreeMap<_, _> = object()
        .programs
        .iter()
        .map(|(name, program)| (name.clone(), kind(&program.section)))
        .collect();
    let listed: BTreeMap<_, _> = PROGRAMS
        .iter()
        .map(|program| (program.name.to_owned(), Some(program.kind)))
        .collect();
    assert_eq!(built, listed);
}

#[test]
fn the_maps_that_are_sized_are_in_the_object() {
    let object = object();
    let built: BTreeSet<_> = object.maps.keys().map(String::as_str).collect();
    for (map, _) in MapSizes::new(1, 0).entries() {
        assert!(built.contains(map), "{map}");
    }
}

#[test]
fn the_filters_are_globals_of_the_object() {
    let names = [
        "FILTER_PID",
        "FILTER_COMM",
        "FILTER_CGROUP",
        "FILTER_CGROUP_LEVEL",
        "FILTER_DEV",
    ];
    for name in names {
        let globals = [(name, (&[][..], true))].into();
        // An empty value is refused for its size, a missing name for itself.
        let error = object().patch_map_data(globals).unwrap_err();
        assert!(
            matches!(error, ParseError::InvalidGlobalData { .. }),
            "{error}"
        );
    }
}

#[test]
fn all_maps_together_stay_within_the_limit_on_any_machine() {
    /// An element of a hash beside its key and value, and its bucket.
    const HASH_ELEMENT: u64 = 48 + 16;
    let object = object();
    for cpus in [1, 2, 3, 8, 128, 4096] {
        let sizes = MapSizes::new(cpus, *super::sizes::RING_BYTES.start());
        let entries: BTreeMap<_, _> = sizes.entries().into();
        let bytes: u64 = object
            .maps
            .iter()
            .map(|(name, map)| {
                let entries = entries.get(name.as_str()).copied();
                let entries = u64::from(entries.unwrap_or_else(|| map.max_entries()));
                let element = u64::from(map.key_size() + map.value_size().next_multiple_of(8));
                // A ring buffer's entries are its bytes.
                if ["EVENTS", "AYA_LOGS"].contains(&name.as_str()) {
                    entries
                } else {
                    entries * (element + HASH_ELEMENT)
                }
            })
            .sum();
        // The default ring buffer is not the smallest one.
        assert!(bytes + (1 << 20) <= MAPS_LIMIT, "{cpus} CPUs: {bytes}");
    }
}
