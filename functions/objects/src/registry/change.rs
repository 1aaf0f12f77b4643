//! A step of one object from state to state, as one conditional transaction: the object's row, the
//! tenant's usage, and the audit record.

use super::{
    Actor, Refused, Registry, RegistryError, Transaction, Usage, Written,
    row::{self, DUE_AT, DUE_SHARD, LISTED, RULES, SCAN_MESSAGE, SCAN_UNTIL, Sweep, number, string},
};
use crate::{
    checksum::Sha256,
    record::{Pin, Record},
    state::{State, Transition},
    timestamp::Timestamp,
};
use airlock_content::verdict::Verdict;
use aws_sdk_dynamodb::{
    error::BuildError,
    types::{AttributeValue, ReturnValuesOnConditionCheckFailure, Update},
};

/// What is about to change on an object, and what is written with it.
#[derive(Clone, Debug)]
pub struct Change<'a> {
    record: &'a Record,
    step: Transition,
    actor: Actor<'a>,
    at: Timestamp,
    set: Vec<(&'static str, AttributeValue)>,
    remove: Vec<&'static str>,
}

/// What became of a [`Change`].
#[must_use = "another writer may have been faster"]
#[derive(Debug)]
pub enum Changed {
    /// The object took the step.
    Done,
    /// Another writer changed the object first; this is the object now, if there still is one.
    Superseded(Option<Box<Record>>),
}

impl<'a> Change<'a> {
    /// The object of `record` takes `step` at the time `at`.
    pub fn new(record: &'a Record, step: Transition, actor: Actor<'a>, at: Timestamp) -> Self {
        Self { record, step, actor, at, set: Vec::new(), remove: Vec::new() }
    }

    /// Pins the bytes that were finalized, and notes that a scan of them is asked for.
    pub fn pin(mut self, pin: &Pin, sha256: Option<Sha256>) -> Self {
        self.set.push(("etag", string(&pin.etag)));
        self.set.extend(pin.version_id.as_ref().map(|version| ("version_id", string(version))));
        self.set.extend(sha256.map(|sum| ("sha256", string(sum))));
        self.set.push(("finalized_at", number(self.at.as_millis())));
        self.set.push(("queued_at", number(self.at.as_millis())));
        self.set.push(("queued_times", number(1)));
        self
    }

    /// Stores what the scan, or the check before it, said.
    pub fn verdict(mut self, verdict: &Verdict) -> Self {
        self.set.extend(verdict_attributes(verdict, self.at));
        self
    }

    /// Stores the checksum of what was scanned.
    pub fn scanned(mut self, sha256: Sha256) -> Self {
        self.set.push(("sha256", string(sha256)));
        self
    }

    /// Puts the object into the `due` index for `sweep` to look at it from `at` on.
    pub fn due(mut self, sweep: Sweep, at: Timestamp) -> Self {
        self.set.extend(due_attributes(self.record, sweep, at));
        self
    }

    /// Removes it from the `due` index.
    pub fn settled(mut self) -> Self {
        self.remove.extend([DUE_SHARD, DUE_AT]);
        self
    }

    /// Sets other attributes.
    pub(super) fn with(
        mut self,
        attributes: impl IntoIterator<Item = (&'static str, AttributeValue)>,
    ) -> Self {
        self.set.extend(attributes);
        self
    }

    /// The object as it was read.
    pub(super) fn record(&self) -> &'a Record {
        self.record
    }

    /// What the step changes of the tenant's usage.
    pub(super) fn usage(&self) -> Usage {
        Usage::of_step(self.step.from(), self.step.to(), self.record.declared.size)
    }

    /// Ends the claim to scan it, unless a scan before the caller's may still be at work.
    pub fn scan_ended(mut self) -> Self {
        if self.record.scans <= 1 {
            self.remove.extend([SCAN_MESSAGE, SCAN_UNTIL]);
        }
        self
    }

    /// Puts it into its tenant's list.
    pub fn listed(mut self) -> Self {
        self.set.push((LISTED, string(&self.record.object.tenant)));
        self
    }

    /// Takes it off its tenant's list.
    pub fn unlisted(mut self) -> Self {
        self.remove.push(LISTED);
        self
    }

    fn update(self, table: &str) -> Result<Update, BuildError> {
        let to = self.step.to();
        guarded(table, self.record, self.step.from(), to, self.set, self.remove)
    }
}

