//! The other Taipan processes that a profiled program starts: each records for itself and leaves its profile in a folder
//! of the first one, which puts them together.
//!
//! A forked child begins anew with a clock of its own; a process started afresh (`subprocess`, `multiprocessing`) finds
//! the folder in a variable that is handed on to children and not shown to programs (`host::process::hand_on`).

use super::Mode;
use super::profile::Profile;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use std::{fs, io};
use taipan_runtime::host::process;

/// How long the first process waits for children that are about to end.
const PATIENCE: Duration = Duration::from_millis(300);

/// A folder where processes leave their profiles.
#[derive(Clone)]
pub struct Family {
    folder: PathBuf,
    /// Samples a second.
    pub rate: u64,
    /// Which time is measured.
    pub mode: Mode,
}

/// What children left.
pub struct Left {
    /// Their profiles, in the order they ended.
    pub profiles: Vec<Profile>,
    /// Children that have not ended, or not in a way that let them write.
    pub missing: usize,
}

/// A name that no other process of this machine makes now.
fn unique() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    format!("{now}-{}", std::process::id())
}

impl Family {
    /// Makes the folder and hands its name on; call it before the program runs.
    pub fn found(rate: u64, mode: Mode) -> io::Result<Family> {
        use std::os::unix::fs::DirBuilderExt;
        let folder = std::env::temp_dir().join(format!("taipan-profile-{}", unique()));
        fs::DirBuilder::new().mode(0o700).create(&folder)?;
        process::hand_on(&format!("profile {rate} {} {}", mode.text(), folder.display()));
        Ok(Family { folder, rate, mode })
    }

    /// The family that this process was started in, if it still exists.
    pub fn of_this_process() -> Option<Family> {
        let value = process::handed_on()?;
        let mut words = value.splitn(4, ' ');
        let (tool, rate, mode, folder) = (words.next()?, words.next()?, words.next()?, words.next()?);
        let family = Family { folder: folder.into(), rate: rate.parse().ok()?, mode: mode.parse().ok()? };
        (tool == "profile" && family.folder.is_dir()).then_some(family)
    }

    /// A child says that it has begun; gives the name it will leave its profile under. Nobody waits for a `helper`.
    pub fn join(&self, helper: bool) -> io::Result<PathBuf> {
        let path = self.folder.join(format!("{}.{}", unique(), if helper { "helper" } else { "begun" }));
        fs::File::create(&path)?;
        Ok(path)
    }

    /// A child leaves its profile.
    pub fn leave(begun: &Path, profile: &Profile) -> io::Result<()> {
        let part = begun.with_extension("part");
        fs::write(&part, serde_json::to_vec(profile)?)?;
        fs::rename(&part, begun.with_extension("json"))?;
        fs::remove_file(begun)
    }

    fn files(&self, extension: &str) -> Vec<PathBuf> {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten().map(|e| e.path());
        let mut all: Vec<PathBuf> = entries.filter(|p| p.extension().is_some_and(|e| e == extension)).collect();
        all.sort();
        all
    }

    /// Gathers what the children left, and takes the folder away.
    pub fn gather(self) -> Left {
        let start = Instant::now();
        while !self.files("begun").is_empty() && start.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(5));
        }
        let texts: Vec<Vec<u8>> = self.files("json").iter().filter_map(|p| fs::read(p).ok()).collect();
        let profiles: Vec<Profile> = texts.iter().filter_map(|t| serde_json::from_slice(t).ok()).collect();
        let missing = self.files("begun").len() + texts.len() - profiles.len();
        self.disband();
        Left { profiles, missing }
    }

    /// Takes the folder away.
    pub fn disband(&self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}
