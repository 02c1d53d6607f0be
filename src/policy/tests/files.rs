// SPDX-License-Identifier: LGPL-2.1-or-later
//! Which files there are, and whether they are believed.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use super::super::file::{Identity, Places, current};
use super::super::{Fault, Policy};
use super::{EXAMPLE, Folder, set_mode, user};

const ONE: &str = "version = 1\n";
const TWO: &str = "version = 1\n[relay.a]\n";

fn only(path: &Path) -> Result<Policy, Fault> {
    current(&Places::Only(path.to_owned()), &me).map(|policy| policy.expect("a file that must exist"))
}

fn me() -> Identity {
    of(user())
}

fn of(user: u32) -> Identity {
    Identity {
        effective: user,
        real: user,
        same_group: true,
    }
}

fn fault(path: &Path) -> String {
    let fault = only(path).expect_err("it is wrong").to_string();
    fault.replace(&path.display().to_string(), "FILE")
}

#[test]
fn places() {
    let home = || Some(PathBuf::from("/home/me/.config/libesmtp"));
    let find = |variable: Option<&str>, home| {
        Places::find(variable.map(OsString::from), home, Path::new("/etc/libesmtp"))
    };
    let usual = |user: Option<&str>| {
        Ok(Places::Usual {
            user: user.map(PathBuf::from),
            system: PathBuf::from("/etc/libesmtp/policy.toml"),
        })
    };
    assert_eq!(find(None, home()), usual(Some("/home/me/.config/libesmtp/policy.toml")));
    assert_eq!(find(Some(""), home()), usual(Some("/home/me/.config/libesmtp/policy.toml")));
    assert_eq!(find(None, None), usual(None));
    assert_eq!(find(Some("none"), home()), Ok(Places::Nowhere));
    assert_eq!(find(Some("/a/b.toml"), home()), Ok(Places::Only(PathBuf::from("/a/b.toml"))));
    let relative = find(Some("b.toml"), home()).expect_err("it depends on where the program runs");
    assert_eq!(relative.to_string(), "b.toml: LIBESMTP_POLICY is no absolute path");
}

/// The user's file is for the user's own processes.
#[test]
fn whom_the_users_file_concerns() {
    let folder = Folder::new();
    let file = folder.write("policy.toml", ONE, 0o644);
    let places = Places::Usual {
        user: Some(file.clone()),
        system: folder.path("none"),
    };
    let ordinary = of(1000);
    if user() == 0 {
        // It is the administrator's, whom everybody believes.
        assert!(current(&places, &|| ordinary).expect("right").is_some());
    }
    for identity in [
        of(0),
        Identity { effective: 0, ..ordinary },
        Identity { real: 0, ..ordinary },
        Identity { real: 1001, ..ordinary },
        Identity { same_group: false, ..ordinary },
    ] {
        assert!(current(&places, &|| identity).expect("right").is_none(), "{identity:?}");
        set_mode(&file, 0o666);
        assert!(current(&places, &|| identity).expect("not looked at").is_none(), "{identity:?}");
        set_mode(&file, 0o644);
    }
    // The system's is for all of them.
    let places = Places::Usual { user: None, system: file };
    if user() == 0 {
        assert!(current(&places, &|| Identity { real: 1001, ..ordinary }).expect("right").is_some());
    }
}

#[test]
fn missing_files() {
    let folder = Folder::new();
    let places = |user: &str, system: &str| Places::Usual {
        user: Some(folder.path(user)),
        system: folder.path(system),
    };
    // For the administrator there would be no user's file.
    let ordinary = || if user() == 0 { of(1000) } else { me() };
    let there = |places: &Places| current(places, &ordinary).expect("no fault").is_some();
    assert!(!there(&Places::Nowhere));
    assert!(!there(&places("a/policy.toml", "b/policy.toml")));
    folder.write("file", ONE, 0o644);
    // What is below a file does not exist.
    assert!(!there(&places("file/policy.toml", "b")));
    assert!(there(&places("b", "file")));
    assert!(there(&places("file", "b")));
    assert_eq!(fault(&folder.path("c")), "FILE: No such file or directory");
    assert_eq!(only(&folder.path("c")).expect_err("missing").errno(), Some(libc::ENOENT));
    symlink(folder.path("nowhere"), folder.path("link")).expect("links");
    let dangling =
        current(&places("link", "b"), &ordinary).expect_err("a link to nowhere is no missing file");
    assert_eq!(dangling.brief(), "link: No such file or directory");
}

#[test]
fn who_may_have_written_it() {
    let folder = Folder::new();
    let file = folder.write("policy.toml", ONE, 0o644);
    for mode in [0o644, 0o444, 0o600, 0o640, 0o755, 0o400] {
        set_mode(&file, mode);
        assert!(only(&file).is_ok(), "{mode:o}");
    }
    set_mode(&file, 0o664);
    assert_eq!(fault(&file), "FILE: may be written by its group");
    set_mode(&file, 0o646);
    assert_eq!(fault(&file), "FILE: may be written by others");
    set_mode(&file, 0o644);
    for (mode, who) in [(0o775, "its group"), (0o757, "others"), (0o1777, "others")] {
        set_mode(&folder.0, mode);
        assert_eq!(fault(&file), format!("FILE: the folder {} may be written by {who}", folder.0.display()));
    }
    set_mode(&folder.0, 0o755);
    assert!(only(&file).is_ok());
}

