//! Variables with nonsense in them: for each command of the journey, each variable of its flags in
//! turn, and all others at once. A value is refused with the name of its flag or variable, or told
//! to be unused, or taken for what it is; nothing falls over, and nothing is destroyed.
#![allow(clippy::disallowed_methods, reason = "tests start programs and write no state files")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

use crate::support;
use crate::vm::World;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use disk_prep::noun::visible_line;
use support::emulator::Emulator;
use support::program::{Machine, Said, said};
use support::seed::{run, shipped};

use crate::bad_input::is_long;

const TARGET: &str = "--job seed-1 --storage-account account1 --container seed --resource-group rg \
                      --subscription 11111111-2222-4333-8444-555555555555";
/// Variables that are no flag's.
const MORE: [&str; 2] = ["AZSEED_KERNELS", "AZSEED_CONFIG"];

/// The commands of the journey, in a form that does no harm however often it is called.
fn commands() -> Vec<String> {
    let stage = format!("stage --source source --staging staging {TARGET}");
    [
        stage.as_str(),
        "stage status --staging staging",
        "plan --staging staging --drive-size 4T",
        "prep --staging staging --offline --drive s1.img,serial=S1",
        "verify --staging staging s1.img,serial=S1",
        "inspect --staging staging s1.img,serial=S1",
        "drive list",
        "job list --staging staging",
        "job show --staging staging",
        "job status --staging staging",
        "job keys --staging staging",
        "job cancel --staging staging",
        "job delete --staging staging",
        "job locations --staging staging",
        "job create --staging staging --location westus",
        "job ship --staging staging --carrier FedEx --tracking-number 1Z1",
        "job repair --staging staging --dry-run",
        "job reconcile --staging staging",
        "packing-slip --staging staging",
        "pack check S1 --staging staging",
        "custody verify --staging staging",
        "custody show --staging staging",
        "status",
        "limits show",
        "auth status",
        "subscriptions list",
        "provider list --subscription 11111111-2222-4333-8444-555555555555",
        "vault list",
        "vault show",
        "vault status",
        "vault run",
        "vault snapshots",
        "vault find file",
        "vault policy show",
        "vault source list",
        "vault key list",
        "vault restore --target restored",
        "cleanup",
        "config show",
        "explain drive-in-use",
    ]
    .map(str::to_owned)
    .to_vec()
}

/// Those that look at machines, and at whatever a check is about.
const LOOKS: [&str; 13] = [
    "check host",
    "check guest",
    "check filesystems",
    "check staging --staging staging",
    "check schedule",
    "check account account1 --for vault",
    "check vm web",
    "nsg suggest --vm web",
    "nsg rule --proxy-ip 10.0.0.5 --name allow-proxy --priority 200",
    "proxy plan --proxy 10.0.0.5:3128",
    "explain 380008",
    "vm preflight web",
    "vm point list web",
];

/// The variables of a command's own flags, with the names of the flags, and the flags that have no
/// variable.
fn flags(words: &str) -> (BTreeMap<String, String>, BTreeSet<String>) {
    let mut root = azseed::cli::command();
    root.build();
    let mut command = &root;
    for word in words.split_whitespace() {
        match command.find_subcommand(word) {
            Some(inner) => command = inner,
            None => break,
        }
    }
    let (mut own, mut deaf) = (BTreeMap::new(), BTreeSet::new());
    for arg in command.get_arguments() {
        let Some(long) = arg.get_long() else { continue };
        match arg.get_env() {
            Some(variable) => {
                own.insert(variable.to_str().unwrap().to_owned(), long.to_owned());
            }
            None if long != "help" && long != "version" => {
                deaf.insert(long.to_owned());
            }
            None => {}
        }
    }
    (own, deaf)
}

/// All variables of the program.
fn variables(command: &clap::Command, found: &mut BTreeSet<String>) {
    let own = command.get_arguments().filter_map(|arg| arg.get_env()?.to_str());
    found.extend(own.map(str::to_owned));
    command.get_subcommands().for_each(|inner| variables(inner, found));
}

