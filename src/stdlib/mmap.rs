//! `mmap` (`Modules/mmapmodule.c`): memory mapped from files, or shared between processes. Mapping is `host::memory`.

use crate::system::{int, store_numbers};
use memchr::memmem;
use taipan_runtime::host::{files, memory::Mapping};
use taipan_runtime::import::ModuleDef;
use taipan_runtime::object::buffer::{Buffer, BufferRequest};
use taipan_runtime::object::{
    GetSetDef, MethodDef, NativeFn::*, Py, PyResult, Raised, Slots, Type, TypeDef, TypeFlags, Value, boolean, instance,
    none,
};
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::exceptions::OS_ERROR;
use taipan_runtime::types::sequence::{is_index, ssize_arg};
use taipan_runtime::types::slice::Slice;
use taipan_runtime::vm::Vm;
use taipan_runtime::vm::args::{Args, Signature};

/// How the memory may be used, by numbers of the module.
const DEFAULT: i32 = 0;
const READ: i32 = 1;
const WRITE: i32 = 2;
const COPY: i32 = 3;

const READ_WRITE: i32 = libc::PROT_READ | libc::PROT_WRITE;

/// The module.
pub static MODULE: ModuleDef = ModuleDef::new("mmap").types(&[&MMAP]).init(|_, dict| {
    dict.store_text("error", OS_ERROR.value());
    store_numbers(dict, NUMBERS);
    Ok(())
});

macro_rules! numbers {
    ($($name:ident)*) => { &[
        ("ACCESS_DEFAULT", DEFAULT as i64),
        ("ACCESS_READ", READ as i64),
        ("ACCESS_WRITE", WRITE as i64),
        ("ACCESS_COPY", COPY as i64),
        ("PAGESIZE", 4096),
        ("ALLOCATIONGRANULARITY", 4096),
        $((stringify!($name), libc::$name as i64)),*
    ] };
}
static NUMBERS: &[(&str, i64)] = numbers! {
    PROT_EXEC PROT_READ PROT_WRITE
    MAP_SHARED MAP_PRIVATE MAP_DENYWRITE MAP_EXECUTABLE MAP_ANON MAP_ANONYMOUS MAP_POPULATE MAP_STACK MAP_NORESERVE
    MAP_32BIT
    MADV_NORMAL MADV_RANDOM MADV_SEQUENTIAL MADV_WILLNEED MADV_DONTNEED MADV_REMOVE MADV_DONTFORK MADV_DOFORK
    MADV_HWPOISON MADV_MERGEABLE MADV_UNMERGEABLE MADV_HUGEPAGE MADV_NOHUGEPAGE MADV_DONTDUMP MADV_DODUMP MADV_FREE
};

/// Payload of `mmap.mmap`.
pub struct Mmap {
    /// Absent when closed.
    mapping: Option<Mapping>,
    /// Where `read` and `write` go on.
    pos: usize,
    /// A descriptor of our own for the file, or -1.
    fd: i32,
    track: bool,
    flags: i32,
    offset: i64,
    access: i32,
    /// Views that are out; they forbid closing and resizing.
    exports: usize,
}
taipan_runtime::payload!(Mmap, MMAP);

impl Drop for Mmap {
    fn drop(&mut self) {
        if self.fd >= 0 {
            let _ = files::close(self.fd);
        }
    }
}

