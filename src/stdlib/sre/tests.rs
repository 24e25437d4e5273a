//! The engine alone, on code words as `Lib/re/_compiler.py` emits them.

use super::engine::{Matcher, Mode, Outcome};
use super::lower::lower;

/// `(?:a+)+b`
const NESTED: [u32; 20] = [14, 4, 0, 2, u32::MAX, 23, 10, 1, u32::MAX, 24, 6, 1, u32::MAX, 16, 97, 1, 18, 16, 98, 1];
/// `(?:(a)|b|[cd])*e`
const GROUPS: [u32; 38] = [
    14,
    4,
    0,
    1,
    u32::MAX,
    23,
    28,
    0,
    u32::MAX,
    7,
    9,
    17,
    0,
    16,
    97,
    17,
    1,
    15,
    16,
    5,
    16,
    98,
    15,
    11,
    9,
    13,
    5,
    22,
    99,
    100,
    0,
    15,
    2,
    0,
    18,
    16,
    101,
    1,
];
/// `(x+?|[a-f]{2,3})(?:b(?=c)|(?<!z)\1)*+(?(1)q|r)(?>s*)(?:\w|c\b)*?$`
const RICH: &[u32] = &[
    14, 4, 0, 2, 4294967295, 17, 0, 7, 10, 26, 6, 1, 4294967295, 16, 120, 1, 15, 16, 14, 24, 10, 2, 3, 13, 5, 22, 97,
    102, 0, 1, 15, 2, 0, 17, 1, 28, 27, 0, 4294967295, 7, 11, 16, 98, 4, 5, 0, 16, 99, 1, 15, 13, 11, 5, 5, 1, 16, 122,
    1, 11, 0, 15, 2, 0, 1, 12, 0, 6, 16, 113, 15, 3, 16, 114, 27, 9, 24, 6, 0, 4294967295, 16, 115, 1, 1, 23, 20, 0,
    4294967295, 7, 8, 13, 4, 8, 14, 0, 15, 9, 7, 16, 99, 6, 10, 15, 2, 0, 19, 6, 5, 1,
];

fn search(code: &[u32], groups: usize, text: &str) -> Option<(usize, usize, Option<(usize, usize)>)> {
    let p = lower(code, groups).expect("valid code");
    let mut found = Vec::new();
    let narrow: Vec<u8> = text.chars().map(|c| c as u8).collect();
    let wide: Vec<u16> = text.chars().map(|c| c as u16).collect();
    let wider: Vec<u32> = text.chars().map(|c| c as u32).collect();
    for width in 0..3 {
        let mut m = Matcher::new(&p);
        m.prepare(Mode::Search, 0, None);
        let outcome = match width {
            0 => m.run(&p, &narrow[..]),
            1 => m.run(&p, &wide[..]),
            _ => m.run(&p, &wider[..]),
        };
        let group = if groups > 0 { m.group(0) } else { None };
        found.push((outcome == Outcome::Matched).then(|| (m.start(), m.end(), group)));
    }
    assert!(found.iter().all(|f| *f == found[0]), "the same for each width of units: {found:?}");
    found[0]
}

#[test]
fn finds_and_captures() {
    assert_eq!(search(&NESTED, 0, "xaaab"), Some((1, 5, None)));
    assert_eq!(search(&NESTED, 0, "aaa"), None);
    assert_eq!(search(&GROUPS, 1, "zacbe"), Some((1, 5, Some((1, 2)))));
    assert_eq!(search(&GROUPS, 1, "be"), Some((0, 2, None)));
    assert_eq!(search(RICH, 1, "-abababqss_"), Some((1, 11, Some((1, 3)))));
}

#[test]
fn long_matches_pause_and_go_on() {
    let p = lower(&NESTED, 0).expect("valid code");
    let text = [b'a'; 24];
    let mut m = Matcher::new(&p);
    m.prepare(Mode::Match, 0, None);
    let mut pauses = 0;
    let outcome = loop {
        match m.run(&p, &text[..]) {
            Outcome::Paused => pauses += 1,
            other => break other,
        }
    };
    assert_eq!(outcome, Outcome::Failed);
    assert!(pauses > 10, "2^24 ways to fail take more than {pauses} looks at signals");
}

#[test]
fn damaged_code_is_refused_or_runs() {
    let text = "abcqssxxbcz e".as_bytes();
    let mut refused = 0;
    for code in [&NESTED[..], &GROUPS, RICH] {
        for i in 0..code.len() {
            assert!(lower(&code[..i], 1).is_err(), "cut off at {i}");
            for word in 0..44 {
                let mut damaged = code.to_vec();
                damaged[i] = word;
                let Ok(p) = lower(&damaged, 1) else {
                    refused += 1;
                    continue;
                };
                let mut m = Matcher::new(&p);
                m.prepare(Mode::Search, 0, None);
                for _ in 0..4 {
                    if m.run(&p, text) != Outcome::Paused {
                        break;
                    }
                }
            }
        }
    }
    assert!(refused > 1000);
}
