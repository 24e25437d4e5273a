//! Arguments of native functions: a slice of the evaluation stack, keyword names beside it, and binding by text signature.
//!
//! The convention is that of vectorcall (PEP 590): positional arguments first, then the values of keyword arguments,
//! whose names are a tuple. No tuple or dict is made on the way unless a signature has `*args` or `**kwargs`.

use super::Vm;
use crate::object::{Py, PyResult, Value};
use crate::types::dict::Dict;
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use std::sync::OnceLock;

/// The arguments of one call.
#[derive(Clone, Copy)]
pub struct Args<'a> {
    all: &'a [Value],
    npos: usize,
    kwnames: Option<&'a Py<Tuple>>,
}

impl<'a> Args<'a> {
    /// Positional arguments only.
    #[inline(always)]
    pub fn positional(all: &'a [Value]) -> Args<'a> {
        Args { all, npos: all.len(), kwnames: None }
    }
    /// Positional arguments followed by the values of the keywords named in `kwnames` (exact strings).
    pub fn new(all: &'a [Value], kwnames: Option<&'a Py<Tuple>>) -> Args<'a> {
        let nkw = kwnames.map_or(0, |k| k.len());
        Args { all, npos: all.len() - nkw, kwnames: kwnames.filter(|k| k.len() != 0) }
    }
    /// The positional arguments.
    #[inline(always)]
    pub fn pos(&self) -> &'a [Value] {
        &self.all[..self.npos]
    }
    /// Positional arguments and keyword values.
    pub fn all(&self) -> &'a [Value] {
        self.all
    }
    /// Number of positional arguments.
    #[inline(always)]
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        self.npos
    }
    /// Positional argument `i`.
    #[inline(always)]
    pub fn get(&self, i: usize) -> Option<&'a Value> {
        self.pos().get(i)
    }
    /// Whether there are keyword arguments.
    #[inline(always)]
    pub fn has_keywords(&self) -> bool {
        self.kwnames.is_some()
    }
    /// The tuple of keyword names.
    pub fn kwnames(&self) -> Option<&'a Py<Tuple>> {
        self.kwnames
    }
    /// The keyword names.
    #[inline(always)]
    pub fn names(&self) -> &'a [Value] {
        self.kwnames.map_or(&[], |k| k.items())
    }
    /// Keyword names with their values.
    pub fn keywords(&self) -> impl Iterator<Item = (&'a Py<Str>, &'a Value)> + use<'a> {
        let values = &self.all[self.npos..];
        self.names().iter().zip(values).filter_map(|(n, v)| Some((n.downcast::<Str>()?, v)))
    }
    /// Value of a keyword argument.
    pub fn keyword(&self, name: &str) -> Option<&'a Value> {
        self.keywords().find(|(n, _)| n.is_text(name)).map(|(_, v)| v)
    }
    /// The arguments without the first positional one.
    pub fn rest(&self) -> Args<'a> {
        Args { all: &self.all[1..], npos: self.npos - 1, kwnames: self.kwnames }
    }
    /// The arguments without the first `n` positional ones.
    pub fn skip(&self, n: usize) -> Args<'a> {
        Args { all: &self.all[n..], npos: self.npos - n, kwnames: self.kwnames }
    }
    /// Calls `f` with the arguments preceded by `first`.
    pub fn with_first<R>(&self, first: &Value, f: impl FnOnce(&Args<'_>) -> R) -> R {
        let mut all: smallvec::SmallVec<[Value; 8]> = smallvec::SmallVec::with_capacity(self.all.len() + 1);
        all.push(first.clone());
        all.extend(self.all.iter().cloned());
        f(&Args { all: &all, npos: self.npos + 1, kwnames: self.kwnames })
    }
    /// Keyword arguments as a new dict; `None` when there are none.
    pub fn keyword_dict(&self) -> Option<Py<Dict>> {
        let _ = self.kwnames?;
        let d = Dict::new_object();
        for (k, v) in self.keywords() {
            d.store_str(k, v.clone());
        }
        Some(d)
    }
    /// Refuses keyword arguments.
    pub fn no_keywords(&self, vm: &mut Vm, function: &str) -> PyResult<()> {
        if self.has_keywords() {
            Err(vm.type_error(format!("{function}() takes no keyword arguments")))
        } else {
            Ok(())
        }
    }
    /// Demands exactly `n` positional arguments and no keywords.
    pub fn exactly(&self, vm: &mut Vm, function: &str, n: usize) -> PyResult<()> {
        self.no_keywords(vm, function)?;
        if self.npos == n {
            return Ok(());
        }
        Err(match n {
            0 => vm.type_error(format!("{function}() takes no arguments ({} given)", self.npos)),
            1 => vm.type_error(format!("{function}() takes exactly one argument ({} given)", self.npos)),
            _ => vm.type_error(format!("{function} expected {n} arguments, got {}", self.npos)),
        })
    }
    /// Demands `min` to `max` positional arguments and no keywords.
    pub fn between(&self, vm: &mut Vm, function: &str, min: usize, max: usize) -> PyResult<()> {
        self.no_keywords(vm, function)?;
        let s = |n| if n == 1 { "" } else { "s" };
        if self.npos < min {
            let least = if min == max { "" } else { "at least " };
            return Err(vm.type_error(format!(
                "{function} expected {least}{min} argument{}, got {}",
                s(min),
                self.npos
            )));
        }
        if self.npos > max {
            let most = if min == max { "" } else { "at most " };
            return Err(vm.type_error(format!(
                "{function} expected {most}{max} argument{}, got {}",
                s(max),
                self.npos
            )));
        }
        Ok(())
    }
    /// Binds to the parameters of a signature: one entry for each, in order.
    pub fn bind(&self, vm: &mut Vm, signature: &Signature) -> PyResult<Bound> {
        signature.parsed().bind(vm, signature.name, self)
    }
}

