//! The table itself: name, slot, text signature and documentation of each special method, and how its wrapper calls the
//! slot.

use crate::object::Slots;
use crate::object::typedef::{
    BinaryFn, BufferFn, CallFn, CmpOp, ContainsFn, DescrGetFn, DescrSetFn, FinalizeFn, GetAttrFn, HashFn, InitFn,
    InquiryFn, ItemFn, LenFn, NextFn, PowerFn, RichCmpFn, SetAttrFn, SetItemFn, SetSubscriptFn, UnaryFn,
};
use crate::slot_index;

/// How `Type.__name__(…)` calls the slot: what it passes and what it gives back.
#[derive(Clone, Copy)]
pub enum Wrap {
    /// No wrapper: the name only decides the slot of classes made by Python code.
    None,
    /// `f(self)`
    Unary(fn(&Slots) -> Option<UnaryFn>),
    /// `f(self, other)`
    Binary(fn(&Slots) -> Option<BinaryFn>),
    /// `f(other, self)`
    Reflected(fn(&Slots) -> Option<BinaryFn>),
    /// `f(self, other, mod)`
    Power(fn(&Slots) -> Option<PowerFn>),
    /// `f(other, self, mod)`
    PowerReflected(fn(&Slots) -> Option<PowerFn>),
    /// Answers a bool.
    Inquiry(fn(&Slots) -> Option<InquiryFn>),
    /// Answers a length.
    Len(fn(&Slots) -> Option<LenFn>),
    /// Repetition: the argument is an integer.
    Repeat(fn(&Slots) -> Option<ItemFn>),
    /// Sequence access: the argument is an integer, counted from the end when negative.
    Item(fn(&Slots) -> Option<ItemFn>),
    /// Sequence assignment.
    SetItem(fn(&Slots) -> Option<SetItemFn>),
    /// Sequence deletion.
    DelItem(fn(&Slots) -> Option<SetItemFn>),
    /// `self[key] = value`
    SetSubscript(fn(&Slots) -> Option<SetSubscriptFn>),
    /// `del self[key]`
    DelSubscript(fn(&Slots) -> Option<SetSubscriptFn>),
    /// `key in self`
    Contains(fn(&Slots) -> Option<ContainsFn>),
    /// `hash(self)`
    Hash(fn(&Slots) -> Option<HashFn>),
    /// `self(…)`
    Call(fn(&Slots) -> Option<CallFn>),
    /// `self.name`
    GetAttr(fn(&Slots) -> Option<GetAttrFn>),
    /// `self.name = value`
    SetAttr(fn(&Slots) -> Option<SetAttrFn>),
    /// `del self.name`
    DelAttr(fn(&Slots) -> Option<SetAttrFn>),
    /// A comparison.
    Compare(fn(&Slots) -> Option<RichCmpFn>, CmpOp),
    /// `next(self)`: the end becomes `StopIteration`.
    Next(fn(&Slots) -> Option<NextFn>),
    /// Descriptor get.
    Get(fn(&Slots) -> Option<DescrGetFn>),
    /// Descriptor set.
    Set(fn(&Slots) -> Option<DescrSetFn>),
    /// Descriptor delete.
    Delete(fn(&Slots) -> Option<DescrSetFn>),
    /// Initialiser.
    Init(fn(&Slots) -> Option<InitFn>),
    /// Finaliser.
    Del(fn(&Slots) -> Option<FinalizeFn>),
    /// Buffer export.
    Buffer(fn(&Slots) -> Option<BufferFn>),
    /// End of a buffer export.
    ReleaseBuffer,
}

/// One special method.
pub struct Row {
    /// `__add__`
    pub name: &'static str,
    /// Number of the slot.
    pub slot: usize,
    /// Text signature of the wrapper.
    pub signature: &'static str,
    /// What the wrapper's `__doc__` shows.
    pub doc: &'static str,
    /// How the wrapper calls the slot.
    pub wrap: Wrap,
}

