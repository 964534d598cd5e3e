use super::*;
use proptest::prelude::*;

fn put(block: &mut [u8], offset: usize, value: &[u8]) {
    block[offset..offset + value.len()].copy_from_slice(value);
}

/// The first page of an ext4 of so many 4 KiB blocks.
pub(in super::super) fn ext4(blocks: u64) -> Vec<u8> {
    let mut page = vec![0; LENGTH];
    put(&mut page, 1024 + 0x38, &[0x53, 0xef]);
    put(&mut page, 1024 + 0x04, &(blocks as u32).to_le_bytes());
    put(&mut page, 1024 + 0x18, &2_u32.to_le_bytes());
    put(&mut page, 1024 + 0x60, &0x80_u32.to_le_bytes());
    put(
        &mut page,
        1024 + 0x150,
        &((blocks >> 32) as u32).to_le_bytes(),
    );
    page
}

fn xfs_page(block_size: u32, blocks: u64) -> Vec<u8> {
    let mut page = vec![0; LENGTH];
    put(&mut page, 0, b"XFSB");
    put(&mut page, 4, &block_size.to_be_bytes());
    put(&mut page, 8, &blocks.to_be_bytes());
    page
}

fn btrfs_page(total: u64, devices: u64) -> Vec<u8> {
    let mut page = vec![0; LENGTH];
    put(&mut page, 0x40, b"_BHRfS_M");
    put(&mut page, 0x70, &total.to_le_bytes());
    put(&mut page, 0x88, &devices.to_le_bytes());
    page
}

#[test]
fn sizes_are_read() {
    assert_eq!(Kind::Ext.size(&ext4(5_242_880)), Ok(20 << 30));
    assert_eq!(
        Kind::Ext.size(&ext4(1 << 33)),
        Ok(1 << 45),
        "more blocks than 32 bits hold"
    );
    assert_eq!(Kind::Xfs.size(&xfs_page(4096, 76_800)), Ok(300 << 20));
    assert_eq!(Kind::Btrfs.size(&btrfs_page(20 << 30, 1)), Ok(20 << 30));
}

#[test]
fn the_upper_half_counts_only_with_its_feature() {
    let mut page = ext4((1 << 33) + 5_242_880);
    put(&mut page, 1024 + 0x60, &0_u32.to_le_bytes());
    assert_eq!(
        Kind::Ext.size(&page),
        Ok(20 << 30),
        "those bytes mean something else without it"
    );
}

#[test]
fn what_is_no_superblock_gives_no_size() {
    let zero = [0; LENGTH];
    for kind in [Kind::Ext, Kind::Xfs, Kind::Btrfs] {
        assert_eq!(kind.size(&zero), Err(Error::Magic), "{kind:?}");
        assert_eq!(kind.size(&[]), Err(Error::Short), "{kind:?}");
    }
    assert_eq!(Kind::Btrfs.size(&btrfs_page(1, 2)), Err(Error::Spans(2)));
    assert_eq!(
        Kind::Xfs.size(&xfs_page(4095, 1)),
        Err(Error::Nonsense("block size"))
    );
    assert_eq!(
        Kind::Xfs.size(&xfs_page(4096, u64::MAX)),
        Err(Error::Nonsense("number of blocks"))
    );
    assert_eq!(
        Kind::Ext.size(&ext4(0)),
        Err(Error::Nonsense("number of blocks"))
    );
}

proptest! {
    #[test]
    fn any_bytes_are_survived(
        page in proptest::collection::vec(any::<u8>(), 0..LENGTH),
        shift in any::<u32>(),
    ) {
        let mut ext = ext4(7);
        put(&mut ext, 1024 + 0x18, &shift.to_le_bytes());
        let _ = Kind::Ext.size(&ext);
        for kind in [Kind::Ext, Kind::Xfs, Kind::Btrfs] {
            let _ = kind.size(&page);
        }
    }
}
