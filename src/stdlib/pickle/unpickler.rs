//! `Unpickler`: what a reader knows, its input, and the Python face of both.

use super::{given, truth, unpickling_error};
use rustc_hash::FxHashMap;
use std::cell::RefCell;
use taipan_runtime::object::instance::{new, new_of};
use taipan_runtime::object::{
    Frozen, GetSetDef, MethodDef, NativeFn, Py, PyResult, Slots, TypeDef, TypeFlags, Value, none,
};
use taipan_runtime::types::dict::{DICT, Dict};
use taipan_runtime::types::int::Int;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::vm::Vm;
use taipan_runtime::vm::args::{Args, Signature};

/// Where a pickle comes from.
#[derive(Default)]
pub struct Input {
    bytes: Vec<u8>,
    at: usize,
    /// Where the frame being read ends.
    frame: Option<usize>,
    read: Option<Value>,
    readline: Option<Value>,
}

impl Input {
    /// Bytes that are there.
    pub fn of_bytes(bytes: Vec<u8>) -> Input {
        Input { bytes, ..Input::default() }
    }

    /// Bytes left of the frame being read.
    fn left_of_frame(&mut self) -> Option<usize> {
        let left = self.frame?.saturating_sub(self.at);
        if left == 0 {
            self.frame = None;
            return None;
        }
        Some(left)
    }

    /// A file, from which no more is read than the pickle takes.
    pub fn of_file(vm: &mut Vm, file: &Value) -> PyResult<Input> {
        let (read, readline) = (vm.intern("read"), vm.intern("readline"));
        match (vm.get_attr_opt(file, &read)?, vm.get_attr_opt(file, &readline)?) {
            (Some(read), Some(line)) => Ok(Input { read: Some(read), readline: Some(line), ..Input::default() }),
            _ => Err(vm.type_error("file must have 'read' and 'readline' attributes")),
        }
    }
}

/// What an unpickler knows.
pub struct State {
    /// Input.
    pub input: Input,
    /// Whether `__init__` has run.
    pub ready: bool,
    /// The protocol that the pickle names.
    pub proto: i32,
    /// Names of Python 2 are translated.
    pub fix_imports: bool,
    /// How strings of Python 2 are decoded; `bytes`: not at all.
    pub encoding: String,
    /// What is done about those that cannot be.
    pub errors: String,
    /// Iterator over the buffers beside the pickle.
    pub buffers: Option<Value>,
    /// The stack.
    pub stack: Vec<Value>,
    /// Where on the stack there are marks.
    pub marks: Vec<usize>,
    /// Objects read, by number.
    pub memo: FxHashMap<usize, Value>,
    /// An instance's own `persistent_load`.
    pub own_persistent_load: Option<Value>,
    /// `load` is running.
    pub running: bool,
}

impl State {
    fn empty() -> State {
        State {
            input: Input::default(),
            ready: false,
            proto: 0,
            fix_imports: true,
            encoding: "ASCII".to_owned(),
            errors: "strict".to_owned(),
            buffers: None,
            stack: Vec::new(),
            marks: Vec::new(),
            memo: FxHashMap::default(),
            own_persistent_load: None,
            running: false,
        }
    }

    fn values(&self) -> impl Iterator<Item = &Value> {
        let places = [&self.input.read, &self.input.readline, &self.buffers, &self.own_persistent_load];
        places.into_iter().flatten().chain(&self.stack).chain(self.memo.values())
    }
}

/// Payload of `Unpickler`.
pub struct Unpickler {
    /// What it knows; borrowed only between steps that may run Python code.
    pub state: RefCell<State>,
}

taipan_runtime::payload!(Unpickler, UNPICKLER,
    traverse(self, visit) { self.state.borrow().values().for_each(visit) },
    clear(self) { drop(self.state.replace(State::empty())) }
);
impl Frozen for Unpickler {}

/// A reader of the builtin class; `options`: `fix_imports`, `encoding`, `errors`, `buffers`.
pub fn make(vm: &mut Vm, input: Input, options: &[Option<Value>]) -> PyResult<Py<Unpickler>> {
    let state = with_options(vm, input, options)?;
    Ok(new(Unpickler { state: RefCell::new(state) }))
}

