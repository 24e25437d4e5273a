//! Objects to bytes.

use rustc_hash::FxHashMap;
use taipan_bytecode::marshal::{MAX_DEPTH, digits_of, tag};
use taipan_runtime::object::buffer::BufferRequest;
use taipan_runtime::object::{PyResult, Raised, Value, boolean};
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::code::Code;
use taipan_runtime::types::complex::Complex;
use taipan_runtime::types::dict::Dict;
use taipan_runtime::types::exceptions::STOP_ITERATION;
use taipan_runtime::types::float::Float;
use taipan_runtime::types::int::Int;
use taipan_runtime::types::list::List;
use taipan_runtime::types::set::{FROZENSET, SET};
use taipan_runtime::types::singletons::ELLIPSIS;
use taipan_runtime::types::slice::Slice;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::vm::Vm;

struct Writer {
    out: Vec<u8>,
    version: i32,
    allow_code: bool,
    /// Places of the objects written before that may come again; kept alive so that their words stay theirs.
    refs: FxHashMap<usize, u32>,
    kept: Vec<Value>,
    depth: usize,
}

/// The value in marshal's format.
pub fn dumps(vm: &mut Vm, v: &Value, version: i32, allow_code: bool) -> PyResult<Vec<u8>> {
    let mut w = Writer { out: Vec::new(), version, allow_code, refs: FxHashMap::default(), kept: Vec::new(), depth: 0 };
    w.value(vm, v, 0)?;
    Ok(w.out)
}

impl Writer {
    fn long(&mut self, n: i32) {
        self.out.extend_from_slice(&n.to_le_bytes());
    }

    fn size(&mut self, vm: &mut Vm, n: usize) -> PyResult<()> {
        match i32::try_from(n) {
            Ok(n) => {
                self.long(n);
                Ok(())
            }
            Err(_) => Err(unmarshallable(vm)),
        }
    }

    fn counted(&mut self, vm: &mut Vm, tag: u8, bytes: &[u8]) -> PyResult<()> {
        self.out.push(tag);
        self.size(vm, bytes.len())?;
        self.out.extend_from_slice(bytes);
        Ok(())
    }

