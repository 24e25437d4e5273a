//! The difference of two texts, line by line, short enough to read in a terminal.

/// Unchanged lines shown around a change.
const CONTEXT: usize = 3;
/// Longest report; the first difference is what counts.
const LONGEST: usize = 60;
/// Beyond this many cells the middle is shown as one replacement rather than aligned.
const TABLE: usize = 4_000_000;

enum Line<'a> {
    Same(&'a str),
    Missing(&'a str),
    Unexpected(&'a str),
}

/// `None` if they are equal; else lines marked `-` (expected, not there), `+` (there, not expected) with context.
pub fn lines(expected: &str, actual: &str) -> Option<String> {
    if expected == actual {
        return None;
    }
    let (old, new): (Vec<&str>, Vec<&str>) = (expected.lines().collect(), actual.lines().collect());
    let script = align(&old, &new);
    let changed = |line: &Line| !matches!(line, Line::Same(_));
    let mut report = Vec::new();
    let mut hidden = false;
    for (at, line) in script.iter().enumerate() {
        let near = script[at.saturating_sub(CONTEXT)..(at + CONTEXT + 1).min(script.len())].iter().any(changed);
        if !near {
            hidden = true;
            continue;
        }
        if std::mem::take(&mut hidden) {
            report.push("  ...".to_owned());
        }
        report.push(match line {
            Line::Same(text) => format!("  {text}"),
            Line::Missing(text) => format!("- {text}"),
            Line::Unexpected(text) => format!("+ {text}"),
        });
    }
    if !script.iter().any(changed) {
        report.push("  (they differ in line ends only)".to_owned());
    }
    if report.len() > LONGEST {
        let more = report.len() - LONGEST;
        report.truncate(LONGEST);
        report.push(format!("  ... {more} more lines"));
    }
    Some(report.join("\n"))
}

/// A shortest edit script: equal ends cut off, longest common subsequence between them.
fn align<'a>(old: &[&'a str], new: &[&'a str]) -> Vec<Line<'a>> {
    let front = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    let back = old[front..].iter().rev().zip(new[front..].iter().rev()).take_while(|(a, b)| a == b).count();
    let (a, b) = (&old[front..old.len() - back], &new[front..new.len() - back]);
    let mut script: Vec<Line> = old[..front].iter().map(|s| Line::Same(s)).collect();
    if a.len() * b.len() > TABLE {
        script.extend(a.iter().map(|s| Line::Missing(s)));
        script.extend(b.iter().map(|s| Line::Unexpected(s)));
    } else {
        script.extend(middle(a, b));
    }
    script.extend(old[old.len() - back..].iter().map(|s| Line::Same(s)));
    script
}

fn middle<'a>(a: &[&'a str], b: &[&'a str]) -> Vec<Line<'a>> {
    let width = b.len() + 1;
    // common[i * width + j]: length of the longest common subsequence of a[i..] and b[j..]
    let mut common = vec![0u32; (a.len() + 1) * width];
    for i in (0..a.len()).rev() {
        for j in (0..b.len()).rev() {
            common[i * width + j] = if a[i] == b[j] {
                common[(i + 1) * width + j + 1] + 1
            } else {
                common[(i + 1) * width + j].max(common[i * width + j + 1])
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    let mut script = Vec::new();
    while i < a.len() || j < b.len() {
        if i < a.len() && j < b.len() && a[i] == b[j] {
            script.push(Line::Same(a[i]));
            (i, j) = (i + 1, j + 1);
        } else if j == b.len() || i < a.len() && common[(i + 1) * width + j] >= common[i * width + j + 1] {
            script.push(Line::Missing(a[i]));
            i += 1;
        } else {
            script.push(Line::Unexpected(b[j]));
            j += 1;
        }
    }
    script
}
