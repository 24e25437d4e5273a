//! Dialects: what separates, quotes and escapes.

use super::registered;
use taipan_runtime::object::value::Frozen;
use taipan_runtime::object::{
    GetSetDef, MethodDef, NativeFn::*, Py, PyResult, Slots, Type, TypeDef, TypeFlags, Value, boolean, instance, none,
};
use taipan_runtime::types::int::{Int, IntRef};
use taipan_runtime::types::sequence::full_type_name;
use taipan_runtime::types::str::Str;
use taipan_runtime::vm::Vm;
use taipan_runtime::vm::args::Args;

/// When fields are quoted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Quoting {
    /// Where it is needed.
    Minimal,
    /// Always.
    All,
    /// All but numbers; unquoted fields are read as floats.
    NonNumeric,
    /// Never.
    None,
    /// Strings only; unquoted empty fields are `None`, others floats.
    Strings,
    /// All but `None`.
    NotNull,
}

/// The constants of the module, by number.
pub const QUOTINGS: [(&str, i64); 6] = [
    ("QUOTE_MINIMAL", 0),
    ("QUOTE_ALL", 1),
    ("QUOTE_NONNUMERIC", 2),
    ("QUOTE_NONE", 3),
    ("QUOTE_STRINGS", 4),
    ("QUOTE_NOTNULL", 5),
];

impl Quoting {
    const ALL: [Quoting; 6] =
        [Quoting::Minimal, Quoting::All, Quoting::NonNumeric, Quoting::None, Quoting::Strings, Quoting::NotNull];
}

/// Payload of `Dialect`.
pub struct Dialect {
    /// Separates fields.
    pub delimiter: u32,
    /// Surrounds fields.
    pub quotechar: Option<u32>,
    /// Takes the meaning from the next character.
    pub escapechar: Option<u32>,
    /// A quote inside a field is doubled.
    pub doublequote: bool,
    /// Blanks after a delimiter do not count.
    pub skipinitialspace: bool,
    /// Bad input is an error.
    pub strict: bool,
    /// When fields are quoted.
    pub quoting: Quoting,
    /// Ends records.
    pub lineterminator: Py<Str>,
}
impl Frozen for Dialect {}
taipan_runtime::payload!(Dialect, DIALECT,
    traverse(self, visit) { visit(self.lineterminator.as_value()) },
    clear(self) {});

/// `_csv.Dialect`
pub static DIALECT: TypeDef = TypeDef::new::<Dialect>("_csv.Dialect")
    .doc("CSV dialect\n\nThe Dialect type records CSV parsing and generation options.\n")
    .flags(TypeFlags::BASETYPE.union(TypeFlags::HAVE_GC))
    .cpython_size(48, 0)
    .slots(Slots { new: Some(new), ..Slots::NONE })
    .getset(&[
        GetSetDef::get("delimiter", "", |_, me| Ok(character(Some(this(me).delimiter)))),
        GetSetDef::get("escapechar", "", |_, me| Ok(character(this(me).escapechar))),
        GetSetDef::get("lineterminator", "", |_, me| Ok(this(me).lineterminator.clone().into())),
        GetSetDef::get("quotechar", "", |_, me| Ok(character(this(me).quotechar))),
        GetSetDef::get("quoting", "", |_, me| Ok(Value::small_unchecked(this(me).quoting as i64))),
        GetSetDef::member("skipinitialspace", "", |_, me| Ok(boolean(this(me).skipinitialspace))),
        GetSetDef::member("doublequote", "", |_, me| Ok(boolean(this(me).doublequote))),
        GetSetDef::member("strict", "", |_, me| Ok(boolean(this(me).strict))),
    ])
    .methods(&[
        MethodDef::method("__reduce__", "", "raises an exception to avoid pickling", V(not_picklable)),
        MethodDef::method("__reduce_ex__", "", "raises an exception to avoid pickling", V(not_picklable)),
    ]);

fn this(me: &Value) -> &Py<Dialect> {
    me.downcast::<Dialect>().expect("a method of Dialect is called on one")
}

fn character(cp: Option<u32>) -> Value {
    cp.map_or_else(none, |cp| Str::from_code_points(&[cp]).into())
}

fn not_picklable(vm: &mut Vm, args: &Args<'_>) -> PyResult {
    let name = args.pos()[0].class().payload.name();
    let name = name.rsplit('.').next().unwrap_or(&name);
    Err(vm.type_error(format!("cannot pickle '{name}' instances")))
}

/// What a dialect is made of, as far as it was given.
pub struct Options {
    dialect: Option<Value>,
    given: [Option<Value>; 8],
}

const NAMES: [&str; 8] =
    ["delimiter", "doublequote", "escapechar", "lineterminator", "quotechar", "quoting", "skipinitialspace", "strict"];

impl Options {
    /// The options of a call whose first argument is no option.
    pub fn of_call(vm: &mut Vm, args: &Args<'_>) -> PyResult<Options> {
        Options::of(vm, &args.rest())
    }

