//! Why a hook is not attached: one message for each cause, with the way out.

use crate::kernel::Capability;
use std::fmt;

/// Why a way could not be gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The kernel offers no BTF, and no file of it was given.
    NoBtf,
    /// The hook needs the kernel's own BTF, which it does not offer.
    NeedsKernelBtf,
    /// No function has the name, in BTF or in the symbol table.
    Missing(String),
    /// The function exists, but BTF does not describe it.
    NotInBtf(String),
    /// Callers do not pass the function's symbol.
    Inlined {
        /// The function.
        function: String,
        /// The variant that the compiler made of it, if any.
        variant: Option<String>,
    },
    /// Several functions have the name.
    Ambiguous {
        /// The name.
        function: String,
        /// How many have it; 0 where only the kernel's refusal says so.
        count: usize,
    },
    /// ftrace cannot trace the function.
    NoTrace(String),
    /// The function takes other arguments than this way's programs read.
    OtherArguments(String),
    /// The kernel has no such tracepoint.
    NoTracepoint(String),
    /// The module is not loaded.
    NotLoaded(String),
    /// Kernel lockdown forbids reading the kernel.
    Lockdown,
    /// Capabilities are missing.
    Capability(Vec<Capability>),
    /// `perf_event_paranoid` forbids kprobes and tracepoints.
    Paranoid(i8),
    /// The capabilities are those of a user namespace.
    UserNamespace,
    /// A seccomp filter or a security module refuses.
    Denied,
    /// The limit of locked memory is too low, and cannot be raised.
    Memlock,
    /// The kernel has no `bpf()`.
    NoBpf,
    /// The verifier refused a program.
    Verifier {
        /// The program.
        program: String,
        /// The end of what it said.
        said: String,
    },
    /// Anything else, in the kernel's words.
    Refused {
        /// The function or tracepoint.
        hook: String,
        /// What the kernel said.
        said: String,
    },
}

impl Reason {
    /// Whether this process may not, where another might.
    pub fn is_forbidden(&self) -> bool {
        matches!(
            self,
            Self::Lockdown | Self::Capability(_) | Self::UserNamespace | Self::Denied
        )
    }

    /// Whether the kernel as it is lacks what is needed, so that trying again
    /// as someone else would not help. The rest should have worked, and broke.
    pub fn is_unsupported(&self) -> bool {
        matches!(
            self,
            Self::NoBtf
                | Self::NeedsKernelBtf
                | Self::NoBpf
                | Self::Missing(_)
                | Self::NotInBtf(_)
                | Self::Inlined { .. }
                | Self::Ambiguous { .. }
                | Self::NoTrace(_)
                | Self::OtherArguments(_)
                | Self::NoTracepoint(_)
        )
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoBtf => f.write_str(
                "this kernel offers no BTF (/sys/kernel/btf/vmlinux); give a file of it with --btf, or boot a \
                 kernel with CONFIG_DEBUG_INFO_BTF=y",
            ),
            Self::NeedsKernelBtf => f.write_str(
                "there is only a way by BTF, which this kernel does not offer (CONFIG_DEBUG_INFO_BTF)",
            ),
            Self::Missing(function) => write!(f, "this kernel has no function {function}"),
            Self::NotInBtf(function) => {
                write!(f, "{function} exists, but this kernel's BTF does not describe it")
            }
            Self::Inlined {
                function,
                variant: Some(variant),
            } => write!(
                f,
                "{function} is inlined: only the compiler's variant {variant} is left of it"
            ),
            Self::Inlined { function, .. } => write!(
                f,
                "{function} is inlined: BTF describes it, but it is no symbol of this kernel"
            ),
            Self::Ambiguous { function, count: 0 } => write!(
                f,
                "{function} is ambiguous: several functions of this kernel have the name"
            ),
            Self::Ambiguous { function, count } => write!(
                f,
                "{function} is ambiguous: {count} functions of this kernel have the name"
            ),
            Self::NoTrace(function) => write!(
                f,
                "{function} is notrace: it is not in available_filter_functions"
            ),
            Self::OtherArguments(function) => {
                write!(f, "{function} takes other arguments on this kernel")
            }
            Self::NoTracepoint(name) => write!(f, "this kernel has no tracepoint {name}"),
            Self::NotLoaded(module) => write!(
                f,
                "the module {module} is not loaded; attached as soon as it is"
            ),
            Self::Lockdown => f.write_str(
                "kernel lockdown is in confidentiality mode, which forbids BPF to read the kernel; \
                 boot with lockdown=integrity or none",
            ),
            Self::Capability(missing) => {
                let names: Vec<_> = missing.iter().map(|c| c.name()).collect();
                write!(
                    f,
                    "{} missing; run as root, or grant {} (CAP_SYS_ADMIN serves too)",
                    names.join(" and "),
                    if names.len() > 1 { "them" } else { "it" }
                )
            }
            Self::Paranoid(level) => write!(
                f,
                "kernel.perf_event_paranoid is {level}: Debian's kernel then allows kprobes to CAP_SYS_ADMIN \
                 only, not to CAP_PERFMON; grant CAP_SYS_ADMIN, or sysctl kernel.perf_event_paranoid=2"
            ),
            Self::UserNamespace => f.write_str(
                "this process is in a user namespace, whose capabilities do not reach BPF; \
                 run it in the host's user namespace (a privileged container)",
            ),
            Self::Denied => f.write_str(
                "the kernel refused bpf() although the capabilities are there: kernel lockdown, a seccomp filter or \
                 a security module forbids it; in a container run it privileged (for Kubernetes: \
                 --profile=sysadmin)",
            ),
            Self::Memlock => f.write_str(
                "the limit of locked memory (RLIMIT_MEMLOCK) is too low for the maps, which before 5.11 count \
                 against it; grant CAP_SYS_RESOURCE, or raise it (ulimit -l unlimited)",
            ),
            Self::NoBpf => f.write_str("this kernel is built without bpf()"),
            Self::Verifier { program, said } => {
                write!(f, "the verifier refused {program}: {said}")
            }
            Self::Refused { hook, said } => write!(f, "{hook}: {said}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The ways out of what a person can change, and of what a kernel is.
    #[test]
    fn each_cause_has_a_message_of_its_own() {
        let function = || "vfs_copy_file_range".to_owned();
        let reasons = [
            Reason::NoBtf,
            Reason::NeedsKernelBtf,
            Reason::Missing(function()),
            Reason::NotInBtf(function()),
            Reason::Inlined {
                function: function(),
                variant: Some("vfs_copy_file_range.isra.0".to_owned()),
            },
            Reason::Inlined {
                function: function(),
                variant: None,
            },
            Reason::Ambiguous {
                function: function(),
                count: 2,
            },
            Reason::Ambiguous {
                function: function(),
                count: 0,
            },
            Reason::NoTrace(function()),
            Reason::OtherArguments(function()),
            Reason::NoTracepoint("sched_process_exec".to_owned()),
            Reason::NotLoaded("xfs".to_owned()),
            Reason::Lockdown,
            Reason::Capability(vec![Capability::Bpf, Capability::Perfmon]),
            Reason::Paranoid(3),
            Reason::UserNamespace,
            Reason::Denied,
            Reason::Memlock,
            Reason::NoBpf,
        ];
        let messages: Vec<String> = reasons.iter().map(ToString::to_string).collect();
        insta::assert_snapshot!(messages.join("\n"));
    }
}
