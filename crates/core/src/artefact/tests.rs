use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec;
use alloc::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::limits::LICENSE_FILE_BYTES_MAX;

const NOW: Timestamp = Timestamp(1_790_000_000_000);
const HOUR_MS: i64 = crate::time::HOUR_MS;
const LICENSE_KEY: &str = "7K2QD-9X4M1-VB8ZT-0HJ5R-W3NEC";

fn signer() -> SigningKey {
    SigningKey::from_seed(1, Timestamp(0), &[7; 32])
}

fn keys() -> [PublicKey; 1] {
    [signer().public()]
}

fn encryption() -> Option<Encryption<'static>> {
    Some(Encryption { license_key: LICENSE_KEY, nonce: *b"not for real" })
}

fn code(text: &str) -> Code {
    Code::parse("code", text).unwrap()
}

/// As little as a file can say.
fn small() -> LicenseFile {
    LicenseFile {
        account: AccountId::from_bytes([1; 16]),
        license: LicenseId::from_bytes([2; 16]),
        product: ProductId::from_bytes([3; 16]),
        product_code: code("render"),
        policy: PolicyId::from_bytes([4; 16]),
        policy_code: code("pro"),
        customer: None,
        status: code("active"),
        valid_from: None,
        expires_at: None,
        activation: None,
        entitlements: vec![],
        terms: vec![],
        meters: vec![],
        metadata: vec![],
        issued_at: NOW,
        file_expires_at: None,
        key_number: 1,
    }
}

/// A file that has every field.
fn full() -> LicenseFile {
    let pair = |name: &str, value: &str| (name.to_string(), value.to_string());
    LicenseFile {
        customer: Some(CustomerId::from_bytes([5; 16])),
        valid_from: Some(Timestamp(NOW.0 - 24 * HOUR_MS)),
        expires_at: Some(Timestamp(NOW.0 + 365 * 24 * HOUR_MS)),
        activation: Some(FileActivation {
            id: "act_06060606060606060606060606060606".to_string(),
            fingerprint: "sha256:9f=86\\d0".to_string(),
        }),
        entitlements: vec![code("export-pdf"), code("4k")],
        terms: vec![pair("max_machines", "3"), pair("check_in_ms", "86400000")],
        meters: vec![
            FileMeter {
                name: code("frames"),
                unit: "frame".to_string(),
                scale: 0,
                allowed: Some(1000),
                total: 250,
                gross: 1250,
                held: 10,
                period_end: Some(Timestamp(NOW.0 + 30 * 24 * HOUR_MS)),
            },
            FileMeter {
                name: code("balance"),
                unit: "€".to_string(),
                scale: 2,
                allowed: None,
                total: -1,
                gross: 0,
                held: 0,
                period_end: None,
            },
        ],
        metadata: vec![
            pair("order", "A-1\r\nsecond line\ttab"),
            pair("", "\u{0}\u{1b}\u{7f}\u{85}\u{2028}"),
        ],
        file_expires_at: Some(Timestamp(NOW.0 + 14 * 24 * HOUR_MS)),
        ..small()
    }
}

fn plain(file: &LicenseFile) -> String {
    file.seal(&signer(), None).unwrap()
}

fn encrypted(file: &LicenseFile) -> String {
    file.seal(&signer(), encryption()).unwrap()
}

fn open(text: &str) -> Result<LicenseFile, ArtefactError> {
    LicenseFile::open_unjudged(text, &keys(), Some(LICENSE_KEY))
}

/// Armour around a note of any text, properly signed.
fn signed(text: &str) -> String {
    let signer = signer().signer(small().account);
    armour::close(&signer.verifier().note_of(text, &signer.sign_text(text))).unwrap()
}

/// What is signed of a file.
fn text_of(file: &LicenseFile) -> String {
    Header::of(file, None).text() + &document::body(file)
}

