//! What a disk was told, in order: the log of QEMU's `blklogwrites`, whose form
//! is that of the kernel's dm-log-writes.
//!
//! A disk may forget what was not flushed, all of it or any part. From the log
//! such a disk can be made, for any moment.

use std::{fs::File, io, os::unix::fs::FileExt, path::Path};

use anyhow::{Context, Result, ensure};

const MAGIC: u64 = 0x006a_7366_7773_6872;
const FLUSH: u64 = 1;
const DISCARD: u64 = 4;

/// One request to the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Request {
    /// Where its entry begins in the log, and where its data do; bytes.
    at: u64,
    data: u64,
    /// Place on the disk, bytes.
    place: u64,
    len: u64,
    is_flush: bool,
}

/// A log, from its beginning to its last whole entry.
#[derive(Debug)]
pub struct WriteLog {
    file: File,
    requests: Vec<Request>,
}

impl WriteLog {
    /// Reads the entries, not their data.
    pub fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
        let length = file.metadata()?.len();
        let mut head = [0; 28];
        file.read_exact_at(&mut head, 0)?;
        ensure!(
            number(&head, 0) == MAGIC,
            "{} is no log of writes",
            path.display()
        );
        let sector = number(&head, 20) >> 32;
        let mut requests = Vec::new();
        let mut at = sector;
        while at + sector <= length {
            let mut entry = [0; 32];
            file.read_exact_at(&mut entry, at)?;
            let [place, sectors, flags] = [0, 8, 16].map(|field| number(&entry, field));
            // An entry whose time had not come.
            if sectors == 0 && flags == 0 {
                break;
            }
            let len = if flags & DISCARD == 0 {
                sectors * sector
            } else {
                0
            };
            let data = at + sector;
            if data + len > length {
                break;
            }
            requests.push(Request {
                at,
                data,
                place: place * sector,
                len,
                is_flush: flags & FLUSH != 0,
            });
            at = data + len;
        }
        Ok(Self { file, requests })
    }

    /// The numbers of the flushes that were logged behind this length of the log.
    pub fn flushes_behind(&self, length: u64) -> Vec<usize> {
        let requests = self.requests.iter().enumerate();
        requests
            .filter(|(_, request)| request.is_flush && request.at >= length)
            .map(|(number, _)| number)
            .collect()
    }

    /// Makes the disk that has the requests for which `kept` holds.
    pub fn disk(&self, to: &Path, bytes: u64, kept: impl Fn(usize) -> bool) -> Result<()> {
        let disk = File::create(to)?;
        disk.set_len(bytes)?;
        for (number, request) in self.requests.iter().enumerate() {
            if kept(number) {
                self.copy(request, &disk)?;
            }
        }
        Ok(())
    }

    fn copy(&self, request: &Request, disk: &File) -> io::Result<()> {
        let mut chunk = vec![0; request.len.min(1 << 20) as usize];
        let mut done = 0;
        while done < request.len {
            let left = (request.len - done).min(chunk.len() as u64) as usize;
            self.file
                .read_exact_at(&mut chunk[..left], request.data + done)?;
            disk.write_all_at(&chunk[..left], request.place + done)?;
            done += left as u64;
        }
        Ok(())
    }
}

/// The little-endian number at this place.
fn number(bytes: &[u8], at: usize) -> u64 {
    let mut field = [0; 8];
    field.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(field)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(place: u64, data: &[u8], flags: u64) -> Vec<u8> {
        let sectors = data.len() as u64 / 512;
        let mut bytes: Vec<u8> = [place, sectors, flags, 0].map(u64::to_le_bytes).concat();
        bytes.resize(512, 0);
        bytes.extend_from_slice(data);
        bytes
    }

    #[test]
    fn a_disk_has_what_is_kept_and_nothing_of_what_was_torn() {
        let dir = tempfile::tempdir().unwrap();
        let (log, disk) = (dir.path().join("log"), dir.path().join("disk"));
        let mut bytes = [MAGIC, 1, 5].map(u64::to_le_bytes).concat();
        bytes.extend(512_u32.to_le_bytes());
        bytes.resize(512, 0);
        bytes.extend(entry(1, &[1; 1024], 0));
        let flushed = bytes.len() as u64;
        bytes.extend(entry(0, &[], FLUSH));
        bytes.extend(entry(0, &[2; 512], 0));
        let mut discard = entry(2, &[], DISCARD);
        discard[8] = 1;
        bytes.extend(discard);
        bytes.extend(entry(3, &[3; 512], 0));
        bytes.extend(&entry(0, &[9; 512], 0)[..700]);
        std::fs::write(&log, bytes).unwrap();
        let log = WriteLog::open(&log).unwrap();
        assert_eq!(log.requests.len(), 5);
        assert_eq!(log.flushes_behind(0), [1]);
        assert_eq!(log.flushes_behind(flushed), [1]);
        assert!(log.flushes_behind(flushed + 1).is_empty());
        let read = |kept: fn(usize) -> bool| -> Vec<u8> {
            log.disk(&disk, 2048, kept).unwrap();
            let bytes = std::fs::read(&disk).unwrap();
            bytes.chunks(512).map(|sector| sector[0]).collect()
        };
        assert_eq!(read(|number| number <= 1), [0, 1, 1, 0]);
        assert_eq!(read(|number| number != 2), [0, 1, 1, 3]);
    }
}
