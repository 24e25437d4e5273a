//! Functions of `posix` on file descriptors.

use super::status::{stat_result, statvfs_result};
use crate::system::{blocking_or_raise, descriptor, int};
use taipan_runtime::host::{self, files};
use taipan_runtime::object::buffer::BufferRequest;
use taipan_runtime::object::{MethodDef, NativeFn::*, PyResult, Value, boolean, none};
use taipan_runtime::types::bytes::Bytes;
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
    f("close", "($module, fd)", "Close a descriptor.", |vm, a| {
        let fd = number(vm, a, 0)?;
        match vm.allow_threads(|| files::close(fd)) {
            Ok(_) | Err(libc::EINTR) => Ok(none()),
            Err(e) => Err(vm.os_error(e)),
        }
    }),
    f(
        "closerange",
        "($module, fd_low, fd_high, /)",
        "Close all descriptors of a range; errors do not count.",
        |vm, a| {
            let (low, high) = (number(vm, a, 0)?, number(vm, a, 1)?);
            vm.allow_threads(|| {
                (low.max(0)..high).for_each(|fd| {
                    let _ = files::close(fd);
                })
            });
            Ok(none())
        },
    ),
    f("read", "($module, fd, length, /)", "Read from a descriptor.", read),
    f("readinto", "($module, fd, buffer, /)", "Read from a descriptor into a buffer.", readinto),
    f("write", "($module, fd, data, /)", "Write to a descriptor; give the number of bytes written.", write),
    f("pread", "($module, fd, length, offset, /)", "Read at a position.", pread),
    f("pwrite", "($module, fd, buffer, offset, /)", "Write at a position.", pwrite),
    f("lseek", "($module, fd, position, whence, /)", "Set the position; give the new one.", |vm, a| {
        let (fd, whence) = (number(vm, a, 0)?, number(vm, a, 2)?);
        let at = vm.to_i64(&arg(a, 1))?;
        vm.allow_threads(|| files::lseek(fd, at, whence)).map(int).map_err(|e| vm.os_error(e))
    }),
    f("fstat", "($module, fd)", "Facts about an open file.", |vm, a| {
        let fd = number(vm, a, 0)?;
        let s = blocking_or_raise(vm, || files::fstat(fd))?;
        stat_result(vm, &s)
    }),
    f("fstatvfs", "($module, fd, /)", "Facts about the file system of an open file.", |vm, a| {
        let fd = number(vm, a, 0)?;
        let s = blocking_or_raise(vm, || files::fstatvfs(fd))?;
        statvfs_result(vm, &s)
    }),
    f("fchmod", "($module, fd, mode)", "Change the mode of an open file.", |vm, a| {
        let (fd, mode) = (number(vm, a, 0)?, number(vm, a, 1)? as u32);
        blocking_or_raise(vm, || files::fchmod(fd, mode)).map(|_| none())
    }),
    f("fchown", "($module, fd, uid, gid)", "Change the owner of an open file.", |vm, a| {
        let fd = number(vm, a, 0)?;
        let (uid, gid) = (super::files::id(vm, &arg(a, 1))?, super::files::id(vm, &arg(a, 2))?);
        blocking_or_raise(vm, || files::fchown(fd, uid, gid)).map(|_| none())
    }),
    f("ftruncate", "($module, fd, length, /)", "Cut an open file to a length.", |vm, a| {
        let fd = number(vm, a, 0)?;
        let length = vm.to_i64(&arg(a, 1))?;
        blocking_or_raise(vm, || files::ftruncate(fd, length)).map(|_| none())
    }),
    f("fsync", "($module, fd)", "Force an open file to disk.", |vm, a| {
        let fd = descriptor(vm, &arg(a, 0))?;
        blocking_or_raise(vm, || files::fsync(fd)).map(|_| none())
    }),
    f("fdatasync", "($module, fd)", "Force the data of an open file to disk.", |vm, a| {
        let fd = descriptor(vm, &arg(a, 0))?;
        blocking_or_raise(vm, || files::fdatasync(fd)).map(|_| none())
    }),
    f("dup", "($module, fd, /)", "A new descriptor of the same file; it is not inherited.", |vm, a| {
        let fd = number(vm, a, 0)?;
        files::fcntl(fd, libc::F_DUPFD_CLOEXEC, 0).map(int).map_err(|e| vm.os_error(e))
    }),
    f("dup2", "($module, fd, fd2, inheritable=True)", "Make fd2 a descriptor of the same file.", dup2),
    f("pipe", "($module, /)", "A pipe: reading and writing end.", |vm, _| pipe(vm, libc::O_CLOEXEC)),
    f("pipe2", "($module, flags, /)", "A pipe with flags.", |vm, a| {
        let flags = number(vm, a, 0)?;
        pipe(vm, flags)
    }),
    f("openpty", "($module, /)", "A pseudo-terminal: its two ends.", |vm, _| {
        let (a, b) = files::openpty().map_err(|e| vm.os_error(e))?;
        for fd in [a, b] {
            let _ = files::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC as i64);
        }
        Ok(Tuple::from_vec(vec![int(a), int(b)]).into())
    }),
    f("isatty", "($module, fd, /)", "Whether the descriptor is a terminal.", |vm, a| {
        let fd = number(vm, a, 0)?;
        Ok(boolean(host::is_terminal(fd)))
    }),
    f("ttyname", "($module, fd, /)", "Name of a terminal.", |vm, a| {
        let fd = number(vm, a, 0)?;
        let name = files::ttyname(fd).map_err(|e| vm.os_error(e))?;
        Ok(crate::system::path::decode(&name).into())
    }),
    f("get_inheritable", "($module, fd, /)", "Whether child programs inherit the descriptor.", |vm, a| {
        let fd = number(vm, a, 0)?;
        let flags = files::fcntl(fd, libc::F_GETFD, 0).map_err(|e| vm.os_error(e))?;
        Ok(boolean(flags & libc::FD_CLOEXEC == 0))
    }),
    f("set_inheritable", "($module, fd, inheritable, /)", "Set whether child programs inherit it.", |vm, a| {
        let fd = number(vm, a, 0)?;
        let on = number(vm, a, 1)? != 0;
        set_inheritable(fd, on).map_err(|e| vm.os_error(e))?;
        Ok(none())
    }),
    f("get_blocking", "($module, fd, /)", "Whether operations wait.", |vm, a| {
        let fd = number(vm, a, 0)?;
        let flags = files::fcntl(fd, libc::F_GETFL, 0).map_err(|e| vm.os_error(e))?;
        Ok(boolean(flags & libc::O_NONBLOCK == 0))
    }),
    f("set_blocking", "($module, fd, blocking, /)", "Set whether operations wait.", |vm, a| {
        let fd = number(vm, a, 0)?;
        let on = vm.truth(&arg(a, 1))?;
        let flags = files::fcntl(fd, libc::F_GETFL, 0).map_err(|e| vm.os_error(e))?;
        let flags = if on { flags & !libc::O_NONBLOCK } else { flags | libc::O_NONBLOCK };
        files::fcntl(fd, libc::F_SETFL, flags as i64).map_err(|e| vm.os_error(e))?;
        Ok(none())
    }),
    f("lockf", "($module, fd, command, length, /)", "Lock a part of an open file.", |vm, a| {
        let (fd, command) = (number(vm, a, 0)?, number(vm, a, 1)?);
        let length = vm.to_i64(&arg(a, 2))?;
        blocking_or_raise(vm, || files::lockf(fd, command, length)).map(|_| none())
    }),
    f("sendfile", "($module, out_fd, in_fd, offset, count)", "Copy bytes from one descriptor to another.", |vm, a| {
        let (to, from) = (number(vm, a, 0)?, number(vm, a, 1)?);
        let offset = offset(vm, &a[2])?;
        let count = vm.to_usize(&arg(a, 3))?;
        blocking_or_raise(vm, || files::sendfile(to, from, offset, count)).map(Value::from_usize)
    }),
    f(
        "copy_file_range",
        "($module, src, dst, count, offset_src=None, offset_dst=None)",
        "Copy bytes between files within the system.",
        |vm, a| {
            let (from, to) = (number(vm, a, 0)?, number(vm, a, 1)?);
            let count = vm.to_usize(&arg(a, 2))?;
            let (x, y) = (offset(vm, &a[3])?, offset(vm, &a[4])?);
            blocking_or_raise(vm, || files::copy_file_range(from, to, count, x, y)).map(Value::from_usize)
        },
    ),
    f("posix_fadvise", "($module, fd, offset, length, advice, /)", "Announce how a file will be read.", |vm, a| {
        let (fd, advice) = (number(vm, a, 0)?, number(vm, a, 3)?);
        let (offset, length) = (vm.to_i64(&arg(a, 1))?, vm.to_i64(&arg(a, 2))?);
        result_is_error(vm, files::posix_fadvise(fd, offset, length, advice))
    }),
    f("posix_fallocate", "($module, fd, offset, length, /)", "Make sure that there is room on disk.", |vm, a| {
        let fd = number(vm, a, 0)?;
        let (offset, length) = (vm.to_i64(&arg(a, 1))?, vm.to_i64(&arg(a, 2))?);
        result_is_error(vm, files::posix_fallocate(fd, offset, length))
    }),
    f("eventfd", "($module, initval, flags=524288)", "A descriptor that counts events.", |vm, a| {
        let value = number(vm, a, 0)? as u32;
        let flags = if a[1].is_some() { number(vm, a, 1)? } else { libc::EFD_CLOEXEC };
        host::process::eventfd(value, flags).map(int).map_err(|e| vm.os_error(e))
    }),
    f("memfd_create", "($module, name, flags=1)", "A file that lies in memory.", |vm, a| {
        let name = crate::system::path::c_string(vm, &arg(a, 0))?;
        let flags = if a[1].is_some() { number(vm, a, 1)? as u32 } else { libc::MFD_CLOEXEC };
        host::process::memfd_create(&name, flags).map(int).map_err(|e| vm.os_error(e))
    }),
];

