//! `xmlparser`: a parser with its handlers.

use super::event::{Event, Fault, Model, Position, Told, code};
use super::machine::Machine;
use super::{raise, raise_text};
use taipan_runtime::object::buffer::BufferRequest;
use taipan_runtime::object::{
    GetSetDef, MethodDef, NativeFn::*, Py, PyResult, TypeDef, TypeFlags, Value, boolean, instance, none,
};
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::dict::Dict;
use taipan_runtime::types::int::{Int, IntRef};
use taipan_runtime::types::list::List;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::vm::Vm;
use taipan_runtime::vm::args::{Args, Signature};

macro_rules! number {
    ($name:literal, |$vm:ident, $me:ident| $value:expr) => {
        GetSetDef::get($name, "", |$vm, $me| Ok(Value::from_usize($value)))
    };
}

macro_rules! flag {
    ($name:literal, $field:ident) => {
        GetSetDef::get_set(
            $name,
            "",
            |vm, me| Ok(boolean(this(me).get(vm).$field)),
            |vm, me, value| set_flag(vm, me, $name, value, |p| &mut p.$field),
        )
    };
}

macro_rules! handlers {
    ($($name:ident)*) => {
        /// The kinds of handlers.
        #[allow(clippy::enum_variant_names)]
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        enum Handler { $($name),* }
        const HANDLERS: usize = [$(stringify!($name)),*].len();
        /// Attributes for the handlers, then the others.
        const GETSET: &[GetSetDef] = &[
            $( GetSetDef::get_set(
                stringify!($name),
                "",
                |vm, me| Ok(this(me).get(vm).handlers[Handler::$name as usize].clone().unwrap_or_else(none)),
                |vm, me, value| set_handler(vm, me, Handler::$name, value),
            ), )*
            number!("ErrorCode", |vm, me| this(me).get(vm).fault.map_or(0, |f| f.code)),
            number!("ErrorLineNumber", |vm, me| position(vm, me).line + 1),
            number!("ErrorColumnNumber", |vm, me| position(vm, me).column),
            GetSetDef::get("ErrorByteIndex", "", byte_index),
            number!("CurrentLineNumber", |vm, me| position(vm, me).line + 1),
            number!("CurrentColumnNumber", |vm, me| position(vm, me).column),
            GetSetDef::get("CurrentByteIndex", "", byte_index),
            GetSetDef::get_set(
                "buffer_size",
                "",
                |vm, me| Ok(Value::from_usize(this(me).get(vm).buffer_size)),
                set_buffer_size,
            ),
            GetSetDef::get("buffer_used", "", |vm, me| Ok(Value::from_usize(this(me).get(vm).text.len()))),
            flag!("buffer_text", buffer_text),
            flag!("namespace_prefixes", namespace_prefixes),
            flag!("ordered_attributes", ordered_attributes),
            flag!("specified_attributes", specified_attributes),
            GetSetDef::member("intern", "", |vm, me| Ok(this(me).get(vm).intern.clone().unwrap_or_else(none))),
        ];
    };
}

handlers! {
    StartElementHandler EndElementHandler ProcessingInstructionHandler CharacterDataHandler UnparsedEntityDeclHandler
    NotationDeclHandler StartNamespaceDeclHandler EndNamespaceDeclHandler CommentHandler StartCdataSectionHandler
    EndCdataSectionHandler DefaultHandler DefaultHandlerExpand NotStandaloneHandler ExternalEntityRefHandler
    StartDoctypeDeclHandler EndDoctypeDeclHandler EntityDeclHandler XmlDeclHandler ElementDeclHandler AttlistDeclHandler
    SkippedEntityHandler
}

/// Payload of `xmlparser`.
pub struct Parser {
    machine: Machine,
    handlers: [Option<Value>; HANDLERS],
    intern: Option<Value>,
    base: Option<Value>,
    /// Characters that were not handed on yet.
    text: String,
    buffer_text: bool,
    buffer_size: usize,
    namespace_prefixes: bool,
    ordered_attributes: bool,
    specified_attributes: bool,
    in_callback: bool,
    finished: bool,
    fault: Option<Fault>,
    /// A token in pieces is tried again only when there is much more of it.
    reparse_deferral: bool,
}
taipan_runtime::payload!(Parser, PARSER,
traverse(self, visit) {
    self.handlers.iter().flatten().chain(&self.intern).chain(&self.base).for_each(visit);
},
clear(self) {
    self.handlers = [const { None }; HANDLERS];
    (self.intern, self.base) = (None, None);
});

