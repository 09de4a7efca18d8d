//! Who an agent is, read from its certificate.

use model::{AgentId, InvalidId, SiteId, Timestamp};
use sha2::{Digest, Sha256};
use store::AgentKey;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

/// Beginning of the URI among the certificate's alternative names: `wattwacht:agent/SITE/AGENT`.
const URI_BEGINNING: &str = "wattwacht:agent/";

/// An agent as its certificate names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Site and agent.
    pub agent: AgentKey,
    /// SHA-256 of the certificate.
    pub fingerprint: [u8; 32],
    /// When it ends.
    pub valid_to: Timestamp,
}

/// Why a certificate names no agent.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// No certificate, or none that can be read.
    #[error("client certificate cannot be read: {0}")]
    Unreadable(String),
    /// No name of ours.
    #[error("client certificate has no alternative name `wattwacht:agent/SITE/AGENT`")]
    NoUri,
    /// More than one, or one that contradicts the common name.
    #[error("client certificate names `{uri}`, but its common name is `{common}`")]
    Contradiction {
        /// Agent of the URI.
        uri: String,
        /// Common name of the subject.
        common: String,
    },
    /// A name that is no id.
    #[error(transparent)]
    Id(#[from] InvalidId),
}

impl Identity {
    /// Reads a certificate in DER that TLS has already found valid.
    ///
    /// # Errors
    /// If it does not name exactly one agent, by URI and common name alike.
    pub fn from_der(der: &[u8]) -> Result<Self, IdentityError> {
        let unreadable = |error: String| IdentityError::Unreadable(error);
        let (_, certificate) =
            X509Certificate::from_der(der).map_err(|error| unreadable(error.to_string()))?;
        let names = certificate.subject_alternative_name().map_err(|error| unreadable(error.to_string()))?;
        let mut ours =
            names.iter().flat_map(|names| &names.value.general_names).filter_map(|name| match name {
                GeneralName::URI(uri) => uri.strip_prefix(URI_BEGINNING),
                _ => None,
            });
        let (Some(uri), None) = (ours.next(), ours.next()) else { return Err(IdentityError::NoUri) };
        let (site, agent) = uri.split_once('/').ok_or(IdentityError::NoUri)?;
        let common = certificate.subject().iter_common_name().next();
        let common = common.and_then(|name| name.as_str().ok()).unwrap_or_default();
        if common != agent {
            let (uri, common) = (agent.chars().take(80).collect(), common.chars().take(80).collect());
            return Err(IdentityError::Contradiction { uri, common });
        }
        Ok(Self {
            agent: AgentKey { site: SiteId::new(site)?, agent: AgentId::new(agent)? },
            fingerprint: Sha256::digest(der).into(),
            valid_to: Timestamp::from_seconds(certificate.validity().not_after.timestamp()),
        })
    }
}
