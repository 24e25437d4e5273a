//! The opcode table: the one place where an instruction of CPython 3.14 is described.
//!
//! Each row gives the number (as `opcode.opmap` has it), the count of inline cache entries, what the argument refers to
//! and how many values the instruction pops and pushes (for an argument `a`). [`Op`], its names, the stack effects and
//! the argument kinds all expand from it; so may tables in other crates, through [`for_each_op!`](crate::for_each_op).
//! Numbers from 256 upwards are the compiler's pseudo instructions, which never appear in a code object.

bitflags::bitflags! {
    /// What the argument of an instruction refers to (`dis.hasarg`, `dis.hasconst`, …).
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct ArgKind: u8 {
        /// Uses its argument at all.
        const ARG = 1;
        /// Index into `co_consts`.
        const CONST = 2;
        /// Index into `co_names` (possibly shifted, see [`Op::name_index`]).
        const NAME = 4;
        /// Distance of a jump, in code units.
        const JUMP = 8;
        /// Index of a cell or free variable in `co_localsplusnames`.
        const FREE = 16;
        /// Index of a local in `co_localsplusnames`.
        const LOCAL = 32;
        /// Pseudo instruction whose target is an exception handler.
        const HANDLER = 64;
    }
}

/// Hands every row of the opcode table to the macro `$with`:
/// `NAME = number, caches, [kinds], popped => pushed;` where popped and pushed are expressions over `$arg`.
#[macro_export]
macro_rules! for_each_op {
    ($with:ident, $arg:ident) => {
        $with! { $arg;
            CACHE = 0, 0, [], 0 => 0;
            BINARY_SLICE = 1, 0, [], 3 => 1;
            BUILD_TEMPLATE = 2, 0, [], 2 => 1;
            CALL_FUNCTION_EX = 4, 0, [], 4 => 1;
            CHECK_EG_MATCH = 5, 0, [], 2 => 2;
            CHECK_EXC_MATCH = 6, 0, [], 2 => 2;
            CLEANUP_THROW = 7, 0, [], 3 => 2;
            DELETE_SUBSCR = 8, 0, [], 2 => 0;
            END_FOR = 9, 0, [], 1 => 0;
            END_SEND = 10, 0, [], 2 => 1;
            EXIT_INIT_CHECK = 11, 0, [], 1 => 0;
            FORMAT_SIMPLE = 12, 0, [], 1 => 1;
            FORMAT_WITH_SPEC = 13, 0, [], 2 => 1;
            GET_AITER = 14, 0, [], 1 => 1;
            GET_ANEXT = 15, 0, [], 1 => 2;
            GET_ITER = 16, 0, [], 1 => 1;
            RESERVED = 17, 0, [], 0 => 0;
            GET_LEN = 18, 0, [], 1 => 2;
            GET_YIELD_FROM_ITER = 19, 0, [], 1 => 1;
            INTERPRETER_EXIT = 20, 0, [], 1 => 0;
            LOAD_BUILD_CLASS = 21, 0, [], 0 => 1;
            LOAD_LOCALS = 22, 0, [], 0 => 1;
            MAKE_FUNCTION = 23, 0, [], 1 => 1;
            MATCH_KEYS = 24, 0, [], 2 => 3;
            MATCH_MAPPING = 25, 0, [], 1 => 2;
            MATCH_SEQUENCE = 26, 0, [], 1 => 2;
            NOP = 27, 0, [], 0 => 0;
            NOT_TAKEN = 28, 0, [], 0 => 0;
            POP_EXCEPT = 29, 0, [], 1 => 0;
            POP_ITER = 30, 0, [], 1 => 0;
            POP_TOP = 31, 0, [], 1 => 0;
            PUSH_EXC_INFO = 32, 0, [], 1 => 2;
            PUSH_NULL = 33, 0, [], 0 => 1;
            RETURN_GENERATOR = 34, 0, [], 0 => 1;
            RETURN_VALUE = 35, 0, [], 1 => 1;
            SETUP_ANNOTATIONS = 36, 0, [], 0 => 0;
            STORE_SLICE = 37, 0, [], 4 => 0;
            STORE_SUBSCR = 38, 1, [], 3 => 0;
            TO_BOOL = 39, 3, [], 1 => 1;
            UNARY_INVERT = 40, 0, [], 1 => 1;
            UNARY_NEGATIVE = 41, 0, [], 1 => 1;
            UNARY_NOT = 42, 0, [], 1 => 1;
            WITH_EXCEPT_START = 43, 0, [], 5 => 6;
            BINARY_OP = 44, 5, [ARG], 2 => 1;
            BUILD_INTERPOLATION = 45, 0, [ARG], 2 + ($arg & 1) => 1;
            BUILD_LIST = 46, 0, [ARG], $arg => 1;
            BUILD_MAP = 47, 0, [ARG], 2 * $arg => 1;
            BUILD_SET = 48, 0, [ARG], $arg => 1;
            BUILD_SLICE = 49, 0, [ARG], $arg => 1;
            BUILD_STRING = 50, 0, [ARG], $arg => 1;
            BUILD_TUPLE = 51, 0, [ARG], $arg => 1;
            CALL = 52, 3, [ARG], 2 + $arg => 1;
            CALL_INTRINSIC_1 = 53, 0, [ARG], 1 => 1;
            CALL_INTRINSIC_2 = 54, 0, [ARG], 2 => 1;
            CALL_KW = 55, 3, [ARG], 3 + $arg => 1;
            COMPARE_OP = 56, 1, [ARG], 2 => 1;
            CONTAINS_OP = 57, 1, [ARG], 2 => 1;
            CONVERT_VALUE = 58, 0, [ARG], 1 => 1;
            COPY = 59, 0, [ARG], $arg => $arg + 1;
            COPY_FREE_VARS = 60, 0, [ARG], 0 => 0;
            DELETE_ATTR = 61, 0, [ARG NAME], 1 => 0;
            DELETE_DEREF = 62, 0, [ARG FREE], 0 => 0;
            DELETE_FAST = 63, 0, [ARG LOCAL], 0 => 0;
            DELETE_GLOBAL = 64, 0, [ARG NAME], 0 => 0;
            DELETE_NAME = 65, 0, [ARG NAME], 0 => 0;
            DICT_MERGE = 66, 0, [ARG], 4 + $arg => 3 + $arg;
            DICT_UPDATE = 67, 0, [ARG], 1 + $arg => $arg;
            END_ASYNC_FOR = 68, 0, [ARG JUMP], 2 => 0;
            EXTENDED_ARG = 69, 0, [ARG], 0 => 0;
            FOR_ITER = 70, 1, [ARG JUMP], 1 => 2;
            GET_AWAITABLE = 71, 0, [ARG], 1 => 1;
            IMPORT_FROM = 72, 0, [ARG NAME], 1 => 2;
            IMPORT_NAME = 73, 0, [ARG NAME], 2 => 1;
            IS_OP = 74, 0, [ARG], 2 => 1;
            JUMP_BACKWARD = 75, 1, [ARG JUMP], 0 => 0;
            JUMP_BACKWARD_NO_INTERRUPT = 76, 0, [ARG JUMP], 0 => 0;
            JUMP_FORWARD = 77, 0, [ARG JUMP], 0 => 0;
            LIST_APPEND = 78, 0, [ARG], 1 + $arg => $arg;
            LIST_EXTEND = 79, 0, [ARG], 1 + $arg => $arg;
            LOAD_ATTR = 80, 9, [ARG NAME], 1 => 1 + ($arg & 1);
            LOAD_COMMON_CONSTANT = 81, 0, [ARG], 0 => 1;
            LOAD_CONST = 82, 0, [ARG CONST], 0 => 1;
            LOAD_DEREF = 83, 0, [ARG LOCAL], 0 => 1;
            LOAD_FAST = 84, 0, [ARG LOCAL], 0 => 1;
            LOAD_FAST_AND_CLEAR = 85, 0, [ARG LOCAL], 0 => 1;
            LOAD_FAST_BORROW = 86, 0, [ARG LOCAL], 0 => 1;
            LOAD_FAST_BORROW_LOAD_FAST_BORROW = 87, 0, [ARG LOCAL], 0 => 2;
            LOAD_FAST_CHECK = 88, 0, [ARG LOCAL], 0 => 1;
            LOAD_FAST_LOAD_FAST = 89, 0, [ARG LOCAL], 0 => 2;
            LOAD_FROM_DICT_OR_DEREF = 90, 0, [ARG FREE], 1 => 1;
            LOAD_FROM_DICT_OR_GLOBALS = 91, 0, [ARG NAME], 1 => 1;
            LOAD_GLOBAL = 92, 4, [ARG NAME], 0 => 1 + ($arg & 1);
            LOAD_NAME = 93, 0, [ARG NAME], 0 => 1;
            LOAD_SMALL_INT = 94, 0, [ARG], 0 => 1;
            LOAD_SPECIAL = 95, 0, [ARG], 1 => 2;
            LOAD_SUPER_ATTR = 96, 1, [ARG NAME], 3 => 1 + ($arg & 1);
            MAKE_CELL = 97, 0, [ARG FREE], 0 => 0;
            MAP_ADD = 98, 0, [ARG], 2 + $arg => $arg;
            MATCH_CLASS = 99, 0, [ARG], 3 => 1;
            POP_JUMP_IF_FALSE = 100, 1, [ARG JUMP], 1 => 0;
            POP_JUMP_IF_NONE = 101, 1, [ARG JUMP], 1 => 0;
            POP_JUMP_IF_NOT_NONE = 102, 1, [ARG JUMP], 1 => 0;
            POP_JUMP_IF_TRUE = 103, 1, [ARG JUMP], 1 => 0;
            RAISE_VARARGS = 104, 0, [ARG], $arg => 0;
            RERAISE = 105, 0, [ARG], 1 + $arg => $arg;
            SEND = 106, 1, [ARG JUMP], 2 => 2;
            SET_ADD = 107, 0, [ARG], 1 + $arg => $arg;
            SET_FUNCTION_ATTRIBUTE = 108, 0, [ARG], 2 => 1;
            SET_UPDATE = 109, 0, [ARG], 1 + $arg => $arg;
            STORE_ATTR = 110, 4, [ARG NAME], 2 => 0;
            STORE_DEREF = 111, 0, [ARG FREE], 1 => 0;
            STORE_FAST = 112, 0, [ARG LOCAL], 1 => 0;
            STORE_FAST_LOAD_FAST = 113, 0, [ARG LOCAL], 1 => 1;
            STORE_FAST_STORE_FAST = 114, 0, [ARG LOCAL], 2 => 0;
            STORE_GLOBAL = 115, 0, [ARG NAME], 1 => 0;
            STORE_NAME = 116, 0, [ARG NAME], 1 => 0;
            SWAP = 117, 0, [ARG], $arg => $arg;
            UNPACK_EX = 118, 0, [ARG], 1 => 1 + ($arg & 0xff) + ($arg >> 8);
            UNPACK_SEQUENCE = 119, 1, [ARG], 1 => $arg;
            YIELD_VALUE = 120, 0, [ARG], 1 => 1;
            RESUME = 128, 0, [ARG], 0 => 0;
            ANNOTATIONS_PLACEHOLDER = 256, 0, [], 0 => 0;
            JUMP = 257, 0, [ARG JUMP], 0 => 0;
            JUMP_IF_FALSE = 258, 0, [ARG JUMP], 1 => 1;
            JUMP_IF_TRUE = 259, 0, [ARG JUMP], 1 => 1;
            JUMP_NO_INTERRUPT = 260, 0, [ARG JUMP], 0 => 0;
            LOAD_CLOSURE = 261, 0, [ARG LOCAL], 0 => 1;
            POP_BLOCK = 262, 0, [], 0 => 0;
            SETUP_CLEANUP = 263, 0, [ARG HANDLER], 0 => 2;
            SETUP_FINALLY = 264, 0, [ARG HANDLER], 0 => 1;
            SETUP_WITH = 265, 0, [ARG HANDLER], 0 => 1;
            STORE_FAST_MAYBE_NULL = 266, 0, [ARG LOCAL], 1 => 0;
        }
    };
}