/// `pyexpat.xmlparser`
pub static PARSER: TypeDef = TypeDef::new::<Parser>("pyexpat.xmlparser")
    .doc("XML parser")
    .flags(TypeFlags::HAVE_GC.union(TypeFlags::DISALLOW_INSTANTIATION))
    .getset(GETSET)
    .methods(&[
        MethodDef::method("Parse", "($self, data, isfinal=False, /)", "Parse XML data.", N(parse)),
        MethodDef::method("ParseFile", "($self, file, /)", "Parse XML data from file-like object.", F2(parse_file)),
        MethodDef::method(
            "SetBase",
            "($self, base, /)",
            "Set the base URL for the parser.",
            F2(|vm, me, base| {
                vm.expect_str(base, "SetBase() argument")?;
                this(me).get_mut(vm).base = Some(base.clone());
                Ok(none())
            }),
        ),
        MethodDef::method(
            "GetBase",
            "($self, /)",
            "Return base URL string for the parser.",
            F1(|vm, me| Ok(this(me).get(vm).base.clone().unwrap_or_else(none))),
        ),
        MethodDef::method(
            "ExternalEntityParserCreate",
            "($self, context, encoding=<unrepresentable>,\n                           /)",
            "Create a parser for parsing an external entity based on the information passed to the ExternalEntityRefHandler.",
            V(external_parser),
        ),
        MethodDef::method(
            "SetParamEntityParsing",
            "($self, flag, /)",
            "Controls parsing of parameter entities (including the external DTD subset).",
            F2(|vm, me, flag| {
                let flag = vm.to_i32(flag)?;
                let p = this(me).get_mut(vm);
                if p.machine.started() {
                    return Ok(Value::from_usize(0));
                }
                p.machine.parameter_parsing = flag;
                Ok(Value::from_usize(1))
            }),
        ),
        MethodDef::method(
            "UseForeignDTD",
            "($self, flag=True, /)",
            "Allows the application to provide an artificial external subset if one is not specified as part of the document instance.",
            N(|vm, args| {
                let [Some(me), flag] = args else { unreachable!("bound by the signature") };
                let flag = flag.as_ref().map_or(Ok(true), |v| vm.truth(v))?;
                let p = this(me).get_mut(vm);
                if p.machine.started() {
                    let fault = Fault { code: code::CANT_CHANGE_FEATURE_ONCE_PARSING, at: Position::default() };
                    return Err(raise(vm, fault));
                }
                p.machine.foreign = flag;
                Ok(none())
            }),
        ),
        MethodDef::method(
            "SetBillionLaughsAttackProtectionActivationThreshold",
            "($self, threshold, /)",
            "Sets the number of output bytes needed to activate protection against billion laughs attacks.",
            F2(|vm, me, threshold| {
                let n = vm.index(threshold)?;
                let n = match Int::read(&n) {
                    Some(i) if i.is_negative() => return Err(vm.value_error("Cannot convert negative int")),
                    Some(IntRef::Small(i)) => Some(i as u64),
                    Some(IntRef::Big(b)) => b.to_u64(),
                    None => None,
                };
                let Some(n) = n else { return Err(vm.overflow_error("Python int too large for C unsigned long long")) };
                root_only(vm, me)?;
                this(me).get_mut(vm).machine.most.0 = n;
                Ok(none())
            }),
        ),
        MethodDef::method(
            "SetBillionLaughsAttackProtectionMaximumAmplification",
            "($self, max_factor, /)",
            "Sets the maximum tolerated amplification factor for protection against billion laughs attacks.",
            F2(|vm, me, factor| {
                let factor = vm.to_f64(factor)?;
                root_only(vm, me)?;
                if factor.is_nan() || factor < 1.0 {
                    return Err(raise_text(vm, Fault { code: code::INVALID_ARGUMENT, at: Position::default() }, "'max_factor' must be at least 1.0"));
                }
                this(me).get_mut(vm).machine.most.1 = factor;
                Ok(none())
            }),
        ),
        MethodDef::method(
            "SetReparseDeferralEnabled",
            "($self, enabled, /)",
            "Enable/Disable reparse deferral; enabled by default.",
            F2(|vm, me, enabled| {
                let enabled = vm.truth(enabled)?;
                this(me).get_mut(vm).reparse_deferral = enabled;
                Ok(none())
            }),
        ),
        MethodDef::method(
            "GetReparseDeferralEnabled",
            "($self, /)",
            "Retrieve reparse deferral enabled status.",
            F1(|vm, me| Ok(boolean(this(me).get(vm).reparse_deferral))),
        ),
    ]);

