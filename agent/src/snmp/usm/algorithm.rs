//! Digests and ciphers, by the names that people write.

use std::fmt;
use std::str::FromStr;

use aes::{Aes128, Aes192, Aes256};
use cbc::cipher::block_padding::NoPadding;
use cbc::cipher::{AsyncStreamCipher, BlockDecryptMut, BlockEncryptMut, KeyIvInit};
use des::Des;
use hmac::{Hmac, Mac};
use md5::{Digest, Md5};
use sha1::Sha1;
use sha2_10::{Sha224, Sha256, Sha384, Sha512};
use zeroize::Zeroizing;

/// Bytes of which a passphrase makes a key (RFC 3414, A.2).
const PASSPHRASE_STREAM_BYTES: usize = 1 << 20;
/// Block of DES in bytes.
const DES_BLOCK: usize = 8;

/// How messages are authenticated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are those of the algorithms")]
pub enum AuthProtocol {
    Md5,
    Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
}

/// How messages are encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PrivacyProtocol {
    /// DES in CBC mode (RFC 3414, 8).
    Des,
    /// AES-128 in CFB mode (RFC 3826).
    Aes128,
    /// AES-192, short keys lengthened as draft-blumenthal-aes-usm-04 says.
    Aes192,
    /// AES-256, short keys lengthened as draft-blumenthal-aes-usm-04 says.
    Aes256,
    /// AES-192, short keys lengthened as draft-reeder-snmpv3-usm-3desede-00 says.
    Aes192Reeder,
    /// AES-256, short keys lengthened as draft-reeder-snmpv3-usm-3desede-00 says.
    Aes256Reeder,
}

/// A name that is no algorithm.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("found \"{found}\", expected one of {expected}")]
pub struct UnknownAlgorithm {
    found: String,
    expected: &'static str,
}

macro_rules! with_digest {
    ($protocol:expr, $digest:ident => $body:expr) => {
        match $protocol {
            AuthProtocol::Md5 => {
                type $digest = Md5;
                $body
            }
            AuthProtocol::Sha1 => {
                type $digest = Sha1;
                $body
            }
            AuthProtocol::Sha224 => {
                type $digest = Sha224;
                $body
            }
            AuthProtocol::Sha256 => {
                type $digest = Sha256;
                $body
            }
            AuthProtocol::Sha384 => {
                type $digest = Sha384;
                $body
            }
            AuthProtocol::Sha512 => {
                type $digest = Sha512;
                $body
            }
        }
    };
}

