//! The primitives of the record encoding. Every value has exactly one encoding.

use alloc::vec::Vec;

use super::record::RecordError;

/// Writes an unsigned integer as LEB128.
pub fn put_unsigned(out: &mut Vec<u8>, mut value: u64) {
    loop {
        let [low, ..] = value.to_le_bytes();
        value >>= 7;
        if value == 0 {
            out.push(low & 0x7f);
            return;
        }
        out.push(low | 0x80);
    }
}

/// Writes a signed integer as zigzag LEB128: 0, -1, 1, -2, …
pub fn put_signed(out: &mut Vec<u8>, value: i64) {
    put_unsigned(out, (value.cast_unsigned() << 1) ^ (value >> 63).cast_unsigned());
}

/// Writes text behind its length in bytes.
pub fn put_text(out: &mut Vec<u8>, text: &str) {
    put_unsigned(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

/// Reads a record from its front to its end.
pub struct Reader<'a>(pub &'a [u8]);

impl<'a> Reader<'a> {
    pub fn byte(&mut self) -> Result<u8, RecordError> {
        let (first, rest) = self.0.split_first().ok_or(RecordError::Truncated)?;
        self.0 = rest;
        Ok(*first)
    }

    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], RecordError> {
        let (first, rest) = self.0.split_first_chunk().ok_or(RecordError::Truncated)?;
        self.0 = rest;
        Ok(*first)
    }

    /// An unsigned integer in its shortest form.
    pub fn unsigned(&mut self) -> Result<u64, RecordError> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                return Err(RecordError::NotCanonical);
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                let is_shortest = byte != 0 || shift == 0;
                return if is_shortest { Ok(value) } else { Err(RecordError::NotCanonical) };
            }
        }
        Err(RecordError::NotCanonical)
    }

    pub fn signed(&mut self) -> Result<i64, RecordError> {
        let value = self.unsigned()?;
        Ok((value >> 1).cast_signed() ^ -((value & 1).cast_signed()))
    }

    pub fn text(&mut self) -> Result<&'a str, RecordError> {
        let length = usize::try_from(self.unsigned()?).map_err(|_| RecordError::Truncated)?;
        let (text, rest) = self.0.split_at_checked(length).ok_or(RecordError::Truncated)?;
        self.0 = rest;
        core::str::from_utf8(text).map_err(|_| RecordError::NotText)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn integers_read_back(unsigned: u64, signed: i64) {
            let mut bytes = Vec::new();
            put_unsigned(&mut bytes, unsigned);
            put_signed(&mut bytes, signed);
            let mut reader = Reader(&bytes);
            proptest::prop_assert_eq!(reader.unsigned(), Ok(unsigned));
            proptest::prop_assert_eq!(reader.signed(), Ok(signed));
            proptest::prop_assert!(reader.0.is_empty());
        }
    }

    #[test]
    fn longer_forms_are_refused() {
        for bytes in [&[0x80, 0x00][..], &[0x81, 0x80, 0x00], &[0xff; 10], &[0x80; 11]] {
            assert_eq!(Reader(bytes).unsigned(), Err(RecordError::NotCanonical), "{bytes:?}");
        }
        assert_eq!(Reader(&[0x80]).unsigned(), Err(RecordError::Truncated));
    }
}
