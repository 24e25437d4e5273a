//! The answer to each request, with the GIL held: by a thread that stopped, or by the desk while the program runs.

use taipan_bytecode::Op;
use taipan_runtime::object::{Py, Value};
use taipan_runtime::types::frame::FrameObject;
use taipan_runtime::types::module::Module;
use taipan_runtime::types::str::Str;
use taipan_runtime::vm::Vm;
use tui::dap::{self, Command, Request, Response, request as r};

use super::{completions, values};
use crate::debugger::evaluate::{self, Outcome, Place};
use crate::debugger::inspect::text::{self, Limits};
use crate::debugger::room::{Handle, Reason, Room, Seen};
use crate::debugger::{Debugger, breakpoints, budget, exceptions, inspect, sources, threads};

/// The longest text of a value that someone asked to see whole.
const WHOLE: usize = 1 << 20;

/// The longest text of a value in a console.
const PRINTED: usize = 1 << 16;

/// Parses a request's arguments, and makes a response of what `f` gives for them.
pub fn reply<C: Command>(request: &Request, f: impl FnOnce(C::Arguments) -> Result<C::Body, String>) -> Response {
    let arguments = match request.parse::<C>() {
        Ok(a) => a,
        Err(e) => return request.error(format!("malformed arguments of {}: {e}", request.command)),
    };
    match f(arguments) {
        Ok(body) => request.ok::<C>(&body),
        Err(why) => request.error(why),
    }
}

/// The answer to a request that does not make the program run.
pub fn answer(vm: &mut Vm, debugger: &Debugger, room: Option<&mut Room>, request: &Request) -> Response {
    let q = request;
    match q.command.as_str() {
        "setBreakpoints" => reply::<r::SetBreakpoints>(q, |a| Ok(listed(debugger.set_line_breakpoints(vm, &a)))),
        "setFunctionBreakpoints" => {
            reply::<r::SetFunctionBreakpoints>(q, |a| Ok(listed(debugger.set_function_breakpoints(vm, &a.breakpoints))))
        }
        "setDataBreakpoints" => {
            reply::<r::SetDataBreakpoints>(q, |a| Ok(listed(debugger.set_data_breakpoints(vm, &a.breakpoints))))
        }
        "setExceptionBreakpoints" => reply::<r::SetExceptionBreakpoints>(q, |a| {
            debugger.set_filters(vm, &a);
            Ok(Default::default())
        }),
        "breakpointLocations" => reply::<r::BreakpointLocations>(q, |a| locations(&a)),
        "threads" => reply::<r::Threads>(q, |_| Ok(list_threads(vm, debugger))),
        "source" => reply::<r::SourceText>(q, |a| source_text(&a)),
        "modules" => reply::<r::Modules>(q, |a| Ok(modules(vm, &a))),
        "loadedSources" => reply::<r::LoadedSources>(q, |_| Ok(loaded_sources(vm))),
        "evaluate" => reply::<r::Evaluate>(q, |a| evaluate_request(vm, room, &a)),
        "completions" => reply::<r::Completions>(q, |a| {
            let place = place_of(room.as_deref(), a.frame_id)?;
            Ok(completions::complete(vm, &place, &a))
        }),
        _ => match room {
            Some(room) if room.is_stop() => answer_stopped(vm, debugger, room, q),
            _ if r::ALL.contains(&q.command.as_str()) => {
                let mut response = q.error("the program is running");
                response.message = Some("notStopped".to_owned());
                response
            }
            _ => q.error(format!("{} is not supported", q.command)),
        },
    }
}

/// Requests that only make sense while the program is stopped.
fn answer_stopped(vm: &mut Vm, debugger: &Debugger, room: &mut Room, q: &Request) -> Response {
    match q.command.as_str() {
        "stackTrace" => reply::<r::StackTrace>(q, |a| stack_trace(vm, debugger, room, &a)),
        "scopes" => reply::<r::Scopes>(q, |a| values::scopes(room, a.frame_id)),
        "variables" => reply::<r::Variables>(q, |a| values::variables(vm, room, &a)),
        "setVariable" => reply::<r::SetVariable>(q, |a| values::set_variable(vm, room, &a)),
        "setExpression" => reply::<r::SetExpression>(q, |a| {
            let place = place_of(Some(room), a.frame_id)?;
            let value = evaluate::assign(vm, &place, &a.expression, &a.value)?;
            Ok(values::changed(vm, room, &value, Some(a.expression), frame_index(room, a.frame_id)))
        }),
        "exceptionInfo" => reply::<r::ExceptionInfo>(q, |_| exception_info(vm, room)),
        "stepInTargets" => reply::<r::StepInTargets>(q, |a| step_in_targets(room, a.frame_id)),
        "dataBreakpointInfo" => reply::<r::DataBreakpointInfo>(q, |a| Ok(debugger.data_info(vm, room, &a))),
        "gotoTargets" => reply::<r::GotoTargets>(q, |a| goto_targets(vm, room, &a)),
        "goto" => reply::<r::Goto>(q, |a| goto(vm, debugger, room, a.target_id)),
        _ => q.error(format!("{} is not supported", q.command)),
    }
}

