//! A tree of values whose children are asked for when they are opened, and which knows what changed since the last stop.
//!
//! At a stop a new tree is filled beside the old one and takes its place when it is complete, so that nothing flickers
//! while the user steps. What the user opened stays open: paths of names are remembered, not nodes.

use std::collections::{HashMap, HashSet};

use crate::dap::{EvaluateBody, Scope, Variable, VariablesReference};
use crate::widgets::list::ListCursor;

use super::Pane;

/// More items than this are shown in groups of this many.
pub const PAGE: i64 = 100;

/// A value with its name.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Node {
    /// Its name.
    pub name: String,
    /// Its value in short.
    pub value: String,
    /// Its type's name.
    pub type_name: String,
    /// What its children are asked for with.
    pub reference: VariablesReference,
    /// How many items it has, if the adapter said so.
    pub indexed: i64,
    /// How many named children it has, if the adapter said so.
    pub named: i64,
    /// For a group of items: the first one and their number.
    pub range: Option<(i64, i64)>,
    /// An expression that gives it.
    pub evaluate_name: Option<String>,
    /// Whether it is a scope and not a value.
    pub is_scope: bool,
    /// Whether its value is the text of an error.
    pub is_error: bool,
    /// Whether it is a special name, a function, a class or a module: seldom what one looks for.
    pub is_special: bool,
    /// Whether its value is other than at the last stop.
    pub changed: bool,
    /// Whether it is open.
    pub open: bool,
    /// Its children, once they are here.
    pub children: Option<Vec<usize>>,
    /// The node that it belongs to.
    pub parent: Option<usize>,
    /// How deep it is, from 0.
    pub depth: usize,
    /// Its name and those of all above it.
    pub path: String,
}

impl Node {
    /// Whether it has children, or may have.
    pub fn is_expandable(&self) -> bool {
        self.reference.has_children()
    }
}

/// A tree of values at one stop.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tree {
    /// Tells it from other trees.
    pub id: u64,
    /// All nodes.
    pub nodes: Vec<Node>,
    /// The topmost ones.
    pub roots: Vec<usize>,
}

impl Tree {
    fn add(&mut self, mut node: Node, parent: Option<usize>) -> usize {
        let (depth, prefix) =
            parent.map_or((0, String::new()), |p| (self.nodes[p].depth + 1, format!("{}\u{1f}", self.nodes[p].path)));
        node.depth = depth;
        node.parent = parent;
        node.path = prefix + &node.name;
        self.nodes.push(node);
        let index = self.nodes.len() - 1;
        match parent {
            Some(p) => self.nodes[p].children.get_or_insert_default().push(index),
            None => self.roots.push(index),
        }
        index
    }
}

/// A request for children that is to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The tree.
    pub tree: u64,
    /// The node.
    pub node: usize,
    /// What the children are asked for with.
    pub reference: VariablesReference,
    /// The first item and their number, if only some are wanted.
    pub range: Option<(i64, i64)>,
}

/// A pane that shows a tree.
#[derive(Debug)]
pub struct TreePane {
    /// Which pane it is.
    pub pane: Pane,
    /// The tree shown.
    pub tree: Tree,
    /// The tree being filled, and how many answers it waits for.
    pub next: Option<(Tree, usize)>,
    /// The cursor among the visible rows.
    pub cursor: ListCursor,
    /// Show only names that contain this.
    pub filter: String,
    /// Whether special names, functions, classes and modules are shown.
    pub show_special: bool,
    /// Which frame the tree belongs to; values are compared only within one.
    frame: String,
    /// Paths that the user opened or closed against the default.
    toggled: HashMap<String, bool>,
    /// Values at the last stop, by path.
    seen: HashMap<String, String>,
    /// Paths of nodes whose children were known at the last stop.
    seen_open: HashSet<String>,
    last_id: u64,
}

