//! Random keys, sizes, messages and clicks: nothing panics, and drawing twice gives the same screen.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use serde_json::{Value, json};
use taipan_tui::msg::{Msg, ProcessEnd};

use super::support::Bench;

/// Small deterministic random numbers (xorshift), so that a failure can be repeated.
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % n
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len() as u64) as usize]
    }
}

fn random_key(r: &mut Random) -> KeyEvent {
    const CHARS: &[char] = &[
        'n', 's', 'r', 'c', 'u', 'd', 'b', 'p', 'E', 'x', 'X', 'w', 'e', 'l', 'L', '/', '.', ',', 'm', ':', 'V', 'S',
        'B', 'o', 'z', 'j', 'k', 'g', 'G', '<', '>', '+', '-', 'T', '?', '=', 'W', '_', 't', 'J', 'i', 'R', 'y', '1',
        '2', '3', '4', '5', '6', '7', ' ', 'ü', '漢', '\u{301}', '"',
    ];
    const CODES: &[KeyCode] = &[
        KeyCode::Enter,
        KeyCode::Esc,
        KeyCode::Tab,
        KeyCode::BackTab,
        KeyCode::Up,
        KeyCode::Down,
        KeyCode::Left,
        KeyCode::Right,
        KeyCode::PageUp,
        KeyCode::PageDown,
        KeyCode::Home,
        KeyCode::End,
        KeyCode::Backspace,
        KeyCode::Delete,
        KeyCode::F(5),
        KeyCode::F(10),
        KeyCode::Insert,
        KeyCode::Null,
    ];
    let modifiers = *r.pick(&[KeyModifiers::NONE, KeyModifiers::NONE, KeyModifiers::CONTROL, KeyModifiers::ALT]);
    let code = if r.below(3) > 0 { KeyCode::Char(*r.pick(CHARS)) } else { *r.pick(CODES) };
    KeyEvent::new(code, modifiers)
}

fn random_event(r: &mut Random) -> (&'static str, Value) {
    let thread = r.below(3);
    let n = r.below(100);
    match r.below(9) {
        0..=2 => (
            "stopped",
            json!({"reason": *r.pick(&["breakpoint", "step", "exception", "?"]), "threadId": thread,
                "allThreadsStopped": r.below(2) == 0, "preserveFocusHint": r.below(3) == 0}),
        ),
        3 => ("continued", json!({"threadId": thread})),
        4 => ("output", json!({"output": "x\u{1b}[5A\n", "category": *r.pick(&["stdout", "console", "important"])})),
        5 => ("thread", json!({"reason": *r.pick(&["started", "exited"]), "threadId": thread})),
        6 => ("breakpoint", json!({"reason": "changed", "breakpoint": {"id": 1000 + n, "verified": false, "line": n}})),
        7 => ("invalidated", json!({})),
        _ => (*r.pick(&["terminated", "nonsense", "initialized"]), json!({})),
    }
}

fn random_msg(r: &mut Random, bench: &mut Bench) -> Msg {
    let generation = bench.app.session.generation;
    match r.below(40) {
        0 => Msg::Resize(r.below(180) as u16, r.below(60) as u16),
        1 => Msg::Tick(bench.app.now + r.below(3_000)),
        2 | 3 => {
            let pieces = ["text\r\n", "\u{1b}[2J", "漢", "\u{1b}[?1049h", "\u{1b}[?1049l", "\u{1b}[9999;1H", "\t"];
            Msg::Output(generation, r.pick(&pieces).as_bytes().to_vec())
        }
        4 => Msg::Paste("pasted\ntext".to_owned()),
        5 if r.below(10) == 0 => Msg::ProcessEnded(generation, ProcessEnd::Code(3)),
        6..=8 => {
            let kind = *r.pick(&[
                MouseEventKind::Down(MouseButton::Left),
                MouseEventKind::ScrollUp,
                MouseEventKind::ScrollDown,
            ]);
            let (column, row) = (r.below(200) as u16, r.below(60) as u16);
            Msg::Mouse(MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE })
        }
        9..=13 => {
            let (name, body) = random_event(r);
            let event = bench.fake.event(name, body);
            Msg::Dap(generation, taipan_tui::dap::Incoming::Message(event))
        }
        _ => Msg::Key(random_key(r)),
    }
}

#[test]
fn anything_may_happen() {
    for seed in 1..=std::env::var("TAIPAN_SEEDS").ok().and_then(|s| s.parse().ok()).unwrap_or(40u64) {
        let mut r = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let mut bench = Bench::new(100, 30);
        for step in 0..400 {
            bench.fake.keeps_running = r.below(4) == 0;
            let msg = random_msg(&mut r, &mut bench);
            bench.msg(msg);
            if step % 7 == 0 {
                let buffer = bench.buffer();
                assert_eq!(buffer, bench.buffer(), "seed {seed}, step {step}");
                let control = buffer.content().iter().find(|c| c.symbol().chars().any(char::is_control));
                assert!(control.is_none(), "seed {seed}, step {step}: {control:?}");
            }
        }
    }
}
