use super::*;
use crate::analysis::volumes::{tests::node, volumes};

#[test]
fn what_is_wrong_comes_first() {
    let mut out = Vec::new();
    volumes_text(&volumes(&node()), Style::plain(), &mut out).unwrap();
    insta::assert_snapshot!(String::from_utf8(out).unwrap(), @r"
    node7 · Linux 6.12.117

    vdb · d-bp1example0volprobe1 · pv pv-1 · pod db/mysql-0                                 DID NOT GROW
    the ext4 file system has 20 GiB of the 40 GiB of vdb [resize/fs-not-grown]
       now      vdb: device 40 GiB (42949672960 B)
       now      vdb: file system 20 GiB (21474836480 B, from its superblock)
       to do    resize2fs /dev/vdb (online, safe while mounted)

     volume         disk                  size  partition  file system        read-ahead  used by
     nfs4:/mnt/nas                           –          –            –  nfs4   15360 KiB  nas:/data
     vdb            d-bp1example0volp…  40 GiB          –       20 GiB  ext4     128 KiB  pod db/mysql-0
     vdc1                               10 GiB     10 GiB            –  xfs      128 KiB  /logs
     vdd            d-raw                5 GiB          –            –           128 KiB  pod uid-2
     vde                                 5 GiB          –            –           128 KiB  nothing

     vdc1: size of the file system not known: the device did not answer within 2 s
    ");
}

#[test]
fn a_node_without_findings_says_so() {
    let mut out = Vec::new();
    let mut one = volumes(&node());
    one.keep_only("vde");
    volumes_text(&one, Style::plain(), &mut out).unwrap();
    insta::assert_snapshot!(String::from_utf8(out).unwrap(), @r"
    node7 · Linux 6.12.117

     volume   size  read-ahead  used by
     vde     5 GiB     128 KiB  nothing

    no layer is smaller than what it lies on
    ");
}