/// `mmap.mmap`
pub static MMAP: TypeDef = TypeDef::new::<Mmap>("mmap.mmap")
    .doc(
        "mmap(fileno, length[, flags[, prot[, access[, offset[, trackfd]]]]])\n\nMaps length bytes of the file with the \
         descriptor fileno (or all of it, if length is 0),\nor anonymous memory if fileno is -1.",
    )
    .flags(TypeFlags::BASETYPE.union(TypeFlags::WEAKREFABLE))
    .cpython_size(88, 0)
    .slots(Slots {
        new: Some(new),
        repr: Some(repr),
        len: Some(|vm, me| Ok(memory(vm, me)?.len())),
        item: Some(|vm, me, i| {
            let bytes = memory(vm, me)?.bytes();
            match usize::try_from(i).ok().and_then(|i| bytes.get(i)) {
                Some(&b) => Ok(Bytes::from_slice(&[b]).into()),
                None => Err(vm.index_error("mmap index out of range")),
            }
        }),
        subscript: Some(subscript),
        set_subscript: Some(set_subscript),
        buffer: Some(export),
        ..Slots::NONE
    })
    .getset(&[GetSetDef::get("closed", "", |vm, me| Ok(boolean(this(me).get(vm).mapping.is_none())))])
    .methods(&[
        MethodDef::method("close", "($self, /)", "", F1(close)),
        MethodDef::method("find", FIND, "", N(|vm, args| find(vm, args, false))),
        MethodDef::method("rfind", FIND, "", N(|vm, args| find(vm, args, true))),
        MethodDef::method("flush", "($self, offset=0, size=None, /)", "", N(flush)),
        MethodDef::method("madvise", "($self, option, start=0, length=None, /)", "", N(advise)),
        MethodDef::method("move", "($self, dest, src, count, /)", "", F4(move_part)),
        MethodDef::method("read", "($self, n=None, /)", "", N(read)),
        MethodDef::method("read_byte", "($self, /)", "", F1(read_byte)),
        MethodDef::method("readline", "($self, /)", "", F1(read_line)),
        MethodDef::method("resize", "($self, newsize, /)", "", F2(resize)),
        MethodDef::method("seek", "($self, pos, whence=0, /)", "", N(seek)),
        MethodDef::method("seekable", "($self, /)", "", F1(|_, _| Ok(boolean(true)))),
        MethodDef::method("size", "($self, /)", "", F1(size)),
        MethodDef::method(
            "tell",
            "($self, /)",
            "",
            F1(|vm, me| {
                memory(vm, me)?;
                Ok(Value::from_usize(this(me).get(vm).pos))
            }),
        ),
        MethodDef::method("write", "($self, bytes, /)", "", F2(write)),
        MethodDef::method("write_byte", "($self, byte, /)", "", F2(write_byte)),
        MethodDef::method(
            "__enter__",
            "($self, /)",
            "",
            F1(|vm, me| {
                memory(vm, me)?;
                Ok(me.clone())
            }),
        ),
        MethodDef::method("__exit__", "($self, exc_type, exc_value, traceback, /)", "", F4(|vm, me, _, _, _| close(vm, me))),
    ]);

const FIND: &str = "($self, view, start=None, end=None, /)";

fn this(me: &Value) -> &Py<Mmap> {
    me.downcast::<Mmap>().expect("a method of mmap is called on one")
}

/// The mapping, unless it is closed.
fn memory<'a>(vm: &'a mut Vm, me: &'a Value) -> PyResult<&'a mut Mapping> {
    if this(me).get(vm).mapping.is_none() {
        return Err(vm.value_error("mmap closed or invalid"));
    }
    Ok(this(me).get_mut(vm).mapping.as_mut().expect("just looked"))
}

/// The mapping, to be written.
fn writable<'a>(vm: &'a mut Vm, me: &'a Value) -> PyResult<&'a mut Mapping> {
    if this(me).get(vm).access == READ {
        return Err(vm.type_error("mmap can't modify a readonly memory map."));
    }
    memory(vm, me)
}

fn open(vm: &mut Vm, me: &Value) -> PyResult<()> {
    memory(vm, me).map(|_| ())
}

// ---- Making and ending ---------------------------------------------------------------------------------------------

