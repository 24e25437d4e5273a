//! The census: what each allocation site holds at the end and held at the peak, as plain data.

use super::paths;
use rustc_hash::{FxHashMap, FxHashSet};
use taipan_runtime::object::{Value, heap};
use taipan_runtime::probe::sites::{self, Count, Place};
use taipan_runtime::vm::Vm;

/// Objects of a place whose holders are looked for, at most.
const SAMPLES: usize = 40;

/// Objects of one type, or buffers, of one place.
#[derive(Clone, Debug)]
pub struct Kind {
    /// The type's name; `buffers` for what containers keep their items in.
    pub name: String,
    /// What they take.
    pub count: Count,
}

/// A chain of names that leads to objects of a place.
#[derive(Clone, Debug)]
pub struct Holder {
    /// `module.name['key'].attribute`
    pub path: String,
    /// Objects among the ones looked at to which the chain leads.
    pub objects: usize,
}

/// All allocations at one line of one function.
#[derive(Clone, Debug)]
pub struct Spot {
    /// What they hold.
    pub count: Count,
    /// The traceback through which most came, innermost place first; empty for what no Python code asked for.
    pub traceback: Vec<Place>,
    /// How many tracebacks end here.
    pub tracebacks: usize,
    /// By type, largest first; known for the end only.
    pub kinds: Vec<Kind>,
    /// Who keeps the objects alive; known for the end only.
    pub holders: Vec<Holder>,
    /// Objects whose holders were looked for.
    pub sampled: usize,
}

/// One stack of a flamegraph.
pub struct Stack {
    /// Innermost place first.
    pub traceback: Vec<Place>,
    /// Name of the type, if it is known.
    pub kind: Option<String>,
    /// Bytes.
    pub bytes: usize,
}

/// The whole.
pub struct Census {
    /// When it was taken, if that was not the program's ordinary end.
    pub moment: String,
    /// What was recorded and lives at the end.
    pub end: Count,
    /// What was recorded and lived when most did.
    pub peak: Count,
    /// Bytes that live since before the program's first line.
    pub older: usize,
    /// Bytes in use by the allocator's own count.
    pub allocator: usize,
    /// Largest places of the end.
    pub at_end: Vec<Spot>,
    /// Largest places of the peak.
    pub at_peak: Vec<Spot>,
    /// What imports allocated and lives at the end, left out of the places unless they were asked for.
    pub imports: Count,
    /// For the flamegraph.
    pub stacks: Vec<Stack>,
}

/// What the census is to look at.
pub struct Wanted {
    /// How many places.
    pub top: usize,
    /// [`Census::stacks`] shows the peak, not the end.
    pub peak_stacks: bool,
    /// Places below an import count like others.
    pub imports: bool,
}

/// Whether an import asked for the memory: a module's code, classes, functions.
fn is_import(traceback: &[Place]) -> bool {
    traceback.iter().any(|p| &*p.function == "_find_and_load" && p.file.contains("importlib"))
}

/// Line of a function: what places are grouped by.
type Line = Option<Place>;

/// Takes the census; ends the recording. `moment` is for the report.
pub fn take(vm: &mut Vm, wanted: &Wanted, moment: &str) -> Census {
    let (end, peak) = sites::totals(vm);
    let older = sites::older_bytes(vm);
    let (objects, raw) = heap::live_bytes();
    let all = sites::sites(vm);
    let tracebacks: FxHashMap<u32, Vec<Place>> =
        all.iter().map(|s| (s.site, sites::traceback(vm, s.site, usize::MAX))).collect();
    let kinds = kinds_by_site(vm);
    let (imported, own): (Vec<_>, Vec<_>) = all.iter().copied().partition(|s| is_import(&tracebacks[&s.site]));
    let ranked = if wanted.imports { &all } else { &own };
    let mut census = Census {
        moment: moment.to_owned(),
        end,
        peak,
        older,
        allocator: objects + raw,
        at_end: largest(ranked, &tracebacks, wanted.top, |s| s.now),
        at_peak: largest(ranked, &tracebacks, wanted.top, |s| s.at_peak),
        imports: Count {
            bytes: imported.iter().map(|s| s.now.bytes).sum(),
            blocks: imported.iter().map(|s| s.now.blocks).sum(),
        },
        stacks: Vec::new(),
    };
    for s in &all {
        let traceback = tracebacks[&s.site].clone();
        if wanted.peak_stacks {
            census.stacks.push(Stack { traceback, kind: None, bytes: s.at_peak.bytes });
        } else {
            for k in kinds.get(&s.site).into_iter().flatten() {
                census.stacks.push(Stack {
                    traceback: traceback.clone(),
                    kind: Some(k.name.clone()),
                    bytes: k.count.bytes,
                });
            }
        }
    }
    let tracebacks = ranked.iter().map(|s| (s.site, tracebacks[&s.site].clone())).collect();
    describe(vm, &mut census.at_end, &tracebacks, &kinds);
    sites::stop(vm);
    census
}

/// What lives at each site, by type, largest first.
fn kinds_by_site(vm: &Vm) -> FxHashMap<u32, Vec<Kind>> {
    let mut counts: FxHashMap<(u32, usize), (Count, Option<Value>)> = FxHashMap::default();
    sites::live_blocks(vm, |b| {
        let object = sites::object_in(vm, b);
        let class = object.as_ref().map_or(0, |v| v.class() as *const _ as usize);
        let entry = counts.entry((b.site, class)).or_default();
        entry.0.bytes += b.size;
        entry.0.blocks += 1;
        if entry.1.is_none() {
            entry.1 = object;
        }
    });
    let mut by_site: FxHashMap<u32, Vec<Kind>> = FxHashMap::default();
    for ((site, _), (count, example)) in counts {
        let name = example.map_or_else(|| "buffers".to_owned(), |v| v.class().payload.name().to_string());
        by_site.entry(site).or_default().push(Kind { name, count });
    }
    for kinds in by_site.values_mut() {
        kinds.sort_by(|a, b| b.count.bytes.cmp(&a.count.bytes).then_with(|| a.name.cmp(&b.name)));
    }
    by_site
}

