//! `throw`: an exception raised inside a suspended generator, or inside what it delegates to.

use super::*;

/// `gen.throw(…)`: the exception is pending when this is called; delegates to a sub-iterator first.
pub fn throw(vm: &mut Vm, g: &Py<Generator>, e: Value, close_on_exit: bool) -> PyResult<SendResult> {
    if let Some(sub) = yield_from(g) {
        if vm.is_kind(&e, &exc::GENERATOR_EXIT) && close_on_exit {
            let was = g.state.replace(State::Running);
            let r = linked(vm, g, |vm| close_any(vm, &sub));
            g.state.set(was);
            if r.is_err() {
                return throw_pending(vm, g);
            }
            vm.set_pending(e);
            return throw_pending(vm, g);
        }
        let was = g.state.replace(State::Running);
        let r = linked(vm, g, |vm| throw_into(vm, &sub, &e));
        g.state.set(was);
        return match r {
            Ok(Some(SendResult::Yield(v))) => Ok(SendResult::Yield(v)),
            Ok(Some(SendResult::Return(v))) => {
                // The sub-iterator returned: the expression's value is `v`, as if SEND had jumped.
                finish_delegation(g, v);
                resume_after_delegation(vm, g)
            }
            Ok(None) => {
                vm.set_pending(e);
                throw_pending(vm, g)
            }
            Err(_) => throw_pending(vm, g),
        };
    }
    vm.set_pending(e);
    throw_pending(vm, g)
}

/// Runs something for a suspended generator as if its frame ran: what looks at the stack finds it there.
fn linked<R>(vm: &mut Vm, g: &Py<Generator>, run: impl FnOnce(&mut Vm) -> R) -> R {
    let caller = vm.frame;
    let frame = g.frame.get();
    // SAFETY: the frame is the live frame of a suspended generator, which `state` keeps from being resumed meanwhile; it
    // is taken out of the chain before anything else can run it.
    unsafe {
        (*frame).top = vm.top();
        (*frame).prev = caller;
    }
    vm.frame = frame;
    let r = run(vm);
    vm.frame = caller;
    // SAFETY: as above; the frame is still the generator's, which is kept alive by the caller.
    unsafe { (*frame).prev = std::ptr::null_mut() };
    r
}

/// Throws into a sub-iterator; `None` when it has no `throw`.
fn throw_into(vm: &mut Vm, sub: &Value, e: &Value) -> PyResult<Option<SendResult>> {
    if let Some(g) = as_generator(sub) {
        return throw(vm, g, e.clone(), true).map(Some);
    }
    let Some(f) = vm.get_attr_opt(sub, crate::name!("throw"))? else { return Ok(None) };
    match vm.call(&f, std::slice::from_ref(e)) {
        Ok(v) => Ok(Some(SendResult::Yield(v))),
        Err(_) if vm.error_is(&exc::STOP_ITERATION) => {
            let e = vm.take_error();
            Ok(Some(SendResult::Return(exc::stop_value(vm, &e))))
        }
        Err(r) => Err(r),
    }
}

/// Moves a frame that stands in a delegation behind it, with the sub-iterator's result on the stack.
fn finish_delegation(g: &Py<Generator>, v: Value) {
    // SAFETY: a suspended frame whose stack top is the sub-iterator; SEND's target expects iterator and result.
    unsafe {
        let f = g.frame.get();
        // Units go SEND(2) YIELD_VALUE(1) RESUME …: `ip` is at RESUME.
        let send = (*f).ip.sub(3);
        let target = send.offset((*send).cache as i32 as isize);
        let sp = g.sp.get();
        *sp = v.into_word();
        g.sp.set(sp.add(1));
        (*f).ip = target;
    }
}

fn resume_after_delegation(vm: &mut Vm, g: &Py<Generator>) -> PyResult<SendResult> {
    // SAFETY: the word pushed by `resume` (a `None`) is taken off again: the stack is complete already.
    unsafe {
        let saved_sp = vm.sp;
        let frame = g.resume(vm, none().into_word(), exit_unit(), std::ptr::null_mut());
        let sp = g.stack_pointer().sub(1);
        let w = crate::vm::handlers::enter(vm, (*frame).ip, sp, (*frame).fp);
        vm.sp = saved_sp;
        if w == 0 {
            return Err(Raised(()));
        }
        let v = Value::from_word(w);
        Ok(if g.state.get() == State::Suspended { SendResult::Yield(v) } else { SendResult::Return(v) })
    }
}
