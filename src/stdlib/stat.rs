//! `_stat`: what the bits of a file's mode mean (`Modules/_stat.c`).

use taipan_runtime::import::ModuleDef;
use taipan_runtime::object::{MethodDef, NativeFn::F1, Py, PyResult, Value, boolean};
use taipan_runtime::types::dict::Dict;
use taipan_runtime::vm::Vm;

static NUMBERS: &[(&str, i64)] = &[
    ("SF_APPEND", 0x40000),
    ("SF_ARCHIVED", 0x10000),
    ("SF_DATALESS", 0x40000000),
    ("SF_FIRMLINK", 0x800000),
    ("SF_IMMUTABLE", 0x20000),
    ("SF_NOUNLINK", 0x100000),
    ("SF_SETTABLE", 0xffff0000),
    ("SF_SNAPSHOT", 0x200000),
    ("ST_ATIME", 7),
    ("ST_CTIME", 9),
    ("ST_DEV", 2),
    ("ST_GID", 5),
    ("ST_INO", 1),
    ("ST_MODE", 0),
    ("ST_MTIME", 8),
    ("ST_NLINK", 3),
    ("ST_SIZE", 6),
    ("ST_UID", 4),
    ("S_ENFMT", 0o2000),
    ("S_IEXEC", 0o100),
    ("S_IFBLK", 0o60000),
    ("S_IFCHR", 0o20000),
    ("S_IFDIR", 0o40000),
    ("S_IFDOOR", 0o0),
    ("S_IFIFO", 0o10000),
    ("S_IFLNK", 0o120000),
    ("S_IFPORT", 0o0),
    ("S_IFREG", 0o100000),
    ("S_IFSOCK", 0o140000),
    ("S_IFWHT", 0o0),
    ("S_IREAD", 0o400),
    ("S_IRGRP", 0o40),
    ("S_IROTH", 0o4),
    ("S_IRUSR", 0o400),
    ("S_IRWXG", 0o70),
    ("S_IRWXO", 0o7),
    ("S_IRWXU", 0o700),
    ("S_ISGID", 0o2000),
    ("S_ISUID", 0o4000),
    ("S_ISVTX", 0o1000),
    ("S_IWGRP", 0o20),
    ("S_IWOTH", 0o2),
    ("S_IWRITE", 0o200),
    ("S_IWUSR", 0o200),
    ("S_IXGRP", 0o10),
    ("S_IXOTH", 0o1),
    ("S_IXUSR", 0o100),
    ("UF_APPEND", 0x4),
    ("UF_COMPRESSED", 0x20),
    ("UF_DATAVAULT", 0x80),
    ("UF_HIDDEN", 0x8000),
    ("UF_IMMUTABLE", 0x2),
    ("UF_NODUMP", 0x1),
    ("UF_NOUNLINK", 0x10),
    ("UF_OPAQUE", 0x8),
    ("UF_SETTABLE", 0xffff),
    ("UF_TRACKED", 0x40),
];

fn mode(vm: &mut Vm, v: &Value) -> PyResult<i64> {
    let m = vm.to_i64(v)?;
    if (0..=u32::MAX as i64).contains(&m) { Ok(m) } else { Err(vm.overflow_error("mode out of range")) }
}

macro_rules! kinds {
    ($($name:literal $bits:literal $doc:literal;)*) => {
        &[
            $( MethodDef::function($name, "($module, mode, /)", $doc,
                F1(|vm, v| Ok(boolean($bits != 0 && mode(vm, v)? & 0o170000 == $bits)))), )*
            MethodDef::function("S_IMODE", "($module, mode, /)", "The bits that os.chmod() can set.",
                F1(|vm, v| Ok(Value::small_unchecked(mode(vm, v)? & 0o7777)))),
            MethodDef::function("S_IFMT", "($module, mode, /)", "The bits that tell the kind of file.",
                F1(|vm, v| Ok(Value::small_unchecked(mode(vm, v)? & 0o170000)))),
            MethodDef::function("filemode", "($module, mode, /)", "The mode as ls -l shows it.", F1(filemode)),
        ]
    };
}

/// The module.
pub static MODULE: ModuleDef = ModuleDef::new("_stat")
    .doc("What the bits of a file's mode mean.")
    .functions(kinds! {
        "S_ISDIR" 0o040000 "Whether it is a directory.";
        "S_ISCHR" 0o020000 "Whether it is a character device.";
        "S_ISBLK" 0o060000 "Whether it is a block device.";
        "S_ISREG" 0o100000 "Whether it is a regular file.";
        "S_ISFIFO" 0o010000 "Whether it is a named pipe.";
        "S_ISLNK" 0o120000 "Whether it is a symbolic link.";
        "S_ISSOCK" 0o140000 "Whether it is a socket.";
        "S_ISDOOR" 0 "Whether it is a door.";
        "S_ISPORT" 0 "Whether it is an event port.";
        "S_ISWHT" 0 "Whether it is a whiteout.";
    })
    .init(init);

fn init(_: &mut Vm, module: &Py<Dict>) -> PyResult<()> {
    for (name, number) in NUMBERS {
        module.store_text(name, Value::small_unchecked(*number));
    }
    Ok(())
}

fn filemode(vm: &mut Vm, v: &Value) -> PyResult {
    let m = mode(vm, v)?;
    let mut out = String::with_capacity(10);
    out.push(match m & 0o170000 {
        0o100000 => '-',
        0o040000 => 'd',
        0o120000 => 'l',
        0o060000 => 'b',
        0o020000 => 'c',
        0o010000 => 'p',
        0o140000 => 's',
        _ => '?',
    });
    for (shift, special, letters) in [(6, 0o4000, ['s', 'S']), (3, 0o2000, ['s', 'S']), (0, 0o1000, ['t', 'T'])] {
        let bits = m >> shift;
        out.push(if bits & 4 != 0 { 'r' } else { '-' });
        out.push(if bits & 2 != 0 { 'w' } else { '-' });
        out.push(match (bits & 1 != 0, m & special != 0) {
            (true, false) => 'x',
            (false, false) => '-',
            (true, true) => letters[0],
            (false, true) => letters[1],
        });
    }
    Ok(vm.new_str(&out))
}
