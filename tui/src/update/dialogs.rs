//! What keys do while a question, a form, a list or a long text lies over the panes.

use std::path::PathBuf;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::app::breakpoints::{Breakpoint, Target};
use crate::app::dialog::{BreakpointForm, Choice, Chosen, Dialog, Picker, Prompt, Purpose, Question, TextView};
use crate::app::session::Pending;
use crate::app::sources::SourceKey;
use crate::app::{App, Pane};
use crate::dap::request as r;
use crate::dap::{SetExpressionArguments, SetVariableArguments};
use crate::msg::Effect;
use crate::widgets::line_editor::LineEditor;

impl App {
    /// A key goes to the dialog.
    pub(super) fn dialog_key(&mut self, key: KeyEvent) {
        let Some(dialog) = self.dialog.take() else { return };
        let cancel = key.code == KeyCode::Esc
            || (key.modifiers.contains(KeyModifiers::CONTROL) && matches!(key.code, KeyCode::Char('c' | 'g')));
        if cancel {
            if let Dialog::Prompt(Prompt { purpose: Purpose::Search(line), .. }) = dialog {
                self.view.at.cursor = line;
                self.view.search.clear();
            }
            return;
        }
        // A dialog that is not finished by the key is put back.
        self.dialog = match dialog {
            Dialog::Confirm(question) => self.confirm_key(question, key),
            Dialog::Prompt(prompt) => self.prompt_key(prompt, key),
            Dialog::Breakpoint(form) => self.form_key(form, key),
            Dialog::Picker(picker) => self.picker_key(picker, key),
            Dialog::Text(text) => text_key(text, key).map(Dialog::Text),
            Dialog::Help(text) => text_key(text, key).map(Dialog::Help),
        };
    }

    fn confirm_key(&mut self, question: Question, key: KeyEvent) -> Option<Dialog> {
        match key.code {
            KeyCode::Char('y' | 'Y') | KeyCode::Enter => self.confirmed(question),
            // Pressed twice, the key that asked is an answer too.
            KeyCode::Char('q') if question == Question::Quit => self.confirmed(question),
            KeyCode::Char('R') if question == Question::Restart => self.confirmed(question),
            KeyCode::Char('n' | 'N' | 'q') => {}
            _ => return Some(Dialog::Confirm(question)),
        }
        None
    }

    fn confirmed(&mut self, question: Question) {
        match question {
            Question::Quit => self.leave(),
            Question::Restart => self.restart(),
            Question::ClearBreakpoints => {
                let numbers: Vec<usize> = self.breakpoints.listed().map(|b| b.number).collect();
                for number in numbers {
                    self.remove_breakpoint(number);
                }
            }
        }
    }

    fn prompt_key(&mut self, mut prompt: Prompt, key: KeyEvent) -> Option<Dialog> {
        if key.code == KeyCode::Enter {
            self.prompt_answered(prompt.purpose, prompt.editor.text());
            return None;
        }
        prompt.editor.key(key);
        match prompt.purpose {
            // The search moves along while the user types.
            Purpose::Search(line) => {
                self.view.search = prompt.editor.text().to_owned();
                self.view.at.cursor = line;
                let lines = self.view.key.as_ref().map_or(&[][..], |k| self.sources.lines(k));
                let here =
                    lines.get(line).is_some_and(|l| !crate::app::sources::matches(l, &self.view.search).is_empty());
                if !here && let Some(found) = self.view.find(lines, false) {
                    let len = lines.len();
                    self.view.go(found + 1, len);
                }
            }
            Purpose::Filter => self.variables.filter = prompt.editor.text().to_owned(),
            _ => {}
        }
        Some(Dialog::Prompt(prompt))
    }

