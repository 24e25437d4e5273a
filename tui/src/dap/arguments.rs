//! Arguments of the requests and bodies of their answers, in the order of the table in [`super::request`].
//!
//! Source: <https://microsoft.github.io/debug-adapter-protocol/specification#Requests>.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::event::Module;
use super::types::*;

/// Arguments of `initialize`: what the client is and can do.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct InitializeArguments {
    /// The client's id.
    #[serde(rename = "clientID", skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// The client's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_name: Option<String>,
    /// The kind of adapter wanted: `taipan`, `debugpy`.
    #[serde(rename = "adapterID")]
    pub adapter_id: String,
    /// The user's language.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// Whether lines count from 1 (the default).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lines_start_at1: Option<bool>,
    /// Whether columns count from 1 (the default).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub columns_start_at1: Option<bool>,
    /// `path` (the default) or `uri`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path_format: Option<String>,
    /// The client shows types of variables.
    #[serde(skip_serializing_if = "is_false")]
    pub supports_variable_type: bool,
    /// The client asks for children in parts.
    #[serde(skip_serializing_if = "is_false")]
    pub supports_variable_paging: bool,
    /// The client can start the program in a terminal.
    #[serde(skip_serializing_if = "is_false")]
    pub supports_run_in_terminal_request: bool,
    /// The client shows progress.
    #[serde(skip_serializing_if = "is_false")]
    pub supports_progress_reporting: bool,
    /// The client understands `invalidated`.
    #[serde(skip_serializing_if = "is_false")]
    pub supports_invalidated_event: bool,
    /// The client shows addresses.
    #[serde(skip_serializing_if = "is_false")]
    pub supports_memory_references: bool,
    /// The client's terminal has a shell.
    #[serde(rename = "supportsArgsCanBeInterpretedByShell", skip_serializing_if = "is_false")]
    pub supports_args_can_be_interpreted_by_shell: bool,
    /// The client can start a second session.
    #[serde(skip_serializing_if = "is_false")]
    pub supports_start_debugging_request: bool,
    /// The client shows colours in output.
    #[serde(rename = "supportsANSIStyling", skip_serializing_if = "is_false")]
    pub supports_ansi_styling: bool,
}

/// Arguments of `launch`: the program to run. Exactly one of `program`, `module` and `code` is set.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct LaunchArguments {
    /// The script's path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub program: Option<String>,
    /// A module to run as `-m` does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub module: Option<String>,
    /// A program text to run as `-c` does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The program's arguments, without its own name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<String>,
    /// The directory to run in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cwd: Option<String>,
    /// Stop before the first line.
    #[serde(skip_serializing_if = "is_false")]
    pub stop_on_entry: bool,
    /// Do not step into or stop in library code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub just_my_code: Option<bool>,
    /// Run without debugging.
    #[serde(skip_serializing_if = "is_false")]
    pub no_debug: bool,
    /// What else the peer understands; passed through as it is.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// Arguments of `attach`: a program that runs already.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AttachArguments {
    /// Do not step into or stop in library code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub just_my_code: Option<bool>,
    /// Stop at once.
    #[serde(skip_serializing_if = "is_false")]
    pub stop_on_entry: bool,
    /// What else the peer understands; passed through as it is.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// Arguments of `disconnect`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct DisconnectArguments {
    /// The session will be started anew.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restart: Option<bool>,
    /// End the program; by default only if it was launched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub terminate_debuggee: Option<bool>,
    /// Leave the program stopped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suspend_debuggee: Option<bool>,
}

/// Arguments of `terminate`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TerminateArguments {
    /// The session will be started anew.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restart: Option<bool>,
}

/// Arguments of `restart`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RestartArguments {
    /// The newest arguments of `launch` or `attach`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arguments: Option<Value>,
}

/// Arguments of `setBreakpoints`: all breakpoints of one source; those before are gone.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SetBreakpointsArguments {
    /// The source.
    pub source: Source,
    /// Its breakpoints.
    pub breakpoints: Vec<SourceBreakpoint>,
    /// The text has changed and lines may have moved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_modified: Option<bool>,
}

/// The breakpoints as set, in the order of the arguments.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct BreakpointsBody {
    /// One for each that was asked for.
    pub breakpoints: Vec<Breakpoint>,
}

/// Arguments of `setFunctionBreakpoints`: all of them; those before are gone.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SetFunctionBreakpointsArguments {
    /// The breakpoints.
    pub breakpoints: Vec<FunctionBreakpoint>,
}

