//! `_json` (`Modules/_json.c`): the scanner and the encoder that `json` uses instead of its own in Python.

mod encode;
mod scan;
mod text;

pub use encode::ENCODER;
pub use scan::SCANNER;
use taipan_runtime::import::ModuleDef;
use taipan_runtime::object::{MethodDef, NativeFn::*, Py, PyResult, Raised, Value};
use taipan_runtime::types::dict::Dict;
use taipan_runtime::types::str::Str;
use taipan_runtime::vm::Vm;

/// The functions; the encoder knows its two fast ones by their rows.
static FUNCTIONS: [MethodDef; 3] = [
    MethodDef::function(
        "encode_basestring_ascii",
        "($module, object, /)",
        "Return an ASCII-only JSON representation of a Python string",
        F1(|vm, v| text::quoted(vm, v, true)),
    ),
    MethodDef::function(
        "encode_basestring",
        "($module, object, /)",
        "Return a JSON representation of a Python string",
        F1(|vm, v| text::quoted(vm, v, false)),
    ),
    MethodDef::function(
        "scanstring",
        "",
        "scanstring(string, end, strict=True) -> (string, end)\n\nScan a JSON string literal from after its opening \
         quote.",
        V(scan::scanstring),
    ),
];

/// The module.
pub static MODULE: ModuleDef =
    ModuleDef::new("_json").doc("json speedups\n").functions(&FUNCTIONS).types(&[&SCANNER, &ENCODER]).init(
        |vm, dict| {
            for (old, name, class) in
                [("Scanner", "make_scanner", SCANNER.value()), ("Encoder", "make_encoder", ENCODER.value())]
            {
                dict.remove_str(&vm.intern(old));
                dict.store_text(name, class);
            }
            Ok(())
        },
    );

/// How a string encoder given from Python can be short-cut.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Quoting {
    /// `encode_basestring_ascii`
    Ascii,
    /// `encode_basestring`
    Any,
    /// A function that must be called.
    Call,
}

impl Quoting {
    fn of(v: &Value) -> Quoting {
        use taipan_runtime::types::method::BuiltinFunction;
        let Some(f) = v.downcast::<BuiltinFunction>() else { return Quoting::Call };
        if std::ptr::eq(f.def, &FUNCTIONS[0]) {
            Quoting::Ascii
        } else if std::ptr::eq(f.def, &FUNCTIONS[1]) {
            Quoting::Any
        } else {
            Quoting::Call
        }
    }
}

/// Raises `json.JSONDecodeError(message, document, position)`.
#[cold]
fn decode_error(vm: &mut Vm, message: &str, document: &Py<Str>, at: usize) -> Raised {
    let made = vm.import_attr("json.decoder", "JSONDecodeError").and_then(|class| {
        let message = vm.new_str(message);
        vm.call(&class, &[message, document.as_value().clone(), Value::from_usize(at)])
    });
    match made {
        Ok(e) => vm.raise(e),
        Err(r) => r,
    }
}

/// The string of a first argument.
fn string_argument<'a>(vm: &mut Vm, v: &'a Value) -> PyResult<&'a Py<Str>> {
    v.downcast::<Str>().ok_or_else(|| {
        let name = v.class().payload.name();
        vm.type_error(format!("first argument must be a string, not {name}"))
    })
}

/// Keys met in one document, so that equal ones are one object.
type Memo = Py<Dict>;
