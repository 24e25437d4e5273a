//! The safe handles: what builtin types, native modules and tools hold of the machine.
//!
//! [`Value`] is an owned, non-zero word: a small integer (bit 0 set, 63 bits) or a pointer to a [`Header`]. Cloning
//! counts up, dropping counts down, and dropping never runs Python code (`finalize`). [`Py<T>`] is a `Value` known to
//! point at a payload `T`. Looking inside needs `&Vm`, changing needs `&mut Vm`, so the borrow checker refuses code that
//! holds on to the inside of a container while Python code could change it. Payloads that never change ([`Frozen`])
//! can be read without the handle.

use super::header::{Header, decref};
use super::typedef::{Payload, TypeObj};
use crate::vm::Vm;
use std::marker::PhantomData;
use std::num::NonZeroUsize;
use std::ops::Deref;

/// An owned reference to a Python object, one non-zero word.
#[repr(transparent)]
pub struct Value(NonZeroUsize);

/// The witness that the thread has a pending exception; it holds nothing, so `Result<Value, Raised>` is one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "an exception is pending"]
pub struct Raised(pub(crate) ());

/// What a Python operation gives: a value, or the witness of a pending exception.
pub type PyResult<T = Value> = Result<T, Raised>;

const _: () = assert!(size_of::<PyResult<Value>>() == 8 && size_of::<Option<Value>>() == 8);

/// Largest and smallest integers kept in the word itself.
pub const SMALL_INT_MAX: i64 = (1 << 62) - 1;
/// See [`SMALL_INT_MAX`].
pub const SMALL_INT_MIN: i64 = -(1 << 62);

/// An object in memory: header, then payload.
#[repr(C)]
pub struct Obj<T> {
    /// Count, flags, type.
    pub header: Header,
    /// The type's own data.
    pub payload: T,
}

impl Value {
    /// The integer `i`, when it fits the word.
    #[inline(always)]
    pub const fn small(i: i64) -> Option<Value> {
        if i >= SMALL_INT_MIN && i <= SMALL_INT_MAX { Some(Value::small_unchecked(i)) } else { None }
    }

    /// The integer `i`, which the caller knows to fit 63 bits (lengths, indices, bytes …).
    #[inline(always)]
    pub const fn small_unchecked(i: i64) -> Value {
        // Bit 0 is set, so the word is not zero.
        Value(NonZeroUsize::new(((i << 1) | 1) as usize).unwrap())
    }

    /// A length or index as a Python integer.
    #[inline(always)]
    pub const fn from_usize(n: usize) -> Value {
        Value::small_unchecked(n as i64)
    }

    /// The small integer in the word, if it is one. (Bools and big integers are heap objects: see `types::int`.)
    #[inline(always)]
    pub fn as_small(&self) -> Option<i64> {
        if self.0.get() & 1 != 0 { Some((self.0.get() as i64) >> 1) } else { None }
    }

    /// Whether the word is a small integer rather than a pointer.
    #[inline(always)]
    pub fn is_small(&self) -> bool {
        self.0.get() & 1 != 0
    }

    /// The bare word, still owned by `self`.
    #[inline(always)]
    pub fn word(&self) -> usize {
        self.0.get()
    }

    /// Gives up ownership: the word now carries the counted reference.
    #[inline(always)]
    pub fn into_word(self) -> usize {
        let w = self.0.get();
        std::mem::forget(self);
        w
    }

    /// Takes over a counted reference carried by a word.
    ///
    /// # Safety
    /// `word` is a small integer or points to a live object of which one counted reference passes to the result (I1).
    #[inline(always)]
    pub unsafe fn from_word(word: usize) -> Value {
        // SAFETY: by the caller's promise the word is not zero.
        Value(unsafe { NonZeroUsize::new_unchecked(word) })
    }

    /// A reference to the word at `p` as a value that stays owned by whoever owns the word.
    ///
    /// # Safety
    /// The word is a live, untagged value for as long as it is borrowed (I1).
    #[inline(always)]
    pub unsafe fn ref_from_word(p: &usize) -> &Value {
        // SAFETY: same representation.
        unsafe { &*(p as *const usize).cast::<Value>() }
    }

