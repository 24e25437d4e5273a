//! Exceptions that stop the program: which ones, and when. The stop is at the raise, with all frames live, because the
//! handler tables say beforehand who, if anyone, will catch it.

use taipan_bytecode::Op;
use taipan_runtime::object::{Py, Value};
use taipan_runtime::probe::native::{Catcher, Hit, will_be_caught};
use taipan_runtime::types::code::Code;
use taipan_runtime::types::exceptions::{self as exc, BaseException, group};
use taipan_runtime::types::traceback::Traceback;
use taipan_runtime::types::typeobject;
use taipan_runtime::vm::Vm;
use tui::dap;

use super::{inspect, sources};

/// The kinds of exceptions that a client can ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filter {
    /// All that the user's code raises or lets through.
    Raised,
    /// Those that nothing catches.
    Uncaught,
    /// Those that leave the user's code for a library that catches them.
    UserUnhandled,
}

impl Filter {
    /// All, in the order in which they are offered.
    pub const ALL: [Filter; 3] = [Filter::Raised, Filter::Uncaught, Filter::UserUnhandled];

    /// The name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Filter::Raised => "raised",
            Filter::Uncaught => "uncaught",
            Filter::UserUnhandled => "userUnhandled",
        }
    }

    /// How a client shows it.
    pub fn describe(self) -> dap::ExceptionBreakpointsFilter {
        let (label, description) = match self {
            Filter::Raised => ("Raised exceptions", "Stop at every exception, also one that is caught."),
            Filter::Uncaught => ("Uncaught exceptions", "Stop at the raise of an exception that nothing will catch."),
            Filter::UserUnhandled => {
                ("User uncaught exceptions", "Stop when an exception leaves your code for a library that catches it.")
            }
        };
        dap::ExceptionBreakpointsFilter {
            filter: self.name().to_owned(),
            label: label.to_owned(),
            description: Some(description.to_owned()),
            default: Some(self == Filter::Uncaught),
            supports_condition: Some(true),
            condition_description: Some(
                "Exception types, such as KeyError, OSError; !ValueError leaves one out".into(),
            ),
        }
    }

    /// `breakMode` of `exceptionInfo`.
    pub fn break_mode(self) -> &'static str {
        match self {
            Filter::Raised => "always",
            Filter::Uncaught => "unhandled",
            Filter::UserUnhandled => "userUnhandled",
        }
    }
}

/// The filters that are on, each with the exception types it is limited to.
#[derive(Debug, Default)]
pub struct Filters {
    on: Vec<(Filter, Types)>,
}

/// Types by name: those wanted (none: all) and those left out.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Types {
    wanted: Vec<String>,
    left_out: Vec<String>,
}

impl Types {
    fn parse(text: &str) -> Types {
        let mut types = Types::default();
        for name in text.split([',', ' ', '|']).map(str::trim).filter(|n| !n.is_empty()) {
            match name.strip_prefix('!') {
                Some(name) => types.left_out.push(name.to_owned()),
                None => types.wanted.push(name.to_owned()),
            }
        }
        types
    }

    fn hold(&self, exception: &Value) -> bool {
        let names: Vec<String> = typeobject::mro_of(exception.class())
            .iter()
            .flat_map(|c| [typeobject::short_name(c.get_type()), typeobject::full_name(c.get_type())])
            .collect();
        let among = |list: &[String]| list.iter().any(|n| names.contains(n));
        (self.wanted.is_empty() || among(&self.wanted)) && !among(&self.left_out)
    }
}

impl Filters {
    /// The filters as a client sets them; unknown ones are left out.
    pub fn new(wanted: &dap::SetExceptionBreakpointsArguments) -> Filters {
        let find = |name: &str| Filter::ALL.into_iter().find(|f| f.name() == name);
        let plain = wanted.filters.iter().filter_map(|n| Some((find(n)?, Types::default())));
        let limited = wanted
            .filter_options
            .iter()
            .filter_map(|o| Some((find(&o.filter_id)?, Types::parse(o.condition.as_deref().unwrap_or_default()))));
        Filters { on: plain.chain(limited).collect() }
    }

    /// Whether none is on.
    pub fn is_empty(&self) -> bool {
        self.on.is_empty()
    }

    fn wants(&self, filter: Filter, exception: &Value) -> bool {
        self.on.iter().any(|(f, types)| *f == filter && types.hold(exception))
    }

    /// Whether to stop for an exception that was never reported and now ends the program or a thread.
    pub fn want_uncaught(&self, vm: &Vm, exception: &Value) -> bool {
        !vm.is_kind(exception, &exc::SYSTEM_EXIT) && self.wants(Filter::Uncaught, exception)
    }

