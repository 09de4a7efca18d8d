//! What was declared, as every segment repeats it: packed, for it is many times the same words, and seldom wanted.

/// Level of zstd: the fastest of the usual ones.
const LEVEL: i32 = 1;

/// Payloads of declarations, in their order.
#[derive(Debug, Default)]
pub(super) struct Declared {
    parts: Vec<Part>,
}

#[derive(Debug)]
struct Part {
    packed: Box<[u8]>,
    /// Unpacked.
    bytes: usize,
}

impl Declared {
    /// Keeps one more payload.
    pub(super) fn keep(&mut self, payload: &[u8]) {
        let packed = zstd::bulk::compress(payload, LEVEL)
            .expect("zstd cannot fail into a buffer of its own bound at a valid level");
        self.parts.push(Part { packed: packed.into_boxed_slice(), bytes: payload.len() });
    }

    /// All payloads, each unpacked when it is its turn.
    pub(super) fn payloads(&self) -> impl Iterator<Item = Vec<u8>> {
        self.parts.iter().map(|part| {
            zstd::bulk::decompress(&part.packed, part.bytes).expect("it was packed here, from so many bytes")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_comes_back_in_its_order_and_takes_little_room() {
        let mut declared = Declared::default();
        let words: Vec<u8> =
            (0..96).flat_map(|n| format!("active_power outlet.{n} 1.3.6.1.4.1.{n}").into_bytes()).collect();
        for payload in [words.as_slice(), &[], &[7]] {
            declared.keep(payload);
        }
        let all: Vec<Vec<u8>> = declared.payloads().collect();
        assert_eq!(all, [words.as_slice(), &[], &[7]]);
        assert!(declared.parts[0].packed.len() * 3 < words.len(), "{}", declared.parts[0].packed.len());
    }
}
