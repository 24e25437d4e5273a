//! Raising: the pending exception of a thread, and one short method for each common exception.

use super::Vm;
use crate::object::{Py, PyResult, Raised, TypeDef, Value};
use crate::types::exceptions as exc;
use crate::types::str::Str;
use crate::types::typeobject;

macro_rules! raisers {
    ($( $name:ident => $def:ident, )*) => {
        impl Vm {
            $(
                #[doc = concat!("Raises `", stringify!($def), "` with a message.")]
                #[cold]
                pub fn $name(&mut self, message: impl AsRef<str>) -> Raised {
                    self.new_error(&exc::$def, message)
                }
            )*
        }
    };
}

raisers! {
    type_error => TYPE_ERROR,
    value_error => VALUE_ERROR,
    index_error => INDEX_ERROR,
    lookup_error => LOOKUP_ERROR,
    overflow_error => OVERFLOW_ERROR,
    zero_division_error => ZERO_DIVISION_ERROR,
    runtime_error => RUNTIME_ERROR,
    system_error => SYSTEM_ERROR,
    memory_error => MEMORY_ERROR,
    not_implemented_error => NOT_IMPLEMENTED_ERROR,
    recursion_error => RECURSION_ERROR,
    buffer_error => BUFFER_ERROR,
    eof_error => EOF_ERROR,
    assertion_error => ASSERTION_ERROR,
    attribute_error => ATTRIBUTE_ERROR,
    import_error => IMPORT_ERROR,
    unbound_local_error => UNBOUND_LOCAL_ERROR,
}

impl Vm {
    /// Raises `MemoryError` where the system would not give so many bytes: asked before memory of a size that the program
    /// chose, since a failed allocation in native code ends the process.
    pub fn room_for(&mut self, bytes: usize) -> PyResult<()> {
        const SURELY_THERE: usize = 1 << 20;
        if bytes <= SURELY_THERE || Vec::<u8>::new().try_reserve_exact(bytes).is_ok() {
            return Ok(());
        }
        Err(self.raise_with(&exc::MEMORY_ERROR, &[]))
    }

    /// Makes `exc`, an exception instance, the pending exception; its `__context__` becomes the exception being handled.
    #[cold]
    pub fn raise(&mut self, exc: Value) -> Raised {
        exc::set_context(self, &exc);
        self.set_pending(exc);
        Raised(())
    }

    /// Makes `exc` pending as it is, without touching its context.
    #[cold]
    pub fn set_pending(&mut self, exc: Value) {
        let old = self.error.replace(exc);
        drop(old);
    }

    /// The witness of an exception that is pending already.
    pub fn already_raised(&mut self) -> Raised {
        debug_assert!(self.error.is_some());
        Raised(())
    }

    /// Raises a builtin exception with a message.
    #[cold]
    pub fn new_error(&mut self, class: &'static TypeDef, message: impl AsRef<str>) -> Raised {
        let message = Str::from_rust(message.as_ref());
        self.raise_with(class, &[message.into()])
    }

    /// Raises `class(*args)`.
    #[cold]
    pub fn raise_with(&mut self, class: &'static TypeDef, args: &[Value]) -> Raised {
        match exc::instantiate(self, class, args) {
            Ok(e) => self.raise(e),
            Err(r) => r,
        }
    }

    /// Raises `KeyError(key)`.
    #[cold]
    pub fn key_error(&mut self, key: &Value) -> Raised {
        self.raise_with(&exc::KEY_ERROR, std::slice::from_ref(key))
    }

    /// Raises `StopIteration`, with a value unless that is absent or `None`.
    #[cold]
    pub fn stop_iteration(&mut self, value: Option<Value>) -> Raised {
        match value {
            Some(v) if !v.is_none() => self.raise_with(&exc::STOP_ITERATION, &[v]),
            _ => self.raise_with(&exc::STOP_ITERATION, &[]),
        }
    }

    /// Raises the `OSError` subclass of an error number.
    #[cold]
    pub fn os_error(&mut self, errno: i32) -> Raised {
        let text = crate::host::strerror(errno);
        let args = [Value::small_unchecked(errno as i64), Str::from_rust(&text).into()];
        self.raise_with(&exc::OS_ERROR, &args)
    }

    /// Raises the `OSError` subclass of an error number, about a path.
    #[cold]
    pub fn os_error_path(&mut self, errno: i32, path: &Value) -> Raised {
        let text = crate::host::strerror(errno);
        let args = [Value::small_unchecked(errno as i64), Str::from_rust(&text).into(), path.clone()];
        self.raise_with(&exc::OS_ERROR, &args)
    }

    /// Raises the `OSError` subclass of an error number, about two paths (`os.rename`).
    #[cold]
    pub fn os_error_paths(&mut self, errno: i32, path: &Value, path2: &Value) -> Raised {
        let text = crate::host::strerror(errno);
        let args = [
            Value::small_unchecked(errno as i64),
            Str::from_rust(&text).into(),
            path.clone(),
            crate::object::none(),
            path2.clone(),
        ];
        self.raise_with(&exc::OS_ERROR, &args)
    }

    /// Raises `NameError: name '…' is not defined`.
    #[cold]
    pub fn name_error(&mut self, name: &Py<Str>) -> Raised {
        exc::raise_name_error(self, name)
    }

    /// The pending exception.
    #[inline(always)]
    pub fn pending(&self) -> Option<&Value> {
        self.error.as_ref()
    }

    /// Takes the pending exception; the error is no longer pending. Without one (a bug of ours) gives a `SystemError`.
    pub fn take_error(&mut self) -> Value {
        if let Some(e) = self.error.take() {
            return e;
        }
        let _ = self.system_error("error return without exception set");
        self.error.take().expect("just raised")
    }

    /// Drops the pending exception.
    pub fn clear_error(&mut self) {
        let old = self.error.take();
        drop(old);
    }

    /// Whether the pending exception is an instance of a builtin class.
    pub fn error_is(&self, class: &'static TypeDef) -> bool {
        self.error.as_ref().is_some_and(|e| typeobject::is_subtype(e.class(), class.object()))
    }

    /// Turns a raised `class` into `Ok(None)`; other errors stay.
    pub fn suppress<T>(&mut self, result: PyResult<T>, class: &'static TypeDef) -> PyResult<Option<T>> {
        match result {
            Ok(v) => Ok(Some(v)),
            Err(_) if self.error_is(class) => {
                self.clear_error();
                Ok(None)
            }
            Err(r) => Err(r),
        }
    }

    /// Runs `f` with the pending exception put aside, and puts it back afterwards (unless `f` left another one).
    pub fn aside<T>(&mut self, f: impl FnOnce(&mut Vm) -> T) -> T {
        let saved = self.error.take();
        let out = f(self);
        if self.error.is_none() {
            self.error = saved;
        }
        out
    }

    /// Reports the pending exception as one that cannot be raised, through `sys.unraisablehook`.
    pub fn unraisable(&mut self, what: Option<&Value>, message: Option<&str>) {
        let e = self.take_error();
        exc::report_unraisable(self, e, what, message);
    }
}
