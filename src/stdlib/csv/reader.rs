//! Readers: lines of text to lists of fields.

use super::dialect::{Dialect, Options, Quoting, make};
use super::{FIELD_LIMIT, error, positional};
use std::sync::atomic::Ordering;
use taipan_runtime::object::{GetSetDef, Py, PyResult, Raised, Slots, TypeDef, TypeFlags, Value, instance, none};
use taipan_runtime::types::list::List;
use taipan_runtime::types::str::Str;
use taipan_runtime::vm::Vm;
use taipan_runtime::vm::args::Args;

/// Payload of `reader`.
pub struct Reader {
    lines: Value,
    dialect: Py<Dialect>,
    line_num: usize,
    /// How many records were begun: the lines' iterator may call the reader again.
    records: u64,
}
taipan_runtime::payload!(Reader, READER,
    traverse(self, visit) {
        visit(&self.lines);
        visit(self.dialect.as_value());
    },
    clear(self) { drop(std::mem::replace(&mut self.lines, none())) });

/// `_csv.reader`, the type; the module shows it as `Reader`.
pub static READER: TypeDef = TypeDef::new::<Reader>("_csv.reader")
    .doc("CSV reader\n\nReader objects are responsible for reading and parsing tabular data\nin CSV format.\n")
    .flags(TypeFlags::HAVE_GC.union(TypeFlags::DISALLOW_INSTANTIATION))
    .cpython_size(88, 0)
    .slots(Slots { iter: Some(|_, me| Ok(me.clone())), next: Some(next), ..Slots::NONE })
    .getset(&[
        GetSetDef::member("dialect", "", |vm, me| Ok(this(me).get(vm).dialect.clone().into())),
        GetSetDef::member("line_num", "", |vm, me| Ok(Value::from_usize(this(me).get(vm).line_num))),
    ]);

fn this(me: &Value) -> &Py<Reader> {
    me.downcast::<Reader>().expect("a method of reader is called on one")
}

/// `reader(iterable, dialect='excel', **fmtparams)`
pub fn reader(vm: &mut Vm, args: &Args<'_>) -> PyResult {
    positional(vm, args, "reader")?;
    let lines = vm.iter(&args.pos()[0])?;
    let options = Options::of_call(vm, args)?;
    let dialect = make(vm, &options)?.into_py::<Dialect>().expect("make gives a dialect");
    Ok(instance::new(Reader { lines, dialect, line_num: 0, records: 0 }).into())
}

/// Where in a record the reader is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    StartRecord,
    StartField,
    Escaped,
    InField,
    InQuoted,
    EscapedInQuoted,
    QuoteInQuoted,
    EatNewline,
    AfterEscapedNewline,
}

/// What ends a line where there is no character.
const END: u32 = u32::MAX;

/// One record being read.
struct Record {
    dialect: Py<Dialect>,
    state: State,
    fields: Vec<Value>,
    field: Vec<u32>,
    unquoted: bool,
    limit: usize,
}

fn is_newline(c: u32) -> bool {
    c == 0x0a || c == 0x0d
}

impl Record {
    fn add(&mut self, vm: &mut Vm, c: u32) -> PyResult<()> {
        if self.field.len() >= self.limit {
            return Err(error(vm, &format!("field larger than field limit ({})", self.limit)));
        }
        self.field.push(c);
        Ok(())
    }

    fn save(&mut self, vm: &mut Vm) -> PyResult<()> {
        let quoting = self.dialect.quoting;
        let text: Value = Str::from_code_points(&self.field).into();
        let empty = self.field.is_empty();
        self.field.clear();
        let value = if !self.unquoted {
            text
        } else if empty && matches!(quoting, Quoting::NotNull | Quoting::Strings) {
            none()
        } else if !empty && matches!(quoting, Quoting::NonNumeric | Quoting::Strings) {
            vm.call1(&taipan_runtime::types::float::FLOAT.value(), &text)?
        } else {
            text
        };
        self.fields.push(value);
        self.unquoted = true;
        Ok(())
    }

    /// Saves the field and goes on after the newline, delimiter or end of line that ended it.
    fn end_field(&mut self, vm: &mut Vm, c: u32) -> PyResult<()> {
        self.save(vm)?;
        self.state = match c {
            END => State::StartRecord,
            c if is_newline(c) => State::EatNewline,
            _ => State::StartField,
        };
        Ok(())
    }

    fn start_field(&mut self, vm: &mut Vm, c: u32) -> PyResult<()> {
        let d = self.dialect.clone();
        if c == END || is_newline(c) {
            return self.end_field(vm, c);
        }
        if Some(c) == d.quotechar && d.quoting != Quoting::None {
            self.unquoted = false;
            self.state = State::InQuoted;
        } else if Some(c) == d.escapechar {
            self.state = State::Escaped;
        } else if c == 0x20 && d.skipinitialspace {
            self.state = State::StartField;
        } else if c == d.delimiter {
            self.end_field(vm, c)?;
        } else {
            self.add(vm, c)?;
            self.state = State::InField;
        }
        Ok(())
    }

