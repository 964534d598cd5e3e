//! One finding for each thing that can stand in the way, with what to do.

use crate::kernel::facts::Lockdown;
use crate::kernel::{Capability, Fact, KernelFacts};
use serde::Serialize;

/// How a finding is to be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// Nothing stands in the way.
    Ok,
    /// Something is lost, or works in a second way.
    Warning,
    /// Nothing can be attached.
    Problem,
    /// It could not be read.
    Unknown,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What was looked at.
    pub name: &'static str,
    /// How to take it.
    pub standing: Standing,
    /// What was found.
    pub finding: String,
    /// What to do, where something can be done.
    pub remedy: Option<&'static str>,
}

impl Check {
    fn ok(name: &'static str, finding: impl Into<String>) -> Self {
        Self {
            name,
            standing: Standing::Ok,
            finding: finding.into(),
            remedy: None,
        }
    }

    fn warning(name: &'static str, finding: impl Into<String>, remedy: &'static str) -> Self {
        Self {
            standing: Standing::Warning,
            remedy: Some(remedy),
            ..Self::ok(name, finding)
        }
    }

    fn problem(name: &'static str, finding: impl Into<String>, remedy: &'static str) -> Self {
        Self {
            standing: Standing::Problem,
            remedy: Some(remedy),
            ..Self::ok(name, finding)
        }
    }

    /// The finding for a fact: `judge` is asked only if it is known.
    fn of<T>(name: &'static str, fact: &Fact<T>, judge: impl FnOnce(&T) -> Self) -> Self {
        match fact {
            Fact::Known(value) => judge(value),
            Fact::Unknown(why) => Self {
                standing: Standing::Unknown,
                ..Self::ok(name, why.clone())
            },
        }
    }
}

/// Every finding about the kernel and this process.
pub fn checks(facts: &KernelFacts, has_btf_file: bool) -> Vec<Check> {
    vec![
        btf(facts, has_btf_file),
        lockdown(facts),
        capabilities(facts),
        user_namespace(facts),
        locked_memory(facts),
        seccomp(facts),
        perf_event_paranoid(facts),
        tracefs(facts),
        pid_namespace(facts),
        cgroup(facts),
        cpus(facts),
        xfs(facts),
    ]
}

fn btf(facts: &KernelFacts, has_btf_file: bool) -> Check {
    match (facts.btf, has_btf_file) {
        (true, _) => Check::ok("BTF", crate::kernel::btf::RUNNING),
        (false, true) => Check::warning(
            "BTF",
            "only from a file: hooks are kprobes and tracepoints",
            "a kernel with CONFIG_DEBUG_INFO_BTF=y has cheaper hooks",
        ),
        (false, false) => Check::problem(
            "BTF",
            "this kernel offers none",
            "give a file with --btf, or boot a kernel with CONFIG_DEBUG_INFO_BTF=y",
        ),
    }
}

fn lockdown(facts: &KernelFacts) -> Check {
    Check::of("lockdown", &facts.lockdown, |&mode| match mode {
        Lockdown::None | Lockdown::Integrity => Check::ok("lockdown", mode.name()),
        Lockdown::Confidentiality => Check::problem(
            "lockdown",
            "confidentiality: BPF may not read the kernel",
            "boot with lockdown=integrity or none",
        ),
    })
}

fn capabilities(facts: &KernelFacts) -> Check {
    let name = "capabilities";
    Check::of(name, &facts.capabilities, |held| {
        let missing = held.missing_for_tracing();
        if missing.is_empty() {
            let held = Capability::ALL.into_iter().filter(|&c| held.has(c));
            let held: Vec<_> = held.map(Capability::name).collect();
            return Check::ok(name, held.join(" "));
        }
        let missing: Vec<_> = missing.into_iter().map(Capability::name).collect();
        Check::problem(
            name,
            format!("{} missing", missing.join(" and ")),
            "run as root, or grant them (CAP_SYS_ADMIN serves for both)",
        )
    })
}

fn user_namespace(facts: &KernelFacts) -> Check {
    let name = "user namespace";
    Check::of(name, &facts.initial_user_namespace, |&initial| {
        if initial {
            Check::ok(name, "the host's")
        } else {
            Check::problem(
                name,
                "one of its own: its capabilities do not reach BPF",
                "run in the host's user namespace (a privileged container, not a rootless one)",
            )
        }
    })
}

fn locked_memory(facts: &KernelFacts) -> Check {
    let name = "locked memory";
    if facts.may(Capability::SysResource) || !facts.counts_maps_as_locked() {
        return Check::ok(name, "no limit on maps");
    }
    Check::warning(
        name,
        "maps count against RLIMIT_MEMLOCK, which cannot be raised",
        "grant CAP_SYS_RESOURCE, or ulimit -l unlimited",
    )
}

