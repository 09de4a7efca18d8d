use std::time::Duration;

use settings::Mistakes;

use super::*;

const HEAD: &str = "[agent]\nid = \"agent-1\"\nsite = \"rz-1\"\n";
const READING: &str = "[[device.reading]]\nquantity = \"active_power\"\nchannel = \"total\"\nregister = 0\n\
    function = 3\ntype = \"f32\"\nunit = \"W\"\n";

/// A folder with what the example of the repository names.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in
        [("ca.pem", "x"), ("agent-1.pem", "x"), ("agent-1.key", "x"), ("lab.community", "public\n")]
    {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn parse(folder: &tempfile::TempDir, text: &str) -> Result<Config, ConfigError> {
    Config::parse("agent.toml", text, &Folders::of(&folder.path().join("agent.toml"), None))
}

fn mistakes(text: &str) -> Vec<String> {
    match parse(&folder(), text) {
        Err(ConfigError::Mistakes(Mistakes(mistakes))) => mistakes.iter().map(ToString::to_string).collect(),
        other => panic!("{other:?}"),
    }
}

fn community_of(config: &SnmpConfig) -> &[u8] {
    let crate::snmp::Credentials::Community(_, community) = &config.credentials else {
        panic!("no community")
    };
    community.bytes()
}

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../config")
}

#[test]
fn the_example_of_the_repository_is_read_whole() {
    let text = std::fs::read_to_string(examples().join("agent.example.toml")).unwrap();
    let config = parse(&folder(), &text).unwrap();
    assert_eq!((config.agent.as_str(), config.site.as_str()), ("agent-1", "rz-1"));
    assert_eq!(config.spool.cap, 2 << 30);
    let ids: Vec<&str> = config.devices.iter().map(|device| device.id.as_str()).collect();
    assert_eq!(ids, ["pdu-17", "main-meter", "meter-1", "agent-1-host"]);
    let Speech::Snmp(pdu) = &config.devices[0].speech else { panic!("no SNMP") };
    assert_eq!(pdu.endpoint, "10.4.0.31:161");
    assert_eq!(community_of(pdu), b"public");
    let location = config.devices[0].location.as_ref().unwrap();
    assert_eq!((location.rack.as_ref().map(AsRef::as_ref), location.u), (Some("a07"), Some(40)));
    let Speech::Modbus(meter) = &config.devices[2].speech else { panic!("no Modbus") };
    assert_eq!(
        (meter.bus.to_string().as_str(), meter.unit, meter.readings.len()),
        ("modbus+tcp://10.4.0.18:1502", 1, 2)
    );
    assert_eq!(config.devices[2].every, Duration::from_secs(1));
}

#[test]
fn the_smallest_example_needs_no_collector() {
    let text = std::fs::read_to_string(examples().join("agent.host.example.toml")).unwrap();
    let config = parse(&folder(), &text).unwrap();
    assert!(config.collector.is_none() && matches!(config.devices[0].speech, Speech::Host));
}