fn listed(breakpoints: Vec<dap::Breakpoint>) -> dap::BreakpointsBody {
    dap::BreakpointsBody { breakpoints }
}

fn locations(a: &dap::BreakpointLocationsArguments) -> Result<dap::BreakpointLocationsBody, String> {
    let path = breakpoints::path_of(&a.source).ok_or("the source has no path")?;
    let lines = sources::code_lines(&path.to_string_lossy())?;
    let wanted = a.line..=a.end_line.unwrap_or(a.line);
    let here = lines.into_iter().map(i64::from).filter(|l| wanted.contains(l));
    let breakpoints = here.map(|line| dap::BreakpointLocation { line, ..Default::default() }).collect();
    Ok(dap::BreakpointLocationsBody { breakpoints })
}

fn list_threads(vm: &mut Vm, debugger: &Debugger) -> dap::ThreadsBody {
    let known = threads::list(vm).into_iter();
    let threads = known.map(|(ident, name)| dap::Thread { id: dap::ThreadId(debugger.threads.number(ident)), name });
    dap::ThreadsBody { threads: threads.collect() }
}

fn source_text(a: &dap::SourceArguments) -> Result<dap::SourceBody, String> {
    let source = a.source.clone().unwrap_or_default();
    let reference = source.source_reference.filter(|&n| n > 0).unwrap_or(a.source_reference);
    let content = sources::text(reference, source.path.as_deref())?;
    Ok(dap::SourceBody { content, mime_type: Some("text/x-python".to_owned()) })
}

/// Name and file of each module.
fn module_files(vm: &mut Vm) -> Vec<(String, Option<String>)> {
    let Ok(modules) = taipan_runtime::import::modules(vm) else {
        vm.clear_error();
        return Vec::new();
    };
    let text = |v: &Value| v.downcast::<Str>().map(|s| s.to_rust().into_owned());
    let each = |(name, module): (Value, Value)| {
        let file = module.downcast::<Module>().and_then(|m| m.dict.lookup_text("__file__"));
        Some((text(&name)?, file.as_ref().and_then(text)))
    };
    modules.pairs().into_iter().filter_map(each).collect()
}

fn modules(vm: &mut Vm, a: &dap::ModulesArguments) -> dap::ModulesBody {
    let all = module_files(vm);
    let total = all.len();
    let start = a.start_module.and_then(|n| usize::try_from(n).ok()).unwrap_or(0);
    let count = a.module_count.and_then(|n| usize::try_from(n).ok()).filter(|&n| n > 0).unwrap_or(total);
    let describe = |(name, path): (String, Option<String>)| dap::Module {
        id: name.clone().into(),
        name,
        is_user_code: path.as_deref().map(sources::is_user_code),
        path,
    };
    let modules = all.into_iter().skip(start).take(count).map(describe).collect();
    dap::ModulesBody { modules, total_modules: Some(total as i64) }
}

fn loaded_sources(vm: &mut Vm) -> dap::LoadedSourcesBody {
    let sources = module_files(vm).into_iter().filter_map(|(_, file)| Some(sources::describe(&file?))).collect();
    dap::LoadedSourcesBody { sources }
}

/// Where an expression is meant: in a frame, or in the program's globals.
pub fn place_of(room: Option<&Room>, frame: Option<dap::FrameId>) -> Result<Place, String> {
    match (room, frame) {
        (Some(room), Some(id)) => {
            room.frame(id).map(|s| Place::Frame(s.frame.clone())).ok_or_else(|| "this frame is gone".to_owned())
        }
        (None, Some(_)) => Err("the program is running".to_owned()),
        (_, None) => Ok(Place::Main),
    }
}

