//! Where a recording's bytes go.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use rustix::fs::FallocateFlags;
use rustix::io::Errno;

/// Takes bytes, and keeps them over a power cut when asked to.
pub trait Store: Write {
    /// Makes sure that what was written is kept, soon; errors of earlier
    /// requests come back here.
    fn sync(&mut self) -> io::Result<()>;

    /// Sets room aside, so that a write up to this length cannot fail for want
    /// of it. Stores that cannot do that say so by doing nothing.
    fn reserve(&mut self, length: u64) -> io::Result<()>;

    /// Cuts off everything beyond this length, and the room set aside.
    fn cut(&mut self, length: u64) -> io::Result<()>;

    /// Waits until everything is kept.
    fn close(&mut self) -> io::Result<()>;
}

/// In memory, for tests.
impl Store for Vec<u8> {
    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn reserve(&mut self, _length: u64) -> io::Result<()> {
        Ok(())
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.truncate(length as usize);
        Ok(())
    }

    fn close(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Room is set aside in steps of this many bytes.
const ROOM: u64 = 1 << 20;

/// A file that is synced by a thread of its own: the recorder never waits for
/// the disk that it is watching.
#[derive(Debug)]
pub struct FileStore {
    file: Arc<File>,
    room: Option<u64>,
    syncer: Option<Syncer>,
}

#[derive(Debug)]
struct Syncer {
    requests: SyncSender<()>,
    failed: Arc<Mutex<Option<io::Error>>>,
    thread: JoinHandle<()>,
}

impl FileStore {
    /// Creates the file, readable by its owner only. It must not exist; with
    /// `force`, a regular file of that name is replaced, nothing else.
    pub fn create(path: &Path, force: bool) -> io::Result<Self> {
        if force && path.symlink_metadata().is_ok_and(|file| file.is_file()) {
            std::fs::remove_file(path)?;
        }
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)?;
        let folder = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        // The file's name shall outlive a power cut too. Not every file system
        // can promise that.
        let _ = File::open(folder.unwrap_or(Path::new("."))).and_then(|folder| folder.sync_all());
        let file = Arc::new(file);
        Ok(Self {
            syncer: Some(Syncer::start(Arc::clone(&file))?),
            file,
            room: Some(0),
        })
    }
}

impl Write for FileStore {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.as_ref().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Store for FileStore {
    fn sync(&mut self) -> io::Result<()> {
        if self.file.metadata()?.nlink() == 0 {
            return Err(io::Error::new(
                io::ErrorKind::NotFound,
                "the file was removed while it was written",
            ));
        }
        match &self.syncer {
            Some(syncer) => syncer.request(),
            None => self.file.sync_data(),
        }
    }

    fn reserve(&mut self, length: u64) -> io::Result<()> {
        let Some(room) = self.room else { return Ok(()) };
        if length <= room {
            return Ok(());
        }
        let generous = length.next_multiple_of(ROOM);
        for wanted in [generous, length] {
            let flags = FallocateFlags::KEEP_SIZE;
            match rustix::fs::fallocate(self.file.as_ref(), flags, room, wanted - room) {
                Ok(()) => {
                    self.room = Some(wanted);
                    return Ok(());
                }
                Err(Errno::NOSPC | Errno::DQUOT) => {}
                Err(_) => {
                    // This file system cannot; a full disk shows at the write.
                    self.room = None;
                    return Ok(());
                }
            }
        }
        Err(Errno::NOSPC.into())
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        use std::io::{Seek, SeekFrom};
        self.file.set_len(length)?;
        self.file.as_ref().seek(SeekFrom::Start(length))?;
        self.room = self.room.map(|_| length);
        Ok(())
    }

    fn close(&mut self) -> io::Result<()> {
        if let Some(syncer) = self.syncer.take() {
            syncer.stop()?;
        }
        self.file.sync_data()
    }
}

impl Syncer {
    fn start(file: Arc<File>) -> io::Result<Self> {
        // One request may wait behind the one at work; it covers all that was
        // written until it begins, so further ones are not needed.
        let (requests, queue) = sync_channel::<()>(1);
        let failed = Arc::new(Mutex::new(None));
        let report = Arc::clone(&failed);
        let thread = std::thread::Builder::new()
            .name("sync".into())
            .stack_size(64 << 10)
            .spawn(move || {
                while queue.recv().is_ok() {
                    if let Err(error) = file.sync_data()
                        && let Ok(mut slot) = report.lock()
                    {
                        slot.get_or_insert(error);
                    }
                }
            })?;
        Ok(Self {
            requests,
            failed,
            thread,
        })
    }

    fn request(&self) -> io::Result<()> {
        let earlier = self.failed.lock().ok().and_then(|mut slot| slot.take());
        // Full: a request is waiting, and will do. Gone: the thread panicked,
        // which joining it tells.
        let _ = self.requests.try_send(());
        earlier.map_or(Ok(()), Err)
    }

    fn stop(self) -> io::Result<()> {
        drop(self.requests);
        self.thread
            .join()
            .map_err(|_| io::Error::other("the thread that syncs the file ended early"))?;
        let earlier = self.failed.lock().ok().and_then(|mut slot| slot.take());
        earlier.map_or(Ok(()), Err)
    }
}
