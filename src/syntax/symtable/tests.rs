//! Scopes of small programs.

use super::*;
use crate::{ParseOptions, parse};

fn table(source: &str) -> Result<SymbolTable, Box<SyntaxError>> {
    let parsed = parse(source, &ParseOptions::default()).expect("the source is valid");
    SymbolTable::build(&parsed.module, &SymtableOptions::default())
}

fn error(source: &str) -> String {
    table(source).expect_err("an error of the scopes").msg
}

#[test]
fn closures_have_cells_and_free_variables() {
    let table = table("def f(a):\n    b = 1\n    def g():\n        return a, c\n    return g").unwrap();
    let f = table.blocks().iter().find(|block| &*block.name == "f").unwrap();
    let g = table.blocks().iter().find(|block| &*block.name == "g").unwrap();
    assert_eq!(f.scope("a"), Scope::Cell);
    assert_eq!(f.scope("b"), Scope::Local);
    assert_eq!(g.scope("a"), Scope::Free);
    assert_eq!(g.scope("c"), Scope::GlobalImplicit);
    assert!(g.nested && !f.nested);
}

#[test]
fn comprehensions_are_inlined() {
    let table = table("def f(x):\n    return [lambda: y for y in x]").unwrap();
    let f = table.blocks().iter().find(|block| &*block.name == "f").unwrap();
    let comp = table.blocks().iter().find(|block| &*block.name == "listcomp").unwrap();
    assert!(comp.comp_inlined);
    assert_eq!(f.scope("y"), Scope::Cell);
    assert_ne!(f.symbols.flags("y") & flags::DEF_COMP_CELL, 0);
    assert_eq!(f.children.len(), 1);
    assert_eq!(&*table.block(f.children[0]).name, "lambda");
}

#[test]
fn classes_hand_their_methods_a_cell() {
    let table = table("class A:\n    def f(self): super().f()").unwrap();
    let class = table.blocks().iter().find(|block| block.kind == BlockKind::Class).unwrap();
    assert!(class.needs_class_closure);
    let method = table.blocks().iter().find(|block| &*block.name == "f").unwrap();
    assert_eq!(method.scope("__class__"), Scope::Free);
    assert!(method.method);
}

#[test]
fn errors_are_worded_as_cpython_words_them() {
    assert_eq!(error("def f(a, a): pass"), "duplicate argument 'a' in function definition");
    assert_eq!(error("def f():\n x = 1\n global x"), "name 'x' is assigned to before global declaration");
    assert_eq!(error("nonlocal x"), "nonlocal declaration not allowed at module level");
    assert_eq!(error("def f():\n nonlocal x"), "no binding for nonlocal 'x' found");
    assert_eq!(error("[(yield) for x in y]"), "'yield' inside list comprehension");
    assert_eq!(error("await x"), "'await' outside function");
    assert_eq!(
        error("x\nfrom __future__ import annotations"),
        "from __future__ imports must occur at the beginning of the file"
    );
}

#[test]
fn private_names_are_mangled() {
    assert_eq!(&*mangle(Some("_A"), &"__x".into()), "_A__x");
    assert_eq!(&*mangle(Some("A"), &"__x__".into()), "__x__");
    assert_eq!(&*mangle(Some("__"), &"__x".into()), "__x");
    assert_eq!(&*mangle(None, &"__x".into()), "__x");
}
