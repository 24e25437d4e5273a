//! `Pickler`: what a writer knows, its output in frames, its memo, and the Python face of all that.

use super::op;
use super::{given, pickling_error, truth};
use rustc_hash::FxHashMap;
use std::cell::RefCell;
use taipan_runtime::object::instance::{new, new_of};
use taipan_runtime::object::{
    Frozen, GetSetDef, MethodDef, NativeFn, Py, PyResult, Slots, TypeDef, TypeFlags, Value, none,
};
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::dict::Dict;
use taipan_runtime::types::int::Int;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::vm::Vm;
use taipan_runtime::vm::args::{Args, Signature};

/// Frames end when they are this long.
const FRAME_TARGET: usize = 64 * 1024;
/// Shorter frames have no header.
const FRAME_MIN: usize = 4;
/// A `FRAME` opcode and its length.
const FRAME_HEADER: usize = 9;

/// Bytes on their way out.
#[derive(Default)]
pub struct Out {
    /// What is written and not flushed.
    pub bytes: Vec<u8>,
    /// Whether what is written goes into frames.
    pub framing: bool,
    frame: Option<usize>,
}

impl Out {
    /// Writes an opcode, or opcode and argument.
    pub fn put(&mut self, data: &[u8]) {
        if self.framing && self.frame.is_none() {
            self.frame = Some(self.bytes.len());
            self.bytes.extend_from_slice(&[0; FRAME_HEADER]);
        }
        self.bytes.extend_from_slice(data);
    }

    /// Ends the frame begun, if any.
    pub fn close_frame(&mut self) {
        let Some(start) = self.frame.take() else { return };
        let n = self.bytes.len() - start - FRAME_HEADER;
        if n >= FRAME_MIN {
            self.bytes[start] = op::FRAME;
            self.bytes[start + 1..start + FRAME_HEADER].copy_from_slice(&(n as u64).to_le_bytes());
        } else {
            self.bytes.drain(start..start + FRAME_HEADER);
        }
    }

    fn frame_is_full(&self) -> bool {
        self.frame.is_some_and(|start| self.bytes.len() - start - FRAME_HEADER >= FRAME_TARGET)
    }
}

/// What a pickler knows.
pub struct State {
    /// The protocol.
    pub proto: i32,
    /// Protocol 1 and newer: opcodes with binary arguments.
    pub bin: bool,
    /// No memo: cyclic objects cannot be pickled.
    pub fast: bool,
    /// Depth of containers, and those on the way, in `fast` mode.
    pub nesting: usize,
    /// See `nesting`.
    pub on_the_way: Vec<usize>,
    /// Names of Python 2 in protocols below 3.
    pub fix_imports: bool,
    /// Called with buffers that may go beside the pickle.
    pub buffer_callback: Option<Value>,
    /// The file's `write`.
    pub write: Option<Value>,
    /// Objects already written, by address, with their numbers.
    pub memo: FxHashMap<usize, (usize, Value)>,
    /// `dispatch_table` of the pickler itself.
    pub dispatch_table: Option<Value>,
    /// `persistent_id`, while pickling, where it does something.
    pub persistent_id: Option<Value>,
    /// An instance's own `persistent_id`.
    pub own_persistent_id: Option<Value>,
    /// `reducer_override`, while pickling.
    pub reducer_override: Option<Value>,
    /// Output.
    pub out: Out,
    /// `dump` is running.
    pub running: bool,
}

impl State {
    /// The state of a pickler with these options.
    pub fn new(vm: &mut Vm, proto: Option<&Value>, fix_imports: bool, callback: Option<Value>) -> PyResult<State> {
        let proto = match proto {
            None => op::DEFAULT,
            Some(v) => match vm.to_i32(v)? {
                n if n < 0 => op::HIGHEST,
                n if n > op::HIGHEST => {
                    return Err(vm.value_error(format!("pickle protocol must be <= {}", op::HIGHEST)));
                }
                n => n,
            },
        };
        if callback.is_some() && proto < 5 {
            return Err(vm.value_error("buffer_callback needs protocol >= 5"));
        }
        Ok(State {
            proto,
            bin: proto > 0,
            fast: false,
            nesting: 0,
            on_the_way: Vec::new(),
            fix_imports: fix_imports && proto < 3,
            buffer_callback: callback,
            write: None,
            memo: FxHashMap::default(),
            dispatch_table: None,
            persistent_id: None,
            own_persistent_id: None,
            reducer_override: None,
            out: Out::default(),
            running: false,
        })
    }

