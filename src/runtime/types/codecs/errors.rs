//! Error handlers of codecs: the builtin ones by name, others as functions registered with `codecs.register_error`.

use super::registry;
use crate::object::{Py, PyResult, Raised, Value};
use crate::types::bytes::Bytes;
use crate::types::exceptions::unicode::{ENCODING, OBJECT, REASON, fixed_range};
use crate::types::exceptions::{BaseException, UNICODE_DECODE_ERROR, UNICODE_ENCODE_ERROR, UNICODE_TRANSLATE_ERROR};
use crate::types::int::Int;
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use crate::vm::Vm;
use std::cell::RefCell;
use taipan_base::codecs::{DecodeErrors, DecodeResume, EncodeErrors, EncodeResume, Errors, Problem, Replacement};
use taipan_base::text::{Builder, Text};

/// The error handling of one call of a codec: raises Python exceptions and calls registered functions.
pub struct Handling<'a, 'v> {
    vm: &'a RefCell<&'v mut Vm>,
    name: &'a str,
    builtin: Option<Errors>,
    handler: Option<Value>,
    text: Option<&'a Py<Str>>,
}

impl<'a, 'v> Handling<'a, 'v> {
    /// For encoding `text`; `errors` names the handler.
    pub fn encoding(vm: &'a RefCell<&'v mut Vm>, text: &'a Py<Str>, errors: &'a str) -> Handling<'a, 'v> {
        Handling { vm, name: errors, builtin: Errors::from_name(errors), handler: None, text: Some(text) }
    }

    /// For decoding.
    pub fn decoding(vm: &'a RefCell<&'v mut Vm>, errors: &'a str) -> Handling<'a, 'v> {
        Handling { vm, name: errors, builtin: Errors::from_name(errors), handler: None, text: None }
    }

    fn handler(&mut self) -> PyResult {
        if self.handler.is_none() {
            self.handler = Some(registry::lookup_error(&mut self.vm.borrow_mut(), self.name)?);
        }
        Ok(self.handler.clone().expect("just looked up"))
    }

    fn raise_encode(&self, p: &Problem) -> Raised {
        let text = self.text.expect("an encoder knows its text");
        self.vm.borrow_mut().unicode_encode_error(&p.encoding, text, p.range.start, p.range.end, &p.reason)
    }
}

/// The place where a handler says to go on, from the end when negative.
fn position(vm: &mut Vm, v: &Value, length: usize) -> PyResult<Option<usize>> {
    let Some(i) = Int::read(v) else { return Ok(None) };
    let i = match i.to_i64() {
        Some(i) => i,
        None => return Err(vm.overflow_error("Python int too large to convert to C ssize_t")),
    };
    let place = if i < 0 { i + length as i64 } else { i };
    match usize::try_from(place).ok().filter(|&p| p <= length) {
        Some(place) => Ok(Some(place)),
        None => Err(vm.index_error(format!("position {i} from error handler out of bounds"))),
    }
}

/// The text of the algorithms' own form.
pub fn text_of(s: &Str) -> Text {
    let mut out = Builder::with_capacity(s.len());
    crate::with_units!(s.units(), u => out.push_units(u));
    out.finish()
}

impl EncodeErrors for Handling<'_, '_> {
    type Error = Raised;

    fn handle(&mut self, problem: Problem, code_points: &[u32]) -> Result<EncodeResume, Raised> {
        if let Some(mut builtin) = self.builtin {
            return EncodeErrors::handle(&mut builtin, problem, code_points).map_err(|p| self.raise_encode(&p));
        }
        let handler = self.handler()?;
        let text = self.text.expect("an encoder knows its text");
        let vm = &mut **self.vm.borrow_mut();
        let Problem { encoding, range, reason } = &problem;
        let error = vm.new_encode_error(encoding, text, range.start, range.end, reason)?;
        let answer = vm.call1(&handler, &error)?;
        const ERROR: &str = "encoding error handler must return (str/bytes, int) tuple";
        let Some([with, at]) = answer.downcast::<Tuple>().map(|t| t.items()) else { return Err(vm.type_error(ERROR)) };
        let replacement = if let Some(s) = with.downcast::<Str>() {
            Replacement::Text(text_of(s))
        } else if let Some(b) = with.downcast::<Bytes>() {
            Replacement::Bytes(b.as_slice().to_vec())
        } else {
            return Err(vm.type_error(ERROR));
        };
        match position(vm, at, text.len())? {
            Some(position) => Ok(EncodeResume { replacement, position }),
            None => Err(vm.type_error(ERROR)),
        }
    }

    fn raise(&mut self, problem: Problem) -> Raised {
        self.raise_encode(&problem)
    }
}

impl DecodeErrors for Handling<'_, '_> {
    type Error = Raised;

