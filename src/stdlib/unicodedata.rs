//! `unicodedata` (`Modules/unicodedata.c`): what Unicode knows of characters, in version 16.0.0, and as `ucd_3_2_0` in
//! version 3.2.0. The tables are `taipan_base::unicode`.

use taipan_base::unicode::{self, Database, Form};
use taipan_runtime::import::ModuleDef;
use taipan_runtime::object::{GetSetDef, MethodDef, NativeFn::*, Py, PyResult, TypeDef, TypeFlags, Value, boolean};
use taipan_runtime::types::dict::Dict;
use taipan_runtime::types::exceptions::KEY_ERROR;
use taipan_runtime::types::float::Float;
use taipan_runtime::types::str::Str;
use taipan_runtime::vm::Vm;
use taipan_runtime::vm::args::Args;
use taipan_runtime::with_units;

/// Payload of the old database's object: nothing.
pub struct Ucd;
taipan_runtime::payload!(Ucd, UCD);

/// A function of both databases: name, parameters and doc.
macro_rules! tables {
    ($($name:literal, $signature:literal, $doc:literal, $f:ident;)*) => {
        const FUNCTIONS: &[MethodDef] = &[$(
            MethodDef::function($name, concat!("($module, ", $signature, ")"), $doc, V(|vm, args| {
                args.no_keywords(vm, concat!("unicodedata.", $name))?;
                $f(vm, Database::Current, args)
            })),
        )*];
        const METHODS: &[MethodDef] = &[$(
            MethodDef::method($name, concat!("($self, ", $signature, ")"), $doc, V(|vm, args| {
                if args.get(0).is_none() {
                    return Err(vm.type_error(concat!("unbound method UCD.", $name, "() needs an argument")));
                }
                args.no_keywords(vm, concat!("unicodedata.UCD.", $name))?;
                $f(vm, Database::V3_2, &args.rest())
            })),
        )*];
    };
}

tables! {
    "decimal", "chr, default=<unrepresentable>, /", "Return the value of a decimal digit.", decimal;
    "digit", "chr, default=<unrepresentable>, /", "Return the value of a digit.", digit;
    "numeric", "chr, default=<unrepresentable>, /", "Return the value of a numeric character as a float.", numeric;
    "category", "chr, /", "Return the general category.", category;
    "bidirectional", "chr, /", "Return the bidirectional class.", bidirectional;
    "combining", "chr, /", "Return the canonical combining class.", combining;
    "mirrored", "chr, /", "Return 1 for characters that are mirrored in right-to-left text.", mirrored;
    "east_asian_width", "chr, /", "Return the East Asian width.", east_asian_width;
    "decomposition", "chr, /", "Return the decomposition mapping.", decomposition;
    "name", "chr, default=<unrepresentable>, /", "Return the name of a character.", name;
    "lookup", "name, /", "Return the character of a name.", lookup;
    "is_normalized", "form, unistr, /", "Whether a text is in a normal form.", is_normalized;
    "normalize", "form, unistr, /", "Return the normal form of a text.", normalize;
}

/// The type of the old database.
pub static UCD: TypeDef =
    TypeDef::new::<Ucd>("unicodedata.UCD").flags(TypeFlags::DISALLOW_INSTANTIATION).methods(METHODS).getset(&[
        GetSetDef::member("unidata_version", "The Unicode version.", |vm, _| Ok(vm.new_str(unicode::OLD_VERSION))),
    ]);

/// The module.
pub static MODULE: ModuleDef =
    ModuleDef::new("unicodedata").doc("The Unicode character database.").functions(FUNCTIONS).types(&[&UCD]).init(init);

fn init(vm: &mut Vm, dict: &Py<Dict>) -> PyResult<()> {
    dict.store_text("unidata_version", vm.new_str(unicode::VERSION));
    dict.store_text("ucd_3_2_0", taipan_runtime::object::instance::new(Ucd));
    Ok(())
}

/// The character argument; `many` says that it is the first of several parameters.
fn character(vm: &mut Vm, args: &Args<'_>, f: &'static str, most: usize) -> PyResult<u32> {
    if most == 1 {
        args.exactly(vm, f, 1)?;
    } else {
        args.between(vm, f, 1, most)?;
    }
    let v = &args.pos()[0];
    let argument = if most == 1 { "argument" } else { "argument 1" };
    match v.downcast::<Str>() {
        Some(s) if s.len() == 1 => Ok(s.at(0)),
        Some(s) => {
            let n = s.len();
            Err(vm.type_error(format!("{f}(): {argument} must be a unicode character, not a string of length {n}")))
        }
        None => {
            let name = v.class().payload.name();
            Err(vm.type_error(format!("{f}() {argument} must be a unicode character, not {name}")))
        }
    }
}