    fn empty() -> State {
        State {
            proto: op::DEFAULT,
            bin: true,
            fast: false,
            nesting: 0,
            on_the_way: Vec::new(),
            fix_imports: false,
            buffer_callback: None,
            write: None,
            memo: FxHashMap::default(),
            dispatch_table: None,
            persistent_id: None,
            own_persistent_id: None,
            reducer_override: None,
            out: Out::default(),
            running: false,
        }
    }

    fn values(&self) -> impl Iterator<Item = &Value> {
        let State { buffer_callback, write, memo, dispatch_table, persistent_id, own_persistent_id, .. } = self;
        let places = [buffer_callback, write, dispatch_table, persistent_id, own_persistent_id, &self.reducer_override];
        places.into_iter().flatten().chain(memo.values().map(|(_, v)| v))
    }
}

/// Payload of `Pickler`.
pub struct Pickler {
    /// What it knows; borrowed only between steps that may run Python code.
    pub state: RefCell<State>,
}

taipan_runtime::payload!(Pickler, PICKLER,
    traverse(self, visit) { self.state.borrow().values().for_each(visit) },
    clear(self) { drop(self.state.replace(State::empty())) }
);
impl Frozen for Pickler {}

/// A pickler of the builtin class.
pub fn make(state: State) -> Py<Pickler> {
    new(Pickler { state: RefCell::new(state) })
}

/// `_pickle.Pickler`
pub static PICKLER: TypeDef = TypeDef::new::<Pickler>("_pickle.Pickler")
    .doc("This takes a binary file for writing a pickle data stream.")
    .signature("(file, protocol=None, fix_imports=True, buffer_callback=None)")
    .flags(TypeFlags::HAVE_GC.union(TypeFlags::BASETYPE))
    .cpython_size(168, 0)
    .slots(Slots {
        new: Some(|_, class, _| Ok(new_of(class, Pickler { state: RefCell::new(State::empty()) }).into())),
        init: Some(set_up),
        getattr: Some(get_attribute),
        setattr: Some(set_attribute),
        ..Slots::NONE
    })
    .methods(&[
        MethodDef::method(
            "dump",
            "($self, obj, /)",
            "Write a pickled representation of the given object to the open file.",
            NativeFn::F2(|vm, me, obj| {
                dump_to_file(vm, this(me), obj)?;
                Ok(none())
            }),
        ),
        MethodDef::method(
            "persistent_id",
            "($self, obj, /)",
            "A number or text that stands for the object, or None: for subclasses.",
            NativeFn::F2(|_, _, _| Ok(none())),
        ),
        MethodDef::method(
            "clear_memo",
            "($self, /)",
            "Clears the pickler's \"memo\".",
            NativeFn::F1(|vm, me| {
                free(vm, this(me))?;
                let dead = std::mem::take(&mut this(me).state.borrow_mut().memo);
                drop(dead);
                Ok(none())
            }),
        ),
    ])
    .getset(&[
        GetSetDef::get_set("memo", "", |_, me| Ok(new(Memo { of: this(me).clone() }).into()), set_memo),
        GetSetDef::get_set(
            "dispatch_table",
            "",
            |vm, me| {
                let own = this(me).state.borrow().dispatch_table.clone();
                own.ok_or_else(|| vm.attribute_error("dispatch_table"))
            },
            |_, me, v| {
                let old = std::mem::replace(&mut this(me).state.borrow_mut().dispatch_table, v.cloned());
                drop(old);
                Ok(())
            },
        ),
        GetSetDef::get_set(
            "bin",
            "",
            |_, me| Ok(Value::small_unchecked(this(me).state.borrow().bin as i64)),
            |vm, me, v| {
                let on = switch(vm, v)?;
                this(me).state.borrow_mut().bin = on;
                Ok(())
            },
        ),
        GetSetDef::get_set(
            "fast",
            "",
            |_, me| Ok(Value::small_unchecked(this(me).state.borrow().fast as i64)),
            |vm, me, v| {
                let on = switch(vm, v)?;
                this(me).state.borrow_mut().fast = on;
                Ok(())
            },
        ),
    ]);

