//! `errno`: the numbers of the system's errors (`Modules/errnomodule.c`).

use taipan_runtime::import::ModuleDef;
use taipan_runtime::object::{Py, PyResult, Value};
use taipan_runtime::types::dict::Dict;
use taipan_runtime::vm::Vm;

/// The module.
pub static MODULE: ModuleDef =
    ModuleDef::new("errno").doc("Numbers of the system's errors; errorcode maps each number to its name.").init(init);

macro_rules! numbers {
    ($($name:ident,)*) => { &[$((stringify!($name), libc::$name)),*] };
}

static NUMBERS: &[(&str, i32)] = numbers![
    E2BIG,
    EACCES,
    EADDRINUSE,
    EADDRNOTAVAIL,
    EADV,
    EAFNOSUPPORT,
    EAGAIN,
    EALREADY,
    EBADE,
    EBADF,
    EBADFD,
    EBADMSG,
    EBADR,
    EBADRQC,
    EBADSLT,
    EBFONT,
    EBUSY,
    ECANCELED,
    ECHILD,
    ECHRNG,
    ECOMM,
    ECONNABORTED,
    ECONNREFUSED,
    ECONNRESET,
    EDEADLK,
    EDEADLOCK,
    EDESTADDRREQ,
    EDOM,
    EDOTDOT,
    EDQUOT,
    EEXIST,
    EFAULT,
    EFBIG,
    EHOSTDOWN,
    EHOSTUNREACH,
    EHWPOISON,
    EIDRM,
    EILSEQ,
    EINPROGRESS,
    EINTR,
    EINVAL,
    EIO,
    EISCONN,
    EISDIR,
    EISNAM,
    EKEYEXPIRED,
    EKEYREJECTED,
    EKEYREVOKED,
    EL2HLT,
    EL2NSYNC,
    EL3HLT,
    EL3RST,
    ELIBACC,
    ELIBBAD,
    ELIBEXEC,
    ELIBMAX,
    ELIBSCN,
    ELNRNG,
    ELOOP,
    EMEDIUMTYPE,
    EMFILE,
    EMLINK,
    EMSGSIZE,
    EMULTIHOP,
    ENAMETOOLONG,
    ENAVAIL,
    ENETDOWN,
    ENETRESET,
    ENETUNREACH,
    ENFILE,
    ENOANO,
    ENOBUFS,
    ENOCSI,
    ENODATA,
    ENODEV,
    ENOENT,
    ENOEXEC,
    ENOKEY,
    ENOLCK,
    ENOLINK,
    ENOMEDIUM,
    ENOMEM,
    ENOMSG,
    ENONET,
    ENOPKG,
    ENOPROTOOPT,
    ENOSPC,
    ENOSR,
    ENOSTR,
    ENOSYS,
    ENOTBLK,
    ENOTCONN,
    ENOTDIR,
    ENOTEMPTY,
    ENOTNAM,
    ENOTRECOVERABLE,
    ENOTSOCK,
    ENOTSUP,
    ENOTTY,
    ENOTUNIQ,
    ENXIO,
    EOPNOTSUPP,
    EOVERFLOW,
    EOWNERDEAD,
    EPERM,
    EPFNOSUPPORT,
    EPIPE,
    EPROTO,
    EPROTONOSUPPORT,
    EPROTOTYPE,
    ERANGE,
    EREMCHG,
    EREMOTE,
    EREMOTEIO,
    ERESTART,
    ERFKILL,
    EROFS,
    ESHUTDOWN,
    ESOCKTNOSUPPORT,
    ESPIPE,
    ESRCH,
    ESRMNT,
    ESTALE,
    ESTRPIPE,
    ETIME,
    ETIMEDOUT,
    ETOOMANYREFS,
    ETXTBSY,
    EUCLEAN,
    EUNATCH,
    EUSERS,
    EWOULDBLOCK,
    EXDEV,
    EXFULL,
];

/// Names that share a number with a more usual name, which `errorcode` shows.
const OTHER_NAMES: &[&str] = &["EWOULDBLOCK", "EOPNOTSUPP", "EDEADLK"];

fn init(vm: &mut Vm, module: &Py<Dict>) -> PyResult<()> {
    let codes = Dict::new_object();
    for (name, number) in NUMBERS {
        let n = Value::small_unchecked(*number as i64);
        module.store_text(name, n.clone());
        if !OTHER_NAMES.contains(name) {
            let name = vm.intern(name).into();
            codes.set_item(vm, &n, name)?;
        }
    }
    // The C library's headers have no such number; CPython gives it this one everywhere.
    let (eftype, name) = (Value::small_unchecked(134), vm.intern("EFTYPE").into());
    codes.set_item(vm, &eftype, name)?;
    module.store_text("EFTYPE", eftype);
    module.store_text("errorcode", codes);
    Ok(())
}
