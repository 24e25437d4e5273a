//! What several requests and events share, and the handles that they pass around.
//!
//! Handles are numbers of the server's choosing. A [`FrameId`] and a [`VariablesReference`] are good until the program
//! runs on; a [`ThreadId`] lives as long as its thread.
//! Source: <https://microsoft.github.io/debug-adapter-protocol/specification#Types>.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

macro_rules! handles {
    ($( $(#[doc = $doc:literal])* $name:ident; )*) => { $(
        $(#[doc = $doc])*
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(
            /// The number on the wire.
            pub i64,
        );
    )* };
}

handles! {
    /// Identifies a thread.
    ThreadId;
    /// Identifies a frame while its thread is stopped.
    FrameId;
    /// Identifies a container of variables while the program is stopped; 0 means "no children".
    VariablesReference;
}

impl VariablesReference {
    /// Whether there are children to ask for.
    pub fn has_children(self) -> bool {
        self.0 > 0
    }
}

/// A piece of source text: a file, or a text that only the server has.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Source {
    /// A short name for the user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The file's absolute path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// If positive, the text is to be asked for with the `source` request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_reference: Option<i64>,
    /// `normal`, `emphasize` or `deemphasize` (library code).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub presentation_hint: Option<String>,
    /// Where the text comes from, for the user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// The server's own; to be sent back unchanged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub adapter_data: Option<Value>,
}

/// A breakpoint as the client wants it, on one line.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SourceBreakpoint {
    /// The line, from 1.
    pub line: i64,
    /// The column, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<i64>,
    /// Stop only if this expression is true.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub condition: Option<String>,
    /// Stop only at these hits: a number, or an operator and a number as in `>= 3`, `% 2`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hit_condition: Option<String>,
    /// Print this and do not stop; expressions stand in braces.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_message: Option<String>,
}

/// A breakpoint as the client wants it, on the entry of a function.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct FunctionBreakpoint {
    /// The function's name, possibly dotted.
    pub name: String,
    /// Stop only if this expression is true.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub condition: Option<String>,
    /// Stop only at these hits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hit_condition: Option<String>,
}

/// A breakpoint as the client wants it, on a place that holds a value.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct DataBreakpoint {
    /// The place, as `dataBreakpointInfo` named it.
    pub data_id: String,
    /// `read`, `write` (the default) or `readWrite`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_type: Option<String>,
    /// Stop only if this expression is true.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub condition: Option<String>,
    /// Stop only at these hits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hit_condition: Option<String>,
}

/// A breakpoint as the server has it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Breakpoint {
    /// Identifies it in events.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<i64>,
    /// Whether it stands in code that exists.
    #[serde(skip_serializing_if = "is_false")]
    pub verified: bool,
    /// Why it is not verified, or what else the user should know.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Where it really is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
    /// The line where it really is: it may have moved to the next one with code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<i64>,
    /// The column where it really is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<i64>,
    /// The last line of its statement.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_line: Option<i64>,
    /// Why it is not verified: `pending` (it may be later) or `failed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// An exception filter with a condition.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ExceptionFilterOptions {
    /// The filter, as the capabilities named it.
    pub filter_id: String,
    /// Depends on the filter; Taipan takes exception type names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub condition: Option<String>,
}

/// A kind of exceptions that the server can stop at.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ExceptionBreakpointsFilter {
    /// Identifies it, for example `raised` or `uncaught`.
    pub filter: String,
    /// Its name for the user.
    pub label: String,
    /// A help text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Whether it is on at the start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<bool>,
    /// Whether `filterOptions` may give it a condition.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub supports_condition: Option<bool>,
    /// What such a condition means.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub condition_description: Option<String>,
}

/// A thread of the program.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Thread {
    /// Identifies it.
    pub id: ThreadId,
    /// Its name for the user.
    pub name: String,
}

/// A frame of a stopped thread.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct StackFrame {
    /// Identifies it until the program runs on.
    pub id: FrameId,
    /// The function's name.
    pub name: String,
    /// Its source; absent for native code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
    /// The current line, from 1; 0 when unknown.
    pub line: i64,
    /// The column of what runs, from 1; 0 when unknown.
    pub column: i64,
    /// The last line of what runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_line: Option<i64>,
    /// The column behind what runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_column: Option<i64>,
    /// Whether `restartFrame` works.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub can_restart: Option<bool>,
    /// Its module.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub module_id: Option<Value>,
    /// `normal`, `label` (no frame at all) or `subtle` (library code).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub presentation_hint: Option<String>,
}

