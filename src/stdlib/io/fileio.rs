//! `FileIO`: an unbuffered file (`Modules/_io/fileio.c`).

use super::base::{FLAGS, RAW_IO_BASE, base_close, report};
use super::{arg, bad_call, both, flag, no_pickle, optional, readable, repr_by_name, size_arg, unsupported, writable};
use crate::system::path::{encode, fspath};
use crate::system::{blocking, int};
use std::ffi::CString;
use taipan_runtime::builtins::sys::audit;
use taipan_runtime::host::{self, files};
use taipan_runtime::name;
use taipan_runtime::object::buffer::Buffer;
use taipan_runtime::object::{
    GetSetDef, MethodDef, NativeFn::*, Py, PyResult, Raised, Slots, TypeDef, Value, boolean, instance, none,
};
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::bytes::room::Room;
use taipan_runtime::types::exceptions as exc;
use taipan_runtime::types::str::Str;
use taipan_runtime::vm::Vm;
use taipan_runtime::vm::args::{Args, Signature};

/// Payload of `FileIO`.
pub struct FileIo {
    /// The descriptor; negative: closed.
    pub fd: i32,
    /// Whether it may be read.
    pub readable: bool,
    /// Whether it may be written.
    pub writable: bool,
    appending: bool,
    created: bool,
    seekable: Option<bool>,
    closefd: bool,
    finalizing: bool,
    /// The block size that the system likes, in bytes.
    block: usize,
    /// Its size when it was opened, in bytes.
    size: u64,
    /// Whether the file was no character device when it was opened, so that it is no terminal.
    no_device: bool,
}
taipan_runtime::payload!(FileIo, FILE_IO);

const BLANK: FileIo = FileIo {
    fd: -1,
    readable: false,
    writable: false,
    appending: false,
    created: false,
    seekable: None,
    closefd: true,
    finalizing: false,
    block: super::BUFFER_SIZE,
    size: 0,
    no_device: false,
};

/// Size from which it is worth to ask where in a file one is, in bytes.
const LARGE: usize = 65536;

/// What methods of closed files say.
const CLOSED: &str = "I/O operation on closed file";

