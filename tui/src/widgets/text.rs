//! Text measured in screen cells: cutting, padding, wrapping, and making any text safe to print.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// The number of cells that `text` takes.
pub fn width(text: &str) -> usize {
    text.width()
}

/// `text` cut to at most `cells` cells, ending in `…` if something was cut.
pub fn clip(text: &str, cells: usize) -> String {
    if width(text) <= cells {
        return text.to_owned();
    }
    if cells == 0 {
        return String::new();
    }
    let mut out = String::new();
    let mut used = 0;
    for c in text.chars() {
        let w = c.width().unwrap_or(0);
        if used + w > cells - 1 {
            break;
        }
        used += w;
        out.push(c);
    }
    out.push('…');
    out
}

/// `text` cut to at most `cells` cells, beginning with `…` if something was cut: the end of a path matters most.
pub fn clip_start(text: &str, cells: usize) -> String {
    if width(text) <= cells {
        return text.to_owned();
    }
    if cells == 0 {
        return String::new();
    }
    let mut used = 0;
    let mut from = text.len();
    for (i, c) in text.char_indices().rev() {
        used += c.width().unwrap_or(0);
        if used > cells - 1 {
            break;
        }
        from = i;
    }
    format!("…{}", &text[from..])
}

/// One line for the screen: control characters become visible signs, so that no value can disturb the terminal.
pub fn one_line(text: &str) -> String {
    text.chars().map(visible).collect()
}

/// A character that prints as itself, or a sign that stands for it.
fn visible(c: char) -> char {
    match c {
        '\n' => '⏎',
        '\t' => ' ',
        '\u{7f}' => '␡',
        c if (c as u32) < 0x20 => char::from_u32(0x2400 + c as u32).unwrap_or('�'),
        c if c.is_control() || is_direction(c) => '�',
        c => c,
    }
}

/// Whether `c` turns the direction of text around, which would let a value rearrange the screen.
fn is_direction(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A source line for the screen: tabs go to the next multiple of `tab`, control characters become visible.
pub fn expand_tabs(text: &str, tab: usize) -> String {
    let mut out = String::with_capacity(text.len());
    let mut column = 0;
    for c in text.chars() {
        if c == '\t' {
            let fill = tab - column % tab;
            out.extend(std::iter::repeat_n(' ', fill));
            column += fill;
        } else {
            let c = visible(c);
            column += c.width().unwrap_or(0);
            out.push(c);
        }
    }
    out
}

/// Breaks `text` into lines of at most `cells` cells, at spaces where that is possible.
pub fn wrap(text: &str, cells: usize) -> Vec<String> {
    let cells = cells.max(1);
    let mut lines = Vec::new();
    for paragraph in text.split('\n') {
        let paragraph = expand_tabs(paragraph.trim_end_matches('\r'), 4);
        wrap_paragraph(&paragraph, cells, &mut lines);
    }
    lines
}

/// Whether a text takes more than so many cells.
fn is_wider(text: &str, cells: usize) -> bool {
    let mut used = 0;
    text.chars().any(|c| {
        used += c.width().unwrap_or(0);
        used > cells
    })
}

fn wrap_paragraph(paragraph: &str, cells: usize, lines: &mut Vec<String>) {
    let mut rest = paragraph;
    // A line of a million characters must not be measured to its end for each of its rows.
    while is_wider(rest, cells) {
        let mut used = 0;
        let fits = |&(_, c): &(usize, char)| {
            used += c.width().unwrap_or(0);
            used <= cells
        };
        let end = rest.char_indices().take_while(fits).last().map_or(0, |(i, c)| i + c.len_utf8());
        let indent = rest.len() - rest.trim_start().len();
        // A space may stand just behind what fits.
        let space = rest[..end + usize::from(rest[end..].starts_with(' '))].rfind(' ').filter(|&s| s > indent);
        // A single wide character may not fit at all; take it nevertheless, or this would never end.
        let first = rest.chars().next().map_or(1, char::len_utf8);
        let (cut, next) = space.map_or((end.max(first), end.max(first)), |s| (s, s + 1));
        lines.push(rest[..cut].trim_end().to_owned());
        rest = &rest[next..];
    }
    if !rest.is_empty() || paragraph.is_empty() {
        lines.push(rest.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cutting_counts_cells_not_bytes() {
        assert_eq!(clip("größer", 4), "grö…");
        assert_eq!(clip("漢字かな", 5), "漢字…");
        assert_eq!(clip("abc", 3), "abc");
        assert_eq!(clip("abc", 0), "");
        assert_eq!(clip_start("/home/me/x.py", 5), "…x.py");
    }

    #[test]
    fn nothing_disturbs_the_terminal() {
        assert_eq!(one_line("a\u{1b}[2Jb\n"), "a␛[2Jb⏎");
        assert_eq!(one_line("\u{202e}x"), "�x");
        assert_eq!(expand_tabs("\tx\ty", 4), "    x   y");
    }

    #[test]
    fn wrapping_prefers_spaces_and_always_ends() {
        assert_eq!(wrap("the quick brown fox", 9), ["the quick", "brown fox"]);
        assert_eq!(wrap("abcdefgh", 3), ["abc", "def", "gh"]);
        assert_eq!(wrap("漢字", 1), ["漢", "字"]);
        assert_eq!(wrap("a\n\nb", 5), ["a", "", "b"]);
    }
}
