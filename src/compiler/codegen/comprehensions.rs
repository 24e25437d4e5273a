//! Comprehensions: inlined where they stand (PEP 709), generator expressions as functions of their own.

use taipan_bytecode::oparg::{FunctionAttribute, Intrinsic1, awaitable};
use taipan_bytecode::{Const, Op};
use taipan_syntax::ast::{Comprehension, Expr, ExprKind, Name};

use super::{Compiler, Result, loc};
use crate::instr::{Label, Loc};
use crate::scopes::{Place, Scope, Symbol};
use crate::unit::{ArgCounts, BlockData, BlockKind, UnitKind};

/// What a comprehension makes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Product {
    Generator,
    List,
    Set,
    Dict,
}

/// The parts of a comprehension.
#[derive(Clone, Copy)]
struct Parts<'a> {
    product: Product,
    generators: &'a [Comprehension],
    elt: &'a Expr,
    /// The value, in a dictionary.
    value: Option<&'a Expr>,
}

/// What an inlined comprehension changed in the unit around it.
#[derive(Default)]
struct Inlined {
    /// Locals whose values lie on the stack.
    pushed: Vec<Name>,
    /// Symbols to be put back.
    symbols: Vec<(Name, Option<Symbol>)>,
    /// Names that were made fast locals.
    hidden: Vec<Name>,
    cleanup: Option<Label>,
}

fn parts(expr: &Expr) -> Option<Parts<'_>> {
    Some(match &expr.kind {
        ExprKind::GeneratorExp { elt, generators } => {
            Parts { product: Product::Generator, generators, elt, value: None }
        }
        ExprKind::ListComp { elt, generators } => Parts { product: Product::List, generators, elt, value: None },
        ExprKind::SetComp { elt, generators } => Parts { product: Product::Set, generators, elt, value: None },
        ExprKind::DictComp { key, value, generators } => {
            Parts { product: Product::Dict, generators, elt: key, value: Some(value) }
        }
        _ => return None,
    })
}

impl<'a> Compiler<'a> {
    pub(super) fn comprehension(&mut self, expr: &'a Expr) -> Result {
        let Some(parts) = parts(expr) else { return Ok(()) };
        let at = loc(expr.span);
        let scope = self.scopes.of(expr.id)?;
        let outermost = &parts.generators[0];
        if scope.is_inlined() {
            self.outermost_iter(outermost)?;
            let mut state = self.isolate(scope, at);
            self.collect(&parts, true, at)?;
            self.restore(&mut state, at)?;
            self.unit_mut().inlined_comprehensions -= 1;
            return Ok(());
        }
        let is_async = scope.is_coroutine();
        let name = match parts.product {
            Product::Generator => "<genexpr>",
            Product::List => "<listcomp>",
            Product::Set => "<setcomp>",
            Product::Dict => "<dictcomp>",
        };
        let counts = ArgCounts { args: 1, ..Default::default() };
        self.enter(UnitKind::Comprehension, scope, name.into(), at.line, counts, None)?;
        self.collect(&parts, false, at)?;
        if parts.product == Product::Generator {
            self.wrap_stop_iteration();
        } else {
            self.op(Op::RETURN_VALUE, at);
        }
        let code = self.finish_unit(true)?;
        self.make_closure(code, FunctionAttribute::empty(), at);
        self.outermost_iter(outermost)?;
        self.emit(Op::CALL, 0, at);
        if is_async && parts.product != Product::Generator {
            self.await_value(awaitable::AWAIT, at);
        }
        Ok(())
    }

    /// The outermost iterable is evaluated outside.
    fn outermost_iter(&mut self, generator: &'a Comprehension) -> Result {
        self.expr(&generator.iter)?;
        self.op(if generator.is_async { Op::GET_AITER } else { Op::GET_ITER }, loc(generator.iter.span));
        Ok(())
    }

    fn collect(&mut self, parts: &Parts<'a>, inlined: bool, at: Loc) -> Result {
        let build = match parts.product {
            Product::Generator => None,
            Product::List => Some(Op::BUILD_LIST),
            Product::Set => Some(Op::BUILD_SET),
            Product::Dict => Some(Op::BUILD_MAP),
        };
        if let Some(build) = build {
            self.emit(build, 0, at);
            if inlined {
                self.emit(Op::SWAP, 2, at);
            }
        }
        self.generator(parts, 0, 0, inlined, at)
    }