/// `_io.FileIO`
pub static FILE_IO: TypeDef = TypeDef::new::<FileIo>("_io.FileIO")
    .doc("An unbuffered file.")
    .signature("(file, mode='r', closefd=True, opener=None)")
    .base(&RAW_IO_BASE)
    .flags(FLAGS)
    .cpython_size(48, 0)
    .slots(Slots {
        new: Some(|_, class, _| Ok(instance::new_of(class, BLANK).into())),
        init: Some(init),
        repr: Some(repr),
        ..Slots::NONE
    })
    .getset(&[
        GetSetDef::get("closed", "True if the file is closed", |vm, v| Ok(boolean(file(v).get(vm).fd < 0))),
        GetSetDef::get("closefd", "True if the file descriptor will be closed by close().", |vm, v| {
            Ok(boolean(file(v).get(vm).closefd))
        }),
        GetSetDef::get("mode", "String giving the file mode", |vm, v| {
            let m = mode(file(v).get(vm));
            Ok(vm.intern(m).into())
        }),
        GetSetDef::get("_blksize", "Stat st_blksize if available", |vm, v| {
            Ok(Value::from_usize(file(v).get(vm).block))
        }),
        GetSetDef::get_set(
            "_finalizing",
            "Whether the file is closed because nobody holds it.",
            |vm, v| Ok(boolean(file(v).get(vm).finalizing)),
            |vm, v, on| {
                let on = bool_member(vm, on)?;
                file(v).get_mut(vm).finalizing = on;
                Ok(())
            },
        ),
    ])
    .methods(&[
        MethodDef::method("read", "($self, size=-1, /)", "Read at most size bytes.", V(read)),
        MethodDef::method("readall", "($self, /)", "Read until the end.", F1(readall)),
        MethodDef::method("readinto", "($self, buffer, /)", "Read into a buffer.", F2(readinto)),
        MethodDef::method("write", "($self, b, /)", "Write; give the number of bytes written.", F2(write)),
        MethodDef::method("seek", "($self, pos, whence=0, /)", "Set the position; give the new one.", V(seek_method)),
        MethodDef::method(
            "tell",
            "($self, /)",
            "The position.",
            F1(|vm, v| {
                let me = open_file(vm, v)?;
                seek(vm, &me, 0, libc::SEEK_CUR).map(int)
            }),
        ),
        MethodDef::method("truncate", "($self, size=None, /)", "Cut the file off.", N(truncate)),
        MethodDef::method("close", "($self, /)", "Close the file.", F1(close)),
        MethodDef::method("seekable", "($self, /)", "Whether it has positions.", F1(seekable)),
        MethodDef::method(
            "readable",
            "($self, /)",
            "Whether it can be read.",
            F1(|vm, v| {
                let me = open_file(vm, v)?;
                Ok(boolean(me.get(vm).readable))
            }),
        ),
        MethodDef::method(
            "writable",
            "($self, /)",
            "Whether it can be written.",
            F1(|vm, v| {
                let me = open_file(vm, v)?;
                Ok(boolean(me.get(vm).writable))
            }),
        ),
        MethodDef::method(
            "fileno",
            "($self, /)",
            "The file descriptor.",
            F1(|vm, v| {
                let me = open_file(vm, v)?;
                Ok(int(me.get(vm).fd))
            }),
        ),
        MethodDef::method(
            "isatty",
            "($self, /)",
            "Whether it is a terminal.",
            F1(|vm, v| {
                let me = open_file(vm, v)?;
                let fd = me.get(vm).fd;
                Ok(boolean(vm.allow_threads(|| host::is_terminal(fd))))
            }),
        ),
        MethodDef::method(
            "_isatty_open_only",
            "($self, /)",
            "Whether it is a terminal, right after opening.",
            F1(|vm, v| {
                let me = open_file(vm, v)?;
                Ok(boolean(is_terminal_at_open(vm, &me)))
            }),
        ),
        MethodDef::method(
            "_dealloc_warn",
            "($self, source, /)",
            "Warn of a file left open.",
            F2(|vm, v, source| {
                dealloc_warn(vm, v, source);
                Ok(none())
            }),
        ),
        MethodDef::method("__getstate__", "($self, /)", "Files cannot be pickled.", F1(no_pickle)),
    ]);

/// The new value of a member that is a C `bool`.
pub fn bool_member(vm: &mut Vm, v: Option<&Value>) -> PyResult<bool> {
    match v {
        Some(v) if v.is_exact_bool() => vm.truth(v),
        Some(_) => Err(vm.type_error("attribute value type must be bool")),
        None => Err(vm.type_error("can't delete numeric/char attribute")),
    }
}

fn file(v: &Value) -> &Py<FileIo> {
    v.downcast::<FileIo>().expect("a method of FileIO is called on one")
}

fn open_file(vm: &mut Vm, v: &Value) -> PyResult<Py<FileIo>> {
    let f = file(v);
    if f.get(vm).fd < 0 {
        return Err(vm.value_error(CLOSED));
    }
    Ok(f.clone())
}

fn mode(f: &FileIo) -> &'static str {
    match (f.created, f.appending, f.readable, f.writable) {
        (true, _, true, _) => "xb+",
        (true, ..) => "xb",
        (_, true, true, _) => "ab+",
        (_, true, ..) => "ab",
        (_, _, true, true) => "rb+",
        (_, _, true, false) => "rb",
        _ => "wb",
    }
}

fn repr(vm: &mut Vm, v: &Value) -> PyResult {
    let f = file(v).get(vm);
    if f.fd < 0 {
        let class = v.class().payload.name();
        return Ok(vm.new_str(&format!("<{class} [closed]>")));
    }
    let more = format!(" mode='{}' closefd={}", mode(f), if f.closefd { "True" } else { "False" });
    let nameless = format!(" fd={}", f.fd);
    repr_by_name(vm, v, &nameless, &more)
}

// ---- opening --------------------------------------------------------------------------------------------------------

