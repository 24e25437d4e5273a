//! What the arguments of instructions mean, where they are small numbers: operators, intrinsics, special methods, flags.
//!
//! The numbers are CPython 3.14's (`Include/internal/pycore_intrinsics.h`, `pycore_opcode_utils.h`, `opcode.h`); `dis`
//! shows the names.

macro_rules! numbered {
    ($(#[$doc:meta])* $name:ident: $($variant:ident = $text:literal,)*) => {
        $(#[$doc])*
        #[allow(missing_docs)]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum $name { $($variant,)* }

        impl $name {
            /// Every value, in the order of their numbers.
            pub const ALL: &[$name] = &[$($name::$variant,)*];

            /// The text that CPython shows for it.
            pub const fn text(self) -> &'static str {
                match self { $($name::$variant => $text,)* }
            }

            /// The value of a number.
            pub const fn from_number(number: u32) -> Option<$name> {
                if (number as usize) < Self::ALL.len() { Some(Self::ALL[number as usize]) } else { None }
            }

            /// The number, as the argument of an instruction carries it.
            pub const fn number(self) -> u32 {
                self as u32
            }
        }
    };
}

numbered! {
    /// The argument of `BINARY_OP` (`NB_*`), with the operator's text.
    BinaryOp:
    Add = "+", And = "&", FloorDivide = "//", Lshift = "<<", MatrixMultiply = "@", Multiply = "*", Remainder = "%",
    Or = "|", Power = "**", Rshift = ">>", Subtract = "-", TrueDivide = "/", Xor = "^",
    InplaceAdd = "+=", InplaceAnd = "&=", InplaceFloorDivide = "//=", InplaceLshift = "<<=",
    InplaceMatrixMultiply = "@=", InplaceMultiply = "*=", InplaceRemainder = "%=", InplaceOr = "|=",
    InplacePower = "**=", InplaceRshift = ">>=", InplaceSubtract = "-=", InplaceTrueDivide = "/=", InplaceXor = "^=",
    Subscript = "[]",
}

impl BinaryOp {
    /// The name that `_opcode.get_nb_ops` gives, such as `NB_ADD`.
    pub const fn nb_name(self) -> &'static str {
        const NAMES: [&str; 27] = [
            "NB_ADD",
            "NB_AND",
            "NB_FLOOR_DIVIDE",
            "NB_LSHIFT",
            "NB_MATRIX_MULTIPLY",
            "NB_MULTIPLY",
            "NB_REMAINDER",
            "NB_OR",
            "NB_POWER",
            "NB_RSHIFT",
            "NB_SUBTRACT",
            "NB_TRUE_DIVIDE",
            "NB_XOR",
            "NB_INPLACE_ADD",
            "NB_INPLACE_AND",
            "NB_INPLACE_FLOOR_DIVIDE",
            "NB_INPLACE_LSHIFT",
            "NB_INPLACE_MATRIX_MULTIPLY",
            "NB_INPLACE_MULTIPLY",
            "NB_INPLACE_REMAINDER",
            "NB_INPLACE_OR",
            "NB_INPLACE_POWER",
            "NB_INPLACE_RSHIFT",
            "NB_INPLACE_SUBTRACT",
            "NB_INPLACE_TRUE_DIVIDE",
            "NB_INPLACE_XOR",
            "NB_SUBSCR",
        ];
        NAMES[self as usize]
    }

    /// The in-place form of a plain operator; itself for what has none.
    pub const fn inplace(self) -> BinaryOp {
        let number = self as u32;
        if number <= BinaryOp::Xor as u32 { Self::ALL[number as usize + BinaryOp::InplaceAdd as usize] } else { self }
    }

    /// The plain operator of an in-place form; itself for a plain one.
    pub const fn plain(self) -> BinaryOp {
        let number = self as usize;
        if number >= BinaryOp::InplaceAdd as usize && number <= BinaryOp::InplaceXor as usize {
            Self::ALL[number - BinaryOp::InplaceAdd as usize]
        } else {
            self
        }
    }
}

numbered! {
    /// The comparison in an argument of `COMPARE_OP`, above its five low bits.
    CompareOp:
    Lt = "<", Le = "<=", Eq = "==", Ne = "!=", Gt = ">", Ge = ">=",
}

impl CompareOp {
    /// Set in an argument of `COMPARE_OP` when the result is to be made a bool.
    pub const TO_BOOL: u32 = 16;

    /// The argument of `COMPARE_OP`: the comparison above, below it the outcomes (less 2, greater 4, equal 8, unordered
    /// 1) that satisfy it.
    pub const fn arg(self) -> u32 {
        let outcomes = match self {
            CompareOp::Lt => 2,
            CompareOp::Le => 2 | 8,
            CompareOp::Eq => 8,
            CompareOp::Ne => 1 | 2 | 4,
            CompareOp::Gt => 4,
            CompareOp::Ge => 4 | 8,
        };
        ((self as u32) << 5) | outcomes
    }

