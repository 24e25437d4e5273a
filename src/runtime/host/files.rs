//! Files and directories: thin functions over the C library's calls, with error numbers as errors.

use super::{calls, check, check_size, errno, library};
use crate::object::buffer::Buffer;
use std::ffi::CStr;

pub use libc::{AT_EMPTY_PATH, AT_FDCWD, AT_REMOVEDIR, AT_SYMLINK_FOLLOW, AT_SYMLINK_NOFOLLOW};

calls! {
    /// `mkdirat(2)`
    fn mkdirat(dir: i32, path: &CStr, mode: u32);
    /// `unlinkat(2)`
    fn unlinkat(dir: i32, path: &CStr, flags: i32);
    /// `renameat(2)`
    fn renameat(dir: i32, from: &CStr, dir2: i32, to: &CStr);
    /// `symlinkat(2)`
    fn symlinkat(target: &CStr, dir: i32, path: &CStr);
    /// `linkat(2)`
    fn linkat(dir: i32, from: &CStr, dir2: i32, to: &CStr, flags: i32);
    /// `mkfifoat(3)`
    fn mkfifoat(dir: i32, path: &CStr, mode: u32);
    /// `mknodat(2)`
    fn mknodat(dir: i32, path: &CStr, mode: u32, device: u64);
    /// `fchmodat(2)`
    fn fchmodat(dir: i32, path: &CStr, mode: u32, flags: i32);
    /// `fchmod(2)`
    fn fchmod(fd: i32, mode: u32);
    /// `fchownat(2)`
    fn fchownat(dir: i32, path: &CStr, uid: u32, gid: u32, flags: i32);
    /// `fchown(2)`
    fn fchown(fd: i32, uid: u32, gid: u32);
    /// `faccessat(2)`
    fn faccessat(dir: i32, path: &CStr, mode: i32, flags: i32);
    /// `chdir(2)`
    fn chdir(path: &CStr);
    /// `fchdir(2)`
    fn fchdir(fd: i32);
    /// `chroot(2)`
    fn chroot(path: &CStr);
    /// `close(2)`
    fn close(fd: i32);
    /// `dup(2)`
    fn dup(fd: i32);
    /// `dup3(2)`
    fn dup3(fd: i32, to: i32, flags: i32);
    /// `dup2(2)`
    fn dup2(fd: i32, to: i32);
    /// `fsync(2)`
    fn fsync(fd: i32);
    /// `fdatasync(2)`
    fn fdatasync(fd: i32);
    /// `ftruncate(2)`
    fn ftruncate(fd: i32, length: i64);
    /// `truncate(2)`
    fn truncate(path: &CStr, length: i64);
    /// `posix_fadvise(2)`: the error number is its result.
    fn posix_fadvise(fd: i32, offset: i64, length: i64, advice: i32);
    /// `posix_fallocate(3)`: the error number is its result.
    fn posix_fallocate(fd: i32, offset: i64, length: i64);
    /// `lockf(3)`
    fn lockf(fd: i32, command: i32, length: i64);
    /// `flock(2)`
    fn flock(fd: i32, operation: i32);
}

/// `open(2)` relative to a directory; the descriptor is not inherited by other programs.
pub fn open(dir: i32, path: &CStr, flags: i32, mode: u32) -> Result<i32, i32> {
    // SAFETY: the path is a terminated string.
    let opened = check(unsafe { libc::openat(dir, path.as_ptr(), flags | libc::O_CLOEXEC, mode) });
    opened.or_else(|e| library::open(path, flags, e))
}

/// `faccessat(2)`, for the library's files, too.
pub fn access(dir: i32, path: &CStr, mode: i32, flags: i32) -> Result<(), i32> {
    faccessat(dir, path, mode, flags).map(drop).or_else(|e| library::access(path, mode, e))
}

/// `fcntl(2)` with a number.
pub fn fcntl(fd: i32, command: i32, argument: i64) -> Result<i32, i32> {
    // SAFETY: the callers pass commands that take numbers.
    check(unsafe { libc::fcntl(fd, command, argument) })
}

