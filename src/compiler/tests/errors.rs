//! What the compiler refuses, in CPython's words and at its places.
//!
//! With `TAIPAN_ERRORS` naming a file that `tests/oracle/dump_errors.py` wrote, every snippet in it is compared too.

use taipan_compiler::{CompileOptions, compile};
use taipan_syntax::{ParseOptions, parse};

/// What compiling gives: nothing, or "message|line|offset|end line|end offset".
fn refusal(source: &str) -> Option<String> {
    let options = ParseOptions { filename: "<snippet>".to_owned(), ..ParseOptions::default() };
    let result = parse(source, &options)
        .and_then(|parsed| compile(parsed.module, "<snippet>", &CompileOptions::default()).map(drop));
    let error = result.err()?;
    let at = error.location.unwrap_or_default();
    Some(format!("{}|{}|{}|{}|{}", error.msg, at.lineno, at.offset, at.end_lineno, at.end_offset))
}

const REFUSED: &[(&str, &str)] = &[
    ("return 1", "'return' outside function|1|1|1|9"),
    ("yield 1", "'yield' outside function|1|1|1|8"),
    ("def f():\n    async with a: pass", "'async with' outside async function|2|5|2|23"),
    ("def f():\n    await x", "'await' outside async function|2|5|2|12"),
    ("await x", "'await' outside function|1|1|1|8"),
    ("async def f():\n    yield from x", "'yield from' inside async function|2|5|2|17"),
    ("async def f():\n    yield 1\n    return 2", "'return' with value in async generator|3|5|3|13"),
    ("[x async for x in y]", "asynchronous comprehension outside of an asynchronous function|1|1|1|21"),
    ("break", "'break' outside loop|1|1|1|6"),
    ("continue", "'continue' not properly in loop|1|1|1|9"),
    (
        "def f():\n    try: pass\n    except* A:\n        return 1",
        "'break', 'continue' and 'return' cannot appear in an except* block|4|16|4|17",
    ),
    ("try: pass\nexcept: pass\nexcept ValueError: pass", "default 'except:' must be last|2|1|2|13"),
    ("*a = 1", "starred assignment target must be in a list or tuple|1|1|1|3"),
    ("*a, *b = 1", "multiple starred expressions in assignment|1|1|1|7"),
    ("*a", "can't use starred expression here|1|1|1|3"),
    ("f(a=1, a=2)", "keyword argument repeated: a|1|8|1|11"),
    ("match x:\n    case a: pass\n    case b: pass", "name capture 'a' makes remaining patterns unreachable|2|10|2|11"),
    ("match x:\n    case _: pass\n    case 1: pass", "wildcard makes remaining patterns unreachable|2|10|2|11"),
    ("match x:\n    case (a, a): pass", "multiple assignments to name 'a' in pattern|2|14|2|15"),
    ("match x:\n    case {1: a, 1: b}: pass", "mapping pattern checks duplicate key (1)|2|10|2|22"),
    ("match x:\n    case {1: a, 1.0: b}: pass", "mapping pattern checks duplicate key (1.0)|2|10|2|24"),
    ("match x:\n    case {'a': a, 'a': b}: pass", "mapping pattern checks duplicate key ('a')|2|10|2|26"),
    ("match x:\n    case A(x=1, x=2): pass", "attribute name repeated in class pattern: x|2|19|2|20"),
    ("match x:\n    case [a] | [b]: pass", "alternative patterns bind different names|2|10|2|19"),
    ("match x:\n    case [*a, *b]: pass", "multiple starred names in sequence pattern|2|10|2|18"),
    (
        "x = 1\nfrom __future__ import division",
        "from __future__ imports must occur at the beginning of the file|2|1|2|32",
    ),
    ("def f(a, a): pass", "duplicate argument 'a' in function definition|1|10|1|11"),
    ("def f(x):\n    global x", "name 'x' is parameter and global|2|5|2|13"),
    ("def f():\n    x = 1\n    global x", "name 'x' is assigned to before global declaration|3|5|3|13"),
    ("def f():\n    print(x)\n    global x", "name 'x' is used prior to global declaration|3|5|3|13"),
    ("def f():\n    x: int\n    global x", "annotated name 'x' can't be global|3|5|3|13"),
    ("def f():\n    nonlocal x", "no binding for nonlocal 'x' found|2|5|2|15"),
    ("nonlocal x", "nonlocal declaration not allowed at module level|1|1|1|11"),
    (
        "def f():\n    x = 1\n    def g():\n        x = 2\n        nonlocal x",
        "name 'x' is assigned to before nonlocal declaration|5|9|5|19",
    ),
    ("def f():\n    global x\n    nonlocal x", "name 'x' is nonlocal and global|2|5|2|13"),
    ("def f():\n    from x import *", "import * only allowed at module level|2|19|2|20"),
    ("def f[T, T](): pass", "duplicate type parameter 'T'|1|10|1|11"),
    ("def f[T=int, U](): pass", "non-default type parameter 'U' follows default type parameter|1|14|1|15"),
    ("def f[T](): nonlocal T", "nonlocal binding not allowed for type parameter 'T'|1|13|1|23"),
    ("def f[T: (yield)](): pass", "yield expression cannot be used within a TypeVar bound|1|11|1|16"),
    ("class A[T](x := 1): pass", "named expression cannot be used within the definition of a generic|1|12|1|18"),
    ("def f() -> (yield): pass", "yield expression cannot be used within an annotation|1|13|1|18"),
    ("def f(x: (await y)): pass", "await expression cannot be used within an annotation|1|11|1|18"),
    ("type X = (yield)", "yield expression cannot be used within a type alias|1|11|1|16"),
    ("type X = (x := 1)", "named expression cannot be used within a type alias|1|11|1|17"),
    ("[x := 1 for x in y]", "assignment expression cannot rebind comprehension iteration variable 'x'|1|2|1|3"),
    (
        "[(x := 1) for y in (x := 2)]",
        "assignment expression cannot be used in a comprehension iterable expression|1|21|1|27",
    ),
    (
        "class A: [(x := 1) for y in z]",
        "assignment expression within a comprehension cannot be used in a class body|1|12|1|13",
    ),
    ("def f(): [(yield) for x in y]", "'yield' inside list comprehension|1|12|1|17"),
    ("def f(): ((yield) for x in y)", "'yield' inside generator expression|1|12|1|17"),
    ("__debug__ = 1", "cannot assign to __debug__|1|1|1|10"),
    ("del __debug__", "cannot delete __debug__|1|5|1|14"),
    ("def f():\n    async for x in y: pass", "'async for' outside async function|2|5|2|27"),
    ("def f():\n    def g():\n        nonlocal y", "no binding for nonlocal 'y' found|3|9|3|19"),
];

#[test]
fn refusals_are_cpythons() {
    for (source, expected) in REFUSED {
        assert_eq!(refusal(source).as_deref(), Some(*expected), "{source}");
    }
}

#[test]
fn dumped_refusals_are_cpythons() {
    let Ok(dump) = std::env::var("TAIPAN_ERRORS") else { return };
    let data = std::fs::read(dump).expect("the dump is readable");
    let mut rest = &data[..];
    let mut parts = Vec::new();
    while let Some((length, more)) = rest.split_at_checked(4) {
        let length = u32::from_le_bytes(length.try_into().expect("four bytes")) as usize;
        parts.push(std::str::from_utf8(&more[..length]).expect("text"));
        rest = &more[length..];
    }
    let mut different = 0;
    for pair in parts.chunks_exact(2) {
        let ours = refusal(pair[0]);
        if ours.as_deref() != Some(pair[1]) {
            different += 1;
            println!("{}\n  ours   {ours:?}\n  theirs {:?}", pair[0], pair[1]);
        }
    }
    println!("{} of {} refusals differ", different, parts.len() / 2);
    assert_eq!(different, 0);
}