/// Golden text: what was issued once must open for ever.
#[test]
fn files_look_as_they_always_did() {
    for (golden, sealed) in [
        (include_str!("golden/plain.lic"), plain(&full())),
        (include_str!("golden/encrypted.lic"), encrypted(&full())),
    ] {
        assert_eq!(sealed, golden);
        assert_eq!(LicenseFile::open(golden, &keys(), Some(LICENSE_KEY), NOW), Ok(full()));
    }
    assert_eq!(
        armour::open(include_str!("golden/plain.lic")).unwrap(),
        include_str!("golden/plain.note")
    );
    let key = keys()[0].verifier_key(small().account).unwrap();
    assert_eq!(format!("{key}\n"), include_str!("golden/key.txt"));
}

#[test]
fn what_mail_and_editors_do_does_no_harm() {
    for text in [plain(&full()), encrypted(&full())] {
        for changed in [
            text.replace('\n', "\r\n"),
            text.replace('\n', "\r"),
            text.replace('\n', "  \t\n"),
            text.replace('\n', "\n\n "),
            format!("\u{feff}{text}"),
            format!("\n \r\n{text}\n\n"),
            text.trim_end().to_string(),
            text.replace('\n', ""),
        ] {
            assert_eq!(open(&changed), Ok(full()), "{changed}");
        }
    }
}

/// Every character, replaced by every other, left out, or cut behind.
#[test]
fn no_single_change_is_accepted() {
    let is_blank = |c: u8| b" \t\r\n".contains(&c);
    let file = small();
    for text in [plain(&file), encrypted(&file)] {
        let mut bytes = text.clone().into_bytes();
        for index in 0..bytes.len() {
            let before = bytes[index];
            for after in (0..128).filter(|after| *after != before) {
                bytes[index] = after;
                let opened = Header::verify(core::str::from_utf8(&bytes).unwrap(), &keys());
                let harmless = is_blank(before) && is_blank(after) && !in_a_mark(&text, index);
                assert_eq!(opened.is_ok(), harmless, "{index}: {before} to {after}");
            }
            bytes[index] = before;
            let without = format!("{}{}", &text[..index], &text[index + 1..]);
            let harmless = is_blank(before) && !in_a_mark(&text, index);
            assert_eq!(open(&without).is_ok(), harmless, "{index} left out");
            assert_eq!(open(&text[..index]).is_ok(), index + 1 == text.len(), "cut at {index}");
        }
    }
}

fn in_a_mark(text: &str, index: usize) -> bool {
    let (begin, end) = (text.find('\n').unwrap(), text.find("-----END").unwrap());
    index < begin || (end <= index && index + 1 < text.len())
}