fn nonsense() -> Vec<OsString> {
    vec![
        "".into(),
        "no sense/../\u{1b}[2J\n at all \u{202e}".into(),
        OsString::from_vec(b"-1\xff\xfe".to_vec()),
        "9".repeat(40).into(),
    ]
}

struct Bench {
    machine: Machine,
    emulator: Emulator,
    runs: AtomicUsize,
    turn: AtomicUsize,
    wrong: Mutex<Vec<String>>,
}

impl Bench {
    fn new(machine: Machine, emulator: Emulator) -> Self {
        let (runs, turn, wrong) = Default::default();
        Bench { machine, emulator, runs, turn, wrong }
    }

    fn call(&self, words: &str, own: &[(&str, &OsStr)]) -> Said {
        let words: Vec<&str> = words.split_whitespace().collect();
        let mut command = self.emulator.command(&self.machine, &words);
        command.envs(own.iter().copied());
        self.runs.fetch_add(1, Ordering::Relaxed);
        said(command.output().unwrap())
    }

    fn complain(&self, what: &str, said: &Said) {
        let text = format!("{what}: {}\n{}\n{}", said.code, said.stdout, said.stderr);
        self.wrong.lock().unwrap().push(text);
    }

    /// What nothing may change: sources, what is staged, the drive, what lies in Azure.
    fn kept(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let roots = ["source", "staging/repo", "staging/seed.json", "azure/blobs"];
        let files = roots.iter().flat_map(|root| walkdir::WalkDir::new(self.machine.path(root)));
        let files = files.map(|entry| entry.unwrap().into_path()).filter(|path| path.is_file());
        let read = |path: PathBuf| (path.clone(), fs::read(path).unwrap());
        // A vault's run looks at its lease.
        files.filter(|path| !path.ends_with("azseed/lock")).map(read).collect()
    }
}

#[test]
fn nonsense_in_a_variable_is_refused_by_name_or_not_used_and_destroys_nothing() {
    let machine = Machine::new();
    let emulator = Emulator::start(&machine);
    shipped(&machine, &emulator);
    emulator.dock(&machine, &["s1.img,serial=S1"]);
    run(&machine, &emulator, 0, &[]);
    let bench = Bench::new(machine, emulator);
    let (kept, image) = (bench.kept(), fs::read(bench.machine.path("s1.img")).unwrap());
    let mut all: BTreeSet<String> = MORE.map(str::to_owned).into();
    variables(&azseed::cli::command(), &mut all);
    let commands = commands();
    let whole: BTreeMap<&String, i32> =
        commands.iter().map(|words| (words, bench.call(words, &[]).code)).collect();
    // Those that use the same drive, and those of one vault, one after the other.
    let groups: [&[&str]; 4] = [
        &["stage", "plan", "prep", "verify", "inspect", "drive"],
        &["job", "config", "explain"],
        &["vault", "cleanup"],
        &[
            "packing-slip",
            "pack",
            "custody",
            "status",
            "limits",
            "auth",
            "subscriptions",
            "provider",
        ],
    ];
    std::thread::scope(|scope| {
        for group in groups {
            let (bench, commands, whole, all) = (&bench, &commands, &whole, &all);
            scope.spawn(move || {
                let is_own = |words: &&String| group.contains(&words.split(' ').next().unwrap());
                for words in commands.iter().filter(is_own) {
                    each(bench, words, whole[words], all);
                }
            });
        }
    });
    println!("looked at {} runs", bench.runs.load(Ordering::Relaxed));
    let wrong = bench.wrong.lock().unwrap();
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong.join("\n"));
    assert!(bench.kept() == kept, "something was destroyed");
    assert!(fs::read(bench.machine.path("s1.img")).unwrap() == image, "the drive was written");
    assert!(bench.runs.load(Ordering::Relaxed) > 400);
}

