//! A local stack as its owner reaches it: with the secret of its ready file, which nobody else can read.

use super::{ApiUrl, ClientError, DEFAULT_API, connect};
use airlock_local_stack::SECRET_HEADER;
use reqwest::{RequestBuilder, header::HeaderValue};
use serde::Deserialize;
use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

/// A local stack, and what opens it.
pub(crate) struct Local {
    pub(super) api: ApiUrl,
    secret: HeaderValue,
}

/// Where the stacks of this user leave their ready files, the best place first: one that is gone when
/// the user logs out, or else one that stays.
pub(crate) fn folders() -> Vec<PathBuf> {
    let of = |name: &str| env::var_os(name).map(PathBuf::from).filter(|folder| folder.is_absolute());
    let state = of("XDG_STATE_HOME").or_else(|| Some(of("HOME")?.join(".local/state")));
    [of("XDG_RUNTIME_DIR"), state].into_iter().flatten().map(|folder| folder.join("airlock")).collect()
}

/// What the ready file of the stack whose API has this port is called there.
pub(crate) fn file_name(port: u16) -> String {
    format!("local-{port}.json")
}

impl Local {
    /// The stack of the ready file, or else the one of this user at `api`.
    ///
    /// # Errors
    /// [`ClientError`] when there is none.
    pub(crate) fn find(api: Option<&ApiUrl>, ready_file: Option<&Path>) -> Result<Self, ClientError> {
        if let Some(path) = ready_file {
            let local = Self::read(path)?;
            return match api {
                Some(api) if api.loopback_port() != local.api.loopback_port() => {
                    Err(ClientError::OtherStack {
                        path: path.to_owned(),
                        api: local.api.to_string(),
                        asked: api.to_string(),
                    })
                }
                _ => Ok(local),
            };
        }
        let asked = api.map_or_else(|| DEFAULT_API.to_owned(), ToString::to_string);
        let none = || ClientError::NoLocalStack { api: asked.clone() };
        let port = asked.parse::<ApiUrl>().ok().and_then(|api| api.loopback_port()).ok_or_else(none)?;
        let mut files = folders().into_iter().map(|folder| folder.join(file_name(port)));
        Self::read(&files.find(|file| file.exists()).ok_or_else(none)?)
    }

    fn read(path: &Path) -> Result<Self, ClientError> {
        #[derive(Deserialize)]
        struct Ready {
            api: String,
            local_secret: String,
        }
        let unusable = |source| ClientError::Unreadable { path: path.to_owned(), source };
        let malformed =
            || unusable(io::Error::new(io::ErrorKind::InvalidData, "this is no ready file of a local stack"));
        let text = fs::read(path).map_err(unusable)?;
        let ready: Ready = serde_json::from_slice(&text).map_err(|_| malformed())?;
        let api: ApiUrl = ready.api.parse().map_err(|_| malformed())?;
        let mut secret = HeaderValue::from_str(&ready.local_secret).map_err(|_| malformed())?;
        // The secret is for this machine, whatever the file says.
        if api.loopback_port().is_none() {
            return Err(malformed());
        }
        secret.set_sensitive(true);
        Ok(Self { api, secret })
    }

    /// A call of what only the owner may call.
    pub(super) fn post(&self, path: &[&str]) -> Result<RequestBuilder, ClientError> {
        Ok(connect(&self.api)?.post(self.api.join(path)).header(SECRET_HEADER, self.secret.clone()))
    }
}