#[test]
fn what_is_signed_but_not_in_its_one_form_is_refused() {
    let text = text_of(&full());
    assert_eq!(open(&signed(&text)), Ok(full()));
    for (from, to) in [
        ("key_number=1\n", "key_number=01\n"),
        ("key_number=1\n", "key_number=+1\n"),
        ("key_number=1\n", "key_number=1\nkey_number=1\n"),
        ("encryption=none\n", "encryption=None\n"),
        ("encryption=none\n", ""),
        ("encryption=none\n", "encryption=none\nnonce=000000000000000000000000\n"),
        ("encryption=none\n", "encryption=none\nfuture=1\n"),
        ("account=acc_", "account=ACC_"),
        ("status=active\n", "status=active\nstatus=active\n"),
        ("status=active\n", "status=Active\n"),
        ("status=active\n", ""),
        ("status=active\n", "status=active\r\n"),
        ("status=active\n", "status=active\ncolour=red\n"),
        ("total=250\ngross=1250\n", "gross=1250\ntotal=250\n"),
        ("total=250\n", "total=0250\n"),
        ("total=-1\n", "total=-01\n"),
        ("gross=0\n", "gross=-0\n"),
        ("gross=0\n", "gross=9223372036854775808\n"),
        ("scale=2\n", "scale=10\n"),
        ("scale=2\n", "scale=256\n"),
        ("unit=frame\n", "unit=fr\\x61me\n"),
        ("unit=frame\n", "unit=frame\\\n"),
        ("unit=frame\n", "unit=frame\\q\n"),
        ("unit=frame\n", "unit=frame\\x\n"),
        ("unit=frame\n", "unit=frame\\x0\n"),
        ("unit=frame\n", "unit=frame\\x0€\n"),
        ("unit=frame\n", "unit=frame\\x0a\n"),
        ("unit=frame\n", "unit=fr\tame\n"),
        ("meter=balance\n", "meter=frames\n"),
        ("entitlement=4k\n", "entitlement=export-pdf\n"),
        ("term=check_in_ms\n", "term=max_machines\n"),
        ("metadata=\n", "metadata=order\n"),
        ("value=3\n", ""),
        ("fingerprint=", "footprint="),
    ] {
        assert!(text.contains(from), "{from}");
        let found = open(&signed(&text.replacen(from, to, 1)));
        assert!(matches!(found, Err(ArtefactError::Malformed(_))), "{from} to {to}: {found:?}");
    }
    for changed in [format!("{text}a=b\n"), format!(" {text}"), String::new(), "\n".to_string()] {
        let found = open(&signed(&changed));
        assert!(matches!(found, Err(ArtefactError::Malformed(_))), "{changed}: {found:?}");
    }
    for version in ["2", "10", "x"] {
        let changed = text.replacen("file/1", &format!("file/{version}"), 1);
        assert_eq!(open(&signed(&changed)), Err(ArtefactError::UnknownVersion));
    }
}

#[test]
fn what_is_no_license_file() {
    let note = armour::open(&plain(&full())).unwrap();
    let (text, signature) = note.split_once("\n\n").unwrap();
    let notes = [
        String::new(),
        "\n\n".to_string(),
        text.to_string(),
        format!("{text}\n\n"),
        format!("{text}\n\n{}", signature.trim_end()),
        format!("{text}\n\n{signature}\n"),
        format!("{text}\n\n{signature}{signature}"),
        format!("{text}\n\n{}", signature.replace("/1 ", "/2 ")),
        format!("{text}\n\n{}", signature.replace("acc_01", "acc_02")),
        format!("{text}\n\n— usance/acc_01010101010101010101010101010101/1 AAAA\n"),
    ];
    let long = format!("{}{}", " ".repeat(LICENSE_FILE_BYTES_MAX), plain(&small()));
    let armoured = plain(&small());
    let texts = [
        String::new(),
        "-----BEGIN USANCE LICENSE FILE-----".to_string(),
        "-----BEGIN USANCE LICENSE FILE----------END USANCE LICENSE FILE-----".to_string(),
        armoured.replace("USANCE ", ""),
        armoured.replace("\n-----END", "=\n-----END"),
        format!("Dear customer,\n{armoured}"),
        format!("{armoured}Regards\n"),
        format!("{armoured}{armoured}"),
        long,
    ];
    for text in notes.iter().map(|note| armour::close(note).unwrap()).chain(texts) {
        let found = open(&text);
        assert!(matches!(found, Err(ArtefactError::Malformed(_))), "{found:?}: {text}");
        assert!(Header::peek(&text).is_err());
    }
}

#[test]
fn a_changed_note_is_forged() {
    for sealed in [plain(&full()), encrypted(&full())] {
        let note = armour::open(&sealed).unwrap();
        for (from, to) in [("issued_at=179", "issued_at=178"), ("lic_02", "lic_03")] {
            let changed = armour::close(&note.replace(from, to)).unwrap();
            assert_eq!(open(&changed), Err(ArtefactError::Forged));
            assert_eq!(Header::verify(&changed, &keys()), Err(ArtefactError::Forged));
            assert!(Header::peek(&changed).is_ok(), "a peek believes");
        }
    }
    let note = armour::open(&plain(&full())).unwrap();
    let changed = armour::close(&note.replace("total=250", "total=0")).unwrap();
    assert_eq!(open(&changed), Err(ArtefactError::Forged));
}

