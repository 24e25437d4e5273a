//! Every token of the standard library's sources against CPython's own `tokenize`.

mod common;

use taipan_syntax::decode_source;
use taipan_syntax::tokens::TokenSource;

#[test]
fn standard_library_tokens_are_those_of_tokenize() {
    compare("extra", |path| dump_file(path, true));
}

#[test]
fn standard_library_tokens_are_those_of_the_parser() {
    compare("plain", |path| dump_file(path, false));
}

fn compare(kind: &str, ours: fn(&str) -> Vec<String>) {
    let Some(oracle) = common::oracle() else { return };
    let result = common::compare(&oracle, "dump_tokens.py", &[kind], ours);
    assert!(result.same > 0 && result.different <= common::allowed("TAIPAN_TOKEN_DIFFERENCES"), "{result:?}");
}

fn dump_file(path: &str, extra_tokens: bool) -> Vec<String> {
    let bytes = std::fs::read(path).unwrap();
    let Ok(source) = decode_source(&bytes, path) else { return vec!["UNREADABLE".to_owned()] };
    // The oracle reads its files with universal newlines.
    let source = TokenSource::new(&source.text.replace("\r\n", "\n"));
    let hex = |text: &str| text.bytes().map(|b| format!("{b:02x}")).collect::<String>();
    let mut lines: Vec<String> = source
        .tokens(path, extra_tokens)
        .map(|token| match token {
            Ok(token) => {
                let ((line, col), (end_line, end_col)) = (token.start, token.end);
                let (text, shown) = (hex(&token.string), hex(&token.line));
                format!("{} {line},{col}-{end_line},{end_col} [{text}] [{shown}]", token.number)
            }
            Err(error) => {
                let class = if error.class.name() == "SyntaxError" { "TokenError" } else { error.class.name() };
                format!("ERROR {class} {}", error.msg)
            }
        })
        .collect();
    if lines.is_empty() {
        lines.push(String::new());
    }
    lines
}