/// The value, or the default, or a `ValueError`.
fn or_default(vm: &mut Vm, found: Option<Value>, args: &Args<'_>, error: &str) -> PyResult {
    match found.or_else(|| args.get(1).cloned()) {
        Some(v) => Ok(v),
        None => Err(vm.value_error(error)),
    }
}

fn decimal(vm: &mut Vm, db: Database, args: &Args<'_>) -> PyResult {
    let c = character(vm, args, "decimal", 2)?;
    let found = unicode::decimal(c, db).map(|d| Value::small_unchecked(d.into()));
    or_default(vm, found, args, "not a decimal")
}

fn digit(vm: &mut Vm, db: Database, args: &Args<'_>) -> PyResult {
    let c = character(vm, args, "digit", 2)?;
    let found = unicode::digit(c, db).map(|d| Value::small_unchecked(d.into()));
    or_default(vm, found, args, "not a digit")
}

fn numeric(vm: &mut Vm, db: Database, args: &Args<'_>) -> PyResult {
    let c = character(vm, args, "numeric", 2)?;
    or_default(vm, unicode::numeric(c, db).map(Float::new), args, "not a numeric character")
}

fn category(vm: &mut Vm, db: Database, args: &Args<'_>) -> PyResult {
    let c = character(vm, args, "category", 1)?;
    Ok(vm.new_str(unicode::category(c, db)))
}

fn bidirectional(vm: &mut Vm, db: Database, args: &Args<'_>) -> PyResult {
    let c = character(vm, args, "bidirectional", 1)?;
    Ok(vm.new_str(unicode::bidirectional(c, db)))
}

fn combining(vm: &mut Vm, db: Database, args: &Args<'_>) -> PyResult {
    let c = character(vm, args, "combining", 1)?;
    Ok(Value::small_unchecked(unicode::combining(c, db).into()))
}

fn mirrored(vm: &mut Vm, db: Database, args: &Args<'_>) -> PyResult {
    let c = character(vm, args, "mirrored", 1)?;
    Ok(Value::small_unchecked(unicode::mirrored(c, db).into()))
}

fn east_asian_width(vm: &mut Vm, db: Database, args: &Args<'_>) -> PyResult {
    let c = character(vm, args, "east_asian_width", 1)?;
    Ok(vm.new_str(unicode::east_asian_width(c, db)))
}

fn decomposition(vm: &mut Vm, db: Database, args: &Args<'_>) -> PyResult {
    let c = character(vm, args, "decomposition", 1)?;
    Ok(vm.new_str(&unicode::decomposition(c, db)))
}

fn name(vm: &mut Vm, db: Database, args: &Args<'_>) -> PyResult {
    let c = character(vm, args, "name", 2)?;
    let found = unicode::name(c, db).map(|n| vm.new_str(&n));
    or_default(vm, found, args, "no such name")
}

fn lookup(vm: &mut Vm, db: Database, args: &Args<'_>) -> PyResult {
    args.exactly(vm, "lookup", 1)?;
    let name = match args.pos()[0].downcast::<Str>() {
        Some(s) => s.to_rust().into_owned(),
        None => String::from_utf8_lossy(&vm.bytes_like(&args.pos()[0])?).into_owned(),
    };
    match unicode::lookup(&name, db) {
        Some(points) => Ok(Str::from_code_points(&points).into()),
        None => {
            let message = vm.new_str(&format!("undefined character name '{name}'"));
            Err(vm.raise_with(&KEY_ERROR, &[message]))
        }
    }
}

fn form_and_text<'a>(vm: &mut Vm, args: &Args<'a>, f: &'static str) -> PyResult<(Form, &'a Py<Str>)> {
    args.between(vm, f, 2, 2)?;
    let form = vm.expect_str(&args.pos()[0], format_args!("{f}() argument 1"))?;
    let text = vm.expect_str(&args.pos()[1], format_args!("{f}() argument 2"))?;
    match Form::from_name(&form.to_rust()) {
        Some(form) => Ok((form, text)),
        None => Err(vm.value_error("invalid normalization form")),
    }
}

fn normalize(vm: &mut Vm, db: Database, args: &Args<'_>) -> PyResult {
    let (form, text) = form_and_text(vm, args, "normalize")?;
    if text.is_ascii() {
        return Ok(text.as_value().clone());
    }
    Ok(match with_units!(text.units(), u => unicode::normalize(u, form, db)) {
        Some(done) => Str::from_text(&done).into(),
        None => text.as_value().clone(),
    })
}

fn is_normalized(vm: &mut Vm, db: Database, args: &Args<'_>) -> PyResult {
    let (form, text) = form_and_text(vm, args, "is_normalized")?;
    Ok(boolean(with_units!(text.units(), u => unicode::is_normalized(u, form, db))))
}