#[test]
fn keys_rotate_and_files_stay_good() {
    let second = SigningKey::from_seed(2, NOW, &[8; 32]);
    let impostor = SigningKey::from_seed(1, Timestamp(0), &[9; 32]);
    let with = |retired_at| PublicKey { retired_at, ..signer().public() };
    let at = |ms| Some(Timestamp(NOW.0 + ms));
    let first = plain(&full());
    let later = LicenseFile { key_number: 2, ..full() }.seal(&second, None).unwrap();
    let unknown = |number| Err(ArtefactError::UnknownKey(number));
    for (text, keys, expected) in [
        (&first, vec![with(None)], Ok(())),
        (&first, vec![second.public(), with(None)], Ok(())),
        (&first, vec![second.public(), with(at(1))], Ok(())),
        (&first, vec![with(at(0))], Err(ArtefactError::KeyRetired(1, NOW))),
        (&first, vec![with(at(-1))], Err(ArtefactError::KeyRetired(1, Timestamp(NOW.0 - 1)))),
        (&later, vec![with(at(0)), second.public()], Ok(())),
        (&later, vec![with(None)], unknown(2)),
        (&first, vec![second.public()], unknown(1)),
        (&first, vec![], unknown(1)),
        (&first, vec![impostor.public()], unknown(1)),
        (&first, vec![impostor.public(), with(None)], Ok(())),
        // The right key under another number.
        (&first, vec![PublicKey { number: 2, ..with(None) }], unknown(1)),
    ] {
        let found = LicenseFile::open(text, &keys, None, NOW);
        assert_eq!(found.map(|_| ()), expected, "{keys:?}");
        assert_eq!(Header::verify(text, &keys).map(|_| ()), expected);
    }
    let no_point = PublicKey { key: [2; 32], ..with(None) };
    let found = LicenseFile::open(&first, &[no_point], None, NOW);
    assert_eq!(found, Err(ArtefactError::MalformedKey(1)));
}

/// What another account signs with a key of the same number is unknown, not forged.
#[test]
fn another_accounts_file() {
    let theirs = LicenseFile { account: AccountId::from_bytes([9; 16]), ..full() };
    let key = SigningKey::from_seed(1, Timestamp(0), &[9; 32]);
    let text = theirs.seal(&key, None).unwrap();
    assert_eq!(open(&text), Err(ArtefactError::UnknownKey(1)));
    let both = [keys()[0], key.public()];
    assert_eq!(LicenseFile::open_unjudged(&text, &both, None), Ok(theirs));
}

#[test]
fn an_encrypted_file_is_for_the_holder_of_its_key() {
    let text = encrypted(&full());
    let at = |license_key| LicenseFile::open(&text, &keys(), license_key, NOW);
    assert_eq!(at(Some(LICENSE_KEY)), Ok(full()));
    assert_eq!(at(None), Err(ArtefactError::NeedsLicenseKey));
    for wrong in ["", "7K2QD-9X4M1-VB8ZT-0HJ5R-W3NED", " 7K2QD-9X4M1-VB8ZT-0HJ5R-W3NEC"] {
        assert_eq!(at(Some(wrong)), Err(ArtefactError::WrongLicenseKey));
    }
    let header = Header::verify(&text, &keys()).unwrap();
    assert!(header.is_encrypted());
    assert!(!Header::peek(&plain(&full())).unwrap().is_encrypted());
    assert_eq!((header.license, header.file_expires_at), (full().license, full().file_expires_at));
    // Whoever has no key but ours cannot see the rest, nor put another body under the header.
    let note = armour::open(&text).unwrap();
    assert!(!note.contains("render") && !note.contains("export-pdf"));
    let other = armour::open(&encrypted(&LicenseFile { customer: None, ..full() })).unwrap();
    let body =
        |note: &str| note.split_once("sealed=").unwrap().1.split('\n').next().unwrap().to_string();
    let mixed = armour::close(&note.replace(&body(&note), &body(&other))).unwrap();
    assert_eq!(open(&mixed), Err(ArtefactError::Forged));
}

