//! What is kept between sessions of one program: breakpoints, watches, kinds of exceptions.
//!
//! As JSON in a file of the caller's choosing. A file of another version, or none at all, means a fresh start.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::dap::ExceptionBreakpointsFilter;

use super::App;
use super::breakpoints::{ExceptionFilter, Target};
use super::sources::SourceKey;

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Kept {
    breakpoints: Vec<KeptBreakpoint>,
    watches: Vec<String>,
    exceptions: BTreeMap<String, bool>,
}

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct KeptBreakpoint {
    file: Option<PathBuf>,
    line: usize,
    function: Option<String>,
    condition: String,
    hit: String,
    log: String,
    disabled: bool,
    once: bool,
}

impl App {
    /// What is to be kept, as text.
    pub fn kept(&self) -> String {
        let breakpoints = self.breakpoints.listed().filter_map(|b| {
            let (file, line, function) = match &b.target {
                Target::Line(SourceKey::File(path), line) => (Some(path.clone()), *line, None),
                Target::Function(name) => (None, 0, Some(name.clone())),
                Target::Line(..) | Target::Data(..) => return None,
            };
            let (condition, hit, log) = (b.condition.clone(), b.hit.clone(), b.log.clone());
            Some(KeptBreakpoint { file, line, function, condition, hit, log, disabled: !b.enabled, once: b.temporary })
        });
        let kept = Kept {
            breakpoints: breakpoints.collect(),
            watches: self.watch_expressions.clone(),
            exceptions: self.breakpoints.filters.iter().map(|f| (f.filter.filter.clone(), f.on)).collect(),
        };
        serde_json::to_string_pretty(&kept).unwrap_or_default()
    }

    /// Takes over what was kept. A text that makes no sense is ignored: a broken file must not keep anyone from work.
    pub fn restore(&mut self, text: &str) {
        let Ok(kept) = serde_json::from_str::<Kept>(text) else { return };
        for k in kept.breakpoints {
            let target = match (k.file, k.function) {
                (Some(path), _) if k.line > 0 => Target::Line(SourceKey::File(path), k.line),
                (_, Some(name)) => Target::Function(name),
                _ => continue,
            };
            let number = self.breakpoints.add(target);
            if let Some(b) = self.breakpoints.get_mut(number) {
                (b.condition, b.hit, b.log) = (k.condition, k.hit, k.log);
                (b.enabled, b.temporary) = (!k.disabled, k.once);
            }
        }
        self.watch_expressions = kept.watches;
        for (filter, on) in kept.exceptions {
            let filter = ExceptionBreakpointsFilter { label: filter.clone(), filter, ..Default::default() };
            self.breakpoints.filters.push(ExceptionFilter { filter, on });
        }
    }
}
