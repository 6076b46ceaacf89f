//! The table of `docs/places.md` is what the function says.

use super::*;
use std::collections::BTreeMap;
use std::fs;

const NAME: &str = "web";

/// The columns of the table, in its order.
fn situations() -> [PathContext; 6] {
    let root = PathContext { host: "here".into(), ..PathContext::default() };
    let user = PathContext { uid: 1000, home: Some("/home/ada".into()), ..root.clone() };
    let unit = vec![PathBuf::from("/run/web")];
    [
        root.clone(),
        PathContext { unit_directories: unit.clone(), ..root.clone() },
        user.clone(),
        PathContext { user_directory: Some("/run/user/1000".into()), ..user.clone() },
        PathContext { unit_directories: unit, ..user },
        PathContext { uid: 1000, ..root },
    ]
}

/// A cell of the table, for the situations above: the paths between its backquotes.
fn cell(text: &str) -> Vec<PathBuf> {
    let paths = text.split('`').skip(1).step_by(2);
    paths
        .map(|path| {
            path.replace("NAME", NAME).replace("HOST", "here").replace("UID", "1000").replace('~', "/home/ada").into()
        })
        .collect()
}

/// The rows of the table by their first cell.
fn documented() -> BTreeMap<String, Vec<Vec<PathBuf>>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/places.md");
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("failed to read `{}`: {error}", path.display()));
    let rows = text.lines().filter(|line| line.starts_with("| ")).skip(1);
    rows.map(|row| {
        let mut cells = row.trim_matches('|').split('|').map(str::trim);
        (cells.next().unwrap().to_owned(), cells.map(cell).collect())
    })
    .collect()
}

#[test]
fn the_documented_table_is_the_computed_one() {
    let rows = documented();
    assert_eq!(rows.len(), 9, "{rows:?}");
    for (column, situation) in situations().iter().enumerate() {
        let places = Paths::of(NAME, situation).ok();
        let one = |path: fn(&Paths) -> Option<&PathBuf>| -> Vec<PathBuf> {
            places.iter().filter_map(path).cloned().collect()
        };
        let sockets = places.iter().map(|places| on_demand_directory(&places.pidfile)).collect();
        for (row, computed) in [
            ("pidfile", one(|places| Some(&places.pidfile))),
            ("lock", one(|places| Some(&places.lock))),
            ("control socket", one(|places| Some(&places.control))),
            ("sockets on demand", sockets),
            ("last words", one(|places| Some(&places.last_words))),
            ("log", one(|places| places.log.as_ref())),
            ("state", one(|places| places.state.as_ref())),
            ("last start", Paths::last_start(NAME, situation).into_iter().collect()),
            ("verbs also look at", others_of(situation)),
        ] {
            assert_eq!(rows[row][column], computed, "{row}, column {column}: {situation:?}");
        }
    }
}

/// Returns the other pidfiles that verbs look at: they are the same whether a start would find a place or not.
fn others_of(situation: &PathContext) -> Vec<PathBuf> {
    let places = Paths::of(NAME, situation);
    places.map_or_else(|_| other_pidfiles(NAME, situation), |places| places.others)
}

#[test]
fn of_several_unit_directories_the_one_of_the_name_counts() {
    let pidfile = |directories: &[&str]| {
        let unit_directories = directories.iter().map(PathBuf::from).collect();
        Paths::of(NAME, &PathContext { unit_directories, ..PathContext::default() }).unwrap().pidfile
    };
    assert_eq!(pidfile(&["/run/other", "/run/deep/web"]), Path::new("/run/deep/web/web.pid"));
    assert_eq!(pidfile(&["/run/one", "/run/other"]), Path::new("/run/one/web.pid"));
}

#[test]
fn a_host_name_cannot_leave_its_part_of_the_file_name() {
    let pidfile = |host: &str| {
        let situation = PathContext { uid: 1000, home: Some("/h".into()), host: host.into(), ..PathContext::default() };
        Paths::of(NAME, &situation).unwrap().pidfile
    };
    assert_eq!(pidfile("a.example.com"), Path::new("/h/.local/state/web@a.example.com.pid"));
    assert_eq!(pidfile("../x@y\n"), Path::new("/h/.local/state/web@.._x_y_.pid"));
    assert_eq!(pidfile(""), Path::new("/h/.local/state/web@localhost.pid"));
}

#[test]
fn a_user_without_a_home_is_told_what_to_set() {
    let error = Paths::of(NAME, &situations()[5]).unwrap_err();
    assert_eq!(error, "no home directory is known for uid 1000, which has no passwd entry: set `pidfile`");
}

#[test]
fn only_plain_paths_below_run_are_runtime_directories() {
    for path in ["/run/web", "/run/a/b", "/run/user/1000/web"] {
        assert!(is_below_run(Path::new(path), 1000), "{path}");
    }
    for path in
        ["", "web", "/", "/run", "/run/", "/run/../etc", "/tmp/web", "/run/user", "/run/user/1000", "/run/user/1/web"]
    {
        assert!(!is_below_run(Path::new(path), 1000), "{path}");
    }
    // A list of them is judged one by one; these exist, but are not where systemd makes them.
    assert_eq!(
        unit_directories(OsStr::new("/tmp:/:relative::/run/no-such-directory"), geteuid().as_raw()),
        [""; 0].map(PathBuf::from)
    );
}

#[test]
fn different_pidfiles_have_different_directories_on_demand() {
    let endings = ["", ".pid", ".agent", ".on-demand", ".", "..pid", ".pid.pid", ".agent.pid", ".on-demand.pid"];
    let mut directories = BTreeMap::new();
    for stem in ["d", "d.", "pid", ".pid", ".agent"] {
        for ending in endings {
            let pidfile = Path::new("/run").join(format!("{stem}{ending}"));
            let directory = on_demand_directory(&pidfile);
            let other = directories.insert(directory.clone(), pidfile.clone());
            assert!(other.is_none_or(|other| other == pidfile), "{directory:?} of {pidfile:?}");
        }
    }
}