/// A group of variables of a frame.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Scope {
    /// Its name for the user: Locals, Globals.
    pub name: String,
    /// `arguments`, `locals`, `registers`, `returnValue` or another word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub presentation_hint: Option<String>,
    /// Its variables are asked for with this.
    pub variables_reference: VariablesReference,
    /// How many there are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub named_variables: Option<i64>,
    /// How many items there are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub indexed_variables: Option<i64>,
    /// Whether asking takes long.
    #[serde(skip_serializing_if = "is_false")]
    pub expensive: bool,
}

/// A variable, an item, an attribute: a name and a value, perhaps with children.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Variable {
    /// Its name; for an item its index or key.
    pub name: String,
    /// Its value as one short text.
    pub value: String,
    /// Its type's name.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub type_name: Option<String>,
    /// How to show it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub presentation_hint: Option<VariablePresentationHint>,
    /// An expression that gives it, in the frame that it was read in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evaluate_name: Option<String>,
    /// If positive, its children are asked for with this.
    pub variables_reference: VariablesReference,
    /// How many named children there are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub named_variables: Option<i64>,
    /// How many items there are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub indexed_variables: Option<i64>,
    /// Its address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_reference: Option<String>,
}

/// How to show a variable.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct VariablePresentationHint {
    /// `property`, `method`, `class`, `data`, `event`, `virtual` and others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// `static`, `constant`, `readOnly`, `rawString`, `hasSideEffects` and others.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attributes: Vec<String>,
    /// `public`, `private`, `protected`, `internal`, `final`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub visibility: Option<String>,
    /// Whether the value is read only when asked for, because reading runs code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lazy: Option<bool>,
}

/// How to write values.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ValueFormat {
    /// Numbers in hexadecimal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hex: Option<bool>,
}

/// An exception in detail.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ExceptionDetails {
    /// Its message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The short name of its type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub type_name: Option<String>,
    /// The full name of its type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub full_type_name: Option<String>,
    /// An expression that gives the exception.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evaluate_name: Option<String>,
    /// The traceback as text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stack_trace: Option<String>,
    /// Its cause, its context, or the members of its group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inner_exception: Option<Vec<ExceptionDetails>>,
}

/// A place where the program can be made to go on.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct GotoTarget {
    /// Identifies it for `goto`.
    pub id: i64,
    /// Its name for the user.
    pub label: String,
    /// Its line.
    pub line: i64,
    /// Its column.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<i64>,
    /// Its last line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_line: Option<i64>,
}

/// A call of the current line that can be stepped into.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct StepInTarget {
    /// Identifies it for `stepIn`.
    pub id: i64,
    /// Its name for the user.
    pub label: String,
    /// Its line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<i64>,
    /// Its column.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<i64>,
    /// Its last line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_line: Option<i64>,
    /// The column behind it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_column: Option<i64>,
}

/// A proposal to complete what is being typed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CompletionItem {
    /// What the user sees, and what is inserted unless `text` is set.
    pub label: String,
    /// What is inserted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// `method`, `function`, `variable`, `class`, `module`, `keyword` and others.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub type_name: Option<String>,
    /// Where in the text it goes, in UTF-16 units from 0; absent means at the cursor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start: Option<i64>,
    /// How many units it replaces.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub length: Option<i64>,
    /// More about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// A place where a breakpoint can stand.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct BreakpointLocation {
    /// The line.
    pub line: i64,
    /// The column.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<i64>,
    /// The last line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_line: Option<i64>,
    /// The last column.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_column: Option<i64>,
}

