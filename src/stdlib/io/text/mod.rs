//! Text streams: `StringIO` in memory, `TextIOWrapper` over bytes, and `IncrementalNewlineDecoder` between them.
//!
//! `lines` finds where lines end, `newline` translates line endings, `units` holds text that grows. `decoder`, `encoder`,
//! `reading`, `writing` and `position` are the parts of `wrapper`; `cookie` is what `tell()` gives.

mod cookie;
mod decoder;
mod encoder;
mod lines;
pub mod newline;
mod position;
mod reading;
pub mod stringio;
mod units;
pub mod wrapper;
mod writing;

pub use writing::write_text;

use taipan_runtime::object::{PyResult, Raised, Value};
use taipan_runtime::types::str::Str;
use taipan_runtime::vm::Vm;

/// The `newline` argument: how line endings are read and written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Newline {
    /// `None`: all endings are read as `\n`.
    Translated,
    /// `''`: all endings end a line and are kept.
    Kept,
    /// One ending only: `\n`, `\r` or `\r\n`.
    Only(&'static str),
}

impl Newline {
    /// The setting for a text; `None` when there is none.
    pub fn from_text(text: &str) -> Option<Newline> {
        Some(match text {
            "" => Newline::Kept,
            "\n" => Newline::Only("\n"),
            "\r" => Newline::Only("\r"),
            "\r\n" => Newline::Only("\r\n"),
            _ => return None,
        })
    }

    /// What ends a line that is read.
    fn ending(self) -> lines::Ending {
        match self {
            Newline::Translated => lines::Ending::Lf,
            Newline::Kept => lines::Ending::Any,
            Newline::Only("\n") => lines::Ending::Lf,
            Newline::Only("\r") => lines::Ending::Cr,
            Newline::Only(_) => lines::Ending::CrLf,
        }
    }

    /// Whether endings of all kinds are looked for when reading.
    fn is_universal(self) -> bool {
        !matches!(self, Newline::Only(_))
    }

    /// What `\n` becomes when it is written; `None`: it stays.
    fn written(self) -> Option<&'static str> {
        match self {
            Newline::Only(mark) if mark != "\n" => Some(mark),
            _ => None,
        }
    }

    /// The argument as it was given.
    fn value(self, vm: &mut Vm) -> Value {
        match self {
            Newline::Translated => taipan_runtime::object::none(),
            Newline::Kept => vm.new_str(""),
            Newline::Only(mark) => vm.new_str(mark),
        }
    }
}

/// The error for a value of the wrong type, `what` being the text before its type.
fn wrong_type(vm: &mut Vm, what: &str, got: &Value) -> Raised {
    let name = got.class().payload.name();
    vm.type_error(format!("{what}{name}"))
}

/// A `str` or `None` argument, as text without zero characters.
fn text_argument<'a>(
    vm: &mut Vm,
    function: &str,
    name: &str,
    v: Option<&'a Value>,
) -> PyResult<Option<&'a taipan_runtime::object::Py<Str>>> {
    let Some(v) = v.filter(|v| !v.is_none()) else { return Ok(None) };
    let Some(s) = v.downcast::<Str>() else {
        return Err(wrong_type(vm, &format!("{function}() argument '{name}' must be str or None, not "), v));
    };
    if !s.is_ascii() {
        // surrogates are no name of anything
        vm.encode(s, "utf-8", "strict")?;
    }
    if function != "reconfigure" && s.code_points().any(|c| c == 0) {
        return Err(vm.value_error("embedded null character"));
    }
    Ok(Some(s))
}
