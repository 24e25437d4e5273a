//! The table against facts about CPython's `ast`, and trees there and back.

use super::*;

fn name(id: &str, ids: &mut NodeIds) -> Expr {
    let span = Span { lineno: 1, col_offset: 0, end_lineno: 1, end_col_offset: id.len() as u32 };
    Node::new(ExprKind::Name { id: id.into(), ctx: ExprContext::Load }, span, ids.fresh())
}

#[test]
fn documentation_is_that_of_the_ast_module() {
    assert_eq!(Class::Return.info().doc(), "Return(expr? value)");
    assert_eq!(Class::Pass.info().doc(), "Pass");
    assert_eq!(Group::BoolOp.info().doc(), "boolop = And | Or");
    assert_eq!(
        Group::ExceptHandler.info().doc(),
        "excepthandler = ExceptHandler(expr? type, identifier? name, stmt* body)"
    );
    assert_eq!(
        Class::Arguments.info().doc(),
        "arguments(arg* posonlyargs, arg* args, arg? vararg, arg* kwonlyargs, expr?* kw_defaults, arg? kwarg, \
         expr* defaults)"
    );
    assert_eq!(Class::Return.info().base_name(), "stmt");
    assert_eq!(Class::Comprehension.info().base_name(), "AST");
    for (index, info) in CLASSES.iter().enumerate() {
        assert_eq!(info.class as usize, index);
        assert_eq!(Class::by_name(info.name), Some(info.class));
    }
}

#[test]
fn trees_go_there_and_back() {
    let mut ids = NodeIds::default();
    let value = name("spam", &mut ids);
    let span = value.span;
    let body = vec![Node::new(StmtKind::Return { value: Some(Box::new(value)) }, span, ids.fresh())];
    let module = Mod::Module { body, type_ignores: Vec::new() };
    assert_eq!(from_tree(to_tree(&module)), Ok(module));
}

#[test]
fn malformed_trees_are_refused_in_cpythons_words() {
    let node = |class, fields| Tree::Node(Box::new(TreeNode { class, fields, position: Position::default() }));
    let message = |body: Tree| from_tree(node(Class::Expression, vec![Some(body)])).unwrap_err().msg;
    assert_eq!(message(Tree::Int(3)), "expected some sort of expr, but got 3");
    assert_eq!(message(Tree::None), "field 'body' is required for Expression");
    assert_eq!(message(node(Class::Starred, vec![None, None])), "required field \"lineno\" missing from expr");
    assert_eq!(message(node(Class::List, vec![None, None])), "required field \"lineno\" missing from expr");
    let position = Position { lineno: Some(1), col_offset: Some(0), ..Position::default() };
    let located = |class, fields| Tree::Node(Box::new(TreeNode { class, fields, position }));
    assert_eq!(message(located(Class::Starred, vec![None, None])), "required field \"value\" missing from Starred");
    let not_list = located(Class::List, vec![Some(Tree::Identifier("x".into())), None]);
    assert_eq!(message(not_list), "List field \"elts\" must be a list, not a str");
}
