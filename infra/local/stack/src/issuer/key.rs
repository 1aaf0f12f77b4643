//! The RSA key of the local issuer.

use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der},
    rsa::{KeyPair, KeySize},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use jsonwebtoken::{
    Algorithm, EncodingKey, Header,
    jwk::{Jwk, PublicKeyUse, ThumbprintHash},
};
use serde::Serialize;
use std::{fs, io, io::Write, path::Path};

/// Why the issuer has no key, or cannot sign with it.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// No key could be made.
    #[error("cannot make an RSA key")]
    Generation,
    /// The kept key could not be read or written.
    #[error("cannot keep the key in {path}")]
    Kept {
        /// Where it is kept.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// The kept key is damaged, or signing failed.
    #[error("the key of the local issuer cannot be used")]
    Unusable(#[from] jsonwebtoken::errors::Error),
}

pub(super) struct Key {
    private: EncodingKey,
    public: Jwk,
    id: String,
}

impl Key {
    pub(super) fn fresh() -> Result<Self, KeyError> {
        Self::read(generate()?.as_bytes())
    }

    /// The key in the file at `path`; a fresh one is put there if there is none.
    pub(super) fn kept(path: &Path) -> Result<Self, KeyError> {
        let failed = |source| KeyError::Kept { path: path.display().to_string(), source };
        match fs::read(path) {
            Ok(pem) => Self::read(&pem),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let pem = generate()?;
                // Only the owner can read a temporary file; it appears under its name when whole.
                let folder = path.parent().unwrap_or(Path::new("."));
                let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
                file.write_all(pem.as_bytes()).map_err(failed)?;
                file.persist(path).map_err(|error| failed(error.error))?;
                Self::read(pem.as_bytes())
            }
            Err(error) => Err(failed(error)),
        }
    }

    fn read(pem: &[u8]) -> Result<Self, KeyError> {
        let private = EncodingKey::from_rsa_pem(pem)?;
        let mut public = Jwk::from_encoding_key(&private, Algorithm::RS256)?;
        // RFC 7638: the same key has the same id after a restart.
        let id = public.thumbprint(ThumbprintHash::SHA256)?;
        public.common.key_id = Some(id.clone());
        public.common.public_key_use = Some(PublicKeyUse::Signature);
        Ok(Self { private, public, id })
    }

    /// The public half, as it is published.
    pub(super) fn public(&self) -> &Jwk {
        &self.public
    }

    pub(super) fn sign(&self, claims: &impl Serialize) -> Result<String, KeyError> {
        let mut header = Header::new(Algorithm::RS256);
        header.kid = Some(self.id.clone());
        Ok(jsonwebtoken::encode(&header, claims, &self.private)?)
    }
}

/// A fresh 2048-bit key, as PKCS #8 in PEM (RFC 7468, section 10).
fn generate() -> Result<String, KeyError> {
    let pair = KeyPair::generate(KeySize::Rsa2048).map_err(|_| KeyError::Generation)?;
    let der: Pkcs8V1Der<'_> = pair.as_der().map_err(|_| KeyError::Generation)?;
    let text = STANDARD.encode(der.as_ref());
    let lines: Vec<&str> = (0..text.len()).step_by(64).map(|at| &text[at..text.len().min(at + 64)]).collect();
    Ok(format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n")))
}