    fn of(vm: &mut Vm, args: &Args<'_>) -> PyResult<Options> {
        let mut options = Options { dialect: args.get(0).cloned(), given: Default::default() };
        for (given, v) in options.given.iter_mut().zip(args.pos().iter().skip(1)) {
            *given = Some(v.clone());
        }
        for (name, v) in args.keywords() {
            let place = if name.is_text("dialect") {
                Some(&mut options.dialect)
            } else {
                NAMES.iter().position(|n| name.is_text(n)).map(|i| &mut options.given[i])
            };
            match place {
                Some(place) => *place = Some(v.clone()),
                None => {
                    let name = name.to_rust();
                    return Err(vm.type_error(format!("this function got an unexpected keyword argument '{name}'")));
                }
            }
        }
        Ok(options)
    }
}

fn new(vm: &mut Vm, class: &Py<Type>, args: &Args<'_>) -> PyResult {
    let options = Options::of(vm, args)?;
    build(vm, class, &options)
}

/// The dialect of some options.
pub fn make(vm: &mut Vm, options: &Options) -> PyResult {
    build(vm, &DIALECT.class(), options)
}

fn build(vm: &mut Vm, class: &Py<Type>, options: &Options) -> PyResult {
    let mut given = options.given.clone();
    if let Some(from) = &options.dialect {
        let from = if from.downcast::<Str>().is_some() { registered(vm, from)? } else { from.clone() };
        if from.downcast::<Dialect>().is_some() && given.iter().all(Option::is_none) {
            return Ok(from);
        }
        for (given, name) in given.iter_mut().zip(NAMES) {
            if given.is_none() {
                *given = vm.get_attr_text(&from, name).ok();
                vm.clear_error();
            }
        }
    }
    let [delimiter, doublequote, escapechar, lineterminator, quotechar, quoting, skip, strict] = &given;
    let delimiter = match delimiter {
        None => 0x2c,
        Some(v) => one_character(vm, "delimiter", v, "")?,
    };
    let doublequote = flag(vm, doublequote, true)?;
    let escapechar = optional_character(vm, "escapechar", escapechar, None)?;
    let lineterminator = match lineterminator {
        None => Str::from_rust("\r\n"),
        Some(v) => match v.downcast::<Str>() {
            Some(s) => s.clone(),
            None => {
                let name = full_type_name(vm, v);
                return Err(vm.type_error(format!("\"lineterminator\" must be a string, not {name}")));
            }
        },
    };
    let quote = optional_character(vm, "quotechar", quotechar, Some(0x22))?;
    let quoting_number = match quoting {
        None if quotechar.as_ref().is_some_and(Value::is_none) => Some(3),
        None => Some(0),
        Some(v) if Int::is_exact(v) => Int::read(v).and_then(IntRef::to_i64),
        Some(v) => {
            let name = full_type_name(vm, v);
            return Err(vm.type_error(format!("\"quoting\" must be an integer, not {name}")));
        }
    };
    let skipinitialspace = flag(vm, skip, false)?;
    let strict = flag(vm, strict, false)?;
    let quoting = quoting_number.and_then(|n| usize::try_from(n).ok()).and_then(|n| Quoting::ALL.get(n).copied());
    let Some(quoting) = quoting else { return Err(vm.type_error("bad \"quoting\" value")) };
    if quoting != Quoting::None && quote.is_none() {
        return Err(vm.type_error("quotechar must be set if quoting enabled"));
    }
    let dialect = Dialect {
        delimiter,
        quotechar: quote,
        escapechar,
        doublequote,
        skipinitialspace,
        strict,
        quoting,
        lineterminator,
    };
    if let Some(message) = dialect.conflict() {
        return Err(vm.value_error(message));
    }
    Ok(instance::new_of(class, dialect).into())
}

impl Dialect {
    /// Why the characters do not go together.
    fn conflict(&self) -> Option<String> {
        let named =
            [("delimiter", Some(self.delimiter)), ("escapechar", self.escapechar), ("quotechar", self.quotechar)];
        for (name, cp) in named {
            let Some(cp) = cp else { continue };
            let blank = cp == 0x20 && self.skipinitialspace && name != "delimiter";
            if cp == 0x0a || cp == 0x0d || blank {
                return Some(format!("bad {name} value"));
            }
            if self.lineterminator.code_points().any(|c| c == cp) {
                return Some(format!("bad {name} or lineterminator value"));
            }
        }
        for (i, j) in [(0, 1), (0, 2), (1, 2)] {
            let ((first, a), (second, b)) = (named[i], named[j]);
            if a.is_some() && a == b {
                return Some(format!("bad {first} or {second} value"));
            }
        }
        None
    }
}

fn flag(vm: &mut Vm, v: &Option<Value>, default: bool) -> PyResult<bool> {
    match v {
        Some(v) => vm.truth(v),
        None => Ok(default),
    }
}

fn one_character(vm: &mut Vm, name: &str, v: &Value, or: &str) -> PyResult<u32> {
    let what = match v.downcast::<Str>() {
        Some(s) if s.len() == 1 => return Ok(s.at(0)),
        Some(s) => format!("a string of length {}", s.len()),
        None => full_type_name(vm, v),
    };
    Err(vm.type_error(format!("\"{name}\" must be a unicode character{or}, not {what}")))
}

fn optional_character(vm: &mut Vm, name: &str, v: &Option<Value>, default: Option<u32>) -> PyResult<Option<u32>> {
    match v {
        None => Ok(default),
        Some(v) if v.is_none() => Ok(None),
        Some(v) => one_character(vm, name, v, " or None").map(Some),
    }
}
