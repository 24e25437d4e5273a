//! Quoted-printable (RFC 1521), as `binascii.a2b_qp` and `b2a_qp` have it.

const LINE: usize = 76;

fn digit(byte: Option<&u8>) -> Option<u8> {
    (*byte? as char).to_digit(16).map(|digit| digit as u8)
}

/// `binascii.a2b_qp`; with `header`, underscores are spaces.
pub fn decode_quoted(text: &[u8], header: bool) -> Vec<u8> {
    let (mut out, mut at) = (Vec::with_capacity(text.len()), 0);
    while let Some(&byte) = text.get(at) {
        at += 1;
        if byte != b'=' {
            out.push(if header && byte == b'_' { b' ' } else { byte });
            continue;
        }
        match text.get(at) {
            None => break,
            Some(b'\n' | b'\r') => {
                // a soft line break takes everything up to the newline
                let rest = &text[at..];
                at += rest.iter().position(|&byte| byte == b'\n').map_or(rest.len(), |newline| newline + 1);
            }
            Some(b'=') => {
                out.push(b'=');
                at += 1;
            }
            high => match (digit(high), digit(text.get(at + 1))) {
                (Some(high), Some(low)) => {
                    out.push(high << 4 | low);
                    at += 2;
                }
                _ => out.push(b'='),
            },
        }
    }
    out
}

/// What `b2a_qp` is asked to do.
struct Quoting<'a> {
    data: &'a [u8],
    out: Vec<u8>,
    line: usize,
    /// Lines end with `\r\n`, because the first line of the data does.
    crlf: bool,
}

/// `binascii.b2a_qp`
pub fn encode_quoted(data: &[u8], quote_tabs: bool, is_text: bool, header: bool) -> Vec<u8> {
    let newline = data.iter().position(|&byte| byte == b'\n');
    let crlf = newline.is_some_and(|at| at > 0 && data[at - 1] == b'\r');
    let mut work = Quoting { data, out: Vec::with_capacity(data.len()), line: 0, crlf };
    let mut at = 0;
    while at < data.len() {
        let (byte, next) = (data[at], data.get(at + 1).copied());
        if work.must_quote(at, quote_tabs, is_text, header) {
            if work.line + 3 >= LINE {
                work.soft_break();
            }
            work.quote(byte);
            work.line += 3;
        } else if is_text && (byte == b'\n' || (byte == b'\r' && next == Some(b'\n'))) {
            work.line = 0;
            if let Some(&last @ (b' ' | b'\t')) = work.out.last() {
                work.out.pop();
                work.quote(last);
            }
            work.end_line();
            at += usize::from(byte == b'\r');
        } else {
            if next.is_some_and(|next| next != b'\n') && work.line + 1 >= LINE {
                work.soft_break();
            }
            work.line += 1;
            work.out.push(if header && byte == b' ' { b'_' } else { byte });
        }
        at += 1;
    }
    work.out
}

impl Quoting<'_> {
    fn must_quote(&self, at: usize, quote_tabs: bool, is_text: bool, header: bool) -> bool {
        let next = self.data.get(at + 1);
        match self.data[at] {
            127.. | b'=' => true,
            b'_' => header,
            b'.' => self.line == 0 && matches!(next, None | Some(b'\n' | b'\r' | 0)),
            b'\r' | b'\n' => !is_text,
            b'\t' | b' ' => quote_tabs || next.is_none(),
            byte => byte < 33,
        }
    }

    fn quote(&mut self, byte: u8) {
        let digit = |value: u8| b"0123456789ABCDEF"[usize::from(value)];
        self.out.extend([b'=', digit(byte >> 4), digit(byte & 15)]);
    }

    fn end_line(&mut self) {
        self.out.extend_from_slice(if self.crlf { b"\r\n" } else { b"\n" });
    }

    fn soft_break(&mut self) {
        self.out.push(b'=');
        self.end_line();
        self.line = 0;
    }
}
