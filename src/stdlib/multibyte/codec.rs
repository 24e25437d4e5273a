//! Decoding and encoding: one codec after the other way of putting its tables to use.

use super::tables::{Lead, Table, gb18030_character, gb18030_number, table, unpack};

/// What stops a codec.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Problem {
    /// So many units mean nothing.
    Wrong(usize),
    /// What is there may be the beginning of something.
    Short,
}

/// What a stateful codec keeps between calls; zero at first.
pub type State = [u8; 8];

/// How a codec uses its table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Rule {
    Plain,
    /// Codes of four bytes reach all of Unicode.
    Gb18030,
    /// Syllables without a code are spelt by three letters, in eight bytes.
    EucKr,
    /// GB 2312 between `~{` and `~}`, in seven bits.
    Hz,
}

/// A codec.
pub struct Codec {
    /// Its name in errors.
    pub name: &'static str,
    /// The table it uses.
    table: &'static str,
    rule: Rule,
}

const fn plain(name: &'static str) -> Codec {
    Codec { name, table: name, rule: Rule::Plain }
}

/// `_codecs_jp`
pub static JP: &[Codec] = &[
    plain("shift_jis"),
    plain("cp932"),
    plain("euc_jp"),
    plain("shift_jis_2004"),
    plain("euc_jis_2004"),
    plain("euc_jisx0213"),
    plain("shift_jisx0213"),
];
/// `_codecs_kr`
pub static KR: &[Codec] =
    &[Codec { name: "euc_kr", table: "euc_kr", rule: Rule::EucKr }, plain("cp949"), plain("johab")];
/// `_codecs_cn`
pub static CN: &[Codec] = &[
    plain("gb2312"),
    plain("gbk"),
    Codec { name: "gb18030", table: "gb18030", rule: Rule::Gb18030 },
    Codec { name: "hz", table: "gb2312", rule: Rule::Hz },
];
/// `_codecs_tw`
pub static TW: &[Codec] = &[plain("big5"), plain("cp950")];
/// `_codecs_hk`
pub static HK: &[Codec] = &[plain("big5hkscs")];

impl Codec {
    /// Decodes from `at` on until the end or a problem.
    pub fn decode(&self, state: &mut State, input: &[u8], at: &mut usize, out: &mut Vec<u32>) -> Result<(), Problem> {
        let table = table(self.table);
        if self.rule == Rule::Hz {
            return decode_hz(table, state, input, at, out);
        }
        while let Some(&b) = input.get(*at) {
            let used = match table.lead(b) {
                Lead::Single if b < 0x80 && table.text(b.into()) == Some(b.into()) => {
                    out.push(b.into());
                    1
                }
                Lead::Wrong => return Err(Problem::Wrong(1)),
                _ => self.unit(table, &input[*at..], out)?,
            };
            *at += used;
        }
        Ok(())
    }

    /// One code at the beginning of `rest`: its length.
    fn unit(&self, table: &Table, rest: &[u8], out: &mut Vec<u32>) -> Result<usize, Problem> {
        let mut put = |text| {
            let (a, b) = unpack(text);
            out.push(a);
            out.extend(b);
        };
        let a = rest[0];
        if let Some(text) = table.text(a.into()) {
            put(text);
            return Ok(1);
        }
        let Some(&b) = rest.get(1) else { return Err(Problem::Short) };
        let code = u32::from(a) << 8 | u32::from(b);
        if let Some(text) = table.text(code) {
            put(text);
            return Ok(2);
        }
        match self.rule {
            Rule::Gb18030 if b.is_ascii_digit() => {
                put(gb18030_text(rest)?);
                return Ok(4);
            }
            Rule::EucKr if code == 0xa4d4 => {
                put(spelt(rest)?);
                return Ok(8);
            }
            Rule::Plain if table.lead(a) == Lead::More => {
                let Some(&c) = rest.get(2) else { return Err(Problem::Short) };
                let code = code << 8 | u32::from(c);
                put(table.text(code).ok_or_else(|| Problem::Wrong(table.blame(code)))?);
                return Ok(3);
            }
            _ => {}
        }
        Err(Problem::Wrong(table.blame(code)))
    }

    /// Encodes from `at` on until the end or a problem; at the end of all input, `last` is set.
    pub fn encode(
        &self,
        state: &mut State,
        input: &[u32],
        at: &mut usize,
        out: &mut Vec<u8>,
        last: bool,
    ) -> Result<(), Problem> {
        let table = table(self.table);
        while let Some(&c) = input.get(*at) {
            let mut used = 1;
            if self.rule == Rule::Hz {
                encode_hz(table, state, c, out)?;
            } else if c < 0x80 && table.code(c) == Some(c) {
                out.push(c as u8);
            } else {
                let next = input.get(*at + 1);
                let begins = self.rule == Rule::Plain && table.begins_pair(c);
                if begins && next.is_none() && !last {
                    return Err(Problem::Short);
                }
                match next.filter(|_| begins).and_then(|&next| table.pair(c, next)) {
                    Some(code) => {
                        put_code(out, code);
                        used = 2;
                    }
                    None => self.character(table, c, out)?,
                }
            }
            *at += used;
        }
        Ok(())
    }

