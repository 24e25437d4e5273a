//! Whole screens as text, at several sizes.

use ratatui::style::Modifier;
use taipan_tui::msg::{Effect, Msg, ProcessEnd};
use taipan_tui::theme::ThemeChoice;

use super::support::golden::check;
use super::support::{Bench, config};

fn at_second_stop(width: u16, height: u16) -> Bench {
    let mut bench = Bench::new(width, height);
    bench.command("b 24, total > 100");
    bench.prints("value: 382.20\nwho orders? ");
    bench.press(&["c", "n", "n"]);
    bench.msg(Msg::Tick(60_000));
    bench
}

#[test]
fn usual_sizes() {
    check("stop_80x24", &at_second_stop(80, 24).screen());
    check("stop_120x40", &at_second_stop(120, 40).screen());
    check("stop_160x45", &at_second_stop(160, 45).screen());
}

#[test]
fn small_sizes() {
    check("stop_60x18", &at_second_stop(60, 18).screen());
    check("stop_40x10", &at_second_stop(40, 10).screen());
    check("stop_20x4", &at_second_stop(20, 4).screen());
    for (width, height) in [(0, 0), (1, 1), (5, 2), (200, 1), (3, 60)] {
        at_second_stop(width, height).screen();
    }
}

#[test]
fn states_of_the_program() {
    let mut bench = Bench::new(80, 24);
    check("entry", &bench.screen());
    bench.fake.keeps_running = true;
    bench.press(&["c"]);
    bench.prints("who orders? ");
    bench.msg(Msg::Tick(5_000));
    check("running", &bench.screen());
    bench.fake.keeps_running = false;
    bench.fake.next = 4;
    for event in bench.fake.advance() {
        bench.adapter_says(event);
    }
    check("uncaught", &bench.screen());
    bench.press(&["c"]);
    bench.prints("Traceback (most recent call last):\n  …\nZeroDivisionError: division by zero\n");
    bench.ends(ProcessEnd::Code(1));
    check("finished", &bench.screen());
}

#[test]
fn dialogs() {
    let mut bench = at_second_stop(80, 24);
    bench.press(&["?"]);
    check("help", &bench.screen());
    bench.press(&["Esc", "E"]);
    check("breakpoint_form", &bench.screen());
    bench.press(&["Esc", "m"]);
    check("file_picker", &bench.screen());
    bench.press(&["Esc", "q"]);
    check("quit", &bench.screen());
    bench.press(&["n", "/"]);
    bench.write("item");
    check("search", &bench.screen());
}

#[test]
fn console_and_exception() {
    let mut bench = at_second_stop(80, 24);
    bench.command("p self.items");
    bench.command("p nonsense");
    bench.press(&[":"]);
    bench.write("p tot");
    bench.press(&["Tab"]);
    check("console", &bench.screen());
    bench.press(&["Esc", "Esc", "c", "e"]);
    check("exception", &bench.screen());
}

#[test]
fn zoomed_and_output() {
    let mut bench = at_second_stop(80, 24);
    bench.press(&["V", "z"]);
    check("zoomed", &bench.screen());
    bench.press(&["Esc", "o"]);
    bench.prints("\u{1b}[1;31mred\u{1b}[0m and 漢字\n");
    check("output", &bench.screen());
    assert!(matches!(
        bench.others.iter().rfind(|e| matches!(e, Effect::ResizeTerminal(..))),
        Some(Effect::ResizeTerminal(80, _))
    ));
}

#[test]
fn marks_have_their_styles() {
    let bench = at_second_stop(100, 30);
    let buffer = bench.buffer();
    let find = |part: &str| {
        let row = bench.screen().lines().position(|l| l.contains(part)).unwrap() as u16;
        let line = bench.line(part);
        (line[..line.find(part).unwrap()].chars().count() as u16, row)
    };
    let theme = &bench.app.theme;
    let current = find("▶ 24");
    assert_eq!(buffer[current].style().bg, theme.current_line.bg);
    assert_eq!(buffer[(current.0 + 10, current.1)].style().bg, theme.current_line.bg);
    let (x, y) = find("total = 135.0   ");
    assert_eq!(buffer[(x + 8, y)].style().fg, theme.changed.fg);
    let (x, y) = find("count = 30   ");
    assert_ne!(buffer[(x + 8, y)].style().fg, theme.changed.fg);
    let (x, y) = find("STOPPED");
    assert_eq!(buffer[(x, y)].style().bg, theme.stopped.bg);
}

#[test]
fn without_colours_nothing_is_coloured_and_the_current_line_still_shows() {
    let mut config = config();
    config.theme = ThemeChoice::Mono;
    let mut bench = Bench::with(config, 100, 30, super::support::fake::Fake::new());
    bench.prints("\u{1b}[31;44mred\u{1b}[0m\n");
    bench.press(&["c"]);
    let buffer = bench.buffer();
    for cell in buffer.content() {
        let style = cell.style();
        let plain = |c| matches!(c, None | Some(ratatui::style::Color::Reset));
        assert!(plain(style.fg) && plain(style.bg), "{cell:?}");
    }
    let row = bench.screen().lines().position(|l| l.contains("▶ 24")).unwrap() as u16;
    assert!(buffer[(20, row)].style().add_modifier.contains(Modifier::REVERSED));
}

#[test]
fn every_key_is_in_the_help_and_every_hint_is_a_key() {
    let rows = taipan_tui::panes::help::rows();
    let text = format!("{rows:?}");
    for binding in taipan_tui::keys::bindings() {
        assert!(text.contains(binding.help), "{binding:?}");
        assert!(!binding.help.is_empty() && text.contains(&binding.keys.join("  ")), "{binding:?}");
    }
    for command in taipan_tui::commands::TABLE {
        assert!(text.contains(command.help) && text.contains(command.names[0]));
    }
}
