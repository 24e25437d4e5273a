//! Types: the object behind every class, its slots, and how a builtin type is declared.
//!
//! A builtin type is a `static TypeDef`: one place with its name, documentation, slots, methods and attributes. The
//! type object itself lies inside that static, so `x.typ == LIST.object()` compares with a link-time constant. Classes
//! made by Python code are heap objects with the same payload, [`Type`]. What a slot means and when it is called is
//! CPython's rule (`Doc/c-api/typeobj.rst`); `types::slots` connects slots with the special methods.

use super::header::Header;
use super::value::{Obj, Py, PyResult, Value};
use crate::types::dict::Dict;
use crate::types::str::Str;
use crate::vm::Vm;
use crate::vm::args::Args;
use std::cell::{Cell, RefCell, UnsafeCell};

bitflags::bitflags! {
    /// Properties of a type that are tested often.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct TypeFlags: u32 {
        /// Instances can hold references, so the collector looks at them.
        const HAVE_GC = 1;
        /// May be subclassed.
        const BASETYPE = 1 << 1;
        /// Made by Python code (or by a call of `type`), so it can be changed and can die.
        const HEAP = 1 << 2;
        /// `__del__` is defined somewhere in the MRO.
        const HAS_FINALIZER = 1 << 3;
        /// Instances can be weakly referenced.
        const WEAKREFABLE = 1 << 4;
        /// Instances have a `__dict__` (attribute slots described by a shape).
        const HAS_DICT = 1 << 5;
        /// Abstract methods are left (`__abstractmethods__` is not empty).
        const ABSTRACT = 1 << 6;
        /// `case [..]` matches instances.
        const SEQUENCE = 1 << 7;
        /// `case {..}` matches instances.
        const MAPPING = 1 << 8;
        /// `case C(x)` binds the whole instance.
        const MATCH_SELF = 1 << 9;
        /// Cannot be instantiated from Python.
        const DISALLOW_INSTANTIATION = 1 << 10;
        /// Calls of `obj.method()` may pass the object as first argument (functions, method descriptors).
        const METHOD_DESCRIPTOR = 1 << 11;
        /// A subclass of int, list, tuple, bytes, str, dict, BaseException, type.
        const INT_SUBCLASS = 1 << 16;
        /// See `INT_SUBCLASS`.
        const LIST_SUBCLASS = 1 << 17;
        /// See `INT_SUBCLASS`.
        const TUPLE_SUBCLASS = 1 << 18;
        /// See `INT_SUBCLASS`.
        const BYTES_SUBCLASS = 1 << 19;
        /// See `INT_SUBCLASS`.
        const STR_SUBCLASS = 1 << 20;
        /// See `INT_SUBCLASS`.
        const DICT_SUBCLASS = 1 << 21;
        /// See `INT_SUBCLASS`.
        const EXC_SUBCLASS = 1 << 22;
        /// See `INT_SUBCLASS`.
        const TYPE_SUBCLASS = 1 << 23;
        /// The type has been made ready (MRO, dictionary, inherited slots).
        const READY = 1 << 24;
        /// Attributes cannot be set on the type (builtin types).
        const IMMUTABLE = 1 << 25;
        /// `__getattribute__` is not the generic one.
        const CUSTOM_GETATTR = 1 << 26;
    }
}

/// The six comparisons, numbered as `COMPARE_OP` and `Py_LT` … `Py_GE` number them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum CmpOp {
    /// `<`
    Lt = 0,
    /// `<=`
    Le = 1,
    /// `==`
    Eq = 2,
    /// `!=`
    Ne = 3,
    /// `>`
    Gt = 4,
    /// `>=`
    Ge = 5,
}

impl CmpOp {
    /// All, in number order.
    pub const ALL: [CmpOp; 6] = [CmpOp::Lt, CmpOp::Le, CmpOp::Eq, CmpOp::Ne, CmpOp::Gt, CmpOp::Ge];