    fn generator(&mut self, parts: &Parts<'a>, index: usize, depth: u32, iter_on_stack: bool, at: Loc) -> Result {
        self.check_depth()?;
        if parts.generators[index].is_async {
            self.async_generator(parts, index, depth, iter_on_stack, at)
        } else {
            self.sync_generator(parts, index, depth, iter_on_stack, at)
        }
    }

    fn sync_generator(&mut self, parts: &Parts<'a>, index: usize, depth: u32, iter_on_stack: bool, at: Loc) -> Result {
        let generator = &parts.generators[index];
        let (start, if_cleanup, anchor) = (self.label(), self.label(), self.label());
        let iter_at = loc(generator.iter.span);
        // `for y in [f(x)]` is an assignment.
        let single = match &generator.iter.kind {
            ExprKind::List { elts, .. } | ExprKind::Tuple { elts, .. } if index > 0 => match &elts[..] {
                [elt] if !super::statements::is_starred(elt) => Some(elt),
                _ => None,
            },
            _ => None,
        };
        if !iter_on_stack {
            match single {
                _ if index == 0 => self.emit(Op::LOAD_FAST, 0, at),
                Some(elt) => self.expr(elt)?,
                None => {
                    self.expr(&generator.iter)?;
                    self.op(Op::GET_ITER, iter_at);
                }
            }
        }
        let is_loop = single.is_none();
        if is_loop {
            self.place(start);
            self.jump(Op::FOR_ITER, anchor, iter_at);
        }
        self.expr(&generator.target)?;
        generator.ifs.iter().try_for_each(|test| self.jump_if(test, if_cleanup, false))?;
        let elt_at = self.inner(parts, index + 1, depth + is_loop as u32, at)?;
        self.place(if_cleanup);
        if is_loop {
            self.jump(Op::JUMP, start, elt_at);
            self.place(anchor);
            self.op(Op::END_FOR, Loc::NONE);
            self.op(Op::POP_ITER, Loc::NONE);
        }
        Ok(())
    }

    fn async_generator(&mut self, parts: &Parts<'a>, index: usize, depth: u32, iter_on_stack: bool, at: Loc) -> Result {
        let generator = &parts.generators[index];
        let (start, send, except, if_cleanup) = (self.label(), self.label(), self.label(), self.label());
        if !iter_on_stack {
            if index == 0 {
                self.emit(Op::LOAD_FAST, 0, at);
            } else {
                self.expr(&generator.iter)?;
                self.op(Op::GET_AITER, loc(generator.iter.span));
            }
        }
        self.place(start);
        self.push_block(BlockKind::AsyncComprehension, start, Label::NONE, at, BlockData::Nothing)?;
        self.jump(Op::SETUP_FINALLY, except, at);
        self.op(Op::GET_ANEXT, at);
        self.load_const(Const::None, at);
        self.place(send);
        self.yield_from(true, at);
        self.op(Op::POP_BLOCK, at);
        self.expr(&generator.target)?;
        generator.ifs.iter().try_for_each(|test| self.jump_if(test, if_cleanup, false))?;
        let elt_at = self.inner(parts, index + 1, depth + 1, at)?;
        self.place(if_cleanup);
        self.jump(Op::JUMP, start, elt_at);
        self.pop_block();
        self.place(except);
        self.jump(Op::END_ASYNC_FOR, send, at);
        Ok(())
    }

    /// The next `for`, or what the innermost one produces. Returns the place of the element.
    fn inner(&mut self, parts: &Parts<'a>, index: usize, depth: u32, at: Loc) -> Result<Loc> {
        let mut elt_at = loc(parts.elt.span);
        if index < parts.generators.len() {
            self.generator(parts, index, depth, false, at)?;
            return Ok(elt_at);
        }
        self.expr(parts.elt)?;
        match parts.product {
            Product::Generator => {
                self.yield_value(elt_at);
                self.op(Op::POP_TOP, elt_at);
            }
            Product::List => self.emit(Op::LIST_APPEND, depth + 1, elt_at),
            Product::Set => self.emit(Op::SET_ADD, depth + 1, elt_at),
            Product::Dict => {
                if let Some(value) = parts.value {
                    self.expr(value)?;
                    elt_at = loc(parts.elt.span.to(value.span));
                }
                self.emit(Op::MAP_ADD, depth + 1, elt_at);
            }
        }
        Ok(elt_at)
    }

