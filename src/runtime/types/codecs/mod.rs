//! Text to bytes and back: the codecs that need no registry, the registry for the others, and the error handlers.
//!
//! `vm.encode` and `vm.decode` are what `str.encode`, `bytes.decode`, files and arguments use. UTF-8, ASCII, Latin-1,
//! UTF-16 and UTF-32 are done here at once; other names go through the registry, which imports `encodings` at its first
//! use (`Objects/unicodeobject.c`, `Python/codecs.c`).

pub mod errors;
pub mod registry;

use crate::object::{Py, PyResult};
use crate::types::bytes::Bytes;
use crate::types::str::Str;
use crate::vm::Vm;
use errors::Handling;
use std::cell::RefCell;
use taipan_base::codecs as base;
use taipan_base::text::Text;

/// The name with ASCII letters in lower case and each run of anything but letters, digits and points as one underscore.
pub fn normalized(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut gap = false;
    for c in name.chars() {
        if c.is_ascii_alphanumeric() || c == '.' {
            if gap && !out.is_empty() {
                out.push('_');
            }
            gap = false;
            out.push(c.to_ascii_lowercase());
        } else {
            gap = true;
        }
    }
    out
}

/// The codecs with a short way.
enum Direct {
    Utf8,
    Utf16,
    Utf32,
    Ascii,
    Latin1,
}

fn direct(encoding: &str) -> Option<Direct> {
    Some(match &*normalized(encoding) {
        "utf_8" | "utf8" => Direct::Utf8,
        "utf_16" | "utf16" => Direct::Utf16,
        "utf_32" | "utf32" => Direct::Utf32,
        "ascii" | "us_ascii" => Direct::Ascii,
        "latin1" | "latin_1" | "iso_8859_1" | "iso8859_1" => Direct::Latin1,
        _ => return None,
    })
}

/// Runs an encoder over the units of a text, with the handler for its errors.
#[macro_export]
macro_rules! encode_units {
    ($vm:expr, $text:expr, $errors:expr, |$u:ident, $h:ident| $body:expr) => {{
        let text: &$crate::object::Py<$crate::types::str::Str> = $text;
        let vm = ::std::cell::RefCell::new($vm);
        let mut handling = $crate::types::codecs::errors::Handling::encoding(&vm, text, $errors);
        let $h = &mut handling;
        $crate::with_units!(text.units(), $u => $body)
    }};
}

impl Vm {
    /// The text as bytes; `errors` names the error handler.
    pub fn encode(&mut self, text: &Py<Str>, encoding: &str, errors: &str) -> PyResult<Py<Bytes>> {
        if text.is_ascii() && matches!(encoding, "utf-8" | "utf8" | "ascii" | "latin-1") {
            return Ok(Bytes::from_slice(text.bytes()));
        }
        let Some(direct) = direct(encoding) else { return registry::encode_text(self, text, encoding, errors) };
        let bytes = match direct {
            Direct::Utf8 => encode_units!(self, text, errors, |u, h| base::encode_utf8(u, h))?,
            Direct::Utf16 => encode_units!(self, text, errors, |u, h| base::encode_utf16(u, None, h))?,
            Direct::Utf32 => encode_units!(self, text, errors, |u, h| base::encode_utf32(u, None, h))?,
            Direct::Ascii => encode_units!(self, text, errors, |u, h| base::encode_ascii(u, h))?,
            Direct::Latin1 => encode_units!(self, text, errors, |u, h| base::encode_latin1(u, h))?,
        };
        Ok(Bytes::from_slice(&bytes))
    }

    /// The bytes as text; `errors` names the error handler.
    pub fn decode(&mut self, bytes: &[u8], encoding: &str, errors: &str) -> PyResult<Py<Str>> {
        // nothing is nothing in every encoding, even an unknown one
        if bytes.is_empty() || matches!(encoding, "utf-8" | "utf8" | "ascii") && bytes.is_ascii() {
            return Ok(Str::from_latin1(bytes));
        }
        let Some(direct) = direct(encoding) else { return registry::decode_text(self, bytes, encoding, errors) };
        let text: Text = if let Direct::Latin1 = direct {
            return Ok(Str::from_latin1(bytes));
        } else {
            let vm = RefCell::new(self);
            let mut h = Handling::decoding(&vm, errors);
            match direct {
                Direct::Utf8 => base::decode_utf8(bytes, &mut h, true)?.text,
                Direct::Utf16 => base::decode_utf16(bytes, None, &mut h, true)?.decoded.text,
                Direct::Utf32 => base::decode_utf32(bytes, None, &mut h, true)?.decoded.text,
                _ => base::decode_ascii(bytes, &mut h)?,
            }
        };
        Ok(Str::from_text(&text))
    }

    /// A path, argument or environment variable as text: UTF-8, other bytes as surrogates (PEP 383).
    pub fn decode_fs(&mut self, bytes: &[u8]) -> PyResult<Py<Str>> {
        self.decode(bytes, "utf-8", "surrogateescape")
    }

    /// A text as the bytes of a path: the inverse of [`Vm::decode_fs`].
    pub fn encode_fs(&mut self, text: &Py<Str>) -> PyResult<Vec<u8>> {
        Ok(self.encode(text, "utf-8", "surrogateescape")?.as_slice().to_vec())
    }
}
