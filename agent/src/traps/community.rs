//! Messages of SNMP v1 and v2c (RFC 1157, 4; RFC 1901, 3): a version, a community, a PDU.

use ::snmp::AsnReader;

use super::notification::ResponsePdu;

const SEQUENCE: u8 = 0x30;
const VERSION_1: i64 = 0;
const VERSION_2C: i64 = 1;
const VERSION_3: i64 = 3;
/// The PDU of a trap of v1, the only one that this version has.
const TRAP_V1: u8 = 0xa4;

/// A message of a version that there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Message<'a> {
    /// v1 or v2c.
    Community(CommunityMessage<'a>),
    /// v3, which is read elsewhere.
    Version3,
}

/// A message with a community.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct CommunityMessage<'a> {
    /// The community.
    pub community: &'a [u8],
    /// The PDU, with its tag.
    pub pdu: &'a [u8],
}

/// Reads a message; `None` if it is none, or if version and PDU do not go together.
pub(super) fn message(bytes: &[u8]) -> Option<Message<'_>> {
    let mut inside = AsnReader::from_bytes(AsnReader::from_bytes(bytes).read_raw(SEQUENCE).ok()?);
    let version = inside.read_asn_integer().ok()?;
    if version == VERSION_3 {
        return Some(Message::Version3);
    }
    let community = inside.read_asn_octetstring().ok()?;
    let tag = inside.peek_byte().ok()?;
    if !matches!((version, tag == TRAP_V1), (VERSION_1, true) | (VERSION_2C, false)) {
        return None;
    }
    let start = inside.bytes_left();
    inside.read_raw(tag).ok()?;
    let pdu = last(bytes, start)?.get(..start - inside.bytes_left())?;
    Some(Message::Community(CommunityMessage { community, pdu }))
}

/// The last `left` bytes inside of the outermost value.
fn last(bytes: &[u8], left: usize) -> Option<&[u8]> {
    let content = AsnReader::from_bytes(bytes).read_raw(SEQUENCE).ok()?;
    content.get(content.len().checked_sub(left)?..)
}

/// The message that carries this response, of v2c: v1 has no informs.
pub(super) fn answer(community: &[u8], response: &ResponsePdu) -> Vec<u8> {
    let pdu = response.bytes();
    let mut content = vec![0x02, 1, 1, 0x04];
    length(&mut content, community.len());
    content.extend(community);
    content.extend(pdu);
    let mut message = vec![SEQUENCE];
    length(&mut message, content.len());
    message.extend(content);
    message
}

/// A length (X.690, 8.1.3); no UDP packet needs more than two bytes of it.
fn length(out: &mut Vec<u8>, length: usize) {
    match u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes() {
        [0, short] if short < 0x80 => out.push(short),
        [0, one] => out.extend([0x81, one]),
        [high, low] => out.extend([0x82, high, low]),
    }
}
