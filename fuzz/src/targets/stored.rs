//! Text as it lies in the database: what reads back is written as the same again.

use usance_core::access::{AccessList, Intent, Who};
use usance_core::metadata::Metadata;
use usance_core::meter::MeterSpec;
use usance_core::terms::{self, Terms, TermsPatch};

/// Terms, meters, metadata and access rules, each with its own reader.
pub fn stored(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    check_terms(text);
    check_meter(text);
    check_metadata(text);
    check_access(text);
}

fn check_terms(text: &str) {
    let Ok(patch) = TermsPatch::from_lines(text) else {
        return;
    };
    let written = terms::lines(&patch.stated());
    assert_eq!(TermsPatch::from_lines(&written).as_ref(), Ok(&patch), "{written}");
    // A policy's row leaves out what is as by default.
    let whole = Terms::default().with(&patch);
    let row = terms::lines(&whole.stated());
    let read = TermsPatch::from_lines(&row).expect("what was written reads back");
    assert_eq!(Terms::default().with(&read), whole, "{row}");
    // Terms that contradict each other are refused by name, and never a panic.
    drop(whole.check());
}

fn check_meter(text: &str) {
    let Ok(spec) = MeterSpec::from_lines(text) else {
        return;
    };
    let written = terms::lines(&spec.stated());
    assert_eq!(MeterSpec::from_lines(&written).as_ref(), Ok(&spec), "{written}");
    if spec.check().is_ok() {
        assert_eq!(spec.beginning().total, spec.floor.max(0));
    }
}

fn check_metadata(text: &str) {
    let Some(metadata) = Metadata::from_text(text) else {
        return;
    };
    let written = metadata.to_text();
    assert_eq!(Metadata::from_text(&written).as_ref(), Some(&metadata), "{written}");
    assert_eq!(metadata.seen_by(None).count(), metadata.entries().len());
}

fn check_access(text: &str) {
    let Ok(list) = AccessList::parse(text) else {
        return;
    };
    let written = list.to_string();
    assert_eq!(AccessList::parse(&written).as_ref(), Ok(&list), "{written}");
    let who = Who { user: Some("Ada"), host: Some("n7.lab"), address: Some("10.0.0.7") };
    for who in [Who::default(), who] {
        std::hint::black_box(list.judge(Intent::Use, "frames", &who, Some(20), &|_| 3));
        let is_denied = list.denial(Intent::Use, "frames", &who).is_some();
        assert!(!list.is_empty() || !is_denied, "no rules turn nobody away");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::inputs;

    #[test]
    fn every_text_of_the_corpus_is_read() {
        let texts: Vec<_> =
            inputs("stored").into_iter().map(|input| String::from_utf8(input).unwrap()).collect();
        let [access, metadata, meter, terms] = &texts[..] else {
            panic!("the corpus has a text for each reader");
        };
        assert!(AccessList::parse(access).is_ok_and(|list| !list.is_empty()));
        assert!(Metadata::from_text(metadata).is_some_and(|notes| !notes.is_empty()));
        assert!(MeterSpec::from_lines(meter).is_ok_and(|spec| spec.check().is_ok()));
        assert!(TermsPatch::from_lines(terms).is_ok_and(|patch| !patch.is_empty()));
    }
}