const SELF: &str = "($self, /)";
const VALUE: &str = "($self, value, /)";
const KEY: &str = "($self, key, /)";
const ANY: &str = "($self, /, *args, **kwargs)";

macro_rules! rows {
    ($( $name:literal $slot:ident $kind:ident $(($op:ident))? $signature:ident $doc:literal; )*) => {
        /// All special methods, in the order in which wrappers enter a builtin type's dictionary.
        pub static ROWS: &[Row] = &[
            $( Row {
                name: $name,
                slot: slot_index!($slot),
                signature: $signature,
                doc: $doc,
                wrap: rows!(@wrap $kind $slot $($op)?),
            }, )*
        ];
    };
    (@wrap None $slot:ident) => { Wrap::None };
    (@wrap ReleaseBuffer $slot:ident) => { Wrap::ReleaseBuffer };
    (@wrap Compare $slot:ident $op:ident) => { Wrap::Compare(|s| s.$slot, CmpOp::$op) };
    (@wrap $kind:ident $slot:ident) => { Wrap::$kind(|s| s.$slot) };
}

const NAME: &str = "($self, name, /)";
const NAME_VALUE: &str = "($self, name, value, /)";
const KEY_VALUE: &str = "($self, key, value, /)";
const GET: &str = "($self, instance, owner=None, /)";
const SET: &str = "($self, instance, value, /)";
const DELETE: &str = "($self, instance, /)";
const POWER: &str = "($self, value, mod=None, /)";
const FLAGS: &str = "($self, flags, /)";
const BUFFER: &str = "($self, buffer, /)";
const NONE: &str = "";

