//! What Python code calls on code objects: tables, `replace`, equality, the constructor (`Objects/codeobject.c`).

use super::code::Code;
use crate::object::typedef::CmpOp;
use crate::object::{Py, PyResult, Type, Value, boolean, none, not_implemented};
use crate::types::bytes::Bytes;
use crate::types::list::List;
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use crate::vm::Vm;
use crate::vm::args::{Args, Signature};
use std::sync::Arc;
use taipan_bytecode::{CodeFlags, CodeObject, Const, LocalKind, Op};

fn code(v: &Value) -> &Py<Code> {
    v.downcast::<Code>().expect("method of code")
}

fn number_or_none(n: Option<i32>) -> Value {
    n.map_or_else(none, |n| Value::small_unchecked(n as i64))
}

fn iterator(vm: &mut Vm, items: Vec<Value>) -> PyResult {
    let l: Value = List::from_vec(items).into();
    vm.iter(&l)
}

/// `co_lines()`
pub fn lines(vm: &mut Vm, v: &Value) -> PyResult {
    let items = code(v)
        .canonical
        .lines()
        .map(|r| {
            Tuple::from_vec(vec![Value::from_usize(r.start), Value::from_usize(r.end), number_or_none(r.line)]).into()
        })
        .collect();
    iterator(vm, items)
}

/// `co_positions()`
pub fn positions(vm: &mut Vm, v: &Value) -> PyResult {
    let items = code(v)
        .canonical
        .positions()
        .map(|p| {
            let at = |n: Option<i32>| number_or_none(n);
            Tuple::from_vec(vec![at(p.line), at(p.end_line), at(p.column), at(p.end_column)]).into()
        })
        .collect();
    iterator(vm, items)
}

/// `co_branches()`: (branch, not taken, taken) byte offsets.
pub fn branches(vm: &mut Vm, v: &Value) -> PyResult {
    let c = &code(v).canonical;
    let mut items = Vec::new();
    for i in c.instructions() {
        if i.op == Op::END_ASYNC_FOR {
            // The branch is the END_SEND that it names; the loop's body starts behind the NOT_TAKEN after that.
            let source = i.end().saturating_sub(i.arg as usize);
            let branch = [source, source + 2, i.end()].map(|unit| Value::from_usize(unit * 2));
            items.push(Tuple::from_vec(branch.to_vec()).into());
            continue;
        }
        let conditional = matches!(
            i.op,
            Op::POP_JUMP_IF_FALSE
                | Op::POP_JUMP_IF_TRUE
                | Op::POP_JUMP_IF_NONE
                | Op::POP_JUMP_IF_NOT_NONE
                | Op::FOR_ITER
        );
        if conditional {
            // The fall-through path starts with a NOT_TAKEN.
            let next = i.end() + (c.code.get(i.end() * 2) == Some(&(Op::NOT_TAKEN as u8))) as usize;
            // A loop ends behind its END_FOR and POP_ITER.
            let taken = i.jump_target().unwrap_or(0) + if i.op == Op::FOR_ITER { 2 } else { 0 };
            items.push(
                Tuple::from_vec(vec![
                    Value::from_usize(i.index * 2),
                    Value::from_usize(next * 2),
                    Value::from_usize(taken * 2),
                ])
                .into(),
            );
        }
    }
    iterator(vm, items)
}

/// `_varname_from_oparg(i)`
pub fn varname_from_oparg(vm: &mut Vm, v: &Value, i: &Value) -> PyResult {
    let i = vm.to_isize(i)?;
    match usize::try_from(i).ok().and_then(|i| code(v).local_names.get(i)) {
        Some(n) => Ok(n.clone().into()),
        None => Err(vm.index_error("tuple index out of range")),
    }
}

/// `__sizeof__()`
pub fn sizeof(_: &mut Vm, v: &Value) -> PyResult {
    Ok(Value::from_usize(208 + code(v).canonical.code.len()))
}

/// `co_lnotab`, deprecated since 3.12.
pub fn lnotab(vm: &mut Vm, v: &Value) -> PyResult {
    vm.warn(&crate::types::exceptions::DEPRECATION_WARNING, "co_lnotab is deprecated, use co_lines instead.", 1)?;
    let c = &code(v).canonical;
    let (mut out, mut line, mut at) = (Vec::new(), c.firstlineno, 0usize);
    for r in c.lines() {
        let Some(l) = r.line else { continue };
        if l == line {
            continue;
        }
        let (mut bytes, mut delta) = (r.start - at, l - line);
        while bytes > 255 {
            out.extend([255, 0]);
            bytes -= 255;
        }
        while delta > 127 {
            out.extend([bytes as u8, 127]);
            delta -= 127;
            bytes = 0;
        }
        while delta < -128 {
            out.extend([bytes as u8, 0x80]);
            delta += 128;
            bytes = 0;
        }
        out.extend([bytes as u8, delta as i8 as u8]);
        (line, at) = (l, r.start);
    }
    Ok(Bytes::from_slice(&out).into())
}