macro_rules! define_ops {
    ($a:ident; $($name:ident = $number:literal, $caches:literal, [$($kind:ident)*], $popped:expr => $pushed:expr;)*) => {
        /// An instruction of CPython 3.14, or a pseudo instruction of the compiler (numbers from 256).
        #[allow(non_camel_case_types, missing_docs)]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u16)]
        pub enum Op { $($name = $number,)* }

        impl Op {
            /// Every instruction of the table, in the order of their numbers.
            pub const ALL: &[Op] = &[$(Op::$name,)*];

            /// The name that `dis` shows.
            pub const fn name(self) -> &'static str {
                match self { $(Op::$name => stringify!($name),)* }
            }

            const fn facts(self) -> Facts {
                match self {
                    $(Op::$name => Facts { kind: ArgKind::empty()$(.union(ArgKind::$kind))*, caches: $caches },)*
                }
            }

            /// How many values the instruction takes from the stack.
            pub const fn popped(self, $a: u32) -> u32 {
                let _ = $a;
                match self { $(Op::$name => $popped,)* }
            }

            /// How many values the instruction leaves on the stack in their place. The `SETUP_*` pseudo instructions
            /// count what their handler finds.
            pub const fn pushed(self, $a: u32) -> u32 {
                let _ = $a;
                match self { $(Op::$name => $pushed,)* }
            }

            const fn of_number(number: u16) -> Option<Op> {
                match number { $($number => Some(Op::$name),)* _ => None }
            }
        }
    };
}