/// `fcntl(2)` with a block of memory.
pub fn fcntl_block(fd: i32, command: i32, block: &mut [u8]) -> Result<i32, i32> {
    // SAFETY: the block is large enough for the structures of the commands (1024 bytes).
    check(unsafe { libc::fcntl(fd, command, block.as_mut_ptr()) })
}

/// `ioctl(2)` with a number.
pub fn ioctl(fd: i32, request: u64, argument: i64) -> Result<i32, i32> {
    // SAFETY: the request takes a number, as the program says.
    check(unsafe { libc::ioctl(fd, request as _, argument) })
}

/// `ioctl(2)` with a block of memory.
pub fn ioctl_block(fd: i32, request: u64, block: &mut [u8]) -> Result<i32, i32> {
    // SAFETY: the block is as large as the program says the request needs.
    check(unsafe { libc::ioctl(fd, request as _, block.as_mut_ptr()) })
}

/// `read(2)`
pub fn read(fd: i32, buffer: &mut [u8]) -> Result<usize, i32> {
    // SAFETY: pointer and length describe the slice.
    check_size(unsafe { libc::read(fd, buffer.as_mut_ptr().cast(), buffer.len().min(i32::MAX as usize)) })
}

/// `write(2)`
pub fn write(fd: i32, data: &[u8]) -> Result<usize, i32> {
    // SAFETY: pointer and length describe the slice.
    check_size(unsafe { libc::write(fd, data.as_ptr().cast(), data.len().min(0x7fff_f000)) })
}

/// `read(2)` into memory of our own.
///
/// # Safety
/// `to` is valid for `len` bytes.
pub(crate) unsafe fn read_raw(fd: i32, to: *mut u8, len: usize) -> Result<usize, i32> {
    // SAFETY: by the caller's promise.
    check_size(unsafe { libc::read(fd, to.cast(), len.min(0x7fff_f000)) })
}

/// `read(2)` into exported memory from byte `skip` on. The view keeps the memory where it is; that other threads may
/// touch it meanwhile is the program's own affair, as in CPython.
pub fn read_view(fd: i32, view: &Buffer, skip: usize) -> Result<usize, i32> {
    assert!(!view.readonly && skip <= view.len && view.is_contiguous(), "inside writable memory");
    // SAFETY: pointer and length describe the rest of the exported memory.
    check_size(unsafe { libc::read(fd, view.ptr.add(skip).cast(), (view.len - skip).min(0x7fff_f000)) })
}

/// `write(2)` of exported memory.
pub fn write_view(fd: i32, view: &Buffer) -> Result<usize, i32> {
    assert!(view.is_contiguous(), "one block of memory");
    // SAFETY: pointer and length describe the exported memory.
    check_size(unsafe { libc::write(fd, view.ptr.cast(), view.len.min(0x7fff_f000)) })
}

/// `pread(2)`
pub fn pread(fd: i32, buffer: &mut [u8], offset: i64) -> Result<usize, i32> {
    // SAFETY: pointer and length describe the slice.
    check_size(unsafe { libc::pread(fd, buffer.as_mut_ptr().cast(), buffer.len(), offset) })
}

/// `pwrite(2)`
pub fn pwrite(fd: i32, data: &[u8], offset: i64) -> Result<usize, i32> {
    // SAFETY: pointer and length describe the slice.
    check_size(unsafe { libc::pwrite(fd, data.as_ptr().cast(), data.len(), offset) })
}

/// `lseek(2)`
pub fn lseek(fd: i32, offset: i64, whence: i32) -> Result<i64, i32> {
    // SAFETY: no preconditions.
    let n = unsafe { libc::lseek(fd, offset, whence) };
    if n < 0 { Err(errno()) } else { Ok(n) }
}

/// `sendfile(2)`; gives the bytes sent.
pub fn sendfile(to: i32, from: i32, offset: Option<i64>, count: usize) -> Result<usize, i32> {
    let mut at = offset.unwrap_or(0);
    let at = if offset.is_some() { &raw mut at } else { std::ptr::null_mut() };
    // SAFETY: the offset is null or valid.
    check_size(unsafe { libc::sendfile(to, from, at, count) })
}

