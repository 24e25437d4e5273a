//! Imports.

use taipan_bytecode::oparg::Intrinsic1;
use taipan_bytecode::{Const, Op};
use taipan_syntax::ast::{Alias, ExprContext, Name};

use super::{Compiler, Result};
use crate::instr::Loc;

impl<'a> Compiler<'a> {
    pub(super) fn import(&mut self, names: &'a [Alias], at: Loc) -> Result {
        for alias in names {
            self.load_const(Const::int(0), at);
            self.load_const(Const::None, at);
            self.emit_named(Op::IMPORT_NAME, &alias.name, 0, 0, at);
            match &alias.asname {
                Some(asname) => self.import_as(&alias.name, asname, at)?,
                None => {
                    let top = alias.name.split('.').next().unwrap_or_default();
                    self.store_name(top, at)?;
                }
            }
        }
        Ok(())
    }

    /// Binds the last part of a dotted module name.
    fn import_as(&mut self, name: &Name, asname: &Name, at: Loc) -> Result {
        let mut parts = name.split('.').skip(1).peekable();
        if parts.peek().is_none() {
            return self.name(asname, ExprContext::Store, at);
        }
        while let Some(part) = parts.next() {
            let index = self.unit_mut().names.add(&Name::from(part));
            self.emit(Op::IMPORT_FROM, index, at);
            if parts.peek().is_some() {
                self.emit(Op::SWAP, 2, at);
                self.op(Op::POP_TOP, at);
            }
        }
        self.name(asname, ExprContext::Store, at)?;
        self.op(Op::POP_TOP, at);
        Ok(())
    }

    pub(super) fn import_from(
        &mut self,
        module: Option<&'a Name>,
        names: &'a [Alias],
        level: Option<u32>,
        at: Loc,
    ) -> Result {
        self.load_const(Const::int(level.unwrap_or(0) as i64), at);
        self.load_const(Const::Tuple(names.iter().map(|alias| Const::str(&alias.name)).collect()), at);
        let empty = Name::from("");
        self.emit_named(Op::IMPORT_NAME, module.unwrap_or(&empty), 0, 0, at);
        for alias in names {
            if &*alias.name == "*" {
                self.emit(Op::CALL_INTRINSIC_1, Intrinsic1::ImportStar.number(), at);
                self.op(Op::POP_TOP, Loc::NONE);
                return Ok(());
            }
            self.emit_named(Op::IMPORT_FROM, &alias.name, 0, 0, at);
            self.name(alias.asname.as_ref().unwrap_or(&alias.name), ExprContext::Store, at)?;
        }
        self.op(Op::POP_TOP, at);
        Ok(())
    }
}
