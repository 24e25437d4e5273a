//! Loading, storing and deleting names.

use taipan_bytecode::Op;
use taipan_syntax::ast::{ExprContext, Name};

use super::{Compiler, Result};
use crate::instr::Loc;
use crate::scopes::{Place, ScopeKind};
use crate::unit::UnitKind;

/// Where a name is looked up.
enum Access {
    Fast,
    Global,
    Deref,
    Name,
}

impl<'a> Compiler<'a> {
    /// A name as the current unit knows it.
    pub(super) fn mangled(&self, name: &Name) -> Name {
        let unit = self.unit();
        unit.scope.mangle(unit.private.as_deref(), name)
    }

    pub(super) fn load_name(&mut self, name: &str, loc: Loc) -> Result {
        self.name(&Name::from(name), ExprContext::Load, loc)
    }

    pub(super) fn store_name(&mut self, name: &str, loc: Loc) -> Result {
        self.name(&Name::from(name), ExprContext::Store, loc)
    }

    /// An instruction whose argument is an entry of `co_names`, shifted by `shift` with `low` in the low bits.
    pub(super) fn emit_named(&mut self, op: Op, name: &Name, shift: u32, low: u32, loc: Loc) {
        let name = self.mangled(name);
        let index = self.unit_mut().names.add(&name);
        self.emit(op, (index << shift) | low, loc);
    }

    pub(super) fn load_attr(&mut self, name: &Name, loc: Loc) {
        self.emit_named(Op::LOAD_ATTR, name, 1, 0, loc);
    }

    pub(super) fn load_method(&mut self, name: &Name, loc: Loc) {
        self.emit_named(Op::LOAD_ATTR, name, 1, 1, loc);
    }

    fn access(&self, name: &Name) -> (Access, Place) {
        let unit = self.unit();
        let place = unit.symbol(name).place;
        let function = unit.scope.is_function_like();
        let access = match place {
            Place::Free | Place::Cell => Access::Deref,
            Place::Local if function || unit.fast_hidden.get(name) == Some(&true) => Access::Fast,
            Place::GlobalImplicit if function => Access::Global,
            Place::GlobalExplicit => Access::Global,
            _ => Access::Name,
        };
        (access, place)
    }

    /// Loads, stores or deletes a name.
    pub(super) fn name(&mut self, name: &Name, ctx: ExprContext, loc: Loc) -> Result {
        let name = self.mangled(name);
        let (access, place) = self.access(&name);
        let in_class = self.unit().scope.kind() == ScopeKind::Class;
        let inlined = self.unit().inlined_comprehensions > 0;
        let sees_class = self.unit().scope.can_see_class();
        match access {
            Access::Fast => {
                let index = self.unit_mut().varnames.add(&name);
                self.emit(choose(ctx, [Op::LOAD_FAST, Op::STORE_FAST, Op::DELETE_FAST]), index, loc);
            }
            Access::Deref => {
                let unit = self.unit_mut();
                let index = if place == Place::Free { unit.free_index(&name) } else { unit.cell_index(&name) };
                let mut op = choose(ctx, [Op::LOAD_DEREF, Op::STORE_DEREF, Op::DELETE_DEREF]);
                if ctx == ExprContext::Load && in_class && !inlined {
                    op = Op::LOAD_FROM_DICT_OR_DEREF;
                    self.op(Op::LOAD_LOCALS, loc);
                } else if ctx == ExprContext::Load && sees_class {
                    op = Op::LOAD_FROM_DICT_OR_DEREF;
                    self.load_class_dict(loc);
                }
                self.emit(op, index, loc);
            }
            Access::Global => {
                let index = self.unit_mut().names.add(&name);
                match ctx {
                    ExprContext::Load if sees_class && place == Place::GlobalImplicit => {
                        self.load_class_dict(loc);
                        self.emit(Op::LOAD_FROM_DICT_OR_GLOBALS, index, loc);
                    }
                    ExprContext::Load => self.emit(Op::LOAD_GLOBAL, index << 1, loc),
                    ExprContext::Store => self.emit(Op::STORE_GLOBAL, index, loc),
                    ExprContext::Del => self.emit(Op::DELETE_GLOBAL, index, loc),
                }
            }
            Access::Name => {
                let index = self.unit_mut().names.add(&name);
                if ctx == ExprContext::Load && in_class && inlined {
                    self.emit(Op::LOAD_GLOBAL, index << 1, loc);
                } else {
                    self.emit(choose(ctx, [Op::LOAD_NAME, Op::STORE_NAME, Op::DELETE_NAME]), index, loc);
                }
            }
        }
        Ok(())
    }

    /// The namespace of the class around an annotation scope.
    fn load_class_dict(&mut self, loc: Loc) {
        let index = self.unit_mut().free_index(&Name::from("__classdict__"));
        self.emit(Op::LOAD_DEREF, index, loc);
    }

    /// True if the class of a method is at hand as `__class__`.
    pub(super) fn has_class_cell(&self) -> bool {
        self.unit().kind != UnitKind::Class && self.unit().symbol("__class__").place == Place::Free
    }
}

fn choose(ctx: ExprContext, [load, store, delete]: [Op; 3]) -> Op {
    match ctx {
        ExprContext::Load => load,
        ExprContext::Store => store,
        ExprContext::Del => delete,
    }
}
