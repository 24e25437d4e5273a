//! The struct language and binascii against `pack.tsv` and `binascii.tsv`.

use taipan_base::binascii::{self, FromHexError};
use taipan_base::float::complex::Complex;
use taipan_base::int::parse;
use taipan_base::pack::{Format, Kind, PackError, Unpacked};

use crate::fixture::{Row, check, hex, show_float};

fn raise(error: PackError) -> String {
    let kind = if error.is_overflow() { "OverflowError" } else { "error" };
    format!("!{kind}: {}", error.message())
}

fn packed(row: &Row, format: &Format) -> Result<Vec<u8>, PackError> {
    let mut buffer = vec![0; format.size()];
    let slot = format.slots().next().expect("one value");
    match slot.kind {
        Kind::Float => slot.pack_float(&mut buffer, row.float(1))?,
        Kind::Complex => slot.pack_complex(&mut buffer, Complex { re: row.float(1), im: row.float(2) })?,
        Kind::Bytes | Kind::Pascal | Kind::Char => slot.pack_bytes(&mut buffer, &row.bytes(1)),
        Kind::Bool => slot.pack_bool(&mut buffer, &row.fields[1] != "0"),
        _ => slot.pack_int(&mut buffer, &parse(row.fields[1].as_bytes(), 10, 0).expect("a number"))?,
    }
    Ok(buffer)
}

fn unpacked(format: &Format, buffer: &[u8]) -> String {
    let shown = |slot: taipan_base::pack::Slot| match slot.unpack(buffer) {
        Unpacked::Bytes(bytes) => hex(bytes),
        Unpacked::Bool(value) => u8::from(value).to_string(),
        Unpacked::Signed(value) => value.to_string(),
        Unpacked::Unsigned(value) => value.to_string(),
        Unpacked::Float(x) => show_float(x),
        Unpacked::Complex(z) => format!("{} {}", show_float(z.re), show_float(z.im)),
    };
    format.slots().map(shown).collect::<Vec<_>>().join(" ")
}

fn pack_answer(row: &Row) -> String {
    let format = match Format::parse(row.fields[0].as_bytes()) {
        Ok(format) => format,
        Err(error) => return format!("!error: {}", error.message()),
    };
    match row.operation.as_str() {
        "size" if format.size() >= 1_000_000 => format.size().to_string(),
        "size" => format!("{} {}", format.size(), format.count()),
        "pack" => packed(row, &format).map_or_else(raise, |bytes| hex(&bytes)),
        "unpack" => unpacked(&format, &row.bytes(1)),
        other => panic!("unknown operation {other}"),
    }
}

fn binascii_answer(row: &Row) -> String {
    let flag = |index: usize| &row.fields[index] == "1";
    let decoded =
        |result: Result<Vec<u8>, String>| result.map_or_else(|error| format!("!Error: {error}"), |data| hex(&data));
    match row.operation.as_str() {
        "hex" => hex(&binascii::hex(&row.bytes(0), Some(b':'), row.parse(1))),
        "unhex" => decoded(binascii::unhex(&row.bytes(0)).map_err(|error| error.message().into())),
        "fromhex" => match binascii::from_hex(&row.text(0)) {
            Ok(data) => hex(&data),
            Err(error) => format!("!ValueError: {}", FromHexError::message(error)),
        },
        "b2a_base64" => hex(&binascii::encode_base64(&row.bytes(0), flag(1))),
        "a2b_base64" => decoded(binascii::decode_base64(&row.bytes(0), flag(1)).map_err(|error| error.message())),
        "b2a_qp" => hex(&binascii::encode_quoted(&row.bytes(0), flag(1), flag(2), flag(3))),
        "a2b_qp" => hex(&binascii::decode_quoted(&row.bytes(0), flag(1))),
        "b2a_uu" => decoded(binascii::encode_uu(&row.bytes(0), flag(1)).map_err(|error| error.message().into())),
        "a2b_uu" => decoded(binascii::decode_uu(&row.bytes(0)).map_err(|error| error.message().into())),
        "crc32" => binascii::crc32(&row.bytes(0), row.parse(1)).to_string(),
        "crc_hqx" => binascii::crc_hqx(&row.bytes(0), row.parse(1)).to_string(),
        other => panic!("unknown operation {other}"),
    }
}

#[test]
fn recorded() {
    check("pack", pack_answer);
}

#[test]
fn recorded_binascii() {
    check("binascii", binascii_answer);
}
