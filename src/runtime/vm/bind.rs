//! Binding of arguments to the parameters of Python functions.
//!
//! Most calls take the quick road: it decides first whether everything fits (keywords are found by identity, defaults fill
//! what is missing) and only then moves words, so nothing has to be undone. What it does not settle, errors among them,
//! goes the general road, which works on copies.

use super::Word;
use super::frame::{Frame, flags, keep, owned, release};
use super::handlers::call::{push_frame, push_running, too_deep};
use super::running::{Running, Unit};
use crate::object::{Py, PyResult, Raised, Value};
use crate::types::dict::Dict;
use crate::types::function::Function;
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use crate::vm::Vm;
use smallvec::SmallVec;
use taipan_bytecode::CodeFlags;

/// Binds the arguments at `args` (`n` words, the last ones being values of the keywords `names`) to the parameters of `func` and
/// pushes its frame. The words move into the frame; on failure (null) they stay with the caller.
///
/// # Safety
/// The words are live and lie on this thread's stack or a generator's; the caller's `ip` is saved.
pub unsafe fn bind(
    vm: &mut Vm,
    func: *const Function,
    args: *mut Word,
    n: usize,
    names: &[Value],
    ret_ip: *const Unit,
    ret_sp: *mut Word,
    frame_flags: u32,
) -> *mut Frame {
    // SAFETY: by the caller's promise; argument words are only copied until binding succeeds.
    unsafe {
        let running = &*(*func).running();
        let in_generator = (*vm.frame).flags & flags::GENERATOR != 0;
        let locals = if in_generator { vm.top().max((*vm.frame).top) } else { args };
        let locals = if in_generator && args >= (*vm.frame).top && args < vm.stack_limit { args } else { locals };
        if locals.add(running.frame_words() + running.total_args) > vm.stack_limit || vm.depth_left <= 0 {
            let _ = too_deep(vm);
            return std::ptr::null_mut();
        }
        if names.is_empty() && running.simple && n == running.argcount {
            if !std::ptr::eq(locals, args) {
                std::ptr::copy_nonoverlapping(args, locals, n);
            }
            return push_frame(vm, func, locals, n, ret_ip, ret_sp, frame_flags);
        }
        if bind_quickly(&*func, running, args, n, names, locals) {
            return push_frame(vm, func, locals, running.total_args, ret_ip, ret_sp, frame_flags);
        }
        let mut b = Binder { bound: smallvec::smallvec![0; running.total_args], made: SmallVec::new() };
        if b.fill(vm, &*func, args, n, names).is_err() {
            for w in b.made {
                release(w);
            }
            return std::ptr::null_mut();
        }
        std::ptr::copy_nonoverlapping(b.bound.as_ptr(), locals, b.bound.len());
        push_frame(vm, func, locals, b.bound.len(), ret_ip, ret_sp, frame_flags)
    }
}

/// Parameters and keywords that the quick road has room for.
const QUICK_PARAMETERS: usize = 32;
pub const QUICK_KEYWORDS: usize = 8;
/// In place of a parameter's number: the keyword goes into `**kwargs`.
const EXTRA: u8 = u8::MAX;

/// Where everything goes that a call gives, decided before anything is moved.
pub struct Plan {
    /// Parameter of each keyword.
    pub slots: [u8; QUICK_KEYWORDS],
    /// Parameters that take their default, as bits.
    pub missing: u64,
    /// Values of missing keyword-only parameters, in order.
    kwonly: SmallVec<[Value; 4]>,
}

