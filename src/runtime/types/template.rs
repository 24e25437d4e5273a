//! Template strings (PEP 750): `string.templatelib.Template` and `Interpolation`.

use crate::object::typedef::{MethodDef, NativeFn::*};
use crate::object::value::Frozen;
use crate::object::{GetSetDef, Py, PyResult, Slots, Type, TypeDef, TypeFlags, Value, instance, none};
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use crate::vm::Vm;
use crate::vm::args::{Args, Signature};
use std::cell::Cell;

/// Payload of `Template`: strings surround interpolations.
pub struct Template {
    strings: Value,
    interpolations: Value,
}
crate::payload!(Template, TEMPLATE, traverse(self, visit) { visit(&self.strings); visit(&self.interpolations) }, clear(self) {});
impl Frozen for Template {}

/// Payload of `Interpolation`.
pub struct Interpolation {
    value: Value,
    expression: Value,
    conversion: Value,
    format_spec: Value,
}
crate::payload!(Interpolation, INTERPOLATION,
    traverse(self, visit) { [&self.value, &self.expression, &self.conversion, &self.format_spec].into_iter().for_each(visit) },
    clear(self) {});
impl Frozen for Interpolation {}

/// Payload of the iterator over a template's parts: its strings that are not empty, and its interpolations.
pub struct TemplateIter {
    parts: Py<Tuple>,
    next: Cell<usize>,
}
crate::payload!(TemplateIter, TEMPLATE_ITER, traverse(self, visit) { visit(self.parts.as_value()) }, clear(self) {});
impl Frozen for TemplateIter {}

/// `type(iter(t""))`
pub static TEMPLATE_ITER: TypeDef = TypeDef::new::<TemplateIter>("string.templatelib.TemplateIter")
    .doc("Template iterator object")
    .flags(TypeFlags::HAVE_GC.union(TypeFlags::DISALLOW_INSTANTIATION))
    .cpython_size(40, 0)
    .slots(Slots {
        iter: Some(|_, v| Ok(v.clone())),
        next: Some(|_, v| {
            let it = v.downcast::<TemplateIter>().expect("a template's iterator");
            let part = it.parts.items().get(it.next.get()).cloned();
            it.next.set(it.next.get() + usize::from(part.is_some()));
            Ok(part)
        }),
        ..Slots::NONE
    });

/// `string.templatelib.Template`
pub static TEMPLATE: TypeDef = TypeDef::new::<Template>("string.templatelib.Template")
    .doc("Template object")
    .flags(TypeFlags::HAVE_GC)
    .cpython_size(32, 0)
    .slots(Slots {
        repr: Some(|vm, v| {
            let t = template(v).clone();
            let (s, i) = (vm.repr(&t.strings)?, vm.repr(&t.interpolations)?);
            Ok(vm.new_str(&format!("Template(strings={}, interpolations={})", s.to_rust(), i.to_rust())))
        }),
        iter: Some(iter),
        concat: Some(concat),
        new: Some(new),
        ..Slots::NONE
    })
    .methods(&[
        MethodDef::method(
            "__reduce__",
            "($self, /)",
            "",
            F1(|vm, v| {
                let t = template(v).clone();
                let f = vm.import_attr("string.templatelib", "_template_unpickle")?;
                Ok(Tuple::from_vec(vec![f, Tuple::from_vec(vec![t.strings.clone(), t.interpolations.clone()]).into()])
                    .into())
            }),
        ),
        MethodDef::class(
            "__class_getitem__",
            "($type, item, /)",
            "See PEP 585",
            F2(crate::types::generic_alias::class_getitem),
        ),
    ])
    .getset(&[
        GetSetDef::member("strings", "Strings", |_, v| Ok(template(v).strings.clone())),
        GetSetDef::member("interpolations", "Interpolations", |_, v| Ok(template(v).interpolations.clone())),
        GetSetDef::get("values", "Values of interpolations", |_, v| {
            let i = &template(v).interpolations;
            let items = i.downcast::<Tuple>().map_or(&[] as &[Value], |t| t.items());
            Ok(Tuple::from_vec(items.iter().map(|i| interpolation(i).value.clone()).collect()).into())
        }),
    ]);