fn seccomp(facts: &KernelFacts) -> Check {
    let name = "seccomp";
    Check::of(name, &facts.seccomp, |&filtered| {
        if filtered {
            Check::warning(
                name,
                "a filter is on this process; it may refuse bpf()",
                "run the container privileged (kubectl debug node/NODE --profile=sysadmin)",
            )
        } else {
            Check::ok(name, "no filter")
        }
    })
}

fn perf_event_paranoid(facts: &KernelFacts) -> Check {
    let name = "perf_event_paranoid";
    Check::of(name, &facts.perf_event_paranoid, |&level| {
        if level < 3 || facts.may(Capability::SysAdmin) {
            return Check::ok(name, level.to_string());
        }
        Check::warning(
            name,
            format!("{level}: Debian's kernel then allows kprobes to CAP_SYS_ADMIN only"),
            "grant CAP_SYS_ADMIN, or sysctl kernel.perf_event_paranoid=2; without it xfs is not seen",
        )
    })
}

fn tracefs(facts: &KernelFacts) -> Check {
    Check::of("tracefs", &facts.tracefs, |place| {
        Check::ok("tracefs", place.display().to_string())
    })
}

fn pid_namespace(facts: &KernelFacts) -> Check {
    let name = "pid namespace";
    Check::of(name, &facts.private_pid_namespace, |&private| {
        if private {
            Check::warning(
                name,
                "one of its own: volprobe cannot leave out its own I/O, nor test itself",
                "run in the host's pid namespace (hostPID: true, docker --pid=host)",
            )
        } else {
            Check::ok(name, "the host's")
        }
    })
}

fn cgroup(facts: &KernelFacts) -> Check {
    let name = "cgroups";
    if facts.private_cgroup_namespace.known() == Some(&true) {
        return Check::warning(
            name,
            "a cgroup namespace of its own: pods and containers cannot be named",
            "run in the host's cgroup namespace (docker --cgroupns=host), or mount the host's /sys/fs/cgroup",
        );
    }
    Check::of(name, &facts.cgroup, |&version| {
        Check::ok(name, version.name())
    })
}

fn cpus(facts: &KernelFacts) -> Check {
    Check::of("CPUs", &facts.possible_cpus, |possible| {
        let online = facts.online_cpus.known().unwrap_or(possible);
        Check::ok("CPUs", format!("{online} online, {possible} possible"))
    })
}

fn xfs(facts: &KernelFacts) -> Check {
    Check::of("xfs", &facts.modules, |modules| {
        let loaded = modules.contains("xfs");
        Check::ok(
            "xfs",
            if loaded {
                "loaded"
            } else {
                "not loaded; its hooks are attached when it is"
            },
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Capabilities;
    use crate::probe::testing::debian_6_12;

    fn find(facts: &KernelFacts, name: &str) -> Check {
        let mut checks = checks(facts, false).into_iter();
        checks.find(|check| check.name == name).unwrap()
    }

    #[test]
    fn root_on_debian_has_no_complaint() {
        for check in checks(&debian_6_12().facts, false) {
            assert_eq!(check.standing, Standing::Ok, "{check:?}");
        }
    }

    #[test]
    fn what_forbids_everything_is_a_problem_with_a_remedy() {
        let root = debian_6_12().facts;
        let cases = [
            (
                "BTF",
                KernelFacts {
                    btf: false,
                    ..root.clone()
                },
            ),
            (
                "lockdown",
                KernelFacts {
                    lockdown: Fact::Known(Lockdown::Confidentiality),
                    ..root.clone()
                },
            ),
            (
                "capabilities",
                KernelFacts {
                    capabilities: Fact::Known(Capabilities(0)),
                    ..root.clone()
                },
            ),
            (
                "user namespace",
                KernelFacts {
                    initial_user_namespace: Fact::Known(false),
                    ..root
                },
            ),
        ];
        for (name, facts) in cases {
            let check = find(&facts, name);
            assert_eq!(check.standing, Standing::Problem, "{name}");
            assert!(check.remedy.is_some(), "{name}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_unknown() {
        let mut facts = debian_6_12().facts;
        facts.tracefs = Fact::Unknown("unknown (run as root)".to_owned());
        let check = find(&facts, "tracefs");
        assert_eq!(check.standing, Standing::Unknown);
        assert_eq!(check.finding, "unknown (run as root)");
    }

    #[test]
    fn bpf_and_perfmon_alone_are_warned_of_paranoia() {
        let mut facts = debian_6_12().facts;
        facts.capabilities = Fact::Known(Capabilities(3 << 38));
        assert_eq!(find(&facts, "capabilities").standing, Standing::Ok);
        assert_eq!(
            find(&facts, "perf_event_paranoid").standing,
            Standing::Warning
        );
    }

    #[test]
    fn the_namespaces_of_a_container_are_named() {
        let mut facts = debian_6_12().facts;
        facts.private_cgroup_namespace = Fact::Known(true);
        facts.private_pid_namespace = Fact::Known(true);
        assert_eq!(find(&facts, "cgroups").standing, Standing::Warning);
        assert_eq!(find(&facts, "pid namespace").standing, Standing::Warning);
    }
}