for_each_op!(define_ops, a);

/// What is asked for most often, found by number.
#[derive(Clone, Copy)]
struct Facts {
    kind: ArgKind,
    caches: u8,
}

const LAST: usize = Op::STORE_FAST_MAYBE_NULL as usize;

const FACTS: [Facts; LAST + 1] = {
    let mut table = [Facts { kind: ArgKind::empty(), caches: 0 }; LAST + 1];
    let mut index = 0;
    while index < Op::ALL.len() {
        table[Op::ALL[index] as usize] = Op::ALL[index].facts();
        index += 1;
    }
    table
};

/// Instructions from this number on have an argument (`dis.HAVE_ARGUMENT` is the last without one).
pub const HAVE_ARGUMENT: u8 = 43;
/// The lowest number of CPython's instrumented instructions, none of which occur in canonical bytecode.
pub const MIN_INSTRUMENTED_OPCODE: u8 = 234;

/// Which outcome of an instruction a stack effect is asked for (`jump` of `dis.stack_effect`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It jumps (or, for a `SETUP_*`, its handler is entered).
    Jump,
    /// It falls through.
    Next,
    /// The larger of the two.
    Either,
}

/// The instruction of each byte, for [`Op::from_u8`].
const OF_BYTE: [Option<Op>; 256] = {
    let mut table = [None; 256];
    let mut number = 0;
    while number < 256 {
        table[number] = Op::of_number(number as u16);
        number += 1;
    }
    table
};

