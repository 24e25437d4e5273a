//! Trees to Python objects and back, through the syntax crate's generic tree.

use super::node::{AST, Node};
use super::{class_of, node_class, singleton};
use taipan_runtime::object::{PyResult, Raised, Type, Value, boolean, instance, none};
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::complex::Complex;
use taipan_runtime::types::float::Float;
use taipan_runtime::types::int::{Int, IntRef};
use taipan_runtime::types::list::List;
use taipan_runtime::types::set::{FROZENSET, methods::frozen_from_items};
use taipan_runtime::types::singletons::ELLIPSIS;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::vm::Vm;
use taipan_syntax::Mode;
use taipan_syntax::ast::{
    Constant, FieldInfo, Mod, POSITION_ATTRIBUTES, Position, Shape, Tree, TreeErrorClass, TreeNode, from_tree, to_tree,
    validate,
};

/// The objects of a tree.
pub fn objects_of(vm: &mut Vm, module: &Mod) -> PyResult {
    object(vm, &to_tree(module))
}

fn object(vm: &mut Vm, tree: &Tree) -> PyResult {
    Ok(match tree {
        Tree::None => none(),
        Tree::Node(n) => node(vm, n)?,
        Tree::List(items) => {
            let mut out = Vec::with_capacity(items.len());
            for i in items {
                out.push(object(vm, i)?);
            }
            List::from_vec(out).into()
        }
        Tree::Identifier(name) => vm.intern(name).into(),
        Tree::Int(i) => Int::from_i64(*i),
        Tree::Constant(c) => constant(vm, c)?,
        Tree::Foreign { type_name, .. } => {
            return Err(vm.system_error(format!("a foreign {type_name} in a parsed tree")));
        }
    })
}

fn node(vm: &mut Vm, n: &TreeNode) -> PyResult {
    let info = n.class.info();
    if info.group.info().shape == Shape::names {
        return Ok(singleton(n.class));
    }
    vm.check_recursion(" during ast construction")?;
    let class = class_of(n.class);
    let Some(class) = class.downcast::<Type>() else { return Err(vm.system_error("a node class is no type")) };
    let v: Value = instance::new_of(class, Node).into();
    for (field, value) in info.fields.iter().zip(&n.fields) {
        if let Some(value) = value {
            let value = object(vm, value)?;
            let name = vm.intern(field.name());
            instance::set_attribute(&v, &name, &value);
        }
    }
    let p = n.position;
    for (name, number) in POSITION_ATTRIBUTES.iter().zip([p.lineno, p.col_offset, p.end_lineno, p.end_col_offset]) {
        if let Some(number) = number {
            let name = vm.intern(name);
            instance::set_attribute(&v, &name, &Value::small_unchecked(number as i64));
        }
    }
    Ok(v)
}

fn constant(vm: &mut Vm, c: &Constant) -> PyResult {
    let items = |vm: &mut Vm, all: &[Constant]| all.iter().map(|c| constant(vm, c)).collect::<PyResult<Vec<_>>>();
    Ok(match c {
        Constant::None => none(),
        Constant::Ellipsis => ELLIPSIS.value(),
        Constant::Bool(b) => boolean(*b),
        Constant::Int(i) => Int::from_big(i.clone()),
        Constant::Float(f) => Float::new(*f),
        Constant::Complex { real, imag } => Complex::new(*real, *imag),
        Constant::Str(s) => Str::from_wtf8(s).into(),
        Constant::Bytes(b) => Bytes::from_slice(b).into(),
        Constant::Tuple(all) => Tuple::from_vec(items(vm, all)?).into(),
        Constant::FrozenSet(all) => {
            let all = items(vm, all)?;
            frozen_from_items(vm, &all)?
        }
    })
}

/// Refuses a node that is not of the kind that the mode wants.
pub fn check_mode(vm: &mut Vm, v: &Value, mode: Mode) -> PyResult<()> {
    let wanted = match mode {
        Mode::Exec => "Module",
        Mode::Eval => "Expression",
        Mode::Single => "Interactive",
        Mode::FuncType => "FunctionType",
    };
    let got = v.class().payload.name();
    if node_class(v).is_none_or(|c| c.info().name != wanted) {
        return Err(vm.type_error(format!("expected {wanted} node, got {got}")));
    }
    Ok(())
}

/// The typed tree of a root node of the kind that the mode wants.
pub fn tree_of(vm: &mut Vm, v: &Value, mode: Mode) -> PyResult<Mod> {
    check_mode(vm, v, mode)?;
    let tree = tree(vm, v)?;
    match from_tree(tree).and_then(|m| validate(&m).map(|()| m)) {
        Ok(m) => Ok(m),
        Err(e) => Err(raise(vm, e.class, &e.msg)),
    }
}

fn raise(vm: &mut Vm, class: TreeErrorClass, msg: &str) -> Raised {
    match class {
        TreeErrorClass::TypeError => vm.type_error(msg),
        TreeErrorClass::ValueError => vm.value_error(msg),
        TreeErrorClass::OverflowError => vm.overflow_error(msg),
    }
}

fn tree(vm: &mut Vm, v: &Value) -> PyResult<Tree> {
    if v.is_none() {
        return Ok(Tree::None);
    }
    let Some(class) = node_class(v).filter(|_| vm.is_kind(v, &AST)) else { return foreign(vm, v) };
    vm.check_recursion(" during ast construction")?;
    let info = class.info();
    let mut fields = Vec::with_capacity(info.fields.len());
    for f in info.fields {
        let name = vm.intern(f.name());
        fields.push(match vm.get_attr_opt(v, &name)? {
            Some(value) => Some(field(vm, f, &value)?),
            None => None,
        });
    }
    let position = if info.group.info().located { position(vm, v)? } else { Position::default() };
    Ok(TreeNode { class, fields, position }.into())
}

