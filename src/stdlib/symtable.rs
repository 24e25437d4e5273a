//! `_symtable`: the scopes of a source as objects, for the `symtable` module.

use std::rc::Rc;
use taipan_runtime::builtins::code::source_text;
use taipan_runtime::builtins::fs_path_text;
use taipan_runtime::import::ModuleDef;
use taipan_runtime::object::typedef::{MethodDef, NativeFn};
use taipan_runtime::object::{GetSetDef, Py, PyResult, Slots, TypeDef, TypeFlags, Value, instance};
use taipan_runtime::types::dict::Dict;
use taipan_runtime::types::int::Int;
use taipan_runtime::types::list::List;
use taipan_runtime::vm::Vm;
use taipan_syntax::symtable::{BlockId, BlockKind, Scope, SymbolTable, SymtableOptions, flags};
use taipan_syntax::{Mode, ParseOptions};

/// The module.
pub static MODULE: ModuleDef = ModuleDef::new("_symtable")
    .functions(&[MethodDef::function(
        "symtable",
        "($module, source, filename, startstr, /)",
        "Return symbol and scope dictionaries used internally by compiler.",
        NativeFn::F3(symtable),
    )])
    .init(init);

fn init(_: &mut Vm, dict: &Py<Dict>) -> PyResult<()> {
    taipan_runtime::types::typeobject::ready::ready(&ENTRY);
    let numbers = [
        ("USE", flags::USE),
        ("DEF_GLOBAL", flags::DEF_GLOBAL),
        ("DEF_NONLOCAL", flags::DEF_NONLOCAL),
        ("DEF_LOCAL", flags::DEF_LOCAL),
        ("DEF_PARAM", flags::DEF_PARAM),
        ("DEF_TYPE_PARAM", flags::DEF_TYPE_PARAM),
        ("DEF_FREE_CLASS", flags::DEF_FREE_CLASS),
        ("DEF_IMPORT", flags::DEF_IMPORT),
        ("DEF_BOUND", flags::DEF_BOUND),
        ("DEF_ANNOT", flags::DEF_ANNOT),
        ("DEF_COMP_ITER", flags::DEF_COMP_ITER),
        ("DEF_COMP_CELL", flags::DEF_COMP_CELL),
        ("TYPE_FUNCTION", BlockKind::Function as u32),
        ("TYPE_CLASS", BlockKind::Class as u32),
        ("TYPE_MODULE", BlockKind::Module as u32),
        ("TYPE_ANNOTATION", BlockKind::Annotation as u32),
        ("TYPE_TYPE_ALIAS", BlockKind::TypeAlias as u32),
        ("TYPE_TYPE_PARAMETERS", BlockKind::TypeParameters as u32),
        ("TYPE_TYPE_VARIABLE", BlockKind::TypeVariable as u32),
        ("LOCAL", Scope::Local as u32),
        ("GLOBAL_EXPLICIT", Scope::GlobalExplicit as u32),
        ("GLOBAL_IMPLICIT", Scope::GlobalImplicit as u32),
        ("FREE", Scope::Free as u32),
        ("CELL", Scope::Cell as u32),
        ("SCOPE_OFF", flags::SCOPE_OFFSET),
        ("SCOPE_MASK", flags::SCOPE_MASK),
    ];
    for (name, n) in numbers {
        dict.store_text(name, Value::small_unchecked(n as i64));
    }
    Ok(())
}

/// Payload of `symtable entry`: one block.
pub struct Entry {
    table: Rc<SymbolTable>,
    block: BlockId,
    symbols: Value,
    varnames: Value,
    children: Value,
}

taipan_runtime::payload!(Entry, ENTRY,
    traverse(self, visit) {
        let Entry { table: _, block: _, symbols, varnames, children } = self;
        visit(symbols);
        visit(varnames);
        visit(children);
    },
    clear(self) {});

/// The type `symtable entry`.
pub static ENTRY: TypeDef = TypeDef::new::<Entry>("symtable entry")
    .flags(TypeFlags::HAVE_GC)
    .cpython_size(144, 0)
    .slots(Slots { repr: Some(repr), ..Slots::NONE })
    .getset(&[
        GetSetDef::member("id", "", |_, v| Ok(Int::from_u64(v.id() as u64))),
        GetSetDef::member("name", "", |vm, v| {
            let e = entry(v).get(vm);
            let name = e.table.block(e.block).name.to_string();
            Ok(vm.intern(&name).into())
        }),
        GetSetDef::member("symbols", "", |vm, v| Ok(entry(v).get(vm).symbols.clone())),
        GetSetDef::member("varnames", "", |vm, v| Ok(entry(v).get(vm).varnames.clone())),
        GetSetDef::member("children", "", |vm, v| Ok(entry(v).get(vm).children.clone())),
        GetSetDef::member("nested", "", |vm, v| {
            let e = entry(v).get(vm);
            Ok(Value::small_unchecked(e.table.block(e.block).nested as i64))
        }),
        GetSetDef::member("type", "", |vm, v| {
            let e = entry(v).get(vm);
            Ok(Value::small_unchecked(e.table.block(e.block).kind as i64))
        }),
        GetSetDef::member("lineno", "", |vm, v| {
            let e = entry(v).get(vm);
            Ok(Value::small_unchecked(e.table.block(e.block).span.lineno as i64))
        }),
    ]);

fn entry(v: &Value) -> &Py<Entry> {
    v.downcast::<Entry>().expect("an attribute of symtable entry")
}

fn repr(vm: &mut Vm, v: &Value) -> PyResult {
    let e = entry(v).get(vm);
    let b = e.table.block(e.block);
    let text = format!("<symtable entry {}({}), line {}>", b.name, v.id(), b.span.lineno);
    Ok(vm.new_str(&text))
}

fn symtable(vm: &mut Vm, source: &Value, filename: &Value, start: &Value) -> PyResult {
    let filename = fs_path_text(vm, filename)?;
    let start = vm.expect_str(start, "symtable() argument 3")?.to_rust().into_owned();
    let mode = match start.as_str() {
        "exec" => Mode::Exec,
        "eval" => Mode::Eval,
        "single" => Mode::Single,
        _ => return Err(vm.value_error("symtable() arg 3 must be 'exec' or 'eval' or 'single'")),
    };
    let text = source_text(vm, source, "symtable() arg 1 must be a string or bytes", &filename)?;
    let options = ParseOptions { mode, filename: filename.clone(), ..Default::default() };
    let built = taipan_syntax::parse(&text, &options)
        .and_then(|parsed| SymbolTable::build(&parsed.module, &SymtableOptions { filename, ..Default::default() }));
    match built {
        Ok(table) => {
            let table = Rc::new(table);
            let top = table.top().id;
            Ok(make(vm, &table, top))
        }
        Err(e) => Err(vm.syntax_error(&e)),
    }
}

fn make(vm: &mut Vm, table: &Rc<SymbolTable>, id: BlockId) -> Value {
    let block = table.block(id);
    let symbols = Dict::new_object();
    for (name, flags) in block.symbols.iter() {
        symbols.store_text(name, Value::small_unchecked(flags as i64));
    }
    let varnames: Vec<Value> = block.varnames.iter().map(|n| vm.intern(n).into()).collect();
    let children: Vec<Value> = block.children.iter().map(|&c| make(vm, table, c)).collect();
    instance::new(Entry {
        table: table.clone(),
        block: id,
        symbols: symbols.into(),
        varnames: List::from_vec(varnames).into(),
        children: List::from_vec(children).into(),
    })
    .into()
}
