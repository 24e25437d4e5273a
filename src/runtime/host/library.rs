//! The embedded library at the paths it claims: what the operating system does not know is looked up there, so that a
//! program may open, list and stat `os.__file__` and its neighbours as under CPython. Reading only.
//!
//! The tree itself is the importer's (`import::embedded`), which installs it; nothing here is asked before the operating
//! system has said that there is no such file.

use super::files::{DirItem, Stat};
use std::ffi::CStr;
use std::os::fd::{FromRawFd, IntoRawFd};
use std::sync::OnceLock;

/// What is at a path.
pub enum Node {
    /// A file: its length, and a number that no other file has.
    File(u64, u64),
    /// A directory: its entries, with whether they are directories, and a number.
    Folder(Vec<(String, bool)>, u64),
}

/// The tree.
pub struct Tree {
    /// The absolute path under which everything lies.
    pub top: &'static str,
    /// What is at an absolute path.
    pub find: fn(&str) -> Option<Node>,
    /// The content of a file.
    pub read: fn(&str) -> Option<String>,
}

static TREE: OnceLock<&'static Tree> = OnceLock::new();

/// Makes a tree visible.
pub fn install(tree: &'static Tree) {
    let _ = TREE.set(tree);
}

fn at(path: &CStr) -> Option<(&'static Tree, String, Node)> {
    let tree = *TREE.get()?;
    let path = path.to_str().ok()?;
    let rest = path.strip_prefix(tree.top)?;
    if !rest.is_empty() && !rest.starts_with('/') {
        return None;
    }
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    let clean = format!("/{}", parts.join("/"));
    let node = (tree.find)(&clean)?;
    Some((tree, clean, node))
}

/// After `open` failed with this error number: the library's file, if it is one.
pub fn open(path: &CStr, flags: i32, failed: i32) -> Result<i32, i32> {
    let Some((tree, clean, node)) = (if failed == libc::ENOENT { at(path) } else { None }) else { return Err(failed) };
    if flags & (libc::O_WRONLY | libc::O_RDWR) != 0 {
        return Err(libc::EROFS);
    }
    match node {
        // There is no descriptor of a directory that is none.
        Node::Folder(..) => Err(libc::EACCES),
        Node::File(..) => descriptor(&(tree.read)(&clean).ok_or(failed)?),
    }
}

/// A descriptor from which a text can be read.
fn descriptor(text: &str) -> Result<i32, i32> {
    use std::io::{Seek, Write};
    // SAFETY: the name is a terminated string.
    let fd = super::check(unsafe { libc::memfd_create(c"library".as_ptr(), libc::MFD_CLOEXEC) })?;
    // SAFETY: the descriptor was just made and has no other owner.
    let mut file = unsafe { std::fs::File::from_raw_fd(fd) };
    let done = file.write_all(text.as_bytes()).and_then(|()| file.rewind());
    done.map_err(|e| e.raw_os_error().unwrap_or(libc::EIO))?;
    Ok(file.into_raw_fd())
}

/// After `stat` failed with this error number: what the library knows.
pub fn stat(path: &CStr, failed: i32) -> Result<Stat, i32> {
    let Some((_, _, node)) = (if failed == libc::ENOENT { at(path) } else { None }) else { return Err(failed) };
    let (mode, size, number) = match node {
        Node::File(size, number) => (libc::S_IFREG | 0o444, size, number),
        Node::Folder(_, number) => (libc::S_IFDIR | 0o555, 0, number),
    };
    // SAFETY: the structure is plain numbers.
    let mut out: Stat = unsafe { std::mem::zeroed() };
    out.st_mode = mode;
    out.st_size = size as i64;
    out.st_ino = number;
    // A device number that no mounted file system has.
    out.st_dev = 0x7461_6970;
    out.st_nlink = 1;
    out.st_blksize = 4096;
    out.st_blocks = size.div_ceil(512) as i64;
    // 1980: the earliest time that archives can hold.
    (out.st_mtime, out.st_atime, out.st_ctime) = (315_532_800, 315_532_800, 315_532_800);
    Ok(out)
}

/// After `access` failed with this error number: what may be done in the library.
pub fn access(path: &CStr, mode: i32, failed: i32) -> Result<(), i32> {
    match stat(path, failed)?.st_mode & libc::S_IFMT {
        _ if mode & libc::W_OK != 0 => Err(libc::EROFS),
        libc::S_IFREG if mode & libc::X_OK != 0 => Err(libc::EACCES),
        _ => Ok(()),
    }
}

/// After `opendir` failed with this error number: the entries of the library's directory.
pub fn read_dir(path: &CStr, failed: i32) -> Result<Vec<DirItem>, i32> {
    let Some((_, _, node)) = (if failed == libc::ENOENT { at(path) } else { None }) else { return Err(failed) };
    let Node::Folder(entries, number) = node else { return Err(libc::ENOTDIR) };
    let kind = |folder| if folder { libc::DT_DIR } else { libc::DT_REG };
    Ok(entries.into_iter().map(|(name, folder)| (name.into_bytes(), kind(folder), number)).collect())
}
