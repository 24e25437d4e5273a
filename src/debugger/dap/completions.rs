//! Completing what the user types: names of the frame, attributes of what stands before a dot.

use taipan_runtime::object::{Type, Value};
use taipan_runtime::types::dict::Dict;
use taipan_runtime::types::function::Function;
use taipan_runtime::types::module::Module;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::typeobject;
use taipan_runtime::vm::Vm;
use tui::dap;

use crate::debugger::evaluate::{self, Place};
use crate::debugger::inspect;

const KEYWORDS: &[&str] = &[
    "False", "None", "True", "and", "assert", "async", "await", "class", "def", "del", "elif", "else", "except",
    "finally", "for", "from", "global", "if", "import", "in", "is", "lambda", "nonlocal", "not", "or", "pass", "raise",
    "return", "try", "while", "with", "yield",
];

/// The proposals for a text and a cursor in it.
pub fn complete(vm: &mut Vm, place: &Place, a: &dap::CompletionsArguments) -> dap::CompletionsBody {
    let line = a.line.and_then(|l| usize::try_from(l - 1).ok()).unwrap_or(0);
    let text = a.text.split('\n').nth(line).unwrap_or(&a.text);
    let before = up_to(text, a.column - 1);
    let word_start = before
        .rfind(|c: char| !(c.is_alphanumeric() || c == '_'))
        .map_or(0, |i| i + before[i..].chars().next().map_or(1, char::len_utf8));
    let word = &before[word_start..];
    let found = match before[..word_start].strip_suffix('.') {
        Some(owner) => match evaluate::expression(vm, place, last_expression(owner)) {
            Ok(value) => attribute_names(&value),
            Err(_) => Vec::new(),
        },
        None => names(vm, place),
    };
    let start = before[..word_start].encode_utf16().count() as i64;
    let length = word.encode_utf16().count() as i64;
    let mut targets: Vec<dap::CompletionItem> = Vec::new();
    for (label, kind) in found {
        let hidden = label.starts_with('_') && !word.starts_with('_');
        if label.starts_with(word) && !hidden && !targets.iter().any(|t| t.label == label) {
            let type_name = Some(kind.to_owned());
            targets.push(dap::CompletionItem {
                label,
                type_name,
                start: Some(start),
                length: Some(length),
                ..Default::default()
            });
        }
    }
    dap::CompletionsBody { targets }
}

/// The text before a column in UTF-16 units.
fn up_to(text: &str, column: i64) -> &str {
    let mut left = column.max(0);
    for (i, c) in text.char_indices() {
        if left <= 0 {
            return &text[..i];
        }
        left -= c.len_utf16() as i64;
    }
    text
}

/// The name, attribute or item at the end of a text: what an attribute is asked of.
fn last_expression(text: &str) -> &str {
    let mut depth = 0;
    let mut start = text.len();
    for (i, c) in text.char_indices().rev() {
        match c {
            ']' => depth += 1,
            '[' if depth > 0 => depth -= 1,
            _ if depth > 0 => {}
            c if c.is_alphanumeric() || c == '_' || c == '.' => {}
            _ => break,
        }
        start = i;
    }
    &text[start..]
}

fn kind_of(v: &Value) -> &'static str {
    if v.downcast::<Function>().is_some() {
        "function"
    } else if v.downcast::<Type>().is_some() {
        "class"
    } else if v.downcast::<Module>().is_some() {
        "module"
    } else {
        "variable"
    }
}

fn text_of(key: &Value) -> Option<String> {
    key.downcast::<Str>().map(|s| s.to_rust().into_owned())
}

fn of_dict(d: &Dict) -> Vec<(String, &'static str)> {
    d.iter().filter_map(|(k, v)| Some((text_of(k)?, kind_of(v)))).collect()
}

/// Names of a value's attributes: its own, then those of its class and the bases. None is read.
fn attribute_names(v: &Value) -> Vec<(String, &'static str)> {
    let mut found: Vec<(String, &'static str)> = Vec::new();
    if let Some(m) = v.downcast::<Module>() {
        found.extend(m.dict.pairs().iter().filter_map(|(k, v)| Some((text_of(k)?, kind_of(v)))));
    }
    found.extend(inspect::attributes(v).into_iter().map(|(n, _)| (n, "property")));
    let classes = v.downcast::<Type>().map(|t| typeobject::mro_of(t.get_type())).unwrap_or_default();
    for class in classes.into_iter().chain(typeobject::mro_of(v.class())) {
        for (k, v) in class.get_type().payload.dict().pairs() {
            let kind = if kind_of(&v) == "function" { "method" } else { kind_of(&v) };
            found.extend(text_of(&k).map(|n| (n, kind)));
        }
    }
    found
}

/// The names that can be used in a place: locals, globals, builtins, keywords.
fn names(vm: &mut Vm, place: &Place) -> Vec<(String, &'static str)> {
    let mut found = Vec::new();
    if let Place::Frame(frame) = place {
        found.extend(frame.locals().into_iter().map(|(n, v)| (n.to_rust().into_owned(), kind_of(&v))));
        if let Some(namespace) = frame.namespace().as_ref().and_then(|n| n.downcast::<Dict>()) {
            found.extend(of_dict(namespace.get(vm)));
        }
        found.extend(of_dict(frame.function().globals.get(vm)));
    } else if let Ok(main) = taipan_runtime::start::main_module(vm) {
        found.extend(of_dict(main.dict.get(vm)));
    }
    let builtins = taipan_runtime::builtins::dict();
    found.extend(of_dict(builtins.get(vm)));
    found.extend(KEYWORDS.iter().map(|k| ((*k).to_owned(), "keyword")));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_before_the_dot() {
        assert_eq!(last_expression("print(self.items"), "self.items");
        assert_eq!(last_expression("x = rows[i + 1]"), "rows[i + 1]");
        assert_eq!(last_expression("a + "), "");
    }

    #[test]
    fn columns_are_utf16_units() {
        assert_eq!(up_to("a😀b", 3), "a😀");
        assert_eq!(up_to("ab", 99), "ab");
    }
}
