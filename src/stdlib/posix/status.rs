//! `stat_result` and `statvfs_result`.

use crate::system::{int, multiply};
use taipan_runtime::host::files::Stat;
use taipan_runtime::object::{PyResult, Value};
use taipan_runtime::types::float::Float;
use taipan_runtime::types::int::Int;
use taipan_runtime::types::structseq::StructSeq;
use taipan_runtime::vm::Vm;
use taipan_runtime::vm::ops::BinOp;

/// `os.stat_result`
pub static STAT_RESULT: StructSeq = StructSeq::new(
    "os.stat_result",
    "Result of stat, fstat and lstat: a tuple of ten integers, and more attributes.",
    &[
        ("st_mode", "protection bits"),
        ("st_ino", "inode"),
        ("st_dev", "device"),
        ("st_nlink", "number of hard links"),
        ("st_uid", "user ID of owner"),
        ("st_gid", "group ID of owner"),
        ("st_size", "total size, in bytes"),
        ("", "integer time of last access"),
        ("", "integer time of last modification"),
        ("", "integer time of last change"),
        ("st_atime", "time of last access"),
        ("st_mtime", "time of last modification"),
        ("st_ctime", "time of last change"),
        ("st_atime_ns", "time of last access in nanoseconds"),
        ("st_mtime_ns", "time of last modification in nanoseconds"),
        ("st_ctime_ns", "time of last change in nanoseconds"),
        ("st_blksize", "blocksize for filesystem I/O"),
        ("st_blocks", "number of blocks allocated"),
        ("st_rdev", "device type (if inode device)"),
    ],
    10,
)
.finish(|_, values| {
    for i in 0..3 {
        if values[10 + i].is_none() {
            values[10 + i] = values[7 + i].clone();
        }
    }
});

/// `os.statvfs_result`
pub static STATVFS_RESULT: StructSeq = StructSeq::new(
    "os.statvfs_result",
    "Result of statvfs and fstatvfs.",
    &[
        ("f_bsize", ""),
        ("f_frsize", ""),
        ("f_blocks", ""),
        ("f_bfree", ""),
        ("f_bavail", ""),
        ("f_files", ""),
        ("f_ffree", ""),
        ("f_favail", ""),
        ("f_flag", ""),
        ("f_namemax", ""),
        ("f_fsid", ""),
    ],
    10,
);

/// The result object of a `stat`.
pub fn stat_result(vm: &mut Vm, s: &Stat) -> PyResult {
    let mut values: Vec<Value> = vec![
        int(s.st_mode),
        Int::from_u64(s.st_ino),
        Int::from_u64(s.st_dev),
        Int::from_u64(s.st_nlink),
        int(s.st_uid),
        int(s.st_gid),
        int(s.st_size),
        int(s.st_atime),
        int(s.st_mtime),
        int(s.st_ctime),
    ];
    let times = [(s.st_atime, s.st_atime_nsec), (s.st_mtime, s.st_mtime_nsec), (s.st_ctime, s.st_ctime_nsec)];
    values.extend(times.map(|(sec, ns)| Float::new(sec as f64 + 1e-9 * ns as f64)));
    for (sec, ns) in times {
        let n = match sec.checked_mul(1_000_000_000).and_then(|n| n.checked_add(ns)) {
            Some(n) => int(n),
            None => {
                let n = multiply(vm, &int(sec), 1_000_000_000)?;
                vm.binary(BinOp::Add, &n, &int(ns))?
            }
        };
        values.push(n);
    }
    values.extend([int(s.st_blksize), int(s.st_blocks), Int::from_u64(s.st_rdev)]);
    STAT_RESULT.make(vm, values)
}

/// The result object of a `statvfs`.
pub fn statvfs_result(vm: &mut Vm, s: &libc::statvfs) -> PyResult {
    let all = [
        s.f_bsize,
        s.f_frsize,
        s.f_blocks,
        s.f_bfree,
        s.f_bavail,
        s.f_files,
        s.f_ffree,
        s.f_favail,
        s.f_flag,
        s.f_namemax,
        s.f_fsid,
    ];
    STATVFS_RESULT.make(vm, all.map(Int::from_u64).to_vec())
}
