//! The table of requests: one row joins a command's name, the type that stands for it, its arguments and its answer.

use serde::{Deserialize, Serialize};

use super::arguments::*;
use super::event::Empty;
use super::types::Capabilities;

/// A command of the protocol. The types that implement it carry no data; they tie three things together.
pub trait Command {
    /// The command on the wire.
    const NAME: &'static str;
    /// What the request says.
    type Arguments: Serialize + for<'de> Deserialize<'de>;
    /// What a successful answer says.
    type Body: Serialize + for<'de> Deserialize<'de>;
}

macro_rules! requests {
    ($( $(#[doc = $doc:literal])* $name:literal $command:ident($arguments:ty) -> $body:ty; )*) => {
        $(
            $(#[doc = $doc])*
            #[derive(Debug, Clone, Copy)]
            pub struct $command;

            impl Command for $command {
                const NAME: &'static str = $name;
                type Arguments = $arguments;
                type Body = $body;
            }
        )*

        /// The names of all commands, in the order of the table.
        pub const ALL: &[&str] = &[$( $name ),*];
    };
}

requests! {
    /// The first request: who the client is; the answer tells what the server can do.
    "initialize" Initialize(InitializeArguments) -> Capabilities;
    /// Run a program under the debugger.
    "launch" Launch(LaunchArguments) -> Empty;
    /// Debug a program that runs already.
    "attach" Attach(AttachArguments) -> Empty;
    /// All breakpoints are set: the program may start.
    "configurationDone" ConfigurationDone(Empty) -> Empty;
    /// End the session.
    "disconnect" Disconnect(DisconnectArguments) -> Empty;
    /// Ask the program to end.
    "terminate" Terminate(TerminateArguments) -> Empty;
    /// Start the program anew in the same session.
    "restart" Restart(RestartArguments) -> Empty;
    /// Replace all breakpoints of one source.
    "setBreakpoints" SetBreakpoints(SetBreakpointsArguments) -> BreakpointsBody;
    /// Replace all breakpoints on functions.
    "setFunctionBreakpoints" SetFunctionBreakpoints(SetFunctionBreakpointsArguments) -> BreakpointsBody;
    /// Replace the exception filters that are on.
    "setExceptionBreakpoints" SetExceptionBreakpoints(SetExceptionBreakpointsArguments) -> Empty;
    /// Ask whether a variable can be watched.
    "dataBreakpointInfo" DataBreakpointInfo(DataBreakpointInfoArguments) -> DataBreakpointInfoBody;
    /// Replace all data breakpoints.
    "setDataBreakpoints" SetDataBreakpoints(SetDataBreakpointsArguments) -> BreakpointsBody;
    /// Where breakpoints can stand.
    "breakpointLocations" BreakpointLocations(BreakpointLocationsArguments) -> BreakpointLocationsBody;
    /// Run on.
    "continue" Continue(ThreadArguments) -> ContinueBody;
    /// Run to the next line of this frame.
    "next" Next(StepArguments) -> Empty;
    /// Run to the next line, of a called function if there is one.
    "stepIn" StepIn(StepArguments) -> Empty;
    /// Run until this frame returns.
    "stepOut" StepOut(StepArguments) -> Empty;
    /// Go one step back in time.
    "stepBack" StepBack(StepArguments) -> Empty;
    /// Run backwards.
    "reverseContinue" ReverseContinue(ThreadArguments) -> Empty;
    /// Begin this frame's function again.
    "restartFrame" RestartFrame(FrameArguments) -> Empty;
    /// Where `goto` can go from here.
    "gotoTargets" GotoTargets(GotoTargetsArguments) -> GotoTargetsBody;
    /// Go on at another line, without running what lies between.
    "goto" Goto(GotoArguments) -> Empty;
    /// Stop a running thread.
    "pause" Pause(ThreadArguments) -> Empty;
    /// The frames of a stopped thread.
    "stackTrace" StackTrace(StackTraceArguments) -> StackTraceBody;
    /// The scopes of a frame.
    "scopes" Scopes(FrameArguments) -> ScopesBody;
    /// The children of a scope or a value.
    "variables" Variables(VariablesArguments) -> VariablesBody;
    /// Give a child of a container a new value.
    "setVariable" SetVariable(SetVariableArguments) -> SetValueBody;
    /// Assign to an expression.
    "setExpression" SetExpression(SetExpressionArguments) -> SetValueBody;
    /// The text of a source that is not a file of the client.
    "source" SourceText(SourceArguments) -> SourceBody;
    /// The threads of the program.
    "threads" Threads(Empty) -> ThreadsBody;
    /// The modules loaded.
    "modules" Modules(ModulesArguments) -> ModulesBody;
    /// The sources loaded.
    "loadedSources" LoadedSources(Empty) -> LoadedSourcesBody;
    /// Evaluate an expression, or run a statement.
    "evaluate" Evaluate(EvaluateArguments) -> EvaluateBody;
    /// Complete what is being typed.
    "completions" Completions(CompletionsArguments) -> CompletionsBody;
    /// The calls of the current line.
    "stepInTargets" StepInTargets(FrameArguments) -> StepInTargetsBody;
    /// The exception at which a thread stopped.
    "exceptionInfo" ExceptionInfo(ThreadArguments) -> ExceptionInfoBody;
    /// Give up a request.
    "cancel" Cancel(CancelArguments) -> Empty;
    /// Sent by a server: start the program in the client's terminal.
    "runInTerminal" RunInTerminal(RunInTerminalArguments) -> RunInTerminalBody;
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::message::Request;
    use super::super::types::*;
    use super::*;

    /// Checks that `arguments` survive typing and untyping as command `C`.
    fn check<C: Command>(arguments: Value) {
        let request = Request { seq: 1, command: C::NAME.to_owned(), arguments: arguments.clone() };
        let typed = request.parse::<C>().unwrap();
        assert_eq!(Request::new::<C>(1, &typed).arguments, arguments);
    }

    #[test]
    fn arguments_have_the_names_of_the_specification() {
        check::<Launch>(json!({"program": "/x.py", "args": ["a"], "cwd": "/", "stopOnEntry": true,
            "justMyCode": false, "console": "internalConsole"}));
        check::<SetBreakpoints>(json!({"source": {"path": "/x.py"},
            "breakpoints": [{"line": 3, "condition": "n > 1", "hitCondition": "3", "logMessage": "{n}"}]}));
        check::<SetExceptionBreakpoints>(json!({"filters": ["raised"],
            "filterOptions": [{"filterId": "uncaught", "condition": "KeyError"}]}));
        check::<Evaluate>(json!({"expression": "x", "frameId": 2, "context": "repl"}));
        check::<StepIn>(json!({"threadId": 1, "targetId": 4}));
        check::<Variables>(json!({"variablesReference": 7, "start": 100, "count": 50}));
        check::<Initialize>(json!({"clientID": "taipan", "adapterID": "taipan", "linesStartAt1": true,
            "supportsVariableType": true}));
    }

    #[test]
    fn a_variable_has_a_type() {
        let variable: Variable =
            serde_json::from_value(json!({"name": "n", "value": "1", "type": "int", "variablesReference": 0})).unwrap();
        assert_eq!(variable.type_name.as_deref(), Some("int"));
        assert!(!variable.variables_reference.has_children());
    }

    #[test]
    fn names_are_unique() {
        let mut names = ALL.to_vec();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ALL.len());
    }
}
