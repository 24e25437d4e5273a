//! `str.translate` and the tables that `str.maketrans` makes for it.

use super::Str;
use super::methods::{exact, from_text, s};
use crate::object::{Py, PyResult, Value, none};
use crate::types::dict::Dict;
use crate::types::exceptions::LOOKUP_ERROR;
use crate::types::int::Int;
use crate::vm::Vm;
use crate::vm::args::Args;
use taipan_base::text::{Builder, MAX_CODE_POINT};

/// What a table says about a character.
#[derive(Clone)]
enum Mapped {
    Same,
    Gone,
    One(u32),
    Text(Py<Str>),
}

fn look_up(vm: &mut Vm, table: &Value, c: u32) -> PyResult<Mapped> {
    let key = Value::small_unchecked(c.into());
    let found = match table.downcast_exact::<Dict>() {
        Some(d) => d.get_item(vm, &key)?,
        None => {
            let found = vm.get_item(table, &key);
            vm.suppress(found, &LOOKUP_ERROR)?
        }
    };
    let Some(found) = found else { return Ok(Mapped::Same) };
    if found.is_none() {
        return Ok(Mapped::Gone);
    }
    if let Some(text) = found.downcast::<Str>() {
        return Ok(if text.len() == 1 { Mapped::One(text.at(0)) } else { Mapped::Text(text.clone()) });
    }
    match Int::read(&found) {
        Some(i) => match i.to_i64().and_then(|i| u32::try_from(i).ok()).filter(|&c| c <= MAX_CODE_POINT) {
            Some(c) => Ok(Mapped::One(c)),
            None => Err(vm.value_error("character mapping must be in range(0x110000)")),
        },
        None => Err(vm.type_error("character mapping must return integer, None or str")),
    }
}

pub(super) fn translate(vm: &mut Vm, me: &Value, table: &Value) -> PyResult {
    let text = s(me);
    let mut out = Builder::with_capacity(text.len());
    let mut known: [Option<Mapped>; 128] = [const { None }; 128];
    for c in text.code_points() {
        let mapped = match known.get(c as usize) {
            Some(Some(mapped)) => mapped.clone(),
            _ => look_up(vm, table, c)?,
        };
        match &mapped {
            Mapped::Same => out.push(c),
            Mapped::Gone => {}
            Mapped::One(c) => out.push(*c),
            Mapped::Text(t) => crate::with_units!(t.units(), u => out.push_units(u)),
        }
        if let Some(slot @ None) = known.get_mut(c as usize) {
            *slot = Some(mapped);
        }
    }
    if text.len() == 0 {
        return Ok(exact(me).into());
    }
    Ok(from_text(&out.finish()).into())
}

/// `str.maketrans(x[, y[, z]])`.
pub(super) fn maketrans(vm: &mut Vm, args: &Args<'_>) -> PyResult {
    args.between(vm, "maketrans", 1, 3)?;
    let table = Dict::new_object();
    let (x, y, z) = (&args.pos()[0], args.get(1), args.get(2));
    match y {
        Some(y) => {
            let y = vm.expect_str(y, "maketrans() argument 2")?;
            let z = match z {
                Some(z) => Some(vm.expect_str(z, "maketrans() argument 3")?),
                None => None,
            };
            let Some(x) = x.downcast::<Str>() else {
                return Err(vm.type_error("first maketrans argument must be a string if there is a second argument"));
            };
            if x.len() != y.len() {
                return Err(vm.value_error("the first two maketrans arguments must have equal length"));
            }
            for (from, to) in x.code_points().zip(y.code_points()) {
                table.set_item(vm, &Value::small_unchecked(from.into()), Value::small_unchecked(to.into()))?;
            }
            for c in z.into_iter().flat_map(|z| z.code_points()) {
                table.set_item(vm, &Value::small_unchecked(c.into()), none())?;
            }
        }
        None => {
            let Some(source) = x.downcast_exact::<Dict>() else {
                return Err(vm.type_error("if you give only one argument to maketrans it must be a dict"));
            };
            for (key, value) in source.pairs() {
                let key = match key.downcast::<Str>() {
                    Some(text) if text.len() == 1 => Value::small_unchecked(text.at(0).into()),
                    Some(_) => return Err(vm.value_error("string keys in translatetable must be of length 1")),
                    None if Int::read(&key).is_some() => key,
                    None => return Err(vm.type_error("keys in translate table must be strings or integers")),
                };
                table.set_item(vm, &key, value)?;
            }
        }
    }
    Ok(table.into())
}
