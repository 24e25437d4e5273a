//! Generators, coroutines and asynchronous generators: the object that holds a suspended frame.
//!
//! One payload serves `generator` and `coroutine`; `async_generator` wraps it (in `asyncgen`). The frame (locals, header,
//! evaluation stack) lies in a buffer of the object and runs there.

use crate::object::heap::{self, Space};
use crate::object::typedef::{Payload, SendResult, Visit};
use crate::object::value::Frozen;
use crate::object::{GetSetDef, MethodDef, NativeFn, Py, PyResult, Raised, Slots, TypeDef, TypeFlags, Value, none};
use crate::types::code::Code;
use crate::types::exceptions as exc;
use crate::types::function::Function;
use crate::types::str::Str;
use crate::vm::args::Args;
use crate::vm::frame::{Frame, flags, keep, release};
use crate::vm::handlers::call::exit_unit;
use crate::vm::running::Unit;
use crate::vm::{ExcItem, Vm, Word};
use std::cell::{Cell, RefCell};
use taipan_bytecode::CodeFlags;

mod throw;
pub use throw::throw;

/// Where a generator is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    /// Made, not started.
    Created,
    /// At a `yield`.
    Suspended,
    /// Running now.
    Running,
    /// Returned, raised or closed.
    Finished,
}

/// Payload of `generator`, `coroutine` and the core of `async_generator`.
pub struct Generator {
    buffer: Cell<*mut Word>,
    buffer_words: Cell<usize>,
    frame: Cell<*mut Frame>,
    sp: Cell<*mut Word>,
    /// See [`State`].
    pub state: Cell<State>,
    exc: RefCell<Box<ExcItem>>,
    /// `__name__`
    pub name: RefCell<Value>,
    /// `__qualname__`
    pub qualname: RefCell<Value>,
    /// The code.
    pub code: Py<Code>,
    /// `cr_origin`
    pub origin: RefCell<Option<Value>>,
    /// Asynchronous generators: hooks were called; `ag_running`; closed.
    pub async_state: Cell<u8>,
    /// Asynchronous generators: the finaliser hook of `sys.set_asyncgen_hooks`.
    pub finalizer: RefCell<Option<Value>>,
}

// SAFETY: made by `TypeDef::new::<Generator>` for each of the three types (same payload); every owned word of a
// suspended frame is visited.
unsafe impl Payload for Generator {
    const DEF: &'static TypeDef = &GENERATOR;
    fn traverse(&self, visit: &mut Visit<'_>) {
        visit(&self.name.borrow());
        visit(&self.qualname.borrow());
        visit(self.code.as_value());
        self.origin.borrow().iter().for_each(&mut *visit);
        self.finalizer.borrow().iter().for_each(&mut *visit);
        if let Some(v) = &self.exc.borrow().value {
            visit(v);
        }
        if matches!(self.state.get(), State::Created | State::Suspended) {
            self.visit_frame(visit);
        }
    }
    fn clear(&mut self) {
        self.drop_frame();
    }
    fn ends_quietly(&self) -> bool {
        self.state.get() == State::Finished
    }
}
impl Frozen for Generator {}

impl Drop for Generator {
    fn drop(&mut self) {
        self.drop_frame();
    }
}

impl Generator {
    fn visit_frame(&self, visit: &mut Visit<'_>) {
        // SAFETY: the frame is suspended: its words are live or 0 up to the saved stack pointer.
        unsafe {
            let f = self.frame.get();
            let mut see = |w: Word| {
                if w & 3 == 0 && w != 0 {
                    visit(Value::ref_from_word(&w));
                }
            };
            let mut p = (*f).fp;
            while p < f.cast() {
                see(*p);
                p = p.add(1);
            }
            let mut p = Frame::stack(f);
            while p < self.sp.get() {
                see(*p);
                p = p.add(1);
            }
            see((*f).object);
            see(function_word((*f).func));
        }
    }

    /// Releases everything a frame that will not run any more holds.
    fn drop_frame(&self) {
        let f = self.frame.replace(std::ptr::null_mut());
        if f.is_null() {
            return;
        }
        self.state.set(State::Finished);
        // SAFETY: the frame is not running; words are taken out before they are released.
        unsafe {
            if (*f).flags & flags::HAS_OBJECT != 0 {
                crate::types::frame::detach(f);
            }
            // The evaluation stack, then the locals, each from its end (`_PyFrame_ClearLocals`).
            let mut p = self.sp.get();
            while p > Frame::stack(f) {
                p = p.sub(1);
                release(std::mem::replace(&mut *p, 0));
            }
            let mut p = f.cast::<crate::vm::Word>();
            while p > (*f).fp {
                p = p.sub(1);
                release(std::mem::replace(&mut *p, 0));
            }
            release(function_word((*f).func));
            heap::free(Space::Raw, self.buffer.get().cast(), self.buffer_words.get() * 8);
        }
        self.exc.borrow_mut().value = None;
    }