    /// A new counted reference to a live object.
    ///
    /// # Safety
    /// `h` points to a live object (I1).
    #[inline(always)]
    pub unsafe fn from_header(h: *const Header) -> Value {
        // SAFETY: by the caller's promise.
        unsafe {
            (*h).incref();
            Value::from_word(h as usize)
        }
    }

    /// The header, or `None` for a small integer.
    #[inline(always)]
    pub fn header(&self) -> Option<&Header> {
        if self.is_small() {
            None
        } else {
            // SAFETY: a pointer word points to a live object (I1).
            Some(unsafe { &*(self.0.get() as *const Header) })
        }
    }

    /// Pointer to the header; meaningless for small integers.
    #[inline(always)]
    pub fn as_ptr(&self) -> *mut Header {
        self.0.get() as *mut Header
    }

    /// The object's type, as `type(x)` gives it.
    #[inline(always)]
    pub fn class(&self) -> &TypeObj {
        match self.header() {
            // SAFETY: a live object keeps its type alive (I2).
            Some(h) => unsafe { &*h.typ.get() },
            None => crate::types::int::INT.object(),
        }
    }

    /// Identity: what `is` compares.
    #[inline(always)]
    pub fn is(&self, other: &Value) -> bool {
        self.0 == other.0
    }

    /// Whether the value is this static object.
    #[inline(always)]
    pub fn is_static<T>(&self, object: &'static StaticObj<T>) -> bool {
        self.0.get() == object as *const StaticObj<T> as usize
    }

    /// Whether the value is `None`.
    #[inline(always)]
    pub fn is_none(&self) -> bool {
        self.is_static(&crate::types::singletons::NONE)
    }

    /// Whether the value is this builtin type itself.
    #[inline(always)]
    pub fn is_static_type(&self, def: &'static crate::object::TypeDef) -> bool {
        self.0.get() == def.object() as *const TypeObj as usize
    }

    /// Whether the value is `True` or `False`.
    #[inline(always)]
    pub fn is_exact_bool(&self) -> bool {
        self.is_static(&crate::types::singletons::TRUE) || self.is_static(&crate::types::singletons::FALSE)
    }

    /// The number that `id()` shows: the address; for small integers a number no address has.
    pub fn id(&self) -> usize {
        self.0.get()
    }

    /// The value as a `T`, when its layout is that of `T` (instances of Python subclasses included).
    #[inline(always)]
    pub fn downcast<T: Payload>(&self) -> Option<&Py<T>> {
        let h = self.header()?;
        // SAFETY: a live object keeps its type alive (I2).
        let layout = unsafe { (*h.typ.get()).payload.layout.get() };
        if std::ptr::eq(layout, T::DEF) {
            // SAFETY: same representation, payload checked (I3).
            Some(unsafe { self.downcast_unchecked() })
        } else {
            None
        }
    }

    /// The value as a `T`, when its type is exactly `T`'s own (no subclass).
    #[inline(always)]
    pub fn downcast_exact<T: Payload>(&self) -> Option<&Py<T>> {
        let h = self.header()?;
        if std::ptr::eq(h.typ.get(), T::DEF.object()) {
            // SAFETY: same representation, type checked (I3).
            Some(unsafe { self.downcast_unchecked() })
        } else {
            None
        }
    }

    /// The value as a `T` without a check.
    ///
    /// # Safety
    /// The object's layout is that of `T` (I3).
    #[inline(always)]
    pub unsafe fn downcast_unchecked<T: Payload>(&self) -> &Py<T> {
        // SAFETY: both are one transparent word.
        unsafe { &*(self as *const Value).cast::<Py<T>>() }
    }

    /// Turns the value into a `Py<T>`, or gives it back.
    #[inline]
    pub fn into_py<T: Payload>(self) -> Result<Py<T>, Value> {
        if self.downcast::<T>().is_some() { Ok(Py { value: self, of: PhantomData }) } else { Err(self) }
    }

    /// Whether the type is exactly that of `T`.
    #[inline(always)]
    pub fn is_exact<T: Payload>(&self) -> bool {
        self.downcast_exact::<T>().is_some()
    }
}

impl Clone for Value {
    #[inline(always)]
    fn clone(&self) -> Value {
        if let Some(h) = self.header() {
            h.incref();
        }
        Value(self.0)
    }
}