/// Reads the letters of a mode; gives the flags of `open(2)`.
fn parse_mode(vm: &mut Vm, f: &mut FileIo, text: &str) -> PyResult<i32> {
    let (mut kinds, mut pluses, mut flags) = (0, 0, 0);
    for c in text.chars() {
        match c {
            'x' => {
                (f.created, f.writable) = (true, true);
                flags |= libc::O_EXCL | libc::O_CREAT;
            }
            'r' => f.readable = true,
            'w' => {
                f.writable = true;
                flags |= libc::O_CREAT | libc::O_TRUNC;
            }
            'a' => {
                (f.appending, f.writable) = (true, true);
                flags |= libc::O_APPEND | libc::O_CREAT;
            }
            'b' => continue,
            '+' => {
                pluses += 1;
                continue;
            }
            _ => return Err(vm.value_error(format!("invalid mode: {text}"))),
        }
        kinds += 1;
    }
    if kinds != 1 || pluses > 1 {
        return Err(vm.value_error("Must have exactly one of create/read/write/append mode and at most one plus"));
    }
    if pluses == 1 {
        (f.readable, f.writable) = (true, true);
    }
    flags |= match (f.readable, f.writable) {
        (true, true) => libc::O_RDWR,
        (true, false) => libc::O_RDONLY,
        _ => libc::O_WRONLY,
    };
    Ok(flags | libc::O_CLOEXEC)
}

fn init(vm: &mut Vm, v: &Value, args: &Args<'_>) -> PyResult<()> {
    static SIGNATURE: Signature = Signature::new("FileIO", "(file, mode='r', closefd=True, opener=None)");
    let a = args.bind(vm, &SIGNATURE)?;
    let text = match &a[1] {
        Some(m) => vm.expect_str(m, "FileIO() argument 'mode'")?.to_rust().into_owned(),
        None => "r".to_owned(),
    };
    if text.contains('\0') {
        return Err(vm.value_error("embedded null character"));
    }
    let closefd = flag(vm, a[2].as_ref(), true)?;
    let opener = a[3].clone().filter(|o| !o.is_none());
    setup(vm, v, &arg(&a, 0), &text, closefd, opener)
}

/// The descriptor that was given in place of a path, if any.
fn given_descriptor(vm: &mut Vm, given: &Value) -> PyResult<Option<i32>> {
    if given.is_exact_bool() {
        vm.warn(&exc::RUNTIME_WARNING, "bool is used as a file descriptor", 1)?;
    }
    if given.downcast::<Str>().is_some() || given.downcast::<Bytes>().is_some() {
        return Ok(None);
    }
    match vm.to_i32(given) {
        Ok(fd) if fd < 0 => Err(vm.value_error("negative file descriptor")),
        Ok(fd) => Ok(Some(fd)),
        Err(_) => {
            vm.clear_error();
            Ok(None)
        }
    }
}

/// A path for the system (`PyUnicode_FSConverter`).
fn path_bytes(vm: &mut Vm, given: &Value) -> PyResult<CString> {
    let path = fspath(vm, given)?;
    let bytes = match (path.downcast::<Str>(), path.downcast::<Bytes>()) {
        (Some(s), _) => encode(vm, s)?,
        (_, Some(b)) => b.as_slice().to_vec(),
        _ => unreachable!("fspath gives str or bytes"),
    };
    CString::new(bytes).map_err(|_| vm.value_error("embedded null byte"))
}

/// Opens the file of a `FileIO`.
fn setup(vm: &mut Vm, v: &Value, given: &Value, text: &str, closefd: bool, opener: Option<Value>) -> PyResult<()> {
    if file(v).get(vm).fd >= 0 {
        close_fd(vm, v)?;
    }
    let descriptor = given_descriptor(vm, given)?;
    let path = if descriptor.is_none() { Some(path_bytes(vm, given)?) } else { None };
    let mut f = FileIo { closefd, ..BLANK };
    let flags = parse_mode(vm, &mut f, text)?;
    if audit::listened() {
        let mode = vm.new_str(text);
        audit::audit(vm, "open", &[given.clone(), mode, int(flags)])?;
    }
    f.fd = match (descriptor, &path, opener) {
        (Some(fd), ..) => fd,
        _ if !closefd => return Err(vm.value_error("Cannot use closefd=False with file name")),
        (None, _, Some(opener)) => by_opener(vm, &opener, given, flags)?,
        (None, Some(path), None) => match blocking(vm, || files::open(libc::AT_FDCWD, path, flags, 0o666))? {
            Ok(fd) => fd,
            Err(e) => return Err(vm.os_error_path(e, given)),
        },
        (None, None, None) => unreachable!("neither a descriptor nor a path"),
    };
    let fd = f.fd;
    *file(v).get_mut(vm) = f;
    let r = finish(vm, v, given);
    if r.is_err() {
        if descriptor.is_some() {
            file(v).get_mut(vm).fd = -1;
        } else if file(v).get(vm).fd == fd {
            file(v).get_mut(vm).fd = -1;
            let _ = vm.allow_threads(|| files::close(fd));
        }
    }
    r
}

