//! `fcntl` (`Modules/fcntlmodule.c`): control of descriptors.

use crate::system::{blocking, blocking_or_raise, descriptor, int};
use taipan_runtime::builtins::sys::audit::audit;
use taipan_runtime::host::files;
use taipan_runtime::import::ModuleDef;
use taipan_runtime::object::buffer::BufferRequest;
use taipan_runtime::object::{MethodDef, NativeFn::*, PyResult, Value, none};
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::int::Int;
use taipan_runtime::types::str::Str;
use taipan_runtime::vm::Vm;

static NUMBERS: &[(&str, i64)] = &[
    ("DN_ACCESS", 1),
    ("DN_ATTRIB", 32),
    ("DN_CREATE", 4),
    ("DN_DELETE", 8),
    ("DN_MODIFY", 2),
    ("DN_MULTISHOT", 2147483648),
    ("DN_RENAME", 16),
    ("FASYNC", 8192),
    ("FD_CLOEXEC", 1),
    ("FICLONE", 1074041865),
    ("FICLONERANGE", 1075876877),
    ("F_ADD_SEALS", 1033),
    ("F_DUPFD", 0),
    ("F_DUPFD_CLOEXEC", 1030),
    ("F_DUPFD_QUERY", 1027),
    ("F_EXLCK", 4),
    ("F_GETFD", 1),
    ("F_GETFL", 3),
    ("F_GETLEASE", 1025),
    ("F_GETLK", 5),
    ("F_GETLK64", 5),
    ("F_GETOWN", 9),
    ("F_GETOWN_EX", 16),
    ("F_GETPIPE_SZ", 1032),
    ("F_GETSIG", 11),
    ("F_GET_FILE_RW_HINT", 1037),
    ("F_GET_RW_HINT", 1035),
    ("F_GET_SEALS", 1034),
    ("F_NOTIFY", 1026),
    ("F_OFD_GETLK", 36),
    ("F_OFD_SETLK", 37),
    ("F_OFD_SETLKW", 38),
    ("F_OWNER_PGRP", 2),
    ("F_OWNER_PID", 1),
    ("F_OWNER_TID", 0),
    ("F_RDLCK", 0),
    ("F_SEAL_FUTURE_WRITE", 16),
    ("F_SEAL_GROW", 4),
    ("F_SEAL_SEAL", 1),
    ("F_SEAL_SHRINK", 2),
    ("F_SEAL_WRITE", 8),
    ("F_SETFD", 2),
    ("F_SETFL", 4),
    ("F_SETLEASE", 1024),
    ("F_SETLK", 6),
    ("F_SETLK64", 6),
    ("F_SETLKW", 7),
    ("F_SETLKW64", 7),
    ("F_SETOWN", 8),
    ("F_SETOWN_EX", 15),
    ("F_SETPIPE_SZ", 1031),
    ("F_SETSIG", 10),
    ("F_SET_FILE_RW_HINT", 1038),
    ("F_SET_RW_HINT", 1036),
    ("F_SHLCK", 8),
    ("F_UNLCK", 2),
    ("F_WRLCK", 1),
    ("LOCK_EX", 2),
    ("LOCK_MAND", 32),
    ("LOCK_NB", 4),
    ("LOCK_READ", 64),
    ("LOCK_RW", 192),
    ("LOCK_SH", 1),
    ("LOCK_UN", 8),
    ("LOCK_WRITE", 128),
    ("RWH_WRITE_LIFE_EXTREME", 5),
    ("RWH_WRITE_LIFE_LONG", 4),
    ("RWH_WRITE_LIFE_MEDIUM", 3),
    ("RWH_WRITE_LIFE_NONE", 1),
    ("RWH_WRITE_LIFE_NOT_SET", 0),
    ("RWH_WRITE_LIFE_SHORT", 2),
];

/// The module.
pub static MODULE: ModuleDef = ModuleDef::new("fcntl")
    .doc("Control of files and devices by their descriptors.")
    .functions(&[
        MethodDef::function("fcntl", "($module, fd, cmd, arg=0, /)", "Do a command on a descriptor.", N(fcntl)),
        MethodDef::function(
            "ioctl",
            "($module, fd, request, arg=0, mutate_flag=True, /)",
            "Ask a device to do something.",
            N(ioctl),
        ),
        MethodDef::function(
            "flock",
            "($module, fd, operation, /)",
            "Lock or unlock a file.",
            F2(|vm, fd, operation| {
                let (fd, operation) = (descriptor(vm, fd)?, vm.to_i32(operation)?);
                audit(vm, "fcntl.flock", &[int(fd), int(operation)])?;
                blocking_or_raise(vm, || files::flock(fd, operation)).map(|_| none())
            }),
        ),
        MethodDef::function(
            "lockf",
            "($module, fd, cmd, len=0, start=0, whence=0, /)",
            "Lock or unlock a part of a file.",
            N(lockf),
        ),
    ])
    .init(|_, module| {
        crate::system::store_numbers(module, NUMBERS);
        Ok(())
    });