impl Drop for Value {
    #[inline(always)]
    fn drop(&mut self) {
        if !self.is_small() {
            // SAFETY: the value owns one counted reference (I1).
            unsafe { decref(self.as_ptr()) }
        }
    }
}

impl std::fmt::Debug for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.as_small() {
            Some(i) => write!(f, "{i}"),
            None => write!(f, "<{} at {:#x}>", self.class().payload.name(), self.word()),
        }
    }
}

/// An owned reference to an object whose payload is a `T`.
#[repr(transparent)]
pub struct Py<T: Payload> {
    value: Value,
    of: PhantomData<*const T>,
}

impl<T: Payload> Py<T> {
    /// Takes over an object that the caller made with payload `T`.
    ///
    /// # Safety
    /// The object's layout is that of `T` (I3).
    #[inline(always)]
    pub unsafe fn from_value_unchecked(value: Value) -> Py<T> {
        Py { value, of: PhantomData }
    }

    /// The untyped handle.
    #[inline(always)]
    pub fn as_value(&self) -> &Value {
        &self.value
    }

    /// The untyped handle, owned.
    #[inline(always)]
    pub fn into_value(self) -> Value {
        self.value
    }

    /// Raw pointer to the payload.
    #[inline(always)]
    pub fn payload_ptr(&self) -> *mut T {
        // SAFETY: the payload follows the header.
        unsafe { &raw mut (*self.value.as_ptr().cast::<Obj<T>>()).payload }
    }

    /// The payload, for as long as nobody may change objects.
    #[inline(always)]
    pub fn get<'a>(&'a self, _vm: &'a Vm) -> &'a T {
        // SAFETY: `&Vm` excludes changes for 'a (I5).
        unsafe { &*self.payload_ptr() }
    }

    /// The payload, to be changed.
    #[inline(always)]
    pub fn get_mut<'a>(&'a self, _vm: &'a mut Vm) -> &'a mut T {
        // SAFETY: `&mut Vm` is held by one borrower at a time (I5).
        unsafe { &mut *self.payload_ptr() }
    }
}

impl<T: Payload> Clone for Py<T> {
    #[inline(always)]
    fn clone(&self) -> Self {
        Py { value: self.value.clone(), of: PhantomData }
    }
}

impl<T: Payload> std::fmt::Debug for Py<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.value.fmt(f)
    }
}

impl<T: Payload> From<Py<T>> for Value {
    #[inline(always)]
    fn from(p: Py<T>) -> Value {
        p.value
    }
}

/// A payload that never changes after its object is made (interior caches in `Cell`s aside), so it can be read without
/// the thread handle.
pub trait Frozen: Payload {}

impl<T: Frozen> Deref for Py<T> {
    type Target = T;
    #[inline(always)]
    fn deref(&self) -> &T {
        // SAFETY: the payload never changes (Frozen).
        unsafe { &*self.payload_ptr() }
    }
}

/// An object in a `static`: immortal, its type known at link time.
#[repr(C, align(16))]
pub struct StaticObj<T>(Obj<T>);
// SAFETY: guarded by the GIL like every object (I1).
unsafe impl<T> Sync for StaticObj<T> {}

impl<T> StaticObj<T> {
    /// A static object of type `typ`, which must have the layout of `T`.
    pub const fn new(typ: *const TypeObj, payload: T) -> StaticObj<T> {
        StaticObj(Obj { header: Header::immortal(typ), payload })
    }

    /// A handle to it.
    #[inline(always)]
    pub fn value(&'static self) -> Value {
        // SAFETY: the object is immortal.
        unsafe { Value::from_word(self as *const StaticObj<T> as usize) }
    }

    /// The payload.
    pub fn payload(&'static self) -> &'static T {
        &self.0.payload
    }
}

/// `None`.
#[inline(always)]
pub fn none() -> Value {
    crate::types::singletons::NONE.value()
}

/// `True` or `False`.
#[inline(always)]
pub fn boolean(b: bool) -> Value {
    if b { crate::types::singletons::TRUE.value() } else { crate::types::singletons::FALSE.value() }
}

/// `NotImplemented`.
#[inline(always)]
pub fn not_implemented() -> Value {
    crate::types::singletons::NOT_IMPLEMENTED.value()
}