fn new(vm: &mut Vm, class: &Py<Type>, args: &Args<'_>) -> PyResult {
    static SIGNATURE: Signature =
        Signature::new("mmap", "(fileno, length, flags=1, prot=3, access=0, offset=0, *, trackfd=True)");
    let bound = args.bind(vm, &SIGNATURE)?;
    let small = |vm: &mut Vm, i: usize, default: i32| match &bound[i] {
        Some(v) => vm.to_i32(v),
        None => Ok(default),
    };
    let fd = small(vm, 0, -1)?;
    let len = ssize_arg(vm, bound[1].as_ref().expect("required"))?;
    let (flags, protection) = (small(vm, 2, libc::MAP_SHARED)?, small(vm, 3, READ_WRITE)?);
    let access = small(vm, 4, DEFAULT)?;
    let offset = match &bound[5] {
        Some(v) => vm.to_i64(v)?,
        None => 0,
    };
    let track = match &bound[6] {
        Some(v) => vm.truth(v)?,
        None => true,
    };
    let Ok(mut len) = usize::try_from(len) else {
        return Err(vm.overflow_error("memory mapped length must be positive"));
    };
    if offset < 0 {
        return Err(vm.overflow_error("memory mapped offset must be positive"));
    }
    if access != DEFAULT && (flags != libc::MAP_SHARED || protection != READ_WRITE) {
        return Err(vm.value_error("mmap can't specify both access and flags, prot."));
    }
    let (mut flags, protection, access) = match access {
        READ => (libc::MAP_SHARED, libc::PROT_READ, READ),
        WRITE => (libc::MAP_SHARED, READ_WRITE, WRITE),
        COPY => (libc::MAP_PRIVATE, READ_WRITE, COPY),
        DEFAULT => (
            flags,
            protection,
            match protection & READ_WRITE {
                READ_WRITE => DEFAULT,
                libc::PROT_WRITE => WRITE,
                _ => READ,
            },
        ),
        _ => return Err(vm.value_error("mmap invalid access parameter.")),
    };
    if fd == -1 {
        flags |= libc::MAP_ANONYMOUS;
    } else {
        len = length_in_file(vm, fd, len, offset)?;
    }
    let own =
        if fd != -1 && track { files::fcntl(fd, libc::F_DUPFD_CLOEXEC, 0).map_err(|e| vm.os_error(e))? } else { -1 };
    let payload = Mmap { mapping: None, pos: 0, fd: own, track, flags, offset, access, exports: 0 };
    let made = instance::new_of(class, payload);
    let mapping = Mapping::new(len, protection, flags, fd, offset).map_err(|e| vm.os_error(e))?;
    made.get_mut(vm).mapping = Some(mapping);
    Ok(made.into())
}

/// The length asked for, or the file's from the offset on.
fn length_in_file(vm: &mut Vm, fd: i32, len: usize, offset: i64) -> PyResult<usize> {
    let stat = files::fstat(fd).map_err(|e| vm.os_error(e))?;
    if stat.st_mode & libc::S_IFMT != libc::S_IFREG {
        return Ok(len);
    }
    let size = stat.st_size;
    if len == 0 {
        if size == 0 {
            return Err(vm.value_error("cannot mmap an empty file"));
        }
        if offset >= size {
            return Err(vm.value_error("mmap offset is greater than file size"));
        }
        return Ok((size - offset) as usize);
    }
    if offset > size || ((size - offset) as u64) < len as u64 {
        return Err(vm.value_error("mmap length is greater than file size"));
    }
    Ok(len)
}

fn repr(vm: &mut Vm, me: &Value) -> PyResult {
    let name = me.class().payload.name();
    let m = this(me).get(vm);
    let text = match &m.mapping {
        None => format!("<{name} closed=True>"),
        Some(mapping) => {
            let access = ["DEFAULT", "READ", "WRITE", "COPY"][m.access as usize];
            let (len, pos, offset) = (mapping.len(), m.pos, m.offset);
            format!("<{name} closed=False, access=ACCESS_{access}, length={len}, pos={pos}, offset={offset}>")
        }
    };
    Ok(vm.new_str(&text))
}

fn close(vm: &mut Vm, me: &Value) -> PyResult {
    if this(me).get(vm).exports > 0 {
        return Err(vm.buffer_error("cannot close exported pointers exist"));
    }
    let m = this(me).get_mut(vm);
    let (fd, mapping) = (std::mem::replace(&mut m.fd, -1), m.mapping.take());
    vm.allow_threads(|| {
        drop(mapping);
        if fd >= 0 {
            let _ = files::close(fd);
        }
    });
    Ok(none())
}

