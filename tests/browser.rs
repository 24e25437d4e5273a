//! The flamegraph in a browser: what a headless Chromium makes of the page, its search and its zoom.
//!
//! Chromium loads the file, runs its script and prints the resulting document (`--dump-dom`). The page reads what to
//! search for and where to zoom from its address, as after a search by hand followed by a reload. Without Chromium these
//! tests say so and check nothing, unless `TAIPAN_REQUIRE_CHROMIUM` is set, as `.ci/run` does.

use crate::tools::{check, taipan};
use libtest_mimic::{Failed, Trial};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// All of them; ignored where they cannot be run.
pub fn trials() -> Vec<Trial> {
    let found = chromium();
    let demanded = std::env::var_os("TAIPAN_REQUIRE_CHROMIUM").is_some_and(|v| !v.is_empty());
    if found.is_none() && !demanded {
        eprintln!("skipped: browser::* need Chromium (Debian: apt-get install chromium)");
    }
    let skip = found.is_none() && !demanded;
    vec![
        Trial::test("browser::profile_is_loaded_searched_and_zoomed", profile).with_ignored_flag(skip),
        Trial::test("browser::memory_is_loaded_and_searched", memory).with_ignored_flag(skip),
    ]
}

fn chromium() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
    std::env::split_paths(&path).flat_map(|d| names.map(|n| d.join(n))).find(|f| f.is_file())
}

/// The document that a browser makes of a file, with what stands behind the `?` of its address.
fn document(file: &Path, query: &str) -> Result<String, Failed> {
    let browser = chromium().ok_or("TAIPAN_REQUIRE_CHROMIUM is set, but there is no Chromium")?;
    let home = tempfile::tempdir()?;
    let output = Command::new(browser)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--virtual-time-budget=5000"])
        .args(["--timeout=60000", "--window-size=1200,800"])
        .arg(format!("--user-data-dir={}", home.path().display()))
        .args(["--dump-dom", &format!("file://{}?{query}", file.display())])
        .stdin(Stdio::null())
        .env("HOME", home.path())
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if text.contains("</svg>") {
        return Ok(text);
    }
    Err(format!("no document: {}", String::from_utf8_lossy(&output.stderr)).into())
}

const PROGRAM: &str = "
def needle(n):
    return sum(i * i for i in range(n))

def hay(n):
    text = ''
    for i in range(n):
        text += str(i)
    return text

KEPT = []

def keep():
    KEPT.extend([i] for i in range(5000))

for _ in range(30):
    needle(8000)
    hay(3000)
keep()
";

/// What the page says of a search: percent that match.
fn matched(document: &str) -> Result<f64, Failed> {
    let part = document
        .split("id=\"matched\"")
        .nth(1)
        .and_then(|t| t.split("Matched: ").nth(1))
        .ok_or("nothing says 'Matched'")?;
    let number = part.split('%').next().unwrap_or_default();
    Ok(number.parse().map_err(|e| format!("{e}: {number}"))?)
}

/// Frames of a picture: title, `fg:x` and `y` of its place, and its drawn width in percent.
fn frames(svg: &str) -> Vec<(String, String, String, f64)> {
    let value = |text: &str, name: &str| {
        text.split(&format!(" {name}=\"")).nth(1).and_then(|t| t.split('"').next()).unwrap_or_default().to_owned()
    };
    svg.split("<g")
        .filter_map(|g| {
            let title = g.split("<title>").nth(1)?.split("</title>").next()?.to_owned();
            let rect = g.split("<rect").nth(1)?.split('>').next()?;
            let width = value(rect, "width");
            Some((title, value(rect, "fg:x"), value(rect, "y"), width.trim_end_matches('%').parse().unwrap_or(0.0)))
        })
        .collect()
}

fn percent(title: &str) -> Option<f64> {
    title.rsplit(", ").next()?.strip_suffix("%)")?.parse().ok()
}

fn profile() -> Result<(), Failed> {
    let d = tempfile::tempdir()?;
    std::fs::write(d.path().join("p.py"), PROGRAM)?;
    let r = taipan(d.path(), &["profile", "-o", "flame.svg", "p.py"]);
    let file = d.path().join("flame.svg");
    let svg = std::fs::read_to_string(&file).map_err(|e| format!("{e}: {}", r.err))?;
    let hay = frames(&svg).into_iter().filter(|f| f.0.starts_with("hay p.py")).collect::<Vec<_>>();
    let wanted: f64 = hay.iter().filter_map(|f| percent(&f.0)).sum();
    check(wanted > 1.0, format!("hay is not in the picture: {}", r.err))?;

    // Searched: the page marks the frames and says how much of the whole they are.
    let found = document(&file, "s=%5Ehay")?;
    let said = matched(&found)?;
    check((said - wanted).abs() < 0.5, format!("the page finds {said} %, the picture has {wanted} %"))?;
    let marked =
        found.split("<g").filter(|g| g.contains("rgb(230,0,230)") && g.contains("<title>")).collect::<Vec<_>>();
    check(!marked.is_empty(), "no frame is marked")?;
    check(marked.iter().all(|g| g.contains("<title>hay ")), format!("others are marked: {marked:?}"))?;
    check(
        document(&file, "s=no_such_name").is_ok_and(|d| matched(&d).unwrap_or(0.0) == 0.0),
        "a name that is not there",
    )?;

    // Zoomed: the frame takes the whole width.
    let (title, x, y, before) = hay.into_iter().max_by(|a, b| a.3.total_cmp(&b.3)).ok_or("no frame")?;
    let zoomed = document(&file, &format!("x={x}&y={y}"))?;
    let after = frames(&zoomed).into_iter().find(|f| f.0 == title).ok_or("the frame is gone")?.3;
    check(before < 99.0 && after > 99.0, format!("{title}: {before} % wide before, {after} % after"))
}

fn memory() -> Result<(), Failed> {
    let d = tempfile::tempdir()?;
    std::fs::write(d.path().join("p.py"), PROGRAM)?;
    let r = taipan(d.path(), &["memory", "-o", "flame.svg", "p.py"]);
    let said = matched(&document(&d.path().join("flame.svg"), "s=%5Ekeep")?)?;
    check(said > 50.0, format!("keep is found in {said} %: {}", r.err))
}