/// `copy_file_range(2)`
pub fn copy_file_range(from: i32, to: i32, count: usize, at: Option<i64>, to_at: Option<i64>) -> Result<usize, i32> {
    let (mut a, mut b) = (at.unwrap_or(0), to_at.unwrap_or(0));
    let a = if at.is_some() { &raw mut a } else { std::ptr::null_mut() };
    let b = if to_at.is_some() { &raw mut b } else { std::ptr::null_mut() };
    // SAFETY: the offsets are null or valid.
    check_size(unsafe { libc::copy_file_range(from, a, to, b, count, 0) })
}

/// What `stat` tells of a file.
pub type Stat = libc::stat64;

/// `fstatat(2)`
pub fn stat(dir: i32, path: &CStr, flags: i32) -> Result<Stat, i32> {
    // SAFETY: the structure is plain numbers; the path is terminated.
    unsafe {
        let mut out: Stat = std::mem::zeroed();
        check(libc::fstatat64(dir, path.as_ptr(), &mut out, flags)).map(|_| out).or_else(|e| library::stat(path, e))
    }
}

/// `fstat(2)`
pub fn fstat(fd: i32) -> Result<Stat, i32> {
    // SAFETY: the structure is plain numbers.
    unsafe {
        let mut out: Stat = std::mem::zeroed();
        check(libc::fstat64(fd, &mut out)).map(|_| out)
    }
}

/// `statvfs(3)` of a path.
pub fn statvfs(path: &CStr) -> Result<libc::statvfs, i32> {
    // SAFETY: the structure is plain numbers; the path is terminated.
    unsafe {
        let mut out: libc::statvfs = std::mem::zeroed();
        check(libc::statvfs(path.as_ptr(), &mut out)).map(|_| out)
    }
}

/// `fstatvfs(3)`
pub fn fstatvfs(fd: i32) -> Result<libc::statvfs, i32> {
    // SAFETY: the structure is plain numbers.
    unsafe {
        let mut out: libc::statvfs = std::mem::zeroed();
        check(libc::fstatvfs(fd, &mut out)).map(|_| out)
    }
}

/// `readlinkat(2)`
pub fn readlink(dir: i32, path: &CStr) -> Result<Vec<u8>, i32> {
    let mut buffer = vec![0u8; 4097];
    // SAFETY: pointer and length describe the buffer.
    let n = check_size(unsafe { libc::readlinkat(dir, path.as_ptr(), buffer.as_mut_ptr().cast(), buffer.len()) })?;
    buffer.truncate(n);
    Ok(buffer)
}

/// `getcwd(3)`
pub fn getcwd() -> Result<Vec<u8>, i32> {
    let mut buffer = vec![0u8; 8192];
    // SAFETY: pointer and length describe the buffer.
    if unsafe { libc::getcwd(buffer.as_mut_ptr().cast(), buffer.len()) }.is_null() {
        return Err(errno());
    }
    let end = buffer.iter().position(|&b| b == 0).unwrap_or(0);
    buffer.truncate(end);
    Ok(buffer)
}

/// `utimensat(2)`: access and modification time as seconds and nanoseconds; none: now.
pub fn utime(dir: i32, path: &CStr, times: Option<[(i64, i64); 2]>, flags: i32) -> Result<(), i32> {
    let t = times.map(|t| t.map(|(tv_sec, tv_nsec)| libc::timespec { tv_sec, tv_nsec }));
    let p = t.as_ref().map_or(std::ptr::null(), |t| t.as_ptr());
    // SAFETY: null or two times.
    check(unsafe { libc::utimensat(dir, path.as_ptr(), p, flags) }).map(|_| ())
}

/// `futimens(3)`
pub fn futime(fd: i32, times: Option<[(i64, i64); 2]>) -> Result<(), i32> {
    let t = times.map(|t| t.map(|(tv_sec, tv_nsec)| libc::timespec { tv_sec, tv_nsec }));
    let p = t.as_ref().map_or(std::ptr::null(), |t| t.as_ptr());
    // SAFETY: null or two times.
    check(unsafe { libc::futimens(fd, p) }).map(|_| ())
}

