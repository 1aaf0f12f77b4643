//! Reading templates: the model, the errors, and that nothing else decides what is brought up.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

use airlock_local_template::{EventSource, Surroundings, Template, TemplateError, read};
use insta::assert_snapshot;
use proptest::prelude::*;
use std::collections::BTreeMap;

const REAL: &str = include_str!("../../../../template.yaml");

fn surroundings(parameters: &[(&str, &str)]) -> Surroundings {
    Surroundings {
        region: "us-east-1".to_owned(),
        account_id: "000000000000".to_owned(),
        stack_name: "airlock".to_owned(),
        sqs_endpoint: "http://sqs".to_owned(),
        issuer: "http://issuer".to_owned(),
        parameters: parameters
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
    }
}

fn real(from: &str, to: &str) -> Template {
    assert!(REAL.contains(from), "{from:?} is not in the template");
    read(&REAL.replace(from, to), &surroundings(&[])).unwrap()
}

fn error(source: &str) -> String {
    read(source, &surroundings(&[])).unwrap_err().to_string()
}

/// A template with one resource.
fn resource(kind: &str, properties: &str) -> String {
    format!("Resources:\n  X:\n    Type: {kind}\n    Properties: {properties}\n")
}

#[test]
fn the_template_of_this_repository_is_understood() {
    let template = real("Airlock", "Airlock");
    insta::assert_yaml_snapshot!(template);
}

#[test]
fn a_new_name_in_the_template_is_a_new_name_in_the_stack() {
    let template = real("Path: /objects }", "Path: /things }");
    let paths: Vec<&str> = template
        .functions
        .iter()
        .flat_map(|function| &function.events)
        .filter_map(|event| match event {
            EventSource::Http { path, .. } => Some(path.as_str()),
            _ => None,
        })
        .collect();
    assert!(paths.contains(&"/things") && !paths.contains(&"/objects"));

    let template = real("ScanQueue", "InspectionQueue");
    assert!(template.queues.iter().any(|queue| queue.name == "airlock-InspectionQueue.fifo"));
    let scan = template.functions.iter().find(|function| function.logical_id == "ScanUpload").unwrap();
    let queues: Vec<&EventSource> = scan.events.iter().collect();
    assert!(
        matches!(queues[..], [EventSource::Sqs { queue_name, .. }] if queue_name == "airlock-InspectionQueue.fifo")
    );

    let template = real("MAX_UPLOAD_BYTES", "LARGEST_UPLOAD");
    let create = template.functions.iter().find(|function| function.logical_id == "CreateUpload").unwrap();
    assert_eq!(create.environment["LARGEST_UPLOAD"], "104857600");

    let template = real("IndexName: by-tenant", "IndexName: of-tenant");
    assert_eq!(template.tables[0].create_request["GlobalSecondaryIndexes"][0]["IndexName"], "of-tenant");
}

#[test]
fn a_property_that_is_not_understood_is_named() {
    for kind in [
        "AWS::S3::Bucket",
        "AWS::SQS::Queue",
        "AWS::DynamoDB::Table",
        "AWS::Serverless::HttpApi",
        "AWS::S3::BucketPolicy",
    ] {
        let properties = "{Bucket: x, PolicyDocument: {}, Colour: red}";
        let properties = if kind.ends_with("Policy") { properties } else { "{Colour: red}" };
        assert_eq!(
            error(&resource(kind, properties)),
            "X: the local stack does not know the property Colour; remove it, or teach infra/local/template"
        );
    }
    let function =
        |more: &str| error(&resource("AWS::Serverless::Function", &format!("{{CodeUri: a/b/, {more}}}")));
    assert_snapshot!(function("Colour: red"), @"X: the local stack does not know the property Colour; remove it, or teach infra/local/template");
    assert_snapshot!(function("Events: {E: {Type: SNS}}"), @"X.Events.E: the local stack does not know the event type SNS; remove it, or teach infra/local/template");
    assert_snapshot!(function("Events: {E: {Type: SQS, Properties: {Queue: q, Enabled: no}}}"), @"X.Events.E.Properties: the local stack does not know the property Enabled; remove it, or teach infra/local/template");
    assert_snapshot!(function("Events: {E: {Type: Schedule, Properties: {Schedule: cron(* * * * ? *)}}}"), @"X.Events.E.Properties.Schedule: the local stack does not know the schedule cron(* * * * ? *); rate(…) is known; remove it, or teach infra/local/template");
    assert_snapshot!(error("Globals: {Api: {}}"), @"Globals: the local stack does not know the property Api; remove it, or teach infra/local/template");
    assert_snapshot!(error(&resource("AWS::S3::Bucket", "{LifecycleConfiguration: {Rules: [{Status: Enabled, Transitions: []}]}}")), @"X.LifecycleConfiguration.Rules[0]: the local stack does not know the property Transitions; remove it, or teach infra/local/template");
}