/// Arguments of `setExceptionBreakpoints`: all of them; those before are gone.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SetExceptionBreakpointsArguments {
    /// The filters that are on.
    pub filters: Vec<String>,
    /// Filters that are on with a condition.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub filter_options: Vec<ExceptionFilterOptions>,
}

/// Arguments of `dataBreakpointInfo`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct DataBreakpointInfoArguments {
    /// The container of the variable.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variables_reference: Option<VariablesReference>,
    /// The variable's name, or an expression when there is no container.
    pub name: String,
    /// The frame in which an expression is meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frame_id: Option<FrameId>,
}

/// Whether and how a place can be watched.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct DataBreakpointInfoBody {
    /// Identifies the place; absent when it cannot be watched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_id: Option<String>,
    /// The place for the user, or why it cannot be watched.
    pub description: String,
    /// `read`, `write`, `readWrite`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub access_types: Vec<String>,
    /// Whether the id is good for later sessions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub can_persist: Option<bool>,
}

/// Arguments of `setDataBreakpoints`: all of them; those before are gone.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SetDataBreakpointsArguments {
    /// The breakpoints.
    pub breakpoints: Vec<DataBreakpoint>,
}

/// Arguments of `breakpointLocations`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct BreakpointLocationsArguments {
    /// The source.
    pub source: Source,
    /// The first line.
    pub line: i64,
    /// The first column.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<i64>,
    /// The last line; absent means the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_line: Option<i64>,
    /// The last column.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_column: Option<i64>,
}

/// Where breakpoints can stand.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct BreakpointLocationsBody {
    /// The places, sorted.
    pub breakpoints: Vec<BreakpointLocation>,
}

/// Arguments of requests that concern one thread: `pause`, `exceptionInfo`, `reverseContinue`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ThreadArguments {
    /// The thread.
    pub thread_id: ThreadId,
    /// Leave the other threads as they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub single_thread: Option<bool>,
}

/// Body of the answer to `continue`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ContinueBody {
    /// Whether all threads run; absent means yes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub all_threads_continued: Option<bool>,
}

/// Arguments of `next`, `stepIn`, `stepOut` and `stepBack`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct StepArguments {
    /// The thread that makes the step.
    pub thread_id: ThreadId,
    /// Leave the other threads as they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub single_thread: Option<bool>,
    /// For `stepIn`: the call to step into, from `stepInTargets`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_id: Option<i64>,
    /// `statement` (the default), `line` or `instruction`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub granularity: Option<String>,
}

/// Arguments of requests that concern one frame: `scopes`, `stepInTargets`, `restartFrame`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct FrameArguments {
    /// The frame.
    pub frame_id: FrameId,
}

/// Arguments of `gotoTargets`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct GotoTargetsArguments {
    /// The source.
    pub source: Source,
    /// The line wanted.
    pub line: i64,
    /// The column wanted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<i64>,
}

/// Where the program can be made to go on.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct GotoTargetsBody {
    /// The places; empty when there is none.
    pub targets: Vec<GotoTarget>,
}

/// Arguments of `goto`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct GotoArguments {
    /// The thread.
    pub thread_id: ThreadId,
    /// The place, from `gotoTargets`.
    pub target_id: i64,
}

/// Arguments of `stackTrace`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct StackTraceArguments {
    /// The thread.
    pub thread_id: ThreadId,
    /// The first frame wanted, from 0, the innermost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_frame: Option<i64>,
    /// How many frames are wanted; 0 or absent means all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub levels: Option<i64>,
}

/// Body of the answer to `stackTrace`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct StackTraceBody {
    /// The frames, innermost first.
    pub stack_frames: Vec<StackFrame>,
    /// How many there are altogether.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total_frames: Option<i64>,
}

/// Body of the answer to `scopes`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ScopesBody {
    /// The scopes, innermost first.
    pub scopes: Vec<Scope>,
}

/// Arguments of `variables`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct VariablesArguments {
    /// The container.
    pub variables_reference: VariablesReference,
    /// Only `indexed` or only `named` children.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
    /// The first child wanted, from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start: Option<i64>,
    /// How many children are wanted; 0 or absent means all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<i64>,
    /// How to write the values.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<ValueFormat>,
}

/// Body of the answer to `variables`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct VariablesBody {
    /// The children.
    pub variables: Vec<Variable>,
}

