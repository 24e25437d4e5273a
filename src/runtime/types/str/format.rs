//! `str.format` and `__format__`: fields in braces, the objects they name, their layout (docs: "Format String Syntax").

use super::Str;
use super::methods::{Wide, exact, from_text, raise_format, s};
use crate::object::{Py, PyResult, Value};
use crate::vm::Vm;
use crate::vm::args::Args;
use crate::with_units;
use taipan_base::format::template::{Field, FieldName, First, Numbering, Step, Template, too_deep, unknown_conversion};
use taipan_base::text::Builder;

/// `str.__format__(spec)`.
pub(super) fn dunder_format(vm: &mut Vm, me: &Value, spec: &Value) -> PyResult {
    let spec = vm.expect_str(spec, "__format__() argument")?;
    if spec.len() == 0 {
        return vm.str(me).map(Into::into);
    }
    Ok(formatted(vm, me, spec)?.into())
}

fn formatted(vm: &mut Vm, me: &Value, spec: &Py<Str>) -> PyResult<Py<Str>> {
    let name = me.class().payload.name();
    let done = with_units!(s(me).units(), t => with_units!(spec.units(), u => {
        taipan_base::format::format_str(t, u, &name)
    }));
    match done {
        Ok(text) => Ok(from_text(&text)),
        Err(e) => Err(raise_format(vm, &e)),
    }
}

/// Where fields find their objects.
#[derive(Clone, Copy)]
enum Source<'a> {
    Arguments(&'a Args<'a>),
    Mapping(&'a Value),
}

/// `str.format(*args, **kwargs)`.
pub(super) fn format(vm: &mut Vm, args: &Args<'_>) -> PyResult {
    let Some(me) = args.get(0) else {
        return Err(vm.type_error("unbound method str.format() needs an argument"));
    };
    let rest = args.rest();
    build(vm, s(me), Source::Arguments(&rest), &mut Numbering::default(), 2).map(Into::into)
}

/// `str.format_map(mapping)`.
pub(super) fn format_map(vm: &mut Vm, me: &Value, mapping: &Value) -> PyResult {
    build(vm, s(me), Source::Mapping(mapping), &mut Numbering::default(), 2).map(Into::into)
}

fn build(
    vm: &mut Vm,
    template: &Py<Str>,
    from: Source<'_>,
    numbering: &mut Numbering,
    depth: u32,
) -> PyResult<Py<Str>> {
    if depth == 0 {
        return Err(raise_format(vm, &too_deep()));
    }
    let template = exact(template.as_value());
    with_units!(template.units(), u => build_units(vm, u, from, numbering, depth))
}

fn build_units<U: Wide>(
    vm: &mut Vm,
    template: &[U],
    from: Source<'_>,
    numbering: &mut Numbering,
    depth: u32,
) -> PyResult<Py<Str>> {
    let mut out = Builder::with_capacity(template.len() + 32);
    for piece in Template::new(template) {
        let piece = match piece {
            Ok(piece) => piece,
            Err(e) => return Err(raise_format(vm, &e)),
        };
        out.push_units(piece.literal);
        if let Some(field) = piece.field {
            let text = field_text(vm, &field, from, numbering, depth)?;
            with_units!(text.units(), u => out.push_units(u));
        }
    }
    Ok(from_text(&out.finish()))
}

fn field_text<U: Wide>(
    vm: &mut Vm,
    field: &Field<'_, U>,
    from: Source<'_>,
    numbering: &mut Numbering,
    depth: u32,
) -> PyResult<Py<Str>> {
    let mut object = field_object(vm, field.name, from, numbering)?;
    if let Some(conversion) = field.conversion {
        object = match u8::try_from(conversion).unwrap_or(0) {
            b'r' => vm.repr(&object)?.into(),
            b's' => vm.str(&object)?.into(),
            b'a' => vm.ascii(&object)?.into(),
            _ => return Err(raise_format(vm, &unknown_conversion(conversion))),
        };
    }
    let spec = U::object(field.spec);
    let spec = if field.nested { build(vm, &spec, from, numbering, depth - 1)? } else { spec };
    if object.is_exact::<Str>() && spec.len() != 0 {
        return formatted(vm, &object, &spec);
    }
    vm.format(&object, &spec)
}

/// The object that a field names.
fn field_object<U: Wide>(vm: &mut Vm, name: &[U], from: Source<'_>, numbering: &mut Numbering) -> PyResult {
    let name = match FieldName::parse(name) {
        Ok(name) => name,
        Err(e) => return Err(raise_format(vm, &e)),
    };
    let index = match numbering.index(&name.first) {
        Ok(index) => index,
        Err(e) => return Err(raise_format(vm, &e)),
    };
    let mut object = first_object(vm, &name.first, index, from)?;
    for step in name.steps {
        object = match step {
            Ok(Step::Attribute(name)) => vm.get_attr(&object, &super::intern::intern(U::object(name)))?,
            Ok(Step::Index(i)) => vm.get_item(&object, &Value::from_usize(i))?,
            Ok(Step::Key(key)) => vm.get_item(&object, U::object(key).as_value())?,
            Err(e) => return Err(raise_format(vm, &e)),
        };
    }
    Ok(object)
}

fn first_object<U: Wide>(vm: &mut Vm, first: &First<'_, U>, index: Option<usize>, from: Source<'_>) -> PyResult {
    match (from, index) {
        (Source::Arguments(args), Some(i)) => match args.get(i) {
            Some(v) => Ok(v.clone()),
            None => Err(vm.index_error(format!("Replacement index {i} out of range for positional args tuple"))),
        },
        (Source::Mapping(_), Some(_)) => Err(vm.value_error("Format string contains positional fields")),
        (_, None) => {
            let First::Name(name) = first else { unreachable!("a field without index has a name") };
            let name = U::object(name);
            match from {
                Source::Mapping(mapping) => vm.get_item(mapping, name.as_value()),
                Source::Arguments(args) => match args.keywords().find(|(key, _)| key.same(&name)) {
                    Some((_, v)) => Ok(v.clone()),
                    None => Err(vm.key_error(name.as_value())),
                },
            }
        }
    }
}
