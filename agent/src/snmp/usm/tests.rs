use proptest::prelude::*;

use super::*;
use crate::snmp::{Answer, ErrorStatus, Kind};

const ENGINE: [u8; 12] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2];
const AUTHS: [AuthProtocol; 6] = [
    AuthProtocol::Md5,
    AuthProtocol::Sha1,
    AuthProtocol::Sha224,
    AuthProtocol::Sha256,
    AuthProtocol::Sha384,
    AuthProtocol::Sha512,
];
const PRIVACIES: [PrivacyProtocol; 6] = [
    PrivacyProtocol::Des,
    PrivacyProtocol::Aes128,
    PrivacyProtocol::Aes192,
    PrivacyProtocol::Aes256,
    PrivacyProtocol::Aes192Reeder,
    PrivacyProtocol::Aes256Reeder,
];
/// A response to id 7: sysUpTime.0 = 300 ticks.
const PDU: [u8; 29] = [
    0xa2, 27, 2, 1, 7, 2, 1, 0, 2, 1, 0, 0x30, 16, 0x30, 14, 6, 8, 0x2b, 6, 1, 2, 1, 1, 3, 0, 0x43, 2, 1,
    0x2c,
];

fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap();
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

fn user(auth: AuthProtocol, privacy: Option<PrivacyProtocol>) -> User {
    let user = User::new("reader").unwrap().with_auth(auth, b"maplesyrup").unwrap();
    match privacy {
        Some(privacy) => user.with_privacy(privacy, b"syrupmaple").unwrap(),
        None => user,
    }
}

fn message(user: &User, keys: &Keys) -> Vec<u8> {
    let header = Header { id: 7, engine_id: &ENGINE, boots: 3, time: 400, reportable: true };
    sealed(&header, (user, keys), &PDU, &mut Salt::new()).unwrap()
}

/// RFC 3414, A.3.1 and A.3.2.
#[test]
fn keys_are_those_of_the_standards_examples() {
    let of = |auth: AuthProtocol| {
        let keys = user(auth, None).keys(&ENGINE);
        (hex(&auth.key_of(b"maplesyrup")), hex(keys.auth().unwrap().1))
    };
    let md5 = ("9faf3283884e92834ebc9847d8edd963".to_owned(), "526f5eed9fcce26f8964c2930787d82b".to_owned());
    assert_eq!(of(AuthProtocol::Md5), md5);
    let sha1 = (
        "9fb5cc0381497b3793528939ff788d5d79145211".to_owned(),
        "6695febc9288e36282235fc7151f128497b38f3f".to_owned(),
    );
    assert_eq!(of(AuthProtocol::Sha1), sha1);
}

/// draft-reeder-snmpv3-usm-3desede-00, B.1 and B.2: the examples there give both halves of a longer key.
#[test]
fn keys_lengthened_ciscos_way_are_those_of_the_drafts_examples() {
    let key = |auth| {
        let user = User::new("reader").unwrap().with_auth(auth, b"maplesyrup").unwrap();
        let keys = user.with_privacy(PrivacyProtocol::Aes256Reeder, b"maplesyrup").unwrap().keys(&ENGINE);
        hex(keys.privacy().unwrap().1)
    };
    assert_eq!(key(AuthProtocol::Md5), "526f5eed9fcce26f8964c2930787d82b79eff44a90650ee0a3a40abfac5acc12");
    assert_eq!(key(AuthProtocol::Sha1), "6695febc9288e36282235fc7151f128497b38f3f9b8b6d78936ba6e7d19dfd9c");
}

#[test]
fn what_is_sealed_is_opened_with_every_pair_of_algorithms() {
    for auth in AUTHS {
        for privacy in PRIVACIES.map(Some).into_iter().chain([None]) {
            let user = user(auth, privacy);
            let keys = user.keys(&ENGINE);
            let bytes = message(&user, &keys);
            let frame = Frame::parse(&bytes).unwrap();
            assert_eq!((frame.id, frame.engine_id, frame.boots, frame.time), (7, ENGINE.as_slice(), 3, 400));
            assert_eq!((frame.user, frame.level), (b"reader".as_slice(), user.level()));
            let opened = frame.open(&user, &keys).unwrap();
            assert_eq!((opened.pdu(), opened.context_engine_id()), (PDU.as_slice(), ENGINE.as_slice()));
            let is_readable = bytes.windows(PDU.len()).any(|window| window == PDU);
            assert_eq!(is_readable, privacy.is_none(), "{auth} {privacy:?}");
        }
    }
}