/// One bound argument for each parameter.
pub type Bound = smallvec::SmallVec<[Option<Value>; 8]>;

/// A text signature, parsed at first use.
pub struct Signature {
    name: &'static str,
    text: &'static str,
    parsed: OnceLock<Parameters>,
}

impl Signature {
    /// The signature of function `name`, such as `"(x, /, y=0, *, z=None)"`.
    pub const fn new(name: &'static str, text: &'static str) -> Signature {
        Signature { name, text, parsed: OnceLock::new() }
    }
    /// Its parameters.
    pub fn parsed(&self) -> &Parameters {
        self.parsed.get_or_init(|| Parameters::parse(self.text))
    }
}

/// What a text signature says.
#[derive(Debug, Default)]
pub struct Parameters {
    names: Vec<&'static str>,
    /// Which have a default.
    optional: Vec<bool>,
    /// How many are positional only (`$self` included).
    posonly: usize,
    /// How many can be given by position.
    positional: usize,
    /// Index of `*args`.
    var: Option<usize>,
    /// Index of `**kwargs`.
    kwvar: Option<usize>,
    /// Whether the first is `$self` or `$type`.
    implicit: bool,
    /// That many positional arguments are a complete call; `usize::MAX` when they have to be collected.
    enough: usize,
}

impl Parameters {
    /// Reads a text signature; `$module` is left out, since it is not passed.
    pub fn parse(text: &'static str) -> Parameters {
        let inner = text.trim();
        let inner = inner.strip_prefix('(').unwrap_or(inner);
        let inner = inner.split(" -> ").next().unwrap_or(inner);
        let inner = inner.trim_end().strip_suffix(')').unwrap_or(inner);
        let mut p = Parameters::default();
        let mut keyword_only = false;
        for part in split_commas(inner) {
            let part = part.trim();
            match part {
                "" | "$module" => continue,
                "/" => p.posonly = p.names.len(),
                "*" => keyword_only = true,
                _ => {
                    if let Some(name) = part.strip_prefix("**") {
                        p.kwvar = Some(p.names.len());
                        p.push(name, true);
                    } else if let Some(name) = part.strip_prefix('*') {
                        p.var = Some(p.names.len());
                        p.push(name, true);
                        keyword_only = true;
                    } else {
                        let (name, default) = match part.split_once('=') {
                            Some((n, _)) => (n.trim(), true),
                            None => (part, false),
                        };
                        let name = name.split(':').next().unwrap_or(name).trim();
                        if let Some(implicit) = name.strip_prefix('$') {
                            p.implicit = true;
                            p.push(implicit, false);
                        } else {
                            p.push(name, default);
                        }
                        if !keyword_only {
                            p.positional = p.names.len();
                        }
                    }
                }
            }
        }
        if p.implicit {
            p.posonly = p.posonly.max(1);
        }
        let required = p.optional.iter().rposition(|optional| !optional).map_or(0, |last| last + 1);
        p.enough = if p.var.is_some() || p.kwvar.is_some() { usize::MAX } else { required };
        p
    }