    /// Drops the frame of a generator that will not run again.
    pub fn discard(&self) {
        self.drop_frame();
    }

    /// The generator whose frame this is.
    ///
    /// # Safety
    /// `f` is the frame of a live generator.
    pub unsafe fn of_frame<'a>(f: *mut Frame) -> &'a Generator {
        // SAFETY: the first word of the buffer points to the payload.
        unsafe { &*(*(*f).fp.sub(1) as *const Generator) }
    }

    /// The generator object that owns this frame.
    ///
    /// # Safety
    /// As [`Generator::of_frame`].
    pub unsafe fn value_of_frame(f: *mut Frame) -> Value {
        // SAFETY: the payload lies in a live object.
        unsafe {
            let payload = *(*f).fp.sub(1) as usize;
            let header = payload - std::mem::offset_of!(crate::object::value::Obj<Generator>, payload);
            Value::from_header(header as *const crate::object::header::Header)
        }
    }

    /// Whether it can be resumed by `next` without further ado.
    #[inline(always)]
    pub fn is_suspended(&self) -> bool {
        matches!(self.state.get(), State::Suspended | State::Created)
    }

    /// Whether a value can be sent now: `None` to one that was not started, anything to one at a `yield`.
    #[inline(always)]
    pub fn can_send(&self, w: Word) -> bool {
        match self.state.get() {
            State::Suspended => true,
            State::Created => w & !2 == &raw const crate::types::singletons::NONE as Word,
            _ => false,
        }
    }

    /// Stack pointer to go on with.
    #[inline(always)]
    pub fn stack_pointer(&self) -> *mut Word {
        self.sp.get()
    }

    /// Frame of a generator that is not finished.
    pub fn frame(&self) -> Option<*mut Frame> {
        let f = self.frame.get();
        (!f.is_null()).then_some(f)
    }

    /// Links the frame as the innermost one, with `value` (owned) as the result of its `yield`.
    ///
    /// # Safety
    /// The generator is suspended; the caller's registers are saved.
    #[inline]
    pub unsafe fn resume(&self, vm: &mut Vm, value: Word, ret_ip: *const Unit, ret_sp: *mut Word) -> *mut Frame {
        // SAFETY: by the caller's promise.
        unsafe {
            let f = self.frame.get();
            let sp = self.sp.get();
            *sp = value;
            self.sp.set(sp.add(1));
            (*f).top = vm.top();
            (*f).prev = vm.frame;
            (*f).node = 0; // another caller, another context
            (*f).ret_ip = ret_ip;
            (*f).ret_sp = ret_sp;
            vm.frame = f;
            vm.depth_left -= 1;
            let item: *mut ExcItem = &mut **self.exc.as_ptr();
            (*item).previous = vm.exc_info;
            vm.exc_info = item;
            self.state.set(State::Running);
            f
        }
    }

    /// Takes the frame off at a `yield`.
    #[inline]
    pub fn suspend(&self, vm: &mut Vm, sp: *mut Word) {
        self.sp.set(sp);
        self.state.set(State::Suspended);
        self.unlink(vm);
    }

    fn unlink(&self, vm: &mut Vm) {
        // SAFETY: the frame is the innermost one and this generator's item the innermost item.
        unsafe {
            let f = self.frame.get();
            vm.frame = (*f).prev;
            vm.depth_left += 1;
            (*f).prev = std::ptr::null_mut();
            let item: *mut ExcItem = &mut **self.exc.as_ptr();
            vm.exc_info = (*item).previous;
            (*item).previous = std::ptr::null_mut();
        }
    }

    /// Takes the frame off for good: it returned or raised. Its evaluation stack is empty.
    pub fn finish(&self, vm: &mut Vm) {
        let f = self.frame.get();
        // `drop_frame` looks at the saved stack pointer.
        self.sp.set(Frame::stack(f));
        self.unlink(vm);
        self.drop_frame();
    }
}

fn function_word(f: *const Function) -> Word {
    f as usize - std::mem::offset_of!(crate::object::value::Obj<Function>, payload)
}

