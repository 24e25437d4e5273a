//! Colours by meaning. A theme is a table of styles; panes never name a colour.

use ratatui::style::{Color, Modifier, Style};

use crate::highlight::Kind;

/// Which colours the user wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ThemeChoice {
    /// Light text on a dark ground.
    Dark,
    /// Dark text on a light ground.
    Light,
    /// The terminal's own sixteen colours on its own ground.
    Terminal,
    /// No colours at all: bold, underlined, reversed.
    Mono,
}

impl ThemeChoice {
    /// All of them, in the order in which the user can go through them.
    pub const ALL: [ThemeChoice; 4] = [ThemeChoice::Dark, ThemeChoice::Light, ThemeChoice::Terminal, ThemeChoice::Mono];

    /// The name that `TAIPAN_THEME` takes.
    pub fn name(self) -> &'static str {
        match self {
            ThemeChoice::Dark => "dark",
            ThemeChoice::Light => "light",
            ThemeChoice::Terminal => "terminal",
            ThemeChoice::Mono => "mono",
        }
    }

    /// What the environment asks for: `NO_COLOR` (<https://no-color.org>), then `TAIPAN_THEME`, then the ground that
    /// `COLORFGBG` reports, then dark.
    pub fn from_env() -> ThemeChoice {
        let get = |name| std::env::var(name).ok().filter(|v: &String| !v.is_empty());
        ThemeChoice::choose(get("NO_COLOR"), get("TAIPAN_THEME"), get("COLORFGBG"))
    }

    fn choose(no_color: Option<String>, wanted: Option<String>, ground: Option<String>) -> ThemeChoice {
        if no_color.is_some() {
            return ThemeChoice::Mono;
        }
        if let Some(choice) = wanted.and_then(|w| ThemeChoice::ALL.into_iter().find(|c| c.name() == w)) {
            return choice;
        }
        // COLORFGBG ends in the number of the background colour; 7 and 9 to 15 are light.
        let ground = ground.and_then(|g| g.rsplit(';').next().and_then(|n| n.parse::<u8>().ok()));
        if ground.is_some_and(|n| n == 7 || (9..=15).contains(&n)) { ThemeChoice::Light } else { ThemeChoice::Dark }
    }

    /// The next one.
    pub fn next(self) -> ThemeChoice {
        let i = ThemeChoice::ALL.iter().position(|&c| c == self).unwrap_or(0);
        ThemeChoice::ALL[(i + 1) % ThemeChoice::ALL.len()]
    }
}

/// How the terminal can show colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// Any colour.
    True,
    /// The 256 of xterm.
    Indexed,
}

impl Depth {
    /// What `COLORTERM` announces.
    pub fn from_env() -> Depth {
        match std::env::var("COLORTERM").as_deref() {
            Ok("truecolor" | "24bit") => Depth::True,
            _ => Depth::Indexed,
        }
    }
}

/// The styles of everything on the screen.
#[derive(Debug, Clone, PartialEq)]
pub struct Theme {
    /// The ground of the whole screen.
    pub base: Style,
    /// Lines between panes.
    pub rule: Style,
    /// Title of a pane.
    pub title: Style,
    /// Title and line of the pane that has the keys.
    pub title_focused: Style,
    /// Text of less weight: line numbers, library frames, hints.
    pub dim: Style,
    /// Line numbers.
    pub number: Style,
    /// The line that runs next.
    pub current_line: Style,
    /// The arrow at it.
    pub current_mark: Style,
    /// The line of a caller that is looked at.
    pub caller_line: Style,
    /// The part of a line that runs.
    pub running: Style,
    /// The line with the cursor.
    pub cursor_line: Style,
    /// A breakpoint.
    pub breakpoint: Style,
    /// A breakpoint that is off or not in code.
    pub breakpoint_off: Style,
    /// A place where the search text was found.
    pub found: Style,
    /// Values shown behind a source line.
    pub inline: Style,
    /// Names of variables.
    pub name: Style,
    /// Values.
    pub value: Style,
    /// Values that changed since the last stop.
    pub changed: Style,
    /// Names of types.
    pub type_name: Style,
    /// The selected row in the pane that has the keys.
    pub selected: Style,
    /// The selected row in other panes.
    pub selected_idle: Style,
    /// The state: stopped.
    pub stopped: Style,
    /// The state: running.
    pub running_state: Style,
    /// Errors and exceptions.
    pub error: Style,
    /// The program finished well.
    pub success: Style,
    /// Something the user should notice.
    pub notice: Style,
    /// Keys in hints.
    pub key: Style,
    /// Ground of dialogs.
    pub dialog: Style,
    /// Field being edited in a dialog.
    pub field: Style,
    /// What the user typed in the console.
    pub typed: Style,
    code: [Style; Kind::ALL.len()],
}

