//! Screens kept as text. `BLESS=1 cargo test -p taipan-tui` writes them anew.

use std::fs;

use super::fixtures;

const HEAD: &str = "# written by: BLESS=1 cargo test -p taipan-tui\n";

/// Compares `screen` with the golden called `name`.
pub fn check(name: &str, screen: &str) {
    let path = fixtures().join(format!("{name}.screen"));
    let got = format!("{HEAD}{screen}");
    if std::env::var_os("BLESS").is_some() {
        fs::write(&path, got).unwrap();
        return;
    }
    let wanted = fs::read_to_string(&path).unwrap_or_default();
    if got == wanted {
        return;
    }
    let mut report = format!("screen {name} is not as it was:\n");
    let (old, new): (Vec<_>, Vec<_>) = (wanted.lines().collect(), got.lines().collect());
    for i in 0..old.len().max(new.len()) {
        let (a, b) = (old.get(i).unwrap_or(&""), new.get(i).unwrap_or(&""));
        if a == b {
            report += &format!("  {a}\n");
        } else {
            report += &format!("- {a}\n+ {b}\n");
        }
    }
    panic!("{report}");
}
