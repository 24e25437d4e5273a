//! Evaluating what the user types, in a frame: expressions see its locals, statements write through to them.
//!
//! An expression becomes a function whose parameters are the locals it mentions, so lambdas and generator expressions in
//! it see them too, and a condition of a breakpoint costs one call. A statement runs with the write-through view of the
//! frame's locals (PEP 667) as its namespace; if it contains functions that use the frame's locals, it becomes the body
//! of a nested function instead, as pdb does since 3.13, and what it assigned is written back.

use taipan_runtime::builtins::code::How;
use taipan_runtime::object::{Py, PyResult, Value};
use taipan_runtime::types::cell::CellObject;
use taipan_runtime::types::code::Code;
use taipan_runtime::types::dict::Dict;
use taipan_runtime::types::frame::FrameObject;
use taipan_runtime::types::function::Function;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::types::{frame_locals, int::Int};
use taipan_runtime::vm::Vm;
use taipan_syntax::Mode;

use super::budget;

/// The file name that code typed by the user has in tracebacks.
pub const TYPED: &str = "<debugger>";

/// Where something is evaluated.
#[derive(Clone, Debug)]
pub enum Place {
    /// In a frame.
    Frame(Py<FrameObject>),
    /// In the namespace of `__main__`.
    Main,
}

impl Place {
    fn globals(&self, vm: &mut Vm) -> PyResult<Py<Dict>> {
        match self {
            Place::Frame(f) => Ok(f.function().globals.clone()),
            Place::Main => Ok(taipan_runtime::start::main_module(vm)?.dict.clone()),
        }
    }

    /// The mapping that names are looked up and stored in.
    fn namespace(&self, vm: &mut Vm) -> PyResult<Value> {
        match self {
            Place::Main => Ok(self.globals(vm)?.into()),
            Place::Frame(f) => match f.namespace() {
                Some(mapping) => Ok(mapping),
                None => Ok(frame_locals::proxy(vm, f.clone())),
            },
        }
    }

    /// The frame, if it keeps its locals in slots.
    fn function_frame(&self) -> Option<&Py<FrameObject>> {
        match self {
            Place::Frame(f) if f.namespace().is_none() => Some(f),
            _ => None,
        }
    }
}

/// What running something gave.
pub enum Outcome {
    /// The value of an expression.
    Value(Value),
    /// A statement was carried out.
    Done,
}

/// Evaluates an expression; the error is the exception's text.
pub fn expression(vm: &mut Vm, place: &Place, source: &str) -> Result<Value, String> {
    let result = evaluate(vm, place, source);
    text_of_error(vm, result)
}

/// Evaluates an expression or carries out statements.
pub fn run(vm: &mut Vm, place: &Place, source: &str) -> Result<Outcome, String> {
    let source = source.trim();
    let parsed = taipan_syntax::parse(source, &taipan_syntax::ParseOptions { mode: Mode::Eval, ..Default::default() });
    if parsed.is_ok() {
        return expression(vm, place, source).map(Outcome::Value);
    }
    let result = execute(vm, place, source);
    text_of_error(vm, result).map(|()| Outcome::Done)
}

/// Assigns the value of one expression to another, for example `self.items[3]`; gives the value.
pub fn assign(vm: &mut Vm, place: &Place, target: &str, source: &str) -> Result<Value, String> {
    let value = expression(vm, place, source)?;
    let statement = format!("{target} = __taipan_value__");
    let result = (|| {
        let globals = place.globals(vm)?;
        let had = globals.lookup_text("__taipan_value__");
        globals.store_text("__taipan_value__", value.clone());
        let done = execute(vm, place, &statement);
        let name = vm.intern("__taipan_value__");
        match had {
            Some(old) => globals.store_str(&name, old),
            None => drop(globals.remove_str(&name)),
        }
        done
    })();
    text_of_error(vm, result)?;
    Ok(value)
}

/// The text of the exception instead of the witness; nothing is pending afterwards.
pub fn text_of_error<T>(vm: &mut Vm, result: PyResult<T>) -> Result<T, String> {
    result.map_err(|_| {
        let e = vm.take_error();
        exception_text(vm, &e)
    })
}

