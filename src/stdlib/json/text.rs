//! Strings as JSON writes them.

use super::string_argument;
use taipan_base::text::{Builder, Unit};
use taipan_runtime::object::{PyResult, Value};
use taipan_runtime::types::str::Str;
use taipan_runtime::vm::Vm;
use taipan_runtime::with_units;

/// The quoted string, escaped to ASCII or only where JSON demands it.
pub fn quoted(vm: &mut Vm, v: &Value, ascii: bool) -> PyResult {
    let s = string_argument(vm, v)?;
    let mut out = Builder::with_capacity(s.len() + 2);
    push_quoted(&mut out, s, ascii);
    Ok(Str::from_text(&out.finish()).into())
}

/// Appends the quoted string.
pub fn push_quoted(out: &mut Builder, s: &Str, ascii: bool) {
    out.push(u32::from(b'"'));
    with_units!(s.units(), u => push_escaped(out, u, ascii));
    out.push(u32::from(b'"'));
}

fn push_escaped<U: Unit>(out: &mut Builder, units: &[U], ascii: bool) {
    let plain = |cp: u32| match cp {
        0x22 | 0x5c => false,
        0x20..=0x7e => true,
        cp => cp > 0x7e && !ascii,
    };
    let mut rest = units;
    while !rest.is_empty() {
        let n = rest.iter().position(|u| !plain(u.cp())).unwrap_or(rest.len());
        out.push_units(&rest[..n]);
        let Some(special) = rest.get(n) else { return };
        push_escape(out, special.cp());
        rest = &rest[n + 1..];
    }
}

fn push_escape(out: &mut Builder, cp: u32) {
    let short = match cp {
        0x22 => "\\\"",
        0x5c => "\\\\",
        0x08 => "\\b",
        0x0c => "\\f",
        0x0a => "\\n",
        0x0d => "\\r",
        0x09 => "\\t",
        0x1_0000.. => {
            let v = cp - 0x1_0000;
            push_hex(out, 0xd800 | (v >> 10));
            return push_hex(out, 0xdc00 | (v & 0x3ff));
        }
        cp => return push_hex(out, cp),
    };
    out.push_str(short);
}

fn push_hex(out: &mut Builder, unit: u32) {
    out.push_str("\\u");
    for shift in [12, 8, 4, 0] {
        out.push(u32::from(b"0123456789abcdef"[(unit >> shift & 15) as usize]));
    }
}