#[test]
fn whose_it_is() {
    let folder = Folder::new();
    let file = folder.write("policy.toml", ONE, 0o644);
    let mine = user();
    let of_others = current(&Places::Only(file.clone()), &|| of(mine + 1));
    if mine == 0 {
        // The administrator's are everybody's.
        assert!(of_others.is_ok());
        std::os::unix::fs::chown(&file, Some(12345), None).expect("changes");
        assert_eq!(fault(&file), "FILE: belongs to user 12345");
        assert!(current(&Places::Only(file), &|| of(12345)).is_ok());
    } else {
        let expected = format!("policy.toml: belongs to user {mine}");
        assert_eq!(of_others.expect_err("another's").brief(), expected);
    }
}

#[test]
fn links_are_followed_to_folders_that_are_looked_at() {
    let (folder, other) = (Folder::new(), Folder::new());
    other.write("real.toml", ONE, 0o644);
    let link = folder.path("policy.toml");
    symlink(other.path("real.toml"), &link).expect("links");
    assert!(only(&link).is_ok());
    set_mode(&other.0, 0o777);
    let expected = format!("FILE: the folder {} may be written by others", other.0.display());
    assert_eq!(fault(&link), expected);
    set_mode(&other.0, 0o755);
    // A folder may be reached by a link, too.
    symlink(&other.0, folder.path("folder")).expect("links");
    assert!(only(&folder.path("folder/real.toml")).is_ok());
    set_mode(&other.0, 0o777);
    assert!(only(&folder.path("folder/real.toml")).is_err());
}

#[test]
fn what_is_no_file() {
    let folder = Folder::new();
    fs::create_dir(folder.path("d")).expect("creates");
    assert_eq!(fault(&folder.path("d")), "FILE: is no regular file");
    let pipe = folder.path("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().expect("runs").success());
    assert_eq!(fault(&pipe), "FILE: is no regular file");
    assert_eq!(fault(Path::new("/dev/null")), "FILE: is no regular file");
    let long = folder.write("long", " ".repeat(65_537), 0o644);
    assert_eq!(fault(&long), "FILE: longer than 65536 octets");
    let longest = folder.write("longest", format!("{ONE}{}", "#".repeat(65_536 - ONE.len())), 0o644);
    assert!(only(&longest).is_ok());
    let sparse = fs::File::create(folder.path("sparse")).expect("creates");
    sparse.set_len(1 << 40).expect("extends");
    set_mode(&folder.path("sparse"), 0o644);
    assert_eq!(fault(&folder.path("sparse")), "FILE: longer than 65536 octets");
}

#[test]
fn a_change_is_seen() {
    let folder = Folder::new();
    let file = folder.write("policy.toml", ONE, 0o644);
    let relays = || only(&file).expect("right").parts()[0].document.relays.len();
    assert_eq!(relays(), 0);
    assert_eq!(relays(), 0);
    folder.write("new", TWO, 0o644);
    fs::rename(folder.path("new"), &file).expect("renames");
    assert_eq!(relays(), 1);
    folder.write("policy.toml", "version = 2\n", 0o644);
    assert_eq!(fault(&file), "FILE:1:11: version 2 is not known here, only 1");
    assert_eq!(fault(&file), "FILE:1:11: version 2 is not known here, only 1");
    folder.write("policy.toml", ONE, 0o644);
    assert_eq!(relays(), 0);
}

/// The same text is read once: both times it is the same document.
#[test]
fn a_state_is_read_once() {
    let folder = Folder::new();
    let file = folder.write("policy.toml", EXAMPLE, 0o644);
    let document = || std::sync::Arc::as_ptr(&only(&file).expect("right").parts()[0].document);
    let kept = only(&file).expect("right");
    assert_eq!(document(), std::sync::Arc::as_ptr(&kept.parts()[0].document));
}

/// Each reader sees the one or the other, whole.
#[test]
fn a_file_that_is_replaced_is_seen_whole() {
    let folder = Folder::new();
    let file = folder.write("policy.toml", ONE, 0o644);
    let sections: Vec<String> = (0..500).map(|n| format!("[relay.r{n}]\n")).collect();
    let many = TWO.to_owned() + &sections.concat();
    thread::scope(|scope| {
        let reader = scope.spawn(|| {
            for _ in 0..300 {
                let relays = only(&file).expect("right").parts()[0].document.relays.len();
                assert!(matches!(relays, 0 | 501), "{relays}");
            }
        });
        let mut turn = 0;
        while !reader.is_finished() {
            turn += 1;
            folder.write("new", if turn % 2 == 0 { ONE } else { &many }, 0o644);
            fs::rename(folder.path("new"), &file).expect("renames");
        }
        reader.join().expect("it reads");
    });
}