#[test]
fn every_mistake_is_found_at_once_with_its_line() {
    let text = "[agent]\nid = \"Agent 1\"\ncolour = 1\n\n[collector]\nurl = \"http://c\"\nca = \"none.pem\"\n\
        cert = \"agent-1.pem\"\nkey = \"agent-1.key\"\n\n[spool]\ndir = \"s\"\ncap = \"1 MiB\"\n\n\
        [[device]]\nid = \"a\"\naddress = \"modbus+tcp://10.0.0.1\"\nevery = \"5ms\"\n\n\
        [[device]]\nid = \"a\"\naddress = \"snmp://public@10.0.0.2\"\nprofile = \"apc-rpdu2\"\ncredentials = \"x\"\n\n\
        [[device]]\nid = \"b\"\naddress = \"snmp://10.0.0.2\"\nprofile = \"no-such\"\ncredentials = \"x\"\n\n\
        [credentials.lab]\nversion = \"2c\"\ncommunity_file = \"missing\"\n\n[credentials.old]\nversion = \"2\"\n";
    let found = mistakes(text);
    let expected = [
        ("agent.toml:2: agent.id", "no agent id"),
        ("agent.toml:1: agent.site", "is missing"),
        ("agent.toml:3: agent.colour", "no known key"),
        ("agent.toml:6: collector.url", "expected https://"),
        ("agent.toml:7: collector.ca", "cannot read"),
        ("agent.toml:13: spool.cap", "at least 33554432"),
        ("agent.toml:17: device.1.address", "unit id"),
        ("agent.toml:18: device.1.every", "expected 100ms"),
        ("agent.toml:21: device.2.id", "has that id"),
        ("agent.toml:22: device.2.address", "community does not belong here"),
        ("agent.toml:29: device.3.profile", "no profile `no-such`"),
        ("agent.toml:30: device.3.credentials", "no `[credentials.x]`"),
        ("agent.toml:34: credentials.lab.community_file", "cannot read"),
        ("agent.toml:37: credentials.old.version", "expected \"1\", \"2c\" or \"3\""),
    ];
    for (place, what) in expected {
        assert!(
            found.iter().any(|line| line.starts_with(place) && line.contains(what)),
            "{place} {what}: {found:#?}"
        );
    }
}

#[test]
fn readings_and_their_units_are_checked_where_they_stand() {
    let wrong = READING.replace("\"W\"", "\"kWh\"");
    let text = format!("{HEAD}[[device]]\nid = \"m\"\naddress = \"modbus+tcp://a/1\"\n{wrong}");
    let found = mistakes(&text);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(
        found[0].starts_with("agent.toml:13: device.1.reading.1.unit: kWh does not fit active_power"),
        "{found:?}"
    );
}

#[test]
fn a_device_has_a_profile_or_readings_and_not_both() {
    let device = |rest: &str| format!("{HEAD}[[device]]\nid = \"m\"\naddress = \"modbus+tcp://a/1\"\n{rest}");
    assert!(mistakes(&device(""))[0].contains("either `profile` or `[[device.reading]]`"));
    assert!(mistakes(&device(&format!("profile = \"abb-b23\"\n{READING}")))[0].contains("either `profile`"));
    assert!(mistakes(&device("profile = \"apc-rpdu2\"\n"))[0].contains("is for SNMP"));
    assert!(parse(&folder(), &device(READING)).is_ok());
}

#[test]
fn a_key_of_modbus_is_unknown_to_snmp() {
    let text = format!(
        "{HEAD}[[device]]\nid = \"p\"\nprofile = \"apc-rpdu2\"\naddress = \"snmp://a\"\ncredentials = \"lab\"\ngap = 3\n\
         [credentials.lab]\nversion = \"2c\"\ncommunity_file = \"lab.community\"\n"
    );
    let found = mistakes(&text);
    assert!(found.len() == 1 && found[0].contains("device.1.gap: is no known key"), "{found:#?}");
}

#[test]
fn traps_are_heard_from_devices_that_are_asked_over_snmp_with_the_credentials_of_each() {
    let device = "[[device]]\nid = \"p\"\nprofile = \"apc-rpdu2\"\naddress = \"snmp://10.4.0.31\"\ncredentials = \"lab\"\n\
         [credentials.lab]\nversion = \"2c\"\ncommunity_file = \"lab.community\"\n";
    let config = parse(&folder(), &format!("{HEAD}{device}[traps]\nlisten = \"[::]:162\"\n")).unwrap();
    let traps = config.traps.unwrap();
    assert_eq!(traps.listen.to_string(), "[::]:162");
    assert_eq!(traps.engine_file, Path::new("/var/lib/wattwacht-agent/snmp-engine"));
    let senders = senders(&config.devices);
    assert_eq!((senders[0].device.as_str(), senders[0].host.as_str()), ("p", "10.4.0.31"));
    let crate::snmp::Credentials::Community(_, community) = &senders[0].credentials else {
        panic!("no community")
    };
    assert_eq!(community.bytes(), b"public");
    let wrong = mistakes(&format!("{HEAD}{device}[traps]\nlisten = \"162\"\n"));
    assert!(wrong[0].starts_with("agent.toml:13: traps.listen: found \"162\""), "{wrong:?}");
    let nobody = mistakes(&format!(
        "{HEAD}[[device]]\nid = \"h\"\naddress = \"host://\"\n[traps]\nlisten = \"[::]:162\"\n"
    ));
    assert!(nobody[0].contains("nobody would be heard"), "{nobody:?}");
}