    /// Prepares the unit for an inlined comprehension: its names mean what they mean in it, and the values of locals of
    /// the same name are put away on the stack.
    fn isolate(&mut self, scope: Scope<'a>, at: Loc) -> Inlined {
        let in_class = self.in_class_block();
        let function = self.unit().scope.is_function_like();
        self.unit_mut().inlined_comprehensions += 1;
        let mut state = Inlined::default();
        let mut bound = Vec::new();
        for (name, symbol) in scope.symbols() {
            let unit = self.unit_mut();
            let outer = unit.symbol(name);
            let differs = symbol.place != outer.place
                && symbol.place != Place::Free
                && !(symbol.place == Place::Cell && outer.place == Place::Free);
            if differs || in_class {
                state.symbols.push((name.clone(), unit.overrides.insert(name.clone(), symbol)));
            }
            if (symbol.is_own() || in_class) && !function && unit.fast_hidden.insert(name.clone(), true) != Some(true) {
                state.hidden.push(name.clone());
            }
            if symbol.is_own() {
                // What the name is now that it may be overridden.
                bound.push((name.clone(), symbol.place, unit.symbol(name).place));
            }
        }
        for (name, place, outer) in bound {
            let name = self.mangled(&name);
            let index = self.unit_mut().varnames.add(&name);
            self.emit(Op::LOAD_FAST_AND_CLEAR, index, at);
            if place == Place::Cell {
                let unit = self.unit_mut();
                let cell = if outer == Place::Free { unit.free_index(&name) } else { unit.cell_index(&name) };
                self.emit(Op::MAKE_CELL, cell, at);
            }
            state.pushed.push(name);
        }
        if !state.pushed.is_empty() {
            self.emit(Op::SWAP, state.pushed.len() as u32 + 1, at);
            let cleanup = self.label();
            state.cleanup = Some(cleanup);
            self.jump(Op::SETUP_FINALLY, cleanup, at);
        }
        state
    }

    fn restore_locals(&mut self, state: &Inlined, at: Loc) {
        self.emit(Op::SWAP, state.pushed.len() as u32 + 1, at);
        for name in state.pushed.iter().rev() {
            let index = self.unit_mut().varnames.add(name);
            self.emit(Op::STORE_FAST_MAYBE_NULL, index, at);
        }
    }

    fn restore(&mut self, state: &mut Inlined, at: Loc) -> Result {
        if let Some(cleanup) = state.cleanup {
            let end = self.label();
            self.op(Op::POP_BLOCK, Loc::NONE);
            self.jump(Op::JUMP_NO_INTERRUPT, end, Loc::NONE);
            self.place(cleanup);
            self.emit(Op::SWAP, 2, Loc::NONE);
            self.op(Op::POP_TOP, Loc::NONE);
            self.restore_locals(state, at);
            self.emit(Op::RERAISE, 0, Loc::NONE);
            self.place(end);
            self.restore_locals(state, at);
        }
        let unit = self.unit_mut();
        for (name, symbol) in state.symbols.drain(..).rev() {
            match symbol {
                Some(symbol) => unit.overrides.insert(name, symbol),
                None => unit.overrides.remove(&name),
            };
        }
        for name in state.hidden.drain(..) {
            unit.fast_hidden.insert(name, false);
        }
        Ok(())
    }

    /// Turns a `StopIteration` that leaves a generator into a `RuntimeError` (PEP 479).
    pub(super) fn wrap_stop_iteration(&mut self) {
        let handler = self.label();
        self.unit_mut().sequence.push_front(Op::SETUP_CLEANUP, handler.0, Loc::NONE);
        self.load_const(Const::None, Loc::NONE);
        self.op(Op::RETURN_VALUE, Loc::NONE);
        self.place(handler);
        self.emit(Op::CALL_INTRINSIC_1, Intrinsic1::StopIterationError.number(), Loc::NONE);
        self.emit(Op::RERAISE, 1, Loc::NONE);
    }
}