/// Binds all parameters at `locals`; false when the general road has to be taken, with nothing changed.
///
/// # Safety
/// As [`bind`]; `locals` has room for all parameters.
unsafe fn bind_quickly(
    func: &Function,
    running: &Running,
    args: *mut Word,
    n: usize,
    names: &[Value],
    locals: *mut Word,
) -> bool {
    // SAFETY: by the caller's promise.
    unsafe {
        let argc = running.argcount;
        let npos = n - names.len();
        let Some(plan) = Plan::make(func, running, npos, names) else { return false };
        let mut given = [0; QUICK_KEYWORDS];
        for (k, word) in given.iter_mut().enumerate().take(names.len()) {
            *word = *args.add(npos + k);
        }
        let rest = running.flags.contains(CodeFlags::VARARGS).then(|| star_args(args, argc, npos));
        let dict = running.flags.contains(CodeFlags::VARKEYWORDS).then(|| {
            let d = Dict::new_object();
            for (k, name) in names.iter().enumerate().filter(|(k, _)| plan.slots[*k] == EXTRA) {
                d.store_str(name.downcast_unchecked::<Str>(), Value::from_word(keep(given[k])));
            }
            d
        });
        if !std::ptr::eq(locals, args) {
            std::ptr::copy_nonoverlapping(args, locals, npos.min(argc));
        }
        for (slot, word) in plan.slots.iter().zip(given).take(names.len()) {
            if *slot != EXTRA {
                *locals.add(usize::from(*slot)) = word;
            }
        }
        plan.defaults(func, argc, locals);
        let mut next = locals.add(argc + running.kwonly);
        if let Some(rest) = rest {
            *next = Value::from(rest).into_word();
            next = next.add(1);
        }
        if let Some(dict) = dict {
            *next = Value::from(dict).into_word();
        }
        true
    }
}

/// Where the keywords and defaults of a call go, as an instruction's two words of cache: the parameter of each keyword, the
/// missing parameters, the number of positional arguments. Not for functions with `*args` or `**kwargs`.
///
/// # Safety
/// As [`Plan::make`].
pub unsafe fn cached_plan(func: &Function, npos: usize, names: &[Value]) -> Option<(u64, u64)> {
    // SAFETY: a function's running copy lives as long as it.
    unsafe {
        let running = &*func.running();
        if running.flags.intersects(CodeFlags::VARARGS | CodeFlags::VARKEYWORDS) || npos > usize::from(u8::MAX) {
            return None;
        }
        let plan = Plan::make(func, running, npos, names)?;
        Some((u64::from_le_bytes(plan.slots), plan.missing | (npos as u64) << QUICK_PARAMETERS))
    }
}

/// Number of positional arguments that a cached plan is for.
#[inline(always)]
pub fn planned_positional(plan: (u64, u64)) -> usize {
    (plan.1 >> QUICK_PARAMETERS) as usize
}

/// Binds by a cached plan, in place, and pushes the frame. Null, with nothing changed, when there is no room, or no default
/// for a keyword any more.
///
/// # Safety
/// As [`bind`]; the plan is one of the function's present state, the caller's frame no generator's.
pub unsafe fn bind_planned(
    vm: *mut Vm,
    func: *const Function,
    args: *mut Word,
    keywords: usize,
    plan: (u64, u64),
    ret_ip: *const Unit,
    ret_sp: *mut Word,
) -> *mut Frame {
    // SAFETY: by the caller's promise.
    unsafe {
        let running = (*func).running.get();
        let (argc, npos) = ((*running).argcount, planned_positional(plan));
        let missing = plan.1 & ((1 << QUICK_PARAMETERS) - 1);
        if args.add((*running).frame_words()) > (*vm).stack_limit || (*vm).depth_left <= 0 {
            return std::ptr::null_mut();
        }
        let mut defaults = Plan { slots: [EXTRA; QUICK_KEYWORDS], missing, kwonly: SmallVec::new() };
        if missing >> argc != 0 && !defaults.find_defaults(&*func, &*running) {
            return std::ptr::null_mut();
        }
        let (mut given, slots) = ([0; QUICK_KEYWORDS], plan.0.to_le_bytes());
        for (k, word) in given.iter_mut().enumerate().take(keywords) {
            *word = *args.add(npos + k);
        }
        for (slot, word) in slots.iter().zip(given).take(keywords) {
            *args.add(usize::from(*slot)) = word;
        }
        defaults.defaults(&*func, argc, args);
        push_running(vm, func, running, args, (*running).total_args, ret_ip, ret_sp, 0)
    }
}