/// `pipe2(2)`
pub fn pipe(flags: i32) -> Result<(i32, i32), i32> {
    let mut fds = [0; 2];
    // SAFETY: two descriptors fit.
    check(unsafe { libc::pipe2(fds.as_mut_ptr(), flags) })?;
    Ok((fds[0], fds[1]))
}

/// `openpty(3)`
pub fn openpty() -> Result<(i32, i32), i32> {
    let (mut a, mut b) = (0, 0);
    let null = std::ptr::null_mut();
    // SAFETY: both descriptors are written; the rest may be null.
    check(unsafe { libc::openpty(&mut a, &mut b, null, null.cast(), null.cast()) })?;
    Ok((a, b))
}

/// `ttyname_r(3)`
pub fn ttyname(fd: i32) -> Result<Vec<u8>, i32> {
    let mut buffer = vec![0u8; 256];
    // SAFETY: pointer and length describe the buffer.
    match unsafe { libc::ttyname_r(fd, buffer.as_mut_ptr().cast(), buffer.len()) } {
        0 => {
            let end = buffer.iter().position(|&b| b == 0).unwrap_or(0);
            buffer.truncate(end);
            Ok(buffer)
        }
        e => Err(e),
    }
}

/// Columns and rows of a terminal.
pub fn terminal_size(fd: i32) -> Result<(u16, u16), i32> {
    // SAFETY: the structure is plain numbers and written by the call.
    unsafe {
        let mut w: libc::winsize = std::mem::zeroed();
        check(libc::ioctl(fd, libc::TIOCGWINSZ, &mut w))?;
        Ok((w.ws_col, w.ws_row))
    }
}

/// One entry of a directory: name, kind (`DT_…`), inode.
pub type DirItem = (Vec<u8>, u8, u64);

/// The entries of a directory without `.` and `..`; of a descriptor, which stays open, or of a path.
pub fn read_dir(fd: Option<i32>, path: &CStr) -> Result<Vec<DirItem>, i32> {
    // SAFETY: the stream is checked and closed; entries are valid until the next read.
    unsafe {
        let dir = match fd {
            Some(fd) => {
                let own = check(libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, 0))?;
                let d = libc::fdopendir(own);
                if d.is_null() {
                    let e = errno();
                    libc::close(own);
                    return Err(e);
                }
                libc::rewinddir(d);
                d
            }
            None => libc::opendir(path.as_ptr()),
        };
        if dir.is_null() {
            return library::read_dir(path, errno());
        }
        let mut out = Vec::new();
        let result = loop {
            *libc::__errno_location() = 0;
            let entry = libc::readdir64(dir);
            if entry.is_null() {
                break errno();
            }
            let name = CStr::from_ptr((*entry).d_name.as_ptr()).to_bytes();
            if name != b"." && name != b".." {
                out.push((name.to_vec(), (*entry).d_type, (*entry).d_ino));
            }
        };
        libc::closedir(dir);
        if result != 0 { Err(result) } else { Ok(out) }
    }
}

/// `poll(2)`: descriptors with wanted events, and what happened; milliseconds, negative: no limit.
pub fn poll(fds: &mut [(i32, i16, i16)], timeout: i32) -> Result<usize, i32> {
    let mut all: Vec<libc::pollfd> =
        fds.iter().map(|&(fd, events, _)| libc::pollfd { fd, events, revents: 0 }).collect();
    // SAFETY: pointer and length describe the vector.
    let n = check(unsafe { libc::poll(all.as_mut_ptr(), all.len() as _, timeout) })?;
    for (to, from) in fds.iter_mut().zip(&all) {
        to.2 = from.revents;
    }
    Ok(n as usize)
}

/// A lock on a part of a file (`fcntl(2)`): kind, whether to wait, start and length, and from where they count.
pub fn lock_part(fd: i32, kind: i32, wait: bool, part: [i64; 2], whence: i32) -> Result<i32, i32> {
    // SAFETY: the structure lives during the call.
    unsafe {
        let mut l: libc::flock = std::mem::zeroed();
        (l.l_type, l.l_whence) = (kind as _, whence as _);
        [l.l_start, l.l_len] = part;
        check(libc::fcntl(fd, if wait { libc::F_SETLKW } else { libc::F_SETLK }, &raw mut l))
    }
}