/// Moves the innermost frame (at its `RETURN_GENERATOR`, evaluation stack empty) into a new generator object; the caller's
/// frame becomes the innermost. Gives the object's word.
///
/// # Safety
/// `frame` is the innermost frame with its `ip` saved.
pub unsafe fn from_frame(vm: &mut Vm, frame: *mut Frame) -> Word {
    // SAFETY: by the caller's promise; words move, so counts stay as they are, except borrowed ones, which become owned.
    unsafe {
        let running = &*(*frame).running;
        let code: &Code = &*running.code;
        let words = 1 + running.frame_words();
        let buffer = heap::alloc(Space::Raw, words * 8).cast::<Word>();
        let fp = buffer.add(1);
        for i in 0..running.nlocals {
            *fp.add(i) = keep(*(*frame).fp.add(i));
        }
        let f = fp.add(running.nlocals).cast::<Frame>();
        std::ptr::copy_nonoverlapping(frame, f, 1);
        (*f).fp = fp;
        (*f).flags = ((*frame).flags & flags::HAS_OBJECT) | flags::GENERATOR;
        let func_word = function_word((*frame).func);
        (*(func_word as *const crate::object::header::Header)).incref();
        if (*frame).flags & flags::OWNS_FUNC != 0 {
            release(func_word);
        }
        if (*f).flags & flags::HAS_OBJECT != 0 {
            crate::types::frame::moved(f);
        }
        vm.frame = (*frame).prev;
        vm.depth_left += 1;
        let func = &*(*f).func;
        let rest = func.rest.borrow();
        let code = (*code_handle(code)).clone();
        let payload = Generator {
            buffer: Cell::new(buffer),
            buffer_words: Cell::new(words),
            frame: Cell::new(f),
            sp: Cell::new(Frame::stack(f)),
            state: Cell::new(State::Created),
            exc: RefCell::new(Box::new(ExcItem { value: None, previous: std::ptr::null_mut() })),
            name: RefCell::new(rest.name.clone()),
            qualname: RefCell::new(rest.qualname.clone()),
            code,
            origin: RefCell::new(None),
            async_state: Cell::new(0),
            finalizer: RefCell::new(None),
        };
        let flags_ = running.flags;
        let class = if flags_.contains(CodeFlags::COROUTINE) {
            &COROUTINE
        } else if flags_.contains(CodeFlags::ASYNC_GENERATOR) {
            &crate::types::asyncgen::ASYNC_GENERATOR
        } else {
            &GENERATOR
        };
        let g = crate::object::instance::new(payload);
        if let Some(h) = g.as_value().header() {
            h.typ.set(class.object());
        }
        *buffer = g.payload_ptr() as Word;
        if vm.coroutine_origin_depth > 0 && std::ptr::eq(class, &COROUTINE) {
            let origin = origin_of(vm);
            *g.origin.borrow_mut() = Some(origin);
        }
        g.into_value().into_word()
    }
}

/// The handle of a code object from its payload.
unsafe fn code_handle(code: &Code) -> *const Py<Code> {
    thread_local!(static HANDLE: Cell<usize> = const { Cell::new(0) });
    let word = code as *const Code as usize - std::mem::offset_of!(crate::object::value::Obj<Code>, payload);
    HANDLE.with(|h| {
        h.set(word);
        h.as_ptr().cast_const().cast()
    })
}

/// `cr_origin`: the calls that led to a coroutine's creation.
fn origin_of(vm: &mut Vm) -> Value {
    let mut out = Vec::new();
    let mut f = vm.frame;
    // SAFETY: frames of a thread are live while linked.
    unsafe {
        while !crate::vm::frame::at_base(f) && out.len() < vm.coroutine_origin_depth as usize {
            let code = &*(*(*f).running).code;
            let line = Frame::line(f).unwrap_or(0);
            out.push(
                crate::types::tuple::Tuple::from_vec(vec![
                    code.filename.clone().into(),
                    Value::from_usize(line as usize),
                    code.name.clone().into(),
                ])
                .into(),
            );
            f = (*f).prev;
        }
    }
    crate::types::tuple::Tuple::from_vec(out).into()
}

/// Resumes from native code with a value, or with the pending exception when `value` is `None`.
pub fn resume_native(vm: &mut Vm, g: &Py<Generator>, value: Option<&Value>) -> PyResult<SendResult> {
    vm.check_recursion("")?;
    if vm.depth_left <= 0 {
        return Err(vm.recursion_limit_reached());
    }
    let keep_alive = g.clone();
    // SAFETY: the generator is suspended (checked by the callers) and kept alive; the registers of the caller are saved,
    // since native code runs.
    let w = unsafe {
        let saved_sp = vm.sp;
        let thrown = value.is_none();
        let word = value.map_or_else(|| none().into_word(), |v| v.clone().into_word());
        let frame = g.resume(vm, word, exit_unit(), std::ptr::null_mut());
        if thrown && vm.hooks.active {
            crate::probe::throwing(vm);
        }
        let w = if thrown {
            let sp = g.stack_pointer();
            crate::vm::handlers::enter_raising(vm, resume_point(frame), sp, (*frame).fp)
        } else {
            crate::vm::handlers::enter(vm, (*frame).ip, g.stack_pointer(), (*frame).fp)
        };
        vm.sp = saved_sp;
        w
    };
    let r = if w == 0 {
        Err(Raised(()))
    } else {
        // SAFETY: the loop gave an owned word.
        let v = unsafe { Value::from_word(w) };
        Ok(if g.state.get() == State::Suspended { SendResult::Yield(v) } else { SendResult::Return(v) })
    };
    drop(keep_alive);
    r
}

