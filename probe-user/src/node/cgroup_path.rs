//! What a cgroup's path tells of its pod and container.
//!
//! Two drivers write them: systemd (`kubepods-burstable-pod<uid>.slice/cri-containerd-<id>.scope`)
//! and cgroupfs (`kubepods/burstable/pod<uid>/<id>`), and a node may mix the two.

/// Pod and container of a cgroup.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Owner {
    /// As in the API, with dashes; of a static pod 32 digits without.
    pub(super) pod_uid: Option<String>,
    pub(super) container: Option<String>,
    /// `containerd`, `cri-o`, `docker`, `podman`; `None` where the path does not say.
    pub(super) runtime: Option<&'static str>,
}

const CONTAINER_ID: usize = 64;

/// Reads a path relative to the hierarchy's root. In nested paths (a cluster
/// whose nodes are containers) the innermost pod counts, and in it the container
/// that kubelet started, not what that runs in turn.
pub(super) fn parse(path: &str) -> Owner {
    // containerd without its systemd driver joins what are levels elsewhere:
    // `kubepods-pod<uid>.slice:cri-containerd:<id>`.
    let levels: Vec<&str> = path.split('/').flat_map(joined_levels).collect();
    let pod = levels.iter().rposition(|level| pod_uid(level).is_some());
    let container_of = |index: &usize| container(levels[*index], parent(&levels, *index));
    let found = match pod {
        Some(pod) => (pod + 1..levels.len()).find_map(|index| container_of(&index)),
        None => (0..levels.len())
            .rev()
            .find_map(|index| container_of(&index)),
    };
    let (runtime, container) = found.unzip();
    Owner {
        pod_uid: pod.and_then(|pod| pod_uid(levels[pod])),
        container: container.map(str::to_owned),
        runtime: runtime.flatten(),
    }
}

fn joined_levels(level: &str) -> impl Iterator<Item = &str> {
    let (head, tail) = match level.split_once(':') {
        Some((head, tail)) => (head, Some(tail)),
        None => (level, None),
    };
    std::iter::once(head).chain(tail)
}

fn parent<'a>(levels: &[&'a str], index: usize) -> &'a str {
    index.checked_sub(1).map_or("", |index| levels[index])
}

/// The uid in `pod<uid>`, `kubepods-burstable-pod<uid>.slice` and their like.
fn pod_uid(level: &str) -> Option<String> {
    let name = level.strip_suffix(".slice").unwrap_or(level);
    let (before, uid) = name.rsplit_once("pod")?;
    let whole = before.is_empty() || before.ends_with('-');
    (whole && is_uid(uid)).then(|| uid.replace('_', "-"))
}

/// 8-4-4-4-12 hexadecimal digits, or 32 without dashes (a static pod's). systemd
/// takes a dash in a slice's name for a level, so its driver writes `_`.
pub(super) fn is_uid(text: &str) -> bool {
    let dashes = [8, 13, 18, 23];
    let digit = |byte: u8| byte.is_ascii_hexdigit();
    match text.len() {
        32 => text.bytes().all(digit),
        36 => text.bytes().enumerate().all(|(place, byte)| {
            if dashes.contains(&place) {
                matches!(byte, b'-' | b'_')
            } else {
                digit(byte)
            }
        }),
        _ => false,
    }
}

/// Runtime and id of a level such as `cri-containerd-<id>.scope` or `<id>`.
fn container<'a>(level: &'a str, parent: &str) -> Option<(Option<&'static str>, &'a str)> {
    let name = level.strip_suffix(".scope").unwrap_or(level);
    let split = name.len().checked_sub(CONTAINER_ID)?;
    let (prefix, id) = name.split_at_checked(split)?;
    if !id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let runtime = match prefix.trim_end_matches(['-', ':']) {
        "cri-containerd" | "nerdctl" => Some("containerd"),
        "crio" => Some("cri-o"),
        "docker" => Some("docker"),
        "libpod" => Some("podman"),
        "" => match parent {
            "docker" => Some("docker"),
            "k8s.io" => Some("containerd"),
            "libpod_parent" => Some("podman"),
            _ => None,
        },
        // The helper that waits for the container (crio-conmon-<id>) is not in it.
        conmon if conmon.ends_with("-conmon") => return None,
        _ => None,
    };
    Some((runtime, id))
}

#[cfg(test)]
#[path = "cgroup_path_tests.rs"]
mod tests;