fn this(me: &Value) -> &Py<Parser> {
    me.downcast::<Parser>().expect("a method of xmlparser is called on one")
}

/// Only the parser of the document itself has a protection to set.
fn root_only(vm: &mut Vm, me: &Value) -> PyResult<()> {
    if this(me).get(vm).machine.is_part() {
        let fault = Fault { code: code::INVALID_ARGUMENT, at: Position::default() };
        return Err(raise_text(vm, fault, "parser must be a root parser"));
    }
    Ok(())
}

fn position(vm: &mut Vm, me: &Value) -> Position {
    let p = this(me).get(vm);
    p.fault.map_or_else(|| p.machine.event_position(), |f| f.at)
}

fn byte_index(vm: &mut Vm, me: &Value) -> PyResult {
    if !this(me).get(vm).machine.started() && this(me).get(vm).fault.is_none() {
        return Ok(Value::small_unchecked(-1));
    }
    Ok(Value::from_usize(position(vm, me).offset))
}

fn set_flag(
    vm: &mut Vm,
    me: &Value,
    name: &str,
    value: Option<&Value>,
    field: fn(&mut Parser) -> &mut bool,
) -> PyResult<()> {
    let Some(value) = value else { return Err(vm.runtime_error("Cannot delete attribute")) };
    let on = vm.truth(value)?;
    if name == "buffer_text" && !on {
        flush(vm, me)?;
    }
    let p = this(me).get_mut(vm);
    *field(p) = on;
    if name == "namespace_prefixes" {
        p.machine.triplets(on);
    }
    Ok(())
}

fn set_buffer_size(vm: &mut Vm, me: &Value, value: Option<&Value>) -> PyResult<()> {
    let Some(value) = value else { return Err(vm.runtime_error("Cannot delete attribute")) };
    if Int::read(value).is_none() {
        return Err(vm.type_error("buffer_size must be an integer"));
    }
    let size = vm.to_i64(value)?;
    if size <= 0 {
        return Err(vm.value_error("buffer_size must be greater than zero"));
    }
    if size > i32::MAX.into() {
        return Err(vm.value_error(format!("buffer_size must not be greater than {}", i32::MAX)));
    }
    flush(vm, me)?;
    this(me).get_mut(vm).buffer_size = size as usize;
    Ok(())
}

fn set_handler(vm: &mut Vm, me: &Value, handler: Handler, value: Option<&Value>) -> PyResult<()> {
    let Some(value) = value else { return Err(vm.runtime_error("Cannot delete attribute")) };
    if handler == Handler::CharacterDataHandler {
        flush(vm, me)?;
    }
    let p = this(me).get_mut(vm);
    let handler_value = (!value.is_none()).then(|| value.clone());
    match handler {
        Handler::DefaultHandler => p.machine.expand = handler_value.is_none(),
        Handler::DefaultHandlerExpand => p.machine.expand = true,
        _ => {}
    }
    p.handlers[handler as usize] = handler_value;
    Ok(())
}