/// `string.templatelib.Interpolation`
pub static INTERPOLATION: TypeDef = TypeDef::new::<Interpolation>("string.templatelib.Interpolation")
    .doc("Interpolation object")
    .signature("(value, expression='', conversion=None, format_spec='')")
    .flags(TypeFlags::HAVE_GC)
    .cpython_size(48, 0)
    .slots(Slots {
        repr: Some(|vm, v| {
            let i = interpolation(v).clone();
            let parts = [&i.value, &i.expression, &i.conversion, &i.format_spec]
                .into_iter()
                .map(|v| Ok(vm.repr(v)?.to_rust().into_owned()))
                .collect::<PyResult<Vec<_>>>()?;
            Ok(vm.new_str(&format!("Interpolation({})", parts.join(", "))))
        }),
        new: Some(new_interpolation_object),
        ..Slots::NONE
    })
    .methods(&[
        MethodDef::method(
            "__reduce__",
            "($self, /)",
            "",
            F1(|_, v| {
                let i = interpolation(v);
                let args = vec![i.value.clone(), i.expression.clone(), i.conversion.clone(), i.format_spec.clone()];
                Ok(Tuple::from_vec(vec![INTERPOLATION.value(), Tuple::from_vec(args).into()]).into())
            }),
        ),
        MethodDef::class(
            "__class_getitem__",
            "($type, item, /)",
            "See PEP 585",
            F2(crate::types::generic_alias::class_getitem),
        ),
    ])
    .getset(&[
        GetSetDef::member("value", "Value", |_, v| Ok(interpolation(v).value.clone())),
        GetSetDef::member("expression", "Expression", |_, v| Ok(interpolation(v).expression.clone())),
        GetSetDef::member("conversion", "Conversion", |_, v| Ok(interpolation(v).conversion.clone())),
        GetSetDef::member("format_spec", "Format specifier", |_, v| Ok(interpolation(v).format_spec.clone())),
    ]);

/// Puts what is a plain value of the class, not a descriptor, into its namespace.
pub fn finish_types(vm: &mut Vm) {
    let names = ["value", "expression", "conversion", "format_spec"];
    let names = Tuple::from_vec(names.iter().map(|n| vm.intern(n).into()).collect());
    INTERPOLATION.object().payload.dict().store_text("__match_args__", names);
}

fn template(v: &Value) -> &Py<Template> {
    v.downcast::<Template>().expect("method of Template")
}

fn interpolation(v: &Value) -> &Py<Interpolation> {
    v.downcast::<Interpolation>().expect("method of Interpolation")
}

/// `BUILD_TEMPLATE`
pub fn new_template(_: &mut Vm, strings: Value, interpolations: Value) -> PyResult {
    Ok(instance::new(Template { strings, interpolations }).into())
}

/// `BUILD_INTERPOLATION`; conversion 0 none, 1 `s`, 2 `r`, 3 `a`.
pub fn new_interpolation(vm: &mut Vm, value: Value, expression: Value, conversion: u16, format_spec: Value) -> Value {
    let conversion = match conversion {
        1 => vm.intern("s").into(),
        2 => vm.intern("r").into(),
        3 => vm.intern("a").into(),
        _ => none(),
    };
    instance::new(Interpolation { value, expression, conversion, format_spec }).into()
}

