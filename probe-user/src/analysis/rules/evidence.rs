//! Pieces that several rules use.

use crate::analysis::finding::Evidence;
use crate::analysis::volume::{Growth, Volume};
use crate::sample::Dev;
use crate::units::bytes;

/// What says that a device grew.
pub(in crate::analysis) fn growth(volume: &Volume, growth: &Growth) -> Evidence {
    match growth.event {
        Some(id) => Evidence::Event { id },
        None => Evidence::Config {
            device: volume.recording.devices().name(growth.dev),
            what: format!(
                "{} → {}, read before and after",
                bytes(growth.from),
                bytes(growth.to)
            ),
        },
    }
}

/// What sort of device it is.
pub(super) fn kind_of(volume: &Volume, dev: Dev) -> &'static str {
    match volume.recording.devices().device(dev) {
        Some(device) if device.partition.is_some() => "partition",
        Some(device) if device.dm_name.is_some() => "mapping",
        _ => "disk",
    }
}

/// The sizes at the end.
pub(super) fn sizes(volume: &Volume) -> Evidence {
    let size = |size: Option<u64>| size.map_or_else(|| "unknown".to_owned(), bytes);
    let mut parts: Vec<String> = Vec::new();
    for &dev in volume.chain.iter().rev() {
        let name = volume
            .recording
            .devices()
            .name(dev)
            .unwrap_or_else(|| dev.to_string());
        let kind = kind_of(volume, dev);
        let of = match volume.chain.len() {
            1 => String::new(),
            _ => format!(" {name}"),
        };
        parts.push(format!("{kind}{of} {}", size(volume.bytes_of(dev))));
    }
    parts.push(format!("file system {}", size(volume.fs_bytes())));
    Evidence::Config {
        device: Some(volume.name.clone()),
        what: parts.join(", "),
    }
}

/// What to say where it is not known whether a device grew.
pub(super) fn growth_unknown(why: &[String]) -> String {
    unknown("the device has grown since", why)
}

/// That nobody resized the file system after it was refused once; otherwise what to
/// say of that.
pub(super) fn not_resized_later(volume: &Volume, boot_ns: u64) -> Result<Evidence, String> {
    let absence = volume.nobody_resized_since(boot_ns);
    let absence = absence.map(|absence| absence.evidence(volume.recording));
    absence.map_err(|why| unknown("somebody resized it later", &why))
}

fn unknown(whether: &str, why: &[String]) -> String {
    format!("whether {whether} is not known: {}", why.join("; "))
}

/// The command that grows the file system online.
pub(super) fn grow_command(volume: &Volume) -> String {
    match (volume.fs.as_str(), volume.mount_point()) {
        ("xfs", Some(mount)) => format!(
            "xfs_growfs -d {}   (online, safe while mounted)",
            quoted(mount)
        ),
        ("ext4" | "ext3" | "", _) => {
            format!("resize2fs {}   (online, safe while mounted)", path(volume))
        }
        (fs, _) => format!("grow the {fs} on {}", path(volume)),
    }
}

/// The path of the volume's device.
pub(super) fn path(volume: &Volume) -> String {
    let device = volume.recording.devices().device(volume.dev);
    match device.and_then(|device| device.dm_name.as_deref()) {
        Some(name) => quoted(&format!("/dev/mapper/{name}")),
        None => format!("/dev/{}", volume.name),
    }
}

/// For a shell.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "/._-:@+=,~".contains(c);
    if text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn odd_mount_points_are_quoted() {
        assert_eq!(quoted("/var/lib/mysql"), "/var/lib/mysql");
        assert_eq!(quoted("/a b"), "'/a b'");
        assert_eq!(quoted("/it's"), r"'/it'\''s'");
    }
}
