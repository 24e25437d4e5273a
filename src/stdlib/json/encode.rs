//! The encoder: Python objects to JSON text, in one piece.

use super::{Quoting, text};
use taipan_base::text::Builder;
use taipan_runtime::object::value::Frozen;
use taipan_runtime::object::{
    GetSetDef, Py, PyResult, Raised, Slots, Type, TypeDef, TypeFlags, Value, boolean, instance, none,
};
use taipan_runtime::types::dict::Dict;
use taipan_runtime::types::float::Float;
use taipan_runtime::types::int::{Int, IntRef};
use taipan_runtime::types::list::List;
use taipan_runtime::types::sequence::{full_type_name, ssize_arg};
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::vm::Vm;
use taipan_runtime::vm::args::{Args, Signature};
use taipan_runtime::with_units;

/// Payload of `make_encoder`: what a `JSONEncoder` asks for.
pub struct Encoder {
    markers: Value,
    default: Value,
    encoder: Value,
    indent: Value,
    key_separator: Value,
    item_separator: Value,
    sort_keys: bool,
    skipkeys: bool,
    allow_nan: bool,
    quoting: Quoting,
}
impl Frozen for Encoder {}
taipan_runtime::payload!(Encoder, ENCODER,
    traverse(self, visit) {
        let Encoder { markers, default, encoder, indent, key_separator, item_separator, sort_keys: _, skipkeys: _,
                      allow_nan: _, quoting: _ } = self;
        [markers, default, encoder, indent, key_separator, item_separator].into_iter().for_each(visit);
    },
    clear(self) {
        for v in [&mut self.markers, &mut self.default, &mut self.encoder] {
            drop(std::mem::replace(v, none()));
        }
    }
);

macro_rules! members {
    ($($name:ident)*) => { &[
        $( GetSetDef::member(stringify!($name), stringify!($name), |_, me| Ok(this(me).$name.clone())), )*
        GetSetDef::member("sort_keys", "sort_keys", |_, me| Ok(boolean(this(me).sort_keys))),
        GetSetDef::member("skipkeys", "skipkeys", |_, me| Ok(boolean(this(me).skipkeys))),
    ] };
}

/// `_json.Encoder`, found in the module as `make_encoder`.
pub static ENCODER: TypeDef = TypeDef::new::<Encoder>("_json.Encoder")
    .doc("Makes JSON text of an object, in chunks; json.encoder sets it up.")
    .flags(TypeFlags::HAVE_GC)
    .cpython_size(80, 0)
    .slots(Slots { new: Some(new), call: Some(call), ..Slots::NONE })
    .getset(members!(markers default encoder indent key_separator item_separator));

fn this(me: &Value) -> &Py<Encoder> {
    me.downcast::<Encoder>().expect("a method of Encoder is called on one")
}

fn new(vm: &mut Vm, class: &Py<Type>, args: &Args<'_>) -> PyResult {
    static SIGNATURE: Signature = Signature::new(
        "make_encoder",
        "(markers, default, encoder, indent, key_separator, item_separator, sort_keys, skipkeys, allow_nan)",
    );
    let bound = args.bind(vm, &SIGNATURE)?;
    let get = |i: usize| bound[i].clone().expect("all are required");
    for i in [4, 5] {
        if get(i).downcast::<Str>().is_none() {
            let (n, name) = (i + 1, get(i).class().payload.name());
            return Err(vm.type_error(format!("make_encoder() argument {n} must be str, not {name}")));
        }
    }
    let flags = [vm.truth(&get(6))?, vm.truth(&get(7))?, vm.truth(&get(8))?];
    let markers = get(0);
    if !markers.is_none() && markers.downcast::<Dict>().is_none() {
        let name = markers.class().payload.name();
        return Err(vm.type_error(format!("make_encoder() argument 1 must be dict or None, not {name}")));
    }
    let encoder = Encoder {
        markers,
        default: get(1),
        quoting: Quoting::of(&get(2)),
        encoder: get(2),
        indent: get(3),
        key_separator: get(4),
        item_separator: get(5),
        sort_keys: flags[0],
        skipkeys: flags[1],
        allow_nan: flags[2],
    };
    Ok(instance::new_of(class, encoder).into())
}

fn call(vm: &mut Vm, me: &Value, args: &Args<'_>) -> PyResult {
    static SIGNATURE: Signature = Signature::new("_iterencode", "(obj, _current_indent_level)");
    let bound = args.bind(vm, &SIGNATURE)?;
    let [Some(object), Some(level)] = &bound[..] else { unreachable!("both are required") };
    let level = ssize_arg(vm, level)?.max(0) as usize;
    let me = this(me);
    let indent = match me.indent.downcast::<Str>() {
        Some(s) => Some(s.clone()),
        None if me.indent.is_none() => None,
        None => {
            return Err(vm.type_error(format!("indent must be str or None, not {}", me.indent.class().payload.name())));
        }
    };
    let mut run = Run { with: me, indent, level, out: Builder::new() };
    run.object(vm, object)?;
    Ok(Tuple::of([Str::from_text(&run.out.finish()).into()]).into())
}