/// The instruction an exception thrown into a suspended frame is raised at: the `yield` it stands behind (or the first
/// instruction, when it was not started).
unsafe fn resume_point(frame: *mut Frame) -> *const Unit {
    // SAFETY: the frame is live; `ip` is the unit after a one-unit `YIELD_VALUE` or `RETURN_GENERATOR`.
    unsafe { (*frame).ip.sub(1) }
}

fn refuse(vm: &mut Vm, g: &Py<Generator>) -> Raised {
    let what = kind_name(g.as_value());
    vm.value_error(format!("{what} already executing"))
}

/// "generator", "coroutine" or "async generator".
pub fn kind_name(v: &Value) -> &'static str {
    if std::ptr::eq(v.class(), COROUTINE.object()) {
        "coroutine"
    } else if std::ptr::eq(v.class(), GENERATOR.object()) {
        "generator"
    } else {
        "async generator"
    }
}

/// `gen.send(value)` without `StopIteration`.
pub fn send(vm: &mut Vm, g: &Py<Generator>, value: &Value) -> PyResult<SendResult> {
    match g.state.get() {
        State::Running => Err(refuse(vm, g)),
        State::Finished => {
            if std::ptr::eq(g.as_value().class(), COROUTINE.object()) {
                return Err(vm.runtime_error("cannot reuse already awaited coroutine"));
            }
            Ok(SendResult::Return(none()))
        }
        State::Created if !value.is_none() => {
            let what = kind_name(g.as_value());
            Err(vm.type_error(format!("can't send non-None value to a just-started {what}")))
        }
        _ => resume_native(vm, g, Some(value)),
    }
}

/// Resumes with the pending exception raised at the `yield`.
pub fn throw_pending(vm: &mut Vm, g: &Py<Generator>) -> PyResult<SendResult> {
    match g.state.get() {
        State::Running => {
            vm.clear_error();
            Err(refuse(vm, g))
        }
        State::Finished => {
            if std::ptr::eq(g.as_value().class(), COROUTINE.object()) {
                vm.clear_error();
                return Err(vm.runtime_error("cannot reuse already awaited coroutine"));
            }
            Err(Raised(()))
        }
        State::Created => {
            // Never started: the exception leaves at once, and the traceback names the definition.
            resume_native(vm, g, None)
        }
        State::Suspended => {
            let handled = g.exc.borrow().value.clone();
            if let (Some(e), Some(handled)) = (vm.pending().cloned(), handled) {
                exc::set_context_to(vm, &e, handled);
            }
            resume_native(vm, g, None)
        }
    }
}

/// The sub-iterator of a `yield from` or `await` the generator stands in.
pub fn yield_from(g: &Py<Generator>) -> Option<Value> {
    if g.state.get() != State::Suspended {
        return None;
    }
    // SAFETY: a suspended frame: the unit after its YIELD_VALUE is a RESUME whose argument tells where it stands; the
    // sub-iterator is on top of the stack.
    unsafe {
        let f = g.frame.get();
        let at = (*f).ip;
        let resume = taipan_bytecode::Op::RESUME as u16;
        let op = crate::probe::opcode_at(&*(*f).running, at);
        if op != resume || !matches!((*at).arg & 3, 2 | 3) {
            return None;
        }
        let sp = g.sp.get();
        if sp <= Frame::stack(f) {
            return None;
        }
        Some(crate::vm::frame::value_of(*sp.sub(1)))
    }
}

/// A generator or coroutine (not an asynchronous generator).
pub fn as_generator(v: &Value) -> Option<&Py<Generator>> {
    let h = v.header()?;
    let t = h.typ.get();
    if std::ptr::eq(t, GENERATOR.object()) || std::ptr::eq(t, COROUTINE.object()) {
        // SAFETY: both types have this payload.
        Some(unsafe { v.downcast_unchecked::<Generator>() })
    } else {
        None
    }
}

