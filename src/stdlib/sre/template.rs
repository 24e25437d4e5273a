//! What matches are replaced by: literal text, a template with groups in it (`re._compile_template` reads its syntax), or
//! a function's answers.

use super::match_::group_text;
use super::subject::Text;
use taipan_runtime::object::{Frozen, Py, PyResult, TypeDef, TypeFlags, Value, instance};
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::exceptions::TYPE_ERROR;
use taipan_runtime::types::list::List;
use taipan_runtime::types::sequence::ssize_arg;
use taipan_runtime::types::str::Str;
use taipan_runtime::vm::Vm;

/// Payload of `SRE_Template`.
pub struct Template {
    literal: Value,
    /// Groups, each with the literal text behind it unless that is empty.
    groups: Vec<(usize, Option<Value>)>,
}
taipan_runtime::payload!(Template, TEMPLATE,
    traverse(self, visit) {
        visit(&self.literal);
        self.groups.iter().filter_map(|(_, text)| text.as_ref()).for_each(visit);
    },
    clear(self) {});
impl Frozen for Template {}

/// `_sre.SRE_Template`
pub static TEMPLATE: TypeDef = TypeDef::new::<Template>("_sre.SRE_Template")
    .flags(TypeFlags::HAVE_GC.union(TypeFlags::DISALLOW_INSTANTIATION))
    .cpython_size(40, 16);

/// `_sre.template(pattern, template)`: from a list of literals with numbers of groups between them.
pub fn make(vm: &mut Vm, _pattern: &Value, template: &Value) -> PyResult {
    let Some(list) = template.downcast::<List>() else {
        let name = template.class().payload.name();
        return Err(vm.type_error(format!("template() argument 2 must be list, not {name}")));
    };
    let parts = list.to_vec();
    let [literal, rest @ ..] = &parts[..] else { return Err(vm.type_error("invalid template")) };
    if rest.len() % 2 != 0 {
        return Err(vm.type_error("invalid template"));
    }
    let mut groups = Vec::with_capacity(rest.len() / 2);
    for part in rest.chunks(2) {
        let index = match ssize_arg(vm, &part[0]) {
            Err(r) if vm.error_is(&TYPE_ERROR) => {
                let _ = r;
                vm.clear_error();
                return Err(vm.type_error("an integer is required"));
            }
            other => other?,
        };
        let Ok(index) = usize::try_from(index) else { return Err(vm.type_error("invalid template")) };
        let empty = part[1].downcast::<Str>().is_some_and(|s| s.len() == 0)
            || part[1].downcast::<Bytes>().is_some_and(|b| b.as_slice().is_empty());
        groups.push((index, (!empty).then(|| part[1].clone())));
    }
    Ok(instance::new(Template { literal: literal.clone(), groups }).into())
}

/// What to put in the place of a match.
pub enum Replacement {
    /// This text.
    Literal(Value),
    /// What the template gives.
    Template(Py<Template>),
    /// What the function gives.
    Function(Value),
}

impl Replacement {
    /// From the argument of `sub`.
    pub fn of(vm: &mut Vm, pattern: &Value, replacement: &Value) -> PyResult<Replacement> {
        if vm.callable(replacement) {
            return Ok(Replacement::Function(replacement.clone()));
        }
        match Text::of(vm, replacement) {
            Ok(text) if !text.has_backslash(vm) => return Ok(Replacement::Literal(replacement.clone())),
            Ok(_) => {}
            Err(_) => vm.clear_error(),
        }
        Replacement::compile(vm, pattern, replacement)
    }

    /// Has the syntax of a template read.
    pub fn compile(vm: &mut Vm, pattern: &Value, template: &Value) -> PyResult<Replacement> {
        let compiler = vm.import_attr("re", "_compile_template")?;
        let mut made = vm.call(&compiler, &[pattern.clone(), template.clone()]);
        if made.is_err() && vm.error_is(&TYPE_ERROR) {
            // It may be a text that has no hash: the cache of templates wants one.
            if let Some(basic) = basic_text(vm, template) {
                vm.clear_error();
                made = vm.call(&compiler, &[pattern.clone(), basic]);
            }
        }
        let made = made?;
        match made.downcast::<Template>() {
            Some(t) if t.groups.is_empty() => Ok(Replacement::Literal(t.literal.clone())),
            Some(t) => Ok(Replacement::Template(t.clone())),
            None => {
                let name = made.class().payload.name();
                Err(vm.runtime_error(format!("the result of compiling a replacement string is {name}")))
            }
        }
    }
}

/// The text of a subclass of `str` or of anything with bytes, as `str` or `bytes`.
fn basic_text(vm: &mut Vm, v: &Value) -> Option<Value> {
    if v.is_exact::<Str>() || v.is_exact::<Bytes>() {
        return None;
    }
    vm.aside(|vm| {
        let text = Text::of(vm, v);
        match text {
            Ok(Text::Str(s)) => Some(s.slice(0, s.len()).into()),
            Ok(text) => Some(text.slice(vm, 0, text.len())),
            Err(_) => {
                vm.clear_error();
                None
            }
        }
    })
}

/// The template with the groups of a match in it.
pub fn expand(vm: &mut Vm, t: &Py<Template>, found: &Value) -> PyResult {
    let mut parts = vec![t.literal.clone()];
    for (number, literal) in &t.groups {
        let text = group_text(vm, found, *number)?;
        if !text.is_none() {
            parts.push(text);
        }
        parts.extend(literal.clone());
    }
    join(vm, t.literal.downcast::<Str>().is_none(), parts)
}

/// Joins texts as `b''.join` and `''.join` do, with their errors.
pub fn join(vm: &mut Vm, bytes: bool, parts: Vec<Value>) -> PyResult {
    if let [only] = &parts[..] {
        if if bytes { only.is_exact::<Bytes>() } else { only.is_exact::<Str>() } {
            return Ok(only.clone());
        }
    }
    if bytes {
        if parts.iter().all(|p| p.downcast::<Bytes>().is_some()) {
            let pieces: Vec<&[u8]> = parts.iter().filter_map(|p| Some(p.downcast::<Bytes>()?.as_slice())).collect();
            return Ok(Bytes::from_slice(&pieces.concat()).into());
        }
        let empty = Bytes::from_slice(b"");
        return vm.call_method(empty.as_value(), "join", &[List::from_vec(parts).into()]);
    }
    let texts: Vec<&Str> = parts.iter().filter_map(|p| p.downcast::<Str>().map(|s| &**s)).collect();
    let empty = Str::from_latin1(b"");
    if texts.len() == parts.len() {
        return Ok(Str::join(&empty, &texts).into());
    }
    vm.call_method(empty.as_value(), "join", &[List::from_vec(parts).into()])
}