impl Op {
    /// Code units of inline cache that follow the instruction.
    #[inline]
    pub const fn caches(self) -> usize {
        FACTS[self as usize].caches as usize
    }

    /// What the argument refers to.
    #[inline]
    pub const fn kind(self) -> ArgKind {
        FACTS[self as usize].kind
    }

    /// The instruction of a byte of `co_code`, if it is one of CPython 3.14's.
    #[inline]
    pub const fn from_u8(byte: u8) -> Option<Op> {
        OF_BYTE[byte as usize]
    }

    /// The instruction of a number of `dis.opmap`, pseudo instructions included.
    pub const fn from_number(number: u16) -> Option<Op> {
        Op::of_number(number)
    }

    /// The instruction of a name that `dis` shows.
    pub fn from_name(name: &str) -> Option<Op> {
        Op::ALL.iter().copied().find(|op| op.name() == name)
    }

    /// The instruction's number.
    #[inline]
    pub const fn number(self) -> u16 {
        self as u16
    }

    /// True of the compiler's pseudo instructions, which the assembler replaces.
    #[inline]
    pub const fn is_pseudo(self) -> bool {
        self.number() > 255
    }

    /// True if the argument means something.
    #[inline]
    pub const fn has_arg(self) -> bool {
        self.kind().contains(ArgKind::ARG)
    }

