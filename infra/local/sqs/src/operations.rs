//! The operations of SQS, from JSON to the store and back.

use crate::{Message, Sqs, SqsError, attributes::Attributes, now, outgoing::Outgoing};
use md5::{Digest, Md5};
use serde_json::{Map, Value, json};
use std::{collections::HashSet, ops::RangeInclusive, time::Duration};

/// The queue that a request is about: by URL, name or ARN.
pub(crate) fn queue_of(input: &Value) -> &str {
    let last =
        |text: &'static str, separator| input[text].as_str().and_then(|text| text.rsplit(separator).next());
    last("QueueUrl", '/')
        .or_else(|| last("SourceArn", ':'))
        .or_else(|| input["QueueName"].as_str())
        .unwrap_or_default()
}

pub(crate) async fn call(sqs: &Sqs, operation: &str, input: &Value) -> Result<Value, SqsError> {
    let queue = queue_of(input);
    match operation {
        "CreateQueue" => {
            let attributes = Attributes::from_json(&input["Attributes"])?;
            sqs.store().create(queue, &attributes)?;
            Ok(json!({ "QueueUrl": sqs.url(queue) }))
        }
        "GetQueueUrl" => {
            sqs.store().attributes(queue)?;
            Ok(json!({ "QueueUrl": sqs.url(queue) }))
        }
        "ListQueues" => {
            let names = sqs.store().names(input["QueueNamePrefix"].as_str().unwrap_or_default())?;
            Ok(json!({ "QueueUrls": names.iter().map(|name| sqs.url(name)).collect::<Vec<_>>() }))
        }
        "DeleteQueue" => done(sqs.store().drop_queue(queue)),
        "SetQueueAttributes" => {
            let attributes = Attributes::from_json(&input["Attributes"])?;
            let mut store = sqs.store();
            store.attributes(queue)?;
            done(store.create(queue, &attributes))
        }
        "GetQueueAttributes" => get_attributes(sqs, queue, input),
        "SendMessage" => send(sqs, queue, input),
        "SendMessageBatch" => batch(input, |entry| send(sqs, queue, entry)),
        "ReceiveMessage" => receive(sqs, queue, input).await,
        "DeleteMessage" => delete(sqs, queue, input),
        "DeleteMessageBatch" => batch(input, |entry| delete(sqs, queue, entry)),
        "ChangeMessageVisibility" => change_visibility(sqs, queue, input),
        "ChangeMessageVisibilityBatch" => batch(input, |entry| change_visibility(sqs, queue, entry)),
        "StartMessageMoveTask" => {
            let target = input["DestinationArn"].as_str().and_then(|arn| arn.rsplit(':').next());
            sqs.store().move_back(queue, target, now())?;
            sqs.changed.notify_waiters();
            Ok(json!({ "TaskHandle": "local" }))
        }
        _ => Err(SqsError::Unsupported(operation.to_owned())),
    }
}

fn done(result: Result<(), SqsError>) -> Result<Value, SqsError> {
    result.map(|()| json!({}))
}

/// A whole number of a request, if it is there.
fn number(input: &Value, name: &str, range: RangeInclusive<u64>) -> Result<Option<u64>, SqsError> {
    match &input[name] {
        Value::Null => Ok(None),
        value => match value.as_u64().filter(|number| range.contains(number)) {
            Some(number) => Ok(Some(number)),
            None => Err(SqsError::Invalid(format!("{name} must be within {range:?}."))),
        },
    }
}

fn seconds(input: &Value, name: &str, max: u64) -> Result<Option<Duration>, SqsError> {
    Ok(number(input, name, 0..=max)?.map(Duration::from_secs))
}

fn send(sqs: &Sqs, queue: &str, input: &Value) -> Result<Value, SqsError> {
    let body = input["MessageBody"].as_str().ok_or(SqsError::Missing("MessageBody"))?;
    let delay = seconds(input, "DelaySeconds", 900)?;
    let message = Outgoing {
        body,
        delay,
        message_attributes: &input["MessageAttributes"],
        group: input["MessageGroupId"].as_str(),
        deduplication_id: input["MessageDeduplicationId"].as_str(),
    };
    let sent = sqs.put(queue, &message)?;
    let mut answer = json!({ "MessageId": sent.id, "MD5OfMessageBody": hex::encode(Md5::digest(body)) });
    if let Some(number) = sent.sequence_number {
        answer["SequenceNumber"] = json!(number);
    }
    Ok(answer)
}

fn handle(input: &Value) -> Result<&str, SqsError> {
    input["ReceiptHandle"].as_str().ok_or(SqsError::Missing("ReceiptHandle"))
}

fn delete(sqs: &Sqs, queue: &str, input: &Value) -> Result<Value, SqsError> {
    done(sqs.delete(queue, handle(input)?))
}