/// `TypeError: what it says`, as the last line of a traceback. Runs the exception's `__str__`.
pub fn exception_text(vm: &mut Vm, e: &Value) -> String {
    let name = super::inspect::type_name(e);
    let said = match vm.str(e) {
        Ok(s) => s.to_rust().into_owned(),
        Err(_) => {
            vm.clear_error();
            "<its text cannot be made>".to_owned()
        }
    };
    if said.is_empty() { name } else { format!("{name}: {said}") }
}

/// The full `repr` of a value, which the user asked for; cut at `most` characters.
pub fn repr(vm: &mut Vm, v: &Value, most: usize) -> Result<String, String> {
    // Containers of builtin types can be huge: their own text is made piece by piece.
    let size = super::inspect::children::length(vm, v);
    if size > 1_000 || Int::read(v).is_some() && !Int::is_exact(v) && size > 0 {
        return Ok(super::inspect::text::value(vm, v, super::inspect::text::Limits { chars: most, ..FULL }));
    }
    let (result, interrupted) = budget::within(vm, Some(budget::GLANCE), |vm| {
        let result = vm.repr(v);
        text_of_error(vm, result)
    });
    if interrupted {
        let seconds = budget::GLANCE.as_secs();
        return Ok(format!("{}  (its repr did not come back in {seconds} s)", super::inspect::text::short(vm, v)));
    }
    let text = match result {
        Ok(text) => text,
        Err(why) => return Ok(format!("{}  (its repr raises {why})", super::inspect::text::short(vm, v))),
    };
    if text.len() > most {
        return Ok(format!("{}… ({} characters)", text.slice(0, most).to_rust(), text.len()));
    }
    Ok(text.to_rust().into_owned())
}

const FULL: super::inspect::text::Limits = super::inspect::text::Limits::FULL;

fn how(mode: Mode) -> How {
    How::new(mode, TYPED)
}

fn evaluate(vm: &mut Vm, place: &Place, source: &str) -> PyResult {
    let prepared = Prepared::new(vm, place, source)?;
    prepared.call(vm, place)
}

/// An expression made ready for one code object: it can be evaluated many times.
#[derive(Clone)]
pub struct Prepared {
    /// A function; held as a plain value, so that it can be kept where other threads see it.
    function: Value,
    /// Slots of the locals that are its arguments; absent when it runs in a namespace.
    slots: Option<Vec<usize>>,
    source: String,
}

impl Prepared {
    /// Compiles an expression for the code that runs in `place`.
    pub fn new(vm: &mut Vm, place: &Place, source: &str) -> PyResult<Prepared> {
        let source = source.trim().to_owned();
        let code = vm.compile(&source, &how(Mode::Eval))?;
        let globals = place.globals(vm)?;
        let mut names = Vec::new();
        names_in(&code, &mut names);
        let dynamic = ["locals", "eval", "exec", "vars", "dir", "super"];
        let plain = source.contains(":=") || names.iter().any(|n| dynamic.iter().any(|d| n.is_text(d)));
        if let (Some(frame), false) = (place.function_frame(), plain) {
            let wanted: Vec<(usize, String)> = names
                .iter()
                .filter_map(|n| frame.find_local(n))
                .filter(|&slot| frame.local(slot).is_some())
                .map(|slot| (slot, frame.code().local_names[slot].to_rust().into_owned()))
                .collect();
            // Names of comprehensions' own variables (`.0`) cannot be parameters.
            let usable = wanted.iter().all(|(_, n)| !n.starts_with('.') && n != "__class__");
            if usable && !wanted.is_empty() {
                let parameters: Vec<&str> = wanted.iter().map(|(_, n)| n.as_str()).collect();
                let text = format!("lambda {}: (\n{source}\n)", parameters.join(", "));
                let outer = vm.compile(&text, &how(Mode::Eval))?;
                if let Some(inner) = first_code(&outer) {
                    let function = Function::new(vm, inner, globals, None).into();
                    let slots = Some(wanted.into_iter().map(|(slot, _)| slot).collect());
                    return Ok(Prepared { function, slots, source });
                }
            }
        }
        Ok(Prepared { function: Function::new(vm, code, globals, None).into(), slots: None, source })
    }

    /// Evaluates it in the innermost frame without making a frame object; `None` when that does not do.
    pub fn call_innermost(&self, vm: &mut Vm) -> Option<PyResult> {
        let slots = self.slots.as_ref()?;
        let frame = vm.innermost()?;
        let arguments: Vec<Value> = slots.iter().map(|&slot| frame.local(slot)).collect::<Option<_>>()?;
        Some(vm.call(&self.function, &arguments))
    }

