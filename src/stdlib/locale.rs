//! `_locale` (`Modules/_localemodule.c`): the C library's locale. Translation of messages (`gettext`) is left to the
//! module `gettext`.

use crate::error_class::ErrorClass;
use taipan_runtime::host::locale as host;
use taipan_runtime::import::ModuleDef;
use taipan_runtime::object::{MethodDef, NativeFn::*, Py, PyResult, Value};
use taipan_runtime::types::dict::Dict;
use taipan_runtime::types::exceptions::EXCEPTION;
use taipan_runtime::types::list::List;
use taipan_runtime::types::str::Str;
use taipan_runtime::vm::Vm;

/// The module.
pub static MODULE: ModuleDef = ModuleDef::new("_locale")
    .doc("Support for POSIX locales.")
    .functions(&[
        MethodDef::function(
            "setlocale",
            "($module, category, locale=None, /)",
            "Activates or asks for the locale of a category.",
            N(set_locale),
        ),
        MethodDef::function("localeconv", "($module, /)", "How numbers and money are written.", F0(conventions)),
        MethodDef::function("strcoll", "($module, os1, os2, /)", "Compares two texts by the locale.", F2(collate)),
        MethodDef::function(
            "strxfrm",
            "($module, string, /)",
            "A text in a form whose plain comparison is the locale's.",
            F1(transform),
        ),
        MethodDef::function("nl_langinfo", "($module, key, /)", "An item of the locale.", F1(langinfo)),
        MethodDef::function(
            "getencoding",
            "($module, /)",
            "The encoding of the locale.",
            F0(|vm| Ok(vm.new_str(&host::encoding()))),
        ),
    ])
    .init(init);

static ERROR: ErrorClass = ErrorClass::new("locale", "Error", &EXCEPTION);

fn init(vm: &mut Vm, module: &Py<Dict>) -> PyResult<()> {
    module.store_text("Error", ERROR.get(vm)?);
    module.store_text("CHAR_MAX", Value::small_unchecked(i8::MAX.into()));
    for &(name, number) in CATEGORIES.iter().chain(ITEMS) {
        module.store_text(name, Value::small_unchecked(number.into()));
    }
    Ok(())
}

static CATEGORIES: &[(&str, i32)] = &[
    ("LC_CTYPE", libc::LC_CTYPE),
    ("LC_TIME", libc::LC_TIME),
    ("LC_COLLATE", libc::LC_COLLATE),
    ("LC_MONETARY", libc::LC_MONETARY),
    ("LC_MESSAGES", libc::LC_MESSAGES),
    ("LC_NUMERIC", libc::LC_NUMERIC),
    ("LC_ALL", libc::LC_ALL),
];

macro_rules! items {
    ($($name:ident)*) => { &[ $( (stringify!($name), libc::$name), )* ("_DATE_FMT", DATE_FMT) ] };
}

/// `_DATE_FMT` of glibc's `langinfo.h`.
const DATE_FMT: i32 = 0x2006C;

/// What `nl_langinfo` may be asked for.
static ITEMS: &[(&str, i32)] = items! {
    DAY_1 DAY_2 DAY_3 DAY_4 DAY_5 DAY_6 DAY_7 ABDAY_1 ABDAY_2 ABDAY_3 ABDAY_4 ABDAY_5 ABDAY_6 ABDAY_7
    MON_1 MON_2 MON_3 MON_4 MON_5 MON_6 MON_7 MON_8 MON_9 MON_10 MON_11 MON_12
    ABMON_1 ABMON_2 ABMON_3 ABMON_4 ABMON_5 ABMON_6 ABMON_7 ABMON_8 ABMON_9 ABMON_10 ABMON_11 ABMON_12
    RADIXCHAR THOUSEP CRNCYSTR D_FMT D_T_FMT T_FMT AM_STR PM_STR CODESET T_FMT_AMPM
    ERA ERA_D_FMT ERA_D_T_FMT ERA_T_FMT ALT_DIGITS YESEXPR NOEXPR
};

