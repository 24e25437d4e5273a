//! Directories: `getcwd`, `listdir`, `scandir` and its entries.

use super::status::stat_result;
use crate::system::path::{Also, PathArg, c_string, decode};
use taipan_runtime::host::files::{self, DirItem};
use taipan_runtime::object::{
    Frozen, GetSetDef, MethodDef, NativeFn::*, Py, PyResult, Slots, TypeDef, TypeFlags, Value, boolean, instance, none,
};
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::generic_alias::class_getitem;
use taipan_runtime::types::list::List;
use taipan_runtime::types::str::Str;
use taipan_runtime::vm::Vm;

/// The functions.
pub static TABLE: &[MethodDef] = &[
    MethodDef::function(
        "getcwd",
        "($module, /)",
        "The present directory.",
        F0(|vm| {
            let d = files::getcwd().map_err(|e| vm.os_error(e))?;
            Ok(decode(&d).into())
        }),
    ),
    MethodDef::function(
        "getcwdb",
        "($module, /)",
        "The present directory, as bytes.",
        F0(|vm| {
            let d = files::getcwd().map_err(|e| vm.os_error(e))?;
            Ok(Bytes::from_slice(&d).into())
        }),
    ),
    MethodDef::function("listdir", "($module, path=None)", "Names of the entries of a directory.", N(listdir)),
    MethodDef::function("scandir", "($module, path=None)", "Iterate over the entries of a directory.", N(scandir)),
];

fn read(vm: &mut Vm, a: &[Option<Value>], function: &str) -> PyResult<(PathArg, Vec<DirItem>)> {
    let given = a[0].clone().unwrap_or_else(none);
    let path = PathArg::read(vm, &given, function, "path", Also::NoneOrDescriptor)?;
    super::files::tell(vm, &format!("os.{function}"), std::slice::from_ref(&given))?;
    match vm.allow_threads(|| files::read_dir(path.fd, &path.c)) {
        Ok(items) => Ok((path, items)),
        Err(e) => Err(path.error(vm, e)),
    }
}

fn listdir(vm: &mut Vm, a: &[Option<Value>]) -> PyResult {
    let (path, items) = read(vm, a, "listdir")?;
    Ok(List::from_vec(items.iter().map(|(name, _, _)| path.result(name)).collect()).into())
}

/// One entry of a directory.
pub struct DirEntry {
    name: Value,
    path: Value,
    kind: u8,
    inode: u64,
    /// Descriptor of the directory that was scanned by one.
    dir: Option<i32>,
    stat: std::cell::RefCell<Option<Value>>,
    lstat: std::cell::RefCell<Option<Value>>,
}
taipan_runtime::payload!(DirEntry, DIR_ENTRY, traverse(self, visit) {
    visit(&self.name);
    visit(&self.path);
    self.stat.borrow().iter().for_each(&mut *visit);
    self.lstat.borrow().iter().for_each(visit);
}, clear(self) {});
impl Frozen for DirEntry {}

/// `os.DirEntry`
pub static DIR_ENTRY: TypeDef = TypeDef::new::<DirEntry>("posix.DirEntry")
    .doc("An entry of a directory, from os.scandir().")
    .flags(TypeFlags::DISALLOW_INSTANTIATION.union(TypeFlags::HAVE_GC))
    .slots(Slots {
        repr: Some(|vm, v| {
            let name = entry(v).name.clone();
            let r = vm.repr(&name)?;
            Ok(Str::from_rust(&format!("<DirEntry {}>", r.to_rust())).into())
        }),
        ..Slots::NONE
    })
    .getset(&[
        GetSetDef::member("name", "the entry's base filename, relative to scandir() \"path\" argument", |_, v| {
            Ok(entry(v).name.clone())
        }),
        GetSetDef::member("path", "the entry's full path name", |_, v| Ok(entry(v).path.clone())),
    ])
    .methods(&[
        MethodDef::method(
            "is_dir",
            "($self, /, *, follow_symlinks=True)",
            "Whether it is a directory.",
            N(|vm, a| is_kind(vm, a, libc::S_IFDIR)),
        ),
        MethodDef::method(
            "is_file",
            "($self, /, *, follow_symlinks=True)",
            "Whether it is a file.",
            N(|vm, a| is_kind(vm, a, libc::S_IFREG)),
        ),
        MethodDef::method(
            "is_symlink",
            "($self, /)",
            "Whether it is a symbolic link.",
            F1(|vm, v| Ok(boolean(own_kind(vm, v)? == libc::S_IFLNK))),
        ),
        MethodDef::method(
            "is_junction",
            "($self, /)",
            "Whether it is a junction: never.",
            F1(|_, _| Ok(boolean(false))),
        ),
        MethodDef::method(
            "stat",
            "($self, /, *, follow_symlinks=True)",
            "Facts about the entry; kept.",
            N(|vm, a| {
                let (me, follow) = me_and_follow(vm, a)?;
                stat(vm, &me, follow)
            }),
        ),
        MethodDef::method(
            "inode",
            "($self, /)",
            "The entry's inode.",
            F1(|_, v| Ok(taipan_runtime::types::int::Int::from_u64(entry(v).inode))),
        ),
        MethodDef::method("__fspath__", "($self, /)", "The entry's path.", F1(|_, v| Ok(entry(v).path.clone()))),
        MethodDef::class("__class_getitem__", "($type, object, /)", "Generic over str and bytes.", F2(class_getitem)),
    ]);

fn entry(v: &Value) -> &Py<DirEntry> {
    v.downcast::<DirEntry>().expect("a method of DirEntry is called on one")
}

