//! The current task.

use crate::{
    kernel::{
        self, Address, Memory, OFF_CGROUP_ANCESTOR_IDS, OFF_CGROUP_LEVEL, OFF_CSS_SET_CGROUP,
        OFF_FDT_FD, OFF_FDT_MAX_FDS, OFF_FILES_FDT, OFF_SIGNAL_LIVE, OFF_TASK_CGROUPS,
        OFF_TASK_FILES, OFF_TASK_NIVCSW, OFF_TASK_NVCSW, OFF_TASK_PID, OFF_TASK_RUNTIME,
        OFF_TASK_SIGNAL, OFF_TASK_TGID, Probed, Typed,
    },
    patched::setting,
};
use aya_ebpf::helpers;
use core::mem::MaybeUninit;

/// Ids of the current task in the initial pid namespace.
#[derive(Clone, Copy)]
pub struct Ids {
    /// The process (the kernel's tgid).
    pub pid: u32,
    /// The thread (the kernel's pid).
    pub tid: u32,
}

/// Ids of the current task.
#[inline(always)]
pub fn ids() -> Ids {
    let both = helpers::bpf_get_current_pid_tgid();
    Ids {
        pid: (both >> 32) as u32,
        tid: both as u32,
    }
}

/// `CLOCK_BOOTTIME`, ns: does not stop while the machine sleeps, and is the one
/// clock of everything volprobe says.
#[inline(always)]
pub fn now() -> u64 {
    // SAFETY: no argument.
    unsafe { helpers::generated::bpf_ktime_get_boot_ns() }
}

/// cgroup id of the current task.
#[inline(always)]
pub fn cgroup() -> u64 {
    // SAFETY: no argument.
    unsafe { helpers::generated::bpf_get_current_cgroup_id() }
}

/// Id of the ancestor at this level of the current task's cgroup, the root being
/// level 0 and the group itself its own; 0 if it is not so deep.
#[inline(always)]
pub fn cgroup_at(level: u32) -> u64 {
    // 5.10 has no helper for it, and has the ids (up to 6.0) in the group itself.
    if OFF_CGROUP_ANCESTOR_IDS.exists() {
        return ancestor_id(level).unwrap_or(0);
    }
    // SAFETY: no pointer.
    unsafe { helpers::generated::bpf_get_current_ancestor_cgroup_id(level as i32) }
}

#[inline(always)]
fn ancestor_id(level: u32) -> Option<u64> {
    let set = kernel::follow(current(), &OFF_TASK_CGROUPS)?;
    let group = kernel::follow(set, &OFF_CSS_SET_CGROUP)?;
    if level > kernel::probe::<u32, _>(group, &OFF_CGROUP_LEVEL)? {
        return None;
    }
    let ids = group.wrapping_add(OFF_CGROUP_ANCESTOR_IDS.offset());
    kernel::peek(ids.wrapping_add(level as usize * size_of::<u64>()))
}

/// The current task's `struct task_struct`.
#[inline(always)]
pub fn current() -> Address {
    // SAFETY: no argument.
    unsafe { helpers::generated::bpf_get_current_task() as Address }
}

/// Whether this task, which ends, is the last thread of its process: it is no
/// longer counted as living, so with none left the process ends now, whichever
/// thread is the last.
#[inline(always)]
pub fn is_last_thread(task: Address) -> bool {
    let signal = kernel::follow(task, &OFF_TASK_SIGNAL).unwrap_or(core::ptr::null());
    kernel::probe::<i32, _>(signal, &OFF_SIGNAL_LIVE).is_none_or(|live| live == 0)
}

/// Name of the current task, NUL-padded.
#[inline(always)]
pub fn comm() -> [u8; 16] {
    let mut name = MaybeUninit::<[u64; 2]>::uninit();
    // The helper writes all 16 bytes, so none is cleared before. That would be a
    // call of `memset`, and up to 6.2 the verifier tracks every number exactly
    // in a program that has calls, which multiplies the states it visits.
    //
    // SAFETY: 16 bytes, as the kernel's names; and any bytes are a name.
    unsafe {
        helpers::generated::bpf_get_current_comm(name.as_mut_ptr().cast(), 16);
        core::mem::transmute(name.assume_init())
    }
}