/// Any object with this payload, asynchronous generators included.
pub fn any_generator(v: &Value) -> Option<&Py<Generator>> {
    let h = v.header()?;
    if std::ptr::eq(h.typ.get(), crate::types::asyncgen::ASYNC_GENERATOR.object()) {
        // SAFETY: the type has this payload.
        return Some(unsafe { v.downcast_unchecked::<Generator>() });
    }
    as_generator(v)
}

/// Closes a generator or calls another object's `close`.
fn close_any(vm: &mut Vm, v: &Value) -> PyResult<()> {
    if let Some(g) = as_generator(v) {
        return close(vm, g).map(|_| ());
    }
    if let Some(f) = vm.get_attr_opt(v, crate::name!("close"))? {
        vm.call0(&f)?;
    }
    Ok(())
}

/// Whether a suspended generator stands outside of all `try` and `with` statements: nothing would see its end.
fn nothing_to_clean(g: &Generator) -> bool {
    // SAFETY: a suspended frame stands at the `RESUME` after its `YIELD_VALUE`, whose argument tells.
    unsafe {
        let Some(f) = g.frame() else { return false };
        crate::probe::opcode_at(&*(*f).running, (*f).ip) == taipan_bytecode::Op::RESUME as u16
            && (*(*f).ip).arg & RESUME_DEPTH1 != 0
            && !crate::probe::unwinding_is_heard()
    }
}

/// Bit of the argument of `RESUME`: only the handler that the compiler itself makes is around it (`RESUME_OPARG_DEPTH1_MASK`).
const RESUME_DEPTH1: u16 = 4;

/// `gen.close()`: gives the value returned in response, else `None`.
pub fn close(vm: &mut Vm, g: &Py<Generator>) -> PyResult {
    match g.state.get() {
        State::Running => return Err(refuse(vm, g)),
        State::Finished => return Ok(none()),
        State::Created => {
            g.drop_frame();
            return Ok(none());
        }
        State::Suspended => {}
    }
    if nothing_to_clean(g) {
        g.drop_frame();
        return Ok(none());
    }
    let mut failed = false;
    if let Some(sub) = yield_from(g) {
        g.state.set(State::Running);
        failed = close_any(vm, &sub).is_err();
        g.state.set(State::Suspended);
    }
    if !failed {
        let e = exc::instantiate(vm, &exc::GENERATOR_EXIT, &[])?;
        vm.set_pending(e);
    }
    match throw_pending(vm, g) {
        Ok(SendResult::Yield(_)) => {
            let what = kind_name(g.as_value());
            Err(vm.runtime_error(format!("{what} ignored GeneratorExit")))
        }
        Ok(SendResult::Return(v)) => Ok(v),
        Err(_) if vm.error_is(&exc::STOP_ITERATION) => {
            let e = vm.take_error();
            Ok(exc::stop_value(vm, &e))
        }
        Err(_) if vm.error_is(&exc::GENERATOR_EXIT) => {
            vm.clear_error();
            Ok(none())
        }
        Err(r) => Err(r),
    }
}

/// The pending `StopIteration` ends a `yield from` or `await`: whoever listens to exceptions hears of it.
fn tell_stop(vm: &mut Vm) {
    if vm.hooks.active {
        crate::probe::loop_stopped(vm);
    }
}

/// Sends to any iterator, as `SEND` does.
pub fn send_any(vm: &mut Vm, it: &Value, value: &Value) -> PyResult<SendResult> {
    if let Some(g) = as_generator(it) {
        return send(vm, g, value);
    }
    if let Some(f) = it.class().payload.slots().send {
        let r = f(vm, it, value)?;
        if vm.hooks.active {
            if let SendResult::Return(v) = &r {
                // CPython's iterators of asynchronous generators end by a `StopIteration`, which tracers hear of.
                let e = exc::stop_with_value(vm, v.clone())?;
                vm.aside(|vm| {
                    vm.set_pending(e);
                    tell_stop(vm);
                    vm.clear_error();
                });
            }
        }
        return Ok(r);
    }
    if value.is_none() && it.class().payload.slots().next.is_some() {
        return match vm.next_or_stop(it) {
            Ok(Some(v)) => Ok(SendResult::Yield(v)),
            Ok(None) => Ok(SendResult::Return(none())),
            Err(_) if vm.error_is(&exc::STOP_ITERATION) => {
                tell_stop(vm);
                let e = vm.take_error();
                Ok(SendResult::Return(exc::stop_value(vm, &e)))
            }
            Err(r) => Err(r),
        };
    }
    match vm.call_method(it, "send", std::slice::from_ref(value)) {
        Ok(v) => Ok(SendResult::Yield(v)),
        Err(_) if vm.error_is(&exc::STOP_ITERATION) => {
            tell_stop(vm);
            let e = vm.take_error();
            Ok(SendResult::Return(exc::stop_value(vm, &e)))
        }
        Err(r) => Err(r),
    }
}

