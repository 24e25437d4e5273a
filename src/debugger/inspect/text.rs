//! A value in one short line, without running code of the program.
//!
//! Builtin values look as `repr` shows them, cut at a length; instances show their class and attributes:
//! `<Account owner='ada', balance=10>`.

use taipan_runtime::object::{Type, Value};
use taipan_runtime::types::bytearray::ByteArray;
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::cell::CellObject;
use taipan_runtime::types::code::Code;
use taipan_runtime::types::complex::Complex;
use taipan_runtime::types::dict::Dict;
use taipan_runtime::types::exceptions::BaseException;
use taipan_runtime::types::float::Float;
use taipan_runtime::types::frame::FrameObject;
use taipan_runtime::types::function::Function;
use taipan_runtime::types::generator::{self, State};
use taipan_runtime::types::int::{Int, IntRef};
use taipan_runtime::types::list::List;
use taipan_runtime::types::mappingproxy::MappingProxy;
use taipan_runtime::types::method::{BoundMethod, BuiltinFunction, MethodDescriptor};
use taipan_runtime::types::module::Module;
use taipan_runtime::types::range::Range;
use taipan_runtime::types::set::any_set;
use taipan_runtime::types::slice::Slice;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::types::typeobject;
use taipan_runtime::vm::Vm;

use super::{attributes, dict_page, is_dunder, is_native, type_name};

/// How much of a value is written.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Characters in all, about.
    pub chars: usize,
    /// Characters of one string.
    pub string: usize,
    /// Items of one container.
    pub items: usize,
    /// Containers within containers.
    pub depth: usize,
    /// Integers in hexadecimal.
    pub hex: bool,
}

impl Limits {
    /// For one line of a list of variables.
    pub const LINE: Limits = Limits { chars: 240, string: 200, items: 12, depth: 3, hex: false };
    /// For someone who asked to see all of it.
    pub const FULL: Limits = Limits { chars: 1 << 20, string: 1 << 20, items: 10_000, depth: 8, hex: false };
}

/// A value in one line, within `limits`.
pub fn value(vm: &mut Vm, v: &Value, limits: Limits) -> String {
    let mut w = Writer { out: String::new(), limits, vm, open: Vec::new() };
    w.value(v);
    w.out
}

/// A value in one line of usual length.
pub fn short(vm: &mut Vm, v: &Value) -> String {
    value(vm, v, Limits::LINE)
}

struct Writer<'a> {
    out: String,
    limits: Limits,
    vm: &'a mut Vm,
    /// Containers being written, for those that contain themselves.
    open: Vec<usize>,
}