/// `hash()`: of what equality compares.
pub fn hash(vm: &mut Vm, v: &Value) -> PyResult<i64> {
    let c = code(v);
    let parts: Vec<Value> = vec![
        c.name.clone().into(),
        Tuple::from_vec(c.names.iter().map(|n| n.clone().into()).collect()).into(),
        Tuple::from_vec(c.local_names.iter().map(|n| n.clone().into()).collect()).into(),
        Value::small_unchecked(c.canonical.argcount as i64),
        Value::small_unchecked(c.canonical.posonlyargcount as i64),
        Value::small_unchecked(c.canonical.kwonlyargcount as i64),
        Value::small_unchecked(c.canonical.flags.bits() as i64),
        Value::small_unchecked(c.canonical.firstlineno as i64),
        Bytes::from_slice(&c.canonical.code).into(),
    ];
    let t: Value = Tuple::from_vec(parts).into();
    vm.hash(&t)
}

/// Equality: everything but the file name.
pub fn compare(vm: &mut Vm, a: &Value, b: &Value, op: CmpOp) -> PyResult {
    let (Some(x), true) = (b.downcast::<Code>(), matches!(op, CmpOp::Eq | CmpOp::Ne)) else {
        return Ok(not_implemented());
    };
    let y = code(a);
    let (p, q) = (&x.canonical, &y.canonical);
    let mut same = p.name == q.name
        && p.argcount == q.argcount
        && p.posonlyargcount == q.posonlyargcount
        && p.kwonlyargcount == q.kwonlyargcount
        && p.flags == q.flags
        && p.firstlineno == q.firstlineno
        && p.code == q.code
        && p.names == q.names
        && p.localsplusnames == q.localsplusnames
        && p.localspluskinds == q.localspluskinds
        && p.linetable == q.linetable
        && p.exceptiontable == q.exceptiontable
        && x.consts.len() == y.consts.len();
    for i in 0..x.consts.len() {
        same = same && std::ptr::eq(x.consts[i].class(), y.consts[i].class()) && vm.eq(&x.consts[i], &y.consts[i])?;
    }
    Ok(boolean(same == (op == CmpOp::Eq)))
}

/// Fields of a new code object given as Python objects.
struct Fields {
    canonical: CodeObject,
    consts: Vec<Value>,
    varnames: Vec<Arc<str>>,
    cellvars: Vec<Arc<str>>,
    freevars: Vec<Arc<str>>,
}

impl Fields {
    fn of(c: &Code) -> Fields {
        let mut canonical = (*c.canonical).clone();
        let varnames = c.canonical.varnames().cloned().collect();
        let cellvars = c.canonical.cellvars().cloned().collect();
        let freevars = c.canonical.freevars().cloned().collect();
        canonical.consts = Vec::new();
        Fields { canonical, consts: c.consts.clone(), varnames, cellvars, freevars }
    }

    /// Rebuilds the names of locals, cells and free variables.
    fn finish(mut self) -> Py<Code> {
        let total = self.canonical.total_args();
        let mut names: Vec<Arc<str>> = Vec::new();
        let mut kinds = Vec::new();
        for (i, n) in self.varnames.iter().enumerate() {
            let mut k = LocalKind::LOCAL;
            if self.cellvars.contains(n) {
                k |= LocalKind::CELL;
            }
            if i < total {
                k |= argument_kind(&self.canonical, i);
            }
            names.push(n.clone());
            kinds.push(k);
        }
        for n in self.cellvars.iter().filter(|n| !self.varnames.contains(n)) {
            names.push(n.clone());
            kinds.push(LocalKind::CELL);
        }
        for n in &self.freevars {
            names.push(n.clone());
            kinds.push(LocalKind::FREE);
        }
        self.canonical.localsplusnames = names;
        self.canonical.localspluskinds = kinds;
        // Constants are kept as objects; the plain ones are shown to the parts that read the canonical form.
        self.canonical.consts = self.consts.iter().map(|_| Const::None).collect();
        Code::with_consts(Arc::new(self.canonical), self.consts)
    }
}

fn argument_kind(c: &CodeObject, i: usize) -> LocalKind {
    let i = i as u32;
    if i < c.posonlyargcount {
        LocalKind::ARG_POS
    } else if i < c.argcount {
        LocalKind::ARG_POS | LocalKind::ARG_KW
    } else if i < c.argcount + c.kwonlyargcount {
        LocalKind::ARG_KW
    } else if c.flags.contains(CodeFlags::VARARGS) && i == c.argcount + c.kwonlyargcount {
        LocalKind::ARG_VAR | LocalKind::ARG_POS
    } else {
        LocalKind::ARG_VAR | LocalKind::ARG_KW
    }
}

fn name_list(vm: &mut Vm, v: &Value, what: &str) -> PyResult<Vec<Arc<str>>> {
    let Some(t) = v.downcast::<Tuple>() else {
        let n = v.class().payload.name();
        return Err(vm.type_error(format!("code() argument '{what}' must be tuple, not {n}")));
    };
    t.items()
        .iter()
        .map(|n| match n.downcast::<Str>() {
            Some(s) => Ok(Arc::from(&*s.to_rust())),
            None => {
                let n = n.class().payload.name();
                Err(vm.type_error(format!("name tuples must contain only strings, not '{n}'")))
            }
        })
        .collect()
}