#[test]
fn a_configuration_without_devices_reads_nothing_and_says_so() {
    assert!(mistakes(HEAD)[0].contains("`[[device]]` is missing"));
}

#[test]
fn a_profile_of_ones_own_is_used_and_its_mistakes_carry_its_own_file() {
    let folder = folder();
    let good = std::fs::read_to_string(examples().join("profiles/abb-b23.toml")).unwrap();
    std::fs::write(folder.path().join("mine.toml"), good.replace("\"abb-b23\"", "\"my-meter\"")).unwrap();
    let text = format!(
        "{HEAD}[[profile]]\nfile = \"mine.toml\"\n[[device]]\nid = \"m\"\naddress = \"modbus+tcp://a/1\"\nprofile = \"my-meter\"\n"
    );
    let config = parse(&folder, &text).unwrap();
    let Speech::Modbus(meter) = &config.devices[0].speech else { panic!("no Modbus") };
    assert_eq!(meter.profile.as_ref().map(|profile| profile.id.as_str()), Some("my-meter"));
    std::fs::write(folder.path().join("mine.toml"), "id = 7\n").unwrap();
    let Err(ConfigError::Mistakes(Mistakes(found))) = parse(&folder, &text) else { panic!("taken") };
    assert!(
        found.iter().any(|mistake| mistake.file.ends_with("mine.toml") && mistake.key == "id"),
        "{found:#?}"
    );
}

#[test]
fn devices_that_are_read_alike_share_one_list_of_readings() {
    let device = |id: &str, register: &str| {
        let reading = READING.replace("register = 0", register);
        format!("[[device]]\nid = \"{id}\"\naddress = \"modbus+tcp://a/1\"\n{reading}")
    };
    let text =
        [HEAD, &device("a", "register = 0"), &device("b", "register = 9"), &device("c", "register = 0")]
            .concat();
    let config = parse(&folder(), &text).unwrap();
    let lists: Vec<_> = config
        .devices
        .iter()
        .filter_map(
            |device| if let Speech::Modbus(modbus) = &device.speech { Some(&modbus.readings) } else { None },
        )
        .collect();
    assert!(Arc::ptr_eq(lists[0], lists[2]) && !Arc::ptr_eq(lists[0], lists[1]));
}

#[test]
fn a_credential_of_systemd_is_found_in_its_folder() {
    let (folder, credentials) = (folder(), tempfile::tempdir().unwrap());
    std::fs::write(credentials.path().join("pdu"), "s3cret\n").unwrap();
    let text = format!(
        "{HEAD}[[device]]\nid = \"p\"\nprofile = \"apc-rpdu2\"\naddress = \"snmp://a\"\ncredentials = \"lab\"\n\
         [credentials.lab]\nversion = \"2c\"\ncommunity_file = \"credential:pdu\"\n"
    );
    let folders = Folders::of(&folder.path().join("agent.toml"), Some(credentials.path()));
    let config = Config::parse("agent.toml", &text, &folders).unwrap();
    let Speech::Snmp(pdu) = &config.devices[0].speech else { panic!("no SNMP") };
    assert_eq!(community_of(pdu), b"s3cret");
    assert!(mistakes(&text)[0].contains("LoadCredential=pdu"));
    let outside = text.replace("credential:pdu", "credential:../pdu");
    assert!(mistakes(&outside)[0].contains("expected credential:NAME"));
}