fn largest(
    all: &[sites::SiteCount],
    tracebacks: &FxHashMap<u32, Vec<Place>>,
    top: usize,
    count: impl Fn(&sites::SiteCount) -> Count,
) -> Vec<Spot> {
    struct Group {
        count: Count,
        sites: usize,
        /// The largest site.
        most: (usize, u32),
    }
    let mut groups: FxHashMap<Line, Group> = FxHashMap::default();
    for s in all {
        let c = count(s);
        if c.blocks == 0 {
            continue;
        }
        let line = tracebacks[&s.site].first().cloned();
        let g = groups.entry(line).or_insert(Group { count: Count::default(), sites: 0, most: (0, s.site) });
        g.count.bytes += c.bytes;
        g.count.blocks += c.blocks;
        g.sites += 1;
        if c.bytes > g.most.0 {
            g.most = (c.bytes, s.site);
        }
    }
    let mut groups: Vec<Group> = groups.into_values().collect();
    groups.sort_by_key(|g| (std::cmp::Reverse(g.count.bytes), g.most.1));
    groups
        .into_iter()
        .take(top)
        .map(|g| Spot {
            count: g.count,
            traceback: tracebacks[&g.most.1].clone(),
            tracebacks: g.sites,
            kinds: Vec::new(),
            holders: Vec::new(),
            sampled: 0,
        })
        .collect()
}

/// Adds types and holders to the places of the end.
fn describe(
    vm: &mut Vm,
    spots: &mut [Spot],
    tracebacks: &FxHashMap<u32, Vec<Place>>,
    kinds: &FxHashMap<u32, Vec<Kind>>,
) {
    let lines: Vec<Line> = spots.iter().map(|s| s.traceback.first().cloned()).collect();
    let spot_of: FxHashMap<u32, usize> = tracebacks
        .iter()
        .filter_map(|(site, t)| lines.iter().position(|l| *l == t.first().cloned()).map(|i| (*site, i)))
        .collect();
    for (site, &i) in &spot_of {
        for k in kinds.get(site).into_iter().flatten() {
            match spots[i].kinds.iter_mut().find(|known| known.name == k.name) {
                Some(known) => {
                    known.count.bytes += k.count.bytes;
                    known.count.blocks += k.count.blocks;
                }
                None => spots[i].kinds.push(k.clone()),
            }
        }
    }
    for s in spots.iter_mut() {
        s.kinds.sort_by(|a, b| b.count.bytes.cmp(&a.count.bytes).then_with(|| a.name.cmp(&b.name)));
    }
    let samples = samples(vm, &spot_of, spots.len());
    let wanted: Vec<Value> = samples.iter().flatten().cloned().collect();
    let found = paths::find(vm, &wanted);
    for (spot, objects) in spots.iter_mut().zip(&samples) {
        spot.sampled = objects.len();
        let mut count: FxHashMap<String, usize> = FxHashMap::default();
        for v in objects {
            if let Some(path) = found.get(&v.word()) {
                *count.entry(path.clone()).or_default() += 1;
            }
        }
        spot.holders = count.into_iter().map(|(path, objects)| Holder { path, objects }).collect();
        spot.holders.sort_by(|a, b| b.objects.cmp(&a.objects).then_with(|| a.path.cmp(&b.path)));
    }
}

/// Some objects of each place: its largest ones, evenly chosen; the owners of its buffers where those are larger.
fn samples(vm: &Vm, spot_of: &FxHashMap<u32, usize>, spots: usize) -> Vec<Vec<Value>> {
    let mut objects: Vec<Vec<(usize, Value)>> = vec![Vec::new(); spots];
    let mut buffers: Vec<Vec<(usize, usize)>> = vec![Vec::new(); spots];
    let mut seen = vec![0u32; spots];
    sites::live_blocks(vm, |b| {
        let Some(&i) = spot_of.get(&b.site) else { return };
        seen[i] += 1;
        // A plain reservoir would do; every n-th is enough, and large blocks always count.
        let keep = b.size >= 4096 || seen[i] < 2000 || seen[i].is_multiple_of(64);
        if keep {
            match sites::object_in(vm, b) {
                Some(v) => objects[i].push((b.size, v)),
                None => buffers[i].push((b.size, b.address as usize)),
            }
        }
    });
    let wanted: FxHashSet<usize> = buffers.iter().flatten().map(|(_, address)| *address).collect();
    let owners = if wanted.is_empty() { FxHashMap::default() } else { sites::owners(vm, &wanted) };
    objects
        .into_iter()
        .zip(buffers)
        .map(|(objects, buffers)| {
            let owned = buffers.into_iter().filter_map(|(size, a)| owners.get(&a).map(|v| (size, v.clone())));
            let mut all: Vec<(usize, Value)> = objects.into_iter().chain(owned).collect();
            all.sort_by_key(|(size, v)| (std::cmp::Reverse(*size), v.word()));
            let mut known = FxHashSet::default();
            all.retain(|(_, v)| known.insert(v.word()));
            let large = all.iter().take(4).map(|(_, v)| v.clone());
            let step = (all.len() / SAMPLES).max(1);
            let spread = all.iter().skip(4).step_by(step).take(SAMPLES - 4).map(|(_, v)| v.clone());
            large.chain(spread).collect()
        })
        .collect()
}