/// A text in the locale's encoding.
fn decoded(vm: &mut Vm, bytes: &[u8]) -> PyResult {
    let ascii = bytes.is_ascii();
    let encoding = if ascii { "utf-8".to_owned() } else { host::encoding() };
    Ok(vm.decode(bytes, &encoding, "surrogateescape")?.into())
}

fn set_locale(vm: &mut Vm, a: &[Option<Value>]) -> PyResult {
    let category = a[0].as_ref().map_or(Ok(0), |c| vm.to_i32(c))?;
    let Some(given) = a[1].as_ref().filter(|n| !n.is_none()) else {
        return match host::set_locale(category, None) {
            Some(now) => decoded(vm, &now),
            None => Err(ERROR.raise(vm, "locale query failed")),
        };
    };
    let Some(name) = given.downcast::<Str>() else {
        let got = given.class().payload.name();
        return Err(vm.type_error(format!("setlocale() argument 2 must be str or None, not {got}")));
    };
    let Some(name) = host::c_name(&name.to_rust()) else {
        return Err(vm.value_error("embedded null character"));
    };
    match host::set_locale(category, Some(&name)) {
        Some(now) => decoded(vm, &now),
        None => Err(ERROR.raise(vm, "unsupported locale setting")),
    }
}

/// The names of `localeconv()`, in its order.
static NAMES: [&str; 18] = [
    "int_curr_symbol",
    "currency_symbol",
    "mon_decimal_point",
    "mon_thousands_sep",
    "mon_grouping",
    "positive_sign",
    "negative_sign",
    "int_frac_digits",
    "frac_digits",
    "p_cs_precedes",
    "p_sep_by_space",
    "n_cs_precedes",
    "n_sep_by_space",
    "p_sign_posn",
    "n_sign_posn",
    "decimal_point",
    "thousands_sep",
    "grouping",
];

fn conventions(vm: &mut Vm) -> PyResult {
    let c = host::conventions();
    let mut all: Vec<(&str, Value)> = Vec::with_capacity(NAMES.len());
    for (name, text) in c.texts {
        all.push((name, decoded(vm, &text)?));
    }
    for (name, sizes) in c.groupings {
        let mut list: Vec<Value> = sizes.iter().map(|&n| Value::small_unchecked(n.into())).collect();
        // the last size repeats, unless no further grouping is said
        if !list.is_empty() && sizes.last() != Some(&i8::MAX) {
            list.push(Value::small_unchecked(0));
        }
        all.push((name, List::from_vec(list).into()));
    }
    all.extend(c.numbers.into_iter().map(|(name, n)| (name, Value::small_unchecked(n.into()))));
    let out = Dict::new_object();
    for name in NAMES {
        if let Some((_, value)) = all.iter().find(|(n, _)| *n == name) {
            out.store_text(name, value.clone());
        }
    }
    Ok(out.into())
}

/// A text argument without zero characters.
fn argument<'a>(vm: &mut Vm, v: &'a Value, what: &str) -> PyResult<&'a Py<Str>> {
    let text = vm.expect_str(v, what)?;
    if text.code_points().any(|c| c == 0) {
        return Err(vm.value_error("embedded null character"));
    }
    Ok(text)
}

fn collate(vm: &mut Vm, a: &Value, b: &Value) -> PyResult {
    let a = argument(vm, a, "strcoll() argument 1")?;
    let b = argument(vm, b, "strcoll() argument 2")?;
    Ok(Value::small_unchecked(host::collate(a.code_points(), b.code_points()).into()))
}

fn transform(vm: &mut Vm, v: &Value) -> PyResult {
    let text = argument(vm, v, "strxfrm() argument")?;
    match host::transform(text.code_points()) {
        Ok(out) => Ok(Str::from_code_points(&out).into()),
        Err(e) => Err(vm.os_error(e)),
    }
}

fn langinfo(vm: &mut Vm, v: &Value) -> PyResult {
    let key = vm.to_i32(v)?;
    if !ITEMS.iter().any(|&(_, item)| item == key) {
        return Err(vm.value_error("unsupported langinfo constant"));
    }
    decoded(vm, &host::langinfo(key))
}
