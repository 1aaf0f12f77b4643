//! The object registry: one DynamoDB table that knows every object, who it belongs to, where it
//! stands, and who did what to it.
//!
//! What a zone of the pipeline may do to a row stands in that zone's crate; here is what they
//! share: reading one object, and writing in conditional transactions. There is no unconditional
//! write and no way to read a row without naming its tenant.

mod audit;
mod change;
mod claim;
mod due;
mod held;
pub mod row;
mod transaction;
mod usage;

pub use audit::{Actor, audit_put};
pub use change::{Change, Changed};
pub use claim::Claimed;
pub use held::{HeldTerms, Holding};
pub use transaction::{Refused, Transaction};
pub use usage::{PENDING_BYTES, PENDING_COUNT, STORED_BYTES, Usage, usage_key};

use crate::{
    id::{ObjectId, TenantId},
    record::Record,
    setting::{SettingError, required},
};
use aws_sdk_dynamodb::Client;
use row::{PK, RowError, SK, object_key, string};

/// Why the registry did not answer.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// DynamoDB refused or could not be reached.
    #[error("the registry could not be reached")]
    Unavailable(#[source] Box<aws_sdk_dynamodb::Error>),
    /// Other writers kept winning; nothing was written.
    #[error("the registry is busy with other writes to the same rows")]
    Busy,
    /// A row is not what this version writes.
    #[error("the registry holds a row that cannot be read")]
    Row(#[from] RowError),
}

impl RegistryError {
    /// Wraps any failure of a DynamoDB call.
    pub fn unavailable(error: impl Into<aws_sdk_dynamodb::Error>) -> Self {
        Self::Unavailable(Box::new(error.into()))
    }
}

/// The table and the client that reaches it.
#[derive(Clone, Debug)]
pub struct Registry {
    client: Client,
    table: String,
}

impl Registry {
    /// The registry in `table`.
    pub fn new(client: Client, table: String) -> Self {
        Self { client, table }
    }

    /// The registry in `REGISTRY_TABLE`.
    ///
    /// # Errors
    /// [`SettingError`] when the variable is not set.
    pub fn from_env(config: &aws_config::SdkConfig) -> Result<Self, SettingError> {
        Ok(Self::new(Client::new(config), required("REGISTRY_TABLE")?))
    }

    /// The client, for a zone's own queries.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The name of the table.
    pub fn table(&self) -> &str {
        &self.table
    }

    /// Reads one object of one tenant; `None` when that tenant has no such object. Always the
    /// latest state (a strongly consistent read). One call: GetItem.
    ///
    /// # Errors
    /// [`RegistryError`] when DynamoDB does not answer or the row is malformed.
    pub async fn get(&self, tenant: &TenantId, id: ObjectId) -> Result<Option<Record>, RegistryError> {
        let (pk, sk) = object_key(tenant, id);
        let answer = self
            .client
            .get_item()
            .table_name(&self.table)
            .key(PK, string(pk))
            .key(SK, string(sk))
            .consistent_read(true)
            .send()
            .await
            .map_err(RegistryError::unavailable)?;
        Ok(answer.item.as_ref().map(Record::from_item).transpose()?)
    }
}
