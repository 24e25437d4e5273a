//! One object for the whole interpreter, kept in a `static`.

use crate::object::Value;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A place for one object, empty at first. Guarded by the GIL like every object.
pub struct Global {
    word: AtomicUsize,
}

impl Global {
    /// An empty place.
    pub const fn new() -> Global {
        Global { word: AtomicUsize::new(0) }
    }

    /// The object.
    pub fn get(&self) -> Option<Value> {
        let word = self.word.load(Ordering::Relaxed);
        if word == 0 {
            return None;
        }
        // SAFETY: the place owns one reference to the object, which is live (I1).
        Some(unsafe { Value::ref_from_word(&word) }.clone())
    }

    /// Puts an object there; gives the old one.
    pub fn set(&self, value: Option<Value>) -> Option<Value> {
        let word = self.word.swap(value.map_or(0, Value::into_word), Ordering::Relaxed);
        // SAFETY: the place gives up the reference it owned (I1).
        if word == 0 { None } else { Some(unsafe { Value::from_word(word) }) }
    }
}

impl Default for Global {
    fn default() -> Self {
        Global::new()
    }
}
