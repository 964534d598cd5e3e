//! The least that timing a function costs: a program at its entry and one at
//! its return that add 1 to a word, and nothing else. Made of instructions, as
//! it is to hold only what it must.

use std::{
    fs, io,
    mem::{size_of, zeroed},
    os::fd::{AsRawFd, FromRawFd, OwnedFd},
};

use anyhow::{Context, Result};
use btf_rs::{Btf, Type};

/// Commands of `bpf(2)`.
const MAP_CREATE: libc::c_int = 0;
const MAP_LOOKUP: libc::c_int = 1;
const PROG_LOAD: libc::c_int = 5;
const RAW_TRACEPOINT_OPEN: libc::c_int = 17;

const MAP_TYPE_ARRAY: u32 = 2;
const PROG_TYPE_TRACING: u32 = 26;
const TRACE_FENTRY: u32 = 24;
const TRACE_FEXIT: u32 = 25;
/// `src_reg` of a load of the address of a map's value.
const PSEUDO_MAP_VALUE: u8 = 2;

/// `union bpf_attr` for `BPF_MAP_CREATE`.
#[repr(C)]
struct MapAttr {
    kind: u32,
    key_size: u32,
    value_size: u32,
    entries: u32,
    rest: [u64; 12],
}

/// `union bpf_attr` for `BPF_MAP_LOOKUP_ELEM`.
#[repr(C)]
struct LookupAttr {
    map: u32,
    reserved: u32,
    key: u64,
    value: u64,
    flags: u64,
}

/// `union bpf_attr` for `BPF_PROG_LOAD`.
#[repr(C)]
struct ProgramAttr {
    kind: u32,
    instructions: u32,
    code: u64,
    license: u64,
    log_level: u32,
    log_size: u32,
    log: u64,
    kernel_version: u32,
    flags: u32,
    name: [u8; 16],
    interface: u32,
    attach_type: u32,
    debug: [u64; 4],
    line_count: u32,
    function: u32,
    reserved: u64,
}

/// `union bpf_attr` for `BPF_RAW_TRACEPOINT_OPEN`.
#[repr(C)]
struct AttachAttr {
    name: u64,
    program: u32,
    reserved: u32,
}

/// The pair, attached until it is dropped.
pub(super) struct Floor {
    counter: OwnedFd,
    _links: Vec<OwnedFd>,
}

impl Floor {
    /// Attaches the pair to a function of the kernel.
    pub(super) fn attach(function: &str) -> Result<Self> {
        let id = function_id(function)?;
        // SAFETY: all zeros are a value of the structure.
        let mut map: MapAttr = unsafe { zeroed() };
        (map.kind, map.key_size, map.value_size, map.entries) = (MAP_TYPE_ARRAY, 4, 8, 1);
        let counter = descriptor(bpf(MAP_CREATE, &mut map).context("making a map")?);
        let links = [TRACE_FENTRY, TRACE_FEXIT]
            .into_iter()
            .map(|kind| attach(kind, id, &counter))
            .collect::<Result<_>>()?;
        Ok(Self {
            counter,
            _links: links,
        })
    }

    /// Calls that both programs saw.
    pub(super) fn calls(&self) -> Result<u64> {
        let (key, mut value) = (0_u32, 0_u64);
        let mut lookup = LookupAttr {
            map: self.counter.as_raw_fd() as u32,
            reserved: 0,
            key: (&raw const key) as u64,
            value: (&raw mut value) as u64,
            flags: 0,
        };
        bpf(MAP_LOOKUP, &mut lookup).context("reading the counter")?;
        Ok(value / 2)
    }
}

fn attach(kind: u32, function: u32, counter: &OwnedFd) -> Result<OwnedFd> {
    let code = [
        // r1 = address of the word
        instruction(0x18, 1, PSEUDO_MAP_VALUE, counter.as_raw_fd()),
        instruction(0, 0, 0, 0),
        // r2 = 1
        instruction(0xb7, 2, 0, 1),
        // lock *(u64 *)(r1 + 0) += r2
        instruction(0xdb, 1, 2, 0),
        // r0 = 0; exit
        instruction(0xb7, 0, 0, 0),
        instruction(0x95, 0, 0, 0),
    ];
    // SAFETY: all zeros are a value of the structure.
    let mut program: ProgramAttr = unsafe { zeroed() };
    program.kind = PROG_TYPE_TRACING;
    program.instructions = code.len() as u32;
    program.code = code.as_ptr() as u64;
    program.license = c"GPL".as_ptr() as u64;
    program.attach_type = kind;
    program.function = function;
    let program = descriptor(bpf(PROG_LOAD, &mut program).context("loading a program")?);
    let mut link = AttachAttr {
        name: 0,
        program: program.as_raw_fd() as u32,
        reserved: 0,
    };
    Ok(descriptor(
        bpf(RAW_TRACEPOINT_OPEN, &mut link).context("attaching a program")?,
    ))
}

/// One BPF instruction without an offset.
fn instruction(code: u8, to: u8, from: u8, value: i32) -> u64 {
    u64::from(code) | u64::from(to | from << 4) << 8 | u64::from(value as u32) << 32
}

/// The id of a function in the kernel's BTF.
fn function_id(name: &str) -> Result<u32> {
    let bytes = fs::read("/sys/kernel/btf/vmlinux").context("reading the kernel's types")?;
    let btf = Btf::from_bytes(&bytes)?;
    btf.resolve_ids_by_name(name)?
        .into_iter()
        .find(|id| matches!(btf.resolve_type_by_id(*id), Ok(Type::Func(_))))
        .with_context(|| format!("the kernel has no function {name}"))
}

fn bpf<T>(command: libc::c_int, attr: &mut T) -> io::Result<libc::c_int> {
    // SAFETY: a structure of that size, of which pointers point to what the
    // command asks for.
    let result = unsafe { libc::syscall(libc::SYS_bpf, command, attr, size_of::<T>()) };
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(result as libc::c_int)
}

fn descriptor(number: libc::c_int) -> OwnedFd {
    // SAFETY: the kernel has just made it, and nobody else has it.
    unsafe { OwnedFd::from_raw_fd(number) }
}