/// What is done with a descriptor after it was got: looked at, named, put at the end when it appends.
fn finish(vm: &mut Vm, v: &Value, given: &Value) -> PyResult<()> {
    let fd = file(v).get(vm).fd;
    match vm.allow_threads(|| files::fstat(fd)) {
        Ok(s) => {
            if s.st_mode & libc::S_IFMT == libc::S_IFDIR {
                return Err(vm.os_error_path(libc::EISDIR, given));
            }
            let f = file(v).get_mut(vm);
            if s.st_blksize > 1 {
                f.block = s.st_blksize as usize;
            }
            f.size = s.st_size.max(0) as u64;
            f.no_device = s.st_mode & libc::S_IFMT != libc::S_IFCHR;
        }
        Err(libc::EBADF) => return Err(vm.os_error(libc::EBADF)),
        Err(_) => {}
    }
    vm.set_attr(v, name!("name"), given)?;
    if file(v).get(vm).appending {
        match vm.allow_threads(|| files::lseek(fd, 0, libc::SEEK_END)) {
            Ok(_) | Err(libc::ESPIPE) => {}
            Err(e) => return Err(vm.os_error(e)),
        }
    }
    Ok(())
}

fn by_opener(vm: &mut Vm, opener: &Value, given: &Value, flags: i32) -> PyResult<i32> {
    let r = vm.call(opener, &[given.clone(), int(flags)])?;
    if taipan_runtime::types::int::Int::read(&r).is_none() {
        return Err(vm.type_error("expected integer from opener"));
    }
    let fd = vm.to_i32(&r)?;
    if fd < 0 {
        return Err(vm.value_error(format!("opener returned {fd}")));
    }
    if let Err(e) = crate::posix::set_inheritable(fd, false) {
        return Err(vm.os_error(e));
    }
    Ok(fd)
}

/// Makes an open `FileIO`.
pub fn open(vm: &mut Vm, given: &Value, mode: &str, closefd: bool, opener: Option<Value>) -> PyResult<Py<FileIo>> {
    let f = instance::new_of(&FILE_IO.class(), BLANK);
    setup(vm, f.as_value(), given, mode, closefd, opener)?;
    Ok(f)
}

/// The block size that the system likes, in bytes.
pub fn block_size(vm: &Vm, f: &Py<FileIo>) -> usize {
    f.get(vm).block
}

/// Whether the file is a terminal, by what is known from opening it if that decides.
pub fn is_terminal_at_open(vm: &mut Vm, f: &Py<FileIo>) -> bool {
    let (fd, no_device) = (f.get(vm).fd, f.get(vm).no_device);
    !no_device && vm.allow_threads(|| host::is_terminal(fd))
}

// ---- reading and writing --------------------------------------------------------------------------------------------

fn not_for(vm: &mut Vm, what: &str) -> Raised {
    unsupported(vm, &format!("File not open for {what}"))
}

/// The descriptor, to be read.
fn to_read(vm: &mut Vm, f: &Py<FileIo>) -> PyResult<i32> {
    let (fd, readable) = (f.get(vm).fd, f.get(vm).readable);
    match (fd >= 0, readable) {
        (true, true) => Ok(fd),
        (false, _) => Err(vm.value_error(CLOSED)),
        (true, false) => Err(not_for(vm, "reading")),
    }
}

/// The descriptor, to be written.
fn to_write(vm: &mut Vm, f: &Py<FileIo>) -> PyResult<i32> {
    let (fd, writable) = (f.get(vm).fd, f.get(vm).writable);
    match (fd >= 0, writable) {
        (true, true) => Ok(fd),
        (false, _) => Err(vm.value_error(CLOSED)),
        (true, false) => Err(not_for(vm, "writing")),
    }
}