    /// Writes a value of which the writer itself holds `own` references.
    fn value(&mut self, vm: &mut Vm, v: &Value, own: u32) -> PyResult<()> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(vm.value_error("object too deeply nested to marshal"));
        }
        let simple = if v.is_none() {
            Some(tag::NONE)
        } else if v.is(&boolean(true)) {
            Some(tag::TRUE)
        } else if v.is(&boolean(false)) {
            Some(tag::FALSE)
        } else if v.is(&ELLIPSIS.value()) {
            Some(tag::ELLIPSIS)
        } else if v.is(&STOP_ITERATION.value()) {
            Some(tag::STOP_ITERATION)
        } else {
            None
        };
        match simple {
            Some(t) => self.out.push(t),
            None => {
                if let Some(flag) = self.reference(v, own) {
                    self.complex_value(vm, v, flag)?;
                }
            }
        }
        self.depth -= 1;
        Ok(())
    }

    /// Writes a reference to an object that was written before (`None`), or gives the flag for its tag.
    fn reference(&mut self, v: &Value, own: u32) -> Option<u8> {
        let shared = match (v.as_small(), v.header()) {
            // CPython keeps one object for each of these.
            (Some(i), _) => (-5..=256).contains(&i),
            (None, Some(h)) => h.is_immortal() || h.rc.get() > 1 + own,
            (None, None) => false,
        };
        if self.version < 3 || !shared {
            return Some(0);
        }
        if let Some(&place) = self.refs.get(&v.word()) {
            self.out.push(tag::REF);
            self.long(place as i32);
            return None;
        }
        self.refs.insert(v.word(), self.refs.len() as u32);
        self.kept.push(v.clone());
        Some(tag::FLAG_REF)
    }

    fn complex_value(&mut self, vm: &mut Vm, v: &Value, flag: u8) -> PyResult<()> {
        if Int::is_exact(v) {
            self.int(v, flag);
            return Ok(());
        }
        if let Some(f) = v.is_exact::<Float>().then(|| Float::read(v)).flatten() {
            self.float(f, flag, tag::FLOAT, tag::BINARY_FLOAT);
            return Ok(());
        }
        if let Some(c) = v.downcast_exact::<Complex>() {
            let (re, im) = (c.re, c.im);
            if self.version > 1 {
                self.out.push(flag | tag::BINARY_COMPLEX);
                self.out.extend_from_slice(&re.to_le_bytes());
                self.out.extend_from_slice(&im.to_le_bytes());
            } else {
                self.out.push(flag | tag::COMPLEX);
                self.float_text(re);
                self.float_text(im);
            }
            return Ok(());
        }
        if let Some(s) = v.downcast_exact::<Str>() {
            let s = s.clone();
            return self.text(vm, &s, flag);
        }
        if let Some(b) = v.downcast_exact::<Bytes>() {
            let b = b.clone();
            return self.counted(vm, flag | tag::STRING, b.as_slice());
        }
        self.container(vm, v, flag)
    }

    fn container(&mut self, vm: &mut Vm, v: &Value, flag: u8) -> PyResult<()> {
        if let Some(t) = v.downcast_exact::<Tuple>() {
            let t = t.clone();
            if self.version >= 4 && t.len() < 256 {
                self.out.extend([flag | tag::SMALL_TUPLE, t.len() as u8]);
            } else {
                self.out.push(flag | tag::TUPLE);
                self.size(vm, t.len())?;
            }
            return t.items().iter().try_for_each(|i| self.value(vm, i, 0));
        }
        if let Some(l) = v.downcast_exact::<List>() {
            let items = l.to_vec();
            self.out.push(flag | tag::LIST);
            self.size(vm, items.len())?;
            return items.iter().try_for_each(|i| self.value(vm, i, 1));
        }
        if let Some(d) = v.downcast_exact::<Dict>() {
            let pairs = d.pairs();
            self.out.push(flag | tag::DICT);
            for (key, value) in &pairs {
                self.value(vm, key, 1)?;
                self.value(vm, value, 1)?;
            }
            self.out.push(tag::NULL);
            return Ok(());
        }
        let class = v.class();
        let set = std::ptr::eq(class, SET.object());
        if set || std::ptr::eq(class, FROZENSET.object()) {
            return self.set(vm, v, flag | if set { tag::SET } else { tag::FROZENSET });
        }
        if let Some(s) = v.downcast_exact::<Slice>().filter(|_| self.version >= 5) {
            let parts = [s.start.clone(), s.stop.clone(), s.step.clone()];
            self.out.push(flag | tag::SLICE);
            return parts.iter().try_for_each(|p| self.value(vm, p, 1));
        }
        if let Some(c) = v.downcast_exact::<Code>() {
            let c = c.clone();
            return self.code(vm, &c, flag);
        }
        if class.payload.slots().buffer.is_some() {
            let bytes = vm.buffer(v, BufferRequest::READ)?.to_vec(vm);
            return self.counted(vm, flag | tag::STRING, &bytes);
        }
        Err(unmarshallable(vm))
    }

    /// Items in the order of their written forms, so that equal sets give equal bytes.
    fn set(&mut self, vm: &mut Vm, v: &Value, tag: u8) -> PyResult<()> {
        let items = vm.collect(v)?;
        let mut keyed = Vec::with_capacity(items.len());
        for i in items {
            keyed.push((dumps(vm, &i, self.version, self.allow_code)?, i));
        }
        keyed.sort_by(|a, b| a.0.cmp(&b.0));
        self.out.push(tag);
        self.size(vm, keyed.len())?;
        keyed.iter().try_for_each(|(_, i)| self.value(vm, i, 1))
    }

    fn int(&mut self, v: &Value, flag: u8) {
        let Some(n) = Int::read(v) else { return };
        if let Some(small) = n.to_i64().and_then(|i| i32::try_from(i).ok()) {
            self.out.push(flag | tag::INT);
            return self.long(small);
        }
        let (negative, digits) = digits_of(&n.to_big().into());
        self.out.push(flag | tag::LONG);
        let count = digits.len() as i32;
        self.long(if negative { -count } else { count });
        digits.iter().for_each(|d| self.out.extend_from_slice(&d.to_le_bytes()));
    }

    fn float(&mut self, f: f64, flag: u8, text: u8, binary: u8) {
        if self.version > 1 {
            self.out.push(flag | binary);
            self.out.extend_from_slice(&f.to_le_bytes());
        } else {
            self.out.push(flag | text);
            self.float_text(f);
        }
    }

    fn float_text(&mut self, f: f64) {
        let text = taipan_base::float::repr(f);
        self.out.push(text.len() as u8);
        self.out.extend_from_slice(text.as_bytes());
    }

    fn text(&mut self, vm: &mut Vm, s: &Str, flag: u8) -> PyResult<()> {
        let interned = s.is_interned();
        if self.version >= 4 && s.is_ascii() {
            let bytes = s.bytes();
            if bytes.len() < 256 {
                let t = if interned { tag::SHORT_ASCII_INTERNED } else { tag::SHORT_ASCII };
                self.out.extend([flag | t, bytes.len() as u8]);
                self.out.extend_from_slice(bytes);
                return Ok(());
            }
            return self.counted(vm, flag | if interned { tag::ASCII_INTERNED } else { tag::ASCII }, bytes);
        }
        let t = if self.version >= 3 && interned { tag::INTERNED } else { tag::UNICODE };
        self.counted(vm, flag | t, s.to_wtf8().as_bytes())
    }

    fn code(&mut self, vm: &mut Vm, code: &Code, flag: u8) -> PyResult<()> {
        if !self.allow_code {
            return Err(vm.value_error("marshalling code objects is disallowed"));
        }
        let c = code.canonical.clone();
        self.out.push(flag | tag::CODE);
        for n in [c.argcount, c.posonlyargcount, c.kwonlyargcount, c.stacksize, c.flags.bits()] {
            self.long(n as i32);
        }
        self.counted(vm, tag::STRING, &c.code)?;
        self.items(vm, &code.consts)?;
        let names: Vec<Value> = code.names.iter().map(|n| n.as_value().clone()).collect();
        self.items(vm, &names)?;
        let locals: Vec<Value> = code.local_names.iter().map(|n| n.as_value().clone()).collect();
        self.items(vm, &locals)?;
        let kinds: Vec<u8> = c.localspluskinds.iter().map(|k| k.bits()).collect();
        self.counted(vm, tag::STRING, &kinds)?;
        for text in [&code.filename, &code.name, &code.qualname] {
            self.value(vm, text.as_value(), 0)?;
        }
        self.long(c.firstlineno);
        self.counted(vm, tag::STRING, &c.linetable)?;
        self.counted(vm, tag::STRING, &c.exceptiontable)
    }

    fn items(&mut self, vm: &mut Vm, items: &[Value]) -> PyResult<()> {
        if items.len() < 256 {
            self.out.extend([tag::SMALL_TUPLE, items.len() as u8]);
        } else {
            self.out.push(tag::TUPLE);
            self.size(vm, items.len())?;
        }
        items.iter().try_for_each(|i| self.value(vm, i, 0))
    }
}

fn unmarshallable(vm: &mut Vm) -> Raised {
    vm.value_error("unmarshallable object")
}
