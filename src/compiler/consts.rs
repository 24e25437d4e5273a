//! The constants of a code object while it is being compiled: each value once, in the order of its first use.

use std::hash::BuildHasher;

use hashbrown::HashTable;
use rustc_hash::FxBuildHasher;
use taipan_bytecode::Const;

/// Constants by index, found by value.
#[derive(Debug, Default)]
pub struct ConstTable {
    items: Vec<Const>,
    /// Indices into `items`.
    index: HashTable<u32>,
}

/// Not a number is not equal to itself, so each one is a constant of its own.
fn is_nan(value: &Const) -> bool {
    match value {
        Const::Float(value) => value.is_nan(),
        Const::Complex { re, im } => re.is_nan() || im.is_nan(),
        _ => false,
    }
}

impl ConstTable {
    /// The index of a constant, which is added if it is new.
    pub fn add(&mut self, value: Const) -> u32 {
        let next = self.items.len() as u32;
        if !is_nan(&value) {
            let hash = FxBuildHasher.hash_one(&value);
            let items = &self.items;
            if let Some(&index) = self.index.find(hash, |&index| items[index as usize] == value) {
                return index;
            }
            self.index.insert_unique(hash, next, |&index| FxBuildHasher.hash_one(&items[index as usize]));
        }
        self.items.push(value);
        next
    }

    /// The constant at an index.
    pub fn get(&self, index: u32) -> &Const {
        &self.items[index as usize]
    }

    /// Number of constants.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Keeps the constants that are marked, in their order, and takes no more. Returns the new index of each old one.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_value_once() {
        let mut table = ConstTable::default();
        let values = [Const::int(1), Const::Bool(true), Const::int(1), Const::Float(f64::NAN), Const::Float(f64::NAN)];
        let indices: Vec<u32> = values.into_iter().map(|value| table.add(value)).collect();
        assert_eq!(indices, [0, 1, 0, 2, 3]);
        assert_eq!(table.retain(&[true, false, false, true]), [0, 1, 1, 1]);
        assert_eq!(table.len(), 2);
    }
}
