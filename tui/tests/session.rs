//! What keys and messages do: the requests that they lead to, and what the model holds afterwards.

use serde_json::json;
use taipan_tui::app::session::Phase;
use taipan_tui::dap::{Incoming, Message};
use taipan_tui::msg::{Effect, Msg, ProcessEnd};

use super::support::fake::Fake;
use super::support::{Bench, config};

#[test]
fn the_handshake_is_in_order() {
    let mut bench = Bench::new(100, 30);
    let wanted = [
        "initialize",
        "launch",
        "setFunctionBreakpoints",
        "setExceptionBreakpoints",
        "configurationDone",
        "stackTrace",
    ];
    assert_eq!(bench.fake.commands()[..wanted.len()], wanted);
    assert_eq!(bench.fake.count("threads"), 1);
    assert_eq!(
        bench.fake.last("launch"),
        json!({"program": "/shop/inventory.py", "cwd": "/shop", "stopOnEntry": true, "justMyCode": true})
    );
    assert_eq!(bench.fake.last("setExceptionBreakpoints"), json!({"filters": ["uncaught"]}));
    assert_eq!(bench.app.session.phase, Phase::Stopped);
    bench.press(&["c"]);
    assert_eq!(bench.fake.last("continue"), json!({"threadId": 1}));
}

#[test]
fn breakpoints_set_before_the_program_is_there_are_sent_with_the_rest() {
    let mut config = config();
    config.commands = vec!["b 24".to_owned(), "c".to_owned()];
    let mut bench = Bench::with(config, 100, 30, Fake::new());
    assert_eq!(
        bench.fake.last("setBreakpoints"),
        json!({"source": {"name": "inventory.py", "path": "/shop/inventory.py"}, "breakpoints": [{"line": 24}]})
    );
    assert_eq!(bench.app.session.current_frame().unwrap().line, 24);
    bench.fake.log.clear();
    bench.press(&["R", "y"]);
    let commands = bench.fake.commands();
    let set = commands.iter().position(|c| *c == "setBreakpoints").unwrap();
    let done = commands.iter().position(|c| *c == "configurationDone").unwrap();
    assert!(set < done, "{commands:?}");
}

#[test]
fn steps_and_what_changed() {
    let mut bench = Bench::new(100, 30);
    bench.press(&["c"]);
    bench.sees("total = 0.0");
    bench.press(&["n", "F10"]);
    assert_eq!(bench.fake.count("next"), 2);
    bench.sees("total = 135.0");
    let changed: Vec<&str> =
        bench.app.variables.tree.nodes.iter().filter(|n| n.changed).map(|n| n.name.as_str()).collect();
    assert_eq!(changed, ["total"]);
    bench.press(&["s", "r"]);
    assert_eq!((bench.fake.count("stepIn"), bench.fake.count("stepOut")), (1, 1));
}

#[test]
fn keys_pressed_during_a_step_are_not_lost() {
    let mut bench = Bench::new(100, 30);
    bench.press(&["c"]);
    bench.fake.keeps_running = true;
    bench.press(&["n", "n", "s"]);
    assert_eq!((bench.fake.count("next"), bench.fake.count("stepIn")), (1, 0));
    bench.fake.keeps_running = false;
    for event in bench.fake.advance() {
        bench.adapter_says(event);
    }
    assert_eq!((bench.fake.count("next"), bench.fake.count("stepIn")), (2, 1));
}

#[test]
fn a_running_program_can_be_paused_and_is_not_asked() {
    let mut bench = Bench::new(100, 30);
    bench.fake.keeps_running = true;
    bench.press(&["c"]);
    bench.msg(Msg::Tick(5_000));
    bench.sees("RUNNING");
    bench.press(&["n"]);
    bench.sees("the program is running: Ctrl-C pauses it");
    assert_eq!(bench.fake.count("next"), 0);
    bench.command("p total");
    assert_eq!(bench.fake.count("evaluate"), 0);
    bench.press(&["Ctrl-c"]);
    assert_eq!(bench.fake.last("pause"), json!({"threadId": 1}));
    bench.sees("STOPPED");
}

#[test]
fn answers_that_come_too_late_are_ignored() {
    let mut bench = Bench::new(100, 30);
    bench.press(&["c"]);
    let late = bench.fake.log.iter().rev().find(|r| r.command == "scopes").unwrap().clone();
    let epoch = bench.app.session.epoch;
    bench.press(&["n"]);
    assert_eq!(bench.app.session.epoch, epoch + 1);
    let before = bench.screen();
    let mut answer = late.error("thread is running");
    answer.seq = 9_999;
    bench.adapter_says(Message::Response(answer));
    assert_eq!(bench.screen(), before);
}

