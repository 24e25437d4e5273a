//! Warnings about sources that are valid but hardly meant: those of CPython's compiler (`Python/codegen.c`) and the
//! jumps out of `finally` blocks (PEP 765).

use crate::ast::visit::{Visitor, walk_expr, walk_mod, walk_stmt};
use crate::ast::*;
use crate::error::SyntaxWarning;
use crate::stack::grown;

/// The warnings about a tree, in the order in which CPython gives them: first the jumps out of `finally`, then the rest.
pub fn warnings(module: &Mod) -> Vec<SyntaxWarning> {
    let mut jumps = Jumps::default();
    walk_mod(&mut jumps, module);
    let mut doubts = Doubts { found: jumps.found };
    walk_mod(&mut doubts, module);
    doubts.found
}

/// Finds `return`, `break` and `continue` that leave a `finally` block.
#[derive(Default)]
struct Jumps {
    found: Vec<SyntaxWarning>,
    in_finally: bool,
    /// In a loop inside the innermost `finally` block.
    in_loop: bool,
}

impl Jumps {
    fn check(&mut self, leaves: bool, word: &str, stmt: &Stmt) {
        if leaves {
            self.found.push(SyntaxWarning::new(format!("'{word}' in a 'finally' block"), stmt.span));
        }
    }

    fn within(&mut self, in_finally: bool, in_loop: bool, body: &[Stmt]) {
        let before = (self.in_finally, self.in_loop);
        (self.in_finally, self.in_loop) = (in_finally, in_loop);
        self.visit_body(body);
        (self.in_finally, self.in_loop) = before;
    }
}

impl Visitor for Jumps {
    fn visit_expr(&mut self, _: &Expr) {}

    fn visit_stmt(&mut self, stmt: &Stmt) {
        match &stmt.kind {
            StmtKind::Return { .. } => self.check(self.in_finally, "return", stmt),
            StmtKind::Break {} => self.check(self.in_finally && !self.in_loop, "break", stmt),
            StmtKind::Continue {} => self.check(self.in_finally && !self.in_loop, "continue", stmt),
            StmtKind::FunctionDef { body, .. } | StmtKind::AsyncFunctionDef { body, .. } => {
                self.within(false, false, body);
            }
            StmtKind::For { body, orelse, .. }
            | StmtKind::AsyncFor { body, orelse, .. }
            | StmtKind::While { body, orelse, .. } => {
                self.within(self.in_finally, true, body);
                self.visit_body(orelse);
            }
            StmtKind::Try { body, handlers, orelse, finalbody }
            | StmtKind::TryStar { body, handlers, orelse, finalbody } => {
                self.visit_body(body);
                handlers.iter().for_each(|handler| self.visit_handler(handler));
                self.visit_body(orelse);
                self.within(true, false, finalbody);
            }
            _ => walk_stmt(self, stmt),
        }
    }
}

/// Finds expressions that cannot be meant.
struct Doubts {
    found: Vec<SyntaxWarning>,
}

impl Visitor for Doubts {
    fn visit_stmt(&mut self, stmt: &Stmt) {
        if let StmtKind::Assert { test, .. } = &stmt.kind
            && is_nonempty_tuple(test)
        {
            let msg = "assertion is always true, perhaps remove parentheses?";
            self.found.push(SyntaxWarning::new(msg, stmt.span));
        }
        walk_stmt(self, stmt);
    }

    fn visit_expr(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::Compare { left, ops, comparators } => self.compare(expr, left, ops, comparators),
            ExprKind::Call { func, .. } => self.call(func),
            ExprKind::Subscript { value, slice, ctx: ExprContext::Load } => {
                self.subscript(value);
                self.index(value, slice);
            }
            _ => {}
        }
        grown(|| walk_expr(self, expr));
    }
}

impl Doubts {
    fn warn(&mut self, msg: String, span: Span) {
        self.found.push(SyntaxWarning::new(msg, span));
    }

    /// `x is 1`.
    fn compare(&mut self, expr: &Expr, left: &Expr, ops: &[CmpOp], comparators: &[Expr]) {
        let mut left = left;
        for (op, right) in ops.iter().zip(comparators) {
            let literal = [right, left].into_iter().find(|side| !can_be_compared_by_identity(side));
            if let (CmpOp::Is | CmpOp::IsNot, Some(literal)) = (op, literal) {
                let (word, better) = if *op == CmpOp::Is { ("is", "==") } else { ("is not", "!=") };
                let kind = known_type(literal).unwrap_or("object");
                self.warn(format!("\"{word}\" with '{kind}' literal. Did you mean \"{better}\"?"), expr.span);
                return;
            }
            left = right;
        }
    }

    /// `[1, 2](3)`.
    fn call(&mut self, func: &Expr) {
        use ExprKind::*;
        let never = matches!(
            func.kind,
            Constant { .. }
                | Tuple { .. }
                | List { .. }
                | ListComp { .. }
                | Dict { .. }
                | DictComp { .. }
                | Set { .. }
                | SetComp { .. }
                | GeneratorExp { .. }
                | JoinedStr { .. }
                | TemplateStr { .. }
                | FormattedValue { .. }
                | Interpolation { .. }
        );
        if never && let Some(kind) = known_type(func) {
            self.warn(format!("'{kind}' object is not callable; perhaps you missed a comma?"), func.span);
        }
    }