fn with_options(vm: &mut Vm, input: Input, options: &[Option<Value>]) -> PyResult<State> {
    let [fix_imports, encoding, errors, buffers] = options else {
        return Err(vm.system_error("Unpickler: arguments"));
    };
    let mut state = State { input, ready: true, ..State::empty() };
    state.fix_imports = truth(vm, fix_imports.as_ref(), true)?;
    for (given, place) in [(encoding, &mut state.encoding), (errors, &mut state.errors)] {
        if let Some(v) = given {
            *place = vm.expect_str(v, "Unpickler() argument")?.to_rust().into_owned();
        }
    }
    if let Some(all) = given(buffers) {
        state.buffers = Some(vm.iter(&all)?);
    }
    Ok(state)
}

/// `_pickle.Unpickler`
pub static UNPICKLER: TypeDef = TypeDef::new::<Unpickler>("_pickle.Unpickler")
    .doc("This takes a binary file for reading a pickle data stream.")
    .signature("(file, *, fix_imports=True, encoding='ASCII', errors='strict', buffers=())")
    .flags(TypeFlags::HAVE_GC.union(TypeFlags::BASETYPE))
    .cpython_size(224, 0)
    .slots(Slots {
        new: Some(|_, class, _| Ok(new_of(class, Unpickler { state: RefCell::new(State::empty()) }).into())),
        init: Some(set_up),
        getattr: Some(get_attribute),
        setattr: Some(set_attribute),
        ..Slots::NONE
    })
    .methods(&[
        MethodDef::method(
            "load",
            "($self, /)",
            "Load a pickle.",
            NativeFn::F1(|vm, me| {
                if !this(me).state.borrow().ready {
                    let name = me.class().payload.name();
                    return Err(unpickling_error(
                        vm,
                        format!("Unpickler.__init__() was not called by {name}.__init__()"),
                    ));
                }
                free(vm, this(me))?;
                this(me).state.borrow_mut().running = true;
                let r = super::load::load(vm, this(me));
                this(me).state.borrow_mut().running = false;
                r
            }),
        ),
        MethodDef::method(
            "persistent_load",
            "($self, pid, /)",
            "The object that a persistent id stands for: for subclasses.",
            NativeFn::F2(|vm, _, _| {
                Err(unpickling_error(
                    vm,
                    "A load persistent id instruction was encountered, but no persistent_load function was specified.",
                ))
            }),
        ),
        MethodDef::method(
            "find_class",
            "($self, module_name, global_name, /)",
            "Return an object from a specified module.",
            NativeFn::F3(|vm, me, module, name| super::load::find_class(vm, this(me), module, name)),
        ),
    ])
    .getset(&[GetSetDef::get_set("memo", "", |_, me| Ok(new(Memo { of: this(me).clone() }).into()), set_memo)]);

fn this(v: &Value) -> &Py<Unpickler> {
    v.downcast::<Unpickler>().expect("a method of Unpickler is called on one")
}

/// Fails while the unpickler is at work.
fn free(vm: &mut Vm, me: &Py<Unpickler>) -> PyResult<()> {
    if me.state.borrow().running {
        return Err(vm.runtime_error("Unpickler object is already used"));
    }
    Ok(())
}

/// An instance may have a `persistent_load` of its own.
fn get_attribute(vm: &mut Vm, me: &Value, name: &Py<Str>) -> PyResult {
    if name.is_text("persistent_load") {
        if let Some(own) = this(me).state.borrow().own_persistent_load.clone() {
            return Ok(own);
        }
    }
    taipan_runtime::types::object::generic_getattr(vm, me, name)
}

fn set_attribute(vm: &mut Vm, me: &Value, name: &Py<Str>, value: Option<&Value>) -> PyResult<()> {
    if name.is_text("persistent_load") {
        let old = std::mem::replace(&mut this(me).state.borrow_mut().own_persistent_load, value.cloned());
        if value.is_none() && old.is_none() {
            return Err(vm.attribute_error("persistent_load"));
        }
        drop(old);
        return Ok(());
    }
    taipan_runtime::types::object::generic_setattr(vm, me, name, value)
}

