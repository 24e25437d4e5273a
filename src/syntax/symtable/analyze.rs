//! The second pass: from the module inwards, where each name of each block is found.

use rustc_hash::{FxHashMap, FxHashSet};

use super::flags::*;
use super::{BlockId, BlockKind, ComprehensionKind, Scope, SymbolTable};
use crate::ast::Name;
use crate::error::SyntaxError;

type Result<T = ()> = std::result::Result<T, Box<SyntaxError>>;
type Names = FxHashSet<Name>;

/// Variables of a class that only its methods and annotation scopes see.
const IMPLICIT_IN_CLASS: [&str; 3] = ["__class__", "__classdict__", "__conditional_annotations__"];

/// Resolves all names of all blocks.
pub(super) fn analyze(table: &mut SymbolTable, filename: &str) -> Result {
    let mut analyzer = Analyzer { table, filename };
    let visible = Visible::default();
    analyzer.block(BlockId(0), visible, None)?;
    Ok(())
}

/// What a block sees of the blocks around it.
#[derive(Clone, Default)]
struct Visible {
    /// Names bound in functions around; `None` at module level.
    bound: Option<Names>,
    /// Names declared global around.
    global: Names,
    type_params: Names,
}

/// What resolving one block collects.
#[derive(Default)]
struct Found {
    local: Names,
    free: Names,
    scopes: FxHashMap<Name, Scope>,
    /// Cells of inlined comprehensions.
    inlined_cells: Names,
}

struct Analyzer<'a> {
    table: &'a mut SymbolTable,
    filename: &'a str,
}