    /// Evaluates it in a frame of the code that it was made for.
    pub fn call(&self, vm: &mut Vm, place: &Place) -> PyResult {
        let Some(slots) = &self.slots else {
            let namespace = place.namespace(vm)?;
            return match self.function.downcast::<Function>() {
                Some(f) => vm.run_code(f, &namespace),
                None => Err(vm.system_error("the expression has no code")),
            };
        };
        let Place::Frame(frame) = place else { return Err(vm.runtime_error("the expression belongs to a frame")) };
        let arguments: Vec<Value> = slots.iter().filter_map(|&slot| frame.local(slot)).collect();
        if arguments.len() == slots.len() {
            return vm.call(&self.function, &arguments);
        }
        // One of the locals is unbound here: the namespace says so in the usual words.
        let code = vm.compile(&self.source, &how(Mode::Eval))?;
        let globals = place.globals(vm)?;
        let function = Function::new(vm, code, globals, None);
        let namespace = place.namespace(vm)?;
        vm.run_code(&function, &namespace)
    }
}

/// All names that a code object and those nested in it look up, each once.
fn names_in(code: &Py<Code>, found: &mut Vec<Py<Str>>) {
    for name in &code.names {
        if !found.iter().any(|n| n.same(name)) {
            found.push(name.clone());
        }
    }
    for nested in nested_codes(code) {
        names_in(&nested, found);
    }
}

fn nested_codes(code: &Py<Code>) -> Vec<Py<Code>> {
    code.consts.iter().filter_map(|c| c.downcast::<Code>().cloned()).collect()
}

fn first_code(code: &Py<Code>) -> Option<Py<Code>> {
    nested_codes(code).into_iter().next()
}

/// Carries out statements.
fn execute(vm: &mut Vm, place: &Place, source: &str) -> PyResult<()> {
    let code = vm.compile(&format!("{source}\n"), &how(Mode::Exec))?;
    if let Some(frame) = place.function_frame() {
        let mut inside = Vec::new();
        nested_codes(&code).iter().for_each(|c| names_in(c, &mut inside));
        let shared: Vec<usize> = inside.iter().filter_map(|n| frame.find_local(n)).collect();
        if !shared.is_empty() {
            return execute_nested(vm, frame, source);
        }
    }
    let globals = place.globals(vm)?;
    let namespace = place.namespace(vm)?;
    let function = Function::new(vm, code, globals, None);
    vm.run_code(&function, &namespace).map(|_| ())
}

/// Carries out statements as the body of a function nested in the frame's function.
fn execute_nested(vm: &mut Vm, frame: &Py<FrameObject>, source: &str) -> PyResult<()> {
    let code = frame.code().clone();
    let names: Vec<String> = code
        .local_names
        .iter()
        .map(|n| n.to_rust().into_owned())
        .filter(|n| !n.starts_with('.') && n != "__class__")
        .collect();
    let body: String = source.lines().map(|l| format!("  {l}\n")).collect();
    let list = names.join(", ");
    let text = format!(
        "def outer({list}, __taipan_out__):\n def inner():\n  nonlocal {list}\n{body}  __taipan_out__.update(locals())\n"
    );
    let outer = vm.compile(&text, &how(Mode::Exec))?;
    let inner = first_code(&outer).and_then(|c| first_code(&c));
    let Some(inner) = inner else { return Err(vm.system_error("the statement has no code")) };
    let out = Dict::new_object();
    let mut cells = Vec::new();
    for name in inner.canonical.freevars() {
        let name = vm.intern(name);
        let value = if name.is_text("__taipan_out__") {
            Some(out.clone().into())
        } else {
            frame.find_local(&name).and_then(|slot| frame.local(slot))
        };
        cells.push(CellObject::new_object(value));
    }
    let function = Function::new(vm, inner, frame.function().globals.clone(), Some(Tuple::from_vec(cells)));
    let result = vm.call0(function.as_value());
    let namespace = frame_locals::proxy(vm, frame.clone());
    for (key, value) in out.pairs() {
        if key.downcast::<Str>().is_some_and(|k| !k.is_text("__taipan_out__")) {
            vm.set_item(&namespace, &key, &value)?;
        }
    }
    result.map(|_| ())
}