/// The cipher text is bound to its header even for a signer that would sign anything.
#[test]
fn a_body_under_another_header_does_not_decrypt() {
    let note = armour::open(&encrypted(&full())).unwrap();
    let text = note.split_once("\n\n").unwrap().0;
    for (from, to, expected) in [
        ("lic_02", "lic_03", ArtefactError::WrongLicenseKey),
        ("issued_at=179", "issued_at=178", ArtefactError::WrongLicenseKey),
        ("nonce=6e", "nonce=6f", ArtefactError::WrongLicenseKey),
        (
            "nonce=6e",
            "nonce=6E",
            ArtefactError::Malformed("its header is not written in its one form"),
        ),
        (
            "nonce=6e",
            "nonce=+e",
            ArtefactError::Malformed("its header is not written in its one form"),
        ),
        ("nonce=6e", "nonce=e", ArtefactError::Malformed("nonce")),
        ("nonce=6e6f", "nonce=ä6f", ArtefactError::Malformed("nonce")),
        ("encryption=aes-256-gcm", "encryption=none", ArtefactError::Malformed("product")),
        ("sealed=", "sealed=\n", ArtefactError::Malformed("its encrypted body")),
        ("sealed=", "sealed=*", ArtefactError::Malformed("its encrypted body")),
    ] {
        let changed = format!("{}\n", text.replacen(from, to, 1));
        let found = open(&signed(&changed));
        assert_eq!(found, Err(expected), "{from} to {to}");
    }
    let empty = format!("{}sealed=\n", text.split_once("sealed=").unwrap().0);
    assert_eq!(open(&signed(&empty)), Err(ArtefactError::WrongLicenseKey));
}

#[test]
fn time_and_state_are_judged_apart() {
    use ArtefactError::{
        ClockSetBack, Expired, LicenseExpired, LicenseNotActive, LicenseNotYetValid,
    };
    let at = |ms: i64| Timestamp(NOW.0 + ms);
    let day = 24 * HOUR_MS;
    for (status, from, end, file_end, now, expected) in [
        ("active", None, None, None, 0, Ok(())),
        ("active", None, None, None, i64::MAX - NOW.0, Ok(())),
        ("active", None, None, None, -day, Ok(())),
        ("active", None, None, None, -day - 1, Err(ClockSetBack(NOW))),
        ("active", None, None, Some(10), -NOW.0, Err(ClockSetBack(NOW))),
        ("active", None, None, Some(10), 9, Ok(())),
        ("active", None, None, Some(10), 10, Err(Expired(at(10)))),
        ("active", None, Some(5), Some(10), 10, Err(Expired(at(10)))),
        ("active", None, Some(5), Some(10), 5, Err(LicenseExpired(at(5)))),
        ("active", None, Some(5), None, 4, Ok(())),
        ("active", Some(5), None, None, 4, Err(LicenseNotYetValid(at(5)))),
        ("not-yet-valid", Some(5), None, None, 4, Err(LicenseNotYetValid(at(5)))),
        ("not-yet-valid", Some(5), None, None, 5, Ok(())),
        ("expired", None, Some(-5), None, 0, Err(LicenseExpired(at(-5)))),
        ("suspended", None, None, None, 0, Err(LicenseNotActive)),
        ("revoked", None, Some(-5), None, 0, Err(LicenseNotActive)),
        ("something-new", None, None, None, 0, Err(LicenseNotActive)),
    ] {
        let file = LicenseFile {
            status: code(status),
            valid_from: from.map(at),
            expires_at: end.map(at),
            file_expires_at: file_end.map(at),
            ..small()
        };
        let text = encrypted(&file);
        let found = LicenseFile::open(&text, &keys(), Some(LICENSE_KEY), at(now));
        assert_eq!(found, expected.map(|()| file.clone()), "{file:?} at {now}");
        assert_eq!(open(&text), Ok(file.clone()), "shown all the same");
        let header = Header::verify(&text, &keys()).unwrap();
        assert_eq!(header.check_time(at(now)), file.check_time(at(now)));
    }
}