fn frame_index(room: &Room, frame: Option<dap::FrameId>) -> Option<usize> {
    let index = usize::try_from(frame?.0 - 1).ok()?;
    (index < room.frames.len()).then_some(index)
}

fn evaluate_request(
    vm: &mut Vm,
    room: Option<&mut Room>,
    a: &dap::EvaluateArguments,
) -> Result<dap::EvaluateBody, String> {
    let place = place_of(room.as_deref(), a.frame_id)?;
    let context = a.context.as_deref().unwrap_or_default();
    if context == "hover" && a.expression.contains(['(', ';', '=']) {
        return Err("only names, attributes and items are shown here".to_owned());
    }
    // What the user types takes the time it takes, until the user asks for a pause; what is only shown does not.
    let limit = (context != "repl").then_some(budget::GLANCE);
    let (done, interrupted) = budget::within(vm, limit, |vm| match context {
        "repl" => evaluate::run(vm, &place, &a.expression),
        _ => evaluate::expression(vm, &place, &a.expression).map(Outcome::Value),
    });
    let value = match done {
        Ok(Outcome::Value(v)) => v,
        Ok(Outcome::Done) => return Ok(dap::EvaluateBody::default()),
        Err(_) if interrupted && limit.is_some() => {
            return Err(format!("not done after {} s", budget::GLANCE.as_secs()));
        }
        Err(why) => return Err(why),
    };
    let hex = a.format.as_ref().and_then(|f| f.hex).unwrap_or(false);
    let result = match context {
        "repl" if !hex => evaluate::repr(vm, &value, PRINTED)?,
        "clipboard" if !hex => evaluate::repr(vm, &value, WHOLE)?,
        _ => text::value(vm, &value, Limits { hex, ..Limits::LINE }),
    };
    let type_name = Some(inspect::children::type_with_length(vm, &value));
    let counts = inspect::children::counts(vm, &value);
    let reference = match room {
        Some(room) if counts.any() && room.is_stop() => {
            let frame = frame_index(room, a.frame_id);
            room.refer(Handle::Value(value, Some(in_brackets(&a.expression)), frame))
        }
        _ => dap::VariablesReference(0),
    };
    Ok(dap::EvaluateBody {
        result,
        type_name,
        variables_reference: reference,
        named_variables: Some(counts.named as i64),
        indexed_variables: Some(counts.indexed as i64),
        ..dap::EvaluateBody::default()
    })
}

/// An expression that attributes and items can be asked of.
fn in_brackets(expression: &str) -> String {
    let simple = expression.trim().chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '[' | ']' | '\''));
    if simple { expression.trim().to_owned() } else { format!("({})", expression.trim()) }
}

fn stack_trace(
    vm: &mut Vm,
    debugger: &Debugger,
    room: &mut Room,
    a: &dap::StackTraceArguments,
) -> Result<dap::StackTraceBody, String> {
    let thread = debugger.threads.ident(a.thread_id.0).ok_or("there is no such thread")?;
    let range = room.frames_of(vm, thread);
    let total = range.len();
    let start = a.start_frame.and_then(|n| usize::try_from(n).ok()).unwrap_or(0).min(total);
    let count = a.levels.and_then(|n| usize::try_from(n).ok()).filter(|&n| n > 0).unwrap_or(total);
    let precise = matches!(room.reason, Some(Reason::Exception { .. } | Reason::Pause));
    let wanted = (range.start + start)..(range.start + start + count).min(range.end);
    let stack_frames = wanted.map(|i| describe_frame(&room.frames[i], i, precise)).collect();
    Ok(dap::StackTraceBody { stack_frames, total_frames: Some(total as i64) })
}

/// A frame for the client. The range of what runs is given where something is under way: in callers, and at a raise.
fn describe_frame(seen: &Seen, index: usize, precise: bool) -> dap::StackFrame {
    let code = seen.frame.code();
    let filename = code.filename.to_rust();
    let mut frame = dap::StackFrame {
        id: dap::FrameId(index as i64 + 1),
        name: code.qualname.to_rust().replace("<locals>.", ""),
        source: Some(sources::describe(&filename)),
        line: i64::from(seen.line.unwrap_or(code.canonical.firstlineno.max(0) as u32)),
        column: 1,
        presentation_hint: (!sources::is_user_code(&filename)).then(|| "subtle".to_owned()),
        ..dap::StackFrame::default()
    };
    if seen.innermost && !precise {
        return frame;
    }
    let position = usize::try_from(seen.offset).ok().and_then(|o| code.canonical.positions().nth(o / 2));
    if let Some(p) = position.filter(|p| p.line.map(i64::from) == Some(frame.line)) {
        // Columns of code are bytes from 0, those of the protocol from 1.
        if let (Some(column), Some(end), Some(end_column)) = (p.column, p.end_line, p.end_column) {
            frame.column = i64::from(column) + 1;
            frame.end_line = Some(i64::from(end));
            frame.end_column = Some(i64::from(end_column) + 1);
        }
    }
    frame
}

