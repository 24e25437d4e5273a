//! Names as text: `fspath`, `_path_normpath`, `_path_splitroot_ex`.

use crate::system::path::fspath;
use taipan_runtime::object::{MethodDef, NativeFn::*, PyResult, Value};
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::vm::Vm;

/// The functions.
pub static TABLE: &[MethodDef] = &[
    MethodDef::function(
        "fspath",
        "($module, path)",
        "The text or bytes of a path.",
        N(|vm, a| match &a[0] {
            Some(v) => fspath(vm, v),
            None => Err(vm.type_error("fspath() missing required argument 'path' (pos 1)")),
        }),
    ),
    MethodDef::function(
        "_path_normpath",
        "($module, path)",
        "A path without needless parts.",
        N(|vm, a| match &a[0] {
            Some(v) => normpath(vm, v),
            None => Err(vm.type_error("_path_normpath() missing required argument 'path' (pos 1)")),
        }),
    ),
    MethodDef::function(
        "_path_splitroot_ex",
        "($module, path, /)",
        "A path as drive, root and the rest.",
        F1(splitroot),
    ),
];

/// Units of a path, whether text or bytes.
fn units(v: &Value) -> Option<Vec<u32>> {
    if let Some(s) = v.downcast::<Str>() {
        return Some(s.code_points().collect());
    }
    v.downcast::<Bytes>().map(|b| b.as_slice().iter().map(|&b| b as u32).collect())
}

/// A path of the same kind as `like`.
fn make(like: &Value, units: &[u32]) -> Value {
    if like.downcast::<Bytes>().is_some() {
        Bytes::from_slice(&units.iter().map(|&u| u as u8).collect::<Vec<_>>()).into()
    } else {
        Str::from_code_points(units).into()
    }
}

const SLASH: u32 = '/' as u32;
const DOT: u32 = '.' as u32;

/// How many of the leading slashes are the root: exactly two are kept (POSIX), more are one.
fn root_len(u: &[u32]) -> usize {
    match u.iter().take_while(|&&c| c == SLASH).count() {
        2 => 2,
        0 => 0,
        _ => 1,
    }
}

fn normpath(vm: &mut Vm, v: &Value) -> PyResult {
    let path = fspath(vm, v)?;
    let u = units(&path).unwrap_or_default();
    let root = root_len(&u);
    let mut parts: Vec<&[u32]> = Vec::new();
    for part in u.split(|&c| c == SLASH) {
        match part {
            [] | [DOT] => {}
            [DOT, DOT] => match parts.last() {
                Some([DOT, DOT]) => parts.push(part),
                Some(_) => drop(parts.pop()),
                None if root > 0 => {}
                None => parts.push(part),
            },
            _ => parts.push(part),
        }
    }
    let mut out = vec![SLASH; root];
    out.extend(parts.join(&SLASH));
    if out.is_empty() {
        out.push(DOT);
    }
    Ok(make(&path, &out))
}

fn splitroot(vm: &mut Vm, v: &Value) -> PyResult {
    let path = fspath(vm, v)?;
    let u = units(&path).unwrap_or_default();
    let slashes = u.iter().take_while(|&&c| c == SLASH).count();
    // The rest keeps further slashes, as `posixpath.splitroot` has it.
    let root = if slashes == 2 { 2 } else { slashes.min(1) };
    Ok(Tuple::from_vec(vec![make(&path, &[]), make(&path, &u[..root]), make(&path, &u[root..])]).into())
}