fn new_interpolation_object(vm: &mut Vm, _: &Py<Type>, args: &Args<'_>) -> PyResult {
    static SIGNATURE: Signature =
        Signature::new("Interpolation", "(value, expression='', conversion=None, format_spec='')");
    let b = args.bind(vm, &SIGNATURE)?;
    let empty: Value = crate::types::str::intern::empty().into();
    let text = |vm: &mut Vm, i: usize, what: &str| match &b[i] {
        None => Ok(empty.clone()),
        Some(s) => {
            vm.expect_str(s, format_args!("Interpolation() argument '{what}'"))?;
            Ok(s.clone())
        }
    };
    let (expression, format_spec) = (text(vm, 1, "expression")?, text(vm, 3, "format_spec")?);
    let conversion = b[2].clone().unwrap_or_else(none);
    if !conversion.is_none() {
        let s = vm.expect_str(&conversion, "Interpolation() argument 'conversion'")?;
        if !["s", "r", "a"].iter().any(|c| s.is_text(c)) {
            return Err(vm.value_error("Interpolation() argument 'conversion' must be one of 's', 'a' or 'r'"));
        }
    }
    Ok(instance::new(Interpolation { value: b[0].clone().expect("required"), expression, conversion, format_spec })
        .into())
}

/// Strings and interpolations in alternation, an empty string between neighbours of the same kind.
fn assemble(parts: &[Value]) -> Template {
    let (mut strings, mut inter): (Vec<Value>, Vec<Value>) = (Vec::new(), Vec::new());
    let mut last_is_string = false;
    for p in parts {
        if let Some(s) = p.downcast::<Str>() {
            if last_is_string {
                let joined = strings.last().and_then(|l| l.downcast::<Str>().map(|l| Str::concat(l, s)));
                if let (Some(slot), Some(j)) = (strings.last_mut(), joined) {
                    *slot = j.into();
                }
            } else {
                strings.push(p.clone());
            }
            last_is_string = true;
        } else {
            if !last_is_string {
                strings.push(crate::types::str::intern::empty().into());
            }
            inter.push(p.clone());
            last_is_string = false;
        }
    }
    if !last_is_string {
        strings.push(crate::types::str::intern::empty().into());
    }
    Template { strings: Tuple::from_vec(strings).into(), interpolations: Tuple::from_vec(inter).into() }
}

fn new(vm: &mut Vm, _: &Py<Type>, args: &Args<'_>) -> PyResult {
    if args.has_keywords() {
        return Err(vm.type_error("Template.__new__ only accepts *args arguments"));
    }
    for a in args.pos() {
        if a.downcast::<Str>().is_none() && a.downcast::<Interpolation>().is_none() {
            let n = a.class().payload.name();
            return Err(
                vm.type_error(format!("Template.__new__ *args need to be of type 'str' or 'Interpolation', got {n}"))
            );
        }
    }
    Ok(instance::new(assemble(args.pos())).into())
}

/// The parts in order, empty strings left out.
fn parts(t: &Template) -> Vec<Value> {
    let strings = t.strings.downcast::<Tuple>().map_or(&[] as &[Value], |t| t.items());
    let inter = t.interpolations.downcast::<Tuple>().map_or(&[] as &[Value], |t| t.items());
    let mut out = Vec::new();
    for (i, s) in strings.iter().enumerate() {
        if s.downcast::<Str>().is_some_and(|s| s.len() > 0) {
            out.push(s.clone());
        }
        out.extend(inter.get(i).cloned());
    }
    out
}

fn iter(_: &mut Vm, v: &Value) -> PyResult {
    Ok(instance::new(TemplateIter { parts: Tuple::from_vec(parts(template(v))), next: Cell::new(0) }).into())
}

fn concat(vm: &mut Vm, a: &Value, b: &Value) -> PyResult {
    let (Some(x), Some(y)) = (a.downcast::<Template>(), b.downcast::<Template>()) else {
        let (n, m) = (a.class().payload.name(), b.class().payload.name());
        return Err(vm.type_error(format!(
            "can only concatenate string.templatelib.Template (not \"{}\") to string.templatelib.Template",
            if a.downcast::<Template>().is_some() { m } else { n }
        )));
    };
    let mut all = parts(x);
    all.extend(parts(y));
    Ok(instance::new(assemble(&all)).into())
}
