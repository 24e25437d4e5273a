//! The calling-context tree that samples are gathered in: nodes of addresses, no names yet, so that adding a sample costs
//! a few hash look-ups.

use rustc_hash::FxHashMap;
use taipan_runtime::vm::watch::Spot;

/// Most nodes; samples of further contexts are charged to the nearest one that exists.
const MAX_NODES: usize = 4 << 20;

/// One place in one context.
pub struct Node {
    /// The caller's node; `None` for a thread's outermost place.
    pub parent: Option<u32>,
    /// The place.
    pub spot: Spot,
    /// Nanoseconds during which this place was the innermost.
    pub self_time: u64,
    /// Samples of it.
    pub samples: u64,
}

/// All contexts of one thread or more.
#[derive(Default)]
pub struct Tree {
    /// Callers come before callees.
    pub nodes: Vec<Node>,
    children: FxHashMap<(u32, Spot), u32>,
    /// The last sample's way from the outside in, of each thread: the next one mostly shares its beginning.
    last: Vec<Vec<(Spot, u32)>>,
    /// Samples whose context did not fit.
    pub folded: u64,
}

/// Parent's number of an outermost place, in the table of children: different for each thread.
fn root_key(thread: u32) -> u32 {
    u32::MAX - thread
}

impl Tree {
    /// Adds a sample of thread number `thread`: its places innermost first, and the time it stands for.
    pub fn add(&mut self, thread: u32, spots: &[Spot], time: u64) {
        let number = thread as usize;
        if self.last.len() <= number {
            self.last.resize_with(number + 1, Vec::new);
        }
        let mut way = std::mem::take(&mut self.last[number]);
        let shared = spots.iter().rev().zip(&way).take_while(|(spot, (known, _))| *spot == known).count();
        way.truncate(shared);
        let mut at = way.last().map(|(_, node)| *node);
        for &spot in spots.iter().rev().skip(shared) {
            let key = (at.unwrap_or(root_key(thread)), spot);
            at = match self.children.get(&key) {
                Some(&n) => Some(n),
                None if self.nodes.len() >= MAX_NODES => {
                    self.folded += 1;
                    break;
                }
                None => {
                    let n = self.nodes.len() as u32;
                    self.nodes.push(Node { parent: at, spot, self_time: 0, samples: 0 });
                    self.children.insert(key, n);
                    Some(n)
                }
            };
            way.extend(at.map(|n| (spot, n)));
        }
        self.last[number] = way;
        if let Some(n) = at {
            let node = &mut self.nodes[n as usize];
            node.self_time += time;
            node.samples += 1;
        }
    }

    /// Thread number of each outermost place.
    pub fn roots(&self) -> FxHashMap<u32, u32> {
        let of = |parent: u32, n: u32| (parent > u32::MAX - (1 << 20)).then_some((n, u32::MAX - parent));
        self.children.iter().filter_map(|(&(parent, _), &n)| of(parent, n)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contexts_are_told_apart_and_times_add_up() {
        let spot = |code, unit| Spot::Python { code, unit };
        let (main, f) = (spot(16, 1), spot(32, 2));
        let mut t = Tree::default();
        t.add(0, &[f, main], 5);
        t.add(0, &[f, main], 7);
        t.add(0, &[main], 1);
        t.add(1, &[f], 2);
        assert_eq!(t.nodes.len(), 3);
        assert_eq!(t.nodes.iter().map(|n| n.self_time).sum::<u64>(), 15);
        let deep = t.nodes.iter().find(|n| n.parent.is_some()).unwrap();
        assert_eq!((deep.self_time, deep.samples), (12, 2));
        assert_eq!(t.roots().values().copied().collect::<std::collections::BTreeSet<_>>(), [0, 1].into());
    }
}
