use super::*;
use probe_common::fields::Field;

const INT: u32 = 1;
const PTR: u32 = 2;
const STRUCT: u32 = 4;
const UNION: u32 = 5;
const TYPEDEF: u32 = 8;
const CONST: u32 = 10;
const FUNC: u32 = 12;
const FUNC_PROTO: u32 = 13;

/// Writes BTF as the kernel's `include/uapi/linux/btf.h` lays it out.
#[derive(Default)]
struct Writer {
    types: Vec<u8>,
    strings: Vec<u8>,
    count: u32,
}

impl Writer {
    fn words(&mut self, words: &[u32]) {
        for word in words {
            self.types.extend_from_slice(&word.to_le_bytes());
        }
    }

    fn name(&mut self, name: &str) -> u32 {
        if self.strings.is_empty() {
            self.strings.push(0);
        }
        if name.is_empty() {
            return 0;
        }
        let offset = self.strings.len() as u32;
        self.strings.extend_from_slice(name.as_bytes());
        self.strings.push(0);
        offset
    }

    /// A type of `kind`; `last` is its size or the type it refers to.
    fn add(
        &mut self,
        kind: u32,
        name: &str,
        last: u32,
        entries: &[(&str, u32, Option<u32>)],
    ) -> u32 {
        let name = self.name(name);
        self.words(&[name, kind << 24 | entries.len() as u32, last]);
        for (name, of, offset) in entries {
            let name = self.name(name);
            self.words(&[name, *of]);
            if let Some(bits) = offset {
                self.words(&[*bits]);
            }
        }
        self.count += 1;
        self.count
    }

    fn bytes(self) -> Vec<u8> {
        let mut bytes = vec![0x9f, 0xeb, 1, 0];
        let (types, strings) = (self.types.len() as u32, self.strings.len() as u32);
        for word in [24, 0, types, types, strings] {
            bytes.extend_from_slice(&word.to_le_bytes());
        }
        bytes.extend(self.types);
        bytes.extend(self.strings);
        bytes
    }

    fn write(self) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), self.bytes()).unwrap();
        file
    }
}

/// ```c
/// struct file_ra { u32 start; u32 ra_pages; };
/// struct file { u64 mode; union { struct inode *inode; u64 other; }; const file_ra_t ra; };
/// u64 copy(const struct file *in, u64 len);   // and two functions called "twice"
/// ```
fn btf() -> KernelBtf {
    let mut w = Writer::default();
    let int = w.add(INT, "u64", 8, &[]);
    w.words(&[64]);
    let inode = w.add(STRUCT, "inode", 8, &[("sb", int, Some(0))]);
    let inode_ptr = w.add(PTR, "", inode, &[]);
    let either = w.add(
        UNION,
        "",
        8,
        &[("inode", inode_ptr, Some(0)), ("other", int, Some(0))],
    );
    let ra = w.add(
        STRUCT,
        "file_ra",
        8,
        &[("start", int, Some(0)), ("ra_pages", int, Some(32))],
    );
    let ra = w.add(TYPEDEF, "file_ra_t", ra, &[]);
    let ra = w.add(CONST, "", ra, &[]);
    let file = w.add(
        STRUCT,
        "file",
        24,
        &[
            ("mode", int, Some(0)),
            ("", either, Some(64)),
            ("ra", ra, Some(128)),
        ],
    );
    let file = w.add(CONST, "", file, &[]);
    let file_ptr = w.add(PTR, "", file, &[]);
    let proto = w.add(
        FUNC_PROTO,
        "",
        int,
        &[("in", file_ptr, None), ("len", int, None)],
    );
    w.add(FUNC, "copy", proto, &[]);
    w.add(FUNC, "twice", proto, &[]);
    w.add(FUNC, "twice", proto, &[]);
    w.add(TYPEDEF, "btf_trace_sched_process_exec", int, &[]);
    KernelBtf::read(w.write().path(), &wanted()).unwrap()
}

fn wanted() -> Wanted {
    let fields = [field("file", &["mode"]), field("gendisk", &["part0"])];
    let tracepoints = ["sched_process_exec", "sched_process_exit"];
    Wanted::new(&fields, ["copy", "twice", "gone"], tracepoints)
}