/// The tuple of `*args`: it takes over the words from `argc` to `npos`.
unsafe fn star_args(args: *mut Word, argc: usize, npos: usize) -> Py<Tuple> {
    // SAFETY: kept words have the form of values, which the tuple takes over.
    unsafe {
        if npos <= argc {
            return Tuple::empty();
        }
        for i in argc..npos {
            *args.add(i) = keep(*args.add(i));
        }
        Tuple::from_raw(args.add(argc).cast::<Value>(), npos - argc)
    }
}

impl Plan {
    /// `None` when the call is none for the quick road.
    ///
    /// # Safety
    /// The running copy is the function's.
    #[inline]
    pub unsafe fn make(func: &Function, running: &Running, npos: usize, names: &[Value]) -> Option<Plan> {
        let (argc, total) = (running.argcount, running.argcount + running.kwonly);
        let fits = npos <= argc || running.flags.contains(CodeFlags::VARARGS);
        if !fits || total > QUICK_PARAMETERS || names.len() > QUICK_KEYWORDS {
            return None;
        }
        let mut plan = Plan { slots: [EXTRA; QUICK_KEYWORDS], missing: 0, kwonly: SmallVec::new() };
        let mut filled = (1u64 << npos.min(argc)) - 1;
        if !names.is_empty() {
            // SAFETY: the code object is alive as long as its running copy.
            let parameters = unsafe { &(&(*running.code).local_names)[..total] };
            for (k, name) in names.iter().enumerate() {
                let found = parameters[running.posonly..].iter().position(|p| p.as_value().is(name));
                match found {
                    Some(i) if filled >> (i + running.posonly) & 1 == 0 => {
                        filled |= 1 << (i + running.posonly);
                        plan.slots[k] = (i + running.posonly) as u8;
                    }
                    // An interned name is no parameter's when it is not identical to one.
                    None if running.flags.contains(CodeFlags::VARKEYWORDS)
                        && name.downcast_exact::<Str>().is_some_and(|s| s.is_interned()) => {}
                    _ => return None,
                }
            }
        }
        plan.missing = !filled & ((1 << total) - 1);
        // SAFETY: as the caller.
        (plan.missing == 0 || unsafe { plan.find_defaults(func, running) }).then_some(plan)
    }

    /// Whether all that is missing has a default.
    unsafe fn find_defaults(&mut self, func: &Function, running: &Running) -> bool {
        let argc = running.argcount;
        // SAFETY: nothing here changes the function.
        let (defaults, kwdefaults) = unsafe { (&*func.defaults.as_ptr(), &*func.kwdefaults.as_ptr()) };
        let required = argc - defaults.as_ref().map_or(0, |d| d.len()).min(argc);
        if self.missing & ((1 << required) - 1) != 0 {
            return false;
        }
        let mut rest = self.missing >> argc << argc;
        while rest != 0 {
            let i = rest.trailing_zeros() as usize;
            rest &= rest - 1;
            // SAFETY: the code object is alive as long as its running copy.
            let name = unsafe { &(&(*running.code).local_names)[i] };
            match kwdefaults.as_ref().and_then(|d| d.lookup_str(name)) {
                Some(v) => self.kwonly.push(v),
                None => return false,
            }
        }
        true
    }

    /// Writes the defaults of what is missing.
    #[inline]
    unsafe fn defaults(self, func: &Function, argc: usize, locals: *mut Word) {
        let mut rest = self.missing;
        if rest == 0 {
            return;
        }
        // SAFETY: `find_defaults` found one for each; nothing here changes the function.
        unsafe {
            let defaults = (&*func.defaults.as_ptr()).as_ref().map_or(&[][..], |d| d.items());
            let mut kwonly = self.kwonly.into_iter();
            while rest != 0 {
                let i = rest.trailing_zeros() as usize;
                rest &= rest - 1;
                *locals.add(i) = if i < argc {
                    defaults[defaults.len() + i - argc].clone().into_word()
                } else {
                    kwonly.next().expect("one for each").into_word()
                };
            }
        }
    }
}

