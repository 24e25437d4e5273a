//! `_ast`: the classes of the abstract syntax tree, and trees as Python objects.
//!
//! No class is written out here: names, fields and bases come from the reflection of the syntax crate's table. `node`
//! has what instances can do, `convert` the way from the typed tree to objects and back.

mod convert;
mod node;

use taipan_runtime::builtins::code::{AST_HOOKS, AstHooks};
use taipan_runtime::builtins::global::Global;
use taipan_runtime::import::ModuleDef;
use taipan_runtime::object::{Py, PyResult, Type, Value, none};
use taipan_runtime::types::dict::Dict;
use taipan_runtime::types::list::LIST;
use taipan_runtime::types::str::methods::STR;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::types::typeobject::TYPE;
use taipan_runtime::vm::Vm;
use taipan_runtime::vm::ops::BinOp;
use taipan_syntax::ast::{CLASSES, Class, FieldInfo, GROUPS, GroupInfo, POSITION_ATTRIBUTES, Shape};

pub use node::AST;

/// The module.
pub static MODULE: ModuleDef = ModuleDef::new("_ast").types(&[&AST]).init(init);

/// All classes: those of `Class` in its order, then the bases of groups in the order of `Group`. A tuple.
static ALL: Global = Global::new();
/// Instances of the classes without fields, in the places of their classes in [`ALL`].
static SINGLETONS: Global = Global::new();

fn init(vm: &mut Vm, dict: &Py<Dict>) -> PyResult<()> {
    if ALL.get().is_none() {
        make_classes(vm)?;
    }
    let all = classes();
    for class in all.items() {
        if let Some(class) = class.downcast::<Type>() {
            dict.store_text(&class.get_type().payload.name(), class.clone());
        }
    }
    let flags = [
        ("PyCF_ONLY_AST", 0x400),
        ("PyCF_OPTIMIZED_AST", 0x8400),
        ("PyCF_TYPE_COMMENTS", 0x1000),
        ("PyCF_ALLOW_TOP_LEVEL_AWAIT", 0x2000),
    ];
    for (name, flag) in flags {
        dict.store_text(name, Value::small_unchecked(flag));
    }
    let hooks = AstHooks {
        is_node,
        check_mode: convert::check_mode,
        to_tree: convert::tree_of,
        from_tree: convert::objects_of,
    };
    let _ = AST_HOOKS.set(hooks);
    Ok(())
}

fn is_node(vm: &mut Vm, v: &Value) -> bool {
    vm.is_kind(v, &AST)
}

fn tuple_in(place: &Global) -> Py<Tuple> {
    match place.get().map(Value::into_py::<Tuple>) {
        Some(Ok(t)) => t,
        _ => Tuple::empty(),
    }
}

fn classes() -> Py<Tuple> {
    tuple_in(&ALL)
}

/// The Python class of a node class.
fn class_of(class: Class) -> Value {
    classes().items()[class as usize].clone()
}

/// The one instance of a class without fields.
fn singleton(class: Class) -> Value {
    tuple_in(&SINGLETONS).items()[class as usize].clone()
}

/// The node class of an object, its own or that of the nearest base that is one.
fn node_class(v: &Value) -> Option<Class> {
    let all = classes();
    let mro = v.class().payload.mro.borrow();
    mro.iter().find_map(|t| {
        let i = all.items()[..CLASSES.len()].iter().position(|c| c.is(t.as_value()))?;
        Some(CLASSES[i].class)
    })
}

fn strings(vm: &mut Vm, names: impl Iterator<Item = &'static str>) -> Value {
    Tuple::from_vec(names.map(|n| vm.intern(n).into()).collect()).into()
}

