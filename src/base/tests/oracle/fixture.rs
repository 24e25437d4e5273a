//! Reading the recorded tables.

use std::path::PathBuf;

/// One question: operation, arguments, expected answer.
pub struct Row {
    pub operation: String,
    pub fields: Vec<String>,
    pub answer: String,
}

impl Row {
    /// An argument as code points.
    pub fn text(&self, index: usize) -> Vec<u32> {
        unescape(&self.fields[index])
    }

    /// An argument as bytes.
    pub fn bytes(&self, index: usize) -> Vec<u8> {
        let digits = self.fields[index].as_bytes();
        let digit = |byte: u8| (byte as char).to_digit(16).expect("hex") as u8;
        digits.chunks(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
    }

    /// An argument as a plain number or other parseable value.
    pub fn parse<T: std::str::FromStr>(&self, index: usize) -> T {
        self.fields[index].parse().unwrap_or_else(|_| panic!("{:?}", self.fields))
    }

    /// An argument as a float.
    pub fn float(&self, index: usize) -> f64 {
        from_hex(&self.fields[index])
    }
}

/// Code points of an escaped field.
pub fn unescape(field: &str) -> Vec<u32> {
    let mut out = Vec::new();
    let mut rest = field;
    while let Some(at) = rest.find('\\') {
        out.extend(rest[..at].chars().map(|c| c as u32));
        let end = rest[at..].find('}').expect("closed escape") + at;
        out.push(u32::from_str_radix(&rest[at + 2..end], 16).expect("hex escape"));
        rest = &rest[end + 1..];
    }
    out.extend(rest.chars().map(|c| c as u32));
    out
}

/// Code points as record.py writes them.
pub fn escape(code_points: impl IntoIterator<Item = u32>) -> String {
    let mut out = String::new();
    for cp in code_points {
        match char::from_u32(cp) {
            Some(c @ ' '..='~') if c != '\\' => out.push(c),
            _ => out.push_str(&format!("\\{{{cp:x}}}")),
        }
    }
    out
}

/// Bytes as record.py writes them.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// `float.fromhex` for what `float.hex` writes.
pub fn from_hex(text: &str) -> f64 {
    let (sign, body) = text.strip_prefix('-').map_or((1.0, text), |rest| (-1.0, rest));
    match body {
        "inf" => return sign * f64::INFINITY,
        "nan" => return f64::NAN,
        _ => {}
    }
    let (mantissa, exponent) = body.strip_prefix("0x").and_then(|rest| rest.split_once('p')).expect("hex float");
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let fraction = u64::from_str_radix(&format!("{fraction:0<13}"), 16).expect("fraction");
    let exponent: i64 = exponent.parse().expect("exponent");
    if whole == "0" {
        return sign * f64::from_bits(fraction);
    }
    sign * f64::from_bits(((exponent + 1023) as u64) << 52 | fraction)
}

/// All rows of a table.
pub fn rows(table: &str) -> Vec<Row> {
    let folder = std::env::var_os("TAIPAN_BASE_FIXTURES")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/base")), PathBuf::from);
    let path = folder.join(format!("{table}.tsv"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.lines()
        .map(|line| {
            let mut fields: Vec<String> = line.split('\t').map(String::from).collect();
            let answer = fields.pop().expect("an answer");
            Row { operation: fields.remove(0), fields, answer }
        })
        .collect()
}

/// Asks every question of a table; reports the first wrong answers and how many there are.
pub fn check(table: &str, answer: impl Fn(&Row) -> String) {
    let rows = rows(table);
    assert!(!rows.is_empty());
    let mut wrong = Vec::new();
    for row in &rows {
        let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| answer(row)));
        let got = caught.unwrap_or_else(|_| "a panic".into());
        if got != row.answer {
            wrong.push(format!("{} {:?}\n  expected {}\n  got      {got}", row.operation, row.fields, row.answer));
        }
    }
    let shown = wrong.iter().take(12).cloned().collect::<Vec<_>>().join("\n");
    assert!(wrong.is_empty(), "{} of {} answers of {table} are wrong:\n{shown}", wrong.len(), rows.len());
}

/// A float as `float.hex` writes it.
pub fn show_float(x: f64) -> String {
    taipan_base::float::hex(x)
}
