//! Translation of line endings (`IncrementalNewlineDecoder`, `Modules/_io/textio.c`).

use super::super::{arg, flag};
use super::lines;
use taipan_base::text::Unit;
use taipan_runtime::name;
use taipan_runtime::object::{
    GetSetDef, MethodDef, NativeFn::*, Py, PyResult, Slots, TypeDef, TypeFlags, Value, boolean, instance, none,
};
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::int::{Int, IntRef};
use taipan_runtime::types::str::{Str, Units};
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::vm::Vm;
use taipan_runtime::vm::args::{Args, Signature};

const LF: u8 = 1;
const CR: u8 = 2;
const CRLF: u8 = 4;

/// The state of the translation between two pieces of text.
#[derive(Clone, Copy, Debug)]
pub struct Newlines {
    /// Whether all endings become `\n`; otherwise they are only kept in one piece and recorded.
    translate: bool,
    /// A `\r` at the end of the last piece is waiting for what follows.
    pending: bool,
    /// Which endings were seen.
    seen: u8,
}

impl Newlines {
    /// At the start of a text.
    pub fn new(translate: bool) -> Newlines {
        Newlines { translate, pending: false, seen: 0 }
    }

    /// Forgets everything.
    pub fn reset(&mut self) {
        *self = Newlines::new(self.translate);
    }

    /// The flags with the state in the lowest bit.
    pub fn pack(&self, flags: u64) -> u64 {
        flags << 1 | self.pending as u64
    }

    /// Takes the state out of the lowest bit of flags; gives the rest.
    pub fn unpack(&mut self, flags: u64) -> u64 {
        self.pending = flags & 1 != 0;
        flags >> 1
    }

    /// The endings seen, as the attribute `newlines` shows them.
    pub fn seen(&self, vm: &mut Vm) -> Value {
        let mut all: Vec<Value> = Vec::new();
        for (bit, text) in [(CR, "\r"), (LF, "\n"), (CRLF, "\r\n")] {
            if self.seen & bit != 0 {
                all.push(vm.new_str(text));
            }
        }
        match all.len() {
            0 => none(),
            1 => all.remove(0),
            _ => Tuple::from_vec(all).into(),
        }
    }

    /// Takes the next piece of text; gives what is certain by now, translated. `last`: nothing follows.
    pub fn feed(&mut self, text: Py<Str>, last: bool) -> Py<Str> {
        let mut text = text;
        if self.pending && (last || text.len() > 0) {
            self.pending = false;
            text = Str::concat(&Str::from_latin1(b"\r"), &text);
        }
        let n = text.len();
        if !last && n > 0 && text.at(n - 1) == 13 {
            self.pending = true;
            text = text.slice(0, n - 1);
        }
        if text.len() == 0 {
            return text;
        }
        if !lines::has(&text, b'\r') {
            if self.seen & LF == 0 && lines::has(&text, b'\n') {
                self.seen |= LF;
            }
            return text;
        }
        match text.units() {
            Units::Latin1(u) => self.scan(u).map(|u| Str::from_latin1(&u)),
            Units::Ucs2(u) => self.scan(u).map(|u| Str::of_units(Units::Ucs2(&u))),
            Units::Ucs4(u) => self.scan(u).map(|u| Str::of_units(Units::Ucs4(&u))),
        }
        .unwrap_or(text)
    }

    /// Records the endings; gives the translated text when it is to be translated.
    fn scan<U: Unit>(&mut self, units: &[U]) -> Option<Vec<U>> {
        let lf = U::from_cp(10).unwrap_or_default();
        let mut out = self.translate.then(|| Vec::with_capacity(units.len()));
        let mut rest = units;
        while let lines::Found::At(end) = lines::line_end(rest, lines::Ending::Any) {
            let (line, after) = rest.split_at(end);
            let (bit, length) = match line {
                [.., a, _] if a.cp() == 13 && line[end - 1].cp() == 10 => (CRLF, 2),
                [.., a] if a.cp() == 13 => (CR, 1),
                _ => (LF, 1),
            };
            self.seen |= bit;
            if let Some(out) = &mut out {
                out.extend_from_slice(&line[..end - length]);
                out.push(lf);
            }
            rest = after;
        }
        if let Some(out) = &mut out {
            out.extend_from_slice(rest);
        }
        out
    }
}

/// Payload of `IncrementalNewlineDecoder`.
pub struct NewlineDecoder {
    /// The decoder before; absent: `__init__` was not called.
    decoder: Option<Value>,
    newlines: Newlines,
}

taipan_runtime::payload!(NewlineDecoder, NEWLINE_DECODER,
    traverse(self, visit) { self.decoder.iter().for_each(visit); },
    clear(self) { self.decoder = None; }
);