    fn prompt_answered(&mut self, purpose: Purpose, text: &str) {
        match purpose {
            Purpose::GotoLine => match text.trim().parse::<usize>() {
                Ok(line) if line > 0 => {
                    let len = self.source_len();
                    self.view.go(line, len);
                    self.focus(Pane::Source);
                }
                _ => self.problem(format!("not a line number: {text}")),
            },
            Purpose::Search(_) => {
                let key = self.view.key.clone();
                let lines = key.as_ref().map_or(&[][..], |k| self.sources.lines(k));
                let count = lines.iter().filter(|l| !crate::app::sources::matches(l, text).is_empty()).count();
                match count {
                    _ if text.is_empty() => {}
                    0 => self.problem(format!("not found: {text}")),
                    n => self.note(format!("{n} lines; . next, , previous")),
                }
            }
            Purpose::Filter => self.variables.filter = text.trim().to_owned(),
            Purpose::Watch => self.add_watch(text),
            Purpose::EditWatch(index) => {
                if let Some(expression) = self.watch_expressions.get_mut(index) {
                    *expression = text.trim().to_owned();
                }
                self.watch_expressions.retain(|e| !e.is_empty());
                self.refresh_watches();
            }
            Purpose::SetValue => self.set_value(text),
        }
    }

    fn set_value(&mut self, value: &str) {
        let Some(node) = self.variables.selected().cloned() else { return };
        let container = node.parent.map(|p| self.variables.tree.nodes[p].reference);
        let value = value.to_owned();
        if let (true, Some(variables_reference)) = (self.session.capabilities.supports_set_variable, container) {
            let arguments = SetVariableArguments { variables_reference, name: node.name, value };
            self.request::<r::SetVariable>(&arguments, Pending::SetValue);
        } else if let (true, Some(expression)) = (self.session.capabilities.supports_set_expression, node.evaluate_name)
        {
            let arguments = SetExpressionArguments { expression, value, frame_id: self.session.frame_id() };
            self.request::<r::SetExpression>(&arguments, Pending::SetValue);
        } else {
            self.problem("this debugger cannot set this value");
        }
    }

    /// Opens the form of the breakpoint on a line, or of a new one.
    pub(super) fn edit_breakpoint_at(&mut self, key: SourceKey, line: usize) {
        match self.breakpoints.at(&key, line).map(|b| b.number) {
            Some(number) => self.edit_breakpoint(number),
            None => {
                self.dialog = Some(Dialog::Breakpoint(BreakpointForm {
                    number: None,
                    target: Target::Line(key, line),
                    fields: Default::default(),
                    selected: 0,
                    enabled: true,
                    temporary: false,
                }));
            }
        }
    }

    /// Opens the form of a breakpoint.
    pub(super) fn edit_breakpoint(&mut self, number: usize) {
        let Some(b) = self.breakpoints.get(number) else { return };
        self.dialog = Some(Dialog::Breakpoint(BreakpointForm {
            number: Some(number),
            target: b.target.clone(),
            fields: [LineEditor::new(&b.condition), LineEditor::new(&b.hit), LineEditor::new(&b.log)],
            selected: 0,
            enabled: b.enabled,
            temporary: b.temporary,
        }));
    }

    fn form_key(&mut self, mut form: BreakpointForm, key: KeyEvent) -> Option<Dialog> {
        const ROWS: usize = BreakpointForm::ROWS;
        match key.code {
            KeyCode::Enter => {
                self.form_answered(form);
                return None;
            }
            KeyCode::Tab | KeyCode::Down => form.selected = (form.selected + 1) % ROWS,
            KeyCode::BackTab | KeyCode::Up => form.selected = (form.selected + ROWS - 1) % ROWS,
            KeyCode::Char(' ') if form.selected == 3 => form.enabled = !form.enabled,
            KeyCode::Char(' ') if form.selected == 4 => form.temporary = !form.temporary,
            _ => {
                if let Some(field) = form.fields.get_mut(form.selected) {
                    field.key(key);
                }
            }
        }
        Some(Dialog::Breakpoint(form))
    }

    fn form_answered(&mut self, form: BreakpointForm) {
        let BreakpointForm { number, target, fields, selected: _, enabled, temporary } = form;
        let number = number.unwrap_or_else(|| self.breakpoints.add(target));
        let [condition, hit, log] = fields.map(|f| f.text().trim().to_owned());
        self.change_breakpoint(number, |b: &mut Breakpoint| {
            (b.condition, b.hit, b.log) = (condition, hit, log);
            (b.enabled, b.temporary) = (enabled, temporary);
        });
    }