/// The outcome of a transfer: nothing when the file would block.
fn transferred(vm: &mut Vm, r: Result<usize, i32>) -> PyResult<Option<usize>> {
    match r {
        Ok(n) => Ok(Some(n)),
        Err(libc::EAGAIN) => Ok(None),
        Err(e) => Err(vm.os_error(e)),
    }
}

/// Reads once into a slice: nothing when the file would block.
pub fn read_into(vm: &mut Vm, f: &Py<FileIo>, to: &mut [u8]) -> PyResult<Option<usize>> {
    let fd = to_read(vm, f)?;
    let r = blocking(vm, || files::read(fd, to))?;
    transferred(vm, r)
}

/// Reads once into exported memory from byte `skip` on: nothing when the file would block.
pub fn read_view(vm: &mut Vm, f: &Py<FileIo>, view: &Buffer, skip: usize) -> PyResult<Option<usize>> {
    let fd = to_read(vm, f)?;
    let r = blocking(vm, || files::read_view(fd, view, skip))?;
    transferred(vm, r)
}

/// Writes once: nothing when the file would block.
pub fn write_from(vm: &mut Vm, f: &Py<FileIo>, data: &[u8]) -> PyResult<Option<usize>> {
    let fd = to_write(vm, f)?;
    let r = blocking(vm, || files::write(fd, data))?;
    transferred(vm, r)
}

/// Sets the position.
pub fn seek(vm: &mut Vm, f: &Py<FileIo>, at: i64, whence: i32) -> PyResult<i64> {
    let fd = f.get(vm).fd;
    if fd < 0 {
        return Err(vm.value_error(CLOSED));
    }
    let r = vm.allow_threads(|| files::lseek(fd, at, whence));
    f.get_mut(vm).seekable.get_or_insert(r.is_ok());
    r.map_err(|e| vm.os_error(e))
}

/// Reads at most `most` bytes behind those in the room: nothing when the file would block.
pub fn read_more(vm: &mut Vm, f: &Py<FileIo>, room: &mut Room, most: usize) -> PyResult<Option<usize>> {
    let fd = to_read(vm, f)?;
    let r = blocking(vm, || room.read(fd, most))?;
    transferred(vm, r)
}

/// `before` and the bytes until the end; nothing when nothing could be read without blocking.
pub fn read_all(vm: &mut Vm, f: &Py<FileIo>, before: &[u8]) -> PyResult<Option<Py<Bytes>>> {
    let fd = f.get(vm).fd;
    if fd < 0 {
        return Err(vm.value_error(CLOSED));
    }
    // One byte more than is expected, so that the end is seen without growing. A large file is not read again from its
    // middle into room for all of it.
    let size = f.get(vm).size as usize;
    let at = if size > LARGE { vm.allow_threads(|| files::lseek(fd, 0, libc::SEEK_CUR)).unwrap_or(0) } else { 0 };
    let expected = size.saturating_sub(at as usize) + 1;
    let mut room = super::room(vm, before.len() + expected.max(8192))?;
    room.extend(before);
    loop {
        if room.free() == 0 && !room.grow((room.filled() / 2).clamp(8192, 1 << 28)) {
            return Err(vm.memory_error(""));
        }
        let r = blocking(vm, || room.read(fd, usize::MAX))?;
        match transferred(vm, r)? {
            None if room.filled() == before.len() => return Ok(None),
            None | Some(0) => return Ok(Some(room.finish())),
            Some(_) => {}
        }
    }
}

fn read(vm: &mut Vm, a: &Args<'_>) -> PyResult {
    let (me, size) = optional(vm, a, "read")?;
    let size = size_arg(vm, size)?;
    let me = open_file(vm, me)?;
    to_read(vm, &me)?;
    let Some(n) = size else { return readall(vm, me.as_value()) };
    let mut room = super::room(vm, n.min(0x7fff_f000))?;
    match read_more(vm, &me, &mut room, n)? {
        Some(_) => Ok(room.finish().into()),
        None => Ok(none()),
    }
}

fn readall(vm: &mut Vm, v: &Value) -> PyResult {
    let all = read_all(vm, &file(v).clone(), b"")?;
    Ok(all.map_or_else(none, Into::into))
}