impl TreePane {
    /// An empty pane.
    pub fn new(pane: Pane) -> TreePane {
        TreePane {
            pane,
            tree: Tree::default(),
            next: None,
            cursor: ListCursor::default(),
            filter: String::new(),
            show_special: false,
            frame: String::new(),
            toggled: HashMap::new(),
            seen: HashMap::new(),
            seen_open: HashSet::new(),
            last_id: 0,
        }
    }

    /// Begins a new tree for the frame called `frame`. `waits` answers are awaited besides those for children.
    pub fn begin(&mut self, frame: String, waits: usize) -> u64 {
        // A tree that was never completed must not count as what the user saw.
        self.next = None;
        if frame == self.frame {
            self.seen = self.tree.nodes.iter().map(|n| (n.path.clone(), n.value.clone())).collect();
            let opened = self.tree.nodes.iter().filter(|n| n.children.is_some());
            self.seen_open = opened.map(|n| n.path.clone()).collect();
        } else {
            self.seen.clear();
            self.seen_open.clear();
        }
        self.frame = frame;
        self.last_id += 1;
        self.next = Some((Tree { id: self.last_id, ..Default::default() }, waits));
        self.settle_next();
        self.last_id
    }

    /// The same frame is read again without having run: nothing counts as changed.
    pub fn begin_again(&mut self, waits: usize) -> u64 {
        let seen = (std::mem::take(&mut self.seen), std::mem::take(&mut self.seen_open));
        self.last_id += 1;
        (self.seen, self.seen_open) = seen;
        self.next = Some((Tree { id: self.last_id, ..Default::default() }, waits));
        self.last_id
    }

    /// One of the awaited answers has come, or will not.
    pub fn arrived(&mut self, id: u64) {
        if let Some((tree, waits)) = &mut self.next
            && tree.id == id
        {
            *waits = waits.saturating_sub(1);
            self.settle_next();
        }
    }

    /// The new tree takes the old one's place when nothing is awaited any more.
    fn settle_next(&mut self) {
        if self.next.as_ref().is_some_and(|(_, waits)| *waits == 0)
            && let Some((tree, _)) = self.next.take()
        {
            let selected = self.selected().map(|n| n.path.clone());
            self.tree = tree;
            if let Some(path) = selected
                && let Some(row) = self.visible().iter().position(|&i| self.tree.nodes[i].path == path)
            {
                self.cursor.selected = row;
            }
        }
    }

    fn tree_mut(&mut self, id: u64) -> Option<&mut Tree> {
        if self.tree.id == id {
            return Some(&mut self.tree);
        }
        self.next.as_mut().map(|(tree, _)| tree).filter(|tree| tree.id == id)
    }

    /// Adds the scopes of the frame; what is to be asked for next is returned.
    pub fn set_scopes(&mut self, id: u64, scopes: &[Scope]) -> Vec<Wanted> {
        let mut wanted = Vec::new();
        for scope in scopes {
            let kind = scope.presentation_hint.as_deref().unwrap_or("");
            let is_global = kind == "globals" || scope.name.eq_ignore_ascii_case("globals");
            let default_open = !scope.expensive && !is_global;
            let node = Node {
                name: scope.name.clone(),
                reference: scope.variables_reference,
                indexed: scope.indexed_variables.unwrap_or(0),
                named: scope.named_variables.unwrap_or(0),
                is_scope: true,
                ..Default::default()
            };
            wanted.extend(self.insert(id, node, None, default_open));
        }
        self.await_more(id, wanted.len());
        wanted
    }

    /// Adds a watched expression: its value, or why it has none.
    pub fn set_watch(&mut self, id: u64, expression: &str, value: Result<EvaluateBody, String>) -> Vec<Wanted> {
        let node = match value {
            Ok(body) => Node {
                value: body.result,
                type_name: body.type_name.unwrap_or_default(),
                reference: body.variables_reference,
                indexed: body.indexed_variables.unwrap_or(0),
                named: body.named_variables.unwrap_or(0),
                ..Default::default()
            },
            Err(why) => Node { value: last_line(&why), is_error: true, ..Default::default() },
        };
        let name = expression.to_owned();
        let evaluate_name = Some(name.clone());
        let wanted: Vec<Wanted> =
            self.insert(id, Node { name, evaluate_name, ..node }, None, false).into_iter().collect();
        self.await_more(id, wanted.len());
        wanted
    }