    fn in_field(&mut self, vm: &mut Vm, c: u32) -> PyResult<()> {
        if c == END || is_newline(c) || c == self.dialect.delimiter {
            return self.end_field(vm, c);
        }
        if Some(c) == self.dialect.escapechar {
            self.state = State::Escaped;
            return Ok(());
        }
        self.state = State::InField;
        self.add(vm, c)
    }

    fn in_quoted(&mut self, vm: &mut Vm, c: u32) -> PyResult<()> {
        let d = &self.dialect;
        if c == END {
            return Ok(());
        }
        if Some(c) == d.escapechar {
            self.state = State::EscapedInQuoted;
        } else if Some(c) == d.quotechar && d.quoting != Quoting::None {
            self.state = if d.doublequote { State::QuoteInQuoted } else { State::InField };
        } else {
            self.add(vm, c)?;
        }
        Ok(())
    }

    fn after_quote(&mut self, vm: &mut Vm, c: u32) -> PyResult<()> {
        let d = self.dialect.clone();
        if d.quoting != Quoting::None && Some(c) == d.quotechar {
            self.add(vm, c)?;
            self.state = State::InQuoted;
        } else if c == END || is_newline(c) || c == d.delimiter {
            self.end_field(vm, c)?;
        } else if d.strict {
            let show = |c: u32| char::from_u32(c).unwrap_or('\u{fffd}');
            let quote = show(d.quotechar.unwrap_or(0x22));
            return Err(error(vm, &format!("'{}' expected after '{quote}'", show(d.delimiter))));
        } else {
            self.add(vm, c)?;
            self.state = State::InField;
        }
        Ok(())
    }

    /// Takes in one character or the end of a line.
    fn take(&mut self, vm: &mut Vm, c: u32) -> PyResult<()> {
        match self.state {
            State::StartRecord if c == END => Ok(()),
            State::StartRecord if is_newline(c) => {
                self.state = State::EatNewline;
                Ok(())
            }
            State::StartRecord | State::StartField => self.start_field(vm, c),
            State::Escaped if is_newline(c) => {
                self.state = State::AfterEscapedNewline;
                self.add(vm, c)
            }
            State::Escaped => {
                self.state = State::InField;
                self.add(vm, if c == END { 0x0a } else { c })
            }
            State::AfterEscapedNewline if c == END => Ok(()),
            State::AfterEscapedNewline | State::InField => self.in_field(vm, c),
            State::InQuoted => self.in_quoted(vm, c),
            State::EscapedInQuoted => {
                self.state = State::InQuoted;
                self.add(vm, if c == END { 0x0a } else { c })
            }
            State::QuoteInQuoted => self.after_quote(vm, c),
            State::EatNewline if is_newline(c) => Ok(()),
            State::EatNewline if c == END => {
                self.state = State::StartRecord;
                Ok(())
            }
            State::EatNewline => Err(error(
                vm,
                "new-line character seen in unquoted field - do you need to open the file with newline=''?",
            )),
        }
    }

    /// Takes in a line. Runs of plain characters are the common case.
    fn line(&mut self, vm: &mut Vm, line: &Str) -> PyResult<()> {
        for c in line.code_points() {
            self.take(vm, c)?;
        }
        self.take(vm, END)
    }
}

fn next(vm: &mut Vm, me: &Value) -> PyResult<Option<Value>> {
    let me = this(me);
    let (lines, dialect) = (me.get(vm).lines.clone(), me.get(vm).dialect.clone());
    me.get_mut(vm).records += 1;
    let number = me.get(vm).records;
    let limit = FIELD_LIMIT.load(Ordering::Relaxed).max(0) as usize;
    let mut record =
        Record { dialect, state: State::StartRecord, fields: Vec::new(), field: Vec::new(), unquoted: true, limit };
    loop {
        let Some(line) = vm.next(&lines)? else {
            if record.field.is_empty() && record.state != State::InQuoted {
                return Ok(None);
            }
            if record.dialect.strict {
                return Err(error(vm, "unexpected end of data"));
            }
            record.save(vm)?;
            break;
        };
        let Some(text) = line.downcast::<Str>() else { return Err(not_text(vm, &line)) };
        if me.get(vm).records != number {
            return Err(error(vm, "iterator has already advanced the reader"));
        }
        me.get_mut(vm).line_num += 1;
        record.line(vm, text)?;
        if record.state == State::StartRecord {
            break;
        }
    }
    Ok(Some(List::from_vec(record.fields).into()))
}

#[cold]
fn not_text(vm: &mut Vm, line: &Value) -> Raised {
    let name = line.class().payload.name();
    error(vm, &format!("iterator should return strings, not {name} (the file should be opened in text mode)"))
}
