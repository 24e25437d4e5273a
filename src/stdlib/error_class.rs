//! Exception classes of native modules (`struct.error`, `binascii.Error`): made once, when first needed.

use taipan_runtime::builtins::global::Global;
use taipan_runtime::object::{PyResult, Raised, TypeDef, Value};
use taipan_runtime::types::dict::Dict;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::vm::Vm;

/// An exception class that a module makes.
pub struct ErrorClass {
    module: &'static str,
    name: &'static str,
    base: &'static TypeDef,
    class: Global,
}

impl ErrorClass {
    /// The class `module.name`.
    pub const fn new(module: &'static str, name: &'static str, base: &'static TypeDef) -> ErrorClass {
        ErrorClass { module, name, base, class: Global::new() }
    }

    /// The class.
    pub fn get(&self, vm: &mut Vm) -> PyResult {
        if let Some(class) = self.class.get() {
            return Ok(class);
        }
        let dict = Dict::new_object();
        dict.store_text("__module__", vm.new_str(self.module));
        let bases = Tuple::of([self.base.value()]);
        let metaclass = taipan_runtime::types::typeobject::TYPE.value();
        let class = vm.call(&metaclass, &[vm_text(self.name), bases.into(), dict.into()])?;
        drop(self.class.set(Some(class.clone())));
        Ok(class)
    }

    /// Raises an instance with a message.
    pub fn raise(&self, vm: &mut Vm, message: &str) -> Raised {
        let made = self.get(vm).and_then(|class| vm.call(&class, &[vm_text(message)]));
        match made {
            Ok(error) => vm.raise(error),
            Err(r) => r,
        }
    }
}

fn vm_text(text: &str) -> Value {
    Str::from_rust(text).into()
}
