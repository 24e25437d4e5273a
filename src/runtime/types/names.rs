//! Interned names as constants: `name!("__init__")` is a `&'static Py<Str>`, interned at first use.
//!
//! Interned strings are immortal, so a name is a word that is written once.

use crate::object::Py;
use crate::types::str::Str;
use std::sync::atomic::{AtomicUsize, Ordering};

/// An interned name, made at first use.
pub struct Name {
    text: &'static str,
    word: AtomicUsize,
}

impl Name {
    /// A name that is not interned yet.
    pub const fn new(text: &'static str) -> Name {
        Name { text, word: AtomicUsize::new(0) }
    }

    /// The interned string.
    #[inline(always)]
    pub fn get(&'static self) -> &'static Py<Str> {
        if self.word.load(Ordering::Relaxed) == 0 {
            self.fill();
        }
        // SAFETY: the word is that of an immortal `Str`; `Py<Str>` is one transparent word and so is an atomic (I1).
        unsafe { &*(&raw const self.word).cast::<Py<Str>>() }
    }

    #[cold]
    fn fill(&self) {
        let name = crate::types::str::intern::intern_str(self.text);
        self.word.store(name.into_value().into_word(), Ordering::Relaxed);
    }
}

/// The interned string with this text, as a `&'static Py<Str>`.
#[macro_export]
macro_rules! name {
    ($text:literal) => {{
        static NAME: $crate::types::names::Name = $crate::types::names::Name::new($text);
        NAME.get()
    }};
}