#[test]
fn what_could_not_be_opened_is_not_issued() {
    let long = |bytes| "x".repeat(bytes);
    let pairs = |count: usize, bytes| (0..count).map(|i| (i.to_string(), long(bytes))).collect();
    let meter = full().meters[0].clone();
    let codes = |count: usize| (0..count).map(|i| code(&i.to_string())).collect();
    let too_late = Timestamp(Timestamp::MAX.0 + 1);
    for (field, file) in [
        ("key_number", LicenseFile { key_number: 2, ..small() }),
        ("file_expires_at", LicenseFile { file_expires_at: Some(NOW), ..small() }),
        ("times", LicenseFile { expires_at: Some(too_late), ..small() }),
        ("entitlements", LicenseFile { entitlements: vec![code("a"), code("a")], ..small() }),
        ("meters", LicenseFile { meters: vec![meter.clone(), meter.clone()], ..small() }),
        (
            "scale",
            LicenseFile { meters: vec![FileMeter { scale: 10, ..meter.clone() }], ..small() },
        ),
        ("unit", LicenseFile { meters: vec![FileMeter { unit: long(201), ..meter }], ..small() }),
        ("entitlements", LicenseFile { entitlements: codes(257), ..small() }),
        ("terms", LicenseFile { terms: pairs(129, 1), ..small() }),
        ("metadata", LicenseFile { metadata: pairs(1, 4097), ..small() }),
        ("metadata", LicenseFile { metadata: vec![(long(201), long(1))], ..small() }),
        ("license_file", LicenseFile { metadata: pairs(12, 4096), ..small() }),
    ] {
        let found = file.seal(&signer(), None).unwrap_err();
        assert!(matches!(&found, Refusal::Invalid { field: f, .. } if f == field), "{found:?}");
    }
    let zero = SigningKey::from_seed(0, NOW, &[7; 32]);
    assert!(LicenseFile { key_number: 0, ..small() }.seal(&zero, None).is_err());
    for file in [
        LicenseFile { entitlements: codes(257), ..small() },
        LicenseFile { terms: pairs(129, 1), ..small() },
        LicenseFile { expires_at: Some(too_late), ..small() },
        LicenseFile { file_expires_at: Some(NOW), ..small() },
        LicenseFile { metadata: pairs(1, 4097), ..small() },
    ] {
        let found = open(&signed(&text_of(&file)));
        assert!(
            matches!(found, Err(ArtefactError::Malformed(_))),
            "signed all the same: {found:?}"
        );
    }
    let most = LicenseFile { entitlements: codes(256), terms: pairs(128, 1), ..small() };
    assert_eq!(open(&plain(&most)), Ok(most));
    // The longest that is written may still grow at its line ends.
    let longest = LicenseFile { metadata: pairs(10, 4096), ..small() };
    let text = plain(&longest);
    assert!(text.len() > 55 * 1024);
    assert_eq!(open(&text.replace('\n', "\r\n")), Ok(longest));
}

#[test]
fn secrets_are_not_shown() {
    let shown = format!("{:?} {:?}", signer(), encryption().unwrap());
    assert!(!shown.contains(LICENSE_KEY) && !shown.contains("07") && !shown.contains("7, 7"));
}

