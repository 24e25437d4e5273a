//! An interactive flamegraph: an SVG for a browser, through `inferno`. The hue says where code comes from.

use super::collapsed;
use crate::profiler::profile::{Kind, Profile};
use inferno::flamegraph::color::PaletteMap;
use inferno::flamegraph::{self, Options};
use std::io::{self, Write};

/// Writes a profile.
pub fn write(p: &Profile, out: &mut dyn Write) -> io::Result<()> {
    let lines = collapsed::lines(p);
    let mut palette = palette(p)?;
    let mut options = Options::default();
    options.title = format!("Taipan: {}", p.command.get(1..).unwrap_or_default().join(" "));
    options.subtitle = Some(format!(
        "{} time, {} samples at {} Hz; red: the program, yellow: packages, blue: standard library, green: native code",
        p.mode.text(),
        p.samples(),
        p.rate
    ));
    options.count_name = "µs".to_owned();
    options.deterministic = true;
    options.hash = true;
    options.palette_map = Some(&mut palette);
    options.min_width = 0.02;
    draw(&mut options, &lines, out)
}

/// Draws collapsed lines; a picture without frames says so instead of failing.
pub fn draw(options: &mut Options<'_>, lines: &[String], out: &mut dyn Write) -> io::Result<()> {
    if lines.is_empty() {
        return out.write_all(
            b"<?xml version=\"1.0\" standalone=\"no\"?>\n<svg version=\"1.1\" width=\"600\" height=\"60\" \
              xmlns=\"http://www.w3.org/2000/svg\"><text x=\"20\" y=\"35\">Nothing was recorded.</text></svg>\n",
        );
    }
    flamegraph::from_lines(options, lines.iter().map(String::as_str), out)
}

/// A colour for each frame: a hue for its kind, a shade for its name.
fn palette(p: &Profile) -> io::Result<PaletteMap> {
    let mut text = String::new();
    for f in &p.frames {
        let (r, g, b) = match f.kind {
            Kind::Program => (225, 90, 60),
            Kind::Package => (225, 190, 70),
            Kind::Library => (100, 150, 220),
            Kind::Native => (100, 180, 100),
            Kind::Collector => (150, 110, 180),
        };
        let shade = f.name.bytes().fold(7u32, |h, c| h.wrapping_mul(31).wrapping_add(c.into())) % 25;
        let [r, g, b] = [r, g, b].map(|c: u32| (c + shade).min(255));
        text.push_str(&format!("{}->rgb({r},{g},{b})\n", f.label()));
    }
    PaletteMap::from_reader(&mut text.as_bytes())
}
