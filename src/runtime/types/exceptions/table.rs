//! The table of exception classes: static, name, base, family, what it means.
//!
//! A row is all there is to say about a class without behaviour of its own; the family tells which attributes, slots
//! and methods a class adds (`Family`), and is written in the family's file.

use super::{BaseException, base, group, lookup, os, simple, syntax, unicode};
use crate::object::typedef::{GetSetDef, MethodDef};
use crate::object::{Slots, TypeDef, TypeFlags};

/// What a class adds to its base.
pub struct Family {
    /// Own slots.
    pub slots: Slots,
    /// Own methods.
    pub methods: &'static [MethodDef],
    /// Own attributes.
    pub getset: &'static [GetSetDef],
    /// `__basicsize__` in CPython 3.14.
    pub size: usize,
}

impl Family {
    /// A class that adds nothing, of CPython's `size`.
    pub const fn plain(size: usize) -> Family {
        Family { slots: Slots::NONE, methods: &[], getset: &[], size }
    }
}

/// Bytes of an exception without own attributes in CPython 3.14.
pub const BASE_SIZE: usize = 72;
/// CPython gives each class that adds nothing to `BaseException` a `__new__` of its own.
const PLAIN: Family =
    Family { slots: Slots { new: Some(base::new), ..Slots::NONE }, methods: &[], getset: &[], size: BASE_SIZE };
const OS_PLAIN: Family = Family::plain(os::SIZE);
const SYNTAX_PLAIN: Family = Family::plain(syntax::SIZE);

const fn define(name: &'static str, base: Option<&'static TypeDef>, family: Family, doc: &'static str) -> TypeDef {
    let flags = TypeFlags::BASETYPE.union(TypeFlags::HAVE_GC).union(TypeFlags::HAS_DICT).union(TypeFlags::EXC_SUBCLASS);
    let def = TypeDef::new::<BaseException>(name)
        .doc(doc)
        .flags(flags)
        .slots(family.slots)
        .methods(family.methods)
        .getset(family.getset)
        .cpython_size(family.size, 0);
    match base {
        Some(b) => def.base(b),
        None => def,
    }
}

macro_rules! exceptions {
    ($( $NAME:ident = $name:literal ($($base:ident)?) $family:expr, $doc:literal; )*) => {
        $(
            #[doc = concat!("`", $name, "`: ", $doc)]
            pub static $NAME: TypeDef = define($name, exceptions!(@base $($base)?), $family, $doc);
        )*
        /// All exception classes, bases first.
        pub static ALL: &[&TypeDef] = &[$(&$NAME),*];
    };
    (@base) => { None };
    (@base $base:ident) => { Some(&$base) };
}

