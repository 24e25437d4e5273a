//! Readers and writers over streams of bytes: `MultibyteStreamReader`, `MultibyteStreamWriter`.

use super::{Kept, KeptOf, codec_of, decode_kept, encode_kept, errors_argument, errors_attribute};
use taipan_runtime::object::{
    GetSetDef, MethodDef, NativeFn::*, Py, PyResult, Slots, TypeDef, TypeFlags, Value, instance, none,
};
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::str::Str;
use taipan_runtime::vm::Vm;
use taipan_runtime::vm::args::Signature;

/// Payload of `MultibyteStreamReader`.
pub struct Reader {
    stream: Value,
    kept: Kept<u8>,
}
taipan_runtime::payload!(Reader, READER,
    traverse(self, visit) { visit(&self.stream) },
    clear(self) { self.stream = none() });

/// Payload of `MultibyteStreamWriter`.
pub struct Writer {
    stream: Value,
    kept: Kept<u32>,
}
taipan_runtime::payload!(Writer, WRITER,
    traverse(self, visit) { visit(&self.stream) },
    clear(self) { self.stream = none() });

fn reader(me: &Value) -> &Py<Reader> {
    me.downcast::<Reader>().expect("a method of a reader is called on one")
}

fn writer(me: &Value) -> &Py<Writer> {
    me.downcast::<Writer>().expect("a method of a writer is called on one")
}

/// `_multibytecodec.MultibyteStreamReader`
pub static READER: TypeDef = TypeDef::new::<Reader>("_multibytecodec.MultibyteStreamReader")
    .flags(TypeFlags::BASETYPE.union(TypeFlags::HAVE_GC))
    .cpython_size(64, 0)
    .slots(Slots {
        new: Some(|vm, class, args| {
            static SIGNATURE: Signature = Signature::new("StreamReader", "(stream, errors='strict')");
            let bound = args.bind(vm, &SIGNATURE)?;
            let errors = errors_argument(vm, &bound[1])?;
            let kept = Kept::new(codec_of(vm, class)?, errors);
            let stream = bound[0].clone().expect("required");
            Ok(instance::new_of(class, Reader { stream, kept }).into())
        }),
        init: Some(|_, _, _| Ok(())),
        ..Slots::NONE
    })
    .getset(&[
        errors_attribute!(Reader, kept),
        GetSetDef::member("stream", "", |vm, me| Ok(reader(me).get(vm).stream.clone())),
    ])
    .methods(&[
        MethodDef::method(
            "read",
            "($self, sizeobj=None, /)",
            "",
            N(|vm, args| {
                let (me, size) = sized(vm, args)?;
                Ok(Str::from_code_points(&read(vm, me, "read", size)?).into())
            }),
        ),
        MethodDef::method(
            "readline",
            "($self, sizeobj=None, /)",
            "",
            N(|vm, args| {
                let (me, size) = sized(vm, args)?;
                Ok(Str::from_code_points(&read(vm, me, "readline", size)?).into())
            }),
        ),
        MethodDef::method(
            "readlines",
            "($self, sizehintobj=None, /)",
            "",
            N(|vm, args| {
                let (me, size) = sized(vm, args)?;
                let text = read(vm, me, "read", size)?;
                let keep = taipan_runtime::object::boolean(true);
                vm.call_method(Str::from_code_points(&text).as_value(), "splitlines", &[keep])
            }),
        ),
        MethodDef::method(
            "reset",
            "($self, /)",
            "",
            F1(|vm, me| {
                let kept = &mut reader(me).get_mut(vm).kept;
                kept.pending.clear();
                kept.state = Default::default();
                Ok(none())
            }),
        ),
    ]);

/// The object and the optional size, negative without.
fn sized<'a>(vm: &mut Vm, args: &'a [Option<Value>]) -> PyResult<(&'a Value, isize)> {
    let [Some(me), size] = args else { unreachable!("bound by the signature") };
    let size = match size.as_ref().filter(|v| !v.is_none()) {
        None => -1,
        Some(v) if v.class().payload.slots().index.is_none() => {
            return Err(vm.type_error("arg 1 must be an integer"));
        }
        Some(v) => vm.to_isize(v)?,
    };
    Ok((me, size))
}

fn read(vm: &mut Vm, me: &Value, method: &str, mut size: isize) -> PyResult<Vec<u32>> {
    if size == 0 {
        return Ok(Vec::new());
    }
    loop {
        let stream = reader(me).get(vm).stream.clone();
        let data = if size < 0 {
            vm.call_method(&stream, method, &[])?
        } else {
            vm.call_method(&stream, method, &[Value::from_usize(size as usize)])?
        };
        let Some(data) = data.downcast::<Bytes>() else {
            let name = data.class().payload.name();
            return Err(vm.type_error(format!("stream function returned a non-bytes object ({name})")));
        };
        let over = data.as_slice().is_empty();
        let text = decode_kept(vm, me, |vm, me| &mut reader(me).get_mut(vm).kept, data.as_slice(), over || size < 0)?;
        if size < 0 || !text.is_empty() || over {
            return Ok(text);
        }
        // Only the beginning of a character: one byte more.
        size = 1;
    }
}

/// `_multibytecodec.MultibyteStreamWriter`
pub static WRITER: TypeDef = TypeDef::new::<Writer>("_multibytecodec.MultibyteStreamWriter")
    .flags(TypeFlags::BASETYPE.union(TypeFlags::HAVE_GC))
    .cpython_size(56, 0)
    .slots(Slots {
        new: Some(|vm, class, args| {
            static SIGNATURE: Signature = Signature::new("StreamWriter", "(stream, errors='strict')");
            let bound = args.bind(vm, &SIGNATURE)?;
            let errors = errors_argument(vm, &bound[1])?;
            let kept = Kept::new(codec_of(vm, class)?, errors);
            let stream = bound[0].clone().expect("required");
            Ok(instance::new_of(class, Writer { stream, kept }).into())
        }),
        init: Some(|_, _, _| Ok(())),
        ..Slots::NONE
    })
    .getset(&[
        errors_attribute!(Writer, kept),
        GetSetDef::member("stream", "", |vm, me| Ok(writer(me).get(vm).stream.clone())),
    ])
    .methods(&[
        MethodDef::method("write", "($self, strobj, /)", "", F2(write)),
        MethodDef::method(
            "writelines",
            "($self, lines, /)",
            "",
            F2(|vm, me, lines| {
                for line in vm.sequence(lines, "arg must be a sequence object")? {
                    write(vm, me, &line)?;
                }
                Ok(none())
            }),
        ),
        MethodDef::method("reset", "($self, /)", "", F1(reset)),
    ]);

const KEPT: KeptOf<u32> = |vm, me| &mut writer(me).get_mut(vm).kept;

fn write(vm: &mut Vm, me: &Value, text: &Value) -> PyResult {
    let points = super::driver::points_of(vm, text)?;
    let bytes = encode_kept(vm, me, KEPT, &points, false)?;
    let stream = writer(me).get(vm).stream.clone();
    vm.call_method(&stream, "write", &[Bytes::from_slice(&bytes).into()])?;
    Ok(none())
}

fn reset(vm: &mut Vm, me: &Value) -> PyResult {
    let kept = &mut writer(me).get_mut(vm).kept;
    if kept.pending.is_empty() {
        return Ok(none());
    }
    let bytes = encode_kept(vm, me, KEPT, &[], true)?;
    if !bytes.is_empty() {
        let stream = writer(me).get(vm).stream.clone();
        vm.call_method(&stream, "write", &[Bytes::from_slice(&bytes).into()])?;
    }
    Ok(none())
}