fn this(v: &Value) -> &Py<Pickler> {
    v.downcast::<Pickler>().expect("a method of Pickler is called on one")
}

/// An instance may have a `persistent_id` of its own.
fn get_attribute(vm: &mut Vm, me: &Value, name: &Py<Str>) -> PyResult {
    if name.is_text("persistent_id") {
        if let Some(own) = this(me).state.borrow().own_persistent_id.clone() {
            return Ok(own);
        }
    }
    taipan_runtime::types::object::generic_getattr(vm, me, name)
}

fn set_attribute(vm: &mut Vm, me: &Value, name: &Py<Str>, value: Option<&Value>) -> PyResult<()> {
    if name.is_text("persistent_id") {
        let old = std::mem::replace(&mut this(me).state.borrow_mut().own_persistent_id, value.cloned());
        if value.is_none() && old.is_none() {
            return Err(vm.attribute_error("persistent_id"));
        }
        drop(old);
        return Ok(());
    }
    taipan_runtime::types::object::generic_setattr(vm, me, name, value)
}

fn switch(vm: &mut Vm, v: Option<&Value>) -> PyResult<bool> {
    match v {
        Some(v) => Ok(vm.to_i32(v)? != 0),
        None => Err(vm.type_error("can't delete numeric/char attribute")),
    }
}

fn set_up(vm: &mut Vm, me: &Value, args: &Args<'_>) -> PyResult<()> {
    static SIGNATURE: Signature =
        Signature::new("Pickler", "(file, protocol=None, fix_imports=True, buffer_callback=None)");
    let a = args.bind(vm, &SIGNATURE)?;
    let Some(file) = &a[0] else { return Err(vm.system_error("Pickler(): unbound argument")) };
    let fix_imports = truth(vm, a[2].as_ref(), true)?;
    let mut state = State::new(vm, given(&a[1]).as_ref(), fix_imports, given(&a[3]))?;
    let me_typed = this(me);
    free(vm, me_typed)?;
    state.own_persistent_id = me_typed.state.borrow_mut().own_persistent_id.take();
    let old = me_typed.state.replace(state);
    drop(old);
    set_file(vm, me_typed, file)?;
    // A subclass may have a table of its own; the instance has none any more.
    let name = vm.intern("dispatch_table");
    let table = vm.get_attr_opt(me, &name)?;
    let old = std::mem::replace(&mut me_typed.state.borrow_mut().dispatch_table, table);
    drop(old);
    Ok(())
}

/// Fails while the pickler is at work.
fn free(vm: &mut Vm, me: &Py<Pickler>) -> PyResult<()> {
    if me.state.borrow().running {
        return Err(vm.runtime_error("Pickler object is already used"));
    }
    Ok(())
}

/// Takes the `write` of a file.
pub fn set_file(vm: &mut Vm, me: &Py<Pickler>, file: &Value) -> PyResult<()> {
    let name = vm.intern("write");
    let Some(write) = vm.get_attr_opt(file, &name)? else {
        return Err(vm.type_error("file must have a 'write' attribute"));
    };
    let old = me.state.borrow_mut().write.replace(write);
    drop(old);
    Ok(())
}

/// Pickles one object and hands the bytes to the file.
pub fn dump_to_file(vm: &mut Vm, me: &Py<Pickler>, obj: &Value) -> PyResult<()> {
    if me.state.borrow().write.is_none() {
        let name = me.as_value().class().payload.name();
        return Err(pickling_error(vm, format!("Pickler.__init__() was not called by {name}.__init__()")));
    }
    free(vm, me)?;
    {
        let mut s = me.state.borrow_mut();
        s.out = Out::default();
        s.running = true;
    }
    let r = super::save::dump(vm, me, obj).and_then(|()| flush(vm, me));
    me.state.borrow_mut().running = false;
    r
}

