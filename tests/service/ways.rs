//! What stands between this machine and Azure, met by `check network` on loopback: certificates that
//! are not taken, a proxy that opens what it should pass on, login pages, silence, clocks, and name
//! servers.
#![allow(clippy::disallowed_methods, reason = "tests set their stage with plain files")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

use crate::network::{BLOBS, HOSTS, LOOK, bad, found, problem};
use crate::support;

use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use support::authority::{Authority, NOW};
use support::emulator::Emulator;
use support::played::{Call, Played, reply};
use support::program::{Machine, Said, said};

/// Where all three ways lead.
const PLACES: [&str; 3] = ["AZSEED_ARM_ENDPOINT", "AZSEED_AUTHORITY", "AZSEED_BLOB_ENDPOINT"];

/// What Azure says to who has not signed in, by a clock that is behind ours by so much.
fn azure(call: &Call, to: &mut dyn Write, behind: SignedDuration) -> io::Result<()> {
    let date = jiff::fmt::rfc2822::DateTimePrinter::new()
        .timestamp_to_rfc9110_string(&(Timestamp::now() - behind))
        .unwrap();
    let with = |more: &str| format!("date: {date}\r\n{more}\r\n");
    if call.path.ends_with("/openid-configuration") {
        return reply(to, 200, &with("content-type: application/json"), b"{}");
    }
    match call.path.as_str() {
        "/subscriptions" => reply(to, 401, &with("www-authenticate: Bearer"), b"{}"),
        _ => reply(to, 403, &with("x-ms-request-id: 1"), b"<Error/>"),
    }
}

fn now(call: &Call, to: &mut dyn Write) -> io::Result<()> {
    azure(call, to, SignedDuration::ZERO)
}

/// Looks at three ways to one place; nothing may take long.
fn look(machine: &Machine, url: &str, ca: Option<&Path>) -> Said {
    let mut command = machine.command(&LOOK);
    command.envs(PLACES.map(|name| (name, url)));
    command.envs(ca.map(|path| ("AZSEED_CA_FILE", path)));
    within(&mut command)
}

fn within(command: &mut Command) -> Said {
    let begun = Instant::now();
    let told = said(command.output().unwrap());
    assert!(begun.elapsed() < Duration::from_secs(20), "it hangs: {}", told.stdout);
    told
}

/// That of every way this and nothing else is said, with these words.
#[track_caller]
fn expect(told: &Said, id: &str, verdict: &str, words: &[&str]) {
    let expected = vec![(id.to_owned(), verdict.to_owned()); 3];
    assert_eq!(bad(told), expected, "{}{}", told.stdout, told.stderr);
    assert_eq!(told.code, i32::from(verdict == "problem"), "{}", told.stdout);
    for word in words {
        assert_eq!(told.stdout.matches(word).count(), 3, "{word}: {}", told.stdout);
    }
}

#[test]
fn what_is_wrong_with_a_certificate_is_told_and_its_host_is_asked_nothing() {
    let machine = Machine::new();
    let authority = Authority::new("Head Office");
    let sound = Played::shown(&authority, "localhost", NOW, now);
    let told = look(&machine, &sound.url(""), Some(&sound.ca_file()));
    assert_eq!((bad(&told), told.code), (Vec::new(), 0), "{}", told.stdout);
    assert_eq!(told.stdout.matches("signed by CN=Head Office").count(), 3, "{}", told.stdout);
    assert_eq!(sound.calls().len(), 3);
    let clock = "timedatectl set-ntp true";
    for (name, years, words) in [
        ("localhost", (2001, 2002), ["until Jan  1 00:00:00 2002", clock]),
        ("localhost", (2080, 2090), ["from Jan  1 00:00:00 2080", clock]),
        ("other.test", NOW, ["shows the certificate of other.test", "check DNS, hosts file"]),
    ] {
        let played = Played::shown(&authority, name, years, now);
        let told = look(&machine, &played.url(""), Some(&played.ca_file()));
        expect(&told, "net-tls", "problem", &words);
        assert_eq!(played.calls().len(), 0, "{name}");
    }
    let told = look(&machine, &sound.url(""), None);
    expect(&told, "net-tls", "problem", &["is signed by CN=Head Office", "--ca-file"]);
    assert_eq!(sound.calls().len(), 3, "no more than before");
}