    /// Adds the children of a node, which a request asked for; what is to be asked for next is returned.
    pub fn set_children(&mut self, id: u64, node: usize, variables: Vec<Variable>) -> Vec<Wanted> {
        let Some(tree) = self.tree_mut(id) else { return Vec::new() };
        let Some(parent) = tree.nodes.get_mut(node) else { return Vec::new() };
        parent.children = Some(Vec::new());
        let in_group = parent.range.is_some();
        let mut wanted = Vec::new();
        for variable in variables {
            let mut child = variable_node(variable);
            if in_group {
                // Items of a group are compared under the container's path, however the groups are cut.
                child.is_special = false;
            }
            wanted.extend(self.insert(id, child, Some(node), false));
        }
        self.await_more(id, wanted.len());
        wanted
    }

    /// New requests keep a tree that is being filled from being shown.
    fn await_more(&mut self, id: u64, count: usize) {
        if let Some((tree, waits)) = &mut self.next
            && tree.id == id
        {
            *waits += count;
        }
    }

    /// Inserts a node, opened if the user had it open; returns the request for its children, if so.
    fn insert(&mut self, id: u64, node: Node, parent: Option<usize>, default_open: bool) -> Option<Wanted> {
        let tree = self.tree_mut(id)?;
        let index = tree.add(node, parent);
        let path = tree.nodes[index].path.clone();
        let parent_path = parent.map(|p| tree.nodes[p].path.clone());
        let value = tree.nodes[index].value.clone();
        let open = self.toggled.get(&path).copied().unwrap_or(default_open);
        let changed = match self.seen.get(&path) {
            Some(old) => *old != value,
            None => parent_path.is_some_and(|p| self.seen_open.contains(&p)),
        };
        let node = &mut self.tree_mut(id)?.nodes[index];
        node.changed = changed && !node.is_scope;
        node.open = open && node.is_expandable();
        if node.open { self.want_children(id, index) } else { None }
    }

    /// The request for the children of a node; a container of very many items gets groups of them at once instead.
    fn want_children(&mut self, id: u64, index: usize) -> Option<Wanted> {
        let tree = self.tree_mut(id)?;
        let node = &tree.nodes[index];
        if node.range.is_none() && node.indexed > PAGE && node.named == 0 {
            let (total, reference) = (node.indexed, node.reference);
            for start in (0..total).step_by(PAGE as usize) {
                let count = PAGE.min(total - start);
                let name = format!("[{start} … {}]", start + count - 1);
                tree.add(Node { name, reference, range: Some((start, count)), ..Default::default() }, Some(index));
            }
            return None;
        }
        Some(Wanted { tree: id, node: index, reference: node.reference, range: node.range })
    }

    /// The nodes shown, from top to bottom.
    pub fn visible(&self) -> Vec<usize> {
        let mut rows = Vec::new();
        for &root in &self.tree.roots {
            self.collect(root, &mut rows);
        }
        rows
    }

    fn collect(&self, index: usize, rows: &mut Vec<usize>) {
        let node = &self.tree.nodes[index];
        if node.is_special && !self.show_special {
            return;
        }
        let matches = self.filter.is_empty()
            || node.is_scope
            || node.depth > 1
            || node.name.to_lowercase().contains(&self.filter.to_lowercase());
        if !matches {
            return;
        }
        rows.push(index);
        if node.open {
            for &child in node.children.iter().flatten() {
                self.collect(child, rows);
            }
        }
    }