/// Turns a result of sending into what `send()` and `next()` give Python code.
pub fn to_python(vm: &mut Vm, r: SendResult) -> PyResult {
    match r {
        SendResult::Yield(v) => Ok(v),
        SendResult::Return(v) => Err(exc::raise_stop(vm, &exc::STOP_ITERATION, v)),
    }
}

/// `INTRINSIC_STOPITERATION_ERROR`: a `StopIteration` leaving a generator becomes a `RuntimeError` (PEP 479).
pub fn stop_iteration_error(vm: &mut Vm, e: &Value) -> PyResult {
    // SAFETY: the innermost frame is the generator's.
    let flags = unsafe { (*(*vm.frame).running).flags };
    let message = if vm.is_kind(e, &exc::STOP_ITERATION) {
        if flags.contains(CodeFlags::COROUTINE) {
            "coroutine raised StopIteration"
        } else if flags.contains(CodeFlags::ASYNC_GENERATOR) {
            "async generator raised StopIteration"
        } else {
            "generator raised StopIteration"
        }
    } else if vm.is_kind(e, &exc::STOP_ASYNC_ITERATION) && flags.contains(CodeFlags::ASYNC_GENERATOR) {
        "async generator raised StopAsyncIteration"
    } else {
        return Ok(e.clone());
    };
    let m = vm.new_str(message);
    let new = exc::instantiate(vm, &exc::RUNTIME_ERROR, &[m])?;
    exc::set_cause_and_context(&new, e);
    Ok(new)
}

/// `INTRINSIC_ASYNC_GEN_WRAP`
pub fn wrap_async_value(_: &mut Vm, v: &Value) -> PyResult {
    Ok(crate::types::asyncgen::wrapped_value(v.clone()))
}

/// `GET_AWAITABLE`: the iterator of an awaitable. `place`: 1 after `__aenter__`, 2 after `__aexit__`.
pub fn awaitable_iter(vm: &mut Vm, v: &Value, place: u16) -> PyResult {
    let r = match iter_of_awaitable(vm, v) {
        Err(_) if place != 0 && v.class().payload.slots().am_await.is_none() && vm.error_is(&exc::TYPE_ERROR) => {
            vm.clear_error();
            let name = v.class().payload.name();
            let what = if place == 1 { "__aenter__" } else { "__aexit__" };
            Err(vm.type_error(format!(
                "'async with' received an object from {what} that does not implement __await__: {name}"
            )))
        }
        r => r,
    }?;
    if let Some(g) = as_generator(&r) {
        if std::ptr::eq(r.class(), COROUTINE.object()) && yield_from(g).is_some() {
            return Err(vm.runtime_error("coroutine is being awaited already"));
        }
    }
    Ok(r)
}

/// The iterator that `await v` runs (`_PyCoro_GetAwaitableIter`).
pub fn iter_of_awaitable(vm: &mut Vm, v: &Value) -> PyResult {
    if std::ptr::eq(v.class(), COROUTINE.object()) {
        return Ok(v.clone());
    }
    if let Some(g) = v.downcast_exact::<Generator>() {
        if g.code.canonical.flags.contains(CodeFlags::ITERABLE_COROUTINE) {
            return Ok(v.clone());
        }
    }
    if let Some(f) = v.class().payload.slots().am_await {
        let r = f(vm, v)?;
        let generator_based = r
            .downcast_exact::<Generator>()
            .is_some_and(|g| g.code.canonical.flags.contains(CodeFlags::ITERABLE_COROUTINE));
        if std::ptr::eq(r.class(), COROUTINE.object()) || generator_based {
            return Err(vm.type_error("__await__() returned a coroutine"));
        }
        if r.class().payload.slots().next.is_none() {
            let name = r.class().payload.name();
            return Err(vm.type_error(format!("__await__() returned non-iterator of type '{name}'")));
        }
        return Ok(r);
    }
    let name = v.class().payload.name();
    Err(vm.type_error(format!("'{name}' object can't be awaited")))
}

/// `GET_AITER`
pub fn get_aiter(vm: &mut Vm, v: &Value) -> PyResult {
    let Some(f) = v.class().payload.slots().aiter else {
        let name = v.class().payload.name();
        return Err(vm.type_error(format!("'async for' requires an object with __aiter__ method, got {name}")));
    };
    let it = f(vm, v)?;
    if it.class().payload.slots().anext.is_none() {
        let name = it.class().payload.name();
        return Err(vm.type_error(format!(
            "'async for' received an object from __aiter__ that does not implement __anext__: {name}"
        )));
    }
    Ok(it)
}

