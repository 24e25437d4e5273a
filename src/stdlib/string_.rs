//! `_string`: what `string.Formatter` is made of (`Objects/unicodeobject.c`).

use taipan_base::format::template::{FieldName, First, Step, Template};
use taipan_runtime::import::ModuleDef;
use taipan_runtime::object::{MethodDef, NativeFn::*, PyResult, Value, boolean, none};
use taipan_runtime::types::list::List;
use taipan_runtime::types::str::methods::{Wide, raise_format};
use taipan_runtime::types::str::{Str, intern};
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::vm::Vm;
use taipan_runtime::with_units;

/// The module.
pub static MODULE: ModuleDef = ModuleDef::new("_string").doc("string helper module").functions(&[
    MethodDef::function("formatter_field_name_split", "($module, string, /)", "Split a field's name.", F1(split_name)),
    MethodDef::function("formatter_parser", "($module, string, /)", "Parse a format string.", F1(parse)),
]);

fn text<'a>(vm: &mut Vm, v: &'a Value) -> PyResult<&'a taipan_runtime::object::Py<Str>> {
    match v.downcast::<Str>() {
        Some(s) => Ok(s),
        None => {
            let name = v.class().payload.name();
            Err(vm.type_error(format!("expected str, got {name}")))
        }
    }
}

fn parse(vm: &mut Vm, v: &Value) -> PyResult {
    let template = text(vm, v)?.clone();
    let rows = with_units!(template.units(), u => pieces(vm, u))?;
    let list: Value = List::from_vec(rows).into();
    vm.iter(&list)
}

fn pieces<U: Wide>(vm: &mut Vm, template: &[U]) -> PyResult<Vec<Value>> {
    let mut rows = Vec::new();
    for piece in Template::new(template) {
        let piece = match piece {
            Ok(piece) => piece,
            Err(e) => return Err(raise_format(vm, &e)),
        };
        let literal = U::object(piece.literal).into();
        rows.push(match piece.field {
            None => Tuple::of([literal, none(), none(), none()]).into(),
            Some(f) => {
                let conversion = match f.conversion {
                    Some(c) => Str::from_code_points(&[c]).into(),
                    None => none(),
                };
                Tuple::of([literal, U::object(f.name).into(), U::object(f.spec).into(), conversion]).into()
            }
        });
    }
    Ok(rows)
}

fn split_name(vm: &mut Vm, v: &Value) -> PyResult {
    let name = text(vm, v)?.clone();
    with_units!(name.units(), u => split_units(vm, u))
}

fn split_units<U: Wide>(vm: &mut Vm, name: &[U]) -> PyResult {
    let parsed = match FieldName::parse(name) {
        Ok(parsed) => parsed,
        Err(e) => return Err(raise_format(vm, &e)),
    };
    let first: Value = match parsed.first {
        First::Auto => intern::empty().into(),
        First::Index(i) => Value::from_usize(i),
        First::Name(name) => U::object(name).into(),
    };
    let mut steps = Vec::new();
    for step in parsed.steps {
        let (attribute, key): (bool, Value) = match step {
            Ok(Step::Attribute(name)) => (true, U::object(name).into()),
            Ok(Step::Index(i)) => (false, Value::from_usize(i)),
            Ok(Step::Key(key)) => (false, U::object(key).into()),
            Err(e) => return Err(raise_format(vm, &e)),
        };
        steps.push(Tuple::of([boolean(attribute), key]).into());
    }
    let list: Value = List::from_vec(steps).into();
    let rest = vm.iter(&list)?;
    Ok(Tuple::of([first, rest]).into())
}