#[test]
fn breakpoint_keys_and_form() {
    let mut bench = Bench::new(100, 30);
    bench.press(&["c", "j", "b"]);
    assert_eq!(bench.fake.last("setBreakpoints")["breakpoints"], json!([{"line": 25}]));
    bench.press(&["E"]);
    bench.write("count > 3");
    bench.press(&["Tab"]);
    bench.write("5");
    bench.press(&["Tab"]);
    bench.write("n is {count}");
    bench.press(&["Enter"]);
    assert_eq!(
        bench.fake.last("setBreakpoints")["breakpoints"],
        json!([{"line": 25, "condition": "count > 3", "hitCondition": "5", "logMessage": "n is {count}"}])
    );
    bench.press(&["B", "Space"]);
    assert_eq!(bench.fake.last("setBreakpoints")["breakpoints"], json!([]));
    bench.press(&["Space", "Delete"]);
    assert_eq!(bench.app.breakpoints.list.len(), 0);
    bench.press(&["x"]);
    assert_eq!(bench.fake.last("setExceptionBreakpoints"), json!({"filters": []}));
    bench.press(&["X"]);
    assert_eq!(bench.fake.last("setExceptionBreakpoints"), json!({"filters": ["raised"]}));
}

#[test]
fn breakpoint_commands() {
    let mut bench = Bench::new(100, 30);
    bench.command("b 12");
    bench.command("tbreak 24");
    bench.command("b lib/prices.py:7, price > 2");
    bench.command("b Inventory.value");
    assert_eq!(
        bench.fake.last("setBreakpoints"),
        json!({"source": {"name": "prices.py", "path": "/shop/lib/prices.py"},
            "breakpoints": [{"line": 7, "condition": "price > 2"}]})
    );
    assert_eq!(bench.fake.last("setFunctionBreakpoints"), json!({"breakpoints": [{"name": "Inventory.value"}]}));
    bench.command("condition 1 x is None");
    bench.command("ignore 1 3");
    assert_eq!(
        bench.fake.last("setBreakpoints")["breakpoints"],
        json!([{"line": 12, "condition": "x is None", "hitCondition": "> 3"}, {"line": 24}])
    );
    bench.command("disable 1");
    assert_eq!(bench.fake.last("setBreakpoints")["breakpoints"], json!([{"line": 24}]));
    bench.command("cl 7");
    bench.sees("there is no breakpoint 7");
    bench.fake.hit_ids = vec![1024];
    bench.press(&["c"]);
    assert_eq!(bench.fake.last("setBreakpoints")["breakpoints"], json!([]), "the temporary one is gone");
    bench.press(&[":", "c", "l", "Enter"]);
    bench.sees("Remove all breakpoints?");
    bench.press(&["y"]);
    assert_eq!(bench.app.breakpoints.list.len(), 0);
}

#[test]
fn a_temporary_breakpoint_goes_even_if_the_adapter_does_not_say_which_was_hit() {
    let mut bench = Bench::new(100, 30);
    bench.command("tbreak 24");
    bench.command("tbreak 25");
    bench.press(&["c"]);
    let left: Vec<usize> = bench.app.breakpoints.list.iter().map(|b| b.number).collect();
    assert_eq!(left, [2]);
}

#[test]
fn running_to_the_cursor_leaves_no_trace() {
    let mut bench = Bench::new(100, 30);
    bench.press(&["L"]);
    bench.write("24");
    bench.press(&["Enter", "t"]);
    let sent: Vec<_> = bench.fake.log.iter().filter(|r| r.command == "setBreakpoints").collect();
    assert_eq!(sent[0].arguments["breakpoints"], json!([{"line": 24}]));
    assert_eq!(sent[1].arguments["breakpoints"], json!([]));
    assert_eq!(bench.fake.count("continue"), 1);
    bench.command("b 30");
    assert_eq!(bench.app.breakpoints.list[0].number, 1, "hidden breakpoints use up no numbers");
}

#[test]
fn until_walks_to_a_line_below() {
    let mut bench = Bench::new(100, 30);
    bench.press(&["c", "n"]);
    assert_eq!(bench.app.session.current_frame().unwrap().line, 25);
    bench.fake.log.clear();
    bench.command("until");
    // 25 to 24 is a jump back in the loop, so the walk goes on and ends at the exception.
    assert_eq!(bench.fake.count("next"), 2);
    bench.sees("UNCAUGHT");
}