fn resize(vm: &mut Vm, me: &Value, size: &Value) -> PyResult {
    let size = ssize_arg(vm, size)?;
    open(vm, me)?;
    let m = this(me).get(vm);
    let (exports, track, access, fd, offset, flags) = (m.exports, m.track, m.access, m.fd, m.offset, m.flags);
    if exports > 0 {
        return Err(vm.buffer_error("mmap can't resize with extant buffers exported."));
    }
    if !track {
        return Err(vm.value_error("mmap can't resize with trackfd=False."));
    }
    if access == READ || access == COPY {
        return Err(vm.type_error("mmap can't resize a readonly or copy-on-write memory map."));
    }
    if size < 0 || (size as i64).checked_add(offset).is_none() {
        return Err(vm.value_error("new size out of range"));
    }
    let size = size as usize;
    if fd == -1 {
        if flags & libc::MAP_PRIVATE == 0 && size > memory(vm, me)?.len() {
            return Err(vm.value_error("mmap: can't expand a shared anonymous mapping"));
        }
    } else {
        files::ftruncate(fd, offset + size as i64).map_err(|e| vm.os_error(e))?;
    }
    memory(vm, me)?.resize(size).map_err(|e| vm.os_error(e))?;
    Ok(none())
}

fn size(vm: &mut Vm, me: &Value) -> PyResult {
    open(vm, me)?;
    let fd = this(me).get(vm).fd;
    Ok(int(files::fstat(fd).map_err(|e| vm.os_error(e))?.st_size))
}

fn flush(vm: &mut Vm, args: &[Option<Value>]) -> PyResult {
    let [Some(me), offset, size] = args else { unreachable!("bound by the signature") };
    let offset = optional(vm, offset, 0)?;
    let len = memory(vm, me)?.len();
    let size = optional(vm, size, (len as isize).wrapping_sub(offset))?;
    let part = usize::try_from(offset).ok().zip(usize::try_from(size).ok());
    let Some((at, n)) = part.filter(|&(at, n)| at <= len && n <= len - at) else {
        return Err(vm.value_error("flush values out of range"));
    };
    if matches!(this(me).get(vm).access, READ | COPY) {
        return Ok(none());
    }
    memory(vm, me)?.flush(at, n).map_err(|e| vm.os_error(e))?;
    Ok(none())
}

fn advise(vm: &mut Vm, args: &[Option<Value>]) -> PyResult {
    let [Some(me), Some(advice), start, length] = args else { unreachable!("bound by the signature") };
    let (advice, start) = (vm.to_i32(advice)?, optional(vm, start, 0)?);
    let len = memory(vm, me)?.len();
    let n = optional(vm, length, len as isize)?;
    let Some(start) = usize::try_from(start).ok().filter(|&s| s < len) else {
        return Err(vm.value_error("madvise start out of bounds"));
    };
    let Ok(n) = usize::try_from(n) else { return Err(vm.value_error("madvise length invalid")) };
    if isize::MAX as usize - start < n {
        return Err(vm.overflow_error("madvise length too large"));
    }
    memory(vm, me)?.advise(start, n.min(len - start), advice).map_err(|e| vm.os_error(e))?;
    Ok(none())
}

/// A size argument that may be absent or `None`.
fn optional(vm: &mut Vm, v: &Option<Value>, default: isize) -> PyResult<isize> {
    match v.as_ref().filter(|v| !v.is_none()) {
        Some(v) => ssize_arg(vm, v),
        None => Ok(default),
    }
}

// ---- As a buffer and as a sequence ---------------------------------------------------------------------------------

fn export(vm: &mut Vm, me: &Value, request: BufferRequest) -> PyResult<Buffer> {
    open(vm, me)?;
    let readonly = this(me).get(vm).access == READ;
    if readonly && request.writable {
        return Err(vm.buffer_error("Object is not writable."));
    }
    let m = this(me).get_mut(vm);
    m.exports += 1;
    let memory = m.mapping.as_ref().expect("open").bytes();
    // SAFETY: the export is counted, so that the mapping stays; the view keeps the object alive.
    Ok(unsafe { Buffer::bytes(me.clone(), memory.as_ptr().cast_mut(), memory.len(), readonly, Some(released)) })
}

/// Counts an export down.
fn released(owner: &Value) {
    if let Some(m) = owner.downcast::<Mmap>() {
        // SAFETY: the GIL is held by whoever drops a view (I1); no borrow of the payload is alive, since views are
        // dropped by native code that holds none.
        unsafe { (*m.payload_ptr()).exports -= 1 }
    }
}