fn me_and_follow(vm: &mut Vm, a: &[Option<Value>]) -> PyResult<(Value, bool)> {
    let me = a[0].clone().unwrap_or_else(none);
    let follow = match &a[1] {
        Some(f) => vm.truth(f)?,
        None => true,
    };
    Ok((me, follow))
}

fn own_kind(vm: &mut Vm, v: &Value) -> PyResult<u32> {
    match entry(v).kind {
        libc::DT_UNKNOWN => {
            let s = stat(vm, v, false)?;
            mode_of(vm, &s)
        }
        kind => Ok((kind as u32) << 12),
    }
}

fn mode_of(vm: &mut Vm, stat: &Value) -> PyResult<u32> {
    let m = vm.get_attr_text(stat, "st_mode")?;
    Ok(vm.to_i64(&m)? as u32 & libc::S_IFMT)
}

fn is_kind(vm: &mut Vm, a: &[Option<Value>], wanted: u32) -> PyResult {
    let (me, follow) = me_and_follow(vm, a)?;
    let own = match own_kind(vm, &me) {
        Ok(k) => k,
        Err(r) => return gone_is_false(vm, r),
    };
    if own != libc::S_IFLNK || !follow {
        return Ok(boolean(own == wanted));
    }
    match stat(vm, &me, true) {
        Ok(s) => Ok(boolean(mode_of(vm, &s)? == wanted)),
        Err(r) => gone_is_false(vm, r),
    }
}

fn gone_is_false(vm: &mut Vm, r: taipan_runtime::object::Raised) -> PyResult {
    vm.suppress(Err::<Value, _>(r), &taipan_runtime::types::exceptions::FILE_NOT_FOUND_ERROR)?;
    Ok(boolean(false))
}

fn stat(vm: &mut Vm, v: &Value, follow: bool) -> PyResult {
    let me = entry(v);
    if follow && me.kind != libc::DT_LNK && me.kind != libc::DT_UNKNOWN {
        return stat(vm, v, false);
    }
    let kept = if follow { &me.stat } else { &me.lstat };
    if let Some(s) = kept.borrow().clone() {
        return Ok(s);
    }
    let flags = if follow { 0 } else { files::AT_SYMLINK_NOFOLLOW };
    let (dir, path) = match me.dir {
        Some(fd) => (fd, me.name.clone()),
        None => (libc::AT_FDCWD, me.path.clone()),
    };
    let c = c_string(vm, &path)?;
    let s = match vm.allow_threads(|| files::stat(dir, &c, flags)) {
        Ok(s) => s,
        Err(e) => return Err(vm.os_error_path(e, &me.path)),
    };
    let r = stat_result(vm, &s)?;
    *kept.borrow_mut() = Some(r.clone());
    Ok(r)
}

/// The iterator of `scandir`.
pub struct Scandir {
    given: Value,
    is_bytes: bool,
    fd: Option<i32>,
    items: std::vec::IntoIter<DirItem>,
}
taipan_runtime::payload!(Scandir, SCANDIR, traverse(self, visit) { visit(&self.given) }, clear(self) {});

/// The type of the iterator.
pub static SCANDIR: TypeDef = TypeDef::new::<Scandir>("posix.ScandirIterator")
    .flags(TypeFlags::DISALLOW_INSTANTIATION.union(TypeFlags::HAVE_GC))
    .slots(Slots { iter: Some(|_, v| Ok(v.clone())), next: Some(next), ..Slots::NONE })
    .methods(&[
        MethodDef::method("close", "($self, /)", "End the iteration.", F1(close)),
        MethodDef::method("__enter__", "($self, /)", "The iterator.", F1(|_, v| Ok(v.clone()))),
        MethodDef::method("__exit__", "($self, /, *args)", "End the iteration.", V(|vm, a| close(vm, &a.pos()[0]))),
    ]);

fn scanner(v: &Value) -> &Py<Scandir> {
    v.downcast::<Scandir>().expect("a method of ScandirIterator is called on one")
}

fn close(vm: &mut Vm, v: &Value) -> PyResult {
    scanner(v).get_mut(vm).items = Vec::new().into_iter();
    Ok(none())
}

fn scandir(vm: &mut Vm, a: &[Option<Value>]) -> PyResult {
    let (path, items) = read(vm, a, "scandir")?;
    let given = match &a[0] {
        Some(v) if !v.is_none() && path.fd.is_none() => crate::system::path::fspath(vm, v)?,
        Some(v) if !v.is_none() => v.clone(),
        _ => vm.new_str("."),
    };
    let s = Scandir { given, is_bytes: path.is_bytes, fd: path.fd, items: items.into_iter() };
    Ok(instance::new(s).into())
}

fn next(vm: &mut Vm, v: &Value) -> PyResult<Option<Value>> {
    let me = scanner(v).get_mut(vm);
    let Some((name, kind, inode)) = me.items.next() else { return Ok(None) };
    let (is_bytes, dir, given) = (me.is_bytes, me.fd, me.given.clone());
    let make = |b: &[u8]| -> Value { if is_bytes { Bytes::from_slice(b).into() } else { decode(b).into() } };
    let path = match dir {
        Some(_) => make(&name),
        None => {
            let mut full = c_string(vm, &given)?.into_bytes();
            if full.last().is_some_and(|&c| c != b'/') {
                full.push(b'/');
            }
            full.extend_from_slice(&name);
            make(&full)
        }
    };
    let e = DirEntry { name: make(&name), path, kind, inode, dir, stat: Default::default(), lstat: Default::default() };
    Ok(Some(instance::new(e).into()))
}