    /// Lets the user choose a file: those in the stack and with breakpoints first, then all below the directory.
    pub(super) fn open_file_picker(&mut self) {
        let directory = self.config.cwd.clone();
        self.effect(Effect::ListFiles(directory));
        let choices = self.file_choices();
        self.dialog = Some(Dialog::Picker(Picker {
            title: "Show file",
            editor: LineEditor::default(),
            choices,
            cursor: Default::default(),
        }));
    }

    fn file_choices(&self) -> Vec<Choice> {
        let in_stack = self.session.frames().iter().filter_map(|f| self.frame_source(f));
        let mut keys: Vec<SourceKey> = Vec::new();
        let known = in_stack
            .chain(self.breakpoints.sources())
            .chain(self.config.script.iter().map(|p| SourceKey::File(self.absolute(p))));
        for key in known.chain(self.files.iter().map(|f| SourceKey::File(f.clone()))) {
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        let choice = |key: SourceKey| match &key {
            SourceKey::File(path) => Choice { label: self.short_path(path), value: Chosen::File(path.clone()) },
            SourceKey::Reference(_, name) => Choice { label: name.clone(), value: Chosen::Source(key) },
        };
        keys.into_iter().map(choice).collect()
    }

    /// The files below the directory have been listed.
    pub(super) fn files_listed(&mut self, files: Vec<PathBuf>) {
        self.files = files;
        let choices = self.file_choices();
        if let Some(Dialog::Picker(picker)) = &mut self.dialog
            && picker.title == "Show file"
        {
            picker.choices = choices;
        }
    }

    fn picker_key(&mut self, mut picker: Picker, key: KeyEvent) -> Option<Dialog> {
        let len = picker.left().len();
        match key.code {
            KeyCode::Enter => {
                let chosen = picker.left().get(picker.cursor.selected).map(|c| c.value.clone());
                match chosen {
                    Some(chosen) => self.chosen(chosen),
                    None if picker.title == "Show file" && !picker.editor.text().is_empty() => {
                        // Any other file can be shown by its path.
                        let path = self.absolute(std::path::Path::new(picker.editor.text()));
                        self.chosen(Chosen::File(path));
                    }
                    None => {}
                }
                return None;
            }
            KeyCode::Up => picker.cursor.step(-1, len),
            KeyCode::Down => picker.cursor.step(1, len),
            KeyCode::PageUp => picker.cursor.step(-10, len),
            KeyCode::PageDown => picker.cursor.step(10, len),
            KeyCode::Char('p') if key.modifiers.contains(KeyModifiers::CONTROL) => picker.cursor.step(-1, len),
            KeyCode::Char('n') if key.modifiers.contains(KeyModifiers::CONTROL) => picker.cursor.step(1, len),
            _ => {
                picker.editor.key(key);
                picker.cursor.selected = 0;
            }
        }
        Some(Dialog::Picker(picker))
    }

    fn chosen(&mut self, chosen: Chosen) {
        match chosen {
            Chosen::File(path) => {
                self.show_source(SourceKey::File(path), None);
                self.focus(Pane::Source);
            }
            Chosen::Source(key) => {
                self.show_source(key, None);
                self.focus(Pane::Source);
            }
            Chosen::StepTarget(target) => self.step_into(target.id),
        }
    }
}

/// Scrolling in a long text; any key that does not scroll closes it.
fn text_key(mut view: TextView, key: KeyEvent) -> Option<TextView> {
    match key.code {
        KeyCode::Up | KeyCode::Char('k') => view.scroll = view.scroll.saturating_sub(1),
        KeyCode::Down | KeyCode::Char('j') => view.scroll += 1,
        KeyCode::PageUp | KeyCode::Char('b') => view.scroll = view.scroll.saturating_sub(15),
        KeyCode::PageDown | KeyCode::Char(' ') => view.scroll += 15,
        KeyCode::Home | KeyCode::Char('g') => view.scroll = 0,
        KeyCode::End | KeyCode::Char('G') => view.scroll = usize::MAX,
        _ => return None,
    }
    Some(view)
}