#[test]
fn another_passphrase_algorithm_or_user_opens_nothing() {
    let right = user(AuthProtocol::Sha256, Some(PrivacyProtocol::Aes128));
    let bytes = message(&right, &right.keys(&ENGINE));
    let frame = Frame::parse(&bytes).unwrap();
    let open = |user: &User| frame.open(user, &user.keys(&ENGINE)).map(|_| ());
    let base = || User::new("reader").unwrap();
    let wrong = base().with_auth(AuthProtocol::Sha256, b"maplesyruP").unwrap();
    assert_eq!(open(&wrong), Err(FrameError::Digest));
    assert_eq!(open(&user(AuthProtocol::Sha224, None)), Err(FrameError::Digest));
    assert_eq!(open(&user(AuthProtocol::Sha256, None)), Err(FrameError::Level));
    assert_eq!(open(&base()), Err(FrameError::Level));
    let other = User::new("writer").unwrap().with_auth(AuthProtocol::Sha256, b"maplesyrup").unwrap();
    assert_eq!(open(&other), Err(FrameError::User));
    let private =
        user(AuthProtocol::Sha256, None).with_privacy(PrivacyProtocol::Aes128, b"another one").unwrap();
    assert_eq!(open(&private), Err(FrameError::Decryption));
}

#[test]
fn no_two_messages_are_encrypted_alike() {
    let user = user(AuthProtocol::Sha1, Some(PrivacyProtocol::Des));
    let keys = user.keys(&ENGINE);
    let header = Header { id: 7, engine_id: &ENGINE, boots: 3, time: 400, reportable: true };
    let mut salt = Salt::new();
    let mut next = || sealed(&header, (&user, &keys), &PDU, &mut salt).unwrap();
    assert_ne!(next(), next());
}

#[test]
fn short_passphrases_and_long_names_are_refused() {
    let user = || User::new("reader").unwrap();
    assert_eq!(user().with_auth(AuthProtocol::Md5, b"sevenxx").unwrap_err(), UserError::Passphrase);
    assert_eq!(User::new("").unwrap_err(), UserError::Name);
    assert_eq!(User::new(&"x".repeat(33)).unwrap_err(), UserError::Name);
    assert_eq!(user().with_context(&"x".repeat(33)).unwrap_err(), UserError::Context);
}

#[test]
fn nothing_secret_is_shown() {
    let user = user(AuthProtocol::Sha512, Some(PrivacyProtocol::Aes256));
    let shown = format!("{user:?} {:?}", user.keys(&ENGINE));
    assert!(shown.contains("reader") && shown.contains("Sha512"), "{shown}");
    assert!(!shown.contains("syrup") && !shown.contains('['), "{shown}");
}

#[test]
fn algorithms_are_known_by_the_names_that_people_write() {
    let auth = |text: &str| text.parse::<AuthProtocol>().ok();
    assert_eq!(
        ["sha", "SHA-256", "sha_512"].map(auth),
        [AuthProtocol::Sha1, AuthProtocol::Sha256, AuthProtocol::Sha512].map(Some)
    );
    let privacy = |text: &str| text.parse::<PrivacyProtocol>().ok();
    assert_eq!(privacy("AES"), Some(PrivacyProtocol::Aes128));
    assert_eq!(privacy("AES-256C"), Some(PrivacyProtocol::Aes256Reeder));
    let error = "3des".parse::<PrivacyProtocol>().unwrap_err().to_string();
    assert!(error.contains("\"3des\"") && error.contains("aes128"), "{error}");
}

#[test]
fn the_discovery_asks_for_nothing_in_nobodys_name() {
    let bytes = discovery(7, &[0xa0, 11, 2, 1, 7, 2, 1, 0, 2, 1, 0, 0x30, 0]);
    let frame = Frame::parse(&bytes).unwrap();
    assert_eq!(
        (frame.level, frame.engine_id, frame.user, frame.reportable),
        (Level::NoAuth, [].as_slice(), [].as_slice(), true)
    );
    assert_eq!(frame.unsecured().unwrap().pdu()[0], 0xa0);
}

#[test]
fn a_pdu_is_read_with_its_kind() {
    let answer = Answer::of_pdu(&PDU).unwrap();
    assert_eq!(
        (answer.kind, answer.id, answer.status, answer.index),
        (Kind::Response, 7, ErrorStatus::Good, 0)
    );
    assert_eq!(answer.objects().len(), 1);
}

proptest! {
    #[test]
    fn whatever_comes_nothing_panics(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _frame = Frame::parse(&bytes).map(|frame| frame.unsecured().map(|opened| opened.pdu().len()));
    }

    #[test]
    fn one_altered_byte_is_always_noticed(place in 0usize..400, flip in 1u8..=255) {
        let (user, keys) = &*PRIVATE;
        let mut bytes = message(user, keys);
        let place = place % bytes.len();
        bytes[place] ^= flip;
        let opened = Frame::parse(&bytes).and_then(|frame| {
            // A flag that says "not secured" is refused by whoever asked for more.
            if frame.level < Level::Auth { return Err(FrameError::Level) }
            frame.open(user, keys).map(|opened| opened.pdu().to_vec())
        });
        prop_assert!(opened.is_err(), "byte {} altered by {:#x} was not noticed", place, flip);
    }
}

/// Made once: a passphrase takes a megabyte of hashing.
static PRIVATE: std::sync::LazyLock<(User, Keys)> = std::sync::LazyLock::new(|| {
    let user = user(AuthProtocol::Sha256, Some(PrivacyProtocol::Aes128));
    let keys = user.keys(&ENGINE);
    (user, keys)
});