    /// How many children of open scopes are not shown because they are special.
    pub fn hidden(&self) -> usize {
        if self.show_special {
            return 0;
        }
        let open_scopes = self.tree.nodes.iter().filter(|n| n.is_scope && n.open);
        open_scopes.flat_map(|n| n.children.iter().flatten()).filter(|&&c| self.tree.nodes[c].is_special).count()
    }

    /// The node under the cursor.
    pub fn selected(&self) -> Option<&Node> {
        let rows = self.visible();
        rows.get(self.cursor.selected.min(rows.len().checked_sub(1)?)).map(|&i| &self.tree.nodes[i])
    }

    /// Which root the node under the cursor belongs to.
    pub fn selected_root(&self) -> Option<usize> {
        let rows = self.visible();
        let mut at = *rows.get(self.cursor.selected)?;
        while let Some(parent) = self.tree.nodes[at].parent {
            at = parent;
        }
        self.tree.roots.iter().position(|&r| r == at)
    }

    /// Opens or closes the node under the cursor; what is to be asked for is returned.
    pub fn set_open(&mut self, open: bool) -> Option<Wanted> {
        let index = *self.visible().get(self.cursor.selected)?;
        let node = &mut self.tree.nodes[index];
        if !node.is_expandable() {
            return None;
        }
        node.open = open;
        let missing = open && node.children.is_none();
        let path = node.path.clone();
        self.toggled.insert(path, open);
        if missing { self.want_children(self.tree.id, index) } else { None }
    }

    /// Moves the cursor to the parent of the node under it.
    pub fn go_to_parent(&mut self) {
        let rows = self.visible();
        let Some(&index) = rows.get(self.cursor.selected) else { return };
        if let Some(parent) = self.tree.nodes[index].parent
            && let Some(row) = rows.iter().position(|&i| i == parent)
        {
            self.cursor.selected = row;
        }
    }

    /// The names and values of the variables in open scopes: for showing them beside the source.
    pub fn locals(&self) -> impl Iterator<Item = &Node> {
        let scopes = self.tree.roots.iter().take(1).map(|&r| &self.tree.nodes[r]);
        scopes.flat_map(|s| s.children.iter().flatten()).map(|&c| &self.tree.nodes[c])
    }

    /// Takes everything away.
    pub fn clear(&mut self) {
        self.tree = Tree::default();
        self.next = None;
        self.seen.clear();
        self.seen_open.clear();
        self.frame.clear();
    }
}

/// The node of a variable.
fn variable_node(variable: Variable) -> Node {
    let hint = variable.presentation_hint.unwrap_or_default();
    let kind = hint.kind.as_deref().unwrap_or("");
    let type_name = variable.type_name.unwrap_or_default();
    let dunder = variable.name.starts_with("__") && variable.name.ends_with("__");
    let special_type = matches!(
        type_name.as_str(),
        "module" | "function" | "type" | "method" | "builtin_function_or_method" | "method-wrapper" | "ABCMeta"
    );
    let group = matches!(
        variable.name.as_str(),
        "special variables" | "function variables" | "class variables" | "protected variables" | "len()"
    );
    Node {
        is_special: dunder || special_type || group || matches!(kind, "method" | "class"),
        name: variable.name,
        value: variable.value,
        type_name,
        reference: variable.variables_reference,
        indexed: variable.indexed_variables.unwrap_or(0),
        named: variable.named_variables.unwrap_or(0),
        evaluate_name: variable.evaluate_name,
        ..Default::default()
    }
}

