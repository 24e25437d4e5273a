//! Reduced forms of arrays: a list of items for old protocols, bytes with the name of their machine's form for new ones.

use super::item::{Code, Form};
use super::{ARRAY, CODES, change, this, to_list};
use taipan_runtime::object::{Py, PyResult, Type, Value, none};
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::int::Int;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::vm::Vm;

/// A machine's form of an item.
#[derive(Clone, Copy, PartialEq, Eq)]
struct MachineForm {
    form: Form,
    size: usize,
    big_endian: bool,
}

const fn form(form: Form, size: usize, big_endian: bool) -> MachineForm {
    MachineForm { form, size, big_endian }
}

/// By the numbers that pickles hold (PEP 3118's formats, numbered by `arraymodule.c`).
const FORMS: [MachineForm; 22] = [
    form(Form::Unsigned, 1, false),
    form(Form::Signed, 1, false),
    form(Form::Unsigned, 2, false),
    form(Form::Unsigned, 2, true),
    form(Form::Signed, 2, false),
    form(Form::Signed, 2, true),
    form(Form::Unsigned, 4, false),
    form(Form::Unsigned, 4, true),
    form(Form::Signed, 4, false),
    form(Form::Signed, 4, true),
    form(Form::Unsigned, 8, false),
    form(Form::Unsigned, 8, true),
    form(Form::Signed, 8, false),
    form(Form::Signed, 8, true),
    form(Form::Real, 4, false),
    form(Form::Real, 4, true),
    form(Form::Real, 8, false),
    form(Form::Real, 8, true),
    form(Form::Character, 2, false),
    form(Form::Character, 2, true),
    form(Form::Character, 4, false),
    form(Form::Character, 4, true),
];

fn number(code: Code) -> usize {
    FORMS.iter().position(|f| *f == form(code.form, code.size, false)).unwrap_or(0)
}

/// `__reduce_ex__`
pub fn reduce(vm: &mut Vm, me: &Value, protocol: &Value) -> PyResult {
    let Some(protocol) = Int::read(protocol) else {
        return Err(vm.type_error("__reduce_ex__ argument should be an integer"));
    };
    let old = protocol.is_negative() || protocol.to_i64().is_some_and(|p| p < 3);
    let name = vm.intern("__dict__");
    let dict = vm.get_attr_opt(me, &name)?.unwrap_or_else(none);
    let class: Value = Py::of(me.class()).into();
    let code = this(me).get(vm).code;
    let letter: Value = Str::from_latin1(&[code.letter]).into();
    if old {
        let items = to_list(vm, me)?;
        return Ok(Tuple::of([class, Tuple::of([letter, items]).into(), dict]).into());
    }
    let function = vm.import_attr("array", "_array_reconstructor")?;
    let bytes: Value = Bytes::from_slice(&this(me).get(vm).data).into();
    let args = Tuple::of([class, letter, Value::from_usize(number(code)), bytes]);
    Ok(Tuple::of([function, args.into(), dict]).into())
}

/// `_array_reconstructor`
pub fn reconstruct(vm: &mut Vm, class: &Value, letter: &Value, format: &Value, items: &Value) -> PyResult {
    let code = match letter.downcast::<Str>() {
        Some(s) if s.len() == 1 => u8::try_from(s.at(0)).ok().and_then(Code::of),
        Some(s) => {
            let n = s.len();
            let text = "_array_reconstructor() argument 2 must be a unicode character, not a string of length";
            return Err(vm.type_error(format!("{text} {n}")));
        }
        None => {
            let name = letter.class().payload.name();
            return Err(
                vm.type_error(format!("_array_reconstructor() argument 2 must be a unicode character, not {name}"))
            );
        }
    };
    let format = vm.to_i32(format)?;
    let Some(class_type) = class.downcast::<Type>() else {
        let name = class.class().payload.name();
        return Err(vm.type_error(format!("first argument must be a type object, not {name}")));
    };
    if !taipan_runtime::types::typeobject::is_subtype(class_type.get_type(), ARRAY.object()) {
        let name = class_type.get_type().payload.name();
        return Err(vm.type_error(format!("{name} is not a subtype of array.array")));
    }
    let Some(code) = code else { return Err(vm.value_error("second argument must be a valid type code")) };
    let Some(&machine) = usize::try_from(format).ok().and_then(|i| FORMS.get(i)) else {
        return Err(vm.value_error("third argument must be a valid machine format code."));
    };
    let Some(bytes) = items.downcast::<Bytes>() else {
        let name = items.class().payload.name();
        return Err(vm.type_error(format!("fourth argument should be bytes, not {name}")));
    };
    if machine == form(code.form, code.size, false) {
        let array = empty(vm, class, code)?;
        change::from_bytes(vm, &array, items)?;
        return Ok(array);
    }
    let raw = bytes.as_slice();
    if machine.form == Form::Character {
        return characters(vm, class, code, machine, raw);
    }
    if !raw.len().is_multiple_of(machine.size) {
        return Err(vm.value_error("bytes length not a multiple of item size"));
    }
    converted(vm, class, code, machine, raw)
}

fn empty(vm: &mut Vm, class: &Value, code: Code) -> PyResult {
    vm.call1(class, Str::from_latin1(&[code.letter]).as_value())
}

fn characters(vm: &mut Vm, class: &Value, code: Code, machine: MachineForm, raw: &[u8]) -> PyResult {
    let name = match (machine.size, machine.big_endian) {
        (2, false) => "utf-16-le",
        (2, true) => "utf-16-be",
        (_, false) => "utf-32-le",
        (_, true) => "utf-32-be",
    };
    let text = vm.decode(raw, name, "strict")?;
    vm.call(class, &[Str::from_latin1(&[code.letter]).into(), text.into()])
}

/// An array of the items of another machine's form; integers get the last code of that size and sign, as in CPython.
fn converted(vm: &mut Vm, class: &Value, code: Code, machine: MachineForm, raw: &[u8]) -> PyResult {
    let is_same = |c: &Code| c.form == machine.form && c.size == machine.size;
    let read_as = CODES.into_iter().rev().find(is_same).unwrap_or(code);
    let target = if machine.form == Form::Real { code } else { read_as };
    let array = empty(vm, class, target)?;
    for item in raw.chunks_exact(machine.size) {
        let mut bytes = [0; 8];
        bytes[..machine.size].copy_from_slice(item);
        if machine.big_endian {
            bytes[..machine.size].reverse();
        }
        let v = read_as.get(vm, &bytes)?;
        change::append(vm, &array, &v)?;
    }
    Ok(array)
}