/// The place that an index means.
fn place(vm: &mut Vm, me: &Value, key: &Value) -> PyResult<usize> {
    let i = vm.to_isize(key)?;
    let len = memory(vm, me)?.len();
    let i = if i < 0 { i + len as isize } else { i };
    usize::try_from(i).ok().filter(|&i| i < len).ok_or_else(|| vm.index_error("mmap index out of range"))
}

fn subscript(vm: &mut Vm, me: &Value, key: &Value) -> PyResult {
    open(vm, me)?;
    if is_index(key) {
        let i = place(vm, me, key)?;
        return Ok(int(memory(vm, me)?.bytes()[i]));
    }
    let Some(slice) = key.downcast::<Slice>() else { return Err(vm.type_error("mmap indices must be integers")) };
    let unpacked = slice.unpack(vm)?;
    let bytes = memory(vm, me)?.bytes();
    let selected = unpacked.adjust(bytes.len());
    let part: Vec<u8> = if selected.step == 1 {
        bytes[selected.start as usize..][..selected.count].to_vec()
    } else {
        selected.iter().map(|i| bytes[i]).collect()
    };
    Ok(Bytes::from_slice(&part).into())
}

fn set_subscript(vm: &mut Vm, me: &Value, key: &Value, value: Option<&Value>) -> PyResult<()> {
    writable(vm, me)?;
    if is_index(key) {
        let i = place(vm, me, key)?;
        let Some(value) = value else { return Err(vm.type_error("mmap doesn't support item deletion")) };
        if !is_index(value) {
            return Err(vm.type_error("mmap item value must be an int"));
        }
        let Ok(byte) = u8::try_from(vm.to_isize(value)?) else {
            return Err(vm.value_error("mmap item value must be in range(0, 256)"));
        };
        // The value's own code may have made the mapping shorter.
        let Some(place) = memory(vm, me)?.bytes_mut().get_mut(i) else {
            return Err(vm.index_error("mmap index out of range"));
        };
        *place = byte;
        return Ok(());
    }
    let Some(slice) = key.downcast::<Slice>() else { return Err(vm.type_error("mmap indices must be integer")) };
    let unpacked = slice.unpack(vm)?;
    let Some(value) = value else { return Err(vm.type_error("mmap object doesn't support slice deletion")) };
    let data = vm.buffer(value, BufferRequest::READ)?.to_vec(vm);
    let memory = memory(vm, me)?;
    let selected = unpacked.adjust(memory.len());
    if data.len() != selected.count {
        return Err(vm.index_error("mmap slice assignment is wrong size"));
    }
    let bytes = memory.bytes_mut();
    selected.iter().zip(data).for_each(|(i, b)| bytes[i] = b);
    Ok(())
}

fn find(vm: &mut Vm, args: &[Option<Value>], last: bool) -> PyResult {
    let [Some(me), Some(needle), start, end] = args else { unreachable!("bound by the signature") };
    open(vm, me)?;
    let needle = vm.buffer(needle, BufferRequest::READ)?.to_vec(vm);
    let (pos, len) = (this(me).get(vm).pos as isize, memory(vm, me)?.len() as isize);
    let start = optional(vm, start, pos)?;
    let end = optional(vm, end, len)?;
    let inside = |i: isize| if i < 0 { (i + len).max(0) } else { i.min(len) } as usize;
    let (start, end) = (inside(start), inside(end));
    let bytes = memory(vm, me)?.bytes();
    let found = bytes.get(start..end).and_then(|part| match last {
        false => memmem::find(part, &needle),
        true => memmem::rfind(part, &needle),
    });
    Ok(found.map_or(int(-1), |i| Value::from_usize(start + i)))
}

fn move_part(vm: &mut Vm, me: &Value, to: &Value, from: &Value, count: &Value) -> PyResult {
    let (to, from, count) = (ssize_arg(vm, to)?, ssize_arg(vm, from)?, ssize_arg(vm, count)?);
    let memory = writable(vm, me)?;
    let len = memory.len() as isize;
    if to < 0 || from < 0 || count < 0 || len - to < count || len - from < count {
        return Err(vm.value_error("source, destination, or count out of range"));
    }
    memory.bytes_mut().copy_within(from as usize..(from + count) as usize, to as usize);
    Ok(none())
}

