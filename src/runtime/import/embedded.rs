//! The pure-Python standard library inside the binary: looked up by module name, unpacked when asked for.

use crate::host::library::{Node, Tree};
use crate::object::{Py, PyResult};
use crate::types::code::Code;
use crate::vm::Vm;
use std::borrow::Cow;

/// Directory the embedded library claims to be in (`sys._stdlib_dir`).
pub const STDLIB_DIR: &str = "/taipan/lib/python3.14";

/// One module of the library. Places are (offset, stored length, real length) in the blob.
pub struct Embedded {
    /// Full name.
    pub name: &'static str,
    /// A package.
    pub package: bool,
    /// One of those that CPython keeps in its binary, too.
    pub frozen: bool,
    code: (usize, usize, usize),
    source: (usize, usize, usize),
}

static INDEX: &[Embedded] = include!(concat!(env!("OUT_DIR"), "/stdlib_index.rs"));
static BLOB: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/stdlib.bin"));

fn data((offset, stored, real): (usize, usize, usize)) -> Cow<'static, [u8]> {
    let packed = &BLOB[offset..offset + stored];
    if stored == real {
        return packed.into();
    }
    let mut out = Vec::with_capacity(real);
    let _ = flate2::Decompress::new(false).decompress_vec(packed, &mut out, flate2::FlushDecompress::Finish);
    out.into()
}

/// The module with this name.
pub fn find(name: &str) -> Option<&'static Embedded> {
    let name = match name {
        "_frozen_importlib" => "importlib._bootstrap",
        "_frozen_importlib_external" => "importlib._bootstrap_external",
        n => n,
    };
    INDEX.binary_search_by(|e| e.name.cmp(name)).ok().map(|i| &INDEX[i])
}

/// All modules.
pub fn all() -> &'static [Embedded] {
    INDEX
}

impl Embedded {
    /// The source text.
    pub fn source(&self) -> String {
        String::from_utf8_lossy(&data(self.source)).into_owned()
    }
    /// The marshalled code.
    pub fn marshalled(&self) -> Cow<'static, [u8]> {
        data(self.code)
    }
    /// Path of its source below [`STDLIB_DIR`].
    pub fn path(&self) -> String {
        let tail = if self.package { "/__init__.py" } else { ".py" };
        format!("{STDLIB_DIR}/{}{tail}", self.name.replace('.', "/"))
    }
}

/// The source of an embedded file by its claimed path.
pub fn source_of_path(path: &str) -> Option<String> {
    let rest = path.strip_prefix(STDLIB_DIR)?.strip_prefix('/')?.strip_suffix(".py")?;
    let name = rest.strip_suffix("/__init__").unwrap_or(rest).replace('/', ".");
    find(&name).map(Embedded::source)
}

/// The library as files and directories.
pub static TREE: Tree = Tree { top: "/taipan", find: node, read: source_of_path };

/// What is at a path at or above [`STDLIB_DIR`], or below it.
fn node(path: &str) -> Option<Node> {
    let number = path.bytes().fold(0xcbf2_9ce4_8422_2325u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
    if let Some(name) = path.strip_prefix(STDLIB_DIR).and_then(|rest| rest.strip_prefix('/')) {
        if let Some(file) = name.strip_suffix(".py") {
            let (name, package) = match file.strip_suffix("/__init__") {
                Some(name) => (name, true),
                None => (file, false),
            };
            let e = find(&name.replace('/', ".")).filter(|e| e.package == package)?;
            return Some(Node::File(e.source.2 as u64, number));
        }
        let package = name.replace('/', ".");
        find(&package).filter(|e| e.package)?;
        return Some(Node::Folder(entries(&format!("{package}."), true), number));
    }
    if path == STDLIB_DIR {
        return Some(Node::Folder(entries("", false), number));
    }
    // The folders above.
    let next = STDLIB_DIR.strip_prefix(path)?.strip_prefix('/')?.split('/').next()?;
    Some(Node::Folder(vec![(next.to_owned(), true)], number))
}

fn entries(prefix: &str, package: bool) -> Vec<(String, bool)> {
    let own = package.then(|| ("__init__.py".to_owned(), false));
    let inside = INDEX.iter().filter_map(|e| e.name.strip_prefix(prefix).map(|n| (n, e.package)));
    let inside = inside.filter(|(n, _)| !n.is_empty() && !n.contains('.'));
    own.into_iter()
        .chain(inside.map(|(n, p)| if p { (n.to_owned(), true) } else { (format!("{n}.py"), false) }))
        .collect()
}

/// The code object of an embedded module.
pub fn code(vm: &mut Vm, name: &str) -> PyResult<Py<Code>> {
    let Some(e) = find(name) else {
        return Err(vm.import_error(format!("No such frozen object named {name}")));
    };
    match taipan_bytecode::marshal::load_code(&e.marshalled()) {
        Ok(c) => Ok(Code::new(vm, c)),
        Err(err) => Err(vm.system_error(format!("the embedded module {name} is corrupt: {err:?}"))),
    }
}
