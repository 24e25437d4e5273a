//! The `%` operator of `bytes` and `bytearray` (PEP 461).

use super::shared::data;
use super::{Bytes, is_bytes_or_bytearray};
use crate::object::{PyResult, Value, not_implemented};
use crate::types::bytearray::ByteArray;
use crate::types::int::Int;
use crate::types::str::methods::raise_format;
use crate::types::str::percent::{Operands, integer};
use crate::vm::Vm;
use taipan_base::format::percent::{Conversion, Piece, Template, format_float, format_text};
use taipan_base::text::Text;

/// `bytes % args`.
pub(crate) fn remainder(vm: &mut Vm, a: &Value, b: &Value) -> PyResult {
    if !is_bytes_or_bytearray(a) {
        return Ok(not_implemented());
    }
    let template = data(vm, a).into_owned();
    let mut operands = Operands::new(b, true);
    let mut out = Vec::with_capacity(template.len() + 32);
    for piece in Template::of_bytes(&template) {
        match piece {
            Ok(Piece::Literal(bytes)) => out.extend_from_slice(bytes),
            Ok(Piece::Conversion(c)) => out.extend(converted(vm, &c, &mut operands)?),
            Err(e) => return Err(raise_format(vm, &e)),
        }
    }
    operands.finish(vm, "bytes")?;
    Ok(if a.downcast::<Bytes>().is_some() {
        Bytes::from_slice(&out).into()
    } else {
        ByteArray::from_slice(&out).into()
    })
}

fn narrow(text: Text) -> Vec<u8> {
    match text {
        Text::Latin1(bytes) => bytes,
        // bytes and ASCII text are all that is laid out here
        other => other.to_code_points().into_iter().map(|c| c as u8).collect(),
    }
}

fn converted(vm: &mut Vm, c: &Conversion<'_, u8>, operands: &mut Operands) -> PyResult<Vec<u8>> {
    if let Some(key) = c.key {
        operands.select(vm, Bytes::from_slice(key).as_value())?;
    }
    let layout = operands.layout(vm, c)?;
    let kind = c.kind as u8;
    if kind == b'%' {
        return Ok(vec![b'%']);
    }
    let v = operands.take(vm)?;
    Ok(match kind {
        b'r' | b'a' => {
            let text = vm.ascii(&v)?;
            narrow(format_text(text.bytes(), layout))
        }
        b's' | b'b' => narrow(format_text(&bytes_of(vm, &v)?[..], layout)),
        b'd' | b'i' | b'u' | b'o' | b'x' | b'X' => integer(vm, &v, kind, layout)?.into_bytes(),
        b'e' | b'E' | b'f' | b'F' | b'g' | b'G' => {
            let Ok(x) = vm.to_f64(&v) else {
                let name = v.class().payload.name();
                vm.clear_error();
                return Err(vm.type_error(format!("float argument required, not {name}")));
            };
            format_float(x, kind, layout).into_bytes()
        }
        b'c' => {
            let layout = taipan_base::format::percent::Layout { precision: None, ..layout };
            narrow(format_text(&[character(vm, &v)?], layout))
        }
        _ => return Err(raise_format(vm, &c.unsupported(true))),
    })
}

/// The argument of `%b`: a buffer or something with `__bytes__`.
fn bytes_of(vm: &mut Vm, v: &Value) -> PyResult<Vec<u8>> {
    if is_bytes_or_bytearray(v) {
        return Ok(data(vm, v).into_owned());
    }
    if let Some(f) = vm.lookup_special(v, "__bytes__")? {
        let r = vm.call0(&f)?;
        return match r.downcast::<Bytes>() {
            Some(b) => Ok(b.as_slice().to_vec()),
            None => {
                let name = r.class().payload.name();
                Err(vm.type_error(format!("__bytes__ returned non-bytes (type {name})")))
            }
        };
    }
    if v.class().payload.slots().buffer.is_some() {
        return vm.bytes_like(v);
    }
    let name = v.class().payload.name();
    Err(vm.type_error(format!("%b requires a bytes-like object, or an object that implements __bytes__, not '{name}'")))
}

/// The argument of `%c`.
fn character(vm: &mut Vm, v: &Value) -> PyResult<u8> {
    if is_bytes_or_bytearray(v) {
        let bytes = data(vm, v).into_owned();
        if let [byte] = bytes[..] {
            return Ok(byte);
        }
        let (kind, n) = (if v.downcast::<Bytes>().is_some() { "bytes" } else { "bytearray" }, bytes.len());
        return Err(vm.type_error(format!(
            "%c requires an integer in range(256) or a single byte, not a {kind} object of length {n}"
        )));
    }
    if Int::read(v).is_none() && v.class().payload.slots().index.is_none() {
        let name = v.class().payload.name();
        return Err(vm.type_error(format!("%c requires an integer in range(256) or a single byte, not {name}")));
    }
    let i = vm.index(v)?;
    match Int::read(&i).and_then(|i| i.to_i64()).and_then(|i| u8::try_from(i).ok()) {
        Some(byte) => Ok(byte),
        None => Err(vm.overflow_error("%c arg not in range(256)")),
    }
}
