//! Writers: rows of values to lines of text.

use super::dialect::{Dialect, Options, Quoting, make};
use super::{error, positional};
use taipan_base::text::Builder;
use taipan_runtime::object::{
    GetSetDef, MethodDef, NativeFn::*, Py, PyResult, TypeDef, TypeFlags, Value, instance, none,
};
use taipan_runtime::types::exceptions::TYPE_ERROR;
use taipan_runtime::types::str::Str;
use taipan_runtime::vm::Vm;
use taipan_runtime::vm::args::Args;

/// Payload of `writer`.
pub struct Writer {
    write: Value,
    dialect: Py<Dialect>,
}
taipan_runtime::payload!(Writer, WRITER,
    traverse(self, visit) {
        visit(&self.write);
        visit(self.dialect.as_value());
    },
    clear(self) { drop(std::mem::replace(&mut self.write, none())) });

/// `_csv.writer`, the type; the module shows it as `Writer`.
pub static WRITER: TypeDef = TypeDef::new::<Writer>("_csv.writer")
    .doc(
        "CSV writer\n\nWriter objects are responsible for generating tabular data\nin CSV format from sequence \
         input.\n",
    )
    .flags(TypeFlags::HAVE_GC.union(TypeFlags::DISALLOW_INSTANTIATION))
    .cpython_size(72, 0)
    .getset(&[GetSetDef::member("dialect", "", |vm, me| Ok(this(me).get(vm).dialect.clone().into()))])
    .methods(&[
        MethodDef::method(
            "writerow",
            "($self, row, /)",
            "Construct and write a CSV record from an iterable of fields.",
            F2(writerow),
        ),
        MethodDef::method(
            "writerows",
            "($self, rows, /)",
            "Construct and write a series of iterables to a csv file.",
            F2(|vm, me, rows| {
                vm.for_each(rows, |vm, row| writerow(vm, me, &row).map(|_| true))?;
                Ok(none())
            }),
        ),
    ]);

fn this(me: &Value) -> &Py<Writer> {
    me.downcast::<Writer>().expect("a method of writer is called on one")
}

/// `writer(fileobj, dialect='excel', **fmtparams)`
pub fn writer(vm: &mut Vm, args: &Args<'_>) -> PyResult {
    positional(vm, args, "writer")?;
    let options = Options::of_call(vm, args)?;
    let dialect = make(vm, &options)?.into_py::<Dialect>().expect("make gives a dialect");
    let name = vm.intern("write");
    let write = vm.get_attr_opt(&args.pos()[0], &name)?.filter(|w| vm.callable(w));
    let Some(write) = write else { return Err(vm.type_error("argument 1 must have a \"write\" method")) };
    Ok(instance::new(Writer { write, dialect }).into())
}

/// One line being written.
struct Line {
    dialect: Py<Dialect>,
    out: Builder,
    fields: usize,
}

impl Line {
    /// Appends a field; `None` stands for the value `None`.
    fn field(&mut self, vm: &mut Vm, field: Option<&Str>, quoted: bool) -> PyResult<()> {
        let d = self.dialect.clone();
        let mut quoted = quoted;
        let empty = field.is_none_or(|f| f.len() == 0);
        if empty && d.delimiter == 0x20 && d.skipinitialspace {
            let null = field.is_none() && matches!(d.quoting, Quoting::Strings | Quoting::NotNull);
            if d.quoting == Quoting::None || null {
                return Err(error(
                    vm,
                    "empty field must be quoted if delimiter is a space and skipinitialspace is true",
                ));
            }
            quoted = true;
        }
        let mut body = Builder::new();
        for c in field.into_iter().flat_map(|f| f.code_points()) {
            self.character(vm, &d, &mut body, c, &mut quoted)?;
        }
        if self.fields > 0 {
            self.out.push(d.delimiter);
        }
        self.fields += 1;
        let quote = d.quotechar.filter(|_| quoted);
        self.out.extend(quote);
        self.out.push_text(&body.finish());
        self.out.extend(quote);
        Ok(())
    }

    fn character(&self, vm: &mut Vm, d: &Dialect, body: &mut Builder, c: u32, quoted: &mut bool) -> PyResult<()> {
        let (is_quote, is_escape) = (Some(c) == d.quotechar, Some(c) == d.escapechar);
        let special = c == d.delimiter
            || is_quote
            || is_escape
            || c == 0x0a
            || c == 0x0d
            || d.lineterminator.code_points().any(|t| t == c);
        if special {
            let escape = if d.quoting == Quoting::None {
                true
            } else if is_quote {
                if d.doublequote {
                    body.push(c);
                }
                !d.doublequote
            } else {
                is_escape
            };
            if !escape {
                *quoted = true;
            } else {
                match d.escapechar {
                    Some(e) => body.push(e),
                    None => return Err(error(vm, "need to escape, but no escapechar set")),
                }
            }
        }
        body.push(c);
        Ok(())
    }
}

/// Whether `PyNumber_Check` holds.
fn is_number(v: &Value) -> bool {
    let slots = v.class().payload.slots();
    v.is_small()
        || slots.index.is_some()
        || slots.int.is_some()
        || slots.float.is_some()
        || v.downcast::<taipan_runtime::types::complex::Complex>().is_some()
}

fn writerow(vm: &mut Vm, me: &Value, row: &Value) -> PyResult {
    let (dialect, write) = (this(me).get(vm).dialect.clone(), this(me).get(vm).write.clone());
    let fields = match vm.iter(row) {
        Ok(it) => it,
        Err(_) if vm.error_is(&TYPE_ERROR) => {
            vm.clear_error();
            let name = row.class().payload.name();
            return Err(error(vm, &format!("iterable expected, not {name}")));
        }
        Err(r) => return Err(r),
    };
    let mut line = Line { dialect: dialect.clone(), out: Builder::new(), fields: 0 };
    let mut null = false;
    while let Some(field) = vm.next(&fields)? {
        let quoted = match dialect.quoting {
            Quoting::NonNumeric => !is_number(&field),
            Quoting::All => true,
            Quoting::Strings => field.downcast::<Str>().is_some(),
            Quoting::NotNull => !field.is_none(),
            Quoting::Minimal | Quoting::None => false,
        };
        null = field.is_none();
        if null {
            line.field(vm, None, quoted)?;
        } else if let Some(s) = field.downcast::<Str>() {
            line.field(vm, Some(s), quoted)?;
        } else {
            let s = vm.str(&field)?;
            line.field(vm, Some(&s), quoted)?;
        }
    }
    if line.fields > 0 && line.out.is_empty() {
        if dialect.quoting == Quoting::None || null && matches!(dialect.quoting, Quoting::Strings | Quoting::NotNull) {
            return Err(error(vm, "single empty field record must be quoted"));
        }
        line.fields -= 1;
        line.field(vm, None, true)?;
    }
    line.out.extend(dialect.lineterminator.code_points());
    let text = Str::from_text(&line.out.finish());
    vm.call1(&write, text.as_value())
}
