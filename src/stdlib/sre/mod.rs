//! `_sre` (`Modules/_sre`): the engine of `re`, whose Python part parses patterns and compiles them to code words.
//!
//! `program` is what runs, made by `lower` from the words with the help of `chars` (sets, categories, case) and `first`
//! (what places can start with), and run by `engine`, which looks at text through `scan`. `pattern`, `match_`, `scanner`
//! and `template` are the types that Python sees, `subject` the texts that they work on.

mod chars;
mod engine;
mod first;
mod lower;
mod match_;
mod pattern;
mod program;
mod scan;
mod scanner;
mod subject;
mod template;
#[cfg(test)]
mod tests;

use pattern::Pattern;
use std::cell::Cell;
use subject::Text;
use taipan_base::unicode;
use taipan_runtime::import::ModuleDef;
use taipan_runtime::object::{MethodDef, NativeFn::*, Py, PyResult, Value, boolean, instance};
use taipan_runtime::types::dict::Dict;
use taipan_runtime::types::int::Int;
use taipan_runtime::types::list::List;
use taipan_runtime::types::sequence::ssize_arg;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::vm::Vm;

/// The version of the code words that `lower` reads.
const MAGIC: i64 = 20230612;
/// Stands for "no limit" in repeats.
const MAXREPEAT: i64 = u32::MAX as i64;
/// Groups of a pattern, at most.
const MAXGROUPS: i64 = i32::MAX as i64 / 2;

/// The module.
pub static MODULE: ModuleDef = ModuleDef::new("_sre")
    .doc("The engine of regular expressions.")
    .types(&[&pattern::PATTERN, &match_::MATCH, &scanner::SCANNER, &template::TEMPLATE])
    .init(init)
    .functions(&[
        MethodDef::function(
            "compile",
            "($module, /, pattern, flags, code, groups, groupindex, indexgroup)",
            "Make a pattern object of code words.",
            N(compile),
        ),
        MethodDef::function(
            "template",
            "($module, pattern, template, /)",
            "Make a template object of literals and numbers of groups.",
            F2(template::make),
        ),
        MethodDef::function(
            "getcodesize",
            "($module, /)",
            "Return the bytes of a code word.",
            F0(|_| Ok(Value::from_usize(4))),
        ),
        MethodDef::function(
            "ascii_iscased",
            "($module, character, /)",
            "Return whether an ASCII character has case.",
            F1(|vm, c| {
                let c = vm.to_i32(c)? as u32;
                Ok(boolean(c < 128 && (c as u8).is_ascii_alphabetic()))
            }),
        ),
        MethodDef::function(
            "unicode_iscased",
            "($module, character, /)",
            "Return whether a character has case.",
            F1(|vm, c| {
                let c = vm.to_i32(c)? as u32;
                Ok(boolean(unicode::lower_simple(c) != c || unicode::upper_simple(c) != c))
            }),
        ),
        MethodDef::function(
            "ascii_tolower",
            "($module, character, /)",
            "Return the lower case of an ASCII character.",
            F1(|vm, c| {
                let c = vm.to_i32(c)?;
                Ok(Value::small_unchecked(chars::ascii_lower(c as u32).into()))
            }),
        ),
        MethodDef::function(
            "unicode_tolower",
            "($module, character, /)",
            "Return the lower case of a character.",
            F1(|vm, c| {
                let c = vm.to_i32(c)?;
                Ok(Value::small_unchecked(unicode::lower_simple(c as u32).into()))
            }),
        ),
    ]);

fn init(vm: &mut Vm, dict: &Py<Dict>) -> PyResult<()> {
    for name in ["Pattern", "Match", "SRE_Scanner", "SRE_Template"] {
        dict.remove_str(&vm.intern(name));
    }
    for (name, value) in [("MAGIC", MAGIC), ("CODESIZE", 4), ("MAXREPEAT", MAXREPEAT), ("MAXGROUPS", MAXGROUPS)] {
        dict.store_text(name, Value::small_unchecked(value));
    }
    Ok(())
}

/// Refuses an argument of `compile`.
fn wrong(vm: &mut Vm, name: &str, wanted: &str, v: &Value) -> taipan_runtime::object::Raised {
    let got = v.class().payload.name();
    vm.type_error(format!("compile() argument '{name}' must be {wanted}, not {got}"))
}

fn compile(vm: &mut Vm, args: &[Option<Value>]) -> PyResult {
    let [Some(pattern), Some(flags), Some(code), Some(groups), Some(groupindex), Some(indexgroup)] = args else {
        unreachable!("bound by the signature")
    };
    let flags = vm.to_i32(flags)?;
    let Some(words) = code.downcast::<List>() else { return Err(wrong(vm, "code", "list", code)) };
    let groups = ssize_arg(vm, groups)?;
    let Some(groupindex) = groupindex.downcast::<Dict>() else {
        return Err(wrong(vm, "groupindex", "dict", groupindex));
    };
    let Some(indexgroup) = indexgroup.downcast::<Tuple>() else {
        return Err(wrong(vm, "indexgroup", "tuple", indexgroup));
    };
    let mut code = Vec::with_capacity(words.get(vm).items.len());
    for word in words.to_vec() {
        let Some(i) = Int::read(&word) else { return Err(vm.type_error("an integer is required")) };
        let Some(i) = i.to_i64().and_then(|i| u32::try_from(i).ok()) else {
            return Err(vm.overflow_error("regular expression code size limit exceeded"));
        };
        code.push(i);
    }
    let is_bytes = if pattern.is_none() { None } else { Some(Text::of(vm, pattern)?.is_bytes()) };
    let valid = (0..=MAXGROUPS as isize).contains(&groups);
    let Some(program) = valid.then(|| lower::lower(&code, groups as usize).ok()).flatten() else {
        return Err(vm.runtime_error("invalid SRE code"));
    };
    Ok(instance::new(Pattern {
        pattern: pattern.clone(),
        flags,
        code: code.into(),
        program,
        groupindex: groupindex.clone(),
        indexgroup: indexgroup.clone(),
        is_bytes,
        matcher: Cell::new(None),
    })
    .into())
}