fn arg(a: A<'_>, i: usize) -> Value {
    a[i].clone().unwrap_or_else(none)
}

fn number(vm: &mut Vm, a: A<'_>, i: usize) -> PyResult<i32> {
    vm.to_i32(&arg(a, i))
}

fn offset(vm: &mut Vm, v: &Option<Value>) -> PyResult<Option<i64>> {
    match v {
        Some(v) if !v.is_none() => vm.to_i64(v).map(Some),
        _ => Ok(None),
    }
}

fn result_is_error(vm: &mut Vm, r: Result<i32, i32>) -> PyResult {
    match r {
        Ok(0) => Ok(none()),
        Ok(e) | Err(e) => Err(vm.os_error(e)),
    }
}

/// Sets whether child programs inherit a descriptor.
pub fn set_inheritable(fd: i32, on: bool) -> Result<(), i32> {
    let flags = files::fcntl(fd, libc::F_GETFD, 0)?;
    let wanted = if on { flags & !libc::FD_CLOEXEC } else { flags | libc::FD_CLOEXEC };
    if wanted != flags {
        files::fcntl(fd, libc::F_SETFD, wanted as i64)?;
    }
    Ok(())
}

fn length(vm: &mut Vm, a: A<'_>, i: usize) -> PyResult<usize> {
    let n = vm.to_isize(&arg(a, i))?;
    if n < 0 { Err(vm.os_error(libc::EINVAL)) } else { Ok(n as usize) }
}