impl AuthProtocol {
    const NAMES: &'static [(&'static str, Self)] = &[
        ("md5", Self::Md5),
        ("sha1", Self::Sha1),
        ("sha224", Self::Sha224),
        ("sha256", Self::Sha256),
        ("sha384", Self::Sha384),
        ("sha512", Self::Sha512),
    ];

    /// Bytes of a digest that a message carries (RFC 3414, 6.3.1 and 7.3.1; RFC 7860, 4.2.1).
    pub const fn mac_bytes(self) -> usize {
        match self {
            Self::Md5 | Self::Sha1 => 12,
            Self::Sha224 => 16,
            Self::Sha256 => 24,
            Self::Sha384 => 32,
            Self::Sha512 => 48,
        }
    }

    /// The digest of `parts` one after the other.
    pub(super) fn digest(self, parts: &[&[u8]]) -> Zeroizing<Vec<u8>> {
        with_digest!(self, D => {
            let mut digest = D::new();
            for part in parts {
                digest.update(part);
            }
            Zeroizing::new(digest.finalize().to_vec())
        })
    }

    /// The key that a passphrase makes (RFC 3414, A.2.1 and A.2.2), the same for every engine. Empty for an empty one.
    pub(super) fn key_of(self, passphrase: &[u8]) -> Zeroizing<Vec<u8>> {
        if passphrase.is_empty() {
            return Zeroizing::default();
        }
        // Whole repetitions in one piece, so that the next piece begins where the passphrase does.
        let piece = Zeroizing::new(passphrase.repeat(4096_usize.div_ceil(passphrase.len())));
        with_digest!(self, D => {
            let mut digest = D::new();
            let mut left = PASSPHRASE_STREAM_BYTES;
            while left > 0 {
                let now = left.min(piece.len());
                digest.update(piece.get(..now).unwrap_or_default());
                left -= now;
            }
            Zeroizing::new(digest.finalize().to_vec())
        })
    }

    /// The digest of `parts` under `key`, as long as a message carries it.
    pub(super) fn sign(self, key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
        with_digest!(self, D => {
            let mut mac = <Hmac<D> as Mac>::new_from_slice(key).expect("HMAC takes keys of any length");
            for part in parts {
                mac.update(part);
            }
            let mut whole = mac.finalize().into_bytes().to_vec();
            whole.truncate(self.mac_bytes());
            whole
        })
    }

    /// Is `mac` the digest of `parts` under `key`? Takes as long for a wrong one as for the right one.
    pub(super) fn verify(self, key: &[u8], parts: &[&[u8]], mac: &[u8]) -> bool {
        if mac.len() != self.mac_bytes() {
            return false;
        }
        with_digest!(self, D => {
            let mut own = <Hmac<D> as Mac>::new_from_slice(key).expect("HMAC takes keys of any length");
            for part in parts {
                own.update(part);
            }
            own.verify_truncated_left(mac).is_ok()
        })
    }
}

impl PrivacyProtocol {
    const NAMES: &'static [(&'static str, Self)] = &[
        ("des", Self::Des),
        ("aes128", Self::Aes128),
        ("aes192", Self::Aes192),
        ("aes256", Self::Aes256),
        ("aes192c", Self::Aes192Reeder),
        ("aes256c", Self::Aes256Reeder),
    ];

    /// Bytes of key that it needs; DES takes half of them for its initial vector.
    pub(super) const fn key_bytes(self) -> usize {
        match self {
            Self::Des | Self::Aes128 => 16,
            Self::Aes192 | Self::Aes192Reeder => 24,
            Self::Aes256 | Self::Aes256Reeder => 32,
        }
    }

    /// Are short keys lengthened as Cisco does?
    pub(super) const fn is_reeder(self) -> bool {
        matches!(self, Self::Aes192Reeder | Self::Aes256Reeder)
    }

    /// Encrypts with a key of [`key_bytes`](Self::key_bytes).
    pub(super) fn encrypt(
        self,
        key: &[u8],
        (boots, time): (u32, u32),
        salt: [u8; 8],
        data: &[u8],
    ) -> Option<Vec<u8>> {
        let mut data = data.to_vec();
        let iv = aes_iv(boots, time, salt);
        match self {
            Self::Des => {
                let (key, iv) = des_key(key, salt)?;
                // "The actual pad value is irrelevant" (RFC 3414, 8.1.1.2).
                data.resize(data.len().next_multiple_of(DES_BLOCK), 0);
                return Some(
                    cbc::Encryptor::<Des>::new_from_slices(key, &iv)
                        .ok()?
                        .encrypt_padded_vec_mut::<NoPadding>(&data),
                );
            }
            Self::Aes128 => cfb_mode::Encryptor::<Aes128>::new_from_slices(key, &iv).ok()?.encrypt(&mut data),
            Self::Aes192 | Self::Aes192Reeder => {
                cfb_mode::Encryptor::<Aes192>::new_from_slices(key, &iv).ok()?.encrypt(&mut data);
            }
            Self::Aes256 | Self::Aes256Reeder => {
                cfb_mode::Encryptor::<Aes256>::new_from_slices(key, &iv).ok()?.encrypt(&mut data);
            }
        }
        Some(data)
    }

    /// Decrypts with a key of [`key_bytes`](Self::key_bytes); `None` if the bytes cannot come from that cipher.
    pub(super) fn decrypt(
        self,
        key: &[u8],
        (boots, time): (u32, u32),
        salt: [u8; 8],
        data: &[u8],
    ) -> Option<Vec<u8>> {
        let mut data = data.to_vec();
        let iv = aes_iv(boots, time, salt);
        match self {
            Self::Des => {
                let (key, iv) = des_key(key, salt)?;
                return cbc::Decryptor::<Des>::new_from_slices(key, &iv)
                    .ok()?
                    .decrypt_padded_vec_mut::<NoPadding>(&data)
                    .ok();
            }
            Self::Aes128 => cfb_mode::Decryptor::<Aes128>::new_from_slices(key, &iv).ok()?.decrypt(&mut data),
            Self::Aes192 | Self::Aes192Reeder => {
                cfb_mode::Decryptor::<Aes192>::new_from_slices(key, &iv).ok()?.decrypt(&mut data);
            }
            Self::Aes256 | Self::Aes256Reeder => {
                cfb_mode::Decryptor::<Aes256>::new_from_slices(key, &iv).ok()?.decrypt(&mut data);
            }
        }
        Some(data)
    }
}