fn change_visibility(sqs: &Sqs, queue: &str, input: &Value) -> Result<Value, SqsError> {
    let hidden =
        seconds(input, "VisibilityTimeout", 43_200)?.ok_or(SqsError::Missing("VisibilityTimeout"))?;
    done(sqs.change_visibility(queue, handle(input)?, hidden))
}

async fn receive(sqs: &Sqs, queue: &str, input: &Value) -> Result<Value, SqsError> {
    if !input["ReceiveRequestAttemptId"].is_null() {
        return Err(SqsError::Unsupported("ReceiveRequestAttemptId".to_owned()));
    }
    let max = number(input, "MaxNumberOfMessages", 1..=10)?.unwrap_or(1) as usize;
    let hidden_for = seconds(input, "VisibilityTimeout", 43_200)?;
    let wait = match seconds(input, "WaitTimeSeconds", 20)? {
        Some(wait) => wait,
        None => sqs.store().attributes(queue)?.seconds("ReceiveMessageWaitTimeSeconds"),
    };
    let messages = sqs.take(queue, max, wait, hidden_for).await?;
    if messages.is_empty() {
        return Ok(json!({}));
    }
    Ok(json!({ "Messages": messages.iter().map(|message| shown(message, input)).collect::<Vec<_>>() }))
}

/// What a receive answers of a message. Attributes come only when they are asked for, as on AWS: a
/// caller that forgets to ask must notice here.
fn shown(message: &Message, input: &Value) -> Value {
    let asked = |name: &str, lists: &[&str]| {
        let mut names = lists.iter().filter_map(|list| input[*list].as_array()).flatten();
        names.any(|asked| {
            let asked = asked.as_str().unwrap_or_default();
            asked == "All"
                || asked == name
                || asked.strip_suffix(".*").is_some_and(|start| name.starts_with(start))
        })
    };
    let attributes: Map<String, Value> = message
        .attributes
        .iter()
        .filter(|(name, _)| asked(name, &["AttributeNames", "MessageSystemAttributeNames"]))
        .map(|(name, value)| (name.clone(), json!(value)))
        .collect();
    let added = message.message_attributes.as_object().into_iter().flatten();
    let added: Map<String, Value> = added
        .filter(|(name, _)| asked(name, &["MessageAttributeNames"]))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    let mut value = json!({
        "MessageId": message.message_id,
        "ReceiptHandle": message.receipt_handle,
        "Body": message.body,
        "MD5OfBody": message.md5_of_body,
    });
    for (name, fields) in [("Attributes", attributes), ("MessageAttributes", added)] {
        if !fields.is_empty() {
            value[name] = Value::Object(fields);
        }
    }
    value
}

fn get_attributes(sqs: &Sqs, queue: &str, input: &Value) -> Result<Value, SqsError> {
    let store = sqs.store();
    let depth = store.depth(queue, now())?;
    let mut all = store.attributes(queue)?.all();
    for (name, value) in [
        ("QueueArn", sqs.arn(queue)),
        ("ApproximateNumberOfMessages", depth.visible.to_string()),
        ("ApproximateNumberOfMessagesNotVisible", depth.in_flight.to_string()),
        ("ApproximateNumberOfMessagesDelayed", depth.delayed.to_string()),
    ] {
        all.insert(name.to_owned(), value);
    }
    let wanted: HashSet<&str> =
        input["AttributeNames"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    if !wanted.contains("All") {
        all.retain(|name, _| wanted.contains(name.as_str()));
    }
    Ok(json!({ "Attributes": all }))
}

/// Runs each entry of a batch by itself; some may fail while others are done.
fn batch(input: &Value, run: impl Fn(&Value) -> Result<Value, SqsError>) -> Result<Value, SqsError> {
    let entries = input["Entries"].as_array().map(Vec::as_slice).unwrap_or_default();
    if entries.is_empty() {
        return Err(SqsError::EmptyBatch);
    }
    if entries.len() > 10 {
        return Err(SqsError::LargeBatch);
    }
    let ids: HashSet<&str> = entries.iter().filter_map(|entry| entry["Id"].as_str()).collect();
    if ids.len() < entries.len() {
        return Err(SqsError::RepeatedId);
    }
    let (mut successful, mut failed) = (Vec::new(), Vec::new());
    for entry in entries {
        match run(entry) {
            Ok(output) => {
                let mut output: Map<String, Value> = output.as_object().cloned().unwrap_or_default();
                output.insert("Id".to_owned(), entry["Id"].clone());
                successful.push(Value::Object(output));
            }
            Err(error) => failed.push(json!({
                "Id": entry["Id"], "Code": error.codes().1, "Message": error.to_string(), "SenderFault": true
            })),
        }
    }
    Ok(json!({ "Successful": successful, "Failed": failed }))
}