impl Analyzer<'_> {
    /// Resolves a block and everything in it; returns the names that are free in it.
    fn block(&mut self, id: BlockId, mut seen: Visible, class: Option<BlockId>) -> Result<Names> {
        let kind = self.table.block(id).kind;
        let function_like = self.table.block(id).is_function_like();
        let mut inner = Visible::default();
        if kind == BlockKind::Class {
            // The names of a class are not visible in its methods.
            inner.global = seen.global.clone();
            inner.bound = Some(seen.bound.clone().unwrap_or_default());
        }
        let mut found = Found::default();
        for (name, flags) in self.table.block(id).symbols.entries.clone() {
            self.name(id, &name, flags, &mut seen, &mut found, class)?;
        }
        match kind {
            BlockKind::Class => {
                let bound = inner.bound.get_or_insert_default();
                bound.extend(IMPLICIT_IN_CLASS.map(Name::from));
            }
            _ => {
                let mut bound = seen.bound.clone().unwrap_or_default();
                if function_like {
                    bound.extend(found.local.iter().cloned());
                }
                inner.bound = Some(bound);
                inner.global = seen.global;
            }
        }
        inner.type_params = seen.type_params;
        let mut free = self.children(id, &inner, class, &mut found)?;
        if function_like {
            found.make_cells(&mut free);
        } else if kind == BlockKind::Class {
            self.drop_class_free(id, &mut free);
        }
        self.record(id, &found, seen.bound.as_ref(), &free);
        free.extend(found.free);
        Ok(free)
    }

    /// Resolves the children; returns the names that are free in them.
    fn children(&mut self, id: BlockId, inner: &Visible, class: Option<BlockId>, found: &mut Found) -> Result<Names> {
        let mut free = Names::default();
        let sees_class = self.table.block(id).can_see_class_scope;
        let is_class = self.table.block(id).kind == BlockKind::Class;
        let mut spliced = Vec::new();
        for child in self.table.block(id).children.clone() {
            let entry = self.table.block(child);
            let child_class = match entry.can_see_class_scope {
                true if is_class => Some(id),
                true => class,
                false => None,
            };
            let inlined = !sees_class && entry.comprehension.is_some_and(|kind| kind != ComprehensionKind::Generator);
            let mut child_free = self.block(child, inner.clone(), child_class)?;
            if inlined {
                self.inline(id, child, found, &mut child_free);
                self.table.blocks[child.0 as usize].comp_inlined = true;
                spliced.extend_from_slice(&self.table.block(child).children);
            } else {
                spliced.push(child);
            }
            free.extend(child_free);
        }
        self.table.blocks[id.0 as usize].children = spliced;
        Ok(free)
    }

    /// Resolves one name of a block.
    fn name(
        &self,
        id: BlockId,
        name: &Name,
        flags: u32,
        seen: &mut Visible,
        found: &mut Found,
        class: Option<BlockId>,
    ) -> Result {
        let scope = if flags & DEF_GLOBAL != 0 {
            if flags & DEF_NONLOCAL != 0 {
                return self.fail_at_directive(id, name, format!("name '{name}' is nonlocal and global"));
            }
            seen.global.insert(name.clone());
            if let Some(bound) = &mut seen.bound {
                bound.remove(name);
            }
            Scope::GlobalExplicit
        } else if flags & DEF_NONLOCAL != 0 {
            self.check_nonlocal(id, name, seen)?;
            found.free.insert(name.clone());
            Scope::Free
        } else if flags & DEF_BOUND != 0 {
            found.local.insert(name.clone());
            seen.global.remove(name);
            if flags & DEF_TYPE_PARAM != 0 {
                seen.type_params.insert(name.clone());
            } else {
                seen.type_params.remove(name);
            }
            Scope::Local
        } else if let Some(scope) = class.and_then(|class| self.seen_through_class(class, name)) {
            scope
        } else if seen.bound.as_ref().is_some_and(|bound| bound.contains(name)) {
            found.free.insert(name.clone());
            Scope::Free
        } else {
            Scope::GlobalImplicit
        };
        found.scopes.insert(name.clone(), scope);
        Ok(())
    }

    /// In a scope that sees the class, a name bound there and perhaps in a function further out is looked up in the
    /// class and then globally.
    fn seen_through_class(&self, class: BlockId, name: &str) -> Option<Scope> {
        let flags = self.table.block(class).symbols.flags(name);
        if flags & DEF_GLOBAL != 0 {
            Some(Scope::GlobalExplicit)
        } else if flags & DEF_BOUND != 0 && flags & DEF_NONLOCAL == 0 {
            Some(Scope::GlobalImplicit)
        } else {
            None
        }
    }

    fn check_nonlocal(&self, id: BlockId, name: &Name, seen: &Visible) -> Result {
        let msg = match &seen.bound {
            None => "nonlocal declaration not allowed at module level".to_owned(),
            Some(bound) if !bound.contains(name) => format!("no binding for nonlocal '{name}' found"),
            Some(_) if seen.type_params.contains(name) => {
                format!("nonlocal binding not allowed for type parameter '{name}'")
            }
            Some(_) => return Ok(()),
        };
        self.fail_at_directive(id, name, msg)
    }

    fn fail_at_directive<T>(&self, id: BlockId, name: &Name, msg: String) -> Result<T> {
        let directives = &self.table.block(id).directives;
        let span = directives.iter().find(|(declared, _)| declared == name).map(|&(_, span)| span);
        Err(Box::new(SyntaxError::at_node(msg, self.filename, span.unwrap_or_default())))
    }

    /// Merges the names of a comprehension into the block that it will run in (PEP 709).
    fn inline(&mut self, id: BlockId, comp: BlockId, found: &mut Found, comp_free: &mut Names) {
        let in_class = self.table.block(id).kind == BlockKind::Class;
        for (name, flags) in self.table.block(comp).symbols.entries.clone() {
            if flags & DEF_PARAM != 0 {
                continue;
            }
            let mut scope = Scope::of(flags);
            let only_flags = flags & ((1 << SCOPE_OFFSET) - 1);
            if in_class && scope == Some(Scope::Free) && IMPLICIT_IN_CLASS.contains(&&*name) {
                // The comprehension is no method: it does not see the cells that methods do.
                scope = Some(Scope::GlobalImplicit);
                let global = only_flags | (Scope::GlobalImplicit as u32) << SCOPE_OFFSET;
                self.table.blocks[comp.0 as usize].symbols.set(&name, global);
                if !self.is_free_in_any_child(comp, &name) {
                    comp_free.remove(&name);
                }
            }
            if scope == Some(Scope::Cell) || only_flags & DEF_COMP_CELL != 0 {
                found.inlined_cells.insert(name.clone());
            }
            let existing = self.table.block(id).symbols.flags(&name);
            if !self.table.block(id).symbols.contains(&name) {
                self.table.blocks[id.0 as usize].symbols.set(&name, only_flags);
                if let Some(scope) = scope {
                    found.scopes.insert(name, scope);
                }
                continue;
            }
            if existing & DEF_BOUND != 0 && !in_class {
                if scope == Some(Scope::Free) {
                    self.table.blocks[id.0 as usize].symbols.set(&name, existing | only_flags & USE);
                }
                if !self.is_free_in_any_child(comp, &name) {
                    comp_free.remove(&name);
                }
            }
        }
    }

    fn is_free_in_any_child(&self, id: BlockId, name: &str) -> bool {
        let children = &self.table.block(id).children;
        children.iter().any(|&child| self.table.block(child).known_scope(name) == Some(Scope::Free))
    }

    /// The implicit variables of a class that its methods use are not passed outwards.
    fn drop_class_free(&mut self, id: BlockId, free: &mut Names) {
        let block = &mut self.table.blocks[id.0 as usize];
        block.needs_class_closure |= free.remove("__class__");
        block.needs_classdict |= free.remove("__classdict__");
        block.has_conditional_annotations |= free.remove("__conditional_annotations__");
    }

    /// Writes the results into the block, and the free names that only pass through it.
    fn record(&mut self, id: BlockId, found: &Found, bound: Option<&Names>, free: &Names) {
        let block = &mut self.table.blocks[id.0 as usize];
        for (name, flags) in &mut block.symbols.entries {
            if found.inlined_cells.contains(name) {
                *flags |= DEF_COMP_CELL;
            }
            if let Some(&scope) = found.scopes.get(name) {
                *flags |= (scope as u32) << SCOPE_OFFSET;
            }
        }
        let class_like = block.kind == BlockKind::Class || block.can_see_class_scope;
        let mut passing: Vec<&Name> = free.iter().collect();
        passing.sort();
        for name in passing {
            if block.symbols.contains(name) {
                if class_like {
                    let flags = block.symbols.flags(name);
                    block.symbols.set(name, flags | DEF_FREE_CLASS);
                }
            } else if bound.is_none_or(|bound| bound.contains(name)) {
                block.symbols.set(name, (Scope::Free as u32) << SCOPE_OFFSET);
            }
        }
    }
}

impl Found {
    /// Local variables that inner blocks or inlined comprehensions share become cells.
    fn make_cells(&mut self, free: &mut Names) {
        for (name, scope) in &mut self.scopes {
            if *scope == Scope::Local && (free.contains(name) || self.inlined_cells.contains(name)) {
                *scope = Scope::Cell;
                free.remove(name);
            }
        }
    }
}
