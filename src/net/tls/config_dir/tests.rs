// SPDX-License-Identifier: LGPL-2.1-or-later
use super::super::tests::Folder;
use super::*;
use std::os::unix::ffi::OsStringExt as _;

const PRIVATE: &str = "private/smtp-starttls.pem";

fn choose(config_dir: &str, config_home: &str, home: &str) -> Option<PathBuf> {
    let variables = [(c"XDG_CONFIG_DIR", config_dir), (c"XDG_CONFIG_HOME", config_home), (c"HOME", home)];
    let variable = |name: &CStr| {
        let (_, text) = variables.iter().find(|(variable, _)| *variable == name)?;
        (*text != "unset").then(|| OsString::from(text))
    };
    ConfigDir::choose(variable).map(|directory| directory.0)
}

#[test]
fn which_directory() {
    let folder = Folder::new();
    let existing = folder.path().join("xdg");
    std::fs::create_dir_all(existing.join("libesmtp")).expect("creates");
    let existing = existing.to_str().expect("text");
    let within = |path: &str| Some(PathBuf::from(path).join("libesmtp"));
    assert_eq!(choose("/dir", existing, "/home/joe"), within("/dir"));
    assert_eq!(choose("unset", existing, "/home/joe"), within(existing));
    assert_eq!(choose("unset", "/nowhere", "/home/joe"), within("/home/joe/.config"));
    assert_eq!(choose("unset", "unset", "/home/joe"), within("/home/joe/.config"));
    assert_eq!(choose("", "", "/home/joe"), within("/home/joe/.config"));
    assert_eq!(choose("dir", "xdg", "joe"), None);
    assert_eq!(choose("unset", "unset", ""), None);
    assert_eq!(choose("unset", "unset", "unset"), None);
}

#[test]
fn a_private_file_is_the_users_alone() {
    let folder = Folder::new();
    let found = || folder.config().client_pem().map(|pem| pem.map(|pem| pem.bytes().to_vec()));
    assert_eq!(found(), Ok(None));
    folder.write(PRIVATE, b"content", 0o600);
    for mode in 0..0o1000 {
        folder.set_mode(PRIVATE, mode);
        let fine = mode & 0o177 == 0;
        // Root reads what nobody may; anybody else cannot open it.
        if fine && mode & 0o400 == 0 {
            continue;
        }
        let expected = if fine { Ok(Some(b"content".to_vec())) } else { Err(NotAcceptable) };
        assert_eq!(found(), expected, "{mode:o}");
    }
    folder.set_mode(PRIVATE, 0o600);
    folder.write(PRIVATE, b"", 0o600);
    assert_eq!(found(), Err(NotAcceptable));
}

#[test]
fn a_private_file_is_a_file() {
    let folder = Folder::new();
    let path = folder.path().join(PRIVATE);
    std::fs::create_dir(&path).expect("creates");
    folder.set_mode(PRIVATE, 0o600);
    assert!(folder.config().client_pem().is_err());
    std::fs::remove_dir(&path).expect("removes");
    let name = std::ffi::CString::new(path.into_os_string().into_vec()).expect("path");
    // SAFETY: the name is a C string.
    assert_eq!(unsafe { libc::mkfifo(name.as_ptr(), 0o600) }, 0);
    assert!(folder.config().client_pem().is_err());
}

#[test]
fn a_ca_list_may_be_read_but_not_written_by_others() {
    let folder = Folder::new();
    assert_eq!(folder.config().ca_file(), Ok(None));
    assert_eq!(folder.config().ca_dir(), Ok(None));
    folder.write("ca.pem", b"content", 0o644);
    std::fs::create_dir(folder.path().join("ca")).expect("creates");
    for mode in 0..0o1000 {
        folder.set_mode("ca.pem", mode);
        folder.set_mode("ca", mode);
        let fine = mode & 0o022 == 0;
        assert_eq!(folder.config().ca_file().is_ok_and(|path| path.is_some()), fine, "{mode:o}");
        assert_eq!(folder.config().ca_dir().is_ok_and(|path| path.is_some()), fine, "{mode:o}");
    }
    folder.set_mode("ca", 0o755);
}

#[test]
fn a_ca_list_is_a_file_and_a_directory() {
    let folder = Folder::new();
    folder.write("ca", b"content", 0o644);
    std::fs::create_dir(folder.path().join("ca.pem")).expect("creates");
    assert_eq!(folder.config().ca_file(), Err(NotAcceptable));
    assert_eq!(folder.config().ca_dir(), Err(NotAcceptable));
}

#[test]
fn a_servers_file_is_found_by_its_names_in_order() {
    let folder = Folder::new();
    let config = folder.config();
    let found = |host, canonical| {
        let pem = config.server_pem([Some(host), canonical]).expect("acceptable");
        pem.map(|pem| pem.bytes().to_vec())
    };
    folder.write("private/canonical.pem", b"canonical", 0o600);
    assert_eq!(found(c"host", None), None);
    assert_eq!(found(c"host", Some(c"canonical")).as_deref(), Some(b"canonical".as_slice()));
    folder.write("private/host.pem", b"host", 0o600);
    assert_eq!(found(c"host", Some(c"canonical")).as_deref(), Some(b"host".as_slice()));
    folder.set_mode("private/host.pem", 0o644);
    assert!(config.server_pem([Some(c"host"), Some(c"canonical")]).is_err());
}

#[test]
fn a_name_does_not_lead_elsewhere() {
    let folder = Folder::new();
    folder.write("private/.hidden.pem", b"content", 0o600);
    folder.write("outside.pem", b"content", 0o600);
    folder.write("private/.pem", b"content", 0o600);
    let long = std::ffi::CString::new(vec![b'a'; 300]).expect("text");
    for name in [c".hidden", c"../outside", c"", c"/etc/hostname", long.as_c_str()] {
        assert!(folder.config().server_pem([Some(name), None]).is_ok_and(|pem| pem.is_none()), "{name:?}");
    }
}
