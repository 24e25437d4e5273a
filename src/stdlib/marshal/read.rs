//! Bytes to objects.

use std::sync::Arc;
use taipan_bytecode::marshal::{MAX_DEPTH, of_digits, tag};
use taipan_bytecode::{CodeFlags, CodeObject, Const, LocalKind};
use taipan_runtime::object::{Py, PyResult, Raised, Value, boolean};
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::code::Code;
use taipan_runtime::types::complex::Complex;
use taipan_runtime::types::dict::Dict;
use taipan_runtime::types::exceptions::STOP_ITERATION;
use taipan_runtime::types::float::Float;
use taipan_runtime::types::int::Int;
use taipan_runtime::types::list::List;
use taipan_runtime::types::set::methods::frozen_from_items;
use taipan_runtime::types::singletons::ELLIPSIS;
use taipan_runtime::types::slice::Slice;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::str::intern::intern;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::vm::Vm;

/// Where bytes come from.
pub struct Source {
    data: Vec<u8>,
    at: usize,
    file: Option<Value>,
}

impl Source {
    /// Bytes in memory.
    pub fn bytes(data: Vec<u8>) -> Source {
        Source { data, at: 0, file: None }
    }

    /// An open file; no more is read than the value needs.
    pub fn file(file: Value) -> Source {
        Source { data: Vec::new(), at: 0, file: Some(file) }
    }

    fn take(&mut self, vm: &mut Vm, n: usize) -> PyResult<Vec<u8>> {
        let Some(file) = &self.file else {
            if self.data.len() - self.at < n {
                return Err(vm.eof_error("marshal data too short"));
            }
            self.at += n;
            return Ok(self.data[self.at - n..self.at].to_vec());
        };
        let mut out = Vec::with_capacity(n.min(1 << 20));
        while out.len() < n {
            let got = vm.call_method(file, "read", &[Value::from_usize(n - out.len())])?;
            let part = got.downcast::<Bytes>().map_or(&[][..], |b| b.as_slice());
            if part.is_empty() {
                return Err(vm.eof_error("EOF read where not expected"));
            }
            out.extend_from_slice(part);
        }
        Ok(out)
    }
}

struct Reader {
    source: Source,
    refs: Vec<Option<Value>>,
    allow_code: bool,
    depth: usize,
}

/// Reads one value.
pub fn load(vm: &mut Vm, source: Source, allow_code: bool) -> PyResult {
    let mut r = Reader { source, refs: Vec::new(), allow_code, depth: 0 };
    match r.value(vm)? {
        Some(v) => Ok(v),
        None => Err(vm.type_error("NULL object in marshal data for object")),
    }
}

fn bad(vm: &mut Vm, what: &str) -> Raised {
    vm.value_error(format!("bad marshal data ({what})"))
}

impl Reader {
    fn byte(&mut self, vm: &mut Vm) -> PyResult<u8> {
        Ok(self.source.take(vm, 1)?[0])
    }

    fn long(&mut self, vm: &mut Vm) -> PyResult<i32> {
        let b = self.source.take(vm, 4)?;
        Ok(i32::from_le_bytes([b[0], b[1], b[2], b[3]]))
    }

    fn size(&mut self, vm: &mut Vm, what: &str) -> PyResult<usize> {
        let n = self.long(vm)?;
        usize::try_from(n).map_err(|_| bad(vm, &format!("{what} size out of range")))
    }

    fn double(&mut self, vm: &mut Vm) -> PyResult<f64> {
        let b = self.source.take(vm, 8)?;
        Ok(b.try_into().map(f64::from_le_bytes).unwrap_or(0.0))
    }

    fn double_text(&mut self, vm: &mut Vm) -> PyResult<f64> {
        let n = self.byte(vm)? as usize;
        let text = self.source.take(vm, n)?;
        match taipan_base::float::parse_bytes(&text) {
            Some(f) => Ok(f),
            None => Err(bad(vm, "invalid float")),
        }
    }

    /// Keeps a place for an object that others may refer to; `None` when they may not.
    fn reserve(&mut self, flag: bool) -> Option<usize> {
        flag.then(|| {
            self.refs.push(None);
            self.refs.len() - 1
        })
    }

    fn keep(&mut self, place: Option<usize>, v: &Value) {
        if let Some(i) = place {
            self.refs[i] = Some(v.clone());
        }
    }