fn read(vm: &mut Vm, a: A<'_>) -> PyResult {
    let fd = number(vm, a, 0)?;
    let mut buffer = vec![0u8; length(vm, a, 1)?.min(0x7fff_f000)];
    let n = blocking_or_raise(vm, || files::read(fd, &mut buffer))?;
    Ok(Bytes::from_slice(&buffer[..n]).into())
}

fn readinto(vm: &mut Vm, a: A<'_>) -> PyResult {
    let fd = number(vm, a, 0)?;
    let mut view = vm.buffer(&arg(a, 1), BufferRequest::WRITE)?;
    let mut buffer = vec![0u8; view.len.min(0x7fff_f000)];
    let n = blocking_or_raise(vm, || files::read(fd, &mut buffer))?;
    view.as_mut_slice(vm)[..n].copy_from_slice(&buffer[..n]);
    Ok(Value::from_usize(n))
}

fn write(vm: &mut Vm, a: A<'_>) -> PyResult {
    let fd = number(vm, a, 0)?;
    let data = vm.bytes_like(&arg(a, 1))?;
    let n = blocking_or_raise(vm, || files::write(fd, &data))?;
    if n < data.len() {
        // A signal may have cut it short; its handler runs before this call gives its result.
        vm.check_signals()?;
    }
    Ok(Value::from_usize(n))
}

fn pread(vm: &mut Vm, a: A<'_>) -> PyResult {
    let fd = number(vm, a, 0)?;
    let mut buffer = vec![0u8; length(vm, a, 1)?];
    let at = vm.to_i64(&arg(a, 2))?;
    let n = blocking_or_raise(vm, || files::pread(fd, &mut buffer, at))?;
    Ok(Bytes::from_slice(&buffer[..n]).into())
}

fn pwrite(vm: &mut Vm, a: A<'_>) -> PyResult {
    let fd = number(vm, a, 0)?;
    let data = vm.bytes_like(&arg(a, 1))?;
    let at = vm.to_i64(&arg(a, 2))?;
    blocking_or_raise(vm, || files::pwrite(fd, &data, at)).map(Value::from_usize)
}

fn dup2(vm: &mut Vm, a: A<'_>) -> PyResult {
    let (fd, to) = (number(vm, a, 0)?, number(vm, a, 1)?);
    let inheritable = match &a[2] {
        Some(v) => vm.truth(v)?,
        None => true,
    };
    let r = vm.allow_threads(|| {
        if inheritable || fd == to { files::dup2(fd, to) } else { files::dup3(fd, to, libc::O_CLOEXEC) }
    });
    r.map(int).map_err(|e| vm.os_error(e))
}

fn pipe(vm: &mut Vm, flags: i32) -> PyResult {
    let (r, w) = files::pipe(flags).map_err(|e| vm.os_error(e))?;
    Ok(Tuple::from_vec(vec![int(r), int(w)]).into())
}