/// What is asked of the task that runs a program.
pub trait Current {
    /// Its process (the kernel's tgid).
    fn pid(&self) -> u64;
    /// Its thread (the kernel's pid).
    fn tid(&self) -> u64;
    /// Its switches so far.
    fn switches(&self) -> u64;
    /// Its time on CPU so far, ns: as of the last tick or switch.
    fn run_ns(&self) -> u64;
}

/// Whether the kernel gives the task with its type (5.11), so that its fields are
/// plain loads.
#[inline(always)]
pub fn is_typed() -> bool {
    setting!(HasTaskBtf) != 0
}

/// The current task by its type: everything is loaded when it is asked for, which
/// costs no more than to keep it. Only where [`is_typed`].
pub struct TypedTask(Address);

impl TypedTask {
    /// The task that runs this program.
    #[inline(always)]
    pub fn current() -> Self {
        // SAFETY: no argument.
        Self(unsafe { helpers::generated::bpf_get_current_task_btf() }.cast())
    }
}

impl Current for TypedTask {
    #[inline(always)]
    fn pid(&self) -> u64 {
        Typed::wide(self.0, &OFF_TASK_TGID)
    }

    #[inline(always)]
    fn tid(&self) -> u64 {
        Typed::wide(self.0, &OFF_TASK_PID)
    }

    #[inline(always)]
    fn switches(&self) -> u64 {
        Typed::read::<u64, _>(self.0, &OFF_TASK_NVCSW)
            .wrapping_add(Typed::read(self.0, &OFF_TASK_NIVCSW))
    }

    #[inline(always)]
    fn run_ns(&self) -> u64 {
        Typed::read(self.0, &OFF_TASK_RUNTIME)
    }
}

/// The current task, on any kernel.
#[derive(Clone, Copy)]
pub struct Task {
    /// Process and thread.
    pub ids: Ids,
    address: Address,
}

impl Task {
    /// The task that runs this program.
    #[inline(always)]
    pub fn current() -> Self {
        if is_typed() {
            let task = TypedTask::current();
            return Self {
                ids: Ids {
                    pid: task.pid() as u32,
                    tid: task.tid() as u32,
                },
                address: task.0,
            };
        }
        Self {
            ids: ids(),
            address: current(),
        }
    }
}

impl Current for Task {
    #[inline(always)]
    fn pid(&self) -> u64 {
        self.ids.pid.into()
    }

    #[inline(always)]
    fn tid(&self) -> u64 {
        self.ids.tid.into()
    }

    #[inline(always)]
    fn switches(&self) -> u64 {
        if is_typed() {
            return TypedTask(self.address).switches();
        }
        Probed::read::<u64, _>(self.address, &OFF_TASK_NVCSW)
            .wrapping_add(Probed::read(self.address, &OFF_TASK_NIVCSW))
    }

    #[inline(always)]
    fn run_ns(&self) -> u64 {
        if is_typed() {
            return TypedTask(self.address).run_ns();
        }
        Probed::read(self.address, &OFF_TASK_RUNTIME)
    }
}

/// The open file `fd` of the current task; null if there is none.
#[inline(always)]
pub fn file(fd: u32) -> Address {
    let files = Probed::pointer(current(), &OFF_TASK_FILES);
    let table = Probed::pointer(files, &OFF_FILES_FDT);
    if fd >= Probed::read::<u32, _>(table, &OFF_FDT_MAX_FDS) {
        return core::ptr::null();
    }
    let place = Probed::pointer(table, &OFF_FDT_FD).wrapping_add(fd as usize * 8);
    // SAFETY: the helper checks the address.
    let file = unsafe { helpers::bpf_probe_read_kernel(place.cast::<u64>()) };
    file.unwrap_or_default() as Address
}
