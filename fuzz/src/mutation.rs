//! Small changes that keep most of an input's form.

use crate::random::Random;

/// Longest input, in bytes: larger ones only take longer.
const BYTES_MAX: usize = 16 * 1024;

/// What forms are made of: numbers at their edges, and the syntax of everything that is read here.
const WORDS: &[&[u8]] = &[
    b"0",
    b"-0",
    b"-1",
    b"1e9",
    b"0.5",
    b"1.000000000",
    b"0.1234567891",
    b"00",
    b"\"\"",
    b"null",
    b"true",
    b"false",
    b"{}",
    b"[]",
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"\"",
    b"\\",
    b"\\u0000",
    b"\\ud800",
    b"\\ud83c\\udf4e",
    b"\n",
    b"\r\n",
    b"\n\n",
    b" ",
    b"\t",
    b"\0",
    b"\x7f",
    b"\x80",
    b"\xff",
    b"\xc3\xa9",
    b"\xed\xa0\x80",
    b"\xf4\x90\x80\x80",
    b"9223372036854775807",
    b"-9223372036854775808",
    b"9223372036854775808",
    b"18446744073709551616",
    b"99999999999999999",
    b"\"amount\":",
    b"\"license\":",
    b"\"meter\":",
    b"\"operation\":\"set\"",
    b"\"bound\":",
    b"\"idempotency_key\":",
    b"\"attributes\":",
    b"\"subject\":",
    b"\"meters\":",
    b"\"allowed\":",
    b"\"terms\":",
    b"\"activation\":",
    b"none",
    b"duration",
    b"1 month",
    b"\nmeter=",
    b"\naccess=",
    b"measure=duration\n",
    b"2026-02-29T23:59:60.999999999+23:59",
    b"0000-01-01T00:00:00Z",
    b"9999-12-31T23:59:59.999Z",
    b"%",
    b"%00",
    b"%ff",
    b"&",
    b"=",
    b"+",
    b"\xe2\x80\x94 ",
    b"\x80\x00",
    b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
    b"\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01",
];

/// An input made from one of the corpus, and sometimes from two.
pub fn mutated(corpus: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    let mut input = random.pick(corpus).clone();
    for _ in 0..=random.below(6) {
        mutate(&mut input, corpus, random);
    }
    input.truncate(BYTES_MAX);
    input
}

fn mutate(input: &mut Vec<u8>, corpus: &[Vec<u8>], random: &mut Random) {
    let at = random.below(input.len() + 1);
    let end = (at + random.below(16)).min(input.len());
    let word: &[u8] = WORDS[random.below(WORDS.len())];
    match random.below(9) {
        0 if at < input.len() => input[at] ^= 1 << random.below(8),
        1 if at < input.len() => input[at] = random.next().to_le_bytes()[0],
        2 => drop(input.drain(at..end)),
        3 => insert(input, at, word),
        4 => drop(input.splice(at..end, word.iter().copied())),
        5 => {
            let copy = input[at..end].to_vec();
            insert(input, at, &copy.repeat(1 + random.below(40)));
        }
        6 => input.truncate(at),
        7 => {
            let other = random.pick(corpus);
            let from = random.below(other.len() + 1);
            let until = (from + random.below(64)).min(other.len());
            insert(input, at, &other[from..until]);
        }
        _ => insert(input, at, &random.next().to_le_bytes()[..1 + random.below(8)]),
    }
}

fn insert(input: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    input.splice(at..at, bytes.iter().copied());
}