/// `GET_ANEXT`
pub fn get_anext(vm: &mut Vm, v: &Value) -> PyResult {
    let Some(f) = v.class().payload.slots().anext else {
        let name = v.class().payload.name();
        return Err(vm.type_error(format!("'async for' requires an iterator with __anext__ method, got {name}")));
    };
    let a = f(vm, v)?;
    if std::ptr::eq(a.class(), COROUTINE.object()) {
        return Ok(a);
    }
    match iter_of_awaitable(vm, &a) {
        Ok(it) => Ok(it),
        Err(_) => {
            let cause = vm.take_error();
            let name = a.class().payload.name();
            let m = vm.new_str(&format!("'async for' received an invalid object from __anext__: {name}"));
            let e = exc::instantiate(vm, &exc::TYPE_ERROR, &[m])?;
            exc::set_cause_and_context(&e, &cause);
            vm.set_pending(e);
            Err(Raised(()))
        }
    }
}

fn gen_of(v: &Value) -> &Py<Generator> {
    any_generator(v).expect("method of a generator")
}

fn iter_self(_: &mut Vm, v: &Value) -> PyResult {
    Ok(v.clone())
}

fn next(vm: &mut Vm, v: &Value) -> PyResult<Option<Value>> {
    match send(vm, gen_of(v), &none())? {
        SendResult::Yield(v) => Ok(Some(v)),
        SendResult::Return(v) if v.is_none() => Ok(None),
        SendResult::Return(v) => Err(exc::raise_stop(vm, &exc::STOP_ITERATION, v)),
    }
}

fn send_slot(vm: &mut Vm, v: &Value, x: &Value) -> PyResult<SendResult> {
    send(vm, gen_of(v), x)
}

fn py_send(vm: &mut Vm, v: &Value, x: &Value) -> PyResult {
    let r = send(vm, gen_of(v), x)?;
    to_python(vm, r)
}

/// The exception of `throw(type, value, traceback)` or `throw(exception)`.
pub fn thrown(vm: &mut Vm, args: &Args<'_>, function: &str) -> PyResult {
    args.between(vm, function, 1, 3)?;
    exc::warn_of_three_arguments(vm, "throw", args.pos().len())?;
    exc::from_throw(vm, &args.pos()[0], args.get(1), args.get(2))
}

fn py_throw(vm: &mut Vm, args: &Args<'_>) -> PyResult {
    let g = gen_of(&args.pos()[0]).clone();
    let e = thrown(vm, &args.rest(), "throw")?;
    let r = throw(vm, &g, e, true)?;
    to_python(vm, r)
}

fn py_close(vm: &mut Vm, v: &Value) -> PyResult {
    close(vm, gen_of(v))
}

fn repr(vm: &mut Vm, v: &Value) -> PyResult {
    let q = vm.str(&gen_of(v).qualname.borrow().clone())?;
    Ok(vm.new_str(&format!("<{} object {} at {:#x}>", v.class().payload.name(), q.to_rust(), v.id())))
}

/// The end of one that did not finish: its `finally` clauses run; one that never began warns.
pub fn finalize(vm: &mut Vm, v: &Value) {
    let g = gen_of(v).clone();
    if g.state.get() == State::Finished {
        return;
    }
    if std::ptr::eq(v.class(), COROUTINE.object()) && g.state.get() == State::Created {
        exc::warn_unawaited(vm, v);
    }
    if close(vm, &g).is_err() {
        exc::report_closing(vm, v);
    }
}

fn set_name(vm: &mut Vm, v: &Value, x: Option<&Value>, what: &str, cell: &RefCell<Value>) -> PyResult<()> {
    let _ = v;
    match x {
        Some(x) if x.downcast::<Str>().is_some() => {
            let old = cell.replace(x.clone());
            drop(old);
            Ok(())
        }
        _ => Err(vm.type_error(format!("{what} must be set to a string object"))),
    }
}

/// `gi_frame` and friends: the frame object, `None` when finished.
pub fn frame_attribute(_: &mut Vm, v: &Value) -> PyResult {
    let g = gen_of(v);
    // SAFETY: a generator's frame is live until it finishes.
    Ok(g.frame().map_or_else(none, |f| unsafe { crate::types::frame::object_of(f).into() }))
}

fn running(_: &mut Vm, v: &Value) -> PyResult {
    Ok(crate::object::boolean(gen_of(v).state.get() == State::Running))
}

fn suspended(_: &mut Vm, v: &Value) -> PyResult {
    Ok(crate::object::boolean(gen_of(v).state.get() == State::Suspended))
}

fn yield_from_attribute(_: &mut Vm, v: &Value) -> PyResult {
    Ok(yield_from(gen_of(v)).unwrap_or_else(none))
}