/// What a server can do; what is absent it cannot.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Capabilities {
    /// The `configurationDone` request.
    #[serde(skip_serializing_if = "is_false")]
    pub supports_configuration_done_request: bool,
    /// Breakpoints on functions.
    #[serde(skip_serializing_if = "is_false")]
    pub supports_function_breakpoints: bool,
    /// Conditions of breakpoints.
    #[serde(skip_serializing_if = "is_false")]
    pub supports_conditional_breakpoints: bool,
    /// Hit conditions of breakpoints.
    #[serde(skip_serializing_if = "is_false")]
    pub supports_hit_conditional_breakpoints: bool,
    /// Evaluation without side effects, for hovers.
    #[serde(skip_serializing_if = "is_false")]
    pub supports_evaluate_for_hovers: bool,
    /// Running backwards: `stepBack` and `reverseContinue`.
    #[serde(skip_serializing_if = "is_false")]
    pub supports_step_back: bool,
    /// The `setVariable` request.
    #[serde(skip_serializing_if = "is_false")]
    pub supports_set_variable: bool,
    /// The `setExpression` request.
    #[serde(skip_serializing_if = "is_false")]
    pub supports_set_expression: bool,
    /// The `restartFrame` request.
    #[serde(skip_serializing_if = "is_false")]
    pub supports_restart_frame: bool,
    /// The `gotoTargets` request, and with it `goto`.
    #[serde(skip_serializing_if = "is_false")]
    pub supports_goto_targets_request: bool,
    /// The `stepInTargets` request.
    #[serde(skip_serializing_if = "is_false")]
    pub supports_step_in_targets_request: bool,
    /// The `completions` request.
    #[serde(skip_serializing_if = "is_false")]
    pub supports_completions_request: bool,
    /// The `modules` request.
    #[serde(skip_serializing_if = "is_false")]
    pub supports_modules_request: bool,
    /// The `restart` request.
    #[serde(skip_serializing_if = "is_false")]
    pub supports_restart_request: bool,
    /// Exception options (the older form of filter options).
    #[serde(skip_serializing_if = "is_false")]
    pub supports_exception_options: bool,
    /// Conditions of exception filters.
    #[serde(skip_serializing_if = "is_false")]
    pub supports_exception_filter_options: bool,
    /// Value formats.
    #[serde(skip_serializing_if = "is_false")]
    pub supports_value_formatting_options: bool,
    /// The `exceptionInfo` request.
    #[serde(skip_serializing_if = "is_false")]
    pub supports_exception_info_request: bool,
    /// `disconnect` can end the program.
    #[serde(skip_serializing_if = "is_false")]
    pub support_terminate_debuggee: bool,
    /// `disconnect` can leave the program stopped.
    #[serde(skip_serializing_if = "is_false")]
    pub support_suspend_debuggee: bool,
    /// Stack traces can be asked for in parts.
    #[serde(skip_serializing_if = "is_false")]
    pub supports_delayed_stack_trace_loading: bool,
    /// The `loadedSources` request.
    #[serde(skip_serializing_if = "is_false")]
    pub supports_loaded_sources_request: bool,
    /// Breakpoints that print and do not stop.
    #[serde(skip_serializing_if = "is_false")]
    pub supports_log_points: bool,
    /// The `terminateThreads` request.
    #[serde(skip_serializing_if = "is_false")]
    pub supports_terminate_threads_request: bool,
    /// The `terminate` request.
    #[serde(skip_serializing_if = "is_false")]
    pub supports_terminate_request: bool,
    /// Data breakpoints.
    #[serde(skip_serializing_if = "is_false")]
    pub supports_data_breakpoints: bool,
    /// The `disassemble` request.
    #[serde(skip_serializing_if = "is_false")]
    pub supports_disassemble_request: bool,
    /// The `cancel` request.
    #[serde(skip_serializing_if = "is_false")]
    pub supports_cancel_request: bool,
    /// The `breakpointLocations` request.
    #[serde(skip_serializing_if = "is_false")]
    pub supports_breakpoint_locations_request: bool,
    /// The evaluation context `clipboard`.
    #[serde(skip_serializing_if = "is_false")]
    pub supports_clipboard_context: bool,
    /// Steps by line, statement or instruction.
    #[serde(skip_serializing_if = "is_false")]
    pub supports_stepping_granularity: bool,
    /// Running one thread alone.
    #[serde(skip_serializing_if = "is_false")]
    pub supports_single_thread_execution_requests: bool,
    /// The kinds of exceptions it can stop at.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub exception_breakpoint_filters: Vec<ExceptionBreakpointsFilter>,
    /// The characters that start a completion.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub completion_trigger_characters: Vec<String>,
    /// What else the peer announced, Taipan's own capabilities among it.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}
/// For serde: false is the same as absent.
fn is_false(b: &bool) -> bool {
    !*b
}