#[test]
fn watches_are_evaluated_at_every_stop() {
    let mut bench = Bench::new(100, 30);
    bench.press(&["c", "w"]);
    bench.write("total");
    bench.press(&["Enter"]);
    bench.command("display nonsense");
    bench.sees("nonsense = NameError: name");
    bench.press(&["n", "n"]);
    let total = bench.app.watches.tree.nodes.iter().find(|n| n.name == "total").unwrap();
    assert_eq!((total.value.as_str(), total.changed), ("135.0", true));
    bench.press(&["3", "Delete"]);
    assert_eq!(bench.app.watch_expressions, ["nonsense"]);
    bench.command("undisplay nonsense");
    assert!(bench.app.watches.tree.nodes.is_empty());
}

#[test]
fn children_are_asked_for_when_they_are_opened_and_again_at_the_next_stop() {
    let mut bench = Bench::new(100, 30);
    bench.press(&["c", "V", "j"]);
    let before = bench.fake.count("variables");
    bench.press(&["Enter"]);
    assert_eq!(bench.fake.count("variables"), before + 1);
    bench.sees("items = {'tea': (…)}");
    bench.press(&["Left", "Right"]);
    assert_eq!(bench.fake.count("variables"), before + 1, "closing and opening asks nothing");
    bench.press(&["n"]);
    bench.sees("items = {'tea': (…)}");
    bench.sees_no("LIMIT");
}

#[test]
fn values_can_be_set_watched_and_filtered() {
    let mut bench = Bench::new(100, 30);
    bench.press(&["c", "V", "j", "j", "="]);
    bench.press(&["Ctrl-u"]);
    bench.write("7.5");
    bench.press(&["Enter"]);
    assert_eq!(bench.fake.last("setVariable"), json!({"variablesReference": 10, "name": "total", "value": "7.5"}));
    bench.press(&["W"]);
    assert_eq!(bench.app.watch_expressions, ["total"]);
    bench.press(&["b"]);
    assert_eq!(bench.fake.last("setDataBreakpoints")["breakpoints"][0]["dataId"], "d1");
    bench.sees("total changes");
    bench.press(&["/"]);
    bench.write("tot");
    bench.press(&["Enter"]);
    bench.sees_no("self = <3 items");
    bench.press(&["_"]);
    bench.press(&["/", "Ctrl-u", "Enter"]);
    bench.sees("__debug__ = True");
}

#[test]
fn frames_can_be_looked_at() {
    let mut bench = Bench::new(100, 30);
    bench.press(&["c", "u"]);
    assert_eq!(bench.app.session.frame, 1);
    bench.sees("▷ 43");
    bench.command("p total");
    assert_eq!(bench.fake.last("evaluate")["frameId"], 201);
    bench.press(&["u", "u"]);
    bench.sees("this is the outermost frame");
    bench.press(&["S", "g", "Enter"]);
    assert_eq!(bench.app.session.frame, 0);
    bench.command("where");
    bench.sees("> value  inventory.py:24");
}

#[test]
fn expressions_and_statements() {
    let mut bench = Bench::new(100, 30);
    bench.press(&["c", "p"]);
    bench.write("total");
    bench.press(&["Enter"]);
    assert_eq!(bench.fake.last("evaluate"), json!({"expression": "total", "frameId": 200, "context": "repl"}));
    bench.press(&["Esc"]);
    let scopes = bench.fake.count("scopes");
    bench.command("c = 5");
    assert_eq!(bench.fake.last("evaluate")["expression"], "c = 5");
    assert_eq!(bench.fake.count("scopes"), scopes + 1, "a statement may change variables");
    bench.command("pp self");
    bench.sees("  items  {'tea': (…)}");
    bench.command("whatis total");
    assert_eq!(bench.fake.last("evaluate")["expression"], "type(total)");
    bench.command("b 12 ;; tbreak");
    bench.sees("  1  inventory.py:12");
}

#[test]
fn history_completion_and_repetition() {
    let mut bench = Bench::new(100, 30);
    bench.press(&["c", ":"]);
    bench.write("p to");
    bench.press(&["Tab"]);
    assert_eq!(bench.fake.last("completions"), json!({"frameId": 200, "text": "to", "column": 3}));
    assert_eq!(bench.app.console.editor.text(), "p total");
    bench.sees(" total_weight");
    bench.press(&["Tab", "Tab", "Enter"]);
    assert_eq!(bench.fake.last("evaluate")["expression"], "total_weight");
    assert_eq!(bench.others.iter().filter(|e| matches!(e, Effect::Remember(_))).count(), 1);
    bench.press(&["Up"]);
    assert_eq!(bench.app.console.editor.text(), "p total_weight");
    bench.press(&["Ctrl-u"]);
    bench.write("n");
    bench.press(&["Enter", "Enter"]);
    assert_eq!(bench.fake.count("next"), 2);
}