    /// The comparison with the sides swapped.
    pub fn swapped(self) -> CmpOp {
        match self {
            CmpOp::Lt => CmpOp::Gt,
            CmpOp::Le => CmpOp::Ge,
            CmpOp::Gt => CmpOp::Lt,
            CmpOp::Ge => CmpOp::Le,
            same => same,
        }
    }

    /// Whether an ordering satisfies the comparison.
    pub fn holds(self, o: std::cmp::Ordering) -> bool {
        match self {
            CmpOp::Lt => o.is_lt(),
            CmpOp::Le => o.is_le(),
            CmpOp::Eq => o.is_eq(),
            CmpOp::Ne => o.is_ne(),
            CmpOp::Gt => o.is_gt(),
            CmpOp::Ge => o.is_ge(),
        }
    }

    /// The operator as written.
    pub fn text(self) -> &'static str {
        ["<", "<=", "==", "!=", ">", ">="][self as usize]
    }
}

/// `op(a)`.
pub type UnaryFn = fn(&mut Vm, &Value) -> PyResult;
/// `a op b`; answers `NotImplemented` for operands it does not know.
pub type BinaryFn = fn(&mut Vm, &Value, &Value) -> PyResult;
/// `pow(a, b, c)`; the third is absent for `a ** b`.
pub type PowerFn = fn(&mut Vm, &Value, &Value, Option<&Value>) -> PyResult;
/// A yes-or-no question.
pub type InquiryFn = fn(&mut Vm, &Value) -> PyResult<bool>;
/// Number of items.
pub type LenFn = fn(&mut Vm, &Value) -> PyResult<usize>;
/// Item by (already non-negative) index; `IndexError` past the end.
pub type ItemFn = fn(&mut Vm, &Value, isize) -> PyResult;
/// Sets (or, without a value, deletes) an item by index.
pub type SetItemFn = fn(&mut Vm, &Value, isize, Option<&Value>) -> PyResult<()>;
/// Sets (or, without a value, deletes) `a[key]`.
pub type SetSubscriptFn = fn(&mut Vm, &Value, &Value, Option<&Value>) -> PyResult<()>;
/// `key in a`.
pub type ContainsFn = fn(&mut Vm, &Value, &Value) -> PyResult<bool>;
/// Hash, never -1.
pub type HashFn = fn(&mut Vm, &Value) -> PyResult<i64>;
/// `f(*args, **kwargs)`.
pub type CallFn = fn(&mut Vm, &Value, &Args<'_>) -> PyResult;
/// Attribute by interned name.
pub type GetAttrFn = fn(&mut Vm, &Value, &Py<Str>) -> PyResult;
/// Sets (or, without a value, deletes) an attribute.
pub type SetAttrFn = fn(&mut Vm, &Value, &Py<Str>, Option<&Value>) -> PyResult<()>;
/// Rich comparison; answers `NotImplemented` for operands it does not know.
pub type RichCmpFn = fn(&mut Vm, &Value, &Value, CmpOp) -> PyResult;
/// Next item, or `None` at the end (no `StopIteration` is made).
pub type NextFn = fn(&mut Vm, &Value) -> PyResult<Option<Value>>;
/// `descr.__get__(obj, type)`.
pub type DescrGetFn = fn(&mut Vm, &Value, Option<&Value>, Option<&Value>) -> PyResult;
/// `descr.__set__(obj, value)` or, without a value, `descr.__delete__(obj)`.
pub type DescrSetFn = fn(&mut Vm, &Value, &Value, Option<&Value>) -> PyResult<()>;
/// `obj.__init__(…)`.
pub type InitFn = fn(&mut Vm, &Value, &Args<'_>) -> PyResult<()>;
/// `cls.__new__(cls, …)`.
pub type NewFn = fn(&mut Vm, &Py<Type>, &Args<'_>) -> PyResult;
/// `__del__`.
pub type FinalizeFn = fn(&mut Vm, &Value);
/// Exports the object's memory.
pub type BufferFn =
    fn(&mut Vm, &Value, crate::object::buffer::BufferRequest) -> PyResult<crate::object::buffer::Buffer>;
/// `gen.send(value)` without making `StopIteration`: see [`SendResult`].
pub type SendFn = fn(&mut Vm, &Value, &Value) -> PyResult<SendResult>;

/// What sending into an iterator gave.
pub enum SendResult {
    /// It yielded.
    Yield(Value),
    /// It returned.
    Return(Value),
}

macro_rules! slots {
    ($( $(#[$doc:meta])* $name:ident : $ty:ty, )*) => {
        /// What a type can do, one function for each operation; an absent one is not supported.
        #[derive(Clone, Copy)]
        #[repr(C)]
        pub struct Slots { $( $(#[$doc])* pub $name: Option<$ty>, )* }
        impl Slots {
            /// No operation at all.
            pub const NONE: Slots = Slots { $( $name: None, )* };
            /// Takes over from `base` what is absent here.
            pub fn inherit(&mut self, base: &Slots) {
                $( if self.$name.is_none() { self.$name = base.$name; } )*
            }
        }
    };
}

slots! {
    /// `+`. The first 13 are numbered as `BINARY_OP` numbers them (`NB_ADD` …), so [`Slots::binary`] can index them.
    add: BinaryFn,
    /// `&`
    and: BinaryFn,
    /// `//`
    floordiv: BinaryFn,
    /// `<<`
    lshift: BinaryFn,
    /// `@`
    matmul: BinaryFn,
    /// `*`
    mul: BinaryFn,
    /// `%`
    rem: BinaryFn,
    /// `|`
    or: BinaryFn,
    /// Placeholder so that the numbering holds: `**` is [`Slots::power`].
    pow_unused: BinaryFn,
    /// `>>`
    rshift: BinaryFn,
    /// `-`
    sub: BinaryFn,
    /// `/`
    truediv: BinaryFn,
    /// `^`
    xor: BinaryFn,
    /// `+=`
    iadd: BinaryFn,
    /// `&=`
    iand: BinaryFn,
    /// `//=`
    ifloordiv: BinaryFn,
    /// `<<=`
    ilshift: BinaryFn,
    /// `@=`
    imatmul: BinaryFn,
    /// `*=`
    imul: BinaryFn,
    /// `%=`
    irem: BinaryFn,
    /// `|=`
    ior: BinaryFn,
    /// `**=`
    ipow: BinaryFn,
    /// `>>=`
    irshift: BinaryFn,
    /// `-=`
    isub: BinaryFn,
    /// `/=`
    itruediv: BinaryFn,
    /// `^=`
    ixor: BinaryFn,
    /// `divmod()`
    divmod: BinaryFn,
    /// `**` and `pow()`
    power: PowerFn,
    /// `-a`
    neg: UnaryFn,
    /// `+a`
    pos: UnaryFn,
    /// `abs()`
    abs: UnaryFn,
    /// `~a`
    invert: UnaryFn,
    /// `int()`
    int: UnaryFn,
    /// `float()`
    float: UnaryFn,
    /// `operator.index()`
    index: UnaryFn,
    /// Truth.
    truth: InquiryFn,
    /// `len()`
    len: LenFn,
    /// `a[key]`
    subscript: BinaryFn,
    /// `a[key] = v`, `del a[key]`
    set_subscript: SetSubscriptFn,
    /// Sequence concatenation (`+` when no number slot answers).
    concat: BinaryFn,
    /// Sequence repetition (`*` by an integer when no number slot answers).
    repeat: ItemFn,
    /// Item by index, for iteration by `__getitem__` and sequence access.
    item: ItemFn,
    /// Sets or deletes an item by index.
    set_item: SetItemFn,
    /// `+=` for sequences.
    iconcat: BinaryFn,
    /// `*=` for sequences.
    irepeat: ItemFn,
    /// `in`
    contains: ContainsFn,
    /// `repr()`
    repr: UnaryFn,
    /// `str()`
    str: UnaryFn,
    /// `hash()`; `types::slots::not_hashable` for unhashable types.
    hash: HashFn,
    /// Calling the object.
    call: CallFn,
    /// `a.name`
    getattr: GetAttrFn,
    /// `a.name = v`, `del a.name`
    setattr: SetAttrFn,
    /// Comparisons.
    richcmp: RichCmpFn,
    /// `iter()`
    iter: UnaryFn,
    /// `next()`
    next: NextFn,
    /// Descriptor get.
    descr_get: DescrGetFn,
    /// Descriptor set and delete.
    descr_set: DescrSetFn,
    /// Initialiser.
    init: InitFn,
    /// Constructor.
    new: NewFn,
    /// `__del__`
    finalize: FinalizeFn,
    /// `await`
    am_await: UnaryFn,
    /// `aiter()`
    aiter: UnaryFn,
    /// `anext()`
    anext: UnaryFn,
    /// Sending into a generator-like object.
    send: SendFn,
    /// Buffer protocol (PEP 688 `__buffer__`).
    buffer: BufferFn,
}

impl Slots {
    /// The slot of a `BINARY_OP` number: 0 … 12 plain, 13 … 25 in place; never `**` (8).
    #[inline(always)]
    pub fn binary(&self, op: usize) -> Option<BinaryFn> {
        debug_assert!(op < 26 && op != 8);
        // SAFETY: the struct is repr(C) and starts with 26 fields of this type.
        unsafe { *(self as *const Slots).cast::<Option<BinaryFn>>().add(op) }
    }
}

/// A native function, by the form of its parameters. Forms `F0` … `F4` take required positional arguments only (for a
/// method the first is `self`); `N` gets one entry for each parameter of the text signature, bound and in order
/// (`*args` as a tuple, `**kwargs` as a dict, an absent optional one as `None`); `V` gets the arguments as passed.
#[derive(Clone, Copy)]
pub enum NativeFn {
    /// `f()`
    F0(fn(&mut Vm) -> PyResult),
    /// `f(a)`
    F1(fn(&mut Vm, &Value) -> PyResult),
    /// `f(a, b)`
    F2(fn(&mut Vm, &Value, &Value) -> PyResult),
    /// `f(a, b, c)`
    F3(fn(&mut Vm, &Value, &Value, &Value) -> PyResult),
    /// `f(a, b, c, d)`
    F4(fn(&mut Vm, &Value, &Value, &Value, &Value) -> PyResult),
    /// Bound by the text signature.
    N(fn(&mut Vm, &[Option<Value>]) -> PyResult),
    /// As passed; the function checks its arguments itself.
    V(fn(&mut Vm, &Args<'_>) -> PyResult),
}

/// How a native function is reached from its type.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Binding {
    /// Called on an instance, which is the first argument.
    Method,
    /// The class is the first argument.
    Class,
    /// No first argument.
    Static,
    /// A function of a module.
    Function,
}

/// One native function: a row of a type's or module's table.
pub struct MethodDef {
    /// Name in Python.
    pub name: &'static str,
    /// Parameters as `inspect` shows them: `"($self, object, /, *, key=None)"`, with `$self`, `$type` or `$module`
    /// first where one is passed implicitly (a module is not passed to the function).
    pub signature: &'static str,
    /// One sentence for the user.
    pub doc: &'static str,
    /// The function.
    pub function: NativeFn,
    /// How it is reached.
    pub binding: Binding,
}

impl MethodDef {
    /// A method called on an instance.
    pub const fn method(
        name: &'static str,
        signature: &'static str,
        doc: &'static str,
        function: NativeFn,
    ) -> MethodDef {
        MethodDef { name, signature, doc, function, binding: Binding::Method }
    }
    /// A class method.
    pub const fn class(
        name: &'static str,
        signature: &'static str,
        doc: &'static str,
        function: NativeFn,
    ) -> MethodDef {
        MethodDef { name, signature, doc, function, binding: Binding::Class }
    }
    /// A static method.
    pub const fn stat(name: &'static str, signature: &'static str, doc: &'static str, function: NativeFn) -> MethodDef {
        MethodDef { name, signature, doc, function, binding: Binding::Static }
    }
    /// A module's function.
    pub const fn function(
        name: &'static str,
        signature: &'static str,
        doc: &'static str,
        function: NativeFn,
    ) -> MethodDef {
        MethodDef { name, signature, doc, function, binding: Binding::Function }
    }
}

/// A computed attribute of a builtin type.
pub struct GetSetDef {
    /// Name in Python.
    pub name: &'static str,
    /// One sentence for the user.
    pub doc: &'static str,
    /// Reads it.
    pub get: fn(&mut Vm, &Value) -> PyResult,
    /// Sets it, or deletes it when there is no value; absent: read-only.
    pub set: Option<fn(&mut Vm, &Value, Option<&Value>) -> PyResult<()>>,
    /// Shown as `member_descriptor` rather than `getset_descriptor`.
    pub member: bool,
}

impl GetSetDef {
    /// A read-only attribute.
    pub const fn get(name: &'static str, doc: &'static str, get: fn(&mut Vm, &Value) -> PyResult) -> GetSetDef {
        GetSetDef { name, doc, get, set: None, member: false }
    }
    /// A read-only attribute that CPython shows as a member.
    pub const fn member(name: &'static str, doc: &'static str, get: fn(&mut Vm, &Value) -> PyResult) -> GetSetDef {
        GetSetDef { name, doc, get, set: None, member: true }
    }
    /// A settable attribute.
    pub const fn get_set(
        name: &'static str,
        doc: &'static str,
        get: fn(&mut Vm, &Value) -> PyResult,
        set: fn(&mut Vm, &Value, Option<&Value>) -> PyResult<()>,
    ) -> GetSetDef {
        GetSetDef { name, doc, get, set: Some(set), member: false }
    }
}

/// Visits the references an object holds.
pub type Visit<'a> = dyn FnMut(&Value) + 'a;

/// Data that can live behind a header as a builtin type's own.
///
/// # Safety
/// `DEF` was made by [`TypeDef::new`] for this very type; [`Payload::traverse`] visits each owned `Value` exactly once.
pub unsafe trait Payload: Sized + 'static {
    /// The type's declaration.
    const DEF: &'static TypeDef;
    /// Visits every reference the payload owns (for the collector, `gc.get_referents` and heap tools).
    fn traverse(&self, _visit: &mut Visit<'_>) {}
    /// Gives up references that can be part of a cycle.
    fn clear(&mut self) {}
    /// Items after the fixed part, for var-sized payloads.
    fn var_len(&self) -> usize {
        0
    }
    /// Whether the type's finaliser has nothing to do for this object.
    fn ends_quietly(&self) -> bool {
        false
    }
}

/// Declares `$payload` as the payload of the builtin type `$def`.
#[macro_export]
macro_rules! payload {
    ($payload:ty, $def:ident) => {
        // SAFETY: the static is made by `TypeDef::new::<$payload>`; nothing is owned.
        unsafe impl $crate::object::typedef::Payload for $payload {
            const DEF: &'static $crate::object::typedef::TypeDef = &$def;
        }
    };
    ($payload:ty, $def:ident, traverse($self:ident, $visit:ident) $body:block, clear($cself:ident) $cbody:block) => {
        // SAFETY: the static is made by `TypeDef::new::<$payload>`; `traverse` visits each owned value.
        unsafe impl $crate::object::typedef::Payload for $payload {
            const DEF: &'static $crate::object::typedef::TypeDef = &$def;
            fn traverse(&$self, $visit: &mut $crate::object::typedef::Visit<'_>) $body
            fn clear(&mut $cself) $cbody
        }
    };
}

/// Functions on the raw object that depend on its payload's Rust type.
#[derive(Clone, Copy)]
pub struct PayloadOps {
    /// Drops the payload in place (memory stays).
    pub drop: unsafe fn(*mut Header),
    /// Visits owned references.
    pub traverse: unsafe fn(*mut Header, &mut Visit<'_>),
    /// Gives up references.
    pub clear: unsafe fn(*mut Header),
    /// Number of items after the fixed part.
    pub var_len: unsafe fn(*mut Header) -> usize,
    /// See [`Payload::ends_quietly`].
    pub ends_quietly: unsafe fn(*mut Header) -> bool,
    /// Ends an object that holds nothing but its payload: no `__dict__`, no slots.
    pub end_plain: unsafe fn(*mut Header),
}

/// The declaration of a builtin type; the type object lies inside.
#[repr(C, align(16))]
pub struct TypeDef {
    object: UnsafeCell<TypeObj>,
    /// Name, with its module before a dot unless it is a builtin: `"list"`, `"collections.deque"`.
    pub name: &'static str,
    /// Documentation.
    pub doc: &'static str,
    /// Base; `object` when absent.
    pub base: Option<&'static TypeDef>,
    /// Initial flags.
    pub flags: TypeFlags,
    /// Bytes of the fixed part, header included.
    pub basicsize: usize,
    /// Bytes of each item after it.
    pub itemsize: usize,
    /// Words after the payload that hold values, as `__slots__` do: for types that add fields to their base's payload.
    pub slot_words: u32,
    /// Own slots (not inherited ones).
    pub slots: Slots,
    /// Methods.
    pub methods: &'static [MethodDef],
    /// Computed attributes.
    pub getset: &'static [GetSetDef],
    /// What CPython 3.14 calls `tp_basicsize` and `tp_itemsize`: what `sys.getsizeof` builds on.
    pub cpython_size: (usize, usize),
    /// Text signature of the constructor, `"(iterable=(), /)"`; empty when there is none.
    pub signature: &'static str,
    /// Payload functions.
    pub ops: PayloadOps,
    /// The declaration whose payload instances have: types may share one.
    pub layout: fn() -> *const TypeDef,
}
// SAFETY: guarded by the GIL (I1).
unsafe impl Sync for TypeDef {}

/// A type object.
pub type TypeObj = Obj<Type>;

unsafe fn drop_payload<T: Payload>(h: *mut Header) {
    // SAFETY: the object's payload is a `T` (I3) and it is ending.
    unsafe { std::ptr::drop_in_place(&raw mut (*h.cast::<Obj<T>>()).payload) }
}
unsafe fn ends_quietly_payload<T: Payload>(h: *mut Header) -> bool {
    // SAFETY: as above; the object is live.
    unsafe { (*h.cast::<Obj<T>>()).payload.ends_quietly() }
}
unsafe fn end_plain_payload<T: Payload>(h: *mut Header) {
    // SAFETY: as `drop_payload`; the size is what `instance::new` and var-sized payloads ask the allocator for.
    unsafe {
        let payload = &raw mut (*h.cast::<Obj<T>>()).payload;
        if (*(*h).typ.get()).payload.has(TypeFlags::HAVE_GC) {
            super::gc::freed();
        }
        let items = T::DEF.itemsize * (*payload).var_len();
        std::ptr::drop_in_place(payload);
        super::heap::free(super::heap::Space::Objects, h.cast(), (size_of::<Obj<T>>() + items).next_multiple_of(8));
    }
}
unsafe fn traverse_payload<T: Payload>(h: *mut Header, visit: &mut Visit<'_>) {
    // SAFETY: as above; the object is live.
    unsafe { (*h.cast::<Obj<T>>()).payload.traverse(visit) }
}
unsafe fn clear_payload<T: Payload>(h: *mut Header) {
    // SAFETY: as above; the collector holds the GIL and no other borrow exists.
    unsafe { (*h.cast::<Obj<T>>()).payload.clear() }
}
unsafe fn var_len_payload<T: Payload>(h: *mut Header) -> usize {
    // SAFETY: as above.
    unsafe { (*h.cast::<Obj<T>>()).payload.var_len() }
}

fn layout_of<T: Payload>() -> *const TypeDef {
    T::DEF
}

impl TypeDef {
    /// A declaration for payload `T`; the methods below refine it.
    pub const fn new<T: Payload>(name: &'static str) -> TypeDef {
        TypeDef {
            object: UnsafeCell::new(Obj {
                header: Header::immortal(&raw const crate::types::typeobject::TYPE as *const TypeObj),
                payload: Type::blank(),
            }),
            name,
            doc: "",
            base: None,
            flags: TypeFlags::IMMUTABLE,
            basicsize: size_of::<Obj<T>>(),
            itemsize: 0,
            slot_words: 0,
            slots: Slots::NONE,
            methods: &[],
            getset: &[],
            cpython_size: (size_of::<Obj<T>>(), 0),
            signature: "",
            ops: PayloadOps {
                drop: drop_payload::<T>,
                traverse: traverse_payload::<T>,
                clear: clear_payload::<T>,
                var_len: var_len_payload::<T>,
                ends_quietly: ends_quietly_payload::<T>,
                end_plain: end_plain_payload::<T>,
            },
            layout: layout_of::<T>,
        }
    }
    /// Documentation (`__doc__`).
    pub const fn doc(mut self, doc: &'static str) -> TypeDef {
        self.doc = doc;
        self
    }
    /// Text signature of the constructor.
    pub const fn signature(mut self, signature: &'static str) -> TypeDef {
        self.signature = signature;
        self
    }
    /// Base type.
    pub const fn base(mut self, base: &'static TypeDef) -> TypeDef {
        self.base = Some(base);
        self
    }
    /// Adds flags.
    pub const fn flags(mut self, flags: TypeFlags) -> TypeDef {
        self.flags = self.flags.union(flags);
        self
    }
    /// Adds words after the payload that hold values (`instance::get_slot` and `set_slot`).
    pub const fn slot_words(mut self, slot_words: u32) -> TypeDef {
        self.slot_words = slot_words;
        self
    }
    /// Own slots.
    pub const fn slots(mut self, slots: Slots) -> TypeDef {
        self.slots = slots;
        self
    }
    /// Method table.
    pub const fn methods(mut self, methods: &'static [MethodDef]) -> TypeDef {
        self.methods = methods;
        self
    }
    /// Attribute table.
    pub const fn getset(mut self, getset: &'static [GetSetDef]) -> TypeDef {
        self.getset = getset;
        self
    }
    /// Bytes of each item after the fixed part (var-sized payloads).
    pub const fn itemsize(mut self, itemsize: usize) -> TypeDef {
        self.itemsize = itemsize;
        self
    }
    /// `__basicsize__` and `__itemsize__` as CPython 3.14 has them.
    pub const fn cpython_size(mut self, basic: usize, item: usize) -> TypeDef {
        self.cpython_size = (basic, item);
        self
    }
    /// The type object.
    #[inline(always)]
    pub const fn object(&'static self) -> &'static TypeObj {
        // SAFETY: the static lives forever; its fields are cells (I1).
        unsafe { &*self.object.get() }
    }
    /// A handle to the type.
    #[inline(always)]
    pub fn class(&'static self) -> Py<Type> {
        // SAFETY: static types are immortal and have the layout of `Type`.
        unsafe { Py::from_value_unchecked(Value::from_word(self.object.get() as usize)) }
    }
    /// A handle to the type, untyped.
    #[inline(always)]
    pub fn value(&'static self) -> Value {
        self.class().into_value()
    }
}

/// Parts of a type that only classes made by Python code have, or that are seldom read.
#[derive(Default)]
pub struct TypeExtra {
    /// `__bases__`.
    pub bases: Option<Value>,
    /// `__mro__` as a tuple.
    pub mro_tuple: Option<Value>,
    /// `__qualname__`.
    pub qualname: Option<Value>,
    /// `__name__` as a str.
    pub name_object: Option<Value>,
    /// Names of `__slots__` members, in slot order.
    pub slot_names: Vec<Py<Str>>,
    /// Direct subclasses, weakly: removed when they end.
    pub subclasses: Vec<*const TypeObj>,
    /// Data a native module attaches to its types.
    pub module: Option<Value>,
}

/// The payload of a type object.
pub struct Type {
    /// See [`TypeFlags`].
    pub flags: Cell<TypeFlags>,
    /// Changes with every change to the type or its bases; 0: none assigned.
    pub version: Cell<u32>,
    /// Bytes of the fixed part of an instance (header and payload).
    pub basicsize: Cell<u32>,
    /// Bytes of each item.
    pub itemsize: Cell<u32>,
    /// Number of `__slots__` words that follow the payload.
    pub slot_words: Cell<u32>,
    /// Inline attribute words a new instance gets (when `HAS_DICT`).
    pub inline_cap: Cell<u32>,
    /// Shape of a new instance; 0: not made yet.
    pub root_shape: Cell<u32>,
    /// The builtin type whose payload instances carry.
    pub layout: Cell<*const TypeDef>,
    /// Ends an instance.
    pub dealloc: Cell<unsafe fn(*mut Header)>,
    /// The function slots, own and inherited.
    pub slots: UnsafeCell<Slots>,
    /// The declaration, for builtin types.
    pub def: Cell<Option<&'static TypeDef>>,
    /// The base that decides the layout; null for `object`.
    pub base: Cell<*const TypeObj>,
    /// `__name__`.
    pub name: RefCell<String>,
    /// Method resolution order, the type itself first.
    pub mro: RefCell<Vec<Py<Type>>>,
    /// `__dict__`.
    pub dict: RefCell<Option<Py<Dict>>>,
    /// The rest.
    pub extra: RefCell<TypeExtra>,
}

unsafe fn dealloc_unready(h: *mut Header) {
    // SAFETY: only static types can be unready, and a static type object starts its declaration.
    let name = unsafe { (*(*h).typ.get().cast::<TypeDef>()).name };
    unreachable!("an instance of type '{name}', which is in no table of types")
}

impl Type {
    /// A type that nothing is known of yet.
    pub const fn blank() -> Type {
        Type {
            flags: Cell::new(TypeFlags::empty()),
            version: Cell::new(0),
            basicsize: Cell::new(0),
            itemsize: Cell::new(0),
            slot_words: Cell::new(0),
            inline_cap: Cell::new(0),
            root_shape: Cell::new(0),
            layout: Cell::new(std::ptr::null()),
            dealloc: Cell::new(dealloc_unready),
            slots: UnsafeCell::new(Slots::NONE),
            def: Cell::new(None),
            base: Cell::new(std::ptr::null()),
            name: RefCell::new(String::new()),
            mro: RefCell::new(Vec::new()),
            dict: RefCell::new(None),
            extra: RefCell::new(TypeExtra {
                bases: None,
                mro_tuple: None,
                qualname: None,
                name_object: None,
                slot_names: Vec::new(),
                subclasses: Vec::new(),
                module: None,
            }),
        }
    }

    /// The slots; copy the function out before calling it, since Python code may change the class.
    #[inline(always)]
    pub fn slots(&self) -> &Slots {
        // SAFETY: written only by `types::slots` while no borrow is held (readers copy one function).
        unsafe { &*self.slots.get() }
    }

    /// Whether `flag` is set.
    #[inline(always)]
    pub fn has(&self, flag: TypeFlags) -> bool {
        self.flags.get().contains(flag)
    }

    /// `__name__`.
    pub fn name(&self) -> String {
        self.name.borrow().clone()
    }

    /// The dictionary; every ready type has one.
    pub fn dict(&self) -> Py<Dict> {
        self.dict.borrow().clone().expect("a ready type has a dictionary")
    }
}
