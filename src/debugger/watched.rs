//! Data breakpoints: places that hold a value (a variable, an attribute, an item), and a stop when that value is another.
//!
//! While there is one, every line that is about to run compares what the places hold with what they held before, without
//! running code of the program; the change belongs to the line that ran before. A value that is rebound counts, one that
//! is changed inside (`list.append`) does not: its own parts can be watched. Programs without data breakpoints pay
//! nothing. A watched variable of a function ends with its call.

use taipan_runtime::object::{Py, Value, instance};
use taipan_runtime::types::code::Code;
use taipan_runtime::types::dict::Dict;
use taipan_runtime::types::float::Float;
use taipan_runtime::types::frame::FrameObject;
use taipan_runtime::types::int::Int;
use taipan_runtime::types::list::List;
use taipan_runtime::types::str::Str;
use taipan_runtime::vm::Vm;
use tui::dap;

use super::breakpoints::HitRule;
use super::dap::answer::place_of;
use super::dap::values::find_part;
use super::evaluate::{self, Place as Where};
use super::inspect::children::Place as Part;
use super::inspect::{self, text};
use super::room::{Handle, Room};

/// Ids of data breakpoints start here, so that they are none of the others'.
const FIRST_ID: i64 = 1 << 20;

/// Something that holds a value.
#[derive(Clone)]
enum Place {
    /// A slot of a frame.
    Local(Value, usize),
    /// A name of a namespace, or another entry of a dict under text.
    Name(Value, Value),
    /// An attribute in an instance's own storage.
    Attribute(Value, Value),
    /// An attribute of `__slots__`.
    Slot(Value, String),
    /// An item of a list.
    Index(Value, usize),
    /// An item of a dict under a number.
    Key(Value, Value),
}

/// What a place holds.
enum Held {
    /// A value, or none at present.
    Now(Option<Value>),
    /// The place itself has ended.
    Gone,
}

impl Place {
    fn read(&self, vm: &mut Vm) -> Held {
        let text = |v: &Value| v.downcast::<Str>().cloned();
        Held::Now(match self {
            Place::Local(frame, slot) => match frame.downcast::<FrameObject>() {
                Some(f) if f.live().is_some() => f.local(*slot),
                _ => return Held::Gone,
            },
            Place::Name(names, name) => names.downcast::<Dict>().zip(text(name)).and_then(|(d, n)| d.lookup_str(&n)),
            Place::Attribute(owner, name) => text(name).and_then(|n| instance::get_attribute(owner, &n)),
            Place::Slot(owner, name) => inspect::attributes(owner).into_iter().find(|(n, _)| n == name).map(|(_, v)| v),
            Place::Index(list, index) => list.downcast::<List>().and_then(|l| l.item(*index)),
            Place::Key(dict, key) => match dict.downcast::<Dict>().cloned().map(|d| d.get_item(vm, key)) {
                Some(Ok(found)) => found,
                _ => {
                    vm.clear_error();
                    None
                }
            },
        })
    }
}

/// A place that the client has asked about.
struct Known {
    place: Place,
    /// What the user calls it.
    label: String,
}

/// One data breakpoint.
struct Watch {
    id: i64,
    known: usize,
    condition: Option<String>,
    rule: Option<HitRule>,
    hits: u64,
    last: Option<Value>,
}

/// A change that was seen.
pub struct Change {
    /// The breakpoint's id.
    pub id: i64,
    /// `total: 3 → 4, by loop line 33`
    pub text: String,
    condition: Option<String>,
}

/// All of them.
#[derive(Default)]
pub struct Watched {
    known: Vec<Known>,
    list: Vec<Watch>,
    last_id: i64,
    /// The line that ran before: code and line.
    before: Option<(Value, u32)>,
}