#[test]
fn nonsense_in_a_variable_of_a_look_is_refused_by_name_or_not_used_and_changes_nothing() {
    let world = World::with_vault(&["web"]);
    world.ok("vm protect web");
    fs::create_dir(world.machine.path("staging")).unwrap();
    let World { machine, emulator } = world;
    let book = emulator.data().join("meta/recovery.json");
    let kept = fs::read(&book).unwrap();
    let bench = Bench::new(machine, emulator);
    let mut all: BTreeSet<String> = MORE.map(str::to_owned).into();
    variables(&azseed::cli::command(), &mut all);
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while let Some(words) = LOOKS.get(next.fetch_add(1, Ordering::Relaxed)) {
                    each(&bench, words, bench.call(words, &[]).code, &all);
                }
            });
        }
    });
    println!("looked at {} runs", bench.runs.load(Ordering::Relaxed));
    let wrong = bench.wrong.lock().unwrap();
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong.join("\n"));
    assert!(fs::read(&book).unwrap() == kept, "something was changed");
    assert!(bench.runs.load(Ordering::Relaxed) > 150);
}

/// Each variable of a command with one kind of nonsense after the other from command to command; in
/// the long run with all of them.
fn each(bench: &Bench, words: &str, code: i32, all: &BTreeSet<String>) {
    let (own, deaf) = flags(words);
    let turn = bench.turn.fetch_add(1, Ordering::Relaxed);
    for (at, (variable, flag)) in own.iter().enumerate() {
        let kinds = nonsense();
        let one = (at + turn) % kinds.len();
        for (_, value) in
            kinds.into_iter().enumerate().filter(|(kind, _)| is_long() || *kind == one)
        {
            let said = bench.call(words, &[(variable, &value)]);
            let what = format!("{words} with {variable}={value:?}");
            let all = format!("{}{}", said.stdout, said.stderr);
            let fell = ![0, 1, 2, 3, 4, 5, 6, 10, 11, 12, 13, 14].contains(&said.code)
                || all.contains("internal-fault");
            let shown = visible_line(&value.to_string_lossy()).into_owned();
            let is_named = all.contains(variable.as_str())
                || all.contains(&format!("--{flag}"))
                || (!shown.is_empty() && all.contains(&shown))
                // What is no text is shown byte by byte.
                || all.contains(format!("{value:?}").trim_matches('"'));
            let is_refused = matches!(said.code, 1 | 2) && said.code != code;
            if fell || (is_refused && !is_named) {
                bench.complain(&what, &said);
            }
        }
    }
    // What has no variable, set all the same.
    let variable = |flag: &String| format!("AZSEED_{}", flag.to_uppercase().replace('-', "_"));
    let deaf: Vec<String> = deaf.iter().map(variable).collect();
    let set: Vec<_> = deaf.iter().map(|own| (own.as_str(), OsStr::new("no sense"))).collect();
    let said = bench.call(words, &set);
    let is_told = |own: &String| said.stderr.contains(&format!("{own} is not used"));
    if said.code != code || !deaf.iter().all(is_told) {
        bench.complain(&format!("{words} with {deaf:?}"), &said);
    }
    // All that belongs to other commands.
    let value = OsString::from("no sense");
    let others: Vec<(&str, &OsStr)> = all
        .iter()
        .filter(|name| !own.contains_key(*name) && !MORE.contains(&name.as_str()))
        .map(|name| (name.as_str(), value.as_os_str()))
        .collect();
    let said = bench.call(words, &others);
    // Flags of the command above it are read with it.
    if !(said.code == code || (said.code == 2 && said.stderr.contains(" for '--"))) {
        bench.complain(&format!("{words} with the variables of other commands"), &said);
    }
    for variable in MORE {
        let said = bench.call(words, &[(variable, &value)]);
        if !(said.code == code || (said.code == 2 && said.stderr.contains("no sense"))) {
            bench.complain(&format!("{words} with {variable}"), &said);
        }
    }
}