    /// The next value; `None` at the mark that ends a dictionary.
    fn value(&mut self, vm: &mut Vm) -> PyResult<Option<Value>> {
        let code = match self.source.take(vm, 1) {
            Ok(b) => b[0],
            Err(_) => {
                vm.clear_error();
                return Err(vm.eof_error("EOF read where object expected"));
            }
        };
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(bad(vm, "too many nested objects"));
        }
        let flag = code & tag::FLAG_REF != 0;
        let v = self.tagged(vm, code & !tag::FLAG_REF, flag);
        self.depth -= 1;
        v
    }

    /// A value that must be there.
    fn item(&mut self, vm: &mut Vm, what: &str) -> PyResult {
        match self.value(vm)? {
            Some(v) => Ok(v),
            None => Err(vm.type_error(format!("NULL object in marshal data for {what}"))),
        }
    }

    fn tagged(&mut self, vm: &mut Vm, code: u8, flag: bool) -> PyResult<Option<Value>> {
        let v = match code {
            tag::NULL => return Ok(None),
            tag::NONE => super::absent(),
            tag::STOP_ITERATION => STOP_ITERATION.value(),
            tag::ELLIPSIS => ELLIPSIS.value(),
            tag::FALSE => boolean(false),
            tag::TRUE => boolean(true),
            tag::TUPLE
            | tag::SMALL_TUPLE
            | tag::LIST
            | tag::DICT
            | tag::SET
            | tag::FROZENSET
            | tag::SLICE
            | tag::CODE => {
                return self.container(vm, code, flag).map(Some);
            }
            tag::REF => {
                let n = self.long(vm)?;
                return match usize::try_from(n).ok().and_then(|i| self.refs.get(i)).cloned().flatten() {
                    Some(v) => Ok(Some(v)),
                    None => Err(bad(vm, "invalid reference")),
                };
            }
            _ => {
                let v = self.plain(vm, code)?;
                let place = self.reserve(flag);
                self.keep(place, &v);
                v
            }
        };
        Ok(Some(v))
    }

    fn plain(&mut self, vm: &mut Vm, code: u8) -> PyResult {
        Ok(match code {
            tag::INT => Int::from_i64(self.long(vm)? as i64),
            b'I' => {
                let b = self.source.take(vm, 8)?;
                Int::from_i64(b.try_into().map(i64::from_le_bytes).unwrap_or(0))
            }
            tag::LONG => self.big(vm)?,
            tag::FLOAT => Float::new(self.double_text(vm)?),
            tag::BINARY_FLOAT => Float::new(self.double(vm)?),
            tag::COMPLEX => {
                let re = self.double_text(vm)?;
                Complex::new(re, self.double_text(vm)?)
            }
            tag::BINARY_COMPLEX => {
                let re = self.double(vm)?;
                Complex::new(re, self.double(vm)?)
            }
            tag::STRING => {
                let n = self.size(vm, "bytes object")?;
                Bytes::from_slice(&self.source.take(vm, n)?).into()
            }
            tag::ASCII | tag::ASCII_INTERNED => {
                let n = self.size(vm, "string")?;
                self.ascii(vm, n, code == tag::ASCII_INTERNED)?
            }
            tag::SHORT_ASCII | tag::SHORT_ASCII_INTERNED => {
                let n = self.byte(vm)? as usize;
                self.ascii(vm, n, code == tag::SHORT_ASCII_INTERNED)?
            }
            tag::UNICODE | tag::INTERNED => {
                let n = self.size(vm, "string")?;
                let bytes = self.source.take(vm, n)?;
                let s = decode(vm, &bytes)?;
                if code == tag::INTERNED { intern(s).into() } else { s.into() }
            }
            _ => return Err(bad(vm, "unknown type code")),
        })
    }

    fn ascii(&mut self, vm: &mut Vm, n: usize, interned: bool) -> PyResult {
        let s = Str::from_latin1(&self.source.take(vm, n)?);
        Ok(if interned { intern(s).into() } else { s.into() })
    }

    fn big(&mut self, vm: &mut Vm) -> PyResult {
        let n = self.long(vm)?;
        if n == i32::MIN {
            return Err(bad(vm, "long size out of range"));
        }
        let bytes = self.source.take(vm, n.unsigned_abs() as usize * 2)?;
        let digits: Vec<u16> = bytes.chunks_exact(2).map(|b| u16::from_le_bytes([b[0], b[1]])).collect();
        if digits.iter().any(|&d| d > 0x7fff) {
            return Err(bad(vm, "digit out of range in long"));
        }
        if digits.last() == Some(&0) {
            return Err(bad(vm, "unnormalized long data"));
        }
        Ok(Int::from_big(of_digits(n < 0, &digits)))
    }

    fn container(&mut self, vm: &mut Vm, code: u8, flag: bool) -> PyResult {
        match code {
            tag::TUPLE | tag::SMALL_TUPLE => {
                let n = if code == tag::TUPLE { self.size(vm, "tuple")? } else { self.byte(vm)? as usize };
                let place = self.reserve(flag);
                let items = self.items(vm, n, "tuple")?;
                let v = Tuple::from_vec(items).into();
                self.keep(place, &v);
                Ok(v)
            }
            tag::LIST => {
                let n = self.size(vm, "list")?;
                let list = List::empty();
                let place = self.reserve(flag);
                self.keep(place, list.as_value());
                for _ in 0..n {
                    list.push(self.item(vm, "list")?);
                }
                Ok(list.into())
            }
            tag::DICT => {
                let dict = Dict::new_object();
                let place = self.reserve(flag);
                self.keep(place, dict.as_value());
                while let Some(key) = self.value(vm)? {
                    let Some(value) = self.value(vm)? else { break };
                    dict.set_item(vm, &key, value)?;
                }
                Ok(dict.into())
            }
            tag::SET | tag::FROZENSET => {
                let n = self.size(vm, "set")?;
                let place = self.reserve(flag);
                let items = self.items(vm, n, "set")?;
                let v = if code == tag::SET { vm.new_set(&items)? } else { frozen_from_items(vm, &items)? };
                self.keep(place, &v);
                Ok(v)
            }
            tag::SLICE => {
                let place = self.reserve(flag);
                let (start, stop) = (self.item(vm, "slice")?, self.item(vm, "slice")?);
                let step = self.item(vm, "slice")?;
                let v = Slice::new_object(start, stop, step).into();
                self.keep(place, &v);
                Ok(v)
            }
            _ => self.code(vm, flag),
        }
    }

    fn items(&mut self, vm: &mut Vm, n: usize, what: &str) -> PyResult<Vec<Value>> {
        let mut out = Vec::with_capacity(n.min(1 << 16));
        for _ in 0..n {
            out.push(self.item(vm, what)?);
        }
        Ok(out)
    }

    fn code(&mut self, vm: &mut Vm, flag: bool) -> PyResult {
        if !self.allow_code {
            return Err(vm.value_error("unmarshalling code objects is disallowed"));
        }
        let place = self.reserve(flag);
        let mut numbers = [0u32; 5];
        for n in &mut numbers {
            *n = self.long(vm)? as u32;
        }
        let [argcount, posonlyargcount, kwonlyargcount, stacksize, flags] = numbers;
        let code = self.bytes(vm)?;
        let consts = self.tuple(vm)?;
        let names = self.names(vm)?;
        let localsplusnames = self.names(vm)?;
        let kinds = self.bytes(vm)?;
        let (filename, name, qualname) = (self.name(vm)?, self.name(vm)?, self.name(vm)?);
        let firstlineno = self.long(vm)?;
        let (linetable, exceptiontable) = (self.bytes(vm)?, self.bytes(vm)?);
        let canonical = CodeObject {
            argcount,
            posonlyargcount,
            kwonlyargcount,
            stacksize,
            flags: CodeFlags::from_bits_truncate(flags),
            code,
            // The objects beside it are what counts.
            consts: consts.items().iter().map(|_| Const::None).collect(),
            names,
            localsplusnames,
            localspluskinds: kinds.iter().map(|&k| LocalKind::from_bits_truncate(k)).collect(),
            filename,
            name,
            qualname,
            firstlineno,
            linetable,
            exceptiontable,
        };
        let v: Value = Code::with_consts(Arc::new(canonical), consts.items().to_vec()).into();
        self.keep(place, &v);
        Ok(v)
    }

    fn bytes(&mut self, vm: &mut Vm) -> PyResult<Vec<u8>> {
        let v = self.item(vm, "code object")?;
        match v.downcast::<Bytes>() {
            Some(b) => Ok(b.as_slice().to_vec()),
            None => Err(bad(vm, "bytes expected")),
        }
    }

    fn tuple(&mut self, vm: &mut Vm) -> PyResult<Py<Tuple>> {
        self.item(vm, "code object")?.into_py::<Tuple>().map_err(|_| bad(vm, "tuple expected"))
    }

    fn name(&mut self, vm: &mut Vm) -> PyResult<Arc<str>> {
        let v = self.item(vm, "code object")?;
        match v.downcast::<Str>() {
            Some(s) => Ok(Arc::from(&*s.to_rust())),
            None => Err(bad(vm, "string expected")),
        }
    }

    fn names(&mut self, vm: &mut Vm) -> PyResult<Vec<Arc<str>>> {
        let t = self.tuple(vm)?;
        let names: Option<Vec<Arc<str>>> =
            t.items().iter().map(|v| Some(Arc::from(&*v.downcast::<Str>()?.to_rust()))).collect();
        names.ok_or_else(|| bad(vm, "string expected"))
    }
}

/// Text of UTF-8 in which surrogates are allowed.
fn decode(vm: &mut Vm, bytes: &[u8]) -> PyResult<Py<Str>> {
    if let Ok(s) = std::str::from_utf8(bytes) {
        return Ok(Str::from_rust(s));
    }
    let args = [vm.new_str("utf-8"), vm.new_str("surrogatepass")];
    let s = vm.call_method(Bytes::from_slice(bytes).as_value(), "decode", &args)?;
    s.into_py::<Str>().map_err(|_| bad(vm, "string expected"))
}
