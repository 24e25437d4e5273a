//! `SyntaxError`: a message and the place in the source it is about.

use super::table::Family;
use super::{BaseException, SYNTAX_ERROR, base, exception, instantiate};
use crate::object::{Py, PyResult, Slots, TypeDef, Value, none};
use crate::types::int::Int;
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use crate::vm::Vm;
use crate::vm::args::Args;

/// `msg`
pub const MSG: usize = 0;
/// `filename`
pub const FILENAME: usize = 1;
/// `lineno`, from 1.
pub const LINENO: usize = 2;
/// `offset`: column in characters, from 1.
pub const OFFSET: usize = 3;
/// `text`: the source line.
pub const TEXT: usize = 4;
/// `end_lineno`
pub const END_LINENO: usize = 5;
/// `end_offset`
pub const END_OFFSET: usize = 6;
/// `_metadata`: where the statement began and its text, for misspelt keywords.
pub const METADATA: usize = 7;
/// `print_file_and_line`
pub const PRINT_FILE_AND_LINE: usize = 8;
/// CPython's size of `SyntaxError`.
pub const SIZE: usize = 144;

/// `SyntaxError`
pub const FAMILY: Family = Family {
    slots: Slots { new: Some(base::new), init: Some(init), str: Some(str), ..Slots::NONE },
    methods: &[],
    getset: &[
        base::member::<MSG>("msg", "exception msg"),
        base::member::<FILENAME>("filename", "exception filename"),
        base::member::<LINENO>("lineno", "exception lineno"),
        base::member::<OFFSET>("offset", "exception offset"),
        base::member::<TEXT>("text", "exception text"),
        base::member::<END_LINENO>("end_lineno", "exception end lineno"),
        base::member::<END_OFFSET>("end_offset", "exception end offset"),
        base::member::<PRINT_FILE_AND_LINE>("print_file_and_line", "exception print_file_and_line"),
        base::member::<METADATA>("_metadata", "exception private metadata"),
    ],
    size: SIZE,
};

fn init(vm: &mut Vm, v: &Value, args: &Args<'_>) -> PyResult<()> {
    base::init(vm, v, args)?;
    let e = exception(v);
    if let Some(msg) = args.get(0) {
        e.set_field(vm, MSG, Some(msg.clone()));
    }
    if args.len() != 2 {
        return Ok(());
    }
    let place = vm.collect(&args.pos()[1])?;
    match place.len() {
        ..=3 => {
            return Err(vm.type_error(format!("function takes at least 4 arguments ({} given)", place.len())));
        }
        8.. => {
            return Err(vm.type_error(format!("function takes at most 7 arguments ({} given)", place.len())));
        }
        5 => return Err(vm.type_error("end_offset must be provided when end_lineno is provided")),
        _ => {}
    }
    for i in 0..7 {
        e.set_field(vm, FILENAME + i, place.get(i).cloned());
    }
    Ok(())
}

fn str(vm: &mut Vm, v: &Value) -> PyResult {
    let e = exception(v);
    let msg = e.field(vm, MSG).unwrap_or_else(none);
    let msg = vm.str(&msg)?;
    let file = e.field(vm, FILENAME).and_then(|f| {
        let f = f.into_py::<Str>().ok()?;
        let start = f.code_points().rposition(|c| c == '/' as u32).map_or(0, |i| i + 1);
        Some(f.slice(start, f.len()))
    });
    let line = match e.field(vm, LINENO) {
        Some(l) if Int::is_exact(&l) => Some(vm.str(&l)?.to_rust().into_owned()),
        _ => None,
    };
    let after = match (file.is_some(), line) {
        (false, None) => return Ok(msg.into()),
        (true, None) => ")".to_owned(),
        (true, Some(line)) => format!(", line {line})"),
        (false, Some(line)) => format!("line {line})"),
    };
    let text = Str::concat(&msg, &Str::from_rust(" ("));
    let text = match file {
        Some(f) => Str::concat(&text, &f),
        None => text,
    };
    Ok(Str::concat(&text, &Str::from_rust(&after)).into())
}

/// Where a syntax error lies; columns count characters from 1, lines from 1.
#[derive(Clone, Debug, Default)]
pub struct Place {
    /// File name.
    pub filename: String,
    /// First line.
    pub line: u32,
    /// First column; 0: before the line.
    pub column: u32,
    /// Line of the end; absent when only the start is known.
    pub end_line: Option<u32>,
    /// Column after the end.
    pub end_column: Option<u32>,
    /// The source line, with its line end.
    pub text: Option<String>,
}

/// An exception of `class` (`SyntaxError` or a subclass) about a place.
pub fn error_at(vm: &mut Vm, class: &'static TypeDef, message: &str, place: &Place) -> PyResult {
    let number = |n: u32| Value::small_unchecked(n as i64);
    let mut parts = vec![
        vm.new_str(&place.filename),
        number(place.line),
        number(place.column),
        place.text.as_deref().map_or_else(none, |t| vm.new_str(t)),
    ];
    if let (Some(line), Some(column)) = (place.end_line, place.end_column) {
        parts.extend([number(line), number(column)]);
    }
    let message = vm.new_str(message);
    instantiate(vm, class, &[message, Tuple::from_vec(parts).into()])
}

/// The `SyntaxError` that a value is, if it is one (subclasses included).
pub fn as_syntax_error<'a>(vm: &Vm, v: &'a Value) -> Option<&'a Py<BaseException>> {
    if vm.is_kind(v, &SYNTAX_ERROR) { v.downcast::<BaseException>() } else { None }
}