/// Parameters being bound: argument words are copies until binding succeeds, `made` are words made here.
struct Binder {
    bound: SmallVec<[Word; 16]>,
    made: SmallVec<[Word; 8]>,
}

impl Binder {
    fn set_made(&mut self, i: usize, v: Value) {
        let w = v.into_word();
        self.made.push(w);
        self.bound[i] = w;
    }

    unsafe fn fill(
        &mut self,
        vm: &mut Vm,
        func: &Function,
        args: *mut Word,
        n: usize,
        names: &[Value],
    ) -> PyResult<()> {
        // SAFETY: as `bind`.
        unsafe {
            let code = func.code.borrow().clone();
            let c = &code.canonical;
            let (argc, kwonly, posonly) = (c.argcount as usize, c.kwonlyargcount as usize, c.posonlyargcount as usize);
            let npos = n - names.len();
            for i in 0..npos.min(argc) {
                self.bound[i] = *args.add(i);
            }
            let mut next = argc + kwonly;
            let mut consumed_extra = Vec::new();
            if c.flags.contains(CodeFlags::VARARGS) {
                let rest: Vec<Value> = (argc..npos.max(argc)).map(|i| Value::from_word(owned(*args.add(i)))).collect();
                consumed_extra.extend(argc..npos.max(argc));
                self.set_made(next, Tuple::from_vec(rest).into());
                next += 1;
            }
            let kwdict = if c.flags.contains(CodeFlags::VARKEYWORDS) {
                let d = Dict::new_object();
                self.set_made(next, d.clone().into());
                Some(d)
            } else {
                None
            };
            for (k, name) in names.iter().enumerate() {
                let word = *args.add(npos + k);
                if self.keyword(vm, func, &code, name, word, posonly, argc + kwonly, kwdict.as_ref(), names)? {
                    consumed_extra.push(npos + k);
                }
            }
            if npos > argc && !c.flags.contains(CodeFlags::VARARGS) {
                return Err(too_many(vm, func, npos, &self.bound));
            }
            self.defaults(vm, func, npos, argc, kwonly)?;
            // Words that went into `*args` or `**kwargs` were copied with a reference of their own: give up the stack's.
            for i in consumed_extra {
                release(*args.add(i));
            }
            Ok(())
        }
    }

    /// Binds one keyword; true when it went into `**kwargs`.
    unsafe fn keyword(
        &mut self,
        vm: &mut Vm,
        func: &Function,
        code: &Py<crate::types::code::Code>,
        name: &Value,
        word: Word,
        posonly: usize,
        total: usize,
        kwdict: Option<&Py<Dict>>,
        all: &[Value],
    ) -> PyResult<bool> {
        // SAFETY: as `bind`.
        unsafe {
            let Some(text) = name.downcast::<Str>() else {
                return Err(vm.type_error(format!("{}() keywords must be strings", func.qualname())));
            };
            let names = &code.local_names[..total];
            let found = names
                .iter()
                .position(|p| p.as_value().is(name))
                .or_else(|| names.iter().position(|p| p.same(text)))
                .filter(|&i| i >= posonly);
            match found {
                Some(i) => {
                    if self.bound[i] != 0 {
                        return Err(vm.type_error(format!(
                            "{}() got multiple values for argument '{}'",
                            func.qualname(),
                            text.to_rust()
                        )));
                    }
                    self.bound[i] = word;
                    Ok(false)
                }
                None => match kwdict {
                    Some(d) => {
                        d.store_str(text, Value::from_word(owned(word)));
                        Ok(true)
                    }
                    None => Err(unexpected_keyword(vm, func, code, text, posonly, total, all)),
                },
            }
        }
    }

