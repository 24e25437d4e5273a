//! `obj.__class__ = C`: allowed between classes whose instances are laid out alike.

use crate::builtins::sys::audit;
use crate::object::{PyResult, TypeFlags, Value, instance};
use crate::types::typeobject::{self, layout};
use crate::vm::Vm;

/// The setter of `__class__`.
pub fn set_class(vm: &mut Vm, v: &Value, value: Option<&Value>) -> PyResult<()> {
    let Some(value) = value else { return Err(vm.type_error("can't delete __class__ attribute")) };
    let Some(new) = typeobject::as_class(value) else {
        let name = value.class().payload.name();
        return Err(vm.type_error(format!("__class__ must be set to a class, not '{name}' object")));
    };
    if audit::listened() {
        let name = vm.intern("__class__").into();
        audit::audit(vm, "object.__setattr__", &[v.clone(), name, value.clone()])?;
    }
    let old = crate::object::Py::of(v.class());
    let (from, to) = (old.get_type(), new.get_type());
    if typeobject::same(from, to) {
        return Ok(());
    }
    let module = typeobject::is_subtype(to, crate::types::module::MODULE.object())
        && typeobject::is_subtype(from, crate::types::module::MODULE.object());
    let immutable = to.payload.has(TypeFlags::IMMUTABLE) || from.payload.has(TypeFlags::IMMUTABLE);
    if immutable && !module {
        return Err(vm.type_error("__class__ assignment only supported for mutable types or ModuleType subclasses"));
    }
    layout::check_compatible(vm, from, to, "__class__")?;
    // SAFETY: the layouts are the same, as just checked.
    unsafe { instance::set_class(v, new) };
    Ok(())
}