fn set_up(vm: &mut Vm, me: &Value, args: &Args<'_>) -> PyResult<()> {
    static SIGNATURE: Signature =
        Signature::new("Unpickler", "(file, *, fix_imports=True, encoding='ASCII', errors='strict', buffers=())");
    let a = args.bind(vm, &SIGNATURE)?;
    free(vm, this(me))?;
    let Some(file) = &a[0] else { return Err(vm.system_error("Unpickler(): unbound argument")) };
    let input = Input::of_file(vm, file)?;
    let options: Vec<Option<Value>> = (1..5).map(|i| a[i].clone()).collect();
    let mut state = with_options(vm, input, &options)?;
    state.own_persistent_load = this(me).state.borrow_mut().own_persistent_load.take();
    let old = this(me).state.replace(state);
    drop(old);
    Ok(())
}

// ---- input -----------------------------------------------------------------------------------------------------------

/// The next byte; without a call where it is there.
pub fn byte(vm: &mut Vm, me: &Py<Unpickler>) -> PyResult<u8> {
    {
        let mut s = me.state.borrow_mut();
        let input = &mut s.input;
        if let Some(&b) = input.bytes.get(input.at) {
            input.at += 1;
            return Ok(b);
        }
    }
    take(vm, me, 1).map(|b| b[0])
}

/// The next `n` bytes.
pub fn take(vm: &mut Vm, me: &Py<Unpickler>, n: usize) -> PyResult<Vec<u8>> {
    let (mut data, read) = {
        let mut s = me.state.borrow_mut();
        let input = &mut s.input;
        if input.left_of_frame().is_some_and(|left| left < n) {
            drop(s);
            return Err(unpickling_error(vm, "pickle exhausted before end of frame"));
        }
        let end = input.at.saturating_add(n).min(input.bytes.len());
        let data = input.bytes[input.at..end].to_vec();
        if data.len() < n && input.read.is_none() {
            drop(s);
            return Err(unpickling_error(vm, "pickle data was truncated"));
        }
        input.at = end;
        (data, input.read.clone())
    };
    let missing = n - data.len();
    if let Some(read) = read.filter(|_| missing > 0) {
        let more = vm.call1(&read, &Value::from_usize(missing))?;
        let more = answered(vm, &more, "read")?;
        data.extend_from_slice(&more);
        if data.len() < n {
            return Err(unpickling_error(vm, "pickle data was truncated"));
        }
        data.truncate(n);
    }
    Ok(data)
}

/// The next `N` bytes.
pub fn fixed<const N: usize>(vm: &mut Vm, me: &Py<Unpickler>) -> PyResult<[u8; N]> {
    let data = take(vm, me, N)?;
    let mut out = [0; N];
    out.copy_from_slice(&data);
    Ok(out)
}

fn answered(vm: &mut Vm, v: &Value, what: &str) -> PyResult<Vec<u8>> {
    match v.downcast::<taipan_runtime::types::bytes::Bytes>() {
        Some(b) => Ok(b.as_slice().to_vec()),
        None => {
            let name = v.class().payload.name();
            Err(vm.value_error(format!("{what}() returned non-bytes object ({name})")))
        }
    }
}

/// The next line, without its end.
pub fn line(vm: &mut Vm, me: &Py<Unpickler>) -> PyResult<Vec<u8>> {
    let (mut data, readline) = {
        let mut s = me.state.borrow_mut();
        let input = &mut s.input;
        let framed = input.left_of_frame();
        let rest = &input.bytes[input.at..framed.map_or(input.bytes.len(), |n| input.at + n)];
        if let Some(n) = memchr::memchr(b'\n', rest) {
            let line = rest[..n].to_vec();
            input.at += n + 1;
            return Ok(line);
        }
        if framed.is_some() {
            drop(s);
            return Err(unpickling_error(vm, "pickle exhausted before end of frame"));
        }
        let rest = rest.to_vec();
        if input.readline.is_some() {
            input.at = input.bytes.len();
        }
        (rest, input.readline.clone())
    };
    if let Some(readline) = readline {
        let more = vm.call0(&readline)?;
        let more = answered(vm, &more, "readline")?;
        data.extend_from_slice(&more);
        if data.last() == Some(&b'\n') {
            data.pop();
            return Ok(data);
        }
    }
    Err(unpickling_error(vm, "pickle data was truncated"))
}