    /// Functions with fixed required arguments take them by position only unless the text has a `/` or names them.
    pub fn positional_only_for(&mut self, f: &crate::object::NativeFn) {
        use crate::object::NativeFn::*;
        if matches!(f, F0(_) | F1(_) | F2(_) | F3(_) | F4(_)) && self.posonly == 0 {
            self.posonly = self.implicit as usize;
        }
    }

    fn push(&mut self, name: &'static str, optional: bool) {
        self.names.push(name);
        self.optional.push(optional);
    }

    /// Number of parameters.
    pub fn count(&self) -> usize {
        self.names.len()
    }

    /// Whether `n` positional arguments alone are a complete call, each the parameter of its number.
    #[inline]
    pub fn filled_by(&self, n: usize) -> bool {
        n >= self.enough && n <= self.positional
    }

    /// Whether no parameter can be given by name.
    fn only_positional(&self) -> bool {
        self.kwvar.is_none() && (0..self.names.len()).all(|i| i < self.posonly || Some(i) == self.var)
    }

    /// Binds a call's arguments.
    pub fn bind(&self, vm: &mut Vm, function: &str, args: &Args<'_>) -> PyResult<Bound> {
        self.bind_named(vm, &FunctionName { short: function, full: &|| function.to_owned() }, args)
    }

    /// Binds a call's arguments, with CPython's order of complaints (`_PyArg_UnpackKeywords`).
    pub fn bind_named(&self, vm: &mut Vm, function: &FunctionName<'_>, args: &Args<'_>) -> PyResult<Bound> {
        let mut out: Bound = smallvec::smallvec![None; self.names.len()];
        let (given, total) = (args.len(), args.all().len());
        if args.has_keywords() && self.only_positional() {
            return Err(vm.type_error(format!("{}() takes no keyword arguments", (function.full)())));
        }
        if self.var.is_none() && (given > self.positional || self.kwvar.is_none() && total > self.names.len()) {
            return Err(self.too_many(vm, function, given, total));
        }
        if let Some(i) = (given..self.posonly).find(|&i| !self.optional[i]) {
            return Err(self.missing(vm, function, i, given));
        }
        for (slot, v) in out.iter_mut().zip(args.pos().iter().take(self.positional)) {
            *slot = Some(v.clone());
        }
        if let Some(var) = self.var {
            let rest = args.pos().get(self.positional..).unwrap_or(&[]);
            out[var] = Some(Tuple::from_slice(rest).into());
        }
        let extra = self.kwvar.map(|i| (i, Dict::new_object()));
        // The first keyword that cannot be used; a missing argument is complained of before it.
        let mut refused = None;
        for (name, value) in args.keywords() {
            let text = name.to_rust();
            let found = self.names.iter().position(|n| *n == text);
            match found.filter(|&i| i >= self.posonly && Some(i) != self.var && Some(i) != self.kwvar) {
                Some(i) if out[i].is_none() => out[i] = Some(value.clone()),
                Some(i) => refused = refused.or(Some((name, Some(i)))),
                None => match &extra {
                    Some((_, d)) => d.store_str(name, value.clone()),
                    None => refused = refused.or(Some((name, None))),
                },
            }
        }
        if let Some((i, d)) = extra {
            out[i] = Some(d.into());
        }
        if let Some(i) = (0..self.names.len()).find(|&i| out[i].is_none() && !self.optional[i]) {
            return Err(self.missing(vm, function, i, given));
        }
        let (name, text) = (function.short, |n: &Py<Str>| n.to_rust().into_owned());
        match refused {
            None => Ok(out),
            Some((n, Some(i))) => Err(vm.type_error(format!(
                "argument for {name}() given by name ('{}') and position ({})",
                text(n),
                i + 1 - self.implicit as usize
            ))),
            Some((n, None)) => {
                let n = text(n);
                let named = self.names[self.posonly..].iter().map(|n| &**n);
                let hint = crate::types::exceptions::print::suggest::closest(&n, named)
                    .map_or(String::new(), |c| format!(". Did you mean '{c}'?"));
                Err(vm.type_error(format!("{name}() got an unexpected keyword argument '{n}'{hint}")))
            }
        }
    }