fn new(machine: Machine, intern: Option<Value>) -> Parser {
    Parser {
        machine,
        handlers: [const { None }; HANDLERS],
        intern,
        base: None,
        text: String::new(),
        buffer_text: false,
        buffer_size: 8192,
        namespace_prefixes: false,
        ordered_attributes: false,
        specified_attributes: false,
        in_callback: false,
        finished: false,
        fault: None,
        reparse_deferral: true,
    }
}

/// `pyexpat.ParserCreate`
pub fn create(vm: &mut Vm, args: &Args<'_>) -> PyResult {
    static SIGNATURE: Signature = Signature::new("ParserCreate", "(encoding=None, namespace_separator=None, intern=0)");
    let bound = args.bind(vm, &SIGNATURE)?;
    let text = |vm: &mut Vm, i: usize, name: &str| -> PyResult<Option<String>> {
        match bound[i].as_ref().filter(|v| !v.is_none()) {
            None => Ok(None),
            Some(v) => match v.downcast::<Str>() {
                Some(s) => Ok(Some(s.to_rust().into_owned())),
                None => {
                    let got = v.class().payload.name();
                    Err(vm.type_error(format!("ParserCreate() argument '{name}' must be str or None, not {got}")))
                }
            },
        }
    };
    let encoding = text(vm, 0, "encoding")?;
    let separator = text(vm, 1, "namespace_separator")?;
    if separator.as_ref().is_some_and(|s| s.chars().count() > 1) {
        return Err(vm.value_error("namespace_separator must be at most one character, omitted, or None"));
    }
    let intern = match &bound[2] {
        None => Some(Dict::new_object().into()),
        Some(v) if v.is_none() => None,
        Some(v) if v.downcast::<Dict>().is_some() => Some(v.clone()),
        Some(_) => return Err(vm.type_error("intern must be a dictionary")),
    };
    Ok(instance::new(new(Machine::new(encoding, separator), intern)).into())
}

fn external_parser(vm: &mut Vm, args: &Args<'_>) -> PyResult {
    static SIGNATURE: Signature = Signature::new("ExternalEntityParserCreate", "(self, context, encoding=None, /)");
    let bound = args.bind(vm, &SIGNATURE)?;
    let [Some(me), Some(context), encoding] = &bound[..] else { unreachable!("bound by the signature") };
    let encoding = match encoding.as_ref().filter(|e| !e.is_none()) {
        Some(e) => Some(vm.expect_str(e, "encoding")?.to_rust().into_owned()),
        None => None,
    };
    let p = this(me).get(vm);
    let mut made = new(p.machine.external(context.is_none(), encoding), p.intern.clone());
    made.handlers = p.handlers.clone();
    (made.base, made.buffer_text, made.buffer_size) = (p.base.clone(), p.buffer_text, p.buffer_size);
    (made.ordered_attributes, made.specified_attributes) = (p.ordered_attributes, p.specified_attributes);
    (made.namespace_prefixes, made.reparse_deferral) = (p.namespace_prefixes, p.reparse_deferral);
    Ok(instance::new(made).into())
}

// ---- Parsing -------------------------------------------------------------------------------------------------------

fn parse(vm: &mut Vm, args: &[Option<Value>]) -> PyResult {
    let [Some(me), Some(data), last] = args else { unreachable!("bound by the signature") };
    let last = last.as_ref().map_or(Ok(false), |v| vm.truth(v))?;
    let bytes = match data.downcast::<Str>() {
        Some(s) => {
            let utf8 = vm.encode(s, "utf-8", "strict")?;
            this(me).get_mut(vm).machine.force_utf8();
            utf8.as_slice().to_vec()
        }
        None => vm.buffer(data, BufferRequest::READ)?.to_vec(vm),
    };
    run(vm, me, &bytes, last)
}