    fn handle(&mut self, problem: Problem, input: &[u8]) -> Result<DecodeResume, Raised> {
        let Problem { encoding, range, reason } = &problem;
        match self.builtin {
            Some(Errors::XmlCharRefReplace | Errors::NameReplace) => {
                const ERROR: &str = "don't know how to handle UnicodeDecodeError in error callback";
                return Err(self.vm.borrow_mut().type_error(ERROR));
            }
            Some(builtin) => {
                return match builtin.decode_replacement(&problem, input) {
                    Some((text, count)) => Ok(DecodeResume { text, position: range.start + count, input: None }),
                    None => {
                        let vm = &mut **self.vm.borrow_mut();
                        Err(vm.unicode_decode_error(encoding, input, range.start, range.end, reason))
                    }
                };
            }
            None => {}
        }
        let handler = self.handler()?;
        let vm = &mut **self.vm.borrow_mut();
        let error = vm.new_decode_error(encoding, input, range.start, range.end, reason)?;
        let answer = vm.call1(&handler, &error)?;
        const ERROR: &str = "decoding error handler must return (str, int) tuple";
        let Some([with, at]) = answer.downcast::<Tuple>().map(|t| t.items()) else { return Err(vm.type_error(ERROR)) };
        let Some(text) = with.downcast::<Str>().map(|s| text_of(s)) else { return Err(vm.type_error(ERROR)) };
        let object = error.downcast::<BaseException>().and_then(|e| e.field(vm, OBJECT));
        let Some(object) = object.as_ref().and_then(|o| o.downcast::<Bytes>()) else {
            return Err(vm.type_error("exception attribute object must be bytes"));
        };
        let replaced = (object.as_slice() != input).then(|| object.as_slice().to_vec());
        match position(vm, at, object.as_slice().len())? {
            Some(position) => Ok(DecodeResume { text, position, input: replaced }),
            None => Err(vm.type_error(ERROR)),
        }
    }
}

/// What a builtin handler answers when Python code calls it with an exception.
pub fn call_builtin(vm: &mut Vm, errors: Errors, error: &Value) -> PyResult {
    let kinds = [&UNICODE_ENCODE_ERROR, &UNICODE_DECODE_ERROR, &UNICODE_TRANSLATE_ERROR];
    let kind = kinds.iter().position(|k| vm.is_kind(error, k));
    let Some(e) = error.downcast::<BaseException>() else {
        return match errors {
            Errors::Strict => Err(vm.type_error("codec must pass exception instance")),
            _ => Err(unknown(vm, error)),
        };
    };
    if errors == Errors::Strict {
        return Err(vm.raise(error.clone()));
    }
    let Some(kind) = kind else { return Err(unknown(vm, error)) };
    let text_field = |vm: &mut Vm, i| -> String {
        e.field(vm, i).and_then(|v| v.downcast::<Str>().map(|s| s.to_rust().into_owned())).unwrap_or_default()
    };
    let (encoding, reason) = (text_field(vm, ENCODING), text_field(vm, REASON));
    let Some(object) = e.field(vm, OBJECT) else {
        return Err(vm.type_error("UnicodeError 'object' attribute is not set"));
    };
    if kind == 1 {
        let only_encoding = matches!(errors, Errors::XmlCharRefReplace | Errors::NameReplace);
        let Some(bytes) = object.downcast::<Bytes>().filter(|_| !only_encoding) else { return Err(unknown(vm, error)) };
        let (start, end) = fixed_range(vm, e, bytes.as_slice().len());
        let problem = Problem { encoding: encoding.into(), range: start..end, reason: reason.into() };
        return match errors.decode_replacement(&problem, bytes.as_slice()) {
            Some((text, n)) => Ok(Tuple::of([Str::from_text(&text).into(), Value::from_usize(start + n)]).into()),
            None => Err(vm.raise(error.clone())),
        };
    }
    let Some(text) = object.downcast::<Str>() else { return Err(unknown(vm, error)) };
    let (start, end) = fixed_range(vm, e, text.len());
    let code_points: Vec<u32> = (start..end).map(|i| text.at(i)).collect();
    let problem = Problem { encoding: encoding.into(), range: start..end, reason: reason.into() };
    let replacement = match (kind, errors) {
        (2, Errors::Replace) => Some(Replacement::Text(Text::Ucs2(vec![0xFFFD; code_points.len()]))),
        (2, Errors::Ignore | Errors::BackslashReplace) | (0, _) => errors.encode_replacement(&problem, &code_points),
        _ => return Err(unknown(vm, error)),
    };
    let with: Value = match replacement {
        Some(Replacement::Text(text)) => {
            let mut narrow = Builder::new();
            narrow.push_text(&text);
            Str::from_text(&narrow.finish()).into()
        }
        Some(Replacement::Bytes(bytes)) => Bytes::from_slice(&bytes).into(),
        None => return Err(vm.raise(error.clone())),
    };
    Ok(Tuple::of([with, Value::from_usize(end)]).into())
}

fn unknown(vm: &mut Vm, error: &Value) -> Raised {
    let name = error.class().payload.name();
    vm.type_error(format!("don't know how to handle {name} in error callback"))
}