fn code_attribute(_: &mut Vm, v: &Value) -> PyResult {
    Ok(gen_of(v).code.clone().into())
}

fn sizeof(_: &mut Vm, v: &Value) -> PyResult {
    let c = &gen_of(v).code.canonical;
    Ok(Value::from_usize(128 + 8 * (c.localsplusnames.len() + c.stacksize as usize)))
}

macro_rules! shared_getset {
    ($what:literal, $frame:literal, $running:literal, $suspended:literal, $code:literal, $yf:literal, $($more:expr),*) => {
        &[
            GetSetDef::get_set("__name__", concat!("name of the ", $what), |_, v| Ok(gen_of(v).name.borrow().clone()),
                |vm, v, x| set_name(vm, v, x, "__name__", &gen_of(v).name)),
            GetSetDef::get_set("__qualname__", concat!("qualified name of the ", $what), |_, v| Ok(gen_of(v).qualname.borrow().clone()),
                |vm, v, x| set_name(vm, v, x, "__qualname__", &gen_of(v).qualname)),
            GetSetDef::get($frame, "", frame_attribute),
            GetSetDef::get($running, "", running),
            GetSetDef::get($suspended, "", suspended),
            GetSetDef::get($code, "", code_attribute),
            GetSetDef::get($yf, "object being iterated by yield from, or None", yield_from_attribute),
            $($more),*
        ]
    };
}

const FLAGS: TypeFlags = TypeFlags::HAVE_GC
    .union(TypeFlags::WEAKREFABLE)
    .union(TypeFlags::DISALLOW_INSTANTIATION)
    .union(TypeFlags::HAS_FINALIZER);

/// The type `generator`.
pub static GENERATOR: TypeDef = TypeDef::new::<Generator>("generator")
    .flags(FLAGS)
    .cpython_size(152, 8)
    .slots(Slots {
        repr: Some(repr),
        iter: Some(iter_self),
        next: Some(next),
        send: Some(send_slot),
        finalize: Some(finalize),
        ..Slots::NONE
    })
    .methods(&[
        MethodDef::method(
            "send",
            "($self, arg, /)",
            "Send 'arg' into generator, return next yielded value or raise StopIteration.",
            NativeFn::F2(py_send),
        ),
        MethodDef::method(
            "throw",
            "($self, type, value=None, traceback=None, /)",
            "Raise exception in generator, return next yielded value or raise StopIteration.",
            NativeFn::V(py_throw),
        ),
        MethodDef::method("close", "($self, /)", "Raise GeneratorExit inside generator.", NativeFn::F1(py_close)),
        MethodDef::method("__sizeof__", "($self, /)", "Size of object in memory, in bytes.", NativeFn::F1(sizeof)),
        MethodDef::class(
            "__class_getitem__",
            "($type, item, /)",
            "See PEP 585",
            NativeFn::F2(crate::types::generic_alias::class_getitem),
        ),
    ])
    .getset(shared_getset!("generator", "gi_frame", "gi_running", "gi_suspended", "gi_code", "gi_yieldfrom",));

/// The type `coroutine`.
pub static COROUTINE: TypeDef = TypeDef::new::<Generator>("coroutine")
    .flags(FLAGS)
    .cpython_size(152, 8)
    .slots(Slots {
        repr: Some(repr),
        am_await: Some(super::coroutine_wrapper::await_coroutine),
        send: Some(send_slot),
        finalize: Some(finalize),
        ..Slots::NONE
    })
    .methods(&[
        MethodDef::method(
            "send",
            "($self, arg, /)",
            "Send 'arg' into coroutine, return next yielded value or raise StopIteration.",
            NativeFn::F2(py_send),
        ),
        MethodDef::method(
            "throw",
            "($self, type, value=None, traceback=None, /)",
            "Raise exception in coroutine, return next yielded value or raise StopIteration.",
            NativeFn::V(py_throw),
        ),
        MethodDef::method("close", "($self, /)", "Raise GeneratorExit inside coroutine.", NativeFn::F1(py_close)),
        MethodDef::method("__sizeof__", "($self, /)", "Size of object in memory, in bytes.", NativeFn::F1(sizeof)),
        MethodDef::class(
            "__class_getitem__",
            "($type, item, /)",
            "See PEP 585",
            NativeFn::F2(crate::types::generic_alias::class_getitem),
        ),
    ])
    .getset(shared_getset!(
        "coroutine",
        "cr_frame",
        "cr_running",
        "cr_suspended",
        "cr_code",
        "cr_await",
        GetSetDef::get("cr_origin", "", |_, v| Ok(gen_of(v).origin.borrow().clone().unwrap_or_else(none)))
    ));