fn field(vm: &mut Vm, f: &FieldInfo, value: &Value) -> PyResult<Tree> {
    if f.suffix.contains('*') {
        let Some(list) = value.downcast::<List>().cloned() else { return foreign(vm, value) };
        let mut out = Vec::with_capacity(list.len());
        let mut i = 0;
        while let Some(item) = list.item(i) {
            out.push(element(vm, f.base, &item)?);
            i += 1;
        }
        return Ok(Tree::List(out));
    }
    element(vm, f.base, value)
}

fn element(vm: &mut Vm, base: &str, value: &Value) -> PyResult<Tree> {
    match base {
        "constant" => match constant_of(vm, value)? {
            Some(c) => Ok(Tree::Constant(c)),
            None => {
                let offender = offender(vm, value)?;
                foreign(vm, &offender)
            }
        },
        "int" if value.is_none() => Ok(Tree::None),
        "int" => match Int::read(value).and_then(IntRef::to_i64) {
            Some(i) => Ok(Tree::Int(i)),
            None => foreign(vm, value),
        },
        "identifier" | "string" => match value.downcast_exact::<Str>().and_then(|s| s.to_utf8()) {
            Some(s) => Ok(Tree::Identifier((&*s).into())),
            None if value.is_none() => Ok(Tree::None),
            None => foreign(vm, value),
        },
        _ => tree(vm, value),
    }
}

fn foreign(vm: &mut Vm, v: &Value) -> PyResult<Tree> {
    let repr = vm.repr(v)?.to_rust().into_owned();
    Ok(Tree::Foreign { type_name: v.class().payload.name(), repr })
}

fn position(vm: &mut Vm, v: &Value) -> PyResult<Position> {
    let mut numbers = [None; 4];
    for (i, (name, number)) in POSITION_ATTRIBUTES.iter().zip(&mut numbers).enumerate() {
        let name = vm.intern(name);
        let Some(value) = vm.get_attr_opt(v, &name)?.filter(|v| i < 2 || !v.is_none()) else { continue };
        *number = match Int::read(&value).and_then(IntRef::to_i64) {
            Some(n) => Some(n),
            None => {
                let shown = vm.repr(&value)?.to_rust().into_owned();
                return Err(vm.value_error(format!("invalid integer value: {shown}")));
            }
        };
    }
    check_signs(vm, numbers)?;
    let [lineno, col_offset, end_lineno, end_col_offset] =
        numbers.map(|number| number.map(|n| u32::try_from(n).unwrap_or(0)));
    Ok(Position { lineno, col_offset, end_lineno, end_col_offset })
}

/// A place before the first line or column must have its end there too.
fn check_signs(vm: &mut Vm, numbers: [Option<i64>; 4]) -> PyResult<()> {
    let [Some(line), Some(column), end_line, end_column] = numbers else { return Ok(()) };
    let (end_line, end_column) = (end_line.unwrap_or(line), end_column.unwrap_or(column));
    if line.min(end_line) < 0 && line > end_line {
        return Err(vm.value_error(format!("AST node line range ({line}, {end_line}) is not valid")));
    }
    if line < 0 && line != end_line || column < 0 && column != end_column {
        return Err(vm.value_error(format!(
            "AST node column range ({column}, {end_column}) for line range ({line}, {end_line}) is not valid"
        )));
    }
    if line == end_line && end_column < 0 && column > end_column {
        return Err(vm.value_error(format!("line {line}, column {column}-{end_column} is not a valid range")));
    }
    Ok(())
}

/// What keeps an object from being a constant: itself or something in it.
fn offender(vm: &mut Vm, v: &Value) -> PyResult {
    let Some(t) = v.downcast_exact::<Tuple>().cloned() else { return Ok(v.clone()) };
    for item in t.items() {
        if constant_of(vm, item)?.is_none() {
            return offender(vm, item);
        }
    }
    Ok(v.clone())
}

/// The constant that an object is; `None` for objects that cannot be constants.
fn constant_of(vm: &mut Vm, v: &Value) -> PyResult<Option<Constant>> {
    if v.is_none() {
        return Ok(Some(Constant::None));
    }
    if v.is(&ELLIPSIS.value()) {
        return Ok(Some(Constant::Ellipsis));
    }
    if v.is(&boolean(true)) || v.is(&boolean(false)) {
        return Ok(Some(Constant::Bool(v.is(&boolean(true)))));
    }
    if Int::is_exact(v) {
        return Ok(Int::read(v).map(|i| Constant::Int(i.to_big().into())));
    }
    if v.is_exact::<Float>() {
        return Ok(Float::read(v).map(Constant::Float));
    }
    if let Some(c) = v.downcast_exact::<Complex>() {
        return Ok(Some(Constant::Complex { real: c.re, imag: c.im }));
    }
    if let Some(s) = v.downcast_exact::<Str>() {
        return Ok(Some(Constant::Str(s.to_wtf8())));
    }
    if let Some(b) = v.downcast_exact::<Bytes>() {
        return Ok(Some(Constant::Bytes(b.as_slice().to_vec())));
    }
    let (items, frozen) = if let Some(t) = v.downcast_exact::<Tuple>() {
        (t.items().to_vec(), false)
    } else if std::ptr::eq(v.class(), FROZENSET.object()) {
        (vm.collect(v)?, true)
    } else {
        return Ok(None);
    };
    vm.check_recursion(" during ast construction")?;
    let mut out = Vec::with_capacity(items.len());
    for i in &items {
        match constant_of(vm, i)? {
            Some(c) => out.push(c),
            None => return Ok(None),
        }
    }
    Ok(Some(if frozen { Constant::FrozenSet(out) } else { Constant::Tuple(out) }))
}