fn parse_file(vm: &mut Vm, me: &Value, file: &Value) -> PyResult {
    if this(me).get(vm).in_callback {
        return Err(vm.runtime_error("cannot call ParseFile() from within a handler"));
    }
    let name = vm.intern("read");
    let Some(read) = vm.get_attr_opt(file, &name)? else {
        return Err(vm.type_error("argument must have 'read' attribute"));
    };
    loop {
        let data = vm.call1(&read, &Value::from_usize(2048))?;
        let bytes = match data.downcast::<Bytes>() {
            Some(b) => b.as_slice().to_vec(),
            None if data.downcast::<taipan_runtime::types::bytearray::ByteArray>().is_some() => vm.bytes_like(&data)?,
            None => {
                let name = data.class().payload.name();
                return Err(vm.type_error(format!("read() did not return a bytes object (type={name})")));
            }
        };
        let last = bytes.is_empty();
        let result = run(vm, me, &bytes, last)?;
        if last {
            return Ok(result);
        }
    }
}

/// Parses a piece, handing on what it says.
fn run(vm: &mut Vm, me: &Value, bytes: &[u8], last: bool) -> PyResult {
    let p = this(me).get_mut(vm);
    if p.in_callback {
        return Err(vm.runtime_error("cannot call Parse() from within a handler"));
    }
    if p.finished {
        let fault = p.fault.unwrap_or_else(|| p.machine.fault(code::FINISHED));
        return Err(raise(vm, fault));
    }
    p.machine.feed(bytes);
    if p.reparse_deferral && !last && !p.machine.worth_it() {
        return Ok(Value::from_usize(1));
    }
    let had = p.machine.rest();
    p.in_callback = true;
    let result = events(vm, me, last);
    let p = this(me).get_mut(vm);
    p.in_callback = false;
    p.machine.attempted(had);
    p.finished = last || result.is_err();
    result.map(|()| Value::from_usize(1))
}

fn events(vm: &mut Vm, me: &Value, last: bool) -> PyResult<()> {
    loop {
        let next = this(me).get_mut(vm).machine.next(last);
        match next {
            Ok(Some(told)) => hand_on(vm, me, told)?,
            Ok(None) => match this(me).get(vm).machine.wanted_encoding().map(str::to_owned) {
                Some(name) => unknown_encoding(vm, me, &name)?,
                None => break,
            },
            Err(fault) => {
                flush(vm, me)?;
                this(me).get_mut(vm).fault = Some(fault);
                return Err(raise(vm, fault));
            }
        }
    }
    flush(vm, me)
}

/// Asks Python's codecs what the 256 bytes mean.
fn unknown_encoding(vm: &mut Vm, me: &Value, name: &str) -> PyResult<()> {
    let all: Vec<u8> = (0..=255).collect();
    let text = vm.decode(&all, name, "replace")?;
    if text.len() != 256 {
        return Err(vm.value_error("multi-byte encodings are not supported"));
    }
    let table = text.code_points().map(|c| char::from_u32(c).filter(|&c| c != '\u{fffd}')).collect();
    this(me).get_mut(vm).machine.map(table);
    Ok(())
}

fn handler(vm: &Vm, me: &Value, which: Handler) -> Option<Value> {
    this(me).get(vm).handlers[which as usize].clone()
}

/// Hands on the characters that were kept.
fn flush(vm: &mut Vm, me: &Value) -> PyResult<()> {
    let text = std::mem::take(&mut this(me).get_mut(vm).text);
    if text.is_empty() {
        return Ok(());
    }
    match handler(vm, me, Handler::CharacterDataHandler) {
        Some(f) => vm.call1(&f, Str::from_rust(&text).as_value()).map(drop),
        None => Ok(()),
    }
}

fn characters(vm: &mut Vm, me: &Value, f: &Value, text: &str) -> PyResult<()> {
    let p = this(me).get_mut(vm);
    if p.buffer_text {
        if p.text.len() + text.len() > p.buffer_size {
            flush(vm, me)?;
        }
        let p = this(me).get_mut(vm);
        if text.len() <= p.buffer_size {
            p.text.push_str(text);
            return Ok(());
        }
    }
    vm.call1(f, Str::from_rust(text).as_value()).map(drop)
}

/// A name, the same object each time.
fn interned(vm: &mut Vm, me: &Value, name: &str) -> PyResult {
    let name = vm.new_str(name);
    let intern = this(me).get(vm).intern.clone();
    match intern.as_ref().and_then(|d| d.downcast::<Dict>()) {
        Some(d) => d.set_default(vm, &name, &name),
        None => Ok(name),
    }
}