fn any_text() -> impl Strategy<Value = String> {
    prop::collection::vec(prop_oneof![any::<char>(), prop::char::range('\0', '\u{7f}')], 0..12)
        .prop_map(|chars| chars.into_iter().collect())
}

fn any_pairs() -> impl Strategy<Value = Vec<(String, String)>> {
    prop::collection::btree_map(any_text(), any_text(), 0..4)
        .prop_map(|pairs| pairs.into_iter().rev().collect())
}

fn any_time() -> impl Strategy<Value = Option<Timestamp>> {
    prop::option::of((i64::MIN..=Timestamp::MAX.0).prop_map(Timestamp))
}

fn any_meter() -> impl Strategy<Value = FileMeter> {
    let figures = (any::<Option<i64>>(), any::<i64>(), any::<i64>(), any::<i64>());
    (any_text(), 0..=9u8, figures, any_time()).prop_map(
        |(unit, scale, (allowed, total, gross, held), period_end)| {
            let name = code("m");
            FileMeter { name, unit, scale, allowed, total, gross, held, period_end }
        },
    )
}

fn any_file() -> impl Strategy<Value = LicenseFile> {
    let codes = prop::collection::btree_set("[a-z0-9][a-z0-9._-]{0,9}", 0..5);
    let lists = (codes, any_pairs(), any_pairs(), prop::collection::vec(any_meter(), 0..4));
    let times = (any_time(), any_time(), any_time(), any::<i32>());
    let activation = prop::option::of((any_text(), any_text()));
    let ids = any::<([u8; 16], [u8; 16], Option<[u8; 16]>)>();
    (ids, lists, times, activation).prop_map(|(ids, lists, times, activation)| {
        let (codes, terms, metadata, mut meters) = lists;
        for (index, meter) in meters.iter_mut().enumerate() {
            meter.name = code(&format!("m{index}"));
        }
        LicenseFile {
            account: AccountId::from_bytes(ids.0),
            license: LicenseId::from_bytes(ids.1),
            customer: ids.2.map(CustomerId::from_bytes),
            valid_from: times.0,
            expires_at: times.1,
            file_expires_at: times.2.filter(|at| at.0 > i64::from(times.3)),
            issued_at: Timestamp(i64::from(times.3)),
            activation: activation.map(|(id, fingerprint)| FileActivation { id, fingerprint }),
            entitlements: codes.iter().map(|text| code(text)).collect(),
            terms,
            meters,
            metadata,
            ..small()
        }
    })
}

proptest! {
    #[test]
    fn what_is_sealed_opens(file in any_file(), nonce in any::<[u8; 12]>(), key in any_text()) {
        prop_assert_eq!(LicenseFile::open_unjudged(&plain(&file), &keys(), None), Ok(file.clone()));
        let sealed = file.seal(&signer(), Some(Encryption { license_key: &key, nonce })).unwrap();
        let opened = LicenseFile::open_unjudged(&sealed, &keys(), Some(&key));
        prop_assert_eq!(opened, Ok(file.clone()));
        let wrong = format!("{key}x");
        let opened = LicenseFile::open_unjudged(&sealed, &keys(), Some(&wrong));
        prop_assert_eq!(opened, Err(ArtefactError::WrongLicenseKey));
        prop_assert!(Header::verify(&sealed, &keys()).is_ok());
    }

    #[test]
    fn hostile_text_never_panics(text in any_text(), at in any::<prop::sample::Index>()) {
        prop_assert!(open(&text).is_err());
        prop_assert!(open(&armour::close(&text).unwrap()).is_err());
        // Signed by a signer that signs anything: the reader of bodies gets it too.
        let mut signed_text = text_of(&full());
        let mut index = at.index(signed_text.len());
        while !signed_text.is_char_boundary(index) {
            index -= 1;
        }
        signed_text.insert_str(index, &text);
        if let Ok(file) = open(&signed(&signed_text)) {
            prop_assert_eq!(text_of(&file), signed_text);
        }
    }
}