impl Watched {
    /// Whether there is nothing to compare.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        *self = Watched { last_id: self.last_id, ..Watched::default() };
    }

    /// Whether and as what a place can be watched.
    fn info(&mut self, place: Result<(Place, String), String>) -> dap::DataBreakpointInfoBody {
        match place {
            Ok((place, label)) => {
                self.known.push(Known { place, label: label.clone() });
                dap::DataBreakpointInfoBody {
                    data_id: Some((self.known.len() - 1).to_string()),
                    description: label,
                    access_types: vec!["write".to_owned()],
                    can_persist: Some(false),
                }
            }
            Err(why) => dap::DataBreakpointInfoBody { description: why, ..Default::default() },
        }
    }

    /// Replaces the data breakpoints.
    pub fn set(&mut self, vm: &mut Vm, wanted: &[dap::DataBreakpoint]) -> Vec<dap::Breakpoint> {
        let old = std::mem::take(&mut self.list);
        self.before = vm.innermost().and_then(|f| Some((f.code().as_value().clone(), f.line()?)));
        let mut answers = Vec::new();
        for w in wanted {
            match self.make(vm, w, &old) {
                Ok(made) => {
                    let message = Some(self.known[made.known].label.clone());
                    answers.push(dap::Breakpoint { id: Some(made.id), verified: true, message, ..Default::default() });
                    self.list.push(made);
                }
                Err(why) => answers.push(dap::Breakpoint { message: Some(why), ..Default::default() }),
            }
        }
        answers
    }

    fn make(&mut self, vm: &mut Vm, wanted: &dap::DataBreakpoint, old: &[Watch]) -> Result<Watch, String> {
        if wanted.access_type.as_deref().is_some_and(|a| a != "write") {
            return Err("only writing can be watched".to_owned());
        }
        let known = wanted.data_id.parse().ok().filter(|&n: &usize| n < self.known.len());
        let known = known.ok_or("this place is not known any more: ask for it anew")?;
        let rule = wanted.hit_condition.as_deref().filter(|h| !h.trim().is_empty()).map(HitRule::parse).transpose()?;
        let condition = wanted.condition.clone().filter(|c| !c.trim().is_empty());
        let (id, hits) = match old.iter().find(|o| o.known == known) {
            Some(o) => (o.id, o.hits),
            None => {
                self.last_id += 1;
                (FIRST_ID + self.last_id, 0)
            }
        };
        match self.known[known].place.read(vm) {
            Held::Now(last) => Ok(Watch { id, known, condition, rule, hits, last }),
            Held::Gone => Err("the call whose variable this was has ended".to_owned()),
        }
    }

    /// A line is about to run: the changes since the last one, and the breakpoints whose places have ended.
    pub fn compare(&mut self, vm: &mut Vm, code: &Py<Code>, line: u32) -> (Vec<Change>, Vec<(i64, String)>) {
        let (mut changes, mut ended) = (Vec::new(), Vec::new());
        let before = self.before.replace((code.as_value().clone(), line));
        let Watched { known, list, .. } = self;
        list.retain_mut(|w| {
            let Known { place, label } = &known[w.known];
            let now = match place.read(vm) {
                Held::Now(now) => now,
                Held::Gone => {
                    ended.push((w.id, label.clone()));
                    return false;
                }
            };
            if same(w.last.as_ref(), now.as_ref()) {
                return true;
            }
            let by = before.as_ref().and_then(|(code, line)| Some((code.downcast::<Code>()?, line)));
            let by = by.map_or(String::new(), |(c, line)| format!(", by {} line {line}", c.qualname.to_rust()));
            let shown = |vm: &mut Vm, v: &Option<Value>| v.as_ref().map_or("unset".to_owned(), |v| text::short(vm, v));
            let text = format!("{label}: {} → {}{by}", shown(vm, &w.last), shown(vm, &now));
            w.last = now;
            changes.push(Change { id: w.id, text, condition: w.condition.clone() });
            true
        });
        (changes, ended)
    }

    /// Counts a change whose condition holds; whether to stop for it.
    pub fn counts(&mut self, id: i64) -> bool {
        let Some(w) = self.list.iter_mut().find(|w| w.id == id) else { return false };
        w.hits += 1;
        w.rule.is_none_or(|r| r.holds(w.hits))
    }
}

impl Change {
    /// Whether the condition holds in the innermost frame; one that cannot be evaluated does, and says so. Runs code of the
    /// program.
    pub fn holds(&mut self, vm: &mut Vm) -> bool {
        let Some(condition) = self.condition.take() else { return true };
        let place = vm.innermost().map_or(Where::Main, |f| Where::Frame(f.object()));
        let value = evaluate::expression(vm, &place, &condition);
        let truth = value.and_then(|v| {
            let truth = vm.truth(&v);
            evaluate::text_of_error(vm, truth)
        });
        truth.unwrap_or_else(|why| {
            self.text.push_str(&format!("; the condition {condition} failed: {why}"));
            true
        })
    }
}

/// Whether a place still holds the same, as far as that can be told without running code.
fn same(a: Option<&Value>, b: Option<&Value>) -> bool {
    let (Some(a), Some(b)) = (a, b) else { return a.is_none() && b.is_none() };
    if a.is(b) {
        return true;
    }
    if let (Some(a), Some(b)) = (Float::read(a), Float::read(b)) {
        return a.to_bits() == b.to_bits();
    }
    if !std::ptr::eq(a.class(), b.class()) {
        return false;
    }
    match (a.downcast::<Str>(), b.downcast::<Str>()) {
        (Some(a), Some(b)) => a.to_rust() == b.to_rust(),
        _ => false,
    }
}

/// The answer to `dataBreakpointInfo`.
pub fn info(
    vm: &mut Vm,
    watched: &std::sync::Mutex<Watched>,
    room: &mut Room,
    a: &dap::DataBreakpointInfoArguments,
) -> dap::DataBreakpointInfoBody {
    let found = match a.variables_reference.filter(|r| r.has_children()) {
        Some(reference) => in_container(vm, room, reference, &a.name),
        None => by_expression(vm, room, a.frame_id, &a.name),
    };
    super::lock(watched).info(found)
}

