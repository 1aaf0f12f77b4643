//! The object registry: one DynamoDB table that knows every object, its owner, its state, and who did what to it.
//!
//! Every expression and every name of the table is here. A write of an object's row is conditional: nobody changed the
//! row since it was read, or, where an upload begins, there is none. A read names the tenant. Only the walks over all
//! tenants do not: those of the sweeps ([`Registry::each_due`], which names only objects) and of a rescan
//! ([`Registry::walk_page`]).

mod audit;
mod begin;
mod change;
mod claim;
mod download;
mod due;
mod held;
mod list;
mod requeue;
mod rescan;
mod row;
mod transaction;
mod usage;

pub use audit::Actor;
pub use begin::{Begun, IdempotencyKey, NotAnIdempotencyKey, OverQuota, Quotas};
pub use change::{Change, Changed};
pub use claim::Claimed;
pub use due::SweepEnd;
pub use held::{HeldTerms, Holding};
pub use list::Page;
pub use rescan::{Stage, Walk, WalkPage};
pub use row::{RowError, Sweep};

use crate::{id::ObjectRef, record::Record};
use airlock_aws::{
    CallError, Fault, OnlyConnect,
    setting::{SettingError, required},
};
use aws_config::SdkConfig;
use aws_sdk_dynamodb::{
    Client, Config,
    config::retry::RetryConfig,
    error::{BuildError, SdkError},
};
use row::Item;
use transaction::{Refused, Transaction, Written};
use usage::{PENDING_BYTES, PENDING_COUNT, STORED_BYTES, Usage};

/// Why the registry did not answer.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// DynamoDB did not do what it was asked.
    #[error("the registry cannot be reached")]
    Call(#[from] CallError),
    /// A request could not be put together.
    #[error("a request to the registry is wrong")]
    Build(#[from] BuildError),
    /// Other writers kept winning; nothing was written.
    #[error("the registry is busy with other writes to the same rows")]
    Busy,
    /// A row is not what this version writes.
    #[error("the registry holds a row that cannot be read")]
    Row(#[from] RowError),
}

impl Fault for RegistryError {
    fn is_outage(&self) -> bool {
        match self {
            Self::Call(error) => error.is_outage(),
            Self::Busy => true,
            Self::Build(_) | Self::Row(_) => false,
        }
    }
}

impl<E> From<SdkError<E>> for RegistryError
where
    CallError: From<SdkError<E>>,
{
    fn from(error: SdkError<E>) -> Self {
        Self::Call(error.into())
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

    /// The registry in `REGISTRY_TABLE`, with its connection open.
    ///
    /// # Errors
    /// [`SettingError`] when the variable is not set.
    pub async fn connect(aws: &SdkConfig) -> Result<Self, SettingError> {
        let registry = Self::new(Client::new(aws), required("REGISTRY_TABLE")?);
        let call = registry.client.get_item().table_name(&registry.table).set_key(Some(Item::new()));
        let once = Config::builder().retry_config(RetryConfig::disabled());
        let _refusal = call.customize().interceptor(OnlyConnect).config_override(once).send().await;
        Ok(registry)
    }

    /// Reads one object of one tenant; `None` when that tenant has no such object. Always the
    /// latest state (a strongly consistent read). One call: GetItem.
    ///
    /// # Errors
    /// [`RegistryError`] when DynamoDB does not answer or the row is malformed.
    pub async fn get(&self, object: &ObjectRef) -> Result<Option<Record>, RegistryError> {
        let item = self.item(row::object_key(object)).await?;
        Ok(item.as_ref().map(row::record).transpose()?)
    }

    /// The row at `key` in its latest state.
    async fn item(&self, key: Item) -> Result<Option<Item>, RegistryError> {
        let get = self.client.get_item().table_name(&self.table).set_key(Some(key)).consistent_read(true);
        Ok(get.send().await?.item)
    }
}