/// The colours of which a theme is made.
struct Palette {
    ground: Color,
    raised: Color,
    text: Color,
    dim: Color,
    rule: Color,
    accent: Color,
    red: Color,
    orange: Color,
    yellow: Color,
    green: Color,
    cyan: Color,
    blue: Color,
    purple: Color,
    current: Color,
    caller: Color,
    cursor: Color,
    selected: Color,
}

impl Theme {
    /// The theme of `choice` on a terminal of `depth`.
    pub fn new(choice: ThemeChoice, depth: Depth) -> Theme {
        match choice {
            ThemeChoice::Dark => Theme::from_palette(&dark().at(depth)),
            ThemeChoice::Light => Theme::from_palette(&light().at(depth)),
            ThemeChoice::Terminal => Theme::terminal(),
            ThemeChoice::Mono => Theme::mono(),
        }
    }

    /// The style of a piece of source text.
    pub fn code(&self, kind: Kind) -> Style {
        self.code[kind as usize]
    }

    fn from_palette(p: &Palette) -> Theme {
        let fg = |c: Color| Style::new().fg(c);
        let bold = Modifier::BOLD;
        let mut code = [fg(p.text); Kind::ALL.len()];
        for (kind, style) in [
            (Kind::Keyword, fg(p.purple)),
            (Kind::Builtin, fg(p.cyan)),
            (Kind::Definition, fg(p.blue).add_modifier(bold)),
            (Kind::Decorator, fg(p.yellow)),
            (Kind::Text, fg(p.green)),
            (Kind::Number, fg(p.orange)),
            (Kind::Comment, fg(p.dim).add_modifier(Modifier::ITALIC)),
            (Kind::Operator, fg(p.text)),
            (Kind::Own, fg(p.red)),
        ] {
            code[kind as usize] = style;
        }
        Theme {
            base: Style::new().fg(p.text).bg(p.ground),
            rule: fg(p.rule),
            title: fg(p.dim),
            title_focused: fg(p.accent).add_modifier(bold),
            dim: fg(p.dim),
            number: fg(p.rule),
            current_line: Style::new().bg(p.current),
            current_mark: fg(p.yellow).add_modifier(bold),
            caller_line: Style::new().bg(p.caller),
            running: Style::new().add_modifier(Modifier::UNDERLINED),
            cursor_line: Style::new().bg(p.cursor),
            breakpoint: fg(p.red).add_modifier(bold),
            breakpoint_off: fg(p.dim),
            found: Style::new().fg(p.ground).bg(p.yellow),
            inline: fg(p.dim).add_modifier(Modifier::ITALIC),
            name: fg(p.blue),
            value: fg(p.text),
            changed: fg(p.yellow).add_modifier(bold),
            type_name: fg(p.dim),
            selected: Style::new().bg(p.selected).add_modifier(bold),
            selected_idle: Style::new().bg(p.cursor),
            stopped: Style::new().fg(p.ground).bg(p.yellow).add_modifier(bold),
            running_state: Style::new().fg(p.ground).bg(p.green).add_modifier(bold),
            error: fg(p.red).add_modifier(bold),
            success: fg(p.green).add_modifier(bold),
            notice: fg(p.orange),
            key: fg(p.accent).add_modifier(bold),
            dialog: Style::new().fg(p.text).bg(p.raised),
            field: Style::new().bg(p.selected),
            typed: fg(p.text).add_modifier(bold),
            code,
        }
    }