/// A program that listens on loopback and says where; it ends with the test.
struct Other(Child);

impl Drop for Other {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_host_that_speaks_no_tls_of_today_is_not_spoken_to() {
    let machine = Machine::new();
    let authority = Authority::new("Head Office");
    let (certificate, key) = authority.signed("localhost", NOW);
    fs::write(machine.path("tls.pem"), certificate.pem()).unwrap();
    fs::write(machine.path("tls.key"), key.serialize_pem()).unwrap();
    fs::write(machine.path("ca.pem"), authority.pem()).unwrap();
    for (version, is_taken) in [("-tls1_1", false), ("-tls1_2", true)] {
        let mut command = machine.other(Path::new("/usr/bin/openssl"));
        command.args(["s_server", "-accept", "127.0.0.1:0", "-cert", "tls.pem", "-key", "tls.key"]);
        command.args([version, "-cipher", "ALL:@SECLEVEL=0", "-www"]);
        command.stdout(Stdio::piped()).stderr(Stdio::null());
        let mut server = Other(command.spawn().unwrap());
        let mut lines = BufReader::new(server.0.stdout.take().unwrap()).lines();
        let mut places = lines.by_ref().map(|line| line.unwrap());
        let place = places.find_map(|line| Some(line.strip_prefix("ACCEPT ")?.to_owned())).unwrap();
        // One that nobody hears any more would stop.
        std::thread::spawn(move || lines.for_each(drop));
        let port = place.rsplit(':').next().unwrap();
        let url = format!("https://localhost:{port}");
        let told = look(&machine, &url, Some(&machine.path("ca.pem")));
        match is_taken {
            true => assert!(!told.stdout.contains("no encrypted connection"), "{}", told.stdout),
            false => expect(&told, "net-tls", "problem", &["no encrypted connection to localhost"]),
        }
    }
}

#[test]
fn how_far_the_clock_is_off_is_judged_by_what_azure_says() {
    let machine = Machine::new();
    for (secs, verdict) in [(10, "good"), (120, "warning"), (600, "problem")] {
        for sign in [1, -1] {
            let behind = SignedDuration::from_secs(secs * sign);
            let played = Played::start(move |call, to| azure(call, to, behind));
            let told = look(&machine, &played.url(""), Some(&played.ca_file()));
            let word = if sign > 0 { "ahead of" } else { "behind" };
            match verdict {
                "good" => assert_eq!(bad(&told), [], "{}", told.stdout),
                _ => expect(&told, "net-clock", verdict, &[word, "timedatectl set-ntp true"]),
            }
            let clocks = found(&told).into_iter().filter(|own| own.0 == "net-clock");
            let facts: Vec<String> = clocks.map(|own| own.2).collect();
            assert!(facts.len() == 3 && facts.iter().all(|own| own.contains(word)), "{facts:?}");
        }
    }
}

#[test]
fn a_login_page_in_azures_place_is_known_as_one() {
    let machine = Machine::new();
    let page = b"<html>Welcome to the Grand Hotel</html>";
    for (status, headers) in
        [(200, "content-type: text/html; charset=utf-8\r\n"), (302, "location: https://hotel/\r\n")]
    {
        let played = Played::start(move |_, to| reply(to, status, headers, page));
        let told = look(&machine, &played.url(""), Some(&played.ca_file()));
        expect(&told, "net-http", "problem", &["a login page of the network answers"]);
        assert!(!told.stdout.contains("Grand Hotel"), "{}", told.stdout);
    }
    // What an allow list answers, and what is no service of Azure at all.
    let blocked = Played::start(|_, to| reply(to, 403, "server: Filter\r\n", b"blocked"));
    let told = look(&machine, &blocked.url(""), Some(&blocked.ca_file()));
    expect(&told, "net-http", "problem", &["answers 403, by Filter", "allow list"]);
    let other = Played::start(|_, to| reply(to, 404, "", b"none"));
    let told = look(&machine, &other.url(""), Some(&other.ca_file()));
    let blobs = format!("{} answers 404", &other.url("")["https://".len()..]);
    expect(&told, "net-http", "problem", &[&blobs, "not the service that should answer"]);
}

#[test]
fn a_host_that_says_nothing_is_left_after_a_while_wherever_it_falls_silent() {
    let machine = Machine::new();
    // It does not take the connection: the queue of those who wait is full, so packets are dropped.
    let full = TcpListener::bind("127.0.0.1:0").unwrap();
    rustix::net::listen(&full, 0).unwrap();
    let place = full.local_addr().unwrap();
    let waiting: Vec<_> = (0..4).map(|_| connecting(place)).collect();
    let told = look(&machine, &format!("https://{place}"), None);
    drop(waiting);
    expect(&told, "net-tcp", "problem", &["does not answer within 5 s", "a firewall or NSG drops"]);

    // It takes it and says nothing.
    let mute = TcpListener::bind("127.0.0.1:0").unwrap();
    let place = mute.local_addr().unwrap();
    let told = look(&machine, &format!("https://localhost:{}", place.port()), None);
    expect(&told, "net-tls", "problem", &["nothing was heard"]);

    // It proves who it is, and says nothing more.
    let played = Played::start(|_, _| {
        std::thread::sleep(Duration::from_secs(30));
        Ok(())
    });
    let told = look(&machine, &played.url(""), Some(&played.ca_file()));
    expect(&told, "net-http", "problem", &["does not answer: ", "nothing was heard"]);
}

/// A connection that is begun, and made when it is taken.
fn connecting(place: SocketAddr) -> std::os::fd::OwnedFd {
    use rustix::net::{AddressFamily, SocketFlags, SocketType, connect, socket_with};
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let own = socket_with(AddressFamily::INET, SocketType::STREAM, flags, None).unwrap();
    match connect(&own, &place) {
        Ok(()) | Err(rustix::io::Errno::INPROGRESS) => own,
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn a_proxy_that_opens_what_it_should_pass_on_is_told_by_its_authority() {
    let machine = Machine::new();
    let played = Played::between(Authority::new("Inspection of the Office"), now);
    let through = |ca: Option<&Path>| {
        let mut command = machine.command(&LOOK);
        command.env("AZSEED_PROXY", played.proxy());
        within(command.envs(ca.map(|path| ("AZSEED_CA_FILE", path))))
    };
    let told = through(None);
    let words = ["intercepted, or a private cloud", "CN=Inspection of the Office", "--ca-file"];
    expect(&told, "net-tls", "problem", &words);
    for host in HOSTS.into_iter().chain([BLOBS]) {
        assert!(told.stdout.contains(&format!("{host} is signed by")), "{host}: {}", told.stdout);
    }
    assert_eq!(played.calls().len(), 0, "nothing was said to who listens");
    // Whoever trusts it goes on through it, and is told who opens it.
    let told = through(Some(&played.ca_file()));
    assert_eq!((bad(&told), told.code), (Vec::new(), 0), "{}", told.stdout);
    let own = told.stdout.matches("signed by CN=Inspection of the Office").count();
    assert_eq!((own, played.calls().len()), (3, 3), "{}", told.stdout);
}

/// A name server at the address in its first argument. Of names in the others (`NAME=ADDRESS`) it
/// knows the address; of `NAME=trouble` it says that it cannot say, of `NAME=silence` nothing, and of
/// all others that there is none.
const NAME_SERVER: &str = r#"
import socket, sys
own = dict(word.split("=") for word in sys.argv[2:])
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind((sys.argv[1], 53))
print("ready", flush=True)
while True:
    asked, who = server.recvfrom(512)
    at, labels = 12, []
    while asked[at]:
        labels.append(asked[at + 1:at + 1 + asked[at]].decode())
        at += 1 + asked[at]
    says = own.get(".".join(labels), "none")
    if says == "silence":
        continue
    code = {"none": 3, "trouble": 2}.get(says, 0)
    told = b""
    if code == 0 and asked[at + 1:at + 3] == b"\0\1":
        told = b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4" + socket.inet_aton(says)
    head = asked[:2] + bytes([0x81, 0x80 | code, 0, 1, 0, 1 if told else 0, 0, 0, 0, 0])
    server.sendto(head + asked[12:at + 5] + told, who)
"#;
const NAME_SERVER_AT: &str = "127.0.0.53";

fn name_server(machine: &Machine, words: &[String]) -> Other {
    let mut command = machine.other(Path::new("/usr/bin/python3"));
    command.args(["-c", NAME_SERVER, NAME_SERVER_AT]).args(words).stdout(Stdio::piped());
    let mut server = Other(command.spawn().unwrap());
    let mut line = String::new();
    BufReader::new(server.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "ready\n");
    server
}

#[test]
fn what_a_name_server_says_of_azures_names_is_told_apart() {
    // The names are in no file of this machine.
    let machine = Machine::with_names(&[], &[]);
    fs::write(machine.path("resolv.conf"), format!("nameserver {NAME_SERVER_AT}\n")).unwrap();
    let mut mount = machine.other(Path::new("/usr/bin/mount"));
    let mounted = mount.args(["--bind", "resolv.conf", "/etc/resolv.conf"]).status().unwrap();
    assert!(mounted.success());
    let emulator = Emulator::start_named(&machine, "AzureCloud");
    let look = |of_blobs: &str| {
        let own = |name: &str, is: &str| format!("{name}={is}");
        let all = [
            own(HOSTS[0], support::names::ARM),
            own(HOSTS[1], support::names::ARM),
            own(BLOBS, of_blobs),
        ];
        let _server = name_server(&machine, &all);
        within(&mut emulator.command(&machine, &LOOK))
    };
    let told = look(support::names::BLOBS);
    assert_eq!((bad(&told), told.code), (Vec::new(), 0), "{}", told.stdout);
    let resolver = format!("names are asked of {NAME_SERVER_AT}");
    assert!(told.stdout.contains(&resolver), "{}", told.stdout);
    for (says, words) in [
        ("none", ["no name server knows account1.blob", "check the name; in a VNET"]),
        ("trouble", ["no name server answers for account1.blob", "port 53"]),
        ("silence", ["no name server answers for account1.blob", "port 53"]),
    ] {
        let told = look(says);
        assert_eq!(bad(&told), [problem("net-dns")], "{says}: {}", told.stdout);
        for word in words {
            assert!(told.stdout.contains(word), "{says}: {word}: {}", told.stdout);
        }
    }
    // Nobody is there.
    let told = within(&mut emulator.command(&machine, &LOOK));
    expect(&told, "net-dns", "problem", &["no name server answers for"]);
}

#[test]
fn a_stream_that_ends_or_talks_nonsense_is_told_as_such() {
    let machine = Machine::new();
    for (words, id) in [(&b""[..], "net-tls"), (b"220 mail.test ESMTP\r\n", "net-tls")] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let place = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                answer_once(&mut stream, words);
            }
        });
        let told = look(&machine, &format!("https://localhost:{}", place.port()), None);
        expect(&told, id, "problem", &["no encrypted connection to localhost"]);
    }
}

fn answer_once(stream: &mut TcpStream, words: &[u8]) {
    // Who does not read first would reset what was written.
    let _ = stream.read(&mut [0; 4096]);
    let _ = stream.write_all(words);
}