    /// True of jumps, plain and pseudo (the pseudo block setups are not jumps).
    #[inline]
    pub const fn is_jump(self) -> bool {
        self.kind().contains(ArgKind::JUMP)
    }

    /// True of `SETUP_FINALLY`, `SETUP_CLEANUP` and `SETUP_WITH`.
    #[inline]
    pub const fn is_block_push(self) -> bool {
        self.kind().contains(ArgKind::HANDLER)
    }

    /// True of jumps whose distance counts backwards.
    #[inline]
    pub const fn is_backward_jump(self) -> bool {
        matches!(self, Op::JUMP_BACKWARD | Op::JUMP_BACKWARD_NO_INTERRUPT | Op::END_ASYNC_FOR)
    }

    /// True of jumps that never fall through.
    #[inline]
    pub const fn is_unconditional_jump(self) -> bool {
        matches!(
            self,
            Op::JUMP | Op::JUMP_NO_INTERRUPT | Op::JUMP_FORWARD | Op::JUMP_BACKWARD | Op::JUMP_BACKWARD_NO_INTERRUPT
        )
    }

    /// True of instructions that leave the frame and never continue.
    #[inline]
    pub const fn is_scope_exit(self) -> bool {
        matches!(self, Op::RETURN_VALUE | Op::RAISE_VARARGS | Op::RERAISE)
    }

    /// True of instructions after which the next one is not reached by falling through.
    #[inline]
    pub const fn no_fallthrough(self) -> bool {
        self.is_scope_exit() || self.is_unconditional_jump()
    }

    /// Index into `co_names` for an argument of an instruction of kind [`ArgKind::NAME`]: some keep flags in the low
    /// bits (`LOAD_ATTR` and `LOAD_GLOBAL` one, `LOAD_SUPER_ATTR` two).
    #[inline]
    pub const fn name_index(self, arg: u32) -> usize {
        match self {
            Op::LOAD_ATTR | Op::LOAD_GLOBAL => (arg >> 1) as usize,
            Op::LOAD_SUPER_ATTR => (arg >> 2) as usize,
            _ => arg as usize,
        }
    }

    /// Change of the stack depth (`dis.stack_effect`), in values.
    #[inline]
    pub const fn stack_effect(self, arg: u32, outcome: Outcome) -> i32 {
        if self.is_block_push() && matches!(outcome, Outcome::Next) {
            return 0;
        }
        self.pushed(arg) as i32 - self.popped(arg) as i32
    }
}

/// The instruction of a number and its change of the stack depth, as `dis.stack_effect(number, arg, jump=…)` computes
/// it; an error names what CPython would complain about.
pub fn stack_effect(number: u32, arg: Option<u32>, outcome: Outcome) -> Result<i32, &'static str> {
    let op = u16::try_from(number).ok().and_then(Op::from_number).ok_or("invalid opcode or oparg")?;
    match (op.has_arg(), arg) {
        (true, None) => Err("stack_effect: opcode requires oparg but oparg was not specified"),
        (false, Some(_)) => Err("stack_effect: opcode does not permit oparg but oparg was specified"),
        _ => Ok(op.stack_effect(arg.unwrap_or(0), outcome)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_names_agree() {
        for &op in Op::ALL {
            assert_eq!(Op::from_number(op.number()), Some(op));
            assert_eq!(Op::from_name(op.name()), Some(op));
            assert_eq!(u8::try_from(op.number()).ok().and_then(Op::from_u8).is_none(), op.is_pseudo());
        }
        assert_eq!(Op::RESUME.number(), 128);
        assert_eq!(Op::from_u8(3), None);
    }

    #[test]
    fn effects() {
        assert_eq!(Op::CALL.stack_effect(3, Outcome::Either), -4);
        assert_eq!(Op::LOAD_ATTR.stack_effect(7, Outcome::Next), 1);
        assert_eq!(Op::UNPACK_EX.stack_effect(0x0102, Outcome::Next), 3);
        assert_eq!(Op::SETUP_WITH.stack_effect(0, Outcome::Next), 0);
        assert_eq!(Op::SETUP_CLEANUP.stack_effect(0, Outcome::Jump), 2);
        assert!(stack_effect(3, None, Outcome::Either).is_err());
    }
}