fn flush(vm: &mut Vm, me: &Py<Pickler>) -> PyResult<()> {
    let (write, data) = {
        let mut s = me.state.borrow_mut();
        (s.write.clone(), std::mem::take(&mut s.out.bytes))
    };
    let Some(write) = write else { return Ok(()) };
    vm.call1(&write, &Bytes::from_slice(&data).into())?;
    Ok(())
}

/// Between two objects: a full frame ends here and goes to the file.
pub fn boundary(vm: &mut Vm, me: &Py<Pickler>) -> PyResult<()> {
    let to_file = {
        let mut s = me.state.borrow_mut();
        if !s.out.frame_is_full() {
            return Ok(());
        }
        s.out.close_frame();
        s.write.is_some()
    };
    if to_file { flush(vm, me) } else { Ok(()) }
}

/// Writes a header and much data, the latter in no frame and, to a file, by itself.
pub fn put_large(vm: &mut Vm, me: &Py<Pickler>, header: &[u8], data: &Value, bytes: &[u8]) -> PyResult<()> {
    if bytes.len() < FRAME_TARGET {
        let mut s = me.state.borrow_mut();
        s.out.put(header);
        s.out.bytes.extend_from_slice(bytes);
        return Ok(());
    }
    let write = {
        let mut s = me.state.borrow_mut();
        s.out.close_frame();
        let framing = std::mem::replace(&mut s.out.framing, false);
        s.out.put(header);
        s.out.framing = framing;
        if s.write.is_none() {
            s.out.bytes.extend_from_slice(bytes);
        }
        s.write.clone()
    };
    let Some(write) = write else { return Ok(()) };
    flush(vm, me)?;
    vm.call1(&write, data)?;
    Ok(())
}

// ---- the memo as Python sees it --------------------------------------------------------------------------------------

/// Payload of what `Pickler.memo` gives.
pub struct Memo {
    of: Py<Pickler>,
}
taipan_runtime::payload!(Memo, MEMO, traverse(self, visit) { visit(self.of.as_value()) }, clear(self) {});
impl Frozen for Memo {}

/// `_pickle.PicklerMemoProxy`
pub static MEMO: TypeDef = TypeDef::new::<Memo>("_pickle.PicklerMemoProxy")
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
            "Implement pickle support.",
            NativeFn::F1(|vm, me| {
                let copy = copy_memo(vm, me)?;
                let dict = taipan_runtime::types::dict::DICT.value();
                Ok(Tuple::of([dict, Tuple::of([copy]).into()]).into())
            }),
        ),
    ]);

fn memo(v: &Value) -> &Memo {
    v.downcast::<Memo>().expect("a method of a memo is called on one")
}

fn copy_memo(vm: &mut Vm, me: &Value) -> PyResult {
    let mut all: Vec<(usize, usize, Value)> =
        memo(me).of.state.borrow().memo.iter().map(|(&id, (n, v))| (*n, id, v.clone())).collect();
    all.sort_by_key(|e| e.0);
    let out = Dict::new_object();
    for (n, id, v) in all {
        let pair = Tuple::of([Value::from_usize(n), v]);
        out.set_item(vm, &Int::from_i64(id as i64), pair.into())?;
    }
    Ok(out.into())
}

fn set_memo(vm: &mut Vm, me: &Value, value: Option<&Value>) -> PyResult<()> {
    let Some(value) = value else { return Err(vm.type_error("attribute deletion is not supported")) };
    let new = if let Some(m) = value.downcast::<Memo>() {
        m.of.state.borrow().memo.clone()
    } else if let Some(d) = value.downcast::<Dict>() {
        let mut new = FxHashMap::default();
        for (_, entry) in d.pairs() {
            let Some([number, object]) = entry.downcast::<Tuple>().map(|t| t.items()) else {
                return Err(vm.type_error("'memo' values must be 2-item tuples"));
            };
            let number = vm.to_usize(number)?;
            new.insert(object.id(), (number, object.clone()));
        }
        new
    } else {
        let name = value.class().payload.name();
        return Err(vm.type_error(format!("'memo' attribute must be a PicklerMemoProxy object or dict, not {name}")));
    };
    let old = std::mem::replace(&mut this(me).state.borrow_mut().memo, new);
    drop(old);
    Ok(())
}
