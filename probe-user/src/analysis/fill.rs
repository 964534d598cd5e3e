//! Whether what lies on a device fills it: one answer for every table and rule.
//!
//! Tools and kernels leave out what is too small to be of use at the end:
//!
//! - ext4 drops a last block group that has fewer blocks than its own bitmaps,
//!   inode table and reserved descriptors plus 50: with 4 KiB blocks up to 7 MiB
//!   as `mkfs.ext4` makes them, 13 MiB with four times as many inodes;
//! - `mkfs.xfs` drops a last allocation group below 16 MiB (`XFS_AG_MIN_BYTES`),
//!   growing xfs one below 64 blocks;
//! - partitions are aligned to 1 MiB, and a GPT keeps 33 sectors at the end.
//!
//! So 16 MiB, and of small devices a sixteenth, as 16 MiB may be a real growth
//! there. Volumes in a cloud grow by 1 GiB at the least.

/// What may be left unused of the largest device, in bytes.
const MOST: u64 = 16 << 20;

/// What a mapping leaves out of a device for itself: LUKS2's header, with the
/// defaults of `cryptsetup` (LUKS1's has 2 MiB, multipath none).
const MAPPING_HEADER: u64 = 16 << 20;

/// What may be left unused of `room` bytes.
fn slack(room: u64) -> u64 {
    MOST.min(room / 16)
}

/// Whether `used` bytes fill a room of `room` bytes.
pub(super) fn fills(used: u64, room: u64) -> bool {
    unused(used, room).is_none()
}

/// Whether a device on a disk of `wanted` bytes is all of it, but for the headers
/// of what may lie between.
pub(super) fn reaches(device: u64, wanted: u64) -> bool {
    fills(device.saturating_add(MAPPING_HEADER), wanted)
}

/// The bytes that `used` leaves of `room`, where that is more than slack.
pub(super) fn unused(used: u64, room: u64) -> Option<u64> {
    room.checked_sub(used).filter(|left| *left > slack(room))
}

/// The bytes of a device of `below` bytes that a LUKS or multipath mapping of
/// all of it can have.
pub(super) fn room_of_mapping(uuid: &str, below: u64) -> u64 {
    if uuid.starts_with("CRYPT-LUKS") {
        below.saturating_sub(MAPPING_HEADER)
    } else {
        below
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MIB: u64 = 1 << 20;

    #[test]
    fn a_last_group_that_was_left_out_is_no_missing_growth() {
        assert!(fills(20_464 * MIB, 20_480 * MIB));
        assert!(!fills(20_463 * MIB, 20_480 * MIB));
    }

    #[test]
    fn small_devices_may_leave_a_sixteenth() {
        assert!(fills(60 * MIB, 64 * MIB));
        assert_eq!(unused(59 * MIB, 64 * MIB), Some(5 * MIB));
    }

    #[test]
    fn a_header_is_no_missing_growth() {
        for (uuid, header) in [
            ("CRYPT-LUKS2-5b1f-data", 16),
            ("CRYPT-LUKS1-5b1f-data", 2),
            ("mpath-3600", 0),
        ] {
            let below = 128 * MIB;
            assert!(
                fills(below - header * MIB, room_of_mapping(uuid, below)),
                "{uuid}"
            );
            assert!(!fills(64 * MIB, room_of_mapping(uuid, below)), "{uuid}");
        }
    }

    proptest! {
        #[test]
        fn what_grows_by_a_gibibyte_is_always_seen(before in 0..u64::MAX - (1 << 30)) {
            prop_assert!(!fills(before, before + (1 << 30)));
        }

        #[test]
        fn what_is_as_large_or_larger_fills(room in any::<u64>(), more in any::<u64>()) {
            prop_assert!(fills(room.saturating_add(more), room));
        }
    }
}