/// One run over an object.
struct Run<'a> {
    with: &'a Encoder,
    indent: Option<Py<Str>>,
    level: usize,
    out: Builder,
}

/// The mark that an object is being encoded.
type Mark = Option<Value>;

impl Run<'_> {
    fn text(&mut self, s: &Str) {
        with_units!(s.units(), u => self.out.push_units(u));
    }

    fn piece(&mut self, v: &Value) {
        if let Some(s) = v.downcast::<Str>() {
            self.text(s);
        }
    }

    /// A new line with the indentation of the level, when there is indentation.
    fn new_line(&mut self) {
        if let Some(indent) = self.indent.clone() {
            self.out.push(u32::from(b'\n'));
            for _ in 0..self.level {
                self.text(&indent);
            }
        }
    }

    fn separator(&mut self) {
        let separator = self.with.item_separator.clone();
        self.piece(&separator);
        self.new_line();
    }

    /// Marks a container as being encoded; an error when it is already.
    fn enter(&mut self, vm: &mut Vm, v: &Value) -> PyResult<Mark> {
        let Some(markers) = self.with.markers.downcast::<Dict>() else { return Ok(None) };
        let id = Int::from_u64(v.id() as u64);
        if markers.get_item(vm, &id)?.is_some() {
            return Err(vm.value_error("Circular reference detected"));
        }
        markers.set_item(vm, &id, v.clone())?;
        Ok(Some(id))
    }

    fn leave(&mut self, vm: &mut Vm, mark: Mark) -> PyResult<()> {
        if let (Some(id), Some(markers)) = (mark, self.with.markers.downcast::<Dict>()) {
            markers.del_item(vm, &id)?;
        }
        Ok(())
    }

    fn object(&mut self, vm: &mut Vm, v: &Value) -> PyResult<()> {
        if let Some(i) = v.as_small() {
            self.small(i);
        } else if let Some(s) = v.downcast::<Str>() {
            self.string(vm, s)?;
        } else if let Some(name) = constant(v) {
            self.out.push_str(name);
        } else if let Some(i) = Int::read(v) {
            self.integer(vm, i)?;
        } else if let Some(x) = Float::read(v) {
            self.float(vm, x, v)?;
        } else if v.downcast::<List>().is_some() || v.downcast::<Tuple>().is_some() {
            vm.check_recursion(" while encoding a JSON object")?;
            self.sequence(vm, v)?;
        } else if let Some(d) = v.downcast::<Dict>() {
            vm.check_recursion(" while encoding a JSON object")?;
            self.dict(vm, d)?;
        } else {
            self.other(vm, v)?;
        }
        Ok(())
    }

    /// What only the `default` function can turn into something known.
    fn other(&mut self, vm: &mut Vm, v: &Value) -> PyResult<()> {
        let mark = self.enter(vm, v)?;
        let known = vm.call1(&self.with.default, v)?;
        vm.check_recursion(" while encoding a JSON object")?;
        if let Err(r) = self.object(vm, &known) {
            let name = full_type_name(vm, v);
            return Err(note(vm, r, |_| Ok(format!("when serializing {name} object"))));
        }
        self.leave(vm, mark)
    }

    fn small(&mut self, i: i64) {
        let mut text = String::new();
        taipan_base::int::format_i64(i, 10, &mut text);
        self.out.push_str(&text);
    }

    fn integer(&mut self, vm: &mut Vm, i: IntRef<'_>) -> PyResult<()> {
        match i {
            IntRef::Small(i) => self.small(i),
            IntRef::Big(b) => {
                // An exact int, so that no method of a subclass runs.
                let s = vm.repr(&Int::from_big(b.clone()))?;
                self.text(&s);
            }
        }
        Ok(())
    }

    fn float(&mut self, vm: &mut Vm, x: f64, v: &Value) -> PyResult<()> {
        if x.is_finite() {
            self.out.push_str(&taipan_base::float::repr(x));
            return Ok(());
        }
        if !self.with.allow_nan {
            let text = vm.repr(v)?;
            return Err(vm.value_error(format!("Out of range float values are not JSON compliant: {}", text.to_rust())));
        }
        self.out.push_str(if x.is_nan() {
            "NaN"
        } else if x > 0.0 {
            "Infinity"
        } else {
            "-Infinity"
        });
        Ok(())
    }

    fn string(&mut self, vm: &mut Vm, s: &Py<Str>) -> PyResult<()> {
        match self.with.quoting {
            Quoting::Ascii => text::push_quoted(&mut self.out, s, true),
            Quoting::Any => text::push_quoted(&mut self.out, s, false),
            Quoting::Call => {
                let encoded = vm.call1(&self.with.encoder, s.as_value())?;
                if encoded.downcast::<Str>().is_none() {
                    let name = encoded.class().payload.name();
                    return Err(vm.type_error(format!("encoder() must return a string, not {name}")));
                }
                self.piece(&encoded);
            }
        }
        Ok(())
    }

    fn sequence(&mut self, vm: &mut Vm, v: &Value) -> PyResult<()> {
        let item = |i: usize| match v.downcast::<List>() {
            Some(l) => l.item(i),
            None => v.downcast::<Tuple>().and_then(|t| t.items().get(i).cloned()),
        };
        if item(0).is_none() {
            self.out.push_str("[]");
            return Ok(());
        }
        let mark = self.enter(vm, v)?;
        self.out.push(u32::from(b'['));
        self.level += 1;
        self.new_line();
        let mut i = 0;
        while let Some(item) = item(i) {
            if i != 0 {
                self.separator();
            }
            if let Err(r) = self.object(vm, &item) {
                let name = full_type_name(vm, v);
                return Err(note(vm, r, |_| Ok(format!("when serializing {name} item {i}"))));
            }
            i += 1;
        }
        self.level -= 1;
        self.leave(vm, mark)?;
        self.new_line();
        self.out.push(u32::from(b']'));
        Ok(())
    }

    fn dict(&mut self, vm: &mut Vm, d: &Py<Dict>) -> PyResult<()> {
        if d.len() == 0 {
            self.out.push_str("{}");
            return Ok(());
        }
        let mark = self.enter(vm, d.as_value())?;
        self.out.push(u32::from(b'{'));
        self.level += 1;
        let mut first = true;
        if self.with.sort_keys || !d.as_value().is_exact::<Dict>() {
            self.items(vm, d, &mut first)?;
        } else {
            let mut position = 0;
            while let Some((next, key, value)) = d.next_from(position) {
                self.member(vm, d, &key, &value, &mut first)?;
                position = next;
            }
        }
        self.level -= 1;
        self.leave(vm, mark)?;
        if !first {
            self.new_line();
        }
        self.out.push(u32::from(b'}'));
        Ok(())
    }

    /// The members as `items()` gives them, sorted when that is asked for.
    fn items(&mut self, vm: &mut Vm, d: &Py<Dict>, first: &mut bool) -> PyResult<()> {
        let view = if d.as_value().is_exact::<Dict>() {
            d.pairs().into_iter().map(|(k, v)| Tuple::of([k, v]).into()).collect()
        } else {
            let items = vm.call_method(d.as_value(), "items", &[])?;
            vm.collect(&items)?
        };
        let list = List::from_vec(view);
        if self.with.sort_keys {
            taipan_runtime::types::list::sort::sort(vm, &list, None, false)?;
        }
        for item in list.to_vec() {
            let [key, value] = item.downcast::<Tuple>().map_or(&[][..], |t| t.items()) else {
                return Err(vm.value_error("items must return 2-tuples"));
            };
            self.member(vm, d, key, value, first)?;
        }
        Ok(())
    }

    fn member(&mut self, vm: &mut Vm, d: &Py<Dict>, key: &Value, value: &Value, first: &mut bool) -> PyResult<()> {
        let Some(name) = self.key(vm, key)? else { return Ok(()) };
        if *first {
            *first = false;
            self.new_line();
        } else {
            self.separator();
        }
        self.string(vm, &name)?;
        let colon = self.with.key_separator.clone();
        self.piece(&colon);
        if let Err(r) = self.object(vm, value) {
            let name = full_type_name(vm, d.as_value());
            return Err(note(vm, r, |vm| {
                let key = vm.repr(key)?;
                Ok(format!("when serializing {name} item {}", key.to_rust()))
            }));
        }
        Ok(())
    }

    /// The name of a key; `None` when it is to be left out.
    fn key(&mut self, vm: &mut Vm, key: &Value) -> PyResult<Option<Py<Str>>> {
        if let Some(s) = key.downcast::<Str>() {
            return Ok(Some(s.clone()));
        }
        // The same text as a value, without quotes.
        let mut part = Run { with: self.with, indent: None, level: 0, out: Builder::new() };
        if let Some(name) = constant(key) {
            part.out.push_str(name);
        } else if let Some(x) = Float::read(key) {
            part.float(vm, x, key)?;
        } else if let Some(i) = Int::read(key) {
            part.integer(vm, i)?;
        } else if self.with.skipkeys {
            return Ok(None);
        } else {
            let name = key.class().payload.name();
            return Err(vm.type_error(format!("keys must be str, int, float, bool or None, not {name}")));
        }
        Ok(Some(Str::from_text(&part.out.finish())))
    }
}

fn constant(v: &Value) -> Option<&'static str> {
    if v.is_none() {
        Some("null")
    } else if v.is_exact_bool() {
        Some(if Int::read(v).is_some_and(|i| i.to_i64() == Some(1)) { "true" } else { "false" })
    } else {
        None
    }
}

/// Adds a note to the pending exception.
#[cold]
fn note(vm: &mut Vm, raised: Raised, text: impl FnOnce(&mut Vm) -> PyResult<String>) -> Raised {
    let error = vm.take_error();
    let noted = text(vm).and_then(|text| {
        let text = vm.new_str(&text);
        vm.call_method(&error, "add_note", &[text])
    });
    if noted.is_ok() {
        vm.set_pending(error);
    }
    raised
}