/// The last line of an error's text that says something: of a traceback, the exception.
pub fn last_line(text: &str) -> String {
    text.lines().rev().map(str::trim).find(|l| !l.is_empty()).unwrap_or("").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variable(name: &str, value: &str, reference: i64) -> Variable {
        Variable {
            name: name.to_owned(),
            value: value.to_owned(),
            variables_reference: VariablesReference(reference),
            ..Default::default()
        }
    }

    fn scope(name: &str, reference: i64) -> Scope {
        Scope { name: name.to_owned(), variables_reference: VariablesReference(reference), ..Default::default() }
    }

    /// Fills a pane at a stop: locals as given.
    fn stop(pane: &mut TreePane, locals: &[(&str, &str, i64)]) -> Vec<Wanted> {
        let id = pane.begin("f".to_owned(), 1);
        let wanted = pane.set_scopes(id, &[scope("Locals", 1), scope("Globals", 2)]);
        pane.arrived(id);
        assert_eq!(wanted.len(), 1, "only Locals are open at first");
        let more = pane.set_children(id, wanted[0].node, locals.iter().map(|&(n, v, r)| variable(n, v, r)).collect());
        pane.arrived(id);
        more
    }

    fn shown(pane: &TreePane) -> Vec<String> {
        let nodes = pane.visible().into_iter().map(|i| &pane.tree.nodes[i]);
        nodes
            .map(|n| format!("{}{}={}{}", " ".repeat(n.depth), n.name, n.value, if n.changed { "*" } else { "" }))
            .collect()
    }

    #[test]
    fn changes_are_marked_within_one_frame() {
        let mut pane = TreePane::new(Pane::Variables);
        stop(&mut pane, &[("a", "1", 0), ("b", "2", 0)]);
        assert_eq!(shown(&pane), ["Locals=", " a=1", " b=2", "Globals="]);
        stop(&mut pane, &[("a", "1", 0), ("b", "3", 0), ("c", "4", 0)]);
        assert_eq!(shown(&pane), ["Locals=", " a=1", " b=3*", " c=4*", "Globals="]);
        pane.begin("g".to_owned(), 0);
        assert_eq!(shown(&pane), [] as [&str; 0]);
    }

    #[test]
    fn what_was_opened_is_opened_again_before_the_new_tree_shows() {
        let mut pane = TreePane::new(Pane::Variables);
        stop(&mut pane, &[("xs", "[1]", 7)]);
        pane.cursor.selected = 1;
        let wanted = pane.set_open(true).unwrap();
        assert_eq!(wanted.reference, VariablesReference(7));
        pane.set_children(wanted.tree, wanted.node, vec![variable("0", "1", 0)]);
        let more = stop(&mut pane, &[("xs", "[2]", 8)]);
        assert_eq!(shown(&pane)[1], " xs=[1]", "the old tree shows until the new one is complete");
        pane.set_children(more[0].tree, more[0].node, vec![variable("0", "2", 0)]);
        pane.arrived(more[0].tree);
        assert_eq!(shown(&pane), ["Locals=", " xs=[2]*", "  0=2*", "Globals="]);
    }

    #[test]
    fn many_items_come_in_groups() {
        let mut pane = TreePane::new(Pane::Watches);
        let id = pane.begin(String::new(), 1);
        let body = EvaluateBody {
            result: "[…]".to_owned(),
            variables_reference: VariablesReference(3),
            indexed_variables: Some(250),
            ..Default::default()
        };
        assert!(pane.set_watch(id, "xs", Ok(body)).is_empty());
        pane.arrived(id);
        assert_eq!(pane.set_open(true), None);
        assert_eq!(shown(&pane), ["xs=[…]", " [0 … 99]=", " [100 … 199]=", " [200 … 249]="]);
        pane.cursor.selected = 3;
        assert_eq!(pane.set_open(true).unwrap().range, Some((200, 50)));
    }

    #[test]
    fn special_names_and_filters_hide_rows() {
        let mut pane = TreePane::new(Pane::Variables);
        stop(&mut pane, &[("__name__", "'x'", 0), ("total", "1", 0), ("n", "2", 0)]);
        assert_eq!(shown(&pane), ["Locals=", " total=1", " n=2", "Globals="]);
        assert_eq!(pane.hidden(), 1);
        pane.show_special = true;
        pane.filter = "NAME".to_owned();
        assert_eq!(shown(&pane), ["Locals=", " __name__='x'", "Globals="]);
    }
}
