use super::*;
use proptest::prelude::*;

const UID: &str = "5b1f6c1e-2d3a-4f50-9a61-0a1b2c3d4e5f";
const UID_: &str = "5b1f6c1e_2d3a_4f50_9a61_0a1b2c3d4e5f";
const STATIC: &str = "0a1b2c3d4e5f60718293a4b5c6d7e8f9";
const ID: &str = "3f4e5d6c7b8a99887766554433221100ffeeddccbbaa99887766554433221100";
const OTHER: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

/// Path (with `{u}` uid, `{_}` uid as systemd writes it, `{s}` uid of a static pod,
/// `{i}` container, `{o}` another container), then uid, container, runtime.
type Case = (
    &'static str,
    Option<&'static str>,
    Option<&'static str>,
    Option<&'static str>,
);

const CONTAINERD: Option<&str> = Some("containerd");
const CRIO: Option<&str> = Some("cri-o");
const DOCKER: Option<&str> = Some("docker");

const CASES: &[Case] = &[
    // systemd driver
    (
        "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{_}.slice/cri-containerd-{i}.scope",
        Some(UID),
        Some(ID),
        CONTAINERD,
    ),
    (
        "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod{_}.slice/docker-{i}.scope",
        Some(UID),
        Some(ID),
        DOCKER,
    ),
    (
        "/kubepods.slice/kubepods-pod{_}.slice/cri-containerd-{i}.scope",
        Some(UID),
        Some(ID),
        CONTAINERD,
    ),
    (
        "/kubepods.slice/kubepods-pod{_}.slice",
        Some(UID),
        None,
        None,
    ),
    (
        "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{s}.slice/cri-containerd-{i}.scope",
        Some(STATIC),
        Some(ID),
        CONTAINERD,
    ),
    (
        "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{_}.slice/crio-{i}.scope",
        Some(UID),
        Some(ID),
        CRIO,
    ),
    (
        "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{_}.slice/crio-{i}.scope/container",
        Some(UID),
        Some(ID),
        CRIO,
    ),
    (
        "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{_}.slice/crio-conmon-{i}.scope",
        Some(UID),
        None,
        None,
    ),
    (
        "/kubepods.slice/kubepods-pod{_}.slice/cri-containerd-{i}.scope/system.slice/sshd.service",
        Some(UID),
        Some(ID),
        CONTAINERD,
    ),
    // cgroupfs driver
    ("/kubepods/burstable/pod{u}/{i}", Some(UID), Some(ID), None),
    ("/kubepods/besteffort/pod{u}/{i}", Some(UID), Some(ID), None),
    ("/kubepods/pod{u}/{i}", Some(UID), Some(ID), None),
    (
        "/kubepods/burstable/pod{s}/{i}",
        Some(STATIC),
        Some(ID),
        None,
    ),
    (
        "/kubepods/burstable/pod{u}/crio-{i}",
        Some(UID),
        Some(ID),
        CRIO,
    ),
    ("/kubepods/burstable/pod{u}", Some(UID), None, None),
    // kubelet with systemd's driver, containerd with cgroupfs'
    (
        "/system.slice/containerd.service/kubepods-burstable-pod{_}.slice:cri-containerd:{i}",
        Some(UID),
        Some(ID),
        CONTAINERD,
    ),
    (
        "/kubepods-besteffort-pod{_}.slice:cri-containerd:{i}",
        Some(UID),
        Some(ID),
        CONTAINERD,
    ),
    // nodes in containers (kind, k3d), and a runtime inside a pod
    (
        "/docker/{o}/kubelet/kubepods/burstable/pod{u}/{i}",
        Some(UID),
        Some(ID),
        None,
    ),
    (
        "/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-besteffort.slice/kubelet-kubepods-besteffort-pod{_}.slice/cri-containerd-{i}.scope",
        Some(UID),
        Some(ID),
        CONTAINERD,
    ),
    (
        "/system.slice/docker-{o}.scope/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod{_}.slice/cri-containerd-{i}.scope",
        Some(UID),
        Some(ID),
        CONTAINERD,
    ),
    (
        "/kubepods/burstable/pod{u}/{i}/docker/{o}",
        Some(UID),
        Some(ID),
        None,
    ),
    (
        "/user.slice/user-1000.slice/user@1000.service/k3s-rootless.slice/kubepods/pod{u}/{i}",
        Some(UID),
        Some(ID),
        None,
    ),
    // containers without a pod
    ("/docker/{i}", None, Some(ID), DOCKER),
    ("/system.slice/docker-{i}.scope", None, Some(ID), DOCKER),
    (
        "/machine.slice/libpod-{i}.scope",
        None,
        Some(ID),
        Some("podman"),
    ),
    ("/machine.slice/libpod-conmon-{i}.scope", None, None, None),
    (
        "/machine.slice/libpod-{i}.scope/container",
        None,
        Some(ID),
        Some("podman"),
    ),
    ("/k8s.io/{i}", None, Some(ID), CONTAINERD),
    (
        "/system.slice/nerdctl-{i}.scope",
        None,
        Some(ID),
        CONTAINERD,
    ),
    (
        "/ecs/55091c13-b8cf-4801-b527-f4601742204d/{i}",
        None,
        Some(ID),
        None,
    ),
    // neither
    ("/", None, None, None),
    ("/system.slice/kubelet.service", None, None, None),
    (
        "/user.slice/user-1000.slice/session-3.scope",
        None,
        None,
        None,
    ),
    ("/system.slice/podman.service", None, None, None),
    ("/kubepods.slice/kubepods-burstable.slice", None, None, None),
    ("/system.slice/run-tripod{_}.scope", None, None, None),
];

fn path(pattern: &str) -> String {
    let fields = [
        ("{u}", UID),
        ("{_}", UID_),
        ("{s}", STATIC),
        ("{i}", ID),
        ("{o}", OTHER),
    ];
    let filled = fields
        .iter()
        .fold(pattern.to_owned(), |path, (mark, text)| {
            path.replace(mark, text)
        });
    assert!(!filled.contains('{'));
    filled
}

#[test]
fn real_paths_are_read() {
    for (pattern, uid, container, runtime) in CASES {
        let owner = Owner {
            pod_uid: uid.map(str::to_owned),
            container: container.map(str::to_owned),
            runtime: *runtime,
        };
        assert_eq!(parse(&path(pattern)), owner, "{pattern}");
    }
}

#[test]
fn a_uid_has_its_dashes_in_place() {
    assert!(is_uid(UID) && is_uid(UID_) && is_uid(STATIC));
    let misplaced = UID.replacen('-', "", 1) + "-";
    assert!(!is_uid(&misplaced) && !is_uid("") && !is_uid(ID));
}

proptest! {
    #[test]
    fn any_path_is_survived(path in "\\PC{0,120}") {
        let _ = parse(&path);
    }

    #[test]
    fn a_container_is_read_at_any_depth(depth in 0..12_usize, tail in "(/[a-z.-]{1,9}){0,3}") {
        let above = "/a.slice".repeat(depth);
        let path = format!("{above}/kubepods/pod{UID}/{ID}{tail}");
        let owner = parse(&path);
        prop_assert_eq!(owner.pod_uid.as_deref(), Some(UID));
        prop_assert_eq!(owner.container.as_deref(), Some(ID));
    }
}
