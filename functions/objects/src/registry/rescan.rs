//! The walk over all published objects when rules have changed: how far it is, in one row of its own, so that a run
//! goes on where the one before it stopped. Each object says itself by which rules it was passed.
//!
//! Here alone rows are read for which no tenant is named: the walk is over those of all tenants.

use super::{
    Registry, RegistryError, Transaction, Written,
    row::{
        self, BY_TENANT, HELD_UNTIL, Item, PK, RULES, RowError, SK, item, listed_key, number, optional,
        required, string,
    },
};
use crate::{record::Record, state::State, timestamp::Timestamp};
use aws_sdk_dynamodb::types::{AttributeValue, Put};
use std::time::Duration;

/// Partition and sort key of the row. Rows of objects have a `#` in their partition.
const ROW: &str = "rescan";
/// How many rows of the index a page looks at.
const PAGE: i32 = 500;
/// For how long after a rule set was first seen functions with the one before it may still publish:
/// the longest invocation that Lambda allows. A walk that began earlier is not the last.
const OVERLAP: Duration = Duration::from_secs(900);

/// How far a walk is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// There are objects that it has not been at.
    UnderWay,
    /// It has been at every object, and some could not be scanned: another walk follows.
    Incomplete,
    /// Every object has been scanned.
    Finished,
}

impl Stage {
    const ALL: [(Self, &str); 3] =
        [(Self::UnderWay, "under_way"), (Self::Incomplete, "incomplete"), (Self::Finished, "finished")];

    fn as_str(self) -> &'static str {
        Self::ALL.into_iter().find_map(|(stage, name)| (stage == self).then_some(name)).unwrap_or_default()
    }

    fn read(item: &Item) -> Result<Self, RowError> {
        let name: String = required(item, "stage")?;
        Self::ALL
            .into_iter()
            .find_map(|(stage, known)| (known == name).then_some(stage))
            .ok_or(RowError::Attribute("stage"))
    }
}

/// How far the walk is.
#[derive(Clone, Debug)]
pub struct Walk {
    /// The rule set that objects are scanned with.
    pub rules: String,
    /// Objects looked at.
    pub scanned: u64,
    /// Objects recalled.
    pub recalled: u64,
    /// Objects that could not be looked at.
    pub failed: u64,
    /// When this rule set was first seen.
    seen_at: Timestamp,
    /// When this walk began.
    began_at: Timestamp,
    /// Whether it is over.
    pub stage: Stage,
    /// Where in the index the next page begins.
    next: Option<Item>,
    /// Counts the writes of the row.
    version: u64,
}

/// A part of the published objects.
#[derive(Debug)]
pub struct WalkPage {
    /// Those with an older rule set, and those whose recall was begun and not ended.
    pub records: Vec<Record>,
    next: Option<Item>,
}

impl Walk {
    fn new(rules: &str, seen_at: Timestamp, began_at: Timestamp, version: u64) -> Self {
        let rules = rules.to_owned();
        Self {
            rules,
            scanned: 0,
            recalled: 0,
            failed: 0,
            seen_at,
            began_at,
            stage: Stage::UnderWay,
            next: None,
            version,
        }
    }

    /// Some objects could not be scanned, or may have been published behind its back by a function that
    /// still had the rule set before this one.
    fn is_to_be_repeated(&self, now: Timestamp) -> bool {
        let settled_at = self.seen_at + OVERLAP;
        match self.stage {
            Stage::UnderWay => false,
            Stage::Incomplete => true,
            Stage::Finished => self.began_at < settled_at && now >= settled_at,
        }
    }

    /// The next page begins behind this object: were it read again first, one that takes all the time of a
    /// run, or as many as a run looks at that fail, would keep the walk from everything after them.
    pub fn pass(&mut self, record: &Record) {
        self.next = Some(listed_key(&record.object));
    }

    /// The page is done; goes on to the next one, if there is one.
    pub fn turn(&mut self, WalkPage { next, .. }: WalkPage) {
        self.stage = match (&next, self.failed) {
            (Some(_), _) => Stage::UnderWay,
            (None, 0) => Stage::Finished,
            (None, _) => Stage::Incomplete,
        };
        self.next = next;
    }