fn optional(vm: &mut Vm, me: &Value, name: &Option<String>) -> PyResult {
    match name {
        Some(name) => interned(vm, me, name),
        None => Ok(none()),
    }
}

fn flag(b: bool) -> Value {
    Value::small_unchecked(b.into())
}

/// Calls the handler of an event; without one, the default handler gets its text.
fn hand_on(vm: &mut Vm, me: &Value, told: Told) -> PyResult<()> {
    let Told { event, raw, at: _ } = told;
    let which = kind(&event);
    let Some(f) = which.and_then(|which| handler(vm, me, which)) else {
        return default(vm, me, &raw);
    };
    if let Event::Text(text) = &event {
        return characters(vm, me, &f, text);
    }
    // The pieces of a document type are for the default handler.
    let is_piece = match &event {
        Event::StartDoctype(name, ..) => name.is_empty(),
        Event::EndDoctype => !raw.is_empty(),
        _ => false,
    };
    if is_piece {
        return Ok(());
    }
    flush(vm, me)?;
    // The handler of the characters may have taken this one away.
    if which.and_then(|which| handler(vm, me, which)).is_none() {
        return Ok(());
    }
    let refusal = match event {
        Event::External(..) => Some(code::EXTERNAL_ENTITY_HANDLING),
        Event::NotStandalone => Some(code::NOT_STANDALONE),
        _ => None,
    };
    let args = arguments(vm, me, event)?;
    let result = vm.call(&f, &args)?;
    if let Some(code) = refusal {
        if vm.to_i64(&result)? == 0 {
            let fault = this(me).get(vm).machine.fault(code);
            this(me).get_mut(vm).fault = Some(fault);
            return Err(raise(vm, fault));
        }
    }
    Ok(())
}

fn default(vm: &mut Vm, me: &Value, raw: &str) -> PyResult<()> {
    if raw.is_empty() {
        return Ok(());
    }
    let f = handler(vm, me, Handler::DefaultHandlerExpand).or_else(|| handler(vm, me, Handler::DefaultHandler));
    let Some(f) = f else { return Ok(()) };
    flush(vm, me)?;
    let is_declaration = ["<!E", "<!A", "<!N"].iter().any(|d| raw.starts_with(d));
    let pieces = if is_declaration { super::dtd::pieces(raw) } else { vec![raw] };
    for piece in pieces {
        vm.call1(&f, Str::from_rust(piece).as_value())?;
    }
    Ok(())
}

fn kind(event: &Event) -> Option<Handler> {
    Some(match event {
        Event::XmlDecl(..) => Handler::XmlDeclHandler,
        Event::StartDoctype(..) => Handler::StartDoctypeDeclHandler,
        Event::EndDoctype => Handler::EndDoctypeDeclHandler,
        Event::ElementDecl(..) => Handler::ElementDeclHandler,
        Event::AttlistDecl(..) => Handler::AttlistDeclHandler,
        Event::EntityDecl(..) => Handler::EntityDeclHandler,
        Event::UnparsedEntityDecl(..) => Handler::UnparsedEntityDeclHandler,
        Event::NotationDecl(..) => Handler::NotationDeclHandler,
        Event::StartElement(..) => Handler::StartElementHandler,
        Event::EndElement(..) => Handler::EndElementHandler,
        Event::StartNamespace(..) => Handler::StartNamespaceDeclHandler,
        Event::EndNamespace(..) => Handler::EndNamespaceDeclHandler,
        Event::Text(..) => Handler::CharacterDataHandler,
        Event::Instruction(..) => Handler::ProcessingInstructionHandler,
        Event::Comment(..) => Handler::CommentHandler,
        Event::StartCdata => Handler::StartCdataSectionHandler,
        Event::EndCdata => Handler::EndCdataSectionHandler,
        Event::Skipped(..) => Handler::SkippedEntityHandler,
        Event::External(..) => Handler::ExternalEntityRefHandler,
        Event::NotStandalone => Handler::NotStandaloneHandler,
        Event::Other => return None,
    })
}

