//! Who this side is and whom it trusts, from PEM files.

use std::path::Path;
use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use crate::{Config, UplinkError};

/// Largest PEM file that is read: a chain of hundreds of certificates.
const MAX_PEM_BYTES: u64 = 1 << 20;

/// The content of the three files, kept to see whether they have changed.
#[derive(PartialEq, Eq)]
pub(crate) struct Material {
    ca: Vec<u8>,
    cert: Vec<u8>,
    key: Vec<u8>,
}

impl Material {
    pub(crate) fn read(config: &Config) -> Result<Self, UplinkError> {
        Ok(Self {
            ca: read_file("the collector's certificate authority", &config.ca)?,
            cert: read_file("the certificate", &config.cert)?,
            key: read_file("the private key", &config.key)?,
        })
    }

    pub(crate) fn client_config(&self, config: &Config) -> Result<ClientConfig, UplinkError> {
        let tls = |source| UplinkError::Tls { cert: config.cert.clone(), key: config.key.clone(), source };
        let mut roots = RootCertStore::empty();
        for certificate in certificates("the collector's certificate authority", &config.ca, &self.ca)? {
            roots.add(certificate).map_err(|error| UplinkError::Pem {
                what: "the collector's certificate authority",
                path: config.ca.clone(),
                problem: error.to_string(),
            })?;
        }
        let chain = certificates("the certificate", &config.cert, &self.cert)?;
        let key = PrivateKeyDer::from_pem_slice(&self.key).map_err(|error| UplinkError::Pem {
            what: "the private key",
            path: config.key.clone(),
            problem: error.to_string(),
        })?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut client = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(tls)?
            .with_root_certificates(roots)
            .with_client_auth_cert(chain, key)
            .map_err(tls)?;
        client.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(client)
    }
}

fn read_file(what: &'static str, path: &Path) -> Result<Vec<u8>, UplinkError> {
    use std::io::Read;
    let failed = |source| UplinkError::Read { what, path: path.to_owned(), source };
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(failed)?;
    file.take(MAX_PEM_BYTES).read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
}

fn certificates(
    what: &'static str,
    path: &Path,
    pem: &[u8],
) -> Result<Vec<CertificateDer<'static>>, UplinkError> {
    let wrong = |problem: String| UplinkError::Pem { what, path: path.to_owned(), problem };
    let found = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| wrong(error.to_string()))?;
    if found.is_empty() {
        return Err(wrong("no certificate in it, one in PEM was expected".to_owned()));
    }
    Ok(found)
}