    fn to_item(&self) -> Item {
        let next = self.next.clone().map(|next| ("next", AttributeValue::M(next)));
        item(
            [
                (PK, string(ROW)),
                (SK, string(ROW)),
                // Not under the name that the index's filter looks at: this is no object.
                ("rule_set", string(&self.rules)),
                ("scanned", number(self.scanned)),
                ("recalled", number(self.recalled)),
                ("failed", number(self.failed)),
                ("seen_at", number(self.seen_at.as_millis())),
                ("began_at", number(self.began_at.as_millis())),
                ("stage", string(self.stage.as_str())),
                ("version", number(self.version + 1)),
            ]
            .into_iter()
            .chain(next),
        )
    }

    fn from_item(item: &Item) -> Result<Self, RowError> {
        let time = |name| Ok::<_, RowError>(Timestamp::from_millis(required(item, name)?));
        let next = match item.get("next") {
            None => None,
            Some(AttributeValue::M(next)) => Some(next.clone()),
            Some(_) => return Err(RowError::Attribute("next")),
        };
        Ok(Self {
            rules: required(item, "rule_set")?,
            scanned: required(item, "scanned")?,
            recalled: required(item, "recalled")?,
            failed: required(item, "failed")?,
            seen_at: time("seen_at")?,
            began_at: time("began_at")?,
            stage: Stage::read(item)?,
            next,
            version: optional(item, "version")?.unwrap_or(0),
        })
    }
}

impl Registry {
    /// The walk for `rules` where it was left; a new one if there is none. One call: GetItem.
    ///
    /// # Errors
    /// [`RegistryError`] when DynamoDB does not answer or the row is malformed.
    pub async fn walk(&self, rules: &str, now: Timestamp) -> Result<Walk, RegistryError> {
        let left = self.item(item([(PK, string(ROW)), (SK, string(ROW))])).await?;
        let left = left.as_ref().map(Walk::from_item).transpose()?;
        let version = left.as_ref().map_or(0, |walk| walk.version);
        Ok(match left {
            Some(walk) if walk.rules != rules => Walk::new(rules, now, now, version),
            Some(walk) if walk.is_to_be_repeated(now) => Walk::new(rules, walk.seen_at, now, version),
            Some(walk) => walk,
            None => Walk::new(rules, now, now, version),
        })
    }

    /// The page of a walk that is next. One call: Scan of the index of published objects, which lags behind the table.
    ///
    /// # Errors
    /// [`RegistryError`] when DynamoDB does not answer or a row is malformed.
    pub async fn walk_page(&self, walk: &Walk) -> Result<WalkPage, RegistryError> {
        let answer = self
            .client
            .scan()
            .table_name(&self.table)
            .index_name(BY_TENANT)
            .filter_expression(
                "(#state = :published AND (attribute_not_exists(#rules) OR #rules <> :rules)) \
                 OR (#state <> :published AND attribute_not_exists(#held_until))",
            )
            .expression_attribute_names("#rules", RULES)
            .expression_attribute_names("#held_until", HELD_UNTIL)
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":rules", string(&walk.rules))
            .expression_attribute_values(":published", string(State::Published))
            .limit(PAGE)
            .set_exclusive_start_key(walk.next.clone())
            .send()
            .await?;
        let records = answer.items().iter().map(row::record).collect::<Result<_, _>>()?;
        Ok(WalkPage { records, next: answer.last_evaluated_key })
    }

    /// Writes down how far a walk is. One call: TransactWriteItems.
    ///
    /// # Errors
    /// [`RegistryError::Busy`] when another run is at the same walk.
    pub async fn save_walk(&self, walk: &mut Walk) -> Result<(), RegistryError> {
        let put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(walk.to_item()))
            .condition_expression("attribute_not_exists(#version) OR #version = :seen")
            .expression_attribute_names("#version", "version")
            .expression_attribute_values(":seen", number(walk.version))
            .build()?;
        match self.write(Transaction::default().put(put)).await? {
            Written::All => {
                walk.version += 1;
                Ok(())
            }
            Written::Refused(_) => Err(RegistryError::Busy),
        }
    }
}