/// Boots, time, salt (RFC 3826, 3.1.2.1).
fn aes_iv(boots: u32, time: u32, salt: [u8; 8]) -> [u8; 16] {
    let mut iv = [0; 16];
    let all = boots.to_be_bytes().into_iter().chain(time.to_be_bytes()).chain(salt);
    iv.iter_mut().zip(all).for_each(|(place, byte)| *place = byte);
    iv
}

/// Key and initial vector: the second half of the key, mixed with the salt (RFC 3414, 8.1.1.1).
fn des_key(key: &[u8], salt: [u8; 8]) -> Option<(&[u8], [u8; 8])> {
    let (key, mix) = (key.get(..8)?, key.get(8..16)?);
    let mut iv = salt;
    iv.iter_mut().zip(mix).for_each(|(byte, mix)| *byte ^= mix);
    Some((key, iv))
}

/// Names as people write them: `sha256`, `SHA-256`, `sha_256` mean the same.
fn plain(text: &str) -> String {
    text.chars().filter(|c| !matches!(c, '-' | '_' | ' ')).flat_map(char::to_lowercase).take(16).collect()
}

impl FromStr for AuthProtocol {
    type Err = UnknownAlgorithm;

    /// `sha` alone is SHA-1, as Net-SNMP says it.
    fn from_str(text: &str) -> Result<Self, UnknownAlgorithm> {
        let name = plain(text);
        let name = if name == "sha" { "sha1" } else { &name };
        let found = Self::NAMES.iter().find(|(known, _)| *known == name).map(|(_, protocol)| *protocol);
        let expected = "md5, sha1, sha224, sha256, sha384, sha512";
        found.ok_or_else(|| UnknownAlgorithm { found: text.chars().take(40).collect(), expected })
    }
}

impl FromStr for PrivacyProtocol {
    type Err = UnknownAlgorithm;

    /// `aes` alone is AES-128, as Net-SNMP says it.
    fn from_str(text: &str) -> Result<Self, UnknownAlgorithm> {
        let name = plain(text);
        let name = if name == "aes" { "aes128" } else { &name };
        let found = Self::NAMES.iter().find(|(known, _)| *known == name).map(|(_, protocol)| *protocol);
        let expected =
            "des, aes128, aes192, aes256, and, for keys lengthened as Cisco does, aes192c, aes256c";
        found.ok_or_else(|| UnknownAlgorithm { found: text.chars().take(40).collect(), expected })
    }
}

impl fmt::Display for AuthProtocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Self::NAMES.iter().find(|(_, protocol)| protocol == self).map_or("", |(name, _)| name);
        f.write_str(name)
    }
}

impl fmt::Display for PrivacyProtocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Self::NAMES.iter().find(|(_, protocol)| protocol == self).map_or("", |(name, _)| name);
        f.write_str(name)
    }
}