/// The example's users, in a folder with passphrases.
fn with_users(user: &str) -> Result<Config, ConfigError> {
    let folder = folder();
    for (name, text) in [("long", "maplesyrup\n"), ("short", "seven77\n")] {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let text = format!(
        "{HEAD}[[device]]\nid = \"p\"\nprofile = \"apc-rpdu2\"\naddress = \"snmp://a\"\ncredentials = \"lab\"\n\
         [credentials.lab]\nversion = \"3\"\n{user}"
    );
    parse(&folder, &text)
}

#[test]
fn a_user_of_version_3_is_read_with_algorithms_and_passphrases_from_files() {
    let config = with_users(
        "user = \"reader\"\nauth = \"SHA-256\"\nauth_file = \"long\"\nprivacy = \"aes256c\"\nprivacy_file = \"long\"\ncontext = \"bay-1\"\n",
    )
    .unwrap();
    let Speech::Snmp(pdu) = &config.devices[0].speech else { panic!("no SNMP") };
    let crate::snmp::Credentials::User(user) = &pdu.credentials else { panic!("no user") };
    assert_eq!(
        (user.name(), user.context(), user.level()),
        (b"reader".as_slice(), b"bay-1".as_slice(), crate::snmp::usm::Level::AuthPriv)
    );
    assert!(!format!("{config:?}").contains("maplesyrup"));
    let plain = with_users("user = \"reader\"\n").unwrap();
    assert!(matches!(&plain.devices[0].speech, Speech::Snmp(_)));
}

#[test]
fn every_mistake_about_a_user_is_named_with_its_line() {
    let cases = [
        ("auth = \"sha256\"\n", "9: credentials.lab.user", "is missing"),
        (
            "user = \"r\"\nauth = \"sha3\"\nauth_file = \"long\"\n",
            "12: credentials.lab.auth",
            "expected one of md5",
        ),
        ("user = \"r\"\nauth = \"md5\"\n", "9: credentials.lab.auth_file", "needs a passphrase"),
        ("user = \"r\"\nauth_file = \"long\"\n", "9: credentials.lab.auth", "says with what"),
        (
            "user = \"r\"\nauth = \"md5\"\nauth_file = \"short\"\n",
            "13: credentials.lab.auth_file",
            "at least 8",
        ),
        (
            "user = \"r\"\nauth = \"md5\"\nauth_file = \"none\"\n",
            "13: credentials.lab.auth_file",
            "cannot read",
        ),
        (
            "user = \"r\"\nprivacy = \"des\"\nprivacy_file = \"long\"\n",
            "12: credentials.lab.privacy",
            "no privacy without",
        ),
        (
            "user = \"r\"\nauth = \"md5\"\nauth_file = \"long\"\nprivacy = \"3des\"\nprivacy_file = \"long\"\n",
            "14: credentials.lab.privacy",
            "aes256c",
        ),
        ("user = \"\"\n", "11: credentials.lab.user", "1 to 32"),
        ("user = \"r\"\ncommunity_file = \"long\"\n", "12: credentials.lab.community_file", "no known key"),
    ];
    for (user, place, what) in cases {
        let Err(ConfigError::Mistakes(Mistakes(found))) = with_users(user) else { panic!("taken: {user}") };
        let found: Vec<String> = found.iter().map(ToString::to_string).collect();
        let place = format!("agent.toml:{place}");
        assert!(
            found.iter().any(|line| line.starts_with(&place) && line.contains(what)),
            "{user} {place}: {found:#?}"
        );
        assert!(!found.concat().contains("maplesyrup") && !found.concat().contains("seven77"), "{found:#?}");
    }
}

#[test]
fn a_file_of_credentials_holds_a_user_or_just_a_community() {
    let folder = folder();
    std::fs::write(folder.path().join("long"), "maplesyrup\n").unwrap();
    let file = folder.path().join("who");
    let read = |text: &str| {
        std::fs::write(&file, text).unwrap();
        credentials_of_file(&file)
    };
    assert!(matches!(read("public\n"), Ok(crate::snmp::Credentials::Community(..))));
    let user = "version = \"3\"\nuser = \"reader\"\nauth = \"sha512\"\nauth_file = \"long\"\n";
    assert!(matches!(read(user), Ok(crate::snmp::Credentials::User(_))));
    let mistake = read(&user.replace("sha512", "sha5")).unwrap_err();
    assert!(mistake.contains("who:3: auth: found \"sha5\""), "{mistake}");
}

fn on_line(id: &str, unit: u8, query: &str) -> String {
    format!("[[device]]\nid = \"{id}\"\naddress = \"modbus+rtu:///dev/ttyUSB0/{unit}{query}\"\n{READING}")
}

#[test]
fn a_bus_says_how_its_devices_are_spoken_to() {
    let text = format!(
        "{HEAD}{}{}[[bus]]\naddress = \"modbus+rtu:///dev/ttyUSB0\"\npause = \"20ms\"\necho = true\n",
        on_line("a", 1, "?baud=9600"),
        on_line("b", 2, "?baud=9600"),
    );
    let config = parse(&folder(), &text).unwrap();
    let Speech::Modbus(modbus) = &config.devices[0].speech else { panic!("no Modbus") };
    let bus = config.bus(&modbus.bus);
    assert!(bus.manners.echo && bus.manners.pause == Duration::from_millis(20));
    // 3.5 characters of 11 bits at 9600 baud.
    assert_eq!(bus.manners.silence, Duration::from_micros(4011));
    assert_eq!(crate::poll::Plan::new(&config).gateways.len(), 1);
}

#[test]
fn what_a_bus_cannot_do_is_refused_where_it_stands() {
    let text = format!(
        "{HEAD}{}{}[[device]]\nid = \"c\"\naddress = \"modbus+tcp://gw/1\"\n{READING}\
         [[bus]]\naddress = \"modbus+rtu:///dev/ttyUSB0\"\nin_flight = 2\nignore_transaction_id = true\n\
         [[bus]]\naddress = \"modbus+tcp://gw:502\"\necho = true\nin_flight = 4\nignore_transaction_id = true\n\
         [[bus]]\naddress = \"modbus+tcp://gw\"\n[[bus]]\naddress = \"modbus+tcp://other\"\n",
        on_line("a", 1, "?baud=9600"),
        on_line("b", 2, ""),
    );
    let found = mistakes(&text);
    for (place, what) in [
        ("bus.1.in_flight", "only one request"),
        ("bus.1.ignore_transaction_id", "no transaction id"),
        ("bus.2.echo", "is for serial lines"),
        ("bus.2.in_flight", "must be 1"),
        ("bus.3.address", "has that address"),
        ("bus", "no device is on `modbus+tcp://other:502`"),
        ("device", "on one line with different settings"),
    ] {
        assert!(
            found.iter().any(|line| line.contains(place) && line.contains(what)),
            "{place} {what}: {found:#?}"
        );
    }
}

#[test]
fn what_a_bus_is_said_to_bear_holds_before_what_profiles_say() {
    let device = format!("[[device]]\nid = \"c\"\naddress = \"modbus+tcp://gw/1\"\nin_flight = 4\n{READING}");
    let in_flight = |bus: &str| {
        let config = parse(&folder(), &format!("{HEAD}{device}{bus}")).unwrap();
        crate::poll::Plan::new(&config).gateways[0].manners.in_flight
    };
    assert_eq!(in_flight(""), 4);
    assert_eq!(in_flight("[[bus]]\naddress = \"modbus+tcp://gw\"\nin_flight = 2\n"), 2);
    assert_eq!(in_flight("[[bus]]\naddress = \"modbus+tcp://gw\"\nignore_transaction_id = true\n"), 1);
}
