//! `pyexpat` (`Modules/pyexpat.c`): the XML parser below `xml.etree`, `xml.dom`, `xml.sax`, `plistlib` and `xmlrpc`,
//! which in CPython is the C library expat.
//!
//! `machine` parses (over `encoding`, `text`, `markup`, `dtd`, `namespaces`) and tells `event`s; `parser` is the type that hands
//! them to Python. It does not validate, as expat does not.

mod dtd;
mod encoding;
mod event;
mod machine;
mod markup;
mod namespaces;
mod parser;
mod text;

use crate::error_class::ErrorClass;
use crate::system::{int, store_numbers};
use event::{Fault, MESSAGES};
pub use parser::PARSER;
use taipan_runtime::import::{self, ModuleDef};
use taipan_runtime::object::{MethodDef, NativeFn::*, Py, PyResult, Raised, Value};
use taipan_runtime::types::dict::Dict;
use taipan_runtime::types::exceptions::EXCEPTION;
use taipan_runtime::types::list::List;
use taipan_runtime::types::module::Module;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::vm::Vm;

static ERROR: ErrorClass = ErrorClass::new("xml.parsers.expat", "ExpatError", &EXCEPTION);

/// The module.
pub static MODULE: ModuleDef = ModuleDef::new("pyexpat")
    .doc("Python wrapper for Expat parser.")
    .functions(&[
        MethodDef::function(
            "ParserCreate",
            "($module, /, encoding=None, namespace_separator=None,\n             intern=<unrepresentable>)",
            "Return a new XML parser object.",
            V(parser::create),
        ),
        MethodDef::function(
            "ErrorString",
            "($module, code, /)",
            "Returns string error for given number.",
            F1(|vm, code| {
                let code = vm.to_i64(code)?;
                match usize::try_from(code).ok().and_then(message) {
                    Some(text) => Ok(vm.new_str(text)),
                    None => Ok(taipan_runtime::object::none()),
                }
            }),
        ),
    ])
    .init(init);

/// The message of an error number.
fn message(code: usize) -> Option<&'static str> {
    Some(MESSAGES.get(code.checked_sub(1)?)?.1)
}

fn init(vm: &mut Vm, dict: &Py<Dict>) -> PyResult<()> {
    taipan_runtime::types::typeobject::ready::ready(&PARSER);
    dict.store_text("XMLParserType", PARSER.value());
    let error = ERROR.get(vm)?;
    dict.store_text("ExpatError", error.clone());
    dict.store_text("error", error);
    dict.store_text("EXPAT_VERSION", vm.new_str("expat_2.9.0"));
    dict.store_text("version_info", Tuple::of([int(2), int(9), int(0)]));
    dict.store_text("native_encoding", vm.new_str("UTF-8"));
    let features: Vec<Value> =
        [("sizeof(XML_Char)", 1), ("sizeof(XML_LChar)", 1), ("XML_DTD", 0), ("XML_NS", 0), ("XML_GE", 0)]
            .into_iter()
            .map(|(name, n)| Tuple::of([vm.new_str(name), int(n)]).into())
            .collect();
    dict.store_text("features", List::from_vec(features));
    store_numbers(
        dict,
        &[
            ("XML_PARAM_ENTITY_PARSING_NEVER", 0),
            ("XML_PARAM_ENTITY_PARSING_UNLESS_STANDALONE", 1),
            ("XML_PARAM_ENTITY_PARSING_ALWAYS", 2),
        ],
    );
    submodule(vm, dict, "model", "Constants used to interpret content model information.", |_, d| {
        store_numbers(
            d,
            &[
                ("XML_CTYPE_EMPTY", 1),
                ("XML_CTYPE_ANY", 2),
                ("XML_CTYPE_MIXED", 3),
                ("XML_CTYPE_NAME", 4),
                ("XML_CTYPE_CHOICE", 5),
                ("XML_CTYPE_SEQ", 6),
                ("XML_CQUANT_NONE", 0),
                ("XML_CQUANT_OPT", 1),
                ("XML_CQUANT_REP", 2),
                ("XML_CQUANT_PLUS", 3),
            ],
        );
        Ok(())
    })?;
    submodule(vm, dict, "errors", "Constants used to describe error conditions.", |vm, d| {
        let (codes, messages) = (Dict::new_object(), Dict::new_object());
        for (i, (name, text)) in MESSAGES.iter().enumerate() {
            let (text, number) = (vm.new_str(text), int(i as i64 + 1));
            d.store_text(name, text.clone());
            codes.set_item(vm, &text, number.clone())?;
            messages.set_item(vm, &number, text)?;
        }
        d.store_text("codes", codes);
        d.store_text("messages", messages);
        Ok(())
    })
}

/// A module in the module, which can also be imported.
fn submodule(
    vm: &mut Vm,
    dict: &Py<Dict>,
    name: &str,
    doc: &str,
    fill: fn(&mut Vm, &Py<Dict>) -> PyResult<()>,
) -> PyResult<()> {
    let full = vm.intern(&format!("pyexpat.{name}"));
    let doc = vm.new_str(doc);
    let module = Module::new_object(full.as_value(), doc);
    fill(vm, &module.dict)?;
    let module: Value = module.into();
    import::modules(vm)?.store_str(&full, module.clone());
    dict.store_text(name, module);
    Ok(())
}

/// Raises `ExpatError`.
fn raise(vm: &mut Vm, fault: Fault) -> Raised {
    raise_text(vm, fault, message(fault.code).unwrap_or("unknown error"))
}

/// Raises `ExpatError` with other words.
fn raise_text(vm: &mut Vm, fault: Fault, text: &str) -> Raised {
    let (line, column) = (fault.at.line + 1, fault.at.column);
    let made = ERROR.get(vm).and_then(|class| {
        let text = vm.new_str(&format!("{text}: line {line}, column {column}"));
        let error = vm.call1(&class, &text)?;
        vm.set_attr_text(&error, "code", &Value::from_usize(fault.code))?;
        vm.set_attr_text(&error, "offset", &Value::from_usize(column))?;
        vm.set_attr_text(&error, "lineno", &Value::from_usize(line))?;
        Ok(error)
    });
    match made {
        Ok(error) => vm.raise(error),
        Err(r) => r,
    }
}
