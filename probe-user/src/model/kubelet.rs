//! What kubelet's mount points say about a volume.

/// A mounted CSI volume of a pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct KubeletVolume<'a> {
    /// The pod's uid.
    pub(super) pod_uid: &'a str,
    /// The persistent volume's name.
    pub(super) pv: &'a str,
}

/// Reads `…/pods/<uid>/volumes/kubernetes.io~csi/<pv>/mount`. kubelet's root
/// directory may be anywhere (k3s and others move it).
pub(super) fn kubelet_volume(mount_point: &str) -> Option<KubeletVolume<'_>> {
    let rest = mount_point.strip_suffix("/mount")?;
    let (rest, pv) = rest.rsplit_once("/volumes/kubernetes.io~csi/")?;
    let (_, pod_uid) = rest.rsplit_once("/pods/")?;
    let plain = |name: &str| !name.is_empty() && !name.contains('/');
    (plain(pv) && plain(pod_uid)).then_some(KubeletVolume { pod_uid, pv })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pods_volume_is_known() {
        let mount = "/var/lib/kubelet/pods/8d3e0a5c-1/volumes/kubernetes.io~csi/pvc-77/mount";
        let volume = kubelet_volume(mount).unwrap();
        assert_eq!((volume.pod_uid, volume.pv), ("8d3e0a5c-1", "pvc-77"));
    }

    #[test]
    fn other_mount_points_are_not() {
        for mount in [
            "/",
            "/data",
            "/var/lib/kubelet/plugins/kubernetes.io/csi/d/77/globalmount",
            "/var/lib/kubelet/pods/u/volumes/kubernetes.io~csi//mount",
            "/var/lib/kubelet/pods/u/volumes/kubernetes.io~secret/s",
        ] {
            assert_eq!(kubelet_volume(mount), None, "{mount}");
        }
    }
}