    #[cold]
    fn too_many(&self, vm: &mut Vm, function: &FunctionName<'_>, given: usize, total: usize) -> crate::object::Raised {
        let (short, implicit) = (function.short, self.implicit as usize);
        let max = self.positional - implicit;
        let (given, total, all) = (given - implicit, total - implicit, self.names.len() - implicit);
        let required = (implicit..self.positional).filter(|&i| !self.optional[i]).count();
        let s = |n| if n == 1 { "" } else { "s" };
        if all == 0 {
            return vm.type_error(format!("{}() takes no arguments ({given} given)", (function.full)()));
        }
        if self.only_positional() {
            let word = if required == max { "" } else { "at most " };
            if max == 1 && required == 1 {
                let full = (function.full)();
                return vm.type_error(format!("{full}() takes exactly one argument ({given} given)"));
            }
            return vm.type_error(format!("{short} expected {word}{max} argument{}, got {given}", s(max)));
        }
        if self.kwvar.is_none() && total > all {
            let kind = if given == 0 { "keyword " } else { "" };
            return vm.type_error(format!("{short}() takes at most {all} {kind}argument{} ({total} given)", s(all)));
        }
        if max == 0 {
            return vm.type_error(format!("{short}() takes no positional arguments"));
        }
        let word = if required == max { "exactly" } else { "at most" };
        vm.type_error(format!("{short}() takes {word} {max} positional argument{} ({given} given)", s(max)))
    }

    #[cold]
    fn missing(&self, vm: &mut Vm, function: &FunctionName<'_>, i: usize, given: usize) -> crate::object::Raised {
        let (short, implicit) = (function.short, self.implicit as usize);
        if i < implicit {
            return vm.type_error(format!("unbound method {}() needs an argument", (function.full)()));
        }
        let max = self.positional - implicit;
        let given = given.saturating_sub(implicit);
        if self.only_positional() {
            let required = (implicit..self.positional).filter(|&i| !self.optional[i]).count();
            if max == 1 && self.var.is_none() {
                return vm.type_error(format!("{}() takes exactly one argument ({given} given)", (function.full)()));
            }
            let s = if required == 1 { "" } else { "s" };
            let word = if required == max && self.var.is_none() { "" } else { "at least " };
            return vm.type_error(format!("{short} expected {word}{required} argument{s}, got {given}"));
        }
        if i < self.posonly {
            let required = (implicit..self.posonly).filter(|&i| !self.optional[i]).count();
            let s = if required == 1 { "" } else { "s" };
            let word = if required < max { "at least" } else { "exactly" };
            return vm.type_error(format!("{short}() takes {word} {required} positional argument{s} ({given} given)"));
        }
        vm.type_error(format!("{short}() missing required argument '{}' (pos {})", self.names[i], i + 1 - implicit))
    }
}

/// How messages about arguments name a function: some give the bare name, some the qualified one.
pub struct FunctionName<'a> {
    /// The bare name.
    pub short: &'a str,
    /// The qualified name (`"list.append"`), found when it is needed.
    pub full: &'a dyn Fn() -> String,
}

/// Splits at commas outside brackets and quotes.
fn split_commas(text: &'static str) -> Vec<&'static str> {
    let mut out = Vec::new();
    let (mut depth, mut quote, mut start) = (0, None, 0);
    for (i, c) in text.char_indices() {
        match (c, quote) {
            (c, Some(q)) if c == q => quote = None,
            (_, Some(_)) => {}
            ('\'' | '"', None) => quote = Some(c),
            ('(' | '[' | '{', None) => depth += 1,
            (')' | ']' | '}', None) => depth -= 1,
            (',', None) if depth == 0 => {
                out.push(&text[start..i]);
                start = i + 1;
            }
            _ => {}
        }
    }
    out.push(&text[start..]);
    out
}
