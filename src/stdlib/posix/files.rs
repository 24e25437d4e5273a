//! Functions of `posix` on named files.

use super::status::{stat_result, statvfs_result};
use crate::system::path::{Also, PathArg, dir_fd};
use crate::system::{blocking, int};
use crate::time::calendar::split_seconds;
use taipan_runtime::builtins::sys::audit::{audit, listened};
use taipan_runtime::host::files;
use taipan_runtime::object::{MethodDef, NativeFn::*, PyResult, Value, boolean, none};
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::vm::Vm;

type A<'a> = &'a [Option<Value>];

const fn f(
    name: &'static str,
    signature: &'static str,
    doc: &'static str,
    function: fn(&mut Vm, A<'_>) -> PyResult,
) -> MethodDef {
    MethodDef::function(name, signature, doc, N(function))
}

/// The functions.
pub static TABLE: &[MethodDef] = &[
    f("open", "($module, path, flags, mode=511, *, dir_fd=None)", "Open a file; give its descriptor.", open),
    f("stat", "($module, path, *, dir_fd=None, follow_symlinks=True)", "Facts about a file.", stat),
    f("lstat", "($module, path, *, dir_fd=None)", "Facts about a file; symbolic links are not followed.", lstat),
    f("statvfs", "($module, path)", "Facts about a file system.", statvfs),
    f(
        "access",
        "($module, path, mode, *, dir_fd=None, effective_ids=False, follow_symlinks=True)",
        "Whether the user may use a file in a way.",
        access,
    ),
    f("unlink", "($module, path, *, dir_fd=None)", "Remove a file.", |vm, a| unlink(vm, a, "unlink")),
    f("remove", "($module, path, *, dir_fd=None)", "Remove a file.", |vm, a| unlink(vm, a, "remove")),
    f("rmdir", "($module, path, *, dir_fd=None)", "Remove an empty directory.", rmdir),
    f("mkdir", "($module, path, mode=511, *, dir_fd=None)", "Make a directory.", mkdir),
    f("mkfifo", "($module, path, mode=438, *, dir_fd=None)", "Make a named pipe.", mkfifo),
    f("mknod", "($module, path, mode=384, device=0, *, dir_fd=None)", "Make a file system node.", mknod),
    f("rename", "($module, src, dst, *, src_dir_fd=None, dst_dir_fd=None)", "Rename a file.", |vm, a| {
        rename(vm, a, "rename")
    }),
    f("replace", "($module, src, dst, *, src_dir_fd=None, dst_dir_fd=None)", "Rename a file over another.", |vm, a| {
        rename(vm, a, "replace")
    }),
    f("symlink", "($module, src, dst, target_is_directory=False, *, dir_fd=None)", "Make a symbolic link.", symlink),
    f(
        "link",
        "($module, src, dst, *, src_dir_fd=None, dst_dir_fd=None, follow_symlinks=True)",
        "Make a hard link.",
        link,
    ),
    f("readlink", "($module, path, *, dir_fd=None)", "What a symbolic link points to.", readlink),
    f("chmod", "($module, path, mode, *, dir_fd=None, follow_symlinks=True)", "Change the mode of a file.", chmod),
    f("chown", "($module, path, uid, gid, *, dir_fd=None, follow_symlinks=True)", "Change the owner of a file.", chown),
    f("lchown", "($module, path, uid, gid)", "Change the owner of a file; links are not followed.", lchown),
    f("truncate", "($module, path, length)", "Cut a file to a length.", truncate),
    f(
        "utime",
        "($module, path, times=None, *, ns=None, dir_fd=None, follow_symlinks=True)",
        "Set access and modification time of a file.",
        utime,
    ),
    f("chdir", "($module, path)", "Change the present directory.", chdir),
    f("fchdir", "($module, fd)", "Change the present directory to that of a descriptor.", fchdir),
    f("chroot", "($module, path)", "Change the root directory.", chroot),
];

fn arg(a: A<'_>, i: usize) -> Value {
    a[i].clone().unwrap_or_else(none)
}

/// A truth argument with its default.
fn flag(vm: &mut Vm, v: &Option<Value>, default: bool) -> PyResult<bool> {
    match v {
        Some(v) => vm.truth(v),
        None => Ok(default),
    }
}

/// A mode argument with its default.
fn mode(vm: &mut Vm, v: &Option<Value>, default: u32) -> PyResult<u32> {
    match v {
        Some(v) => Ok(vm.to_i32(v)? as u32),
        None => Ok(default),
    }
}

/// Tells audit hooks of an event about paths.
pub(super) fn tell(vm: &mut Vm, event: &str, args: &[Value]) -> PyResult<()> {
    if listened() { audit(vm, event, args) } else { Ok(()) }
}

/// The result of a call about one path, as `None`.
fn done(vm: &mut Vm, path: &PathArg, r: Result<i32, i32>) -> PyResult {
    match r {
        Ok(_) => Ok(none()),
        Err(e) => Err(path.error(vm, e)),
    }
}

fn open(vm: &mut Vm, a: A<'_>) -> PyResult {
    let path = PathArg::path(vm, &arg(a, 0), "open")?;
    let flags = vm.to_i32(&arg(a, 1))?;
    let mode = mode(vm, &a[2], 0o777)?;
    let dir = dir_fd(vm, a[3].as_ref())?;
    tell(vm, "open", &[path.given.clone(), none(), int(flags)])?;
    match blocking(vm, || files::open(dir, &path.c, flags, mode))? {
        Ok(fd) => Ok(int(fd)),
        Err(e) => Err(path.error(vm, e)),
    }
}

fn stat_of(vm: &mut Vm, a: A<'_>, function: &str, also: Also, follow: bool) -> PyResult {
    let path = PathArg::read(vm, &arg(a, 0), function, "path", also)?;
    let dir = dir_fd(vm, a[1].as_ref())?;
    let r = match path.fd {
        Some(_) if dir != libc::AT_FDCWD => {
            return Err(vm.value_error(format!("{function}: can't specify dir_fd without matching path")));
        }
        Some(_) if !follow => {
            return Err(vm.value_error(format!("{function}: cannot use fd and follow_symlinks together")));
        }
        Some(fd) => vm.allow_threads(|| files::fstat(fd)),
        None => {
            let flags = if follow { 0 } else { files::AT_SYMLINK_NOFOLLOW };
            vm.allow_threads(|| files::stat(dir, &path.c, flags))
        }
    };
    match r {
        Ok(s) => stat_result(vm, &s),
        Err(e) => Err(path.error(vm, e)),
    }
}

fn stat(vm: &mut Vm, a: A<'_>) -> PyResult {
    let follow = flag(vm, &a[2], true)?;
    stat_of(vm, a, "stat", Also::Descriptor, follow)
}

fn lstat(vm: &mut Vm, a: A<'_>) -> PyResult {
    stat_of(vm, a, "lstat", Also::PathOnly, false)
}

fn statvfs(vm: &mut Vm, a: A<'_>) -> PyResult {
    let path = PathArg::read(vm, &arg(a, 0), "statvfs", "path", Also::Descriptor)?;
    let r = match path.fd {
        Some(fd) => files::fstatvfs(fd),
        None => files::statvfs(&path.c),
    };
    match r {
        Ok(s) => statvfs_result(vm, &s),
        Err(e) => Err(path.error(vm, e)),
    }
}

fn access(vm: &mut Vm, a: A<'_>) -> PyResult {
    let path = PathArg::path(vm, &arg(a, 0), "access")?;
    let mode = vm.to_i32(&arg(a, 1))?;
    let dir = dir_fd(vm, a[2].as_ref())?;
    let mut flags = 0;
    if flag(vm, &a[3], false)? {
        flags |= libc::AT_EACCESS;
    }
    if !flag(vm, &a[4], true)? {
        flags |= files::AT_SYMLINK_NOFOLLOW;
    }
    Ok(boolean(vm.allow_threads(|| files::access(dir, &path.c, mode, flags)).is_ok()))
}

fn unlink(vm: &mut Vm, a: A<'_>, function: &str) -> PyResult {
    let path = PathArg::path(vm, &arg(a, 0), function)?;
    let dir = dir_fd(vm, a[1].as_ref())?;
    tell(vm, "os.remove", &[path.given.clone(), int(if dir == libc::AT_FDCWD { -1 } else { dir })])?;
    let r = vm.allow_threads(|| files::unlinkat(dir, &path.c, 0));
    done(vm, &path, r)
}

fn rmdir(vm: &mut Vm, a: A<'_>) -> PyResult {
    let path = PathArg::path(vm, &arg(a, 0), "rmdir")?;
    let dir = dir_fd(vm, a[1].as_ref())?;
    tell(vm, "os.rmdir", &[path.given.clone(), int(if dir == libc::AT_FDCWD { -1 } else { dir })])?;
    let r = vm.allow_threads(|| files::unlinkat(dir, &path.c, files::AT_REMOVEDIR));
    done(vm, &path, r)
}

fn mkdir(vm: &mut Vm, a: A<'_>) -> PyResult {
    let path = PathArg::path(vm, &arg(a, 0), "mkdir")?;
    let mode = mode(vm, &a[1], 0o777)?;
    let dir = dir_fd(vm, a[2].as_ref())?;
    tell(vm, "os.mkdir", &[path.given.clone(), int(mode), int(if dir == libc::AT_FDCWD { -1 } else { dir })])?;
    let r = vm.allow_threads(|| files::mkdirat(dir, &path.c, mode));
    done(vm, &path, r)
}

fn mkfifo(vm: &mut Vm, a: A<'_>) -> PyResult {
    let path = PathArg::path(vm, &arg(a, 0), "mkfifo")?;
    let mode = mode(vm, &a[1], 0o666)?;
    let dir = dir_fd(vm, a[2].as_ref())?;
    let r = blocking(vm, || files::mkfifoat(dir, &path.c, mode))?;
    done(vm, &path, r)
}

fn mknod(vm: &mut Vm, a: A<'_>) -> PyResult {
    let path = PathArg::path(vm, &arg(a, 0), "mknod")?;
    let mode = mode(vm, &a[1], 0o600)?;
    let device = match &a[2] {
        Some(d) => vm.to_i64(d)? as u64,
        None => 0,
    };
    let dir = dir_fd(vm, a[3].as_ref())?;
    let r = blocking(vm, || files::mknodat(dir, &path.c, mode, device))?;
    done(vm, &path, r)
}

fn two_paths(vm: &mut Vm, a: A<'_>, function: &str) -> PyResult<(PathArg, PathArg)> {
    let src = PathArg::read(vm, &arg(a, 0), function, "src", Also::PathOnly)?;
    let dst = PathArg::read(vm, &arg(a, 1), function, "dst", Also::PathOnly)?;
    Ok((src, dst))
}

fn done_two(vm: &mut Vm, src: &PathArg, dst: &PathArg, r: Result<i32, i32>) -> PyResult {
    match r {
        Ok(_) => Ok(none()),
        Err(e) => Err(vm.os_error_paths(e, &src.given, &dst.given)),
    }
}

fn rename(vm: &mut Vm, a: A<'_>, function: &str) -> PyResult {
    let (src, dst) = two_paths(vm, a, function)?;
    let from = dir_fd(vm, a[2].as_ref())?;
    let to = dir_fd(vm, a[3].as_ref())?;
    tell(vm, "os.rename", &[src.given.clone(), dst.given.clone(), int(-1), int(-1)])?;
    let r = vm.allow_threads(|| files::renameat(from, &src.c, to, &dst.c));
    done_two(vm, &src, &dst, r)
}

fn symlink(vm: &mut Vm, a: A<'_>) -> PyResult {
    let (src, dst) = two_paths(vm, a, "symlink")?;
    let dir = dir_fd(vm, a[3].as_ref())?;
    let r = vm.allow_threads(|| files::symlinkat(&src.c, dir, &dst.c));
    done_two(vm, &src, &dst, r)
}

fn link(vm: &mut Vm, a: A<'_>) -> PyResult {
    let (src, dst) = two_paths(vm, a, "link")?;
    let from = dir_fd(vm, a[2].as_ref())?;
    let to = dir_fd(vm, a[3].as_ref())?;
    let flags = if flag(vm, &a[4], true)? { files::AT_SYMLINK_FOLLOW } else { 0 };
    let r = vm.allow_threads(|| files::linkat(from, &src.c, to, &dst.c, flags));
    done_two(vm, &src, &dst, r)
}

fn readlink(vm: &mut Vm, a: A<'_>) -> PyResult {
    let path = PathArg::path(vm, &arg(a, 0), "readlink")?;
    let dir = dir_fd(vm, a[1].as_ref())?;
    match vm.allow_threads(|| files::readlink(dir, &path.c)) {
        Ok(b) => Ok(path.result(&b)),
        Err(e) => Err(path.error(vm, e)),
    }
}

fn chmod(vm: &mut Vm, a: A<'_>) -> PyResult {
    let path = PathArg::read(vm, &arg(a, 0), "chmod", "path", Also::Descriptor)?;
    let mode = vm.to_i32(&arg(a, 1))? as u32;
    let dir = dir_fd(vm, a[2].as_ref())?;
    let follow = flag(vm, &a[3], true)?;
    let r = match path.fd {
        Some(fd) => files::fchmod(fd, mode),
        None => {
            let flags = if follow { 0 } else { files::AT_SYMLINK_NOFOLLOW };
            vm.allow_threads(|| files::fchmodat(dir, &path.c, mode, flags))
        }
    };
    done(vm, &path, r)
}

/// A user or group number; -1 leaves it as it is.
pub fn id(vm: &mut Vm, v: &Value) -> PyResult<u32> {
    let n = vm.to_i64(v)?;
    if (-1..=u32::MAX as i64).contains(&n) {
        return Ok(n as u32);
    }
    let side = if n < 0 { "less than minimum" } else { "greater than maximum" };
    Err(vm.overflow_error(format!("uid is {side}")))
}

fn chown(vm: &mut Vm, a: A<'_>) -> PyResult {
    let path = PathArg::read(vm, &arg(a, 0), "chown", "path", Also::Descriptor)?;
    let (uid, gid) = (id(vm, &arg(a, 1))?, id(vm, &arg(a, 2))?);
    let dir = dir_fd(vm, a[3].as_ref())?;
    let follow = flag(vm, &a[4], true)?;
    let r = match path.fd {
        Some(fd) => files::fchown(fd, uid, gid),
        None => {
            let flags = if follow { 0 } else { files::AT_SYMLINK_NOFOLLOW };
            vm.allow_threads(|| files::fchownat(dir, &path.c, uid, gid, flags))
        }
    };
    done(vm, &path, r)
}

fn lchown(vm: &mut Vm, a: A<'_>) -> PyResult {
    let path = PathArg::path(vm, &arg(a, 0), "lchown")?;
    let (uid, gid) = (id(vm, &arg(a, 1))?, id(vm, &arg(a, 2))?);
    let r = files::fchownat(libc::AT_FDCWD, &path.c, uid, gid, files::AT_SYMLINK_NOFOLLOW);
    done(vm, &path, r)
}

fn truncate(vm: &mut Vm, a: A<'_>) -> PyResult {
    let path = PathArg::read(vm, &arg(a, 0), "truncate", "path", Also::Descriptor)?;
    let length = vm.to_i64(&arg(a, 1))?;
    let r = match path.fd {
        Some(fd) => blocking(vm, || files::ftruncate(fd, length))?,
        None => blocking(vm, || files::truncate(&path.c, length))?,
    };
    done(vm, &path, r)
}

fn utime_times(vm: &mut Vm, times: &Value, ns: &Option<Value>) -> PyResult<Option<[(i64, i64); 2]>> {
    if !times.is_none() {
        if ns.is_some() {
            return Err(vm.value_error("utime: you may specify either 'times' or 'ns' but not both"));
        }
        let Some(t) = times.downcast::<Tuple>().filter(|t| t.len() == 2) else {
            return Err(vm.type_error("utime: 'times' must be either a tuple of two ints or None"));
        };
        let items = t.items().to_vec();
        return Ok(Some([split_seconds(vm, &items[0])?, split_seconds(vm, &items[1])?]));
    }
    let Some(ns) = ns else { return Ok(None) };
    let Some(t) = ns.downcast::<Tuple>().filter(|t| t.len() == 2) else {
        return Err(vm.type_error("utime: 'ns' must be a tuple of two ints"));
    };
    let items = t.items().to_vec();
    let mut out = [(0, 0); 2];
    for (to, v) in out.iter_mut().zip(items) {
        let n = vm.to_i64(&v)?;
        *to = (n.div_euclid(1_000_000_000), n.rem_euclid(1_000_000_000));
    }
    Ok(Some(out))
}

fn utime(vm: &mut Vm, a: A<'_>) -> PyResult {
    let path = PathArg::read(vm, &arg(a, 0), "utime", "path", Also::Descriptor)?;
    let times = utime_times(vm, &arg(a, 1), &a[2])?;
    let dir = dir_fd(vm, a[3].as_ref())?;
    let follow = flag(vm, &a[4], true)?;
    let r = match path.fd {
        Some(fd) => files::futime(fd, times),
        None => files::utime(dir, &path.c, times, if follow { 0 } else { files::AT_SYMLINK_NOFOLLOW }),
    };
    done(vm, &path, r.map(|_| 0))
}

fn chdir(vm: &mut Vm, a: A<'_>) -> PyResult {
    let path = PathArg::read(vm, &arg(a, 0), "chdir", "path", Also::Descriptor)?;
    tell(vm, "os.chdir", std::slice::from_ref(&path.given))?;
    let r = match path.fd {
        Some(fd) => files::fchdir(fd),
        None => files::chdir(&path.c),
    };
    done(vm, &path, r)
}

fn fchdir(vm: &mut Vm, a: A<'_>) -> PyResult {
    let fd = crate::system::descriptor(vm, &arg(a, 0))?;
    match files::fchdir(fd) {
        Ok(_) => Ok(none()),
        Err(e) => Err(vm.os_error(e)),
    }
}

fn chroot(vm: &mut Vm, a: A<'_>) -> PyResult {
    let path = PathArg::path(vm, &arg(a, 0), "chroot")?;
    let r = files::chroot(&path.c);
    done(vm, &path, r)
}
