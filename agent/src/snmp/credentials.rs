//! In whose name a device is asked.

use std::fmt;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::answer::Version;
use super::usm::User;

/// Longest community that is sent; no device takes longer ones, and a packet must stay one.
const COMMUNITY_BYTES_MAX: usize = 255;

/// A word that opens a device; never shown, wiped when it is dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Community(Arc<Zeroizing<Vec<u8>>>);

/// A community that is empty or too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a community has 1 to {COMMUNITY_BYTES_MAX} bytes")]
pub struct InvalidCommunity;

/// Versions that know communities.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommunityVersion {
    /// RFC 1157: no 64-bit counters, no get-bulk.
    V1,
    /// RFC 1901.
    V2c,
}

/// In whose name a device is asked. Cloning is cheap.
#[derive(Debug, Clone)]
pub enum Credentials {
    /// Whoever knows the word; SNMP v1 and v2c.
    Community(CommunityVersion, Community),
    /// A user; SNMP v3.
    User(Arc<User>),
}

/// Can this community be sent?
const fn community_fits(community: &[u8]) -> bool {
    !community.is_empty() && community.len() <= COMMUNITY_BYTES_MAX
}

impl Community {
    /// Checks its length.
    ///
    /// # Errors
    /// If it is empty or too long.
    pub fn new(community: &[u8]) -> Result<Self, InvalidCommunity> {
        community_fits(community)
            .then(|| Self(Arc::new(Zeroizing::new(community.to_vec()))))
            .ok_or(InvalidCommunity)
    }

    /// Its bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Community {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Community(..)")
    }
}

impl CommunityVersion {
    /// Its number in a message.
    pub(super) const fn number(self) -> u8 {
        match self {
            Self::V1 => 0,
            Self::V2c => 1,
        }
    }
}

impl Credentials {
    /// A community of SNMP v1.
    ///
    /// # Errors
    /// If it is empty or too long.
    pub fn v1(community: &[u8]) -> Result<Self, InvalidCommunity> {
        Community::new(community).map(|community| Self::Community(CommunityVersion::V1, community))
    }

    /// A community of SNMP v2c.
    ///
    /// # Errors
    /// If it is empty or too long.
    pub fn v2c(community: &[u8]) -> Result<Self, InvalidCommunity> {
        Community::new(community).map(|community| Self::Community(CommunityVersion::V2c, community))
    }

    /// A user of SNMP v3.
    pub fn v3(user: User) -> Self {
        Self::User(Arc::new(user))
    }

    /// The version that is spoken.
    pub const fn version(&self) -> Version {
        match self {
            Self::Community(CommunityVersion::V1, _) => Version::V1,
            Self::Community(CommunityVersion::V2c, _) => Version::V2c,
            Self::User(_) => Version::V3,
        }
    }

    /// Does that version know get-bulk?
    pub const fn knows_bulk(&self) -> bool {
        !matches!(self, Self::Community(CommunityVersion::V1, _))
    }

    /// Bytes around the objects of an answer, at most.
    pub fn overhead(&self) -> usize {
        // Lengths and tags, version, request id, status, index.
        let usual = 36;
        usual
            + match self {
                Self::Community(_, community) => community.bytes().len(),
                Self::User(user) => user.overhead(),
            }
    }
}