/// A frame of `n` bytes begins: they are read at once.
pub fn frame(vm: &mut Vm, me: &Py<Unpickler>, n: usize) -> PyResult<()> {
    let there = {
        let mut s = me.state.borrow_mut();
        if s.input.left_of_frame().is_some() {
            drop(s);
            return Err(unpickling_error(vm, "beginning of a new frame before end of current frame"));
        }
        s.input.bytes.len() - s.input.at
    };
    if there < n {
        let data = take(vm, me, n)?;
        let mut s = me.state.borrow_mut();
        s.input.bytes = data;
        s.input.at = 0;
    }
    let mut s = me.state.borrow_mut();
    s.input.frame = Some(s.input.at + n);
    Ok(())
}

/// The pickle has ended: what is read beyond it stays for the next one.
pub fn forget_read(me: &Py<Unpickler>) {
    let mut s = me.state.borrow_mut();
    let at = std::mem::take(&mut s.input.at);
    s.input.frame = None;
    s.input.bytes.drain(..at);
}

// ---- the memo as Python sees it --------------------------------------------------------------------------------------

/// Payload of what `Unpickler.memo` gives.
pub struct Memo {
    of: Py<Unpickler>,
}
taipan_runtime::payload!(Memo, MEMO, traverse(self, visit) { visit(self.of.as_value()) }, clear(self) {});
impl Frozen for Memo {}

/// `_pickle.UnpicklerMemoProxy`
pub static MEMO: TypeDef = TypeDef::new::<Memo>("_pickle.UnpicklerMemoProxy")
    .flags(TypeFlags::HAVE_GC.union(TypeFlags::DISALLOW_INSTANTIATION))
    .slots(Slots { hash: Some(taipan_runtime::types::slots::not_hashable), ..Slots::NONE })
    .methods(&[
        MethodDef::method(
            "clear",
            "($self, /)",
            "Remove all items from memo.",
            NativeFn::F1(|_, me| {
                let dead = std::mem::take(&mut memo(me).of.state.borrow_mut().memo);
                drop(dead);
                Ok(none())
            }),
        ),
        MethodDef::method("copy", "($self, /)", "Copy the memo to a new object.", NativeFn::F1(copy_memo)),
        MethodDef::method(
            "__reduce__",
            "($self, /)",
            "Implement pickling support.",
            NativeFn::F1(|vm, me| {
                let copy = copy_memo(vm, me)?;
                Ok(Tuple::of([DICT.value(), Tuple::of([copy]).into()]).into())
            }),
        ),
    ]);

fn memo(v: &Value) -> &Memo {
    v.downcast::<Memo>().expect("a method of a memo is called on one")
}

fn copy_memo(vm: &mut Vm, me: &Value) -> PyResult {
    let mut all: Vec<(usize, Value)> = memo(me).of.state.borrow().memo.iter().map(|(n, v)| (*n, v.clone())).collect();
    all.sort_by_key(|e| e.0);
    let out = Dict::new_object();
    for (n, v) in all {
        out.set_item(vm, &Int::from_i64(n as i64), v)?;
    }
    Ok(out.into())
}

fn set_memo(vm: &mut Vm, me: &Value, value: Option<&Value>) -> PyResult<()> {
    let Some(value) = value else { return Err(vm.type_error("attribute deletion is not supported")) };
    let new = if let Some(m) = value.downcast::<Memo>() {
        m.of.state.borrow().memo.clone()
    } else if let Some(d) = value.downcast::<Dict>() {
        let mut new = FxHashMap::default();
        for (k, v) in d.pairs() {
            if Int::read(&k).is_none() {
                return Err(vm.type_error("memo key must be integers"));
            }
            let n = vm.to_isize(&k)?;
            let Ok(n) = usize::try_from(n) else {
                return Err(vm.value_error("memo key must be positive integers."));
            };
            new.insert(n, v);
        }
        new
    } else {
        let name = value.class().payload.name();
        return Err(vm.type_error(format!("'memo' attribute must be an UnpicklerMemoProxy object or dict, not {name}")));
    };
    let old = std::mem::replace(&mut this(me).state.borrow_mut().memo, new);
    drop(old);
    Ok(())
}