    fn defaults(&mut self, vm: &mut Vm, func: &Function, npos: usize, argc: usize, kwonly: usize) -> PyResult<()> {
        let defaults = func.defaults.borrow().clone();
        let ndef = defaults.as_ref().map_or(0, |d| d.len());
        let required = argc - ndef.min(argc);
        if (npos.min(required)..required).any(|i| self.bound[i] == 0) {
            return Err(missing(vm, func, &self.bound, 0..required, "positional"));
        }
        if let Some(d) = &defaults {
            for i in required..argc {
                if self.bound[i] == 0 {
                    self.set_made(i, d.items()[i - required + (ndef - (argc - required))].clone());
                }
            }
        }
        let kwdefaults = func.kwdefaults.borrow().clone();
        let mut absent = false;
        for i in argc..argc + kwonly {
            if self.bound[i] == 0 {
                let name = func.code.borrow().local_names[i].clone();
                let v = match &kwdefaults {
                    Some(d) => d.get_item(vm, name.as_value())?,
                    None => None,
                };
                match v {
                    Some(v) => self.set_made(i, v),
                    None => absent = true,
                }
            }
        }
        if absent {
            return Err(missing(vm, func, &self.bound, argc..argc + kwonly, "keyword-only"));
        }
        Ok(())
    }
}

#[cold]
fn missing(vm: &mut Vm, func: &Function, bound: &[Word], range: std::ops::Range<usize>, kind: &str) -> Raised {
    let code = func.code.borrow().clone();
    let names: Vec<String> =
        range.filter(|&i| bound[i] == 0).map(|i| format!("'{}'", code.local_names[i].to_rust())).collect();
    let list = match names.len() {
        1 => names[0].clone(),
        2 => format!("{} and {}", names[0], names[1]),
        n => format!("{}, and {}", names[..n - 1].join(", "), names[n - 1]),
    };
    let s = if names.len() == 1 { "" } else { "s" };
    vm.type_error(format!("{}() missing {} required {kind} argument{s}: {list}", func.qualname(), names.len()))
}

#[cold]
fn too_many(vm: &mut Vm, func: &Function, given: usize, bound: &[Word]) -> Raised {
    let code = func.code.borrow().clone();
    let c = &code.canonical;
    let (argc, kwonly) = (c.argcount as usize, c.kwonlyargcount as usize);
    let ndef = func.defaults.borrow().as_ref().map_or(0, |d| d.len());
    let kw_given = (argc..argc + kwonly).filter(|&i| bound[i] != 0).count();
    let (takes, plural) =
        if ndef > 0 { (format!("from {} to {argc}", argc - ndef), true) } else { (argc.to_string(), argc != 1) };
    let keyword_note = if kw_given > 0 {
        format!(
            " positional argument{} (and {kw_given} keyword-only argument{})",
            if given == 1 { "" } else { "s" },
            if kw_given == 1 { "" } else { "s" }
        )
    } else {
        String::new()
    };
    let was = if given == 1 && kw_given == 0 { "was" } else { "were" };
    vm.type_error(format!(
        "{}() takes {takes} positional argument{} but {given}{keyword_note} {was} given",
        func.qualname(),
        if plural { "s" } else { "" }
    ))
}

#[cold]
fn unexpected_keyword(
    vm: &mut Vm,
    func: &Function,
    code: &Py<crate::types::code::Code>,
    name: &Py<Str>,
    posonly: usize,
    total: usize,
    all: &[Value],
) -> Raised {
    let by_name: Vec<String> = code.local_names[..posonly]
        .iter()
        .filter(|p| all.iter().any(|k| k.downcast::<Str>().is_some_and(|k| k.same(p))))
        .map(|p| p.to_rust().into_owned())
        .collect();
    if !by_name.is_empty() {
        return vm.type_error(format!(
            "{}() got some positional-only arguments passed as keyword arguments: '{}'",
            func.qualname(),
            by_name.join(", ")
        ));
    }
    let text = name.to_rust().into_owned();
    let candidates: Vec<String> = code.local_names[posonly..total].iter().map(|n| n.to_rust().into_owned()).collect();
    let hint = crate::types::exceptions::print::suggest::closest(&text, candidates.iter().map(String::as_str))
        .map_or(String::new(), |c| format!(". Did you mean '{c}'?"));
    vm.type_error(format!("{}() got an unexpected keyword argument '{text}'{hint}", func.qualname()))
}
