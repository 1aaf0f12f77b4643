//! Bucket policies, as far as they are enforced: explicit denials to everybody. What principals
//! are allowed to do is not enforced yet; this is where it will be.

use serde_json::Value;
use std::collections::HashMap;

/// One request, as a policy sees it.
pub(crate) struct Asked<'a> {
    /// Such as `s3:PutObject`.
    pub(crate) action: &'a str,
    /// The ARN of the object or the bucket.
    pub(crate) resource: &'a str,
    /// Condition keys in lower case; one that the request lacks is not here.
    pub(crate) context: HashMap<&'static str, String>,
}

/// Whether a statement of the policy denies the request to everybody.
pub(crate) fn denies(policy: &Value, asked: &Asked<'_>) -> bool {
    list(&policy["Statement"]).iter().any(|statement| {
        statement["Effect"] == "Deny"
            && (statement["Principal"] == "*" || statement["Principal"]["AWS"] == "*")
            && list(&statement["Action"]).iter().any(|action| matches(text(action), asked.action))
            && list(&statement["Resource"]).iter().any(|resource| matches(text(resource), asked.resource))
            && holds(&statement["Condition"], asked)
    })
}

/// A value that may be single or a list.
fn list(value: &Value) -> &[Value] {
    match value {
        Value::Array(items) => items,
        Value::Null => &[],
        single => std::slice::from_ref(single),
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// `*` stands for any text, `?` for any character (IAM User Guide).
fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut at, mut in_text, mut star) = (0, 0, None);
    while in_text < text.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, in_text));
                at += 1;
            }
            Some(c) if *c == '?' || *c == text[in_text] => {
                at += 1;
                in_text += 1;
            }
            _ => match star {
                Some((back, from)) => {
                    star = Some((back, from + 1));
                    at = back + 1;
                    in_text = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|c| *c == '*')
}

/// Every condition must hold for the statement to apply. One that is not understood does not hold
/// for a denial only if its key is about transport, which is never TLS here; any other denies.
fn holds(condition: &Value, asked: &Asked<'_>) -> bool {
    let operators = condition.as_object().into_iter().flatten();
    operators
        .flat_map(|(operator, keys)| {
            keys.as_object().into_iter().flatten().map(move |(key, wanted)| (operator, key, wanted))
        })
        .all(|(operator, key, wanted)| {
            let key = key.to_lowercase();
            if key == "aws:securetransport" {
                return false;
            }
            let found = asked.context.iter().find(|(name, _)| **name == key).map(|(_, value)| value.as_str());
            let wanted: Vec<&str> = list(wanted).iter().map(text).collect();
            match operator.as_str() {
                "Null" => wanted.contains(&if found.is_none() { "true" } else { "false" }),
                "StringEquals" => found.is_some_and(|found| wanted.contains(&found)),
                "StringNotEquals" => found.is_none_or(|found| !wanted.contains(&found)),
                "NumericGreaterThan" => {
                    let number = |text: &str| text.parse::<f64>().ok();
                    let limit = wanted.first().and_then(|wanted| number(wanted));
                    found.and_then(number).zip(limit).is_some_and(|(found, limit)| found > limit)
                }
                _ => true,
            }
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn denied(statement: Value, context: &[(&'static str, &str)]) -> bool {
        let asked = Asked {
            action: "s3:PutObject",
            resource: "arn:aws:s3:::b/quarantine/x",
            context: context.iter().map(|(name, value)| (*name, (*value).to_owned())).collect(),
        };
        denies(&json!({ "Statement": [statement] }), &asked)
    }

    fn deny(condition: Value) -> Value {
        json!({
            "Effect": "Deny", "Principal": "*", "Action": "s3:Put*", "Resource": "arn:aws:s3:::b/*",
            "Condition": condition
        })
    }

    #[test]
    fn t01_a_put_without_if_none_match_is_denied() {
        let rule = || deny(json!({ "Null": { "s3:if-none-match": "true" } }));
        assert!(denied(rule(), &[]));
        assert!(!denied(rule(), &[("s3:if-none-match", "*")]));
    }

    #[test]
    fn c04_an_old_signature_is_denied() {
        let rule = || deny(json!({ "NumericGreaterThan": { "s3:signatureAge": "900000" } }));
        assert!(!denied(rule(), &[("s3:signatureage", "900000")]));
        assert!(denied(rule(), &[("s3:signatureage", "900001")]));
    }

    #[test]
    fn only_what_is_named_is_denied() {
        assert!(denied(deny(json!({})), &[]));
        let mut other = deny(json!({}));
        other["Action"] = json!(["s3:GetObject", "s3:DeleteObject"]);
        assert!(!denied(other, &[]));
        let mut other = deny(json!({}));
        other["Resource"] = json!("arn:aws:s3:::b/published/*");
        assert!(!denied(other, &[]));
        assert!(!denied(deny(json!({ "Bool": { "aws:SecureTransport": "false" } })), &[]));
        assert!(matches("a*c?e", "abbbcde") && !matches("a*c?e", "abbbce") && matches("*", ""));
    }
}