    fn character(&self, table: &Table, c: u32, out: &mut Vec<u8>) -> Result<(), Problem> {
        if let Some(code) = table.code(c) {
            put_code(out, code);
            return Ok(());
        }
        match self.rule {
            Rule::Gb18030 => {
                let n = match c {
                    0x1_0000.. => 189_000 + c - 0x1_0000,
                    _ => gb18030_number(c).ok_or(Problem::Wrong(1))?,
                };
                out.push((n / 12_600) as u8 + 0x81);
                out.push((n / 1260 % 10) as u8 + 0x30);
                out.push((n / 10 % 126) as u8 + 0x81);
                out.push((n % 10) as u8 + 0x30);
            }
            Rule::EucKr if (0xac00..0xd7a4).contains(&c) => {
                let i = (c - 0xac00) as usize;
                let tail = i % 28;
                out.extend([0xa4, 0xd4, 0xa4, INITIALS[i / 588], 0xa4, 0xbf + (i / 28 % 21) as u8, 0xa4]);
                out.push(if tail == 0 { 0xd4 } else { FINALS[tail - 1] });
            }
            _ => return Err(Problem::Wrong(1)),
        }
        Ok(())
    }

    /// What ends the output, so that the state is as at first.
    pub fn finish(&self, state: &mut State, out: &mut Vec<u8>) {
        if self.rule == Rule::Hz && state[0] != 0 {
            out.extend_from_slice(b"~}");
        }
        *state = [0; 8];
    }
}

fn put_code(out: &mut Vec<u8>, code: u32) {
    let bytes = code.to_be_bytes();
    let skip = match code {
        0..0x100 => 3,
        0x100..0x1_0000 => 2,
        _ => 1,
    };
    out.extend_from_slice(&bytes[skip..]);
}

/// A code of four bytes in GB18030.
fn gb18030_text(rest: &[u8]) -> Result<u32, Problem> {
    let Some(&[a, b, c, d]) = rest.first_chunk::<4>() else { return Err(Problem::Short) };
    if !(0x81..=0xfe).contains(&c) || !d.is_ascii_digit() {
        return Err(Problem::Wrong(1));
    }
    let [a, b, c, d] = [a - 0x81, b - 0x30, c - 0x81, d - 0x30].map(u32::from);
    let n = ((a * 10 + b) * 126 + c) * 10 + d;
    let text = match a {
        0..4 => gb18030_character(n),
        15.. => Some(0x1_0000 + n - 189_000).filter(|&c| c < 0x11_0000),
        _ => None,
    };
    text.ok_or(Problem::Wrong(1))
}

// ---- EUC-KR --------------------------------------------------------------------------------------------------------

/// Second bytes of the letters that begin a syllable, in the order of syllables (KS X 1001, annex 3).
static INITIALS: [u8; 19] =
    [0xa1, 0xa2, 0xa4, 0xa7, 0xa8, 0xa9, 0xb1, 0xb2, 0xb3, 0xb5, 0xb6, 0xb7, 0xb8, 0xb9, 0xba, 0xbb, 0xbc, 0xbd, 0xbe];
/// And of those that end one.
static FINALS: [u8; 27] = [
    0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa9, 0xaa, 0xab, 0xac, 0xad, 0xae, 0xaf, 0xb0, 0xb1, 0xb2, 0xb4, 0xb5,
    0xb6, 0xb7, 0xb8, 0xba, 0xbb, 0xbc, 0xbd, 0xbe,
];

/// A syllable spelt by its letters behind the filler.
fn spelt(rest: &[u8]) -> Result<u32, Problem> {
    let Some(&[_, _, x, initial, y, vowel, z, tail]) = rest.first_chunk::<8>() else { return Err(Problem::Short) };
    let initial = INITIALS.iter().position(|&b| b == initial);
    let vowel = (0xbf..=0xd3).contains(&vowel).then(|| (vowel - 0xbf) as usize);
    let tail = if tail == 0xd4 { Some(0) } else { FINALS.iter().position(|&b| b == tail).map(|i| i + 1) };
    match (initial, vowel, tail) {
        (Some(i), Some(v), Some(t)) if [x, y, z] == [0xa4; 3] => Ok(0xac00 + (i * 588 + v * 28 + t) as u32),
        _ => Err(Problem::Wrong(1)),
    }
}

// ---- HZ (RFC 1843) -------------------------------------------------------------------------------------------------

fn decode_hz(
    table: &Table,
    state: &mut State,
    input: &[u8],
    at: &mut usize,
    out: &mut Vec<u32>,
) -> Result<(), Problem> {
    while let Some(&b) = input.get(*at) {
        let next = input.get(*at + 1).copied();
        let chinese = state[0] != 0;
        let used = match (b, next) {
            (b'~', None) => return Err(Problem::Short),
            (b'~', Some(b'~')) if !chinese => {
                out.push(b'~'.into());
                2
            }
            (b'~', Some(b'{')) if !chinese => {
                state[0] = 1;
                2
            }
            (b'~', Some(b'}')) if chinese => {
                state[0] = 0;
                2
            }
            (b'~', Some(b'\n')) if !chinese => 2,
            (b'~', _) | (0x80.., _) => return Err(Problem::Wrong(1)),
            (_, _) if !chinese => {
                out.push(b.into());
                1
            }
            (_, None) => return Err(Problem::Short),
            (_, Some(c)) => {
                let code = u32::from(b | 0x80) << 8 | u32::from(c | 0x80);
                out.push(table.text(code).ok_or(Problem::Wrong(1))?);
                2
            }
        };
        *at += used;
    }
    Ok(())
}

fn encode_hz(table: &Table, state: &mut State, c: u32, out: &mut Vec<u8>) -> Result<(), Problem> {
    if c < 0x80 {
        if std::mem::take(&mut state[0]) != 0 {
            out.extend_from_slice(b"~}");
        }
        out.push(c as u8);
        if c == u32::from(b'~') {
            out.push(b'~');
        }
        return Ok(());
    }
    let code = table.code(c).ok_or(Problem::Wrong(1))?;
    if std::mem::replace(&mut state[0], 1) == 0 {
        out.extend_from_slice(b"~{");
    }
    out.extend([(code >> 8) as u8 & 0x7f, code as u8 & 0x7f]);
    Ok(())
}
