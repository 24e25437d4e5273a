//! The ways to compile: modules, interactive statements, expressions; levels of optimisation; sources out of bounds.

use taipan_bytecode::{CodeFlags, CodeObject, Const, dis};
use taipan_compiler::{CompileOptions, compile};
use taipan_syntax::{ErrorClass, Mode, ParseOptions, SyntaxError, parse};

fn compiled(source: &str, mode: Mode, options: &CompileOptions) -> Result<CodeObject, Box<SyntaxError>> {
    let parsed = parse(source, &ParseOptions { mode, ..ParseOptions::default() })?;
    Ok(compile(parsed.module, "<test>", options)?.code)
}

/// The instructions as `NAME meaning`, separated by `; `.
fn instructions(code: &CodeObject) -> String {
    let show = |instruction| {
        let meaning = dis::arg_text(code, &instruction);
        format!("{} {meaning}", instruction.op.name()).trim_end().to_owned()
    };
    code.instructions().map(show).collect::<Vec<_>>().join("; ")
}

fn check(source: &str, mode: Mode, options: &CompileOptions, expected: &str) {
    let code = compiled(source, mode, options).unwrap_or_else(|error| panic!("{source}: {error}"));
    assert_eq!(instructions(&code), expected, "{source}");
}

#[test]
fn expressions_return_their_value() {
    let options = CompileOptions::default();
    check("x + 1", Mode::Eval, &options, "RESUME; LOAD_NAME x; LOAD_SMALL_INT; BINARY_OP +; RETURN_VALUE");
    check("2 ** 10", Mode::Eval, &options, "RESUME; LOAD_CONST 1024; RETURN_VALUE");
}

#[test]
fn interactive_statements_print() {
    let expected = "RESUME; LOAD_NAME x; CALL_INTRINSIC_1 INTRINSIC_PRINT; POP_TOP; LOAD_CONST None; RETURN_VALUE";
    check("x\n", Mode::Single, &CompileOptions::default(), expected);
}

#[test]
fn optimisation_drops_asserts_and_docstrings() {
    let source = "'doc'\nassert x\nif __debug__: y\n";
    let level = |optimize| CompileOptions { optimize, ..CompileOptions::default() };
    let end = "LOAD_CONST None; RETURN_VALUE";
    let doc = "RESUME; LOAD_CONST \"doc\"; STORE_NAME __doc__";
    check(source, Mode::Exec, &level(1), &format!("{doc}; {end}"));
    check(source, Mode::Exec, &level(2), &format!("RESUME; {end}"));
}

#[test]
fn top_level_await_makes_a_coroutine() {
    let options = CompileOptions { top_level_await: true, ..CompileOptions::default() };
    let code = compiled("await x", Mode::Eval, &options).expect("it is allowed");
    assert!(code.flags.contains(CodeFlags::COROUTINE));
    assert!(compiled("await x", Mode::Eval, &CompileOptions::default()).is_err());
}

#[test]
fn futures_are_handed_on() {
    let futures = CodeFlags::FUTURE_ANNOTATIONS;
    let options = CompileOptions { futures, ..CompileOptions::default() };
    let code = compiled("x: a   +b", Mode::Exec, &options).expect("it compiles");
    assert!(code.flags.contains(futures));
    assert!(code.consts.contains(&Const::str("a + b")));
}

#[test]
fn long_chains_need_no_deep_stack() {
    let options = CompileOptions::default();
    let sum = vec!["x"; 2_000].join("+");
    assert!(compiled(&sum, Mode::Eval, &options).is_ok());
    let elifs = "elif x: y\n".repeat(500);
    assert!(compiled(&format!("if x: y\n{elifs}"), Mode::Exec, &options).is_ok());
}

#[test]
fn deep_nesting_is_refused() {
    let options = CompileOptions { stack_budget: 1 << 16, ..CompileOptions::default() };
    let error = compiled(&format!("x{}", ".a".repeat(1_000)), Mode::Eval, &options).expect_err("it is too deep");
    assert_eq!(error.class, ErrorClass::RecursionError);
}
