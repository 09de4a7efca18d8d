//! Styles, script and icon, and the headers that every page is sent with.

use std::sync::OnceLock;

/// Headers for every page and asset of the panels. The policy forbids everything but what comes from this server, and
/// inline code and styles altogether; report documents carry their own (`report::html_security_policy`).
pub const SECURITY_HEADERS: &[(&str, &str)] = &[
    (
        "content-security-policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; \
         connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; \
         require-trusted-types-for 'script'; trusted-types 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "same-origin"),
    ("x-frame-options", "DENY"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
];

/// A file of the panels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asset {
    /// For `Content-Type`.
    pub content_type: &'static str,
    /// The file.
    pub body: &'static [u8],
    /// For `ETag`, with its quotes; changes with the file.
    pub etag: &'static str,
}

/// The file at `/assets/{name}`: `panels.css`, `live.js`, `icon.svg`.
pub fn asset(name: &str) -> Option<Asset> {
    let (content_type, body) = match name {
        "panels.css" => ("text/css; charset=utf-8", style().as_bytes()),
        "live.js" => ("text/javascript; charset=utf-8", LIVE.as_bytes()),
        "icon.svg" => ("image/svg+xml", ICON.as_bytes()),
        _ => return None,
    };
    Some(Asset { content_type, body, etag: etag(name, body) })
}

const LIVE: &str = include_str!("../scripts/live.js");
const ICON: &str = include_str!("../styles/icon.svg");

/// The shared part of `chart`, then the pages' own.
fn style() -> &'static str {
    static STYLE: OnceLock<String> = OnceLock::new();
    STYLE.get_or_init(|| format!("{}\n{}", chart::style(), include_str!("../styles/panels.css")))
}

fn etag(name: &str, body: &[u8]) -> &'static str {
    static ETAGS: [OnceLock<String>; 3] = [const { OnceLock::new() }; 3];
    let slot = match name {
        "panels.css" => 0,
        "live.js" => 1,
        _ => 2,
    };
    ETAGS[slot].get_or_init(|| format!("\"{:016x}\"", fingerprint(body)))
}

/// FNV-1a, 64 bits: tells versions of a file apart; guards against nothing else.
fn fingerprint(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}
