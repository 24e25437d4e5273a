//! The text a pattern looks at: a string's units or the bytes of any object that exports them, between two positions.

use super::engine::{Matcher, Mode, Outcome};
use super::pattern::Pattern;
use taipan_runtime::object::buffer::{Buffer, BufferRequest};
use taipan_runtime::object::{Py, PyResult, Value};
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::exceptions::{BUFFER_ERROR, TYPE_ERROR};
use taipan_runtime::types::str::Str;
use taipan_runtime::vm::Vm;
use taipan_runtime::with_units;

/// A text to search.
pub struct Subject {
    /// The object that was given.
    pub string: Value,
    text: Text,
    /// Where to start.
    pub start: usize,
    /// Where the text ends for the pattern.
    pub end: usize,
}

/// What the object holds.
pub enum Text {
    /// Text.
    Str(Py<Str>),
    /// Bytes.
    Bytes(Py<Bytes>),
    /// Bytes of something else.
    Buffer(Buffer),
}

impl Text {
    /// Looks into an object; `TypeError` when it has neither text nor bytes.
    pub fn of(vm: &mut Vm, string: &Value) -> PyResult<Text> {
        if let Some(s) = string.downcast::<Str>() {
            return Ok(Text::Str(s.clone()));
        }
        if let Some(b) = string.downcast::<Bytes>() {
            return Ok(Text::Bytes(b.clone()));
        }
        match vm.buffer(string, BufferRequest::READ) {
            Ok(b) if b.is_contiguous() => Ok(Text::Buffer(b)),
            Err(r) if !vm.error_is(&TYPE_ERROR) && !vm.error_is(&BUFFER_ERROR) => Err(r),
            _ => {
                vm.clear_error();
                let name = string.class().payload.name();
                Err(vm.type_error(format!("expected string or bytes-like object, got '{name}'")))
            }
        }
    }

    /// Number of characters.
    pub fn len(&self) -> usize {
        match self {
            Text::Str(s) => s.len(),
            Text::Bytes(b) => b.as_slice().len(),
            Text::Buffer(b) => b.len,
        }
    }

    /// Whether it is bytes.
    pub fn is_bytes(&self) -> bool {
        !matches!(self, Text::Str(_))
    }

    /// Whether a backslash is in it.
    pub fn has_backslash(&self, vm: &Vm) -> bool {
        match self {
            Text::Str(s) => with_units!(s.units(), u => u.iter().any(|&c| c as u32 == 92)),
            Text::Bytes(b) => b.as_slice().contains(&92),
            Text::Buffer(b) => b.as_slice(vm).contains(&92),
        }
    }

    /// The part from `start` to `end`.
    pub fn slice(&self, vm: &Vm, start: usize, end: usize) -> Value {
        match self {
            Text::Str(s) if start == 0 && end == s.len() && s.as_value().is_exact::<Str>() => s.as_value().clone(),
            Text::Str(s) => s.slice(start, end).into(),
            Text::Bytes(b) if start == 0 && end == b.as_slice().len() && b.as_value().is_exact::<Bytes>() => {
                b.as_value().clone()
            }
            Text::Bytes(b) => Bytes::from_slice(&b.as_slice()[start..end]).into(),
            Text::Buffer(b) => Bytes::from_slice(&b.as_slice(vm)[start..end]).into(),
        }
    }
}

impl Subject {
    /// A text for a pattern, from `pos` to `endpos`, which are cut to its length.
    pub fn new(vm: &mut Vm, pattern: &Pattern, string: &Value, pos: isize, endpos: isize) -> PyResult<Subject> {
        let text = Text::of(vm, string)?;
        match (pattern.is_bytes, text.is_bytes()) {
            (Some(false), true) => return Err(vm.type_error("cannot use a string pattern on a bytes-like object")),
            (Some(true), false) => return Err(vm.type_error("cannot use a bytes pattern on a string-like object")),
            _ => {}
        }
        let cut = |i: isize| (i.max(0) as usize).min(text.len());
        let (start, end) = (cut(pos), cut(endpos));
        Ok(Subject { string: string.clone(), text, start, end })
    }

    /// The part from `start` to `end`.
    pub fn slice(&self, vm: &Vm, start: usize, end: usize) -> Value {
        self.text.slice(vm, start, end)
    }

    /// Whether it is bytes.
    pub fn is_bytes(&self) -> bool {
        self.text.is_bytes()
    }

    /// Looks for a match from a position on; an empty one at `forbidden` does not count.
    pub fn find(
        &self,
        vm: &mut Vm,
        pattern: &Pattern,
        matcher: &mut Matcher,
        mode: Mode,
        from: usize,
        forbidden: Option<usize>,
    ) -> PyResult<bool> {
        if from > self.end && !(mode == Mode::Match && pattern.program.ops.len() == 1) {
            return Ok(false);
        }
        // The empty pattern matches even behind the end.
        let end = self.end.max(from);
        matcher.prepare(mode, from, forbidden);
        loop {
            let program = &pattern.program;
            let outcome = match &self.text {
                Text::Str(s) => with_units!(s.units(), u => matcher.run(program, &u[..end])),
                Text::Bytes(b) => matcher.run(program, &b.as_slice()[..end]),
                Text::Buffer(b) => matcher.run(program, &b.as_slice(vm)[..end]),
            };
            match outcome {
                Outcome::Matched => return Ok(true),
                Outcome::Failed => return Ok(false),
                Outcome::NoMemory => return Err(vm.memory_error("")),
                Outcome::Paused => vm.check_signals()?,
            }
        }
    }
}