fn in_container(
    vm: &mut Vm,
    room: &mut Room,
    reference: dap::VariablesReference,
    name: &str,
) -> Result<(Place, String), String> {
    let handle = room.handle(reference).ok_or("these variables are gone")?;
    match handle {
        Handle::Locals(index) | Handle::Closure(index) => {
            let seen = room.frames.get(index).cloned().ok_or("this frame is gone")?;
            variable(vm, &seen.frame, name)
        }
        Handle::Globals(index) | Handle::Group(_, Some(index)) => {
            let seen = room.frames.get(index).cloned().ok_or("this frame is gone")?;
            let names = seen.frame.function().globals.as_value().clone();
            Ok((Place::Name(names, vm.intern(name).into()), name.to_owned()))
        }
        Handle::Value(owner, path, _) => {
            let part = find_part(vm, &owner, name)?;
            let label = inspect::children::evaluate_name(vm, path.as_deref(), &part);
            let label = label.unwrap_or_else(|| format!("{}.{name}", inspect::type_name(&owner)));
            Ok((part_of(vm, owner, &part)?, label))
        }
        _ => Err(format!("{name} cannot be watched")),
    }
}

/// A variable of a frame, or else a global one.
fn variable(vm: &mut Vm, frame: &Py<FrameObject>, name: &str) -> Result<(Place, String), String> {
    let word = vm.intern(name);
    let function = frame.code().qualname.to_rust().into_owned();
    if frame.namespace().is_none() {
        if let Some(slot) = frame.find_local(&word) {
            return Ok((Place::Local(frame.as_value().clone(), slot), format!("{name} of {function}")));
        }
    }
    let names = frame.namespace().filter(|n| n.downcast::<Dict>().is_some_and(|d| d.lookup_str(&word).is_some()));
    let names = names.unwrap_or_else(|| frame.function().globals.as_value().clone());
    Ok((Place::Name(names, word.into()), name.to_owned()))
}

fn part_of(vm: &mut Vm, owner: Value, part: &Part) -> Result<Place, String> {
    match part {
        Part::Attribute(name) | Part::Name(name) => {
            let word = vm.intern(name);
            if instance::get_attribute(&owner, &word).is_some() {
                return Ok(Place::Attribute(owner, word.into()));
            }
            if let Some(module) = owner.downcast::<taipan_runtime::types::module::Module>() {
                return Ok(Place::Name(module.dict.as_value().clone(), word.into()));
            }
            let in_slot = inspect::attributes(&owner).into_iter().any(|(n, _)| n == *name);
            if in_slot {
                Ok(Place::Slot(owner, name.clone()))
            } else {
                Err(format!("{name} is not kept in the object"))
            }
        }
        Part::Item(key) if owner.downcast::<List>().is_some() => {
            let index = Int::read(key).and_then(|i| i.to_i64()).and_then(|i| usize::try_from(i).ok());
            index.map(|i| Place::Index(owner, i)).ok_or_else(|| "no such item".to_owned())
        }
        Part::Item(key) if owner.downcast::<Dict>().is_some() => {
            if key.is_exact::<Str>() {
                Ok(Place::Name(owner, key.clone()))
            } else if key.as_small().is_some() {
                Ok(Place::Key(owner, key.clone()))
            } else {
                Err("only items under text or numbers can be watched: other keys are found by code of the program"
                    .into())
            }
        }
        _ => Err("this part of a value cannot be watched".to_owned()),
    }
}

/// `name`, `expression.attribute` or `expression[key]`.
fn by_expression(
    vm: &mut Vm,
    room: &mut Room,
    frame: Option<dap::FrameId>,
    expression: &str,
) -> Result<(Place, String), String> {
    let expression = expression.trim();
    let is_name = |t: &str| {
        let mut chars = t.chars();
        chars.next().is_some_and(|c| c.is_alphabetic() || c == '_') && chars.all(|c| c.is_alphanumeric() || c == '_')
    };
    let place = place_of(Some(room), frame)?;
    if is_name(expression) {
        return match &place {
            Where::Frame(f) => variable(vm, f, expression),
            Where::Main => {
                let main = taipan_runtime::start::main_module(vm);
                let main = evaluate::text_of_error(vm, main)?;
                Ok((Place::Name(main.dict.as_value().clone(), vm.intern(expression).into()), expression.to_owned()))
            }
        };
    }
    if let Some((owner, name)) = expression.rsplit_once('.').filter(|(_, name)| is_name(name)) {
        let owner = evaluate::expression(vm, &place, owner)?;
        let found = part_of(vm, owner, &Part::Attribute(name.to_owned()))?;
        return Ok((found, expression.to_owned()));
    }
    let inside = expression.strip_suffix(']').and_then(|e| e.rsplit_once('['));
    let (owner, key) = inside.ok_or("a variable, an attribute or an item can be watched")?;
    let (owner, key) = (evaluate::expression(vm, &place, owner)?, evaluate::expression(vm, &place, key)?);
    Ok((part_of(vm, owner, &Part::Item(key))?, expression.to_owned()))
}
