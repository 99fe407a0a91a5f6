//! A Bloom filter in blocks of one cache line (Putze, Sanders, Singler: "Cache-, Hash- and
//! Space-Efficient Bloom Filters", 2007): one memory access a question.

/// Bytes of a block: a cache line.
const BLOCK_BYTES: usize = 64;
/// Bits that a key sets in its block.
const PROBES: u32 = 8;
/// Bits of filter for each key. With 8 probes in blocks, about one question in 500 is answered
/// "maybe" in vain.
const BITS_PER_KEY: usize = 16;

/// Answers whether a fingerprint may be in a set: never wrongly no, seldom wrongly maybe.
#[derive(Debug, Clone)]
pub struct Filter(Vec<u8>);

impl Filter {
    /// An empty filter for so many keys.
    pub fn for_keys(keys: usize) -> Self {
        let blocks = (keys * BITS_PER_KEY).div_ceil(BLOCK_BYTES * 8).max(1);
        Self(vec![0; blocks * BLOCK_BYTES])
    }

    /// The filter with these bytes, if they are one.
    pub fn from_bytes(bytes: Vec<u8>) -> Option<Self> {
        (!bytes.is_empty() && bytes.len().is_multiple_of(BLOCK_BYTES)).then_some(Self(bytes))
    }

    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    pub fn insert(&mut self, fingerprint: u64) {
        let block = self.block(fingerprint);
        for bit in probes(fingerprint) {
            self.0[block + bit / 8] |= 1 << (bit % 8);
        }
    }

    pub fn may_contain(&self, fingerprint: u64) -> bool {
        let block = &self.0[self.block(fingerprint)..][..BLOCK_BYTES];
        probes(fingerprint).all(|bit| block[bit / 8] & 1 << (bit % 8) != 0)
    }

    /// Where the fingerprint's block begins: its high half, scaled to the number of blocks.
    fn block(&self, fingerprint: u64) -> usize {
        let blocks = (self.0.len() / BLOCK_BYTES) as u64;
        let block = ((fingerprint >> 32) * blocks) >> 32;
        usize::try_from(block).expect("a block lies within the filter") * BLOCK_BYTES
    }
}

/// Bits within a block: nine bits at a time of the low half, stirred.
fn probes(fingerprint: u64) -> impl Iterator<Item = usize> {
    let stirred = (fingerprint & 0xffff_ffff).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let again = stirred ^ stirred.rotate_right(23);
    (0..PROBES).map(move |probe| ((again >> (probe * 7)) & 511) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fingerprint(n: u64) -> u64 {
        u64::from_le_bytes(
            *usance_core::ledger::tree::leaf_hash(&n.to_le_bytes()).first_chunk().unwrap(),
        )
    }

    #[test]
    fn never_wrongly_no_and_seldom_wrongly_maybe() {
        let keys = 50_000;
        let mut filter = Filter::for_keys(keys);
        for n in 0..keys as u64 {
            filter.insert(fingerprint(n));
        }
        assert!((0..keys as u64).all(|n| filter.may_contain(fingerprint(n))));
        let wrong = (0..100_000).filter(|n| filter.may_contain(fingerprint(1 << 40 | n))).count();
        assert!(wrong < 500, "{wrong} of 100000 questions answered maybe in vain");
        let again = Filter::from_bytes(filter.bytes().to_vec()).unwrap();
        assert!(again.may_contain(fingerprint(7)));
        assert!(Filter::from_bytes(vec![0; 63]).is_none());
    }
}