// ---- As a file -----------------------------------------------------------------------------------------------------

/// Passes the next bytes, as many as `count` chooses of the rest.
fn take(vm: &mut Vm, me: &Value, count: impl FnOnce(&[u8]) -> usize) -> PyResult {
    open(vm, me)?;
    let m = this(me).get_mut(vm);
    let memory = m.mapping.as_ref().expect("open").bytes();
    let rest = memory.get(m.pos..).unwrap_or(&[]);
    let n = count(rest);
    m.pos += n;
    Ok(Bytes::from_slice(&rest[..n]).into())
}

fn read(vm: &mut Vm, args: &[Option<Value>]) -> PyResult {
    let [Some(me), n] = args else { unreachable!("bound by the signature") };
    let n = match n.as_ref().filter(|n| !n.is_none()) {
        Some(n) if !is_index(n) => {
            let name = n.class().payload.name();
            return Err(vm.type_error(format!("argument should be integer or None, not '{name}'")));
        }
        Some(n) => ssize_arg(vm, n)?,
        None => -1,
    };
    take(vm, me, |rest| usize::try_from(n).map_or(rest.len(), |n| n.min(rest.len())))
}

fn read_line(vm: &mut Vm, me: &Value) -> PyResult {
    take(vm, me, |rest| memchr::memchr(b'\n', rest).map_or(rest.len(), |i| i + 1))
}

fn read_byte(vm: &mut Vm, me: &Value) -> PyResult {
    open(vm, me)?;
    let m = this(me).get_mut(vm);
    let byte = m.mapping.as_ref().and_then(|memory| memory.bytes().get(m.pos).copied());
    m.pos += usize::from(byte.is_some());
    byte.map(int).ok_or_else(|| vm.value_error("read byte out of range"))
}

fn write(vm: &mut Vm, me: &Value, data: &Value) -> PyResult {
    open(vm, me)?;
    let data = vm.buffer(data, BufferRequest::READ)?.to_vec(vm);
    writable(vm, me)?;
    put(vm, me, &data, "data out of range")?;
    Ok(Value::from_usize(data.len()))
}

fn write_byte(vm: &mut Vm, me: &Value, byte: &Value) -> PyResult {
    open(vm, me)?;
    let n = vm.to_i64(byte)?;
    let byte = u8::try_from(n).map_err(|_| {
        let what = if n < 0 { "less than minimum" } else { "greater than maximum" };
        vm.overflow_error(format!("unsigned byte integer is {what}"))
    })?;
    writable(vm, me)?;
    put(vm, me, &[byte], "write byte out of range")?;
    Ok(none())
}

fn put(vm: &mut Vm, me: &Value, data: &[u8], error: &str) -> Result<(), Raised> {
    open(vm, me)?;
    let m = this(me).get_mut(vm);
    let memory = m.mapping.as_mut().expect("open");
    if m.pos > memory.len() || memory.len() - m.pos < data.len() {
        return Err(vm.value_error(error));
    }
    memory.bytes_mut()[m.pos..m.pos + data.len()].copy_from_slice(data);
    m.pos += data.len();
    Ok(())
}

fn seek(vm: &mut Vm, args: &[Option<Value>]) -> PyResult {
    let [Some(me), Some(distance), whence] = args else { unreachable!("bound by the signature") };
    let distance = ssize_arg(vm, distance)?;
    let whence = optional(vm, whence, 0)?;
    let len = memory(vm, me)?.len();
    let from = match whence {
        0 => 0,
        1 => this(me).get(vm).pos,
        2 => len,
        _ => return Err(vm.value_error("unknown seek type")),
    };
    let to = (from as isize).checked_add(distance).and_then(|to| usize::try_from(to).ok()).filter(|&to| to <= len);
    let Some(to) = to else { return Err(vm.value_error("seek out of range")) };
    this(me).get_mut(vm).pos = to;
    Ok(Value::from_usize(to))
}