fn exception_info(vm: &mut Vm, room: &Room) -> Result<dap::ExceptionInfoBody, String> {
    let (e, filter) = room.exception().ok_or("the program did not stop for an exception")?;
    let details = exceptions::details(vm, &e, 0);
    Ok(dap::ExceptionInfoBody {
        exception_id: details.full_type_name.clone().unwrap_or_default(),
        description: details.message.clone(),
        break_mode: filter.break_mode().to_owned(),
        details: Some(details),
    })
}

/// The calls of the innermost frame's line that are still to come, in the order in which they are made.
fn step_in_targets(room: &Room, id: dap::FrameId) -> Result<dap::StepInTargetsBody, String> {
    let seen = room.frame(id).filter(|s| s.innermost).ok_or("only the innermost frame can step into a call")?;
    let code = seen.frame.code();
    let text =
        sources::text(0, Some(&sources::resolve(&code.filename.to_rust()).to_string_lossy())).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    let positions: Vec<_> = code.canonical.positions().collect();
    let mut targets = Vec::new();
    for i in code.canonical.instructions() {
        let calls = matches!(i.op, Op::CALL | Op::CALL_KW | Op::CALL_FUNCTION_EX);
        let Some(p) = positions.get(i.index).filter(|_| calls && (i.index * 2) as i32 >= seen.offset) else { continue };
        let (Some(line), Some(column), Some(end)) = (p.line, p.column, p.end_column) else { continue };
        if code.canonical.line_at(i.index * 2).map(|l| l as u32) != seen.line {
            continue;
        }
        let (start, end) = (column as usize, end as usize);
        let whole = lines.get(line as usize - 1).copied().unwrap_or_default();
        let same_line = p.end_line == p.line;
        let label = whole.get(start..if same_line { end } else { whole.len() }).unwrap_or("a call");
        targets.push(dap::StepInTarget {
            id: (i.index * 2) as i64,
            label: label.to_owned(),
            line: Some(i64::from(line)),
            column: Some(start as i64 + 1),
            ..Default::default()
        });
    }
    Ok(dap::StepInTargetsBody { targets })
}

/// The innermost frame of the thread that stopped.
fn innermost(vm: &mut Vm, room: &mut Room) -> Option<Py<FrameObject>> {
    let thread = room.thread;
    let range = room.frames_of(vm, thread);
    room.frames.get(range.start).map(|s| s.frame.clone())
}

fn goto_targets(vm: &mut Vm, room: &mut Room, a: &dap::GotoTargetsArguments) -> Result<dap::GotoTargetsBody, String> {
    let frame = innermost(vm, room).ok_or("there is no frame")?;
    let path = breakpoints::path_of(&a.source);
    if path != Some(sources::resolve(&frame.code().filename.to_rust())) {
        return Err("a jump stays within the function that is running".to_owned());
    }
    let lines = taipan_runtime::probe::native::lines_of(frame.code());
    let line = lines.iter().copied().map(i64::from).find(|&l| l >= a.line);
    let line = line.ok_or_else(|| format!("line {} is not in {}", a.line, frame.code().qualname.to_rust()))?;
    let target = dap::GotoTarget { id: line, label: format!("line {line}"), line, ..Default::default() };
    Ok(dap::GotoTargetsBody { targets: vec![target] })
}

fn goto(vm: &mut Vm, debugger: &Debugger, room: &mut Room, line: i64) -> Result<dap::Empty, String> {
    let frame = innermost(vm, room).ok_or("there is no frame")?;
    let wanted = Value::small(line).ok_or("no such line")?;
    let result = taipan_runtime::probe::jump_to_line(vm, &frame, Some(&wanted));
    evaluate::text_of_error(vm, result)?;
    debugger.jumped_to(vm, u32::try_from(line).unwrap_or(0));
    room.forget_frames();
    room.reason = Some(Reason::Goto);
    Ok(dap::Empty::default())
}