    /// The sixteen colours of the terminal on its own ground: nothing here depends on whether that is light or dark.
    fn terminal() -> Theme {
        let p = Palette {
            ground: Color::Reset,
            raised: Color::Reset,
            text: Color::Reset,
            dim: Color::DarkGray,
            rule: Color::DarkGray,
            accent: Color::Blue,
            red: Color::Red,
            orange: Color::Yellow,
            yellow: Color::Yellow,
            green: Color::Green,
            cyan: Color::Cyan,
            blue: Color::Blue,
            purple: Color::Magenta,
            current: Color::Reset,
            caller: Color::Reset,
            cursor: Color::Reset,
            selected: Color::Reset,
        };
        let reversed = Style::new().add_modifier(Modifier::REVERSED);
        let underlined = Style::new().add_modifier(Modifier::UNDERLINED);
        Theme {
            current_line: reversed,
            caller_line: underlined,
            cursor_line: Style::new().add_modifier(Modifier::BOLD),
            running: underlined,
            found: reversed.fg(Color::Yellow),
            selected: reversed,
            selected_idle: Style::new().add_modifier(Modifier::BOLD),
            stopped: reversed.fg(Color::Yellow),
            running_state: reversed.fg(Color::Green),
            field: underlined,
            ..Theme::from_palette(&p)
        }
    }

    /// No colour at all.
    fn mono() -> Theme {
        let plain = Style::new();
        let bold = plain.add_modifier(Modifier::BOLD);
        let dim = plain.add_modifier(Modifier::DIM);
        let reversed = plain.add_modifier(Modifier::REVERSED);
        let underlined = plain.add_modifier(Modifier::UNDERLINED);
        let mut code = [plain; Kind::ALL.len()];
        code[Kind::Keyword as usize] = bold;
        code[Kind::Definition as usize] = bold;
        code[Kind::Comment as usize] = dim;
        Theme {
            base: plain,
            rule: dim,
            title: plain,
            title_focused: bold.add_modifier(Modifier::REVERSED),
            dim,
            number: dim,
            current_line: reversed,
            current_mark: bold,
            caller_line: underlined,
            running: underlined,
            cursor_line: underlined,
            breakpoint: bold,
            breakpoint_off: dim,
            found: reversed,
            inline: dim,
            name: plain,
            value: plain,
            changed: bold.add_modifier(Modifier::UNDERLINED),
            type_name: dim,
            selected: reversed,
            selected_idle: bold,
            stopped: reversed,
            running_state: bold,
            error: bold,
            success: bold,
            notice: bold,
            key: bold,
            dialog: plain,
            field: underlined,
            typed: bold,
            code,
        }
    }
}

impl Palette {
    /// The palette as a terminal of `depth` can show it.
    fn at(self, depth: Depth) -> Palette {
        if depth == Depth::True {
            return self;
        }
        let Palette { ground, raised, text, dim, rule, accent, red, orange, yellow, green, .. } = self;
        let Palette { cyan, blue, purple, current, caller, cursor, selected, .. } = self;
        let f = nearest_indexed;
        Palette {
            ground: f(ground),
            raised: f(raised),
            text: f(text),
            dim: f(dim),
            rule: f(rule),
            accent: f(accent),
            red: f(red),
            orange: f(orange),
            yellow: f(yellow),
            green: f(green),
            cyan: f(cyan),
            blue: f(blue),
            purple: f(purple),
            current: f(current),
            caller: f(caller),
            cursor: f(cursor),
            selected: f(selected),
        }
    }
}

/// The colour among xterm's 256 that is nearest to `color`: of its 6×6×6 cube and its 24 greys.
fn nearest_indexed(color: Color) -> Color {
    let Color::Rgb(r, g, b) = color else { return color };
    const STEPS: [u8; 6] = [0, 95, 135, 175, 215, 255];
    let step = |c: u8| (0..6u8).min_by_key(|&i| STEPS[i as usize].abs_diff(c)).unwrap_or(0);
    let (ri, gi, bi) = (step(r), step(g), step(b));
    let cube = [STEPS[ri as usize], STEPS[gi as usize], STEPS[bi as usize]];
    let mean = (u16::from(r) + u16::from(g) + u16::from(b)) / 3;
    let grey_index = (mean.saturating_sub(3) / 10).min(23) as u8;
    let grey = 8 + 10 * grey_index;
    let distance = |c: [u8; 3]| [r, g, b].iter().zip(c).map(|(&x, y)| u32::from(x.abs_diff(y)).pow(2)).sum::<u32>();
    if distance([grey; 3]) < distance(cube) {
        Color::Indexed(232 + grey_index)
    } else {
        Color::Indexed(16 + 36 * ri + 6 * gi + bi)
    }
}

