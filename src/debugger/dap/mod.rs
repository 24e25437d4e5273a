//! The wire: who may connect, how a session is spoken, what each request answers.

pub mod answer;
pub mod completions;
pub mod server;
pub mod session;
pub mod values;

use tui::dap::Capabilities;

use super::exceptions::Filter;

/// What this server can do.
pub fn capabilities() -> Capabilities {
    Capabilities {
        supports_configuration_done_request: true,
        supports_function_breakpoints: true,
        supports_data_breakpoints: true,
        supports_conditional_breakpoints: true,
        supports_hit_conditional_breakpoints: true,
        supports_evaluate_for_hovers: true,
        supports_set_variable: true,
        supports_set_expression: true,
        supports_goto_targets_request: true,
        supports_step_in_targets_request: true,
        supports_completions_request: true,
        supports_modules_request: true,
        supports_exception_filter_options: true,
        supports_value_formatting_options: true,
        supports_exception_info_request: true,
        support_terminate_debuggee: true,
        supports_delayed_stack_trace_loading: true,
        supports_loaded_sources_request: true,
        supports_log_points: true,
        supports_terminate_request: true,
        supports_breakpoint_locations_request: true,
        supports_clipboard_context: true,
        exception_breakpoint_filters: Filter::ALL.iter().map(|f| f.describe()).collect(),
        completion_trigger_characters: vec![".".to_owned()],
        ..Capabilities::default()
    }
}