/// The update of an object's row, if nobody changed the row since it was read.
fn guarded(
    table: &str,
    record: &Record,
    from: State,
    to: State,
    set: Vec<(&'static str, AttributeValue)>,
    remove: Vec<&'static str>,
) -> Result<Update, BuildError> {
    let mut update = Update::builder()
        .table_name(table)
        .set_key(Some(row::object_key(&record.object)))
        .condition_expression("#state = :from AND #version = :seen")
        .expression_attribute_names("#state", "state")
        .expression_attribute_names("#version", "version")
        .expression_attribute_values(":from", string(from))
        .expression_attribute_values(":seen", number(record.version))
        .expression_attribute_values(":to", string(to))
        .expression_attribute_values(":next", number(record.version + 1))
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
    let mut expression = "SET #state = :to, #version = :next".to_owned();
    for (name, value) in set {
        expression.push_str(&format!(", #{name} = :{name}"));
        update = update
            .expression_attribute_names(format!("#{name}"), name)
            .expression_attribute_values(format!(":{name}"), value);
    }
    for (index, name) in remove.into_iter().enumerate() {
        expression.push_str(if index == 0 { " REMOVE " } else { ", " });
        expression.push_str(&format!("#{name}"));
        update = update.expression_attribute_names(format!("#{name}"), name);
    }
    update.update_expression(expression).build()
}

/// The attributes by which `sweep` finds an object from `at` on.
pub(super) fn due_attributes(
    record: &Record,
    sweep: Sweep,
    at: Timestamp,
) -> [(&'static str, AttributeValue); 2] {
    [(DUE_SHARD, string(sweep.shard_of(record.object.id))), (DUE_AT, number(at.as_millis()))]
}

/// The attributes that keep a verdict. The rule set has one of its own, so that a rescan can tell what
/// it has to look at.
fn verdict_attributes(verdict: &Verdict, at: Timestamp) -> Vec<(&'static str, AttributeValue)> {
    let json = serde_json::json!(verdict).to_string();
    let rules = verdict.rules.as_ref().map(|rules| (RULES, string(rules)));
    [("verdict", AttributeValue::S(json)), ("scanned_at", number(at.as_millis()))]
        .into_iter()
        .chain(rules)
        .collect()
}

impl Registry {
    /// Takes a step, if nobody changed the object since it was read. One call: TransactWriteItems.
    ///
    /// # Errors
    /// [`RegistryError`] when it is not known that the step was taken.
    pub async fn change(&self, change: Change<'_>) -> Result<Changed, RegistryError> {
        let (usage, tenant) = (change.usage(), &change.record().object.tenant);
        let mut transaction = self.step(change)?;
        if !usage.is_nothing() {
            transaction = transaction.update(usage.update(&self.table, tenant).build()?);
        }
        self.changed(transaction).await
    }

    /// The object's row and the audit record of a step; the tenant's usage is the caller's to add.
    pub(super) fn step(&self, change: Change<'_>) -> Result<Transaction, RegistryError> {
        let audit = self.audit(change.record, change.step.action(), change.actor, change.at)?;
        Ok(Transaction::default().update(change.update(&self.table)?).put(audit))
    }

    /// Notes that a scan of today passes an object that stays in its state. One call: TransactWriteItems.
    ///
    /// # Errors
    /// As [`Registry::change`].
    pub async fn note(
        &self,
        record: &Record,
        verdict: &Verdict,
        at: Timestamp,
    ) -> Result<Changed, RegistryError> {
        let transaction = self.amendment(record, verdict_attributes(verdict, at), Vec::new())?;
        self.changed(transaction).await
    }

    /// The update of an object that stays in its state.
    pub(super) fn amendment(
        &self,
        record: &Record,
        set: Vec<(&'static str, AttributeValue)>,
        remove: Vec<&'static str>,
    ) -> Result<Transaction, RegistryError> {
        let update = guarded(&self.table, record, record.state, record.state, set, remove)?;
        Ok(Transaction::default().update(update))
    }

    /// Writes a transaction whose only condition is that nobody changed the object since it was read.
    pub(super) async fn changed(&self, transaction: Transaction) -> Result<Changed, RegistryError> {
        match self.write(transaction).await? {
            Written::All => Ok(Changed::Done),
            Written::Refused(refused) => superseded(&refused),
        }
    }
}

/// The object had been changed before.
pub(super) fn superseded(Refused { found, .. }: &Refused) -> Result<Changed, RegistryError> {
    let record = found.as_ref().map(row::record).transpose()?;
    Ok(Changed::Superseded(record.map(Box::new)))
}
