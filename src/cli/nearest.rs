//! The known word that somebody probably meant: edit distance, with a limit that grows with the word.

/// The nearest of `known`, unless all are far away.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (word.chars().count().max(3) - 1) / 2;
    known
        .into_iter()
        .map(|k| {
            let begins = word.trim_start_matches('-').len() > 1 && k.starts_with(word);
            (if begins { 1 } else { distance(word, k) }, k)
        })
        .filter(|(d, _)| *d <= limit)
        .min_by_key(|(d, _)| *d)
        .map(|(_, k)| k)
}

/// Insertions, deletions, replacements and swaps of neighbours that make `b` of `a`.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            rows[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let mut d = (rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
                d = d.min(rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]));
                if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                    d = d.min(rows[i - 2][j - 2] + 1);
                }
                d
            };
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_the_word() {
        let known = ["--output", "--rate", "--mode"];
        assert_eq!(nearest("--ouput", known), Some("--output"));
        assert_eq!(nearest("--out", known), Some("--output"));
        assert_eq!(nearest("--rtae", known), Some("--rate"));
        assert_eq!(nearest("--colour-scheme", known), None);
    }
}
