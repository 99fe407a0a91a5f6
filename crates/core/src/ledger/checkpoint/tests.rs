use super::*;

/// The example of the C2SP `signed-note` specification is reproduced by its published key.
#[test]
fn the_key_of_the_go_checksum_database_reads_back() {
    let text = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8";
    assert_eq!(Verifier::parse(text).unwrap().to_string(), text);
    assert!(Verifier::parse(&text.replace("033de0ae", "033de0af")).is_err());
    assert!(Verifier::parse("x+y").is_err());
}

#[test]
fn a_note_opens_only_as_it_was_signed() {
    let signer = Signer::new("usance/w", &[7; 32]);
    let checkpoint = Checkpoint { origin: "usance/a/w".to_string(), size: 42, root: [9; 32] };
    let note = signer.verifier().note(&checkpoint, &signer.sign(&checkpoint));
    assert_eq!(Checkpoint::open(&note, signer.verifier()), Ok(checkpoint.clone()));
    let other = Signer::new("usance/w", &[8; 32]);
    assert_eq!(Checkpoint::open(&note, other.verifier()), Err(CheckpointError::NotSigned));
    let forged = note.replace("\n42\n", "\n43\n");
    assert_eq!(Checkpoint::open(&forged, signer.verifier()), Err(CheckpointError::Forged));
    for text in ["", "\n\n", "a\n1\nx\n\n— usance/w AAAA\n", "a\n+1\n", &note[..note.len() / 2]] {
        assert!(Checkpoint::open(text, signer.verifier()).is_err(), "{text}");
    }
}

/// Golden text: what was signed once must open for ever. Made with another implementation.
#[test]
fn a_note_and_its_key_look_as_they_are_specified() {
    let name = "usance/wri_03030303030303030303030303030303";
    let signer = Signer::new(name, &[7; 32]);
    let checkpoint = Checkpoint {
        origin: "usance/acc_01010101010101010101010101010101/wri_03030303030303030303030303030303"
            .to_string(),
        size: 42,
        root: [9; 32],
    };
    let note = "\
usance/acc_01010101010101010101010101010101/wri_03030303030303030303030303030303
42
CQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk=

— usance/wri_03030303030303030303030303030303 E7hDWIl/WIaaj4XasGzTNBfkFyWYpsw4BPVojoKxEvlMQO6Vkl\
Oa5RCg0Co98J9+D0sCmqivyk6O1peOMpqhLYuehgc=
";
    assert_eq!(signer.verifier().note(&checkpoint, &signer.sign(&checkpoint)), note);
    assert_eq!(Checkpoint::open(note, signer.verifier()), Ok(checkpoint.clone()));
    assert_eq!(Checkpoint::peek(note), Some(checkpoint));
    let key = "usance/wri_03030303030303030303030303030303+13b84358\
               +AepKbGPinFIKvvVQexMuxfmVR3auvr57kkIe6mkURtIs";
    assert_eq!(signer.verifier().to_string(), key);
    assert_eq!(Verifier::parse(key).as_ref(), Ok(signer.verifier()));
}

/// A note may carry the signatures of others: witnesses, or a key that comes later.
#[test]
fn signatures_by_others_are_passed_over() {
    let (signer, other) = (Signer::new("ours", &[7; 32]), Signer::new("theirs", &[8; 32]));
    let checkpoint = Checkpoint { origin: "o".to_string(), size: 1, root: [1; 32] };
    let own = signer.verifier().note(&checkpoint, &signer.sign(&checkpoint));
    let theirs = other.verifier().note(&checkpoint, &other.sign(&checkpoint));
    let (body, line) = theirs.split_once("\n\n").unwrap();
    let line_of_own = own.split_once("\n\n").unwrap().1;
    for both in [format!("{body}\n\n{line}{line_of_own}"), format!("{body}\n\n{line_of_own}{line}")]
    {
        for verifier in [signer.verifier(), other.verifier()] {
            assert_eq!(Checkpoint::open(&both, verifier), Ok(checkpoint.clone()), "{both}");
        }
    }
    assert_eq!(Checkpoint::open(&theirs, signer.verifier()), Err(CheckpointError::NotSigned));
    // The name of one with the signature of the other.
    let false_name = theirs.replace("— theirs", "— ours");
    assert_eq!(Checkpoint::open(&false_name, signer.verifier()), Err(CheckpointError::NotSigned));
}

#[test]
fn text_that_is_no_checkpoint() {
    let root = BASE64.encode([1; 32]);
    for (text, is_one) in [
        (format!("o\n1\n{root}\n\n"), true),
        (format!("o\n0\n{root}\n\n"), true),
        (format!("o\n18446744073709551615\n{root}\n\n"), true),
        (format!("o\n18446744073709551616\n{root}\n\n"), false),
        (format!("o\n01\n{root}\n\n"), false),
        (format!("o\n+1\n{root}\n\n"), false),
        (format!("o\n-1\n{root}\n\n"), false),
        (format!("\n1\n{root}\n\n"), false),
        (format!("o\n1\n{}\n\n", BASE64.encode([1; 31])), false),
        (format!("o\n1\n{}\n\n", root.trim_end_matches('=')), false),
        (format!("o\n1\n{root}\nextension\n\n"), false),
        (format!("o\r\n1\r\n{root}\r\n\n"), false),
        (format!("o\n1\n{root}\n"), false),
        ("o\n1\n\n".to_string(), false),
    ] {
        assert_eq!(Checkpoint::peek(&text).is_some(), is_one, "{text:?}");
    }
}

#[test]
fn keys_that_are_none() {
    let key = Signer::new("name", &[7; 32]).verifier().to_string();
    let (before, public) = key.rsplit_once('+').unwrap();
    let other_type = BASE64.encode([&[2][..], &[7; 32]].concat());
    let short = BASE64.encode([&[1][..], &[7; 31]].concat());
    for (text, is_one) in [
        (key.clone(), true),
        (format!(" {key}\n"), true),
        (key.replacen("name", "names", 1), false),
        (key.to_uppercase(), false),
        (format!("{before}+{other_type}"), false),
        (format!("{before}+{short}"), false),
        (format!("{before}+{public}AA"), false),
        (before.to_string(), false),
        (String::new(), false),
    ] {
        assert_eq!(Verifier::parse(&text).is_ok(), is_one, "{text:?}");
    }
    for name in ["", "a b", "a+b", "a\nb"] {
        assert_eq!(Verifier::new(name, &[7; 32]), Err(CheckpointError::MalformedKey), "{name:?}");
    }
}
