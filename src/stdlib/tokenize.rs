//! `_tokenize` (`Python/Python-tokenize.c`): the tokens of a source, for `Lib/tokenize.py`.
//!
//! The lines are all read when the first token is asked for: nothing but a `readline` with effects of its own can tell.

use std::cell::{Cell, RefCell};
use taipan_runtime::import::ModuleDef;
use taipan_runtime::object::{Frozen, Py, PyResult, Raised, Slots, Type, TypeDef, TypeFlags, Value, instance, none};
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::exceptions::{self as exc, STOP_ITERATION};
use taipan_runtime::types::int::Int;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::vm::Vm;
use taipan_runtime::vm::args::Args;
use taipan_syntax::tokens::{TokenInfo, TokenSource};
use taipan_syntax::{ErrorClass, Location, SyntaxError};

/// The module.
pub static MODULE: ModuleDef = ModuleDef::new("_tokenize").doc("Python's own tokenizer.").types(&[&TOKENIZER_ITER]);

/// Payload of `TokenizerIter`.
pub struct TokenizerIter {
    readline: Value,
    encoding: Option<String>,
    extra_tokens: bool,
    /// What is left; absent before the first token.
    left: RefCell<Option<Left>>,
    /// No token comes any more.
    finished: Cell<bool>,
}
taipan_runtime::payload!(TokenizerIter, TOKENIZER_ITER,
    traverse(self, visit) {
        visit(&self.readline);
        if let Some(left) = &*self.left.borrow() {
            left.failure.iter().for_each(&mut *visit);
            left.line.iter().for_each(|line| visit(line.as_value()));
        }
    },
    clear(self) {});
impl Frozen for TokenizerIter {}

/// The tokens that are left.
struct Left {
    tokens: std::vec::IntoIter<TokenInfo>,
    error: Option<Box<SyntaxError>>,
    /// What reading the lines failed with.
    failure: Option<Value>,
    /// The line of the token before.
    line: Option<Py<Str>>,
    line_text: String,
}

/// `_tokenize.TokenizerIter`
pub static TOKENIZER_ITER: TypeDef = TypeDef::new::<TokenizerIter>("_tokenize.TokenizerIter")
    .flags(TypeFlags::HAVE_GC)
    .cpython_size(56, 0)
    .slots(Slots { new: Some(new), iter: Some(|_, me| Ok(me.clone())), next: Some(next), ..Slots::NONE });

fn new(vm: &mut Vm, class: &Py<Type>, args: &Args<'_>) -> PyResult {
    let [readline] = args.pos() else {
        let n = args.len();
        return Err(vm.type_error(format!("tokenizeriter() takes exactly 1 positional argument ({n} given)")));
    };
    for (name, _) in args.keywords() {
        if !name.is_text("extra_tokens") && !name.is_text("encoding") {
            let name = name.to_rust();
            return Err(vm.type_error(format!("tokenizeriter() got an unexpected keyword argument '{name}'")));
        }
    }
    let Some(extra) = args.keyword("extra_tokens") else {
        return Err(vm.type_error("tokenizeriter() missing required argument 'extra_tokens' (pos 2)"));
    };
    let extra_tokens = vm.truth(extra)?;
    let encoding = match args.keyword("encoding") {
        Some(e) => Some(vm.expect_str(e, "tokenizeriter() argument 'encoding'")?.to_rust().into_owned()),
        None => None,
    };
    let payload = TokenizerIter {
        readline: readline.clone(),
        encoding,
        extra_tokens,
        left: RefCell::new(None),
        finished: Cell::new(false),
    };
    Ok(instance::new_of(class, payload).into())
}

/// One line, decoded; `None` at the end.
fn read_line(vm: &mut Vm, me: &TokenizerIter) -> PyResult<Option<String>> {
    let called = vm.call0(&me.readline);
    let Some(line) = vm.suppress(called, &STOP_ITERATION)? else { return Ok(None) };
    let text = match &me.encoding {
        Some(encoding) => {
            let Some(bytes) = line.downcast::<Bytes>() else {
                return Err(vm.type_error("readline() returned a non-bytes object"));
            };
            vm.decode(bytes.as_slice(), encoding, "replace")?
        }
        None => match line.downcast::<Str>() {
            Some(s) => s.clone(),
            None => return Err(vm.type_error("readline() returned a non-string object")),
        },
    };
    match text.to_utf8() {
        Some(t) => Ok((!t.is_empty()).then(|| t.into_owned())),
        None => {
            let at = text.code_points().position(|c| (0xD800..0xE000).contains(&c)).unwrap_or(0);
            Err(vm.unicode_encode_error("utf-8", &text, at, at + 1, "surrogates not allowed"))
        }
    }
}