/// `_io.IncrementalNewlineDecoder`
pub static NEWLINE_DECODER: TypeDef = TypeDef::new::<NewlineDecoder>("_io.IncrementalNewlineDecoder")
    .doc("A codec for reading in universal newlines mode: wraps another incremental decoder and translates endings.")
    .signature("(decoder, translate, errors='strict')")
    .flags(TypeFlags::BASETYPE.union(TypeFlags::HAVE_GC))
    .cpython_size(40, 0)
    .slots(Slots {
        new: Some(|_, class, _| {
            Ok(instance::new_of(class, NewlineDecoder { decoder: None, newlines: Newlines::new(false) }).into())
        }),
        init: Some(init),
        ..Slots::NONE
    })
    .getset(&[GetSetDef::get("newlines", "The line endings seen so far.", |vm, v| {
        ready(vm, v)?;
        let state = me(v).get(vm).newlines;
        Ok(state.seen(vm))
    })])
    .methods(&[
        MethodDef::method("decode", "($self, /, input, final=False)", "Decodes and translates a piece.", N(decode)),
        MethodDef::method("getstate", "($self, /)", "Gives the state of the decoder.", F1(get_state)),
        MethodDef::method("setstate", "($self, state, /)", "Sets the state of the decoder.", F2(set_state)),
        MethodDef::method(
            "reset",
            "($self, /)",
            "Goes back to the start.",
            F1(|vm, v| {
                let inner = ready(vm, v)?;
                me(v).get_mut(vm).newlines.reset();
                if inner.is_none() { Ok(none()) } else { vm.call_method_named(&inner, name!("reset"), &[]) }
            }),
        ),
    ]);

fn me(v: &Value) -> &Py<NewlineDecoder> {
    v.downcast::<NewlineDecoder>().expect("a method is called on its type")
}

/// The decoder before (or `None`), once `__init__` was called.
fn ready(vm: &mut Vm, v: &Value) -> PyResult {
    match me(v).get(vm).decoder.clone() {
        Some(d) => Ok(d),
        None => Err(vm.value_error("IncrementalNewlineDecoder.__init__() not called")),
    }
}

static SIGNATURE: Signature = Signature::new("IncrementalNewlineDecoder", "(decoder, translate, errors='strict')");

fn init(vm: &mut Vm, v: &Value, args: &Args<'_>) -> PyResult<()> {
    let a = args.bind(vm, &SIGNATURE)?;
    let translate = flag(vm, a[1].as_ref(), false)?;
    let old = std::mem::replace(
        me(v).get_mut(vm),
        NewlineDecoder { decoder: Some(arg(&a, 0)), newlines: Newlines::new(translate) },
    );
    drop(old);
    Ok(())
}

/// What a decoder gave, which must be text.
pub fn decoded(vm: &mut Vm, v: Value) -> PyResult<Py<Str>> {
    v.into_py::<Str>().map_err(|v| {
        let got = v.class().payload.name();
        vm.type_error(format!("decoder should return a string result, not '{got}'"))
    })
}

fn decode(vm: &mut Vm, a: &[Option<Value>]) -> PyResult {
    let v = arg(a, 0);
    let inner = ready(vm, &v)?;
    let last = flag(vm, a[2].as_ref(), false)?;
    let output =
        if inner.is_none() { arg(a, 1) } else { vm.call_method(&inner, "decode", &[arg(a, 1), boolean(last)])? };
    let output = decoded(vm, output)?;
    let mut state = me(&v).get(vm).newlines;
    let out = state.feed(output, last);
    me(&v).get_mut(vm).newlines = state;
    Ok(out.into())
}

/// An integer modulo 2**64 (`K` of argument parsing).
pub fn masked(v: &Value) -> Option<u64> {
    Int::read(v).map(|i| match i {
        IntRef::Small(i) => i as u64,
        IntRef::Big(b) => b.to_u64_wrapping(),
    })
}

fn get_state(vm: &mut Vm, v: &Value) -> PyResult {
    let inner = ready(vm, v)?;
    let (buffer, flags): (Value, u64) = if inner.is_none() {
        (Bytes::from_slice(b"").into(), 0)
    } else {
        let state = vm.call_method_named(&inner, name!("getstate"), &[])?;
        match state.downcast::<Tuple>().map(|t| t.items()) {
            Some([buffer, flags]) if masked(flags).is_some() => (buffer.clone(), masked(flags).unwrap_or(0)),
            _ => return Err(vm.type_error("illegal decoder state")),
        }
    };
    let flags = me(v).get(vm).newlines.pack(flags);
    Ok(Tuple::of([buffer, Int::from_u64(flags)]).into())
}

fn set_state(vm: &mut Vm, v: &Value, state: &Value) -> PyResult {
    let inner = ready(vm, v)?;
    let Some(items) = state.downcast::<Tuple>() else {
        return Err(vm.type_error("state argument must be a tuple"));
    };
    let (buffer, flags) = match items.items() {
        [buffer, flags] if masked(flags).is_some() => (buffer.clone(), masked(flags).unwrap_or(0)),
        _ => return Err(vm.type_error("setstate(): illegal state argument")),
    };
    let flags = me(v).get_mut(vm).newlines.unpack(flags);
    if inner.is_none() {
        return Ok(none());
    }
    vm.call_method_named(&inner, name!("setstate"), &[Tuple::of([buffer, Int::from_u64(flags)]).into()])
}