impl Writer<'_> {
    fn full(&self) -> bool {
        self.out.len() >= self.limits.chars
    }

    fn value(&mut self, v: &Value) {
        if self.scalar(v) {
            return;
        }
        if self.open.contains(&v.word()) || self.open.len() >= self.limits.depth || self.full() {
            self.out.push('…');
            return;
        }
        self.open.push(v.word());
        if !self.container(v) && !self.described(v) {
            self.instance(v);
        }
        self.open.pop();
    }

    /// Numbers, strings and singletons.
    fn scalar(&mut self, v: &Value) -> bool {
        let exact = |t: &'static taipan_runtime::object::TypeDef| std::ptr::eq(v.class(), t.object());
        if v.is_none() {
            self.out.push_str("None");
        } else if v.is_exact_bool() {
            self.out.push_str(if Int::read(v).is_some_and(|i| i.to_i64() == Some(1)) { "True" } else { "False" });
        } else if let Some(i) = Int::read(v) {
            if !Int::is_exact(v) && self.enum_member(v) {
                return true;
            }
            self.integer(i);
        } else if let Some(s) = v.downcast::<Str>() {
            if !v.is_exact::<Str>() && self.enum_member(v) {
                return true;
            }
            self.string(s);
        } else if let Some(f) = Float::read(v) {
            self.out.push_str(&taipan_base::float::repr(f));
        } else if v.is_exact::<Complex>() {
            self.native_repr(v);
        } else if let Some(b) = v.downcast::<Bytes>() {
            self.bytes(b.as_slice());
        } else if exact(taipan_runtime::types::singletons::ELLIPSIS.value().class().payload.def.get().expect("builtin"))
        {
            self.out.push_str("Ellipsis");
        } else if v.is(&taipan_runtime::object::not_implemented()) {
            self.out.push_str("NotImplemented");
        } else {
            return false;
        }
        true
    }

    fn integer(&mut self, i: IntRef<'_>) {
        match i {
            IntRef::Small(n) if self.limits.hex => {
                let sign = if n < 0 { "-" } else { "" };
                self.out.push_str(&format!("{sign}{:#x}", n.unsigned_abs()));
            }
            IntRef::Small(n) => self.out.push_str(&n.to_string()),
            IntRef::Big(b) if b.bit_length() > 2_000 => {
                self.out.push_str(&format!("<int of {} bits>", b.bit_length()));
            }
            IntRef::Big(b) => {
                let exact = Int::from_big(b.clone());
                self.native_repr(&exact);
            }
        }
    }

    /// The `repr` of a value whose type is builtin and whose `repr` is native and short.
    fn native_repr(&mut self, v: &Value) {
        match self.vm.repr(v) {
            Ok(s) => self.out.push_str(&s.to_rust()),
            Err(_) => {
                self.vm.clear_error();
                self.out.push_str(&format!("<{}>", type_name(v)));
            }
        }
    }

    fn string(&mut self, s: &taipan_runtime::object::Py<Str>) {
        let room = self.limits.string.min(self.limits.chars.saturating_sub(self.out.len()).max(8));
        if s.len() <= room {
            let exact = s.slice(0, s.len());
            self.native_repr(exact.as_value());
        } else {
            let head = s.slice(0, room);
            self.native_repr(head.as_value());
            self.out.push('…');
        }
    }

    fn bytes(&mut self, b: &[u8]) {
        let room = self.limits.string.min(self.limits.chars.saturating_sub(self.out.len()).max(8));
        self.out.push_str(&taipan_base::repr::of_bytes(&b[..b.len().min(room)]));
        if b.len() > room {
            self.out.push('…');
        }
    }

    /// Items between brackets, with commas; `total` tells whether some are left out.
    fn items(&mut self, open: &str, close: &str, items: &[Value], total: usize) {
        self.out.push_str(open);
        for (i, item) in items.iter().enumerate() {
            if i > 0 {
                self.out.push_str(", ");
            }
            if self.full() {
                self.out.push('…');
                self.out.push_str(close);
                return;
            }
            self.value(item);
        }
        if total > items.len() {
            self.out.push_str(", …");
        }
        self.out.push_str(close);
    }

    /// Writes the class around a container unless it is the plain builtin one.
    fn wrapped(&mut self, v: &Value, plain: bool, inner: impl FnOnce(&mut Self)) {
        if plain {
            return inner(self);
        }
        self.out.push_str(&type_name(v));
        self.out.push('(');
        inner(self);
        self.out.push(')');
    }

    fn container(&mut self, v: &Value) -> bool {
        let most = self.limits.items;
        if let Some(l) = v.downcast::<List>() {
            let items: Vec<Value> = (0..l.len().min(most)).map_while(|i| l.item(i)).collect();
            let total = l.len();
            self.wrapped(v, v.is_exact::<List>(), |w| w.items("[", "]", &items, total));
        } else if let Some(t) = v.downcast::<Tuple>() {
            self.tuple(v, t.items());
        } else if let Some(d) = v.downcast::<Dict>() {
            let page = dict_page(d, 0, most);
            let total = d.len();
            self.wrapped(v, v.is_exact::<Dict>(), |w| w.pairs(&page, total));
        } else if let Some(s) = any_set(v) {
            let (items, total) = {
                let s = s.get(self.vm);
                (s.iter().take(most).cloned().collect::<Vec<_>>(), s.len())
            };
            let plain = type_name(v) == "set" && total > 0;
            self.wrapped(v, plain, |w| {
                if total > 0 {
                    w.items("{", "}", &items, total);
                }
            });
        } else if is_native(v.class(), "collections.deque") {
            let total = self.vm.len(v).unwrap_or(0);
            let mut items = Vec::new();
            for i in 0..total.min(most) {
                match self.vm.get_item(v, &Value::from_usize(i)) {
                    Ok(item) => items.push(item),
                    Err(_) => self.vm.clear_error(),
                }
            }
            self.wrapped(v, false, |w| w.items("[", "]", &items, total));
        } else if let Some(p) = v.downcast::<MappingProxy>() {
            let inner = p.mapping.clone();
            self.wrapped(v, false, |w| w.value(&inner));
        } else if let Some(b) = v.downcast::<ByteArray>() {
            let data = b.get(self.vm).data.to_vec();
            self.wrapped(v, false, |w| w.bytes(&data));
        } else {
            return false;
        }
        true
    }

    fn tuple(&mut self, v: &Value, items: &[Value]) {
        let most = self.limits.items;
        if let Some(names) = field_names(v) {
            self.out.push_str(&type_name(v));
            self.out.push('(');
            let named: Vec<(String, Value)> = names.into_iter().zip(items.iter().cloned()).collect();
            self.named(&named, "=");
            self.out.push(')');
            return;
        }
        let shown = &items[..items.len().min(most)];
        let close = if items.len() == 1 { ",)" } else { ")" };
        let plain = v.is_exact::<Tuple>();
        self.wrapped(v, plain, |w| w.items("(", close, shown, items.len()));
    }

    fn pairs(&mut self, page: &[(Value, Value)], total: usize) {
        self.out.push('{');
        for (i, (key, value)) in page.iter().enumerate() {
            if i > 0 {
                self.out.push_str(", ");
            }
            if self.full() {
                self.out.push_str("…}");
                return;
            }
            self.value(key);
            self.out.push_str(": ");
            self.value(value);
        }
        if total > page.len() {
            self.out.push_str(", …");
        }
        self.out.push('}');
    }

    fn named(&mut self, items: &[(String, Value)], between: &str) {
        for (i, (name, value)) in items.iter().enumerate() {
            if i > 0 {
                self.out.push_str(", ");
            }
            if i >= self.limits.items || self.full() {
                self.out.push('…');
                return;
            }
            self.out.push_str(name);
            self.out.push_str(between);
            self.value(value);
        }
    }

    /// Things that the interpreter itself is made of: functions, classes, modules, exceptions, generators.
    fn described(&mut self, v: &Value) -> bool {
        if let Some(e) = v.downcast::<BaseException>() {
            let args = e.args(self.vm);
            self.out.push_str(&type_name(v));
            self.items("(", ")", args.items(), args.len());
            return true;
        }
        if let Some(r) = v.downcast::<Range>() {
            let one = r.step.as_small() == Some(1);
            let parts = [r.start.clone(), r.stop.clone(), r.step.clone()];
            self.out.push_str("range");
            self.items("(", ")", &parts[..if one { 2 } else { 3 }], 0);
            return true;
        }
        if let Some(s) = v.downcast::<Slice>() {
            let parts = [s.start.clone(), s.stop.clone(), s.step.clone()];
            self.out.push_str("slice");
            self.items("(", ")", &parts, 0);
            return true;
        }
        if let Some(c) = v.downcast::<CellObject>() {
            self.out.push_str("<cell ");
            match c.content() {
                Some(inner) => self.value(&inner),
                None => self.out.push_str("empty"),
            }
            self.out.push('>');
            return true;
        }
        match description(self.vm, v) {
            Some(text) => self.out.push_str(&text),
            None => return false,
        }
        true
    }

    /// A member of an `Enum`: its class keeps members under their names.
    fn enum_member(&mut self, v: &Value) -> bool {
        let class = taipan_runtime::object::Py::<Type>::of(v.class());
        if type_name(class.as_value()) != "EnumType" {
            return false;
        }
        let attributes = attributes(v);
        let find = |name: &str| attributes.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone());
        let (Some(name), Some(value)) = (find("_name_"), find("_value_")) else { return false };
        let Some(name) = name.downcast::<Str>() else { return false };
        self.out.push_str(&format!("<{}.{}: ", type_name(v), name.to_rust()));
        self.value(&value);
        self.out.push('>');
        true
    }

    fn instance(&mut self, v: &Value) {
        if self.enum_member(v) {
            return;
        }
        let attributes: Vec<(String, Value)> = attributes(v).into_iter().filter(|(n, _)| !is_dunder(n)).collect();
        self.out.push('<');
        self.out.push_str(&type_name(v));
        if !attributes.is_empty() {
            self.out.push(' ');
            self.named(&attributes, "=");
        } else if v.class().payload.def.get().is_none() {
            self.out.push_str(" object");
        }
        self.out.push('>');
    }
}

