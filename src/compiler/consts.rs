//! The constants of a code object while it is being compiled: each value once, in the order of its first use.

use rustc_hash::FxHashMap;
use taipan_bytecode::Const;

/// Not a number is not equal to itself, so each one is a constant of its own.
fn is_nan(value: &Const) -> bool {
    match value {
        Const::Float(value) => value.is_nan(),
        Const::Complex { re, im } => re.is_nan() || im.is_nan(),
        _ => false,
    }
}

/// Constants by index, found by value.
#[derive(Debug, Default)]
pub struct ConstTable {
    items: Vec<Const>,
    index: FxHashMap<Const, u32>,
}

impl ConstTable {
    /// The index of a constant, which is added if it is new.
    pub fn add(&mut self, value: Const) -> u32 {
        let index = self.items.len() as u32;
        if !is_nan(&value) {
            if let Some(&index) = self.index.get(&value) {
                return index;
            }
            self.index.insert(value.clone(), index);
        }
        self.items.push(value);
        index
    }

    /// The constant at an index.
    pub fn get(&self, index: u32) -> &Const {
        &self.items[index as usize]
    }

    /// Number of constants.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Keeps the constants that are marked, in their order; the rest is dropped. Returns the new index of each old one.
    pub fn retain(&mut self, used: &[bool]) -> Vec<u32> {
        let places = used.iter().scan(0, |kept, &used| {
            *kept += used as u32;
            Some(*kept - used as u32)
        });
        let places = places.collect();
        let mut used = used.iter();
        self.items.retain(|_| *used.next().unwrap_or(&true));
        self.index.clear();
        places
    }

    /// The constants, in order.
    pub fn into_items(self) -> Vec<Const> {
        self.items
    }
}
