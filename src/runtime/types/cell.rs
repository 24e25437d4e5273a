//! `cell`: a variable shared between a function and the functions inside it.

use crate::object::typedef::{CmpOp, Payload, Visit};
use crate::object::value::Frozen;
use crate::object::{
    GetSetDef, Py, PyResult, Slots, Type, TypeDef, TypeFlags, Value, boolean, instance, not_implemented,
};
use crate::vm::Vm;
use crate::vm::args::Args;
use std::cell::Cell;

/// Payload of `cell`: the word of the content, 0 when empty; small integers and owned pointers only.
pub struct CellObject {
    word: Cell<usize>,
}

// SAFETY: made by `TypeDef::new::<CellObject>`; the one owned value is visited.
unsafe impl Payload for CellObject {
    const DEF: &'static TypeDef = &CELL;
    fn traverse(&self, visit: &mut Visit<'_>) {
        let word = self.word.get();
        if word != 0 {
            // SAFETY: the cell owns the word.
            visit(unsafe { Value::ref_from_word(&word) });
        }
    }
    fn clear(&mut self) {
        drop(self.replace(None));
    }
}
impl Frozen for CellObject {}

impl Drop for CellObject {
    fn drop(&mut self) {
        drop(self.replace(None));
    }
}

impl CellObject {
    /// A cell, empty without a value.
    #[inline]
    pub fn new_object(value: Option<Value>) -> Value {
        instance::new(CellObject { word: Cell::new(value.map_or(0, Value::into_word)) }).into()
    }
    /// The word of the content, 0 when empty; it stays owned by the cell.
    #[inline(always)]
    pub fn word(&self) -> usize {
        self.word.get()
    }
    /// Replaces the word; the old one, with its reference, passes to the caller.
    #[inline(always)]
    pub fn replace_word(&self, word: usize) -> usize {
        self.word.replace(word)
    }
    /// The content.
    pub fn content(&self) -> Option<Value> {
        let word = self.word.get();
        // SAFETY: the cell owns the word.
        (word != 0).then(|| unsafe { Value::ref_from_word(&word) }.clone())
    }
    /// Replaces the content; gives the old one.
    pub fn replace(&self, value: Option<Value>) -> Option<Value> {
        let old = self.replace_word(value.map_or(0, Value::into_word));
        // SAFETY: the reference passes from the cell to the result.
        (old != 0).then(|| unsafe { Value::from_word(old) })
    }
}

/// `cell`.
pub static CELL: TypeDef = TypeDef::new::<CellObject>("cell")
    .doc("A variable shared by nested functions; empty until it gets a value.")
    .signature("([contents])")
    .flags(TypeFlags::HAVE_GC)
    .cpython_size(24, 0)
    .slots(Slots {
        repr: Some(repr),
        richcmp: Some(compare),
        hash: Some(crate::types::slots::not_hashable),
        new: Some(new),
        ..Slots::NONE
    })
    .getset(&[GetSetDef::get_set("cell_contents", "", contents, set_contents)]);

fn cell(v: &Value) -> &Py<CellObject> {
    v.downcast::<CellObject>().expect("a cell")
}

fn repr(vm: &mut Vm, v: &Value) -> PyResult {
    let text = match cell(v).content() {
        None => format!("<cell at {:#x}: empty>", v.id()),
        Some(x) => format!("<cell at {:#x}: {} object at {:#x}>", v.id(), x.class().payload.name(), x.id()),
    };
    Ok(vm.new_str(&text))
}

fn compare(vm: &mut Vm, a: &Value, b: &Value, op: CmpOp) -> PyResult {
    let Some(b) = b.downcast::<CellObject>() else { return Ok(not_implemented()) };
    match (cell(a).content(), b.content()) {
        (Some(a), Some(b)) => vm.compare(&a, &b, op),
        (a, b) => Ok(boolean(op.holds(a.is_some().cmp(&b.is_some())))),
    }
}

fn contents(vm: &mut Vm, v: &Value) -> PyResult {
    cell(v).content().ok_or_else(|| vm.value_error("Cell is empty"))
}

fn set_contents(_: &mut Vm, v: &Value, value: Option<&Value>) -> PyResult<()> {
    drop(cell(v).replace(value.cloned()));
    Ok(())
}

fn new(vm: &mut Vm, _: &Py<Type>, args: &Args<'_>) -> PyResult {
    args.between(vm, "cell", 0, 1)?;
    Ok(CellObject::new_object(args.get(0).cloned()))
}