const fn rgb(hex: u32) -> Color {
    Color::Rgb((hex >> 16) as u8, (hex >> 8) as u8, hex as u8)
}

fn dark() -> Palette {
    Palette {
        ground: rgb(0x14171c),
        raised: rgb(0x22262e),
        text: rgb(0xd4d8df),
        dim: rgb(0x868e9b),
        rule: rgb(0x4b525e),
        accent: rgb(0x5fc8a8),
        red: rgb(0xf0717a),
        orange: rgb(0xe8a268),
        yellow: rgb(0xebcb74),
        green: rgb(0x9ccc7a),
        cyan: rgb(0x6fc6d2),
        blue: rgb(0x7db2f0),
        purple: rgb(0xc49af0),
        current: rgb(0x4a4420),
        caller: rgb(0x20402f),
        cursor: rgb(0x262b34),
        selected: rgb(0x31435c),
    }
}

fn light() -> Palette {
    Palette {
        ground: rgb(0xfbfaf6),
        raised: rgb(0xefede6),
        text: rgb(0x2a2e35),
        dim: rgb(0x6e747e),
        rule: rgb(0xb4b2aa),
        accent: rgb(0x0b7a5e),
        red: rgb(0xc02a36),
        orange: rgb(0xb05a10),
        yellow: rgb(0x9a6b00),
        green: rgb(0x3f7a1c),
        cyan: rgb(0x0f7485),
        blue: rgb(0x1d5fb8),
        purple: rgb(0x7a3fb5),
        current: rgb(0xf7e7a8),
        caller: rgb(0xd5eedd),
        cursor: rgb(0xeceae2),
        selected: rgb(0xcfdff3),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_decides() {
        let s = |t: &str| Some(t.to_owned());
        assert_eq!(ThemeChoice::choose(s("1"), s("light"), None), ThemeChoice::Mono);
        assert_eq!(ThemeChoice::choose(None, s("light"), s("15;0")), ThemeChoice::Light);
        assert_eq!(ThemeChoice::choose(None, s("nonsense"), s("0;15")), ThemeChoice::Light);
        assert_eq!(ThemeChoice::choose(None, None, s("15;default;0")), ThemeChoice::Dark);
        assert_eq!(ThemeChoice::choose(None, None, None), ThemeChoice::Dark);
    }

    #[test]
    fn without_colours_there_is_none() {
        let theme = Theme::new(ThemeChoice::Mono, Depth::True);
        for style in [theme.base, theme.error, theme.changed, theme.current_line, theme.code(Kind::Keyword)] {
            assert_eq!((style.fg, style.bg), (None, None));
        }
    }

    #[test]
    fn text_is_readable_on_both_grounds() {
        for p in [dark(), light()] {
            for (c, least) in [(p.text, 7.0), (p.dim, 4.0), (p.red, 4.0), (p.yellow, 4.0), (p.blue, 4.0)] {
                assert!(contrast(c, p.ground) >= least, "{c:?} on {:?}: {}", p.ground, contrast(c, p.ground));
                assert!(contrast(p.text, p.current) >= 5.0 && contrast(p.text, p.selected) >= 5.0);
            }
        }
    }

    /// The contrast ratio of WCAG 2.1.
    fn contrast(a: Color, b: Color) -> f64 {
        let luminance = |c: Color| {
            let Color::Rgb(r, g, b) = c else { panic!("not a true colour") };
            let f = |v: u8| {
                let v = f64::from(v) / 255.0;
                if v <= 0.04045 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) }
            };
            0.2126 * f(r) + 0.7152 * f(g) + 0.0722 * f(b)
        };
        let (x, y) = (luminance(a), luminance(b));
        (x.max(y) + 0.05) / (x.min(y) + 0.05)
    }

    #[test]
    fn fewer_colours_are_near_enough() {
        assert_eq!(nearest_indexed(rgb(0xff0000)), Color::Indexed(196));
        assert_eq!(nearest_indexed(rgb(0x14171c)), Color::Indexed(234));
        assert_eq!(nearest_indexed(Color::Reset), Color::Reset);
    }
}