#[test]
fn searching_and_going_to_lines() {
    let mut bench = Bench::new(100, 30);
    bench.press(&["/"]);
    bench.write("total");
    assert_eq!(bench.app.view.at.cursor + 1, 23, "the cursor moves along");
    bench.press(&["Enter", "."]);
    assert_eq!(bench.app.view.at.cursor + 1, 25);
    bench.press(&[",", ","]);
    assert_eq!(bench.app.view.at.cursor + 1, 26);
    bench.press(&["/"]);
    bench.write("nowhere");
    bench.press(&["Esc"]);
    assert_eq!(bench.app.view.at.cursor + 1, 26);
    bench.press(&["Ctrl-g"]);
    bench.write("999");
    bench.press(&["Enter"]);
    assert_eq!(bench.app.view.at.cursor + 1, 50);
    bench.press(&["l"]);
    assert_eq!(bench.app.view.at.cursor + 1, 1);
}

#[test]
fn jumping_and_stepping_into_a_chosen_call() {
    let mut bench = Bench::new(100, 30);
    bench.press(&["c"]);
    bench.command("j 30");
    assert_eq!(bench.fake.last("gotoTargets"), json!({"source": {"path": "/shop/inventory.py"}, "line": 30}));
    assert_eq!(bench.fake.last("goto"), json!({"threadId": 1, "targetId": 5}));
    bench.press(&["i", "Down", "Enter"]);
    assert_eq!(bench.fake.last("stepIn"), json!({"threadId": 1, "targetId": 8}));
    bench.press(&["N"]);
    bench.sees("this debugger cannot go back");
}

#[test]
fn typing_goes_to_the_program_in_its_pane_only() {
    let mut bench = Bench::new(100, 30);
    bench.fake.keeps_running = true;
    bench.press(&["c", "o"]);
    bench.write("qué");
    bench.press(&["Enter", "Ctrl-c", "Up"]);
    assert_eq!(bench.typed, "qué\r\u{3}\u{1b}[A".as_bytes());
    bench.msg(Msg::Paste("a\nb".to_owned()));
    assert!(bench.typed.ends_with(b"a\rb"));
    bench.press(&["Esc", "c"]);
    assert_eq!(bench.typed.len(), "qué\r\u{3}\u{1b}[A".len() + 3);
    bench.prints("\u{1b}[?1049h");
    bench.press(&["o", "Esc"]);
    assert!(bench.typed.ends_with(b"\x1b"), "a program that has the whole screen gets Esc");
    bench.press(&["Ctrl-]", "?"]);
    bench.sees("Running");
}

#[test]
fn the_end_restart_and_leaving() {
    let mut bench = Bench::new(100, 30);
    bench.press(&["c", "c", "c", "c"]);
    bench.sees("UNCAUGHT  ZeroDivisionError: division by zero");
    bench.press(&["c"]);
    bench.ends(ProcessEnd::Code(1));
    bench.sees("EXIT CODE 1");
    bench.press(&["n"]);
    bench.sees("the program has ended: R starts it anew, q leaves");
    bench.press(&["R"]);
    assert_eq!(bench.app.session.generation, 2);
    bench.sees("STOPPED  entry");
    // News of the first program change nothing.
    bench.msg(Msg::ProcessEnded(1, ProcessEnd::Code(0)));
    bench.msg(Msg::Dap(1, Incoming::Closed(None)));
    bench.sees("STOPPED  entry");
    bench.press(&["q"]);
    bench.sees("Leave the debugger? The program will be ended.");
    bench.press(&["n"]);
    assert_eq!(bench.quit, None);
    bench.press(&["q", "y"]);
    assert_eq!(bench.fake.last("disconnect"), json!({"terminateDebuggee": true}));
    assert_eq!(bench.quit, Some(0));
}

#[test]
fn the_exit_code_is_the_programs() {
    let mut bench = Bench::new(100, 30);
    bench.fake.exit_code = 7;
    bench.press(&["c", "c", "c", "c", "c", "c", "q"]);
    assert_eq!(bench.quit, Some(7));
    let mut bench = Bench::new(100, 30);
    bench.fake.keeps_running = true;
    bench.press(&["c"]);
    bench.ends(ProcessEnd::Signal("Segmentation fault".to_owned()));
    bench.sees("ENDED BY SIGNAL SEGMENTATION FAULT");
    bench.press(&["q"]);
    assert_eq!(bench.quit, Some(128));
}