type A<'a> = &'a [Option<Value>];

fn arg(a: A<'_>, i: usize) -> Value {
    a[i].clone().unwrap_or_else(|| int(0))
}

/// Most bytes that a structure as argument may have.
const MOST: usize = 1024;

/// An argument: a number or the bytes of a structure.
enum Given {
    Number(i64),
    Bytes(Vec<u8>),
}

fn given(vm: &mut Vm, v: &Value, function: &str) -> PyResult<Given> {
    if Int::read(v).is_some() || v.class().payload.slots().index.is_some() {
        let v = vm.index(v)?;
        let n = Int::read(&v).and_then(|i| i.to_i64());
        return match n {
            Some(n) => Ok(Given::Number(n)),
            None => Err(vm.overflow_error("Python int too large to convert to C long")),
        };
    }
    let bytes = match v.downcast::<Str>() {
        Some(s) => match s.to_utf8() {
            Some(t) => t.as_bytes().to_vec(),
            None => return Err(vm.value_error("surrogates not allowed")),
        },
        None if v.class().payload.slots().buffer.is_none() => {
            let got = v.class().payload.name();
            return Err(vm.type_error(format!(
                "{function}() argument 3 must be an integer, a bytes-like object, or a string, not {got}"
            )));
        }
        None => vm.bytes_like(v)?,
    };
    Ok(Given::Bytes(bytes))
}

fn fcntl(vm: &mut Vm, a: A<'_>) -> PyResult {
    let (fd, command) = (descriptor(vm, &arg(a, 0))?, vm.to_i32(&arg(a, 1))?);
    audit(vm, "fcntl.fcntl", &[int(fd), int(command), arg(a, 2)])?;
    match given(vm, &arg(a, 2), "fcntl")? {
        Given::Number(n) => blocking_or_raise(vm, || files::fcntl(fd, command, n as i32 as i64)).map(int),
        Given::Bytes(data) => {
            if data.len() > MOST {
                return Err(vm.value_error("fcntl argument 3 is too long"));
            }
            let mut block = data.clone();
            block.resize(MOST + 8, 0);
            blocking_or_raise(vm, || files::fcntl_block(fd, command, &mut block))?;
            Ok(Bytes::from_slice(&block[..data.len()]).into())
        }
    }
}

fn ioctl(vm: &mut Vm, a: A<'_>) -> PyResult {
    let fd = descriptor(vm, &arg(a, 0))?;
    let request = vm.index(&arg(a, 1))?;
    let request = match Int::read(&request).and_then(|i| i.to_i64()) {
        Some(n) => n as u64,
        None => return Err(vm.overflow_error("Python int too large to convert to C unsigned long")),
    };
    let target = arg(a, 2);
    audit(vm, "fcntl.ioctl", &[int(fd), int(request as i64), target.clone()])?;
    let data = match given(vm, &target, "ioctl")? {
        Given::Number(n) => return blocking_or_raise(vm, || files::ioctl(fd, request, n)).map(int),
        Given::Bytes(data) => data,
    };
    let mutate = match &a[3] {
        Some(v) => vm.truth(v)?,
        None => true,
    };
    let view = match mutate && target.downcast::<Str>().is_none() {
        true => match vm.buffer(&target, BufferRequest::WRITE) {
            Ok(view) => Some(view),
            Err(_) => {
                vm.clear_error();
                None
            }
        },
        false => None,
    };
    if view.is_none() && data.len() > MOST {
        return Err(vm.value_error("ioctl argument 3 is too long"));
    }
    let mut block = data.clone();
    block.resize(data.len().max(MOST) + 8, 0);
    let n = blocking(vm, || files::ioctl_block(fd, request, &mut block))?.map_err(|e| vm.os_error(e))?;
    match view {
        Some(mut view) => {
            let to = view.as_mut_slice(vm);
            let len = to.len().min(data.len());
            to[..len].copy_from_slice(&block[..len]);
            Ok(int(n))
        }
        None => Ok(Bytes::from_slice(&block[..data.len()]).into()),
    }
}

fn lockf(vm: &mut Vm, a: A<'_>) -> PyResult {
    let (fd, command) = (descriptor(vm, &arg(a, 0))?, vm.to_i32(&arg(a, 1))?);
    let (len, start) = (vm.to_i64(&arg(a, 2))?, vm.to_i64(&arg(a, 3))?);
    let whence = vm.to_i32(&arg(a, 4))?;
    audit(vm, "fcntl.lockf", &[int(fd), int(command), int(len), int(start), int(whence)])?;
    let kind = if command & libc::LOCK_UN != 0 {
        libc::F_UNLCK
    } else if command & libc::LOCK_SH != 0 {
        libc::F_RDLCK
    } else if command & libc::LOCK_EX != 0 {
        libc::F_WRLCK
    } else {
        return Err(vm.value_error("unrecognized lockf argument"));
    };
    let wait = command & libc::LOCK_NB == 0;
    blocking_or_raise(vm, || files::lock_part(fd, kind, wait, [start, len], whence)).map(|_| none())
}