/// Arguments of `setVariable`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SetVariableArguments {
    /// The container.
    pub variables_reference: VariablesReference,
    /// The child's name.
    pub name: String,
    /// An expression that gives the new value.
    pub value: String,
}

/// Arguments of `setExpression`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SetExpressionArguments {
    /// An expression that can be assigned to.
    pub expression: String,
    /// An expression that gives the new value.
    pub value: String,
    /// The frame in which both are meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frame_id: Option<FrameId>,
}

/// The value after `setVariable` or `setExpression`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SetValueBody {
    /// The new value as text.
    pub value: String,
    /// Its type's name.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub type_name: Option<String>,
    /// If positive, its children are asked for with this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variables_reference: Option<VariablesReference>,
    /// How many named children there are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub named_variables: Option<i64>,
    /// How many items there are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub indexed_variables: Option<i64>,
}

/// Arguments of `source`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SourceArguments {
    /// The source.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
    /// Its reference, for older servers.
    pub source_reference: i64,
}

/// Body of the answer to `source`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SourceBody {
    /// The text.
    pub content: String,
    /// Its media type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mime_type: Option<String>,
}

/// Body of the answer to `threads`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ThreadsBody {
    /// The threads.
    pub threads: Vec<Thread>,
}

/// Arguments of `modules`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ModulesArguments {
    /// The first module wanted, from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_module: Option<i64>,
    /// How many are wanted; 0 or absent means all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub module_count: Option<i64>,
}

/// Body of the answer to `modules`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ModulesBody {
    /// The modules.
    pub modules: Vec<Module>,
    /// How many there are altogether.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total_modules: Option<i64>,
}

/// Body of the answer to `loadedSources`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct LoadedSourcesBody {
    /// The sources.
    pub sources: Vec<Source>,
}

/// Arguments of `evaluate`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct EvaluateArguments {
    /// The expression; in the context `repl` a statement will do.
    pub expression: String,
    /// The frame in which it is meant; absent means the program's globals.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frame_id: Option<FrameId>,
    /// What for: `watch`, `repl`, `hover`, `clipboard`, `variables`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
    /// How to write the value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<ValueFormat>,
}

/// Body of the answer to `evaluate`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct EvaluateBody {
    /// The value as text.
    pub result: String,
    /// Its type's name.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub type_name: Option<String>,
    /// How to show it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub presentation_hint: Option<VariablePresentationHint>,
    /// If positive, its children are asked for with this.
    pub variables_reference: VariablesReference,
    /// How many named children there are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub named_variables: Option<i64>,
    /// How many items there are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub indexed_variables: Option<i64>,
}

/// Arguments of `completions`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CompletionsArguments {
    /// The frame in which the text is meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frame_id: Option<FrameId>,
    /// The text typed so far.
    pub text: String,
    /// The cursor in it, from 1, in UTF-16 units.
    pub column: i64,
    /// The cursor's line in it, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<i64>,
}

/// Body of the answer to `completions`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CompletionsBody {
    /// The proposals.
    pub targets: Vec<CompletionItem>,
}

/// Body of the answer to `stepInTargets`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct StepInTargetsBody {
    /// The calls of the current line, in the order in which they happen.
    pub targets: Vec<StepInTarget>,
}

/// Body of the answer to `exceptionInfo`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ExceptionInfoBody {
    /// The exception's type.
    pub exception_id: String,
    /// Its message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// When the server stops for it: `never`, `always`, `unhandled`, `userUnhandled`.
    pub break_mode: String,
    /// More about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub details: Option<ExceptionDetails>,
}

/// Arguments of `cancel`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CancelArguments {
    /// The number of the request to give up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<i64>,
    /// The progress to give up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub progress_id: Option<String>,
}

/// Arguments of `runInTerminal`, which a server sends to its client.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RunInTerminalArguments {
    /// `integrated` or `external`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The terminal's title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The directory to run in.
    pub cwd: String,
    /// The command and its arguments.
    pub args: Vec<String>,
    /// Changes to the environment; null removes a variable.
    pub env: Map<String, Value>,
}

/// Body of the answer to `runInTerminal`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RunInTerminalBody {
    /// The process started.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub process_id: Option<i64>,
    /// Its shell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shell_process_id: Option<i64>,
}
/// For serde: false is the same as absent.
fn is_false(b: &bool) -> bool {
    !*b
}