rows! {
    "__repr__" repr Unary SELF "Return repr(self).";
    "__hash__" hash Hash SELF "Return hash(self).";
    "__call__" call Call ANY "Call self as a function.";
    "__str__" str Unary SELF "Return str(self).";
    "__getattribute__" getattr GetAttr NAME "Return getattr(self, name).";
    "__getattr__" getattr None NONE "";
    "__setattr__" setattr SetAttr NAME_VALUE "Implement setattr(self, name, value).";
    "__delattr__" setattr DelAttr NAME "Implement delattr(self, name).";
    "__lt__" richcmp Compare(Lt) VALUE "Return self<value.";
    "__le__" richcmp Compare(Le) VALUE "Return self<=value.";
    "__eq__" richcmp Compare(Eq) VALUE "Return self==value.";
    "__ne__" richcmp Compare(Ne) VALUE "Return self!=value.";
    "__gt__" richcmp Compare(Gt) VALUE "Return self>value.";
    "__ge__" richcmp Compare(Ge) VALUE "Return self>=value.";
    "__iter__" iter Unary SELF "Implement iter(self).";
    "__next__" next Next SELF "Implement next(self).";
    "__get__" descr_get Get GET "Return an attribute of instance, which is of type owner.";
    "__set__" descr_set Set SET "Set an attribute of instance to value.";
    "__delete__" descr_set Delete DELETE "Delete an attribute of instance.";
    "__init__" init Init ANY "Initialize self.  See help(type(self)) for accurate signature.";
    "__new__" new None NONE "";
    "__del__" finalize Del SELF "Called when the instance is about to be destroyed.";
    "__buffer__" buffer Buffer FLAGS "Return a buffer object that exposes the underlying memory of the object.";
    "__release_buffer__" buffer ReleaseBuffer BUFFER
        "Release the buffer object that exposes the underlying memory of the object.";
    "__await__" am_await Unary SELF "Return an iterator to be used in await expression.";
    "__aiter__" aiter Unary SELF "Return an awaitable, that resolves in asynchronous iterator.";
    "__anext__" anext Unary SELF "Return a value or raise StopAsyncIteration.";
    "__add__" add Binary VALUE "Return self+value.";
    "__radd__" add Reflected VALUE "Return value+self.";
    "__sub__" sub Binary VALUE "Return self-value.";
    "__rsub__" sub Reflected VALUE "Return value-self.";
    "__mul__" mul Binary VALUE "Return self*value.";
    "__rmul__" mul Reflected VALUE "Return value*self.";
    "__mod__" rem Binary VALUE "Return self%value.";
    "__rmod__" rem Reflected VALUE "Return value%self.";
    "__divmod__" divmod Binary VALUE "Return divmod(self, value).";
    "__rdivmod__" divmod Reflected VALUE "Return divmod(value, self).";
    "__pow__" power Power POWER "Return pow(self, value, mod).";
    "__rpow__" power PowerReflected POWER "Return pow(value, self, mod).";
    "__neg__" neg Unary SELF "-self";
    "__pos__" pos Unary SELF "+self";
    "__abs__" abs Unary SELF "abs(self)";
    "__bool__" truth Inquiry SELF "True if self else False";
    "__invert__" invert Unary SELF "~self";
    "__lshift__" lshift Binary VALUE "Return self<<value.";
    "__rlshift__" lshift Reflected VALUE "Return value<<self.";
    "__rshift__" rshift Binary VALUE "Return self>>value.";
    "__rrshift__" rshift Reflected VALUE "Return value>>self.";
    "__and__" and Binary VALUE "Return self&value.";
    "__rand__" and Reflected VALUE "Return value&self.";
    "__xor__" xor Binary VALUE "Return self^value.";
    "__rxor__" xor Reflected VALUE "Return value^self.";
    "__or__" or Binary VALUE "Return self|value.";
    "__ror__" or Reflected VALUE "Return value|self.";
    "__int__" int Unary SELF "int(self)";
    "__float__" float Unary SELF "float(self)";
    "__iadd__" iadd Binary VALUE "Return self+=value.";
    "__isub__" isub Binary VALUE "Return self-=value.";
    "__imul__" imul Binary VALUE "Return self*=value.";
    "__imod__" irem Binary VALUE "Return self%=value.";
    "__ipow__" ipow Binary VALUE "Return self**=value.";
    "__ilshift__" ilshift Binary VALUE "Return self<<=value.";
    "__irshift__" irshift Binary VALUE "Return self>>=value.";
    "__iand__" iand Binary VALUE "Return self&=value.";
    "__ixor__" ixor Binary VALUE "Return self^=value.";
    "__ior__" ior Binary VALUE "Return self|=value.";
    "__floordiv__" floordiv Binary VALUE "Return self//value.";
    "__rfloordiv__" floordiv Reflected VALUE "Return value//self.";
    "__truediv__" truediv Binary VALUE "Return self/value.";
    "__rtruediv__" truediv Reflected VALUE "Return value/self.";
    "__ifloordiv__" ifloordiv Binary VALUE "Return self//=value.";
    "__itruediv__" itruediv Binary VALUE "Return self/=value.";
    "__index__" index Unary SELF
        "Return self converted to an integer, if self is suitable for use as an index into a list.";
    "__matmul__" matmul Binary VALUE "Return self@value.";
    "__rmatmul__" matmul Reflected VALUE "Return value@self.";
    "__imatmul__" imatmul Binary VALUE "Return self@=value.";
    "__len__" len Len SELF "Return len(self).";
    "__getitem__" subscript Binary KEY "Return self[key].";
    "__setitem__" set_subscript SetSubscript KEY_VALUE "Set self[key] to value.";
    "__delitem__" set_subscript DelSubscript KEY "Delete self[key].";
    "__add__" concat Binary VALUE "Return self+value.";
    "__mul__" repeat Repeat VALUE "Return self*value.";
    "__rmul__" repeat Repeat VALUE "Return value*self.";
    "__getitem__" item Item KEY "Return self[key].";
    "__setitem__" set_item SetItem KEY_VALUE "Set self[key] to value.";
    "__delitem__" set_item DelItem KEY "Delete self[key].";
    "__contains__" contains Contains KEY "Return bool(key in self).";
    "__iadd__" iconcat Binary VALUE "Implement self+=value.";
    "__imul__" irepeat Repeat VALUE "Implement self*=value.";
}