/// Makes all classes, the bases of groups first.
fn make_classes(vm: &mut Vm) -> PyResult<()> {
    let ast = AST.value();
    let own = AST.object().payload.dict();
    for name in ["_fields", "_attributes", "__match_args__"] {
        own.store_text(name, Tuple::empty());
    }
    let mut groups = Vec::with_capacity(GROUPS.len());
    for g in GROUPS {
        // A product's class is the group itself, unless it has a name of its own (`TypeIgnore`).
        let own = g.classes.iter().all(|class| class.info().base_name() == "AST");
        groups.push(if own { none() } else { make_base(vm, g, &ast)? });
    }
    let mut all = Vec::with_capacity(CLASSES.len());
    let mut singletons = Vec::with_capacity(CLASSES.len());
    for info in CLASSES {
        let group = info.group.info();
        let own = info.base_name() == "AST";
        let base = if own { ast.clone() } else { groups[info.group as usize].clone() };
        let dict = Dict::new_object();
        let fields = strings(vm, info.fields.iter().map(FieldInfo::name));
        dict.store_text("_fields", fields.clone());
        dict.store_text("__match_args__", fields);
        let doc = vm.new_str(&info.doc());
        dict.store_text("__doc__", doc);
        if own {
            add_attributes(vm, &dict, group);
        }
        for f in info.fields.iter().filter(|f| f.suffix == "?") {
            dict.store_text(f.name(), none());
        }
        let class = make_class(vm, info.name, &base, dict)?;
        singletons.push(match group.shape {
            Shape::names => vm.call(&class, &[])?,
            _ => none(),
        });
        all.push(class);
    }
    let bases: Vec<Value> = groups.into_iter().filter(|g| !g.is_none()).collect();
    all.extend(bases);
    drop(ALL.set(Some(Tuple::from_vec(all).into())));
    drop(SINGLETONS.set(Some(Tuple::from_vec(singletons).into())));
    add_field_types(vm)
}

fn make_base(vm: &mut Vm, g: &GroupInfo, ast: &Value) -> PyResult {
    let dict = Dict::new_object();
    dict.store_text("_fields", Tuple::empty());
    dict.store_text("__match_args__", Tuple::empty());
    let doc = vm.new_str(&g.doc());
    dict.store_text("__doc__", doc);
    add_attributes(vm, &dict, g);
    make_class(vm, g.group.name(), ast, dict)
}

fn add_attributes(vm: &mut Vm, dict: &Py<Dict>, g: &GroupInfo) {
    let names: &[&'static str] = if g.located { &POSITION_ATTRIBUTES } else { &[] };
    let attributes = strings(vm, names.iter().copied());
    dict.store_text("_attributes", attributes);
    if g.located && g.group.name() != "type_param" && g.group.name() != "pattern" {
        // The end of a node may be left out; patterns and type parameters must have one.
        dict.store_text("end_lineno", none());
        dict.store_text("end_col_offset", none());
    }
}

fn make_class(vm: &mut Vm, name: &str, base: &Value, dict: Py<Dict>) -> PyResult {
    let module = vm.intern("ast");
    dict.store_text("__module__", module);
    let args = [vm.new_str(name), Tuple::from_slice(std::slice::from_ref(base)).into(), dict.into()];
    vm.call(&TYPE.value(), &args)
}

/// `_field_types` and `__annotations__` of every class: what each field may hold.
fn add_field_types(vm: &mut Vm) -> PyResult<()> {
    let all = classes();
    let names: Vec<(String, Value)> =
        all.items().iter().filter_map(|c| Some((c.downcast::<Type>()?.get_type().payload.name(), c.clone()))).collect();
    let object = taipan_runtime::types::object::OBJECT.value();
    for (i, info) in CLASSES.iter().enumerate() {
        let types = Dict::new_object();
        for f in info.fields {
            let base = match f.base {
                "identifier" | "string" => STR.value(),
                "int" => taipan_runtime::types::int::INT.value(),
                "constant" => object.clone(),
                other => match names.iter().find(|(n, _)| n == other) {
                    Some((_, class)) => class.clone(),
                    None => return Err(vm.system_error(format!("no class {other} in the syntax tree"))),
                },
            };
            let shown = match f.suffix {
                "*" | "?*" => vm.get_item(&LIST.value(), &base)?,
                "?" => vm.binary(BinOp::Or, &base, &none())?,
                _ => base,
            };
            types.store_text(f.name(), shown);
        }
        let types: Value = types.into();
        vm.set_attr_text(&all.items()[i], "_field_types", &types)?;
        vm.set_attr_text(&all.items()[i], "__annotations__", &types)?;
    }
    Ok(())
}