fn readinto(vm: &mut Vm, v: &Value, buffer: &Value) -> PyResult {
    let view = writable(vm, buffer, "readinto")?;
    Ok(read_view(vm, file(v), &view, 0)?.map_or_else(none, Value::from_usize))
}

fn write(vm: &mut Vm, v: &Value, data: &Value) -> PyResult {
    let view = readable(vm, data)?;
    let fd = to_write(vm, file(v))?;
    let r = blocking(vm, || files::write_view(fd, &view))?;
    if r.is_ok_and(|n| n < view.len) {
        // A signal may have cut it short; its handler runs before this call gives its result.
        vm.check_signals()?;
    }
    Ok(transferred(vm, r)?.map_or_else(none, Value::from_usize))
}

fn seek_method(vm: &mut Vm, a: &Args<'_>) -> PyResult {
    let all = a.pos();
    if a.has_keywords() || !(2..=3).contains(&all.len()) {
        return Err(bad_call(vm, a, "seek", 1, 2));
    }
    let whence = all.get(2).map_or(Ok(0), |w| vm.to_i32(w))?;
    let me = open_file(vm, &all[0])?;
    let at = vm.to_i64(&all[1])?;
    seek(vm, &me, at, whence).map(int)
}

fn truncate(vm: &mut Vm, a: &[Option<Value>]) -> PyResult {
    let me = open_file(vm, &arg(a, 0))?;
    let fd = to_write(vm, &me)?;
    let size = match a[1].as_ref().filter(|s| !s.is_none()) {
        Some(s) => s.clone(),
        None => seek(vm, &me, 0, libc::SEEK_CUR).map(int)?,
    };
    let n = vm.to_i64(&size)?;
    match blocking(vm, || files::ftruncate(fd, n))? {
        Ok(_) => Ok(size),
        Err(e) => Err(vm.os_error(e)),
    }
}

fn seekable(vm: &mut Vm, v: &Value) -> PyResult {
    let me = open_file(vm, v)?;
    is_seekable(vm, &me).map(boolean)
}

/// Whether the file has positions.
pub fn is_seekable(vm: &mut Vm, me: &Py<FileIo>) -> PyResult<bool> {
    if let Some(s) = me.get(vm).seekable {
        return Ok(s);
    }
    let fd = me.get(vm).fd;
    let s = vm.allow_threads(|| files::lseek(fd, 0, libc::SEEK_CUR)).is_ok();
    me.get_mut(vm).seekable = Some(s);
    Ok(s)
}

// ---- closing --------------------------------------------------------------------------------------------------------

/// Warns of a file that nobody closed; `source` is the stream on top of it.
pub fn dealloc_warn(vm: &mut Vm, v: &Value, source: &Value) {
    if file(v).get(vm).fd < 0 || !file(v).get(vm).closefd {
        return;
    }
    let r = match vm.repr(source) {
        Ok(shown) => vm.warn_about(&exc::RESOURCE_WARNING, format!("unclosed file {}", shown.to_rust()), 1, source),
        Err(r) => Err(r),
    };
    if r.is_err() {
        if vm.error_is(&exc::WARNING) {
            report(vm, v);
        } else {
            vm.clear_error();
        }
    }
}

fn close_fd(vm: &mut Vm, v: &Value) -> PyResult<()> {
    let f = file(v).get_mut(vm);
    let (fd, closefd) = (std::mem::replace(&mut f.fd, -1), f.closefd);
    if fd < 0 || !closefd {
        return Ok(());
    }
    match vm.allow_threads(|| files::close(fd)) {
        Ok(_) | Err(libc::EINTR) => Ok(()),
        Err(e) => Err(vm.os_error(e)),
    }
}

/// `FileIO.close`
pub fn close(vm: &mut Vm, v: &Value) -> PyResult {
    let base = base_close(vm, v).map(|_| ());
    if !file(v).get(vm).closefd {
        file(v).get_mut(vm).fd = -1;
        return base.map(|()| none());
    }
    both(vm, base, |vm| {
        if file(v).get(vm).finalizing {
            dealloc_warn(vm, v, v);
        }
        close_fd(vm, v)
    })?;
    Ok(none())
}