/// The field names of a named tuple or a structure sequence.
pub fn field_names(v: &Value) -> Option<Vec<String>> {
    if v.is_exact::<Tuple>() {
        return None;
    }
    let name = taipan_runtime::types::str::intern::intern_str("_fields");
    let fields = typeobject::lookup(v.class(), &name)?;
    let fields = fields.downcast::<Tuple>()?;
    fields.items().iter().map(|f| f.downcast::<Str>().map(|s| s.to_rust().into_owned())).collect()
}

/// Functions, classes, modules, generators, frames and code in words.
fn description(vm: &mut Vm, v: &Value) -> Option<String> {
    if let Some(f) = v.downcast::<Function>() {
        let c = f.code.borrow().canonical.clone();
        let names: Vec<&str> = c.varnames().take(c.total_args()).map(|n| &**n).collect();
        return Some(format!("<function {}({})>", f.qualname(), names.join(", ")));
    }
    if let Some(m) = v.downcast::<BoundMethod>() {
        let name = m.function.downcast::<Function>().map_or_else(|| type_name(&m.function), |f| f.qualname());
        return Some(format!("<bound method {name}>"));
    }
    if let Some(f) = v.downcast::<BuiltinFunction>() {
        return Some(format!("<built-in function {}>", f.def.name));
    }
    if let Some(m) = v.downcast::<MethodDescriptor>() {
        return Some(format!("<method {} of {}>", m.def.name, m.owner.payload.name()));
    }
    if let Some(t) = v.downcast::<Type>() {
        return Some(format!("<class {}>", typeobject::full_name(t.get_type())));
    }
    if let Some(m) = v.downcast::<Module>() {
        let name = m.dict.lookup_text("__name__");
        let name = name.as_ref().and_then(|n| n.downcast::<Str>()).map_or("?".into(), |s| s.to_rust());
        return Some(format!("<module {name}>"));
    }
    if let Some(g) = generator::any_generator(v) {
        let state = match g.state.get() {
            State::Created => "not started".to_owned(),
            State::Suspended => match super::children::suspended_frame(vm, v).and_then(|f| f.line()) {
                Some(line) => format!("waiting at line {line}"),
                None => "waiting".to_owned(),
            },
            State::Running => "running".to_owned(),
            State::Finished => "finished".to_owned(),
        };
        return Some(format!("<{} {}, {state}>", type_name(v), g.code.qualname.to_rust()));
    }
    if let Some(f) = v.downcast::<FrameObject>() {
        return Some(format!("<frame {}, line {}>", f.code().qualname.to_rust(), f.line().unwrap_or(0)));
    }
    if let Some(c) = v.downcast::<Code>() {
        return Some(format!("<code {}, line {}>", c.qualname.to_rust(), c.canonical.firstlineno));
    }
    None
}