const fn field(structure: &'static str, path: &'static [&'static str]) -> Field {
    Field {
        symbol: "OFF",
        structure,
        path,
    }
}

fn offset(structure: &'static str, path: &'static [&'static str]) -> u32 {
    btf().offsets(&[field(structure, path)])[0]
}

#[test]
fn plain_nested_and_anonymous_members_are_found() {
    assert_eq!(offset("file", &["mode"]), 0);
    assert_eq!(offset("file", &["inode"]), 8);
    assert_eq!(offset("file", &["other"]), 8);
    assert_eq!(offset("file", &["ra", "ra_pages"]), 20);
}

#[test]
fn what_is_not_there_is_absent() {
    assert_eq!(offset("file", &["ra", "order"]), ABSENT);
    assert_eq!(offset("gendisk", &["part0"]), ABSENT);
    assert_eq!(offset("file", &["mode", "deeper"]), ABSENT);
}

#[test]
fn prototypes_tell_arguments_and_ambiguity() {
    let prototypes = btf().prototypes(
        ["copy", "twice", "gone"],
        ["sched_process_exec", "sched_process_exit"],
    );
    assert_eq!(
        prototypes.get("copy"),
        Some(&Prototype {
            parameters: vec!["file".to_owned(), String::new()],
            definitions: 1
        })
    );
    assert_eq!(prototypes.get("twice").unwrap().definitions, 2);
    assert_eq!(prototypes.get("gone"), None);
    assert!(prototypes.has_tracepoint("sched_process_exec"));
    assert!(!prototypes.has_tracepoint("sched_process_exit"));
}

#[test]
fn what_is_not_btf_is_refused() {
    let file = tempfile::NamedTempFile::new().unwrap();
    assert!(KernelBtf::read(file.path(), &wanted()).is_err());
    std::fs::write(file.path(), "no BTF at all, just some text").unwrap();
    assert!(KernelBtf::read(file.path(), &wanted()).is_err());
}

/// A type of each kind that there is, each but the wanted ones of no interest.
fn all_kinds() -> Vec<u8> {
    const ARRAY: u32 = 3;
    const ENUM: u32 = 6;
    const FWD: u32 = 7;
    const VOLATILE: u32 = 9;
    const RESTRICT: u32 = 11;
    const VAR: u32 = 14;
    const DATASEC: u32 = 15;
    const FLOAT: u32 = 16;
    const DECL_TAG: u32 = 17;
    const TYPE_TAG: u32 = 18;
    const ENUM64: u32 = 19;
    let mut w = Writer::default();
    let int = w.add(INT, "int", 4, &[]);
    w.words(&[32]);
    for kind in [PTR, FWD, VOLATILE, CONST, RESTRICT, FLOAT, TYPE_TAG] {
        w.add(kind, "", int, &[]);
    }
    w.add(ARRAY, "", 0, &[]);
    w.words(&[int, int, 8]);
    w.add(
        STRUCT,
        "wanted",
        8,
        &[("a", int, Some(0)), ("b", int, Some(32))],
    );
    w.add(UNION, "other", 8, &[("a", int, Some(0))]);
    w.add(ENUM, "wanted", 4, &[("A", 1, None), ("B", 2, None)]);
    w.add(ENUM64, "", 8, &[("A", 1, Some(0))]);
    w.add(FUNC_PROTO, "", int, &[("a", int, None)]);
    w.add(VAR, "wanted", int, &[]);
    w.words(&[1]);
    w.add(DATASEC, ".data", 4, &[("", int, Some(4))]);
    w.add(DECL_TAG, "", int, &[]);
    w.words(&[0]);
    w.add(FUNC, "wanted", 14, &[]);
    w.add(TYPEDEF, "wanted", int, &[]);
    w.bytes()
}

#[test]
fn a_name_is_found_among_types_of_all_kinds() {
    let wanted = ["wanted", "absent"].into_iter().collect();
    let found = scan(&all_kinds(), &wanted).unwrap();
    let ids: Vec<u32> = found.iter().map(|(id, _)| *id).collect();
    assert_eq!(ids, [10, 12, 18, 19]);
    assert!(found.iter().all(|(_, name)| name == "wanted"));
}

#[test]
fn what_is_cut_off_or_of_an_unknown_kind_is_refused() {
    let btf = all_kinds();
    let wanted = ["wanted"].into_iter().collect();
    for len in 0..btf.len() {
        assert!(scan(&btf[..len], &wanted).is_err(), "{len} bytes");
    }
    let mut w = Writer::default();
    w.add(31, "", 0, &[]);
    let error = scan(&w.bytes(), &wanted).unwrap_err();
    assert_eq!(error.to_string(), "type 1 is of kind 31, which is unknown");
}

#[test]
fn hooks_have_the_numbers_of_their_types() {
    let hooks = btf().hooks(["copy", "twice", "gone"], ["sched_process_exec", "gone"]);
    let function = |name: &str| HookType::Function(name.to_owned());
    let tracepoint = HookType::Tracepoint("btf_trace_sched_process_exec".to_owned());
    let expected = [
        (12, function("copy")),
        (13, function("twice")),
        (14, function("twice")),
        (15, tracepoint),
    ];
    assert_eq!(hooks, expected.into());
}