/// What stands for each other comes from the place that wins, and the other is told.
#[test]
fn a_staging_path_that_is_typed_goes_before_a_dataset_of_a_variable_and_the_other_way_round() {
    let machine = Machine::new();
    fs::create_dir(machine.path("source")).unwrap();
    fs::write(machine.path("source/file"), "content").unwrap();
    let staging = machine.adopt(&machine.path("source"), "seed-1");
    let csv = machine.text("rows.csv");
    fs::write(machine.path("one"), "other").unwrap();
    let row = format!("{},cont/one,BlockBlob", machine.text("one"));
    fs::write(&csv, format!("BasePath,DstItemPathOrPrefix,ItemType\n{row}\n")).unwrap();
    let plan = |words: &[&str], variables: &[(&str, &str)]| {
        let words = [&["plan", "--json", "--drive-size", "300M"], words].concat();
        let mut command = machine.command(&words);
        let said = said(command.envs(variables.iter().copied()).output().unwrap());
        (said.code, said.stdout, said.stderr)
    };
    let dataset = ("AZSEED_DATASET", csv.as_str());
    let (code, out, told) = plan(&["--staging", &staging], &[dataset]);
    assert!(code == 0 && out.contains("\"bytes\":7"), "{out}{told}");
    assert!(told.contains("AZSEED_DATASET is not used: --staging goes before it"), "{told}");
    let typed = ["--dataset", csv.as_str(), "--job", "rows"];
    let (code, out, told) = plan(&typed, &[("AZSEED_STAGING", &staging)]);
    assert!(code == 0 && out.contains("\"bytes\":5"), "{out}{told}");
    assert!(told.contains("AZSEED_STAGING is not used: --dataset goes before it"), "{told}");
    let (code, out, _) = plan(&[&typed[..], &["--staging", &staging]].concat(), &[]);
    assert!(code == 2 && out.contains("flags-exclusive"), "{out}");
}

#[test]
fn a_word_that_names_no_kernels_of_this_cpu_is_told_and_not_used() {
    let machine = Machine::new();
    for words in [
        "verify ./none.img",
        "prep --dataset none.csv --job seed-1 --offline --drive ./new.img,size=300M",
    ] {
        let told = |word: &str| {
            let mut command = machine.command(&words.split(' ').collect::<Vec<_>>());
            said(command.env("AZSEED_KERNELS", word).output().unwrap()).stderr
        };
        let nonsense = told("fast\u{1b}[2J");
        assert!(nonsense.contains("AZSEED_KERNELS=fast\\x1b[2J is not used"), "{nonsense}");
        assert!(!told("portable").contains("AZSEED_KERNELS"), "{words}");
    }
}