exceptions! {
    BASE_EXCEPTION = "BaseException" () base::FAMILY, "Common base class for all exceptions.";
    EXCEPTION = "Exception" (BASE_EXCEPTION) PLAIN, "Common base class for all non-exit exceptions.";
    BASE_EXCEPTION_GROUP = "BaseExceptionGroup" (BASE_EXCEPTION) group::FAMILY, "A combination of multiple unrelated exceptions.";
    EXCEPTION_GROUP = "ExceptionGroup" (BASE_EXCEPTION_GROUP) Family::plain(group::SIZE), "A group of exceptions that are all derived from Exception.";
    GENERATOR_EXIT = "GeneratorExit" (BASE_EXCEPTION) PLAIN, "Request that a generator exit.";
    KEYBOARD_INTERRUPT = "KeyboardInterrupt" (BASE_EXCEPTION) PLAIN, "Program interrupted by user.";
    SYSTEM_EXIT = "SystemExit" (BASE_EXCEPTION) simple::SYSTEM_EXIT_FAMILY, "Request to exit from the interpreter.";
    STOP_ITERATION = "StopIteration" (EXCEPTION) simple::STOP_ITERATION_FAMILY, "Signal the end from iterator.__next__().";
    STOP_ASYNC_ITERATION = "StopAsyncIteration" (EXCEPTION) PLAIN, "Signal the end from iterator.__anext__().";
    ARITHMETIC_ERROR = "ArithmeticError" (EXCEPTION) PLAIN, "Base class for arithmetic errors.";
    FLOATING_POINT_ERROR = "FloatingPointError" (ARITHMETIC_ERROR) PLAIN, "Floating-point operation failed.";
    OVERFLOW_ERROR = "OverflowError" (ARITHMETIC_ERROR) PLAIN, "Result too large to be represented.";
    ZERO_DIVISION_ERROR = "ZeroDivisionError" (ARITHMETIC_ERROR) PLAIN, "Second argument to a division or modulo operation was zero.";
    ASSERTION_ERROR = "AssertionError" (EXCEPTION) PLAIN, "Assertion failed.";
    ATTRIBUTE_ERROR = "AttributeError" (EXCEPTION) lookup::ATTRIBUTE_FAMILY, "Attribute not found.";
    BUFFER_ERROR = "BufferError" (EXCEPTION) PLAIN, "Buffer error.";
    EOF_ERROR = "EOFError" (EXCEPTION) PLAIN, "Read beyond end of file.";
    IMPORT_ERROR = "ImportError" (EXCEPTION) lookup::IMPORT_FAMILY, "Import can't find module, or can't find name in module.";
    MODULE_NOT_FOUND_ERROR = "ModuleNotFoundError" (IMPORT_ERROR) Family::plain(lookup::IMPORT_SIZE), "Module not found.";
    LOOKUP_ERROR = "LookupError" (EXCEPTION) PLAIN, "Base class for lookup errors.";
    INDEX_ERROR = "IndexError" (LOOKUP_ERROR) PLAIN, "Sequence index out of range.";
    KEY_ERROR = "KeyError" (LOOKUP_ERROR) simple::KEY_FAMILY, "Mapping key not found.";
    MEMORY_ERROR = "MemoryError" (EXCEPTION) PLAIN, "Out of memory.";
    NAME_ERROR = "NameError" (EXCEPTION) lookup::NAME_FAMILY, "Name not found globally.";
    UNBOUND_LOCAL_ERROR = "UnboundLocalError" (NAME_ERROR) Family::plain(lookup::NAME_SIZE), "Local name referenced but not bound to a value.";
    OS_ERROR = "OSError" (EXCEPTION) os::FAMILY, "Base class for I/O related errors.";
    BLOCKING_IO_ERROR = "BlockingIOError" (OS_ERROR) OS_PLAIN, "I/O operation would block.";
    CHILD_PROCESS_ERROR = "ChildProcessError" (OS_ERROR) OS_PLAIN, "Child process error.";
    CONNECTION_ERROR = "ConnectionError" (OS_ERROR) OS_PLAIN, "Connection error.";
    BROKEN_PIPE_ERROR = "BrokenPipeError" (CONNECTION_ERROR) OS_PLAIN, "Broken pipe.";
    CONNECTION_ABORTED_ERROR = "ConnectionAbortedError" (CONNECTION_ERROR) OS_PLAIN, "Connection aborted.";
    CONNECTION_REFUSED_ERROR = "ConnectionRefusedError" (CONNECTION_ERROR) OS_PLAIN, "Connection refused.";
    CONNECTION_RESET_ERROR = "ConnectionResetError" (CONNECTION_ERROR) OS_PLAIN, "Connection reset.";
    FILE_EXISTS_ERROR = "FileExistsError" (OS_ERROR) OS_PLAIN, "File already exists.";
    FILE_NOT_FOUND_ERROR = "FileNotFoundError" (OS_ERROR) OS_PLAIN, "File not found.";
    INTERRUPTED_ERROR = "InterruptedError" (OS_ERROR) OS_PLAIN, "Interrupted by signal.";
    IS_A_DIRECTORY_ERROR = "IsADirectoryError" (OS_ERROR) OS_PLAIN, "Operation doesn't work on directories.";
    NOT_A_DIRECTORY_ERROR = "NotADirectoryError" (OS_ERROR) OS_PLAIN, "Operation only works on directories.";
    PERMISSION_ERROR = "PermissionError" (OS_ERROR) OS_PLAIN, "Not enough permissions.";
    PROCESS_LOOKUP_ERROR = "ProcessLookupError" (OS_ERROR) OS_PLAIN, "Process not found.";
    TIMEOUT_ERROR = "TimeoutError" (OS_ERROR) OS_PLAIN, "Timeout expired.";
    REFERENCE_ERROR = "ReferenceError" (EXCEPTION) PLAIN, "Weak ref proxy used after referent went away.";
    RUNTIME_ERROR = "RuntimeError" (EXCEPTION) PLAIN, "Unspecified run-time error.";
    NOT_IMPLEMENTED_ERROR = "NotImplementedError" (RUNTIME_ERROR) PLAIN, "Method or function hasn't been implemented yet.";
    PYTHON_FINALIZATION_ERROR = "PythonFinalizationError" (RUNTIME_ERROR) PLAIN, "Operation blocked during Python finalization.";
    RECURSION_ERROR = "RecursionError" (RUNTIME_ERROR) PLAIN, "Recursion limit exceeded.";
    SYNTAX_ERROR = "SyntaxError" (EXCEPTION) syntax::FAMILY, "Invalid syntax.";
    INDENTATION_ERROR = "IndentationError" (SYNTAX_ERROR) SYNTAX_PLAIN, "Improper indentation.";
    TAB_ERROR = "TabError" (INDENTATION_ERROR) SYNTAX_PLAIN, "Improper mixture of spaces and tabs.";
    INCOMPLETE_INPUT_ERROR = "_IncompleteInputError" (SYNTAX_ERROR) SYNTAX_PLAIN, "incomplete input.";
    SYSTEM_ERROR = "SystemError" (EXCEPTION) PLAIN, "Internal error in the Python interpreter.";
    TYPE_ERROR = "TypeError" (EXCEPTION) PLAIN, "Inappropriate argument type.";
    VALUE_ERROR = "ValueError" (EXCEPTION) PLAIN, "Inappropriate argument value (of correct type).";
    UNICODE_ERROR = "UnicodeError" (VALUE_ERROR) PLAIN, "Unicode related error.";
    UNICODE_ENCODE_ERROR = "UnicodeEncodeError" (UNICODE_ERROR) unicode::ENCODE_FAMILY, "Unicode encoding error.";
    UNICODE_DECODE_ERROR = "UnicodeDecodeError" (UNICODE_ERROR) unicode::DECODE_FAMILY, "Unicode decoding error.";
    UNICODE_TRANSLATE_ERROR = "UnicodeTranslateError" (UNICODE_ERROR) unicode::TRANSLATE_FAMILY, "Unicode translation error.";
    WARNING = "Warning" (EXCEPTION) PLAIN, "Base class for warning categories.";
    BYTES_WARNING = "BytesWarning" (WARNING) PLAIN, "Base class for warnings about bytes and buffer related problems.";
    DEPRECATION_WARNING = "DeprecationWarning" (WARNING) PLAIN, "Base class for warnings about deprecated features.";
    ENCODING_WARNING = "EncodingWarning" (WARNING) PLAIN, "Base class for warnings about encodings.";
    FUTURE_WARNING = "FutureWarning" (WARNING) PLAIN, "Warns of constructs whose meaning is going to change.";
    IMPORT_WARNING = "ImportWarning" (WARNING) PLAIN, "Base class for warnings about probable mistakes in module imports.";
    PENDING_DEPRECATION_WARNING = "PendingDeprecationWarning" (WARNING) PLAIN, "Warns of features that are going to be deprecated.";
    RESOURCE_WARNING = "ResourceWarning" (WARNING) PLAIN, "Base class for warnings about resource usage.";
    RUNTIME_WARNING = "RuntimeWarning" (WARNING) PLAIN, "Base class for warnings about dubious runtime behavior.";
    SYNTAX_WARNING = "SyntaxWarning" (WARNING) PLAIN, "Base class for warnings about dubious syntax.";
    UNICODE_WARNING = "UnicodeWarning" (WARNING) PLAIN, "Warns of trouble with Unicode, as a rule with conversions.";
    USER_WARNING = "UserWarning" (WARNING) PLAIN, "Base class for warnings generated by user code.";
}
