//! Paths: text with undecodable bytes as lone surrogates (PEP 383), and what functions of `os` take as a path.

use std::ffi::CString;
use taipan_runtime::name;
use taipan_runtime::object::{Py, PyResult, Raised, Value};
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::exceptions as exc;
use taipan_runtime::types::int::Int;
use taipan_runtime::types::str::Str;
use taipan_runtime::vm::Vm;

/// Bytes of the system as text: UTF-8, other bytes as lone surrogates U+DC80 …
pub fn decode(bytes: &[u8]) -> Py<Str> {
    if let Ok(s) = std::str::from_utf8(bytes) {
        return Str::from_rust(s);
    }
    let mut points = Vec::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        points.extend(chunk.valid().chars().map(|c| c as u32));
        points.extend(chunk.invalid().iter().map(|&b| 0xdc00 + b as u32));
    }
    Str::from_code_points(&points)
}

/// Text as bytes for the system; the reverse of [`decode`].
pub fn encode(vm: &mut Vm, s: &Py<Str>) -> PyResult<Vec<u8>> {
    if let Some(a) = s.as_ascii() {
        return Ok(a.as_bytes().to_vec());
    }
    let mut out = Vec::with_capacity(s.len() * 2);
    for (i, c) in s.code_points().enumerate() {
        match c {
            0xdc80..=0xdcff => out.push((c - 0xdc00) as u8),
            _ => match char::from_u32(c) {
                Some(c) => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
                None => {
                    let args = [
                        vm.new_str("utf-8"),
                        s.as_value().clone(),
                        Value::from_usize(i),
                        Value::from_usize(i + 1),
                        vm.new_str("surrogates not allowed"),
                    ];
                    return Err(vm.raise_with(&exc::UNICODE_ENCODE_ERROR, &args));
                }
            },
        }
    }
    Ok(out)
}

/// `os.fspath()`: a str or bytes.
pub fn fspath(vm: &mut Vm, v: &Value) -> PyResult {
    if v.downcast::<Str>().is_some() || v.downcast::<Bytes>().is_some() {
        return Ok(v.clone());
    }
    let class = v.class().payload.name();
    let Some(f) = vm.lookup_special(v, "__fspath__")? else {
        return Err(vm.type_error(format!("expected str, bytes or os.PathLike object, not {class}")));
    };
    let r = vm.call0(&f)?;
    if r.downcast::<Str>().is_some() || r.downcast::<Bytes>().is_some() {
        return Ok(r);
    }
    let got = r.class().payload.name();
    Err(vm.type_error(format!("expected {class}.__fspath__() to return str or bytes, not {got}")))
}

/// A path argument.
pub struct PathArg {
    /// As the program gave it, for messages.
    pub given: Value,
    /// For the system; empty for a descriptor.
    pub c: CString,
    /// The descriptor given in place of a path.
    pub fd: Option<i32>,
    /// Whether results about it are bytes.
    pub is_bytes: bool,
}

/// What a function takes beside a path.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Also {
    /// Nothing.
    PathOnly,
    /// A file descriptor.
    Descriptor,
    /// `None` for the present directory, and a descriptor.
    NoneOrDescriptor,
}

impl PathArg {
    /// Reads argument `name` of `function`.
    pub fn read(vm: &mut Vm, v: &Value, function: &str, name: &str, also: Also) -> PyResult<PathArg> {
        if v.is_none() && also == Also::NoneOrDescriptor {
            return Ok(PathArg { given: v.clone(), c: c".".into(), fd: None, is_bytes: false });
        }
        if also != Also::PathOnly && v.downcast::<Str>().is_none() && v.downcast::<Bytes>().is_none() {
            let is_int = Int::read(v).is_some() || v.class().payload.slots().index.is_some();
            if is_int {
                let fd = vm.to_i32(v)?;
                return Ok(PathArg { given: v.clone(), c: CString::default(), fd: Some(fd), is_bytes: false });
            }
        }
        let plain = v.downcast::<Str>().is_some() || v.downcast::<Bytes>().is_some();
        if !plain && vm.lookup_special(v, "__fspath__")?.is_none() {
            let what = match also {
                Also::PathOnly => "string, bytes or os.PathLike",
                Also::Descriptor => "string, bytes, os.PathLike or integer",
                Also::NoneOrDescriptor => "string, bytes, os.PathLike, integer or None",
            };
            let got = v.class().payload.name();
            return Err(vm.type_error(format!("{function}: {name} should be {what}, not {got}")));
        }
        let path = fspath(vm, v)?;
        let (bytes, is_bytes) = match (path.downcast::<Str>(), path.downcast::<Bytes>()) {
            (Some(s), _) => (encode(vm, s)?, false),
            (_, Some(b)) => (b.as_slice().to_vec(), true),
            _ => unreachable!("fspath gives str or bytes"),
        };
        match CString::new(bytes) {
            Ok(c) => Ok(PathArg { given: v.clone(), c, fd: None, is_bytes }),
            Err(_) => {
                let kind = if is_bytes { "byte" } else { "character" };
                Err(vm.value_error(format!("{function}: embedded null {kind} in {name}")))
            }
        }
    }

    /// A path that is only a path.
    pub fn path(vm: &mut Vm, v: &Value, function: &str) -> PyResult<PathArg> {
        PathArg::read(vm, v, function, "path", Also::PathOnly)
    }

    /// The error of a call about this path.
    pub fn error(&self, vm: &mut Vm, errno: i32) -> Raised {
        if self.given.is_none() { vm.os_error(errno) } else { vm.os_error_path(errno, &self.given) }
    }

    /// A result of the path's own kind.
    pub fn result(&self, bytes: &[u8]) -> Value {
        if self.is_bytes { Bytes::from_slice(bytes).into() } else { decode(bytes).into() }
    }
}

/// A str or bytes argument as a C string for the system (`os.fsencode`).
pub fn c_string(vm: &mut Vm, v: &Value) -> PyResult<CString> {
    let path = fspath(vm, v)?;
    let bytes = match (path.downcast::<Str>(), path.downcast::<Bytes>()) {
        (Some(s), _) => encode(vm, s)?,
        (_, Some(b)) => b.as_slice().to_vec(),
        _ => unreachable!("fspath gives str or bytes"),
    };
    CString::new(bytes).map_err(|_| {
        let kind = if path.downcast::<Str>().is_some() { "character" } else { "byte" };
        vm.value_error(format!("embedded null {kind}"))
    })
}

/// A `dir_fd` argument: absent or `None` is the present directory.
pub fn dir_fd(vm: &mut Vm, v: Option<&Value>) -> PyResult<i32> {
    match v {
        None => Ok(libc::AT_FDCWD),
        Some(v) if v.is_none() => Ok(libc::AT_FDCWD),
        Some(v) => {
            if !v.is_small() && v.class().payload.slots().index.is_none() {
                let got = v.class().payload.name();
                return Err(vm.type_error(format!("argument should be integer or None, not {got}")));
            }
            vm.to_i32(v)
        }
    }
}

/// Reads `obj.fileno()` where an object other than a path stands for a descriptor.
pub fn fileno(vm: &mut Vm, v: &Value) -> PyResult<i32> {
    let n = vm.call_method_named(v, name!("fileno"), &[])?;
    vm.to_i32(&n)
}