fn text(vm: &mut Vm, v: &Value, what: &str) -> PyResult<Arc<str>> {
    Ok(Arc::from(&*vm.expect_str(v, format_args!("code() argument '{what}'"))?.to_rust()))
}

fn count(vm: &mut Vm, v: &Value, what: &str) -> PyResult<u32> {
    let n = vm.to_i32(v)?;
    u32::try_from(n).map_err(|_| vm.value_error(format!("code: {what} must not be negative")))
}

fn set_field(vm: &mut Vm, f: &mut Fields, name: &str, v: &Value) -> PyResult<bool> {
    let c = &mut f.canonical;
    match name {
        "co_argcount" => c.argcount = count(vm, v, "argcount")?,
        "co_posonlyargcount" => c.posonlyargcount = count(vm, v, "posonlyargcount")?,
        "co_kwonlyargcount" => c.kwonlyargcount = count(vm, v, "kwonlyargcount")?,
        "co_nlocals" => {
            if count(vm, v, "nlocals")? as usize != f.varnames.len() {
                return Err(vm.value_error("code: co_nlocals != len(co_varnames)"));
            }
        }
        "co_stacksize" => c.stacksize = count(vm, v, "stacksize")?,
        "co_flags" => c.flags = CodeFlags::from_bits_retain(count(vm, v, "flags")?),
        "co_firstlineno" => c.firstlineno = vm.to_i32(v)?,
        "co_code" => {
            c.code = vm.bytes_like(v)?;
            if c.code.is_empty() || !c.code.len().is_multiple_of(2) {
                return Err(vm.value_error("code: co_code is malformed"));
            }
        }
        "co_consts" => match v.downcast::<Tuple>() {
            Some(t) => f.consts = t.items().to_vec(),
            None => return Err(vm.type_error("code() argument 'consts' must be tuple")),
        },
        "co_names" => c.names = name_list(vm, v, "names")?,
        "co_varnames" => f.varnames = name_list(vm, v, "varnames")?,
        "co_freevars" => f.freevars = name_list(vm, v, "freevars")?,
        "co_cellvars" => f.cellvars = name_list(vm, v, "cellvars")?,
        "co_filename" => c.filename = text(vm, v, "filename")?,
        "co_name" => c.name = text(vm, v, "name")?,
        "co_qualname" => c.qualname = text(vm, v, "qualname")?,
        "co_linetable" => c.linetable = vm.bytes_like(v)?,
        "co_exceptiontable" => c.exceptiontable = vm.bytes_like(v)?,
        _ => return Ok(false),
    }
    Ok(true)
}

/// `code.replace(**changes)`
pub fn replace(vm: &mut Vm, args: &Args<'_>) -> PyResult {
    let mut f = Fields::of(code(&args.pos()[0]));
    if args.len() > 1 {
        return Err(vm.type_error("replace() takes no positional arguments"));
    }
    for (k, v) in args.keywords() {
        let name = k.to_rust();
        if !set_field(vm, &mut f, &name, v)? {
            return Err(vm.type_error(format!("replace() got an unexpected keyword argument '{name}'")));
        }
    }
    Ok(f.finish().into())
}

/// `code(...)`
pub fn new(vm: &mut Vm, _: &Py<Type>, args: &Args<'_>) -> PyResult {
    static SIGNATURE: Signature = Signature::new(
        "code",
        "(argcount, posonlyargcount, kwonlyargcount, nlocals, stacksize, flags, codestring, constants, names, varnames, filename, name, qualname, firstlineno, linetable, exceptiontable, freevars=(), cellvars=(), /)",
    );
    const FIELDS: [&str; 18] = [
        "co_argcount",
        "co_posonlyargcount",
        "co_kwonlyargcount",
        "",
        "co_stacksize",
        "co_flags",
        "co_code",
        "co_consts",
        "co_names",
        "co_varnames",
        "co_filename",
        "co_name",
        "co_qualname",
        "co_firstlineno",
        "co_linetable",
        "co_exceptiontable",
        "co_freevars",
        "co_cellvars",
    ];
    let b = args.bind(vm, &SIGNATURE)?;
    let mut f = Fields {
        canonical: CodeObject::default(),
        consts: Vec::new(),
        varnames: Vec::new(),
        cellvars: Vec::new(),
        freevars: Vec::new(),
    };
    for (name, v) in FIELDS.iter().zip(&b) {
        if let (false, Some(v)) = (name.is_empty(), v) {
            set_field(vm, &mut f, name, v)?;
        }
    }
    if let Some(n) = &b[3] {
        set_field(vm, &mut f, "co_nlocals", n)?;
    }
    if f.canonical.total_args() > f.varnames.len() {
        return Err(vm.value_error("code: varnames is too small"));
    }
    Ok(f.finish().into())
}