    /// The comparison of an argument of `COMPARE_OP`.
    pub const fn of_arg(arg: u32) -> Option<CompareOp> {
        CompareOp::from_number(arg >> 5)
    }
}

numbered! {
    /// The argument of `CALL_INTRINSIC_1`.
    Intrinsic1:
    Invalid = "INTRINSIC_1_INVALID", Print = "INTRINSIC_PRINT", ImportStar = "INTRINSIC_IMPORT_STAR",
    StopIterationError = "INTRINSIC_STOPITERATION_ERROR", AsyncGenWrap = "INTRINSIC_ASYNC_GEN_WRAP",
    UnaryPositive = "INTRINSIC_UNARY_POSITIVE", ListToTuple = "INTRINSIC_LIST_TO_TUPLE",
    TypeVar = "INTRINSIC_TYPEVAR", ParamSpec = "INTRINSIC_PARAMSPEC", TypeVarTuple = "INTRINSIC_TYPEVARTUPLE",
    SubscriptGeneric = "INTRINSIC_SUBSCRIPT_GENERIC", TypeAlias = "INTRINSIC_TYPEALIAS",
}

numbered! {
    /// The argument of `CALL_INTRINSIC_2`.
    Intrinsic2:
    Invalid = "INTRINSIC_2_INVALID", PrepReraiseStar = "INTRINSIC_PREP_RERAISE_STAR",
    TypeVarWithBound = "INTRINSIC_TYPEVAR_WITH_BOUND", TypeVarWithConstraints = "INTRINSIC_TYPEVAR_WITH_CONSTRAINTS",
    SetFunctionTypeParams = "INTRINSIC_SET_FUNCTION_TYPE_PARAMS", SetTypeParamDefault = "INTRINSIC_SET_TYPEPARAM_DEFAULT",
}

numbered! {
    /// The argument of `LOAD_SPECIAL`.
    SpecialMethod:
    Enter = "__enter__", Exit = "__exit__", Aenter = "__aenter__", Aexit = "__aexit__",
}

numbered! {
    /// The argument of `LOAD_COMMON_CONSTANT`.
    CommonConstant:
    AssertionError = "AssertionError", NotImplementedError = "NotImplementedError", Tuple = "tuple", All = "all",
    Any = "any",
}

/// The argument of `CONVERT_VALUE`, and the conversion in the argument of `BUILD_INTERPOLATION` (above its two low bits).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Conversion {
    /// `!s`
    Str = 1,
    /// `!r`
    Repr = 2,
    /// `!a`
    Ascii = 3,
}

bitflags::bitflags! {
    /// The argument of `SET_FUNCTION_ATTRIBUTE` (one bit of them).
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct FunctionAttribute: u32 {
        /// Tuple of the positional defaults.
        const DEFAULTS = 1;
        /// Dictionary of the keyword-only defaults.
        const KWDEFAULTS = 2;
        /// Tuple or dictionary of annotations (`from __future__ import annotations`).
        const ANNOTATIONS = 4;
        /// Tuple of cells.
        const CLOSURE = 8;
        /// The `__annotate__` function.
        const ANNOTATE = 16;
    }
}

/// Where a `RESUME` stands: the two low bits of its argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Resume {
    /// At the start of a function, class body or module.
    Start = 0,
    /// After a `yield`.
    AfterYield = 1,
    /// After a `yield from`.
    AfterYieldFrom = 2,
    /// After an `await`.
    AfterAwait = 3,
}

impl Resume {
    /// Set in the argument of a `RESUME` that stands under just the one handler that every generator has.
    pub const DEPTH1: u32 = 4;
}

/// What a `RAISE_VARARGS` or `GET_AWAITABLE` argument of 1 and 2 say is in their documentation; these name the latter.
pub mod awaitable {
    /// The argument of `GET_AWAITABLE` for an `await` expression.
    pub const AWAIT: u32 = 0;
    /// For what `__aenter__` returned.
    pub const AFTER_AENTER: u32 = 1;
    /// For what `__aexit__` returned.
    pub const AFTER_AEXIT: u32 = 2;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operators() {
        assert_eq!(BinaryOp::Subscript.number(), 26);
        assert_eq!(BinaryOp::Xor.inplace(), BinaryOp::InplaceXor);
        assert_eq!(BinaryOp::InplacePower.plain(), BinaryOp::Power);
        assert_eq!(BinaryOp::InplaceXor.nb_name(), "NB_INPLACE_XOR");
        assert_eq!(CompareOp::Eq.arg(), 72);
        assert_eq!(CompareOp::of_arg(72 | CompareOp::TO_BOOL), Some(CompareOp::Eq));
    }
}