/// Reads all lines and finds their tokens; those before the line where reading failed.
fn read(vm: &mut Vm, me: &TokenizerIter) -> Left {
    let (mut text, mut lines, mut failure, mut error) = (String::new(), 0, None, None);
    loop {
        match read_line(vm, me) {
            Ok(None) => break,
            Ok(Some(line)) => {
                lines += 1;
                if let Some(at) = line.find('\0') {
                    error = Some(null_byte(lines, &line[..at]));
                    break;
                }
                text.push_str(&line);
            }
            Err(_) => {
                failure = Some(vm.take_error());
                break;
            }
        }
    }
    let cut_off = failure.is_some() || error.is_some();
    let mut tokens = Vec::new();
    if !(cut_off && text.is_empty()) {
        for token in TokenSource::new(&text).tokens("<string>", me.extra_tokens) {
            match token {
                // What ends the source is not known to come.
                Ok(t) if cut_off && t.number == 0 => break,
                Ok(t) => tokens.push(t),
                Err(e) => {
                    if !(cut_off && e.msg.starts_with("unexpected EOF")) {
                        (error, failure) = (Some(e), None);
                    }
                    break;
                }
            }
        }
    }
    Left { tokens: tokens.into_iter(), error, failure, line: None, line_text: String::new() }
}

fn null_byte(line: i32, before: &str) -> Box<SyntaxError> {
    let mut e = SyntaxError::new(ErrorClass::SyntaxError, "source code cannot contain null bytes");
    e.location = Some(Location { lineno: line, offset: 0, end_lineno: line, end_offset: 0 });
    e.text = Some(before.to_owned());
    Box::new(e)
}

fn next(vm: &mut Vm, me: &Value) -> PyResult<Option<Value>> {
    let me = me.downcast::<TokenizerIter>().expect("a TokenizerIter").clone();
    if me.finished.get() {
        return Ok(None);
    }
    if me.left.borrow().is_none() {
        let left = read(vm, &me);
        me.left.replace(Some(left));
    }
    let mut left = me.left.borrow_mut();
    let Some(state) = &mut *left else { return Ok(None) };
    if let Some(token) = state.tokens.next() {
        return Ok(Some(state.tuple(token)));
    }
    me.finished.set(true);
    let (error, failure) = (state.error.take(), state.failure.take());
    drop(left);
    match (failure, error) {
        (Some(e), _) => Err(vm.raise(e)),
        (None, Some(e)) => Err(refuse(vm, &e)),
        (None, None) => Ok(None),
    }
}

impl Left {
    /// `(number, string, (line, column), (line, column), line)`
    fn tuple(&mut self, token: TokenInfo) -> Value {
        let place = |(line, column): (i32, i32)| -> Value {
            Tuple::of([Int::from_i64(line.into()), Int::from_i64(column.into())]).into()
        };
        let line = match &self.line {
            Some(line) if token.line == self.line_text => line.clone(),
            _ => {
                let line = Str::from_rust(&token.line);
                self.line = Some(line.clone());
                self.line_text = token.line;
                line
            }
        };
        let string = Str::from_rust(&token.string);
        Tuple::of([
            Value::from_usize(token.number.into()),
            string.into(),
            place(token.start),
            place(token.end),
            line.into(),
        ])
        .into()
    }
}

/// Raises a syntax error as the tokenizer does: the end of an open statement has its place in attributes only.
fn refuse(vm: &mut Vm, e: &SyntaxError) -> Raised {
    let class = match e.class {
        ErrorClass::IndentationError => &exc::INDENTATION_ERROR,
        ErrorClass::TabError => &exc::TAB_ERROR,
        _ => &exc::SYNTAX_ERROR,
    };
    let made = exception(vm, class, e);
    match made {
        Ok(error) => vm.raise(error),
        Err(r) => r,
    }
}

fn exception(vm: &mut Vm, class: &'static TypeDef, e: &SyntaxError) -> PyResult {
    let message = vm.new_str(&e.msg);
    let Some(at) = e.location else { return exc::instantiate(vm, class, &[message]) };
    let number = |n: i32| Int::from_i64(n.into());
    let filename = vm.new_str("<string>");
    if e.msg.starts_with("unexpected EOF") {
        let error = exc::instantiate(vm, class, &[message])?;
        vm.set_attr_text(&error, "filename", &filename)?;
        vm.set_attr_text(&error, "lineno", &number(at.lineno))?;
        vm.set_attr_text(&error, "offset", &number(at.offset))?;
        return Ok(error);
    }
    let text = e.text.as_deref().map_or_else(none, |t| vm.new_str(t));
    let (end_line, end_offset) = match at.end_lineno {
        0 => (none(), none()),
        line => (number(line), number(at.end_offset)),
    };
    let place = [filename, number(at.lineno), number(at.offset), text, end_line, end_offset];
    exc::instantiate(vm, class, &[message, Tuple::from_slice(&place).into()])
}