#[test]
fn what_is_wrong_says_where() {
    assert_snapshot!(error(&resource("AWS::S3::Bucket", "{BucketName: !Ref Nobody}")), @"X.BucketName refers to Nobody, which the template does not have");
    assert_snapshot!(error(&resource("AWS::S3::Bucket", "{BucketName: !Ref X}")), @"X.BucketName: refers to itself in a circle");
    assert_snapshot!(error(&resource("AWS::SQS::Queue", "{VisibilityTimeout: soon}")), @r#"X.VisibilityTimeout: "soon" is not a whole number that fits"#);
    assert_snapshot!(error(&resource("AWS::SQS::Queue", "{QueueName: !ImportValue x}")), @"X.QueueName: the local stack does not know Fn::ImportValue; remove it, or teach infra/local/template");
    assert_snapshot!(error("Resources: {X: {Type: AWS::SQS::Queue, Condition: C}}"), @"X refers to the condition C, which the template does not have");
    assert_snapshot!(error("Parameters: {P: {Type: String}}\nResources: {X: {Type: AWS::SQS::Queue, Properties: {QueueName: !Ref P}}}"), @"parameter P: it has no default and no value was given; X.QueueName needs it");
    assert_snapshot!(error("Parameters: {P: {Type: Number, Default: 5, MaxValue: 4}}"), @"parameter P: 5 is out of bounds");
    assert_snapshot!(error("Parameters: {P: {Type: String, Default: x, AllowedValues: [a, b]}}"), @r#"parameter P: "x" is not one of a, b"#);
    assert_snapshot!(error("Parameters: {P: {Type: String, Default: x, AllowedPattern: '[0-9]+'}}"), @r#"parameter P: "x" does not match AllowedPattern"#);
    let given = read("Parameters: {}", &surroundings(&[("Q", "1")])).unwrap_err();
    assert_snapshot!(given, @"parameter Q: the template has no such parameter");
}

#[test]
fn a_fifo_queue_has_its_attributes_and_a_name_that_says_so() {
    let source = "
Resources:
  Work:
    Type: AWS::SQS::Queue
    Properties:
      FifoQueue: true
      ContentBasedDeduplication: false
      DeduplicationScope: messageGroup
      FifoThroughputLimit: perMessageGroupId
      RedrivePolicy: { deadLetterTargetArn: !GetAtt Dead.Arn, maxReceiveCount: 3 }
  Dead: { Type: AWS::SQS::Queue, Properties: { FifoQueue: true, QueueName: dead.fifo } }
Outputs:
  Url: { Value: !Ref Work }
";
    let template = read(source, &surroundings(&[])).unwrap();
    assert_eq!(template.outputs["Url"], "http://sqs/000000000000/airlock-Work.fifo");
    let queue = |id: &str| template.queues.iter().find(|queue| queue.logical_id == id).unwrap();
    assert_eq!(
        (queue("Work").name.as_str(), queue("Dead").name.as_str()),
        ("airlock-Work.fifo", "dead.fifo")
    );
    insta::assert_yaml_snapshot!(queue("Work").attributes, @r#"
    ContentBasedDeduplication: "false"
    DeduplicationScope: messageGroup
    FifoQueue: "true"
    FifoThroughputLimit: perMessageGroupId
    RedrivePolicy: "{\"deadLetterTargetArn\":\"arn:aws:sqs:us-east-1:000000000000:dead.fifo\",\"maxReceiveCount\":3}"
    "#);
    assert_snapshot!(error(&resource("AWS::SQS::Queue", "{FifoQueue: false}")), @"X.FifoQueue: must be true or not be there");
}

#[test]
fn versions_and_markers_have_rules_of_their_own() {
    let bucket = |rule: &str| {
        let properties = format!(
            "{{VersioningConfiguration: {{Status: Enabled}}, LifecycleConfiguration: {{Rules: [{rule}]}}}}"
        );
        resource("AWS::S3::Bucket", &properties)
    };
    let rule = "{Status: Enabled, NoncurrentVersionExpiration: {NoncurrentDays: 2}, ExpiredObjectDeleteMarker: true}";
    let template = read(&bucket(rule), &surroundings(&[])).unwrap();
    let (versioned, rule) = (template.buckets[0].versioned, &template.buckets[0].lifecycle[0]);
    assert!(versioned && rule.expired_object_delete_marker);
    assert_eq!((rule.noncurrent_days, rule.expiration_days), (Some(2), None));
    let both = bucket("{Status: Enabled, ExpirationInDays: 1, ExpiredObjectDeleteMarker: true}");
    assert_snapshot!(error(&both), @"X.LifecycleConfiguration.Rules[0].ExpiredObjectDeleteMarker: cannot stand beside ExpirationInDays, which removes such markers as well");
    let more = bucket("{Status: Enabled, NoncurrentVersionExpiration: {NewerNoncurrentVersions: 1}}");
    assert_snapshot!(error(&more), @"X.LifecycleConfiguration.Rules[0].NoncurrentVersionExpiration: the local stack does not know the property NewerNoncurrentVersions; remove it, or teach infra/local/template");
}

#[test]
fn a_mapping_has_the_limits_of_its_queue() {
    let source = |queue: &str, more: &str| {
        let event = format!("{{Type: SQS, Properties: {{Queue: 'arn:aws:sqs:r:0:{queue}', {more}}}}}");
        let function =
            resource("AWS::Serverless::Function", &format!("{{CodeUri: a/b/, Events: {{E: {event}}}}}"));
        format!("Parameters: {{Most: {{Type: Number, Default: 7}}}}\n{function}")
    };
    let template = read(
        &source("q.fifo", "BatchSize: 10, ScalingConfig: {MaximumConcurrency: !Ref Most}"),
        &surroundings(&[]),
    );
    let template = template.unwrap();
    let [EventSource::Sqs { batch_size: 10, maximum_concurrency: Some(7), .. }] =
        template.functions[0].events[..]
    else {
        panic!("{:?}", template.functions[0].events)
    };
    assert_snapshot!(error(&source("q.fifo", "BatchSize: 11")), @"X.Events.E.Properties.BatchSize: must be at most 10 for a FIFO queue");
    assert_snapshot!(error(&source("q.fifo", "MaximumBatchingWindowInSeconds: 1")), @"X.Events.E.Properties.MaximumBatchingWindowInSeconds: is not for FIFO queues");
    for max in [1, 1001] {
        let more = format!("ScalingConfig: {{MaximumConcurrency: {max}}}");
        assert_eq!(
            error(&source("q", &more)),
            "X.Events.E.Properties.ScalingConfig.MaximumConcurrency: must be within 2 to 1000"
        );
    }
    assert!(
        read(&source("q", "BatchSize: 100, MaximumBatchingWindowInSeconds: 5"), &surroundings(&[])).is_ok()
    );
}

#[test]
fn intrinsic_functions_are_resolved() {
    let source = r#"
Parameters:
  Stage: { Type: String, Default: dev }
  Names: { Type: CommaDelimitedList, Default: "a, b" }
Mappings:
  Sizes: { dev: { Max: 7 }, prod: { Max: 9 } }
Conditions:
  IsDev: !Equals [!Ref Stage, dev]
  IsProd: !Not [!Condition IsDev]
  Either: !Or [!Condition IsProd, !And [!Condition IsDev, !Equals [a, a]]]
Resources:
  Queue: { Type: AWS::SQS::Queue, Properties: { VisibilityTimeout: !If [IsProd, 9, !Ref AWS::NoValue] } }
  Absent: { Type: AWS::SQS::Queue, Condition: IsProd }
  Other: { Type: AWS::Events::EventBus, Properties: { Name: !ImportValue only-aws-knows } }
Outputs:
  Join: { Value: !Join ["-", [!Ref Stage, x]] }
  Select: { Value: !Select [1, !Ref Names] }
  Split: { Value: !Select [1, !Split [":", "a:b:c"]] }
  Sub: { Value: !Sub "${Stage}.${Queue.QueueName}.${!Literal}.${AWS::Region}" }
  SubMap: { Value: !Sub ["${A}${Stage}", { A: !Ref Stage }] }
  Find: { Value: !FindInMap [Sizes, !Ref Stage, Max] }
  Url: { Value: !Ref Queue }
  Arn: { Value: !GetAtt Queue.Arn }
  Chosen: { Value: !If [Either, yes, no] }
  Hidden: { Condition: IsProd, Value: x }
"#;
    let template = read(source, &surroundings(&[])).unwrap();
    insta::assert_yaml_snapshot!(template.outputs, @r#"
    Arn: "arn:aws:sqs:us-east-1:000000000000:airlock-Queue"
    Chosen: "yes"
    Find: "7"
    Join: dev-x
    Select: b
    Split: b
    Sub: "dev.airlock-Queue.${Literal}.us-east-1"
    SubMap: devdev
    Url: "http://sqs/000000000000/airlock-Queue"
    "#);
    assert_eq!(template.queues.len(), 1);
    assert_eq!(template.queues[0].attributes, BTreeMap::new());
    assert_eq!(template.not_simulated, [("Other".to_owned(), "AWS::Events::EventBus".to_owned())]);
    let prod = read(source, &surroundings(&[("Stage", "prod")])).unwrap();
    assert_eq!((prod.queues.len(), prod.outputs["Hidden"].as_str()), (2, "x"));
}

#[test]
fn the_local_issuer_stands_in_for_the_deployments() {
    let api = real("Airlock", "Airlock").api.unwrap();
    assert_eq!(api.authorizer.unwrap().issuer, "http://issuer");
}

proptest! {
    #[test]
    fn nothing_that_is_written_can_break_it(source in "[ -~\n]{0,200}") {
        let _: Result<Template, TemplateError> = read(&source, &surroundings(&[]));
    }

    #[test]
    fn nor_can_a_template_with_a_piece_cut_out(start in 0usize..REAL.len(), length in 0usize..200) {
        let end = REAL.floor_char_boundary((start + length).min(REAL.len()));
        let start = REAL.floor_char_boundary(start);
        let _: Result<Template, TemplateError> = read(&(REAL[..start].to_owned() + &REAL[end..]), &surroundings(&[]));
    }
}