    /// `1[2]`.
    fn subscript(&mut self, value: &Expr) {
        use ExprKind::*;
        let never = match &value.kind {
            Constant { value, .. } => matches!(
                value,
                crate::ast::Constant::None
                    | crate::ast::Constant::Ellipsis
                    | crate::ast::Constant::Bool(_)
                    | crate::ast::Constant::Int(_)
                    | crate::ast::Constant::Float(_)
                    | crate::ast::Constant::Complex { .. }
                    | crate::ast::Constant::FrozenSet(_)
            ),
            Set { .. }
            | SetComp { .. }
            | GeneratorExp { .. }
            | TemplateStr { .. }
            | Interpolation { .. }
            | Lambda { .. } => true,
            _ => false,
        };
        if never && let Some(kind) = known_type(value) {
            self.warn(format!("'{kind}' object is not subscriptable; perhaps you missed a comma?"), value.span);
        }
    }

    /// `[1, 2]["a"]`.
    fn index(&mut self, value: &Expr, index: &Expr) {
        use ExprKind::*;
        let Some(index_type) = known_type(index) else { return };
        if matches!(index_type, "int" | "bool" | "slice") {
            return;
        }
        let is_sequence = match &value.kind {
            Constant { value, .. } => matches!(
                value,
                crate::ast::Constant::Str(_) | crate::ast::Constant::Bytes(_) | crate::ast::Constant::Tuple(_)
            ),
            Tuple { .. } | List { .. } | ListComp { .. } | JoinedStr { .. } | FormattedValue { .. } => true,
            _ => false,
        };
        if is_sequence && let Some(kind) = known_type(value) {
            let msg =
                format!("{kind} indices must be integers or slices, not {index_type}; perhaps you missed a comma?");
            self.warn(msg, value.span);
        }
    }
}

fn is_nonempty_tuple(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Tuple { elts, .. } => !elts.is_empty(),
        ExprKind::Constant { value: Constant::Tuple(items), .. } => !items.is_empty(),
        _ => false,
    }
}

/// Everything but literals other than None, True, False and `...`, and tuples of literals.
fn can_be_compared_by_identity(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Constant { value, .. } => {
            matches!(value, Constant::None | Constant::Bool(_) | Constant::Ellipsis)
        }
        ExprKind::Tuple { elts, .. } => !elts.iter().all(|elt| matches!(elt.kind, ExprKind::Constant { .. })),
        _ => true,
    }
}

/// The type of an expression's value, if the expression alone tells.
fn known_type(expr: &Expr) -> Option<&'static str> {
    Some(match &expr.kind {
        ExprKind::Tuple { .. } => "tuple",
        ExprKind::List { .. } | ExprKind::ListComp { .. } => "list",
        ExprKind::Dict { .. } | ExprKind::DictComp { .. } => "dict",
        ExprKind::Set { .. } | ExprKind::SetComp { .. } => "set",
        ExprKind::GeneratorExp { .. } => "generator",
        ExprKind::Lambda { .. } => "function",
        ExprKind::TemplateStr { .. } => "string.templatelib.Template",
        ExprKind::Interpolation { .. } => "string.templatelib.Interpolation",
        ExprKind::JoinedStr { .. } | ExprKind::FormattedValue { .. } => "str",
        ExprKind::Constant { value, .. } => value.type_name(),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use crate::{ParseOptions, parse, warnings};

    fn messages(source: &str) -> Vec<String> {
        let parsed = parse(source, &ParseOptions::default()).unwrap();
        warnings(&parsed.module).into_iter().map(|warning| warning.msg).collect()
    }

    #[test]
    fn doubtful_expressions() {
        assert_eq!(messages("x is 1"), ["\"is\" with 'int' literal. Did you mean \"==\"?"]);
        assert_eq!(messages("'' is not x"), ["\"is not\" with 'str' literal. Did you mean \"!=\"?"]);
        assert_eq!(messages("assert (x, y)"), ["assertion is always true, perhaps remove parentheses?"]);
        assert_eq!(messages("[1](2)"), ["'list' object is not callable; perhaps you missed a comma?"]);
        assert_eq!(messages("{1}[2]"), ["'set' object is not subscriptable; perhaps you missed a comma?"]);
        assert_eq!(
            messages("[1]['a']"),
            ["list indices must be integers or slices, not str; perhaps you missed a comma?"]
        );
        assert!(messages("x is None; f(1); [1][0]; [1][:]").is_empty());
    }

    #[test]
    fn jumps_out_of_finally() {
        let body = "def f():\n while 1:\n  try: pass\n  finally:\n   for x in y: break\n";
        assert!(messages(body).is_empty());
        assert_eq!(messages(&format!("{body}   continue")), ["'continue' in a 'finally' block"]);
        assert_eq!(messages(&format!("{body}   for x in y: return")), ["'return' in a 'finally' block"]);
        assert!(messages(&format!("{body}   def g(): return")).is_empty());
    }
}
