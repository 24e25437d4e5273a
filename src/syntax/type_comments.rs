//! Type comments (PEP 484): from the tokens into the tree, for `ast.parse(type_comments=True)`.
//!
//! The diagnosis has already refused comments in wrong places, so it is enough to find the owner of each.

use crate::ast::*;
use crate::source::LineIndex;
use crate::tokenizer::{Kind, Options, Tokenizer};

/// A type comment with its place.
struct Comment {
    /// Line from 1, column in bytes from 0.
    at: (u32, u32),
    text: Text,
    /// Behind the colon of a compound statement.
    in_header: bool,
}

/// Puts the type comments and `# type: ignore` comments of a source into its tree.
pub(crate) fn attach(module: &mut Mod, source: &str, lines: &LineIndex) {
    let (comments, ignores) = read(source, lines);
    let body = match module {
        Mod::Module { body, type_ignores } => {
            *type_ignores = ignores;
            body
        }
        Mod::Interactive { body } => body,
        Mod::Expression { .. } | Mod::FunctionType { .. } => return,
    };
    Attacher { comments: &comments }.body(body);
}

fn read(source: &str, lines: &LineIndex) -> (Vec<Comment>, Vec<TypeIgnore>) {
    let options = Options { extra_tokens: false, type_comments: true, split_unequal: false };
    let mut tokenizer = Tokenizer::new(source, "", options);
    let (mut comments, mut ignores) = (Vec::new(), Vec::new());
    let mut in_header = false;
    loop {
        let token = tokenizer.next();
        let text = &source[token.start..token.end];
        match token.kind {
            Kind::EndMarker | Kind::Error => return (comments, ignores),
            Kind::TypeIgnore => ignores.push(TypeIgnore { lineno: token.lineno, tag: text.into() }),
            Kind::TypeComment => {
                comments.push(Comment { at: lines.position(token.start as u32), text: text.into(), in_header });
            }
            kind => in_header = kind == Kind::Newline || text == ":",
        }
    }
}

struct Attacher<'c> {
    comments: &'c [Comment],
}

impl Attacher<'_> {
    fn body(&self, body: &mut [Stmt]) {
        body.iter_mut().for_each(|stmt| self.stmt(stmt));
    }

    fn stmt(&self, stmt: &mut Stmt) {
        let start = (stmt.span.lineno, stmt.span.col_offset);
        match &mut stmt.kind {
            StmtKind::FunctionDef { args, body, type_comment, .. }
            | StmtKind::AsyncFunctionDef { args, body, type_comment, .. } => {
                let end = first(body);
                *type_comment = self.header(start, end);
                self.arguments(args, end);
                self.body(body);
            }
            StmtKind::Assign { value, type_comment, .. } => {
                let end = (value.span.end_lineno, value.span.end_col_offset);
                let found = self.comments.iter().find(|comment| comment.at.0 == end.0 && comment.at >= end);
                *type_comment = found.map(|comment| comment.text.clone());
            }
            StmtKind::For { body, orelse, type_comment, .. }
            | StmtKind::AsyncFor { body, orelse, type_comment, .. } => {
                *type_comment = self.header(start, first(body));
                self.body(body);
                self.body(orelse);
            }
            StmtKind::With { body, type_comment, .. } | StmtKind::AsyncWith { body, type_comment, .. } => {
                *type_comment = self.header(start, first(body));
                self.body(body);
            }
            StmtKind::ClassDef { body, .. } => self.body(body),
            StmtKind::While { body, orelse, .. } | StmtKind::If { body, orelse, .. } => {
                self.body(body);
                self.body(orelse);
            }
            StmtKind::Try { body, handlers, orelse, finalbody }
            | StmtKind::TryStar { body, handlers, orelse, finalbody } => {
                self.body(body);
                handlers.iter_mut().for_each(|handler| self.body(&mut handler.body));
                self.body(orelse);
                self.body(finalbody);
            }
            StmtKind::Match { cases, .. } => cases.iter_mut().for_each(|case| self.body(&mut case.body)),
            _ => {}
        }
    }

    /// The comment between the colon and the block.
    fn header(&self, start: (u32, u32), end: (u32, u32)) -> Option<Text> {
        let mut inside = self.comments.iter().filter(|comment| comment.at > start && comment.at < end);
        inside.find(|comment| comment.in_header).map(|comment| comment.text.clone())
    }

    /// A comment among parameters belongs to the last one before it.
    fn arguments(&self, args: &mut Arguments, end: (u32, u32)) {
        let positional = args.posonlyargs.iter_mut().chain(&mut args.args).chain(args.vararg.as_deref_mut());
        let mut all: Vec<&mut Arg> = positional.chain(&mut args.kwonlyargs).chain(args.kwarg.as_deref_mut()).collect();
        all.sort_by_key(|arg| arg.span);
        let starts: Vec<(u32, u32)> = all.iter().map(|arg| (arg.span.lineno, arg.span.col_offset)).collect();
        for (index, arg) in all.into_iter().enumerate() {
            let next = starts.get(index + 1).copied().unwrap_or(end);
            let mut inside = self.comments.iter().filter(|comment| comment.at > starts[index] && comment.at < next);
            let own = inside.find(|comment| !comment.in_header);
            arg.type_comment = own.map(|comment| comment.text.clone());
        }
    }
}

/// Where a block begins, decorators included.
fn first(body: &[Stmt]) -> (u32, u32) {
    let Some(stmt) = body.first() else { return (0, 0) };
    let decorators = match &stmt.kind {
        StmtKind::FunctionDef { decorator_list, .. }
        | StmtKind::AsyncFunctionDef { decorator_list, .. }
        | StmtKind::ClassDef { decorator_list, .. } => decorator_list.first(),
        _ => None,
    };
    let span = decorators.map_or(stmt.span, |decorator| decorator.span);
    (span.lineno, span.col_offset)
}
