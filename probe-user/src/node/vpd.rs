//! SCSI vital product data: the pages that name a disk.

/// Designator types of page 0x83 that hold text.
const VENDOR_SPECIFIC: u8 = 0;
const T10_VENDOR_ID: u8 = 1;
/// Code sets of page 0x83 that are text.
const ASCII: u8 = 2;
const UTF_8: u8 = 3;

/// The serial number of page 0x80.
pub(super) fn serial(page: &[u8]) -> Option<String> {
    printable(payload(page, 0x80)?)
}

/// The text that names the disk in page 0x83. A vendor-specific one comes
/// first: with it Google names its disks, and the kernel leaves it out of `wwid`.
pub(super) fn name(page: &[u8]) -> Option<String> {
    let mut rest = payload(page, 0x83)?;
    let mut best: Option<(u8, String)> = None;
    while let [code_set, kind, _, length, tail @ ..] = rest {
        let value = tail.get(..usize::from(*length))?;
        rest = &tail[value.len()..];
        let of_the_disk = kind & 0x30 == 0;
        let kind = kind & 0x0f;
        let is_text = matches!(code_set & 0x0f, ASCII | UTF_8);
        if !of_the_disk || !is_text || !matches!(kind, VENDOR_SPECIFIC | T10_VENDOR_ID) {
            continue;
        }
        if best.as_ref().is_none_or(|(found, _)| kind < *found) {
            best = printable(value).map(|text| (kind, text)).or(best);
        }
    }
    best.map(|(_, text)| text)
}

/// What follows the four bytes of a page's header: kind of device, page, length.
fn payload(page: &[u8], number: u8) -> Option<&[u8]> {
    let [_, found, high, low, rest @ ..] = page else {
        return None;
    };
    let length = usize::from(u16::from_be_bytes([*high, *low])).min(rest.len());
    (*found == number).then(|| &rest[..length])
}

fn printable(bytes: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(bytes);
    let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\0');
    let clean = !text.is_empty() && !text.contains(|c: char| c.is_control());
    clean.then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn designator(code_set: u8, kind: u8, value: &[u8]) -> Vec<u8> {
        [&[code_set, kind, 0, value.len() as u8], value].concat()
    }

    fn page83(designators: &[Vec<u8>]) -> Vec<u8> {
        let body = designators.concat();
        [&[0, 0x83, 0, body.len() as u8], body.as_slice()].concat()
    }

    #[test]
    fn a_serial_is_read_without_its_padding() {
        assert_eq!(serial(b"\0\x80\0\x08 disk-1 ").as_deref(), Some("disk-1"));
        assert_eq!(serial(b"\0\x80\0\x04    "), None);
        assert_eq!(serial(b"\0\x83\0\x01x"), None);
        assert_eq!(
            serial(b"\0\x80\x01\0ab").as_deref(),
            Some("ab"),
            "cut short"
        );
    }

    #[test]
    fn the_vendor_specific_name_is_preferred() {
        let naa = designator(1, 3, &[0x60, 1, 2, 3]);
        let t10 = designator(2, 1, b"Google  PersistentDisk  ");
        let own = designator(2, 0, b"Google  PersistentDisk  data-1");
        let page = page83(&[naa.clone(), t10.clone(), own]);
        assert_eq!(
            name(&page).as_deref(),
            Some("Google  PersistentDisk  data-1")
        );
        assert_eq!(
            name(&page83(&[naa.clone(), t10])).as_deref(),
            Some("Google  PersistentDisk")
        );
        assert_eq!(name(&page83(&[naa])), None);
    }

    #[test]
    fn a_name_of_the_target_port_is_not_the_disks() {
        assert_eq!(name(&page83(&[designator(2, 0x10, b"port")])), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(page in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = (serial(&page), name(&page));
        }
    }
}