    /// Whether to stop at a raise in the innermost frame, and for which filter.
    pub fn decide(&self, vm: &Vm, exception: &Value, hit: &Hit<'_>, just_my_code: bool) -> Option<Filter> {
        let code = vm.innermost()?.code();
        let own = sources::is_user_code(&code.filename.to_rust());
        let ends_loops = [&exc::STOP_ITERATION, &exc::STOP_ASYNC_ITERATION, &exc::GENERATOR_EXIT];
        let control = ends_loops.iter().any(|t| vm.is_kind(exception, t)) && !raised_here(&code, hit);
        if (own || !just_my_code) && !control && self.wants(Filter::Raised, exception) {
            return Some(Filter::Raised);
        }
        if control || vm.is_kind(exception, &exc::SYSTEM_EXIT) {
            return None;
        }
        let uncaught = self.wants(Filter::Uncaught, exception);
        let unhandled = self.wants(Filter::UserUnhandled, exception) && own;
        if !uncaught && !unhandled {
            return None;
        }
        match will_be_caught(vm, exception) {
            Catcher::Nobody { native } if uncaught && !(native && natives_swallow(vm, exception)) => {
                Some(Filter::Uncaught)
            }
            Catcher::Frame(depth) => match catcher(vm, depth) {
                Some(Catch::EndOfThread) if uncaught => Some(Filter::Uncaught),
                Some(Catch::Library) if unhandled => Some(Filter::UserUnhandled),
                _ => None,
            },
            _ => None,
        }
    }
}

/// Who catches, where it matters.
enum Catch {
    /// The last resort of a thread: `threading` reports what comes so far.
    EndOfThread,
    /// A library.
    Library,
}

fn catcher(vm: &Vm, depth: usize) -> Option<Catch> {
    let frame = vm.frame_views().nth(depth)?;
    let code = frame.code();
    let file = code.filename.to_rust();
    if file.ends_with("/threading.py") && code.name.is_text("_bootstrap_inner") {
        return Some(Catch::EndOfThread);
    }
    (!sources::is_user_code(&file)).then_some(Catch::Library)
}

/// Exceptions that native callers commonly use as answers: `hasattr`, `iter`, `getattr` with a default.
fn natives_swallow(vm: &Vm, exception: &Value) -> bool {
    [&exc::ATTRIBUTE_ERROR, &exc::STOP_ITERATION, &exc::STOP_ASYNC_ITERATION, &exc::INDEX_ERROR, &exc::GENERATOR_EXIT]
        .iter()
        .any(|t| vm.is_kind(exception, t))
}

/// Whether the instruction is a `raise` rather than something that lets an exception through.
fn raised_here(code: &Py<Code>, hit: &Hit<'_>) -> bool {
    code.canonical.instructions().any(|i| i.index * 2 == hit.offset as usize && i.op == Op::RAISE_VARARGS)
}

/// The outermost entry of an exception's traceback.
pub fn traceback_of(vm: &mut Vm, e: &Value) -> Option<Py<Traceback>> {
    let first = e.downcast::<BaseException>()?.traceback(vm)?;
    first.into_py::<Traceback>().ok()
}

/// An exception in detail, its causes and its group's members included. Runs its `__str__`.
pub fn details(vm: &mut Vm, e: &Value, depth: usize) -> dap::ExceptionDetails {
    let message = vm.str(e).map(|s| s.to_rust().into_owned()).map_err(|_| vm.clear_error()).ok();
    let mut inner = Vec::new();
    if depth < 5 {
        if let Some(b) = e.downcast::<BaseException>() {
            let suppressed = b.get(vm).suppress_context;
            let linked = b.cause(vm).or_else(|| b.context(vm).filter(|_| !suppressed));
            inner.extend(linked);
        }
        if let Some(g) = group::as_group(vm, e) {
            inner.extend(group::exceptions_of(vm, g).items().iter().cloned());
        }
    }
    let inner: Vec<dap::ExceptionDetails> = inner.iter().map(|e| details(vm, e, depth + 1)).collect();
    dap::ExceptionDetails {
        message,
        type_name: Some(inspect::type_name(e)),
        full_type_name: Some(typeobject::full_name(e.class())),
        evaluate_name: None,
        stack_trace: (depth == 0).then(|| exc::print::format(vm, e)),
        inner_exception: (!inner.is_empty()).then_some(inner),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_by_name() {
        let types = Types::parse("KeyError, !ValueError");
        assert_eq!(types.wanted, ["KeyError"]);
        assert_eq!(types.left_out, ["ValueError"]);
        assert_eq!(Types::parse(" "), Types::default());
    }

    #[test]
    fn unknown_filters_are_left_out() {
        let wanted = dap::SetExceptionBreakpointsArguments {
            filters: vec!["uncaught".to_owned(), "sometimes".to_owned()],
            filter_options: Vec::new(),
        };
        let filters = Filters::new(&wanted);
        assert_eq!(filters.on.len(), 1);
        assert!(!filters.is_empty());
    }
}