/// Whoever has set a variable once does not know its flag any more, and has not typed it.
#[test]
fn the_usage_line_of_a_refusal_names_no_flag_that_came_from_a_variable() {
    let machine = Machine::new();
    let variables = [
        ("AZSEED_STAGING", "staging"),
        ("AZSEED_DATASET", "rows.csv"),
        ("AZSEED_STORAGE_ACCOUNT", "account1"),
        ("AZSEED_CONTAINER", "cont"),
        ("AZSEED_SUBSCRIPTION", "11111111-2222-4333-8444-555555555555"),
        ("AZSEED_RESOURCE_GROUP", "rg"),
        ("AZSEED_VAULT", "office"),
        ("AZSEED_PROXY", "http://proxy:3128"),
        ("AZSEED_LOG_FILE", "log"),
        ("AZSEED_PATIENCE", "5m"),
    ];
    let said_by = |words: &str, is_set: bool| {
        let words: Vec<&str> = words.split(' ').collect();
        let mut command = machine.other(env!("CARGO_BIN_EXE_azseed").as_ref());
        command.args(&words).envs(variables.iter().filter(|_| is_set).copied());
        let said = said(command.output().unwrap());
        assert_eq!(said.code, 2, "{}", said.stderr);
        said
    };
    for (words, usage) in [
        ("prep", "azseed prep --drive <DEV>"),
        (
            "prep --staging s --container cont2",
            "azseed prep --staging <DIR> --container <NAME> --drive <DEV>",
        ),
        ("plan --drive a --drive-size 4T", ""),
        ("vm protect --all x", "azseed vm protect <VM|--all>"),
        ("disk-backup restore", "azseed disk-backup restore --at <TIME> --to <DISK> <NAME>"),
        ("vault restore", "azseed vault restore --target <DIR>"),
        ("vault run --now --nonsense", "azseed vault run --now"),
        ("vm restore disks", "azseed vm restore disks --at <POINT> --account <NAME> <VM>"),
        ("stage adopt", "azseed stage adopt --source PATH --staging DIR --job NAME [OPTIONS]"),
        ("job", "azseed job [OPTIONS] <COMMAND>"),
    ] {
        let told = said_by(words, true).stderr;
        let line = told.lines().find_map(|line| line.strip_prefix("Usage: ")).unwrap_or_default();
        assert!(usage.is_empty() || line == usage, "{words}: {line}, not {usage}");
        for (name, _) in variables {
            let flag = format!("--{} <", name[7..].to_lowercase().replace('_', "-"));
            assert!(!line.contains(&flag) || words.contains(flag.trim_end_matches(" <")), "{line}");
        }
    }
    // A script is told the same.
    let told = said_by("prep --json", true).stdout;
    assert!(told.contains("usage: azseed prep --json --drive <DEV>"), "{told}");
    // Without variables, what is missing is named.
    let told = said_by("prep", false).stderr;
    assert!(told.contains("Usage: azseed prep --staging <DIR> --drive <DEV>"), "{told}");
}

#[test]
fn a_variable_whose_value_is_refused_is_named() {
    let machine = Machine::new();
    let source = ["disk-backup", "protect", "os", "--source", "page-blob:account1/disks/os.vhd"];
    let disk = [&source[..], &["--to", "account1/backup"]].concat();
    // A file that is not there, of a secret that is longer than its path.
    let listing = ["subscriptions", "list"];
    let file = machine.command(&listing).env("AZSEED_TOKEN_FILE", "/nonsense").output().unwrap();
    let heard = said(file).stderr;
    assert!(heard.contains("/nonsense (the value of AZSEED_TOKEN_FILE)"), "{heard}");
    for (variable, value, words) in [
        ("AZSEED_PATIENCE", "zz", &["status"][..]),
        ("AZSEED_AUTH", "nobody", &["status"]),
        ("AZSEED_COMPRESSION", "x", &["stage", "--source", "s", "--staging", "t"]),
        ("AZSEED_FIRST", "x", &disk),
        ("AZSEED_DIFF", "x", &disk),
        ("AZSEED_TRANSFER", "x", &disk),
        ("AZSEED_ENGINE", "x", &disk),
        ("AZSEED_VHD", "x", &disk),
        ("AZSEED_SERVICE", "x", &disk),
        ("AZSEED_SUBSCRIPTION", "x", &disk),
        ("AZSEED_VERIFY", "x", &["disk-backup", "run", "os"]),
        ("AZSEED_SAMPLE", "x", &["disk-backup", "verify", "os"]),
    ] {
        let flag = format!("--{}", variable[7..].to_lowercase());
        let heard = said(machine.command(words).env(variable, value).output().unwrap());
        let told = format!("{variable} is set and stands for {flag}");
        assert!(heard.code == 2 && heard.stderr.contains(&told), "{}", heard.stderr);
        let typed = [words, &[&flag, value]].concat();
        let typed = said(machine.command(&typed).env(variable, value).output().unwrap());
        assert!(typed.code == 2 && !typed.stderr.contains("is set and"), "{}", typed.stderr);
    }
}