#[test]
fn failures_are_told() {
    let mut fake = Fake::new();
    fake.refuse.push(("launch", "no such file: inventory.py"));
    let mut bench = Bench::with(config(), 100, 30, fake);
    bench.sees("FAILED  no such file: inventory.py");
    bench.press(&["q"]);
    assert_eq!(bench.quit, Some(0));

    let mut fake = Fake::new();
    fake.refuse.push(("configurationDone", "no"));
    let mut bench = Bench::with(config(), 100, 30, fake);
    bench.prints("Segmentation fault\n");
    bench.msg(Msg::Dap(1, Incoming::Closed(Some("broken pipe".to_owned()))));
    bench.sees("FAILED  the debugger did not answer: broken pipe");
    bench.sees("Segmentation fault");

    let mut bench = Bench::new(100, 30);
    bench.fake.refuse.push(("next", "cannot step now"));
    bench.press(&["n"]);
    bench.sees("next: cannot step now");
    assert_eq!(bench.app.session.phase, Phase::Stopped);
}

#[test]
fn a_hostile_adapter_cannot_break_the_session() {
    let mut bench = Bench::new(100, 30);
    for text in [
        r#"{"type":"event","event":"stopped","body":{"reason":5}}"#,
        r#"{"type":"event","event":"stopped","body":{"reason":"x","threadId":77}}"#,
        r#"{"type":"event","event":"breakpoint","body":{"reason":"removed","breakpoint":{"id":-1}}}"#,
        r#"{"type":"event","event":"thread","body":{"reason":"exited","threadId":1}}"#,
        r#"{"type":"response","request_seq":1,"success":true,"command":"initialize"}"#,
        r#"{"type":"response","request_seq":-5,"success":false}"#,
        r#"{"type":"request","seq":3,"command":"runInTerminal","arguments":{}}"#,
        r#"{"type":"event","event":"output","body":{"output":"a\u001b[2Jb","category":"console"}}"#,
        r#"{"type":"event","event":"capabilities","body":{"capabilities":{"supportsStepBack":true}}}"#,
    ] {
        bench.adapter_says(serde_json::from_str(text).unwrap());
        bench.screen();
    }
    assert!(bench.app.session.capabilities.supports_step_back);
    assert!(bench.app.session.capabilities.supports_set_variable, "what did not change stays");
    bench.press(&["7"]);
    bench.sees("a␛[2Jb");
}

#[test]
fn the_mouse_selects_opens_and_sets_breakpoints() {
    use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
    let mut bench = Bench::new(100, 30);
    bench.press(&["c"]);
    let at = |bench: &mut Bench, part: &str, column: Option<u16>| {
        let row = bench.screen().lines().position(|l| l.contains(part)).unwrap() as u16;
        let column = column.unwrap_or_else(|| {
            let line = bench.line(part);
            line[..line.find(part).unwrap()].chars().count() as u16
        });
        let kind = MouseEventKind::Down(MouseButton::Left);
        bench.msg(Msg::Mouse(MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE }));
    };
    at(&mut bench, "total += item.price", Some(1));
    assert_eq!(bench.fake.last("setBreakpoints")["breakpoints"], json!([{"line": 25}]));
    at(&mut bench, "self = <3 items", None);
    bench.sees("items = {'tea': (…)}");
    at(&mut bench, "<module>  ", None);
    assert_eq!(bench.app.session.frame, 2);
    at(&mut bench, "7 Console", None);
    assert_eq!(bench.app.focus, taipan_tui::app::Pane::Console);
    at(&mut bench, "6 Output", None);
    assert_eq!(bench.app.focus, taipan_tui::app::Pane::Output);
}

#[test]
fn breakpoints_and_watches_are_kept_between_sessions() {
    let mut bench = Bench::new(100, 30);
    bench.command("b 24, total > 1");
    bench.command("tbreak order");
    bench.command("disable 1");
    bench.command("display total");
    bench.press(&["X", "q", "y"]);
    let Some(Effect::Keep(text)) = bench.others.iter().find(|e| matches!(e, Effect::Keep(_))).cloned() else {
        panic!("nothing was kept");
    };
    let mut next = Bench::new(100, 30);
    next.app.restore(&text);
    next.press(&["R", "y"]);
    assert_eq!(next.fake.last("setFunctionBreakpoints"), json!({"breakpoints": [{"name": "order"}]}));
    assert_eq!(next.app.breakpoints.get(1).unwrap().condition, "total > 1");
    assert!(!next.app.breakpoints.get(1).unwrap().enabled);
    assert_eq!(next.app.watch_expressions, ["total"]);
    next.app.restore("not json");
    assert_eq!(next.app.breakpoints.list.len(), 2);
}
