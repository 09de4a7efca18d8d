//! Certificates of the demo: an authority, the collector's door, a client for each agent.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use model::{AgentId, SiteId};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, SanType,
};

/// Name of the file with the authority's certificate.
pub(crate) const CA: &str = "ca.pem";

/// Why there are no certificates.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateError {
    /// One cannot be made.
    #[error("cannot make the certificate of `{name}`")]
    Make {
        /// For whom.
        name: String,
        /// Why.
        #[source]
        source: rcgen::Error,
    },
    /// One cannot be written.
    #[error("cannot write `{path}`", path = path.display())]
    Write {
        /// Where.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
}

/// Signs certificates and writes them into a folder.
pub(crate) struct Authority {
    dir: PathBuf,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    /// A new authority; its certificate stands in `ca.pem`, its key nowhere.
    pub(crate) fn new(dir: &Path) -> Result<Self, CertificateError> {
        let name = "Wattwacht demo authority";
        let failed = |source| CertificateError::Make { name: name.to_owned(), source };
        let mut params = params(name);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().map_err(failed)?;
        let certificate = params.self_signed(&key).map_err(failed)?;
        let authority = Self { dir: dir.to_owned(), issuer: Issuer::new(params, key) };
        authority.write(CA, &certificate.pem())?;
        Ok(authority)
    }

    /// The certificate of the collector: for these addresses and `localhost`.
    pub(crate) fn server(&self, file: &str, address: IpAddr) -> Result<(), CertificateError> {
        let mut params = params("wattwacht-collector");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let localhost = || rcgen::string::Ia5String::try_from("localhost").map(SanType::DnsName);
        let dns = localhost().map_err(|source| CertificateError::Make { name: file.to_owned(), source })?;
        params.subject_alt_names = vec![SanType::IpAddress(address), dns];
        if !address.is_loopback() || address != IpAddr::from([127, 0, 0, 1]) {
            params.subject_alt_names.push(SanType::IpAddress(IpAddr::from([127, 0, 0, 1])));
        }
        self.sign(file, &params)
    }

    /// The certificate of an agent: its id is the common name, and `wattwacht:agent/SITE/AGENT` says where it belongs.
    pub(crate) fn agent(&self, site: &SiteId, agent: &AgentId) -> Result<(), CertificateError> {
        let failed = |source| CertificateError::Make { name: agent.to_string(), source };
        let mut params = params(agent.as_str());
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let uri = format!("wattwacht:agent/{site}/{agent}");
        let uri = rcgen::string::Ia5String::try_from(uri.as_str()).map_err(failed)?;
        params.subject_alt_names = vec![SanType::URI(uri)];
        self.sign(agent.as_str(), &params)
    }

    fn sign(&self, file: &str, params: &CertificateParams) -> Result<(), CertificateError> {
        let failed = |source| CertificateError::Make { name: file.to_owned(), source };
        let key = KeyPair::generate().map_err(failed)?;
        let certificate = params.signed_by(&key, &self.issuer).map_err(failed)?;
        self.write(&format!("{file}.pem"), &certificate.pem())?;
        self.write(&format!("{file}.key"), &key.serialize_pem())
    }

    fn write(&self, file: &str, text: &str) -> Result<(), CertificateError> {
        let path = self.dir.join(file);
        write_private(&path, text).map_err(|source| CertificateError::Write { path, source })
    }
}

/// Writes a file that only its owner can read.
fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    options.open(path)?.write_all(text.as_bytes())
}

fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    let mut distinguished = DistinguishedName::new();
    distinguished.push(DnType::CommonName, name);
    params.distinguished_name = distinguished;
    params.use_authority_key_identifier_extension = true;
    params
}
