//! Small pieces of screen that know nothing of debugging.

pub mod line_editor;
pub mod list;
pub mod text;