fn arguments(vm: &mut Vm, me: &Value, event: Event) -> PyResult<Vec<Value>> {
    let base = this(me).get(vm).base.clone().unwrap_or_else(none);
    Ok(match event {
        Event::XmlDecl(version, encoding, standalone) => {
            let (v, e) = (plain(vm, version), plain(vm, encoding));
            vec![v, e, Value::small_unchecked(standalone.into())]
        }
        Event::StartDoctype(name, system, public, subset) => {
            vec![interned(vm, me, &name)?, optional(vm, me, &system)?, optional(vm, me, &public)?, flag(subset)]
        }
        Event::ElementDecl(name, model) => vec![interned(vm, me, &name)?, model_object(vm, me, model)?],
        Event::AttlistDecl(element, name, kind, default, required) => {
            let (kind, default) = (vm.new_str(&kind), plain(vm, default));
            vec![interned(vm, me, &element)?, interned(vm, me, &name)?, kind, default, flag(required)]
        }
        Event::EntityDecl(name, parameter, value, system, public) => {
            let value = plain(vm, value);
            let (system, public) = (optional(vm, me, &system)?, optional(vm, me, &public)?);
            vec![interned(vm, me, &name)?, flag(parameter), value, base, system, public, none()]
        }
        Event::UnparsedEntityDecl(name, system, public, notation) => {
            let (system, public) = (optional(vm, me, &system)?, optional(vm, me, &public)?);
            vec![interned(vm, me, &name)?, base, system, public, interned(vm, me, &notation)?]
        }
        Event::NotationDecl(name, system, public) => {
            vec![interned(vm, me, &name)?, base, optional(vm, me, &system)?, optional(vm, me, &public)?]
        }
        Event::StartElement(name, attributes, specified) => start_arguments(vm, me, &name, attributes, specified)?,
        Event::EndElement(name) => vec![interned(vm, me, &name)?],
        Event::StartNamespace(prefix, uri) => vec![optional(vm, me, &prefix)?, optional(vm, me, &uri)?],
        Event::EndNamespace(prefix) => vec![optional(vm, me, &prefix)?],
        Event::Text(text) | Event::Comment(text) => vec![vm.new_str(&text)],
        Event::Instruction(target, data) => vec![interned(vm, me, &target)?, vm.new_str(&data)],
        Event::Skipped(name, parameter) => vec![interned(vm, me, &name)?, flag(parameter)],
        Event::External(context, system, public) => {
            vec![plain(vm, context), base, optional(vm, me, &system)?, optional(vm, me, &public)?]
        }
        Event::EndDoctype | Event::StartCdata | Event::EndCdata | Event::NotStandalone | Event::Other => Vec::new(),
    })
}

fn plain(vm: &mut Vm, text: Option<String>) -> Value {
    text.map_or_else(none, |t| vm.new_str(&t))
}

fn start_arguments(
    vm: &mut Vm,
    me: &Value,
    name: &str,
    mut attributes: Vec<(String, String)>,
    specified: usize,
) -> PyResult<Vec<Value>> {
    let p = this(me).get(vm);
    let ordered = p.ordered_attributes;
    if p.specified_attributes {
        attributes.truncate(specified);
    }
    let name = interned(vm, me, name)?;
    let (mut list, dict) = (Vec::new(), Dict::new_object());
    for (key, value) in attributes {
        let (key, value) = (interned(vm, me, &key)?, vm.new_str(&value));
        if ordered {
            list.extend([key, value]);
        } else {
            dict.set_item(vm, &key, value)?;
        }
    }
    Ok(vec![name, if ordered { List::from_vec(list).into() } else { dict.into() }])
}

fn model_object(vm: &mut Vm, me: &Value, model: Model) -> PyResult {
    let Model { kind, quantifier, name, children } = model;
    let name = optional(vm, me, &name)?;
    let mut all = Vec::new();
    for child in children {
        all.push(model_object(vm, me, child)?);
    }
    let [kind, quantifier] = [kind, quantifier].map(|n| Value::small_unchecked(n.into()));
    Ok(Tuple::of([kind, quantifier, name, Tuple::from_vec(all).into()]).into())
}
