//! The capabilities that tracing asks for.

use std::fmt;

/// A capability that decides what can be attached; the number is the kernel's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Capability {
    /// Everything below, before 5.8 and beyond.
    SysAdmin = 21,
    /// Raises `RLIMIT_MEMLOCK`, which bounds maps before 5.11.
    SysResource = 24,
    /// Tracing: kernel memory, kprobes.
    Perfmon = 38,
    /// Loading programs and making maps.
    Bpf = 39,
}

impl Capability {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 4] = [Self::Bpf, Self::Perfmon, Self::SysAdmin, Self::SysResource];

    /// The name as `capabilities(7)` writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SysAdmin => "CAP_SYS_ADMIN",
            Self::SysResource => "CAP_SYS_RESOURCE",
            Self::Perfmon => "CAP_PERFMON",
            Self::Bpf => "CAP_BPF",
        }
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The effective set of this process (`CapEff`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Capabilities(pub u64);

impl Capabilities {
    /// Whether `capability` is in the set.
    pub const fn has(self, capability: Capability) -> bool {
        self.0 >> capability as u32 & 1 == 1
    }

    /// What is missing for loading and attaching BPF tracing programs.
    /// `CAP_SYS_ADMIN` stands for both of the newer ones.
    pub fn missing_for_tracing(self) -> Vec<Capability> {
        if self.has(Capability::SysAdmin) {
            return Vec::new();
        }
        [Capability::Bpf, Capability::Perfmon]
            .into_iter()
            .filter(|&capability| !self.has(capability))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sys_admin_stands_for_the_newer_ones() {
        assert!(Capabilities(1 << 21).missing_for_tracing().is_empty());
        assert!(
            Capabilities(1 << 38 | 1 << 39)
                .missing_for_tracing()
                .is_empty()
        );
        assert_eq!(
            Capabilities(1 << 39).missing_for_tracing(),
            [Capability::Perfmon]
        );
        assert_eq!(
            Capabilities(0).missing_for_tracing(),
            [Capability::Bpf, Capability::Perfmon]
        );
    }
}
