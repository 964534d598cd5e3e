//! Every shape that a trail, an audit log or a list is exported in tells the same.

use super::{read_text, samples};
use serde_json::{Value, json};
use volprobe::cloud::{Detail, Interval};

fn sample(name: &str) -> String {
    std::fs::read_to_string(samples().join(name)).unwrap()
}

fn value(name: &str) -> Value {
    serde_json::from_str(&sample(name)).unwrap()
}

type Told = Vec<(Interval, Detail)>;

/// What this text tells; nothing of it is not understood.
fn told(what: &str, text: &str) -> Told {
    let (reports, intake) = read_text(text);
    assert_eq!(reports[0].rejected, [], "{what}");
    intake
        .events
        .into_iter()
        .map(|event| (event.at, event.detail))
        .collect()
}

/// That each of these texts tells the same as the sample.
fn same(name: &str, shapes: &[(&str, String)]) {
    let expected = told(name, &sample(name));
    assert!(!expected.is_empty(), "{name}");
    for (shape, text) in shapes {
        assert_eq!(told(shape, text), expected, "{name}, {shape}");
    }
}

fn lines(records: &[Value]) -> String {
    records.iter().map(|record| format!("{record}\n")).collect()
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap()
}

fn doubled(records: &[Value]) -> Vec<Value> {
    let mut all = records.to_vec();
    all.extend(records.iter().rev().cloned());
    all
}

#[test]
fn actiontrail() {
    let array = value("actiontrail.json");
    let event = array[0].clone();
    let mut as_text = event.clone();
    as_text["requestParameters"]["NewSize"] = json!("40");
    let mut more = event.clone();
    more["errorCode"] = json!("");
    more["errorMessage"] = json!("");
    let mut bare = event.clone();
    bare["requestParameters"]
        .as_object_mut()
        .unwrap()
        .remove("DiskId");
    bare.as_object_mut().unwrap().remove("requestId");
    same(
        "actiontrail.json",
        &[
            ("object", pretty(&event)),
            ("one line", event.to_string()),
            (
                "LookupEvents",
                json!({"Events": [event], "RequestId": "x"}).to_string(),
            ),
            (
                "pages of LookupEvents",
                json!([{"Events": [event]}, {"Events": [event]}]).to_string(),
            ),
            (
                "row of SLS",
                json!({"__time__": "1", "event": event}).to_string(),
            ),
            (
                "row of SLS, text",
                json!({"__time__": "1", "event": event.to_string()}).to_string(),
            ),
            (
                "rows of SLS",
                lines(&[json!({"event": event}), json!({"event": event.to_string()})]),
            ),
            ("size as text", as_text.to_string()),
            ("empty error", more.to_string()),
            ("without optional members", bare.to_string()),
            ("twice", json!([event, event]).to_string()),
        ],
    );
}

#[test]
fn cloudtrail() {
    let records = value("cloudtrail.json");
    let record = records["Records"][0].clone();
    let looked_up = json!({"EventId": "1", "EventName": "ModifyVolume", "EventTime": 1_773_213_296.0,
        "CloudTrailEvent": record.to_string()});
    let mut as_text = record.clone();
    as_text["requestParameters"]["ModifyVolumeRequest"]["Size"] = json!("40");
    let mut lower = record.clone();
    lower["requestParameters"] = json!({"volumeId": "vol-0123456789abcdef0", "size": 40});
    same(
        "cloudtrail.json",
        &[
            ("record", pretty(&record)),
            ("array", json!([record]).to_string()),
            ("JSON lines", lines(&[record.clone(), record.clone()])),
            ("LookupEvents", json!({"Events": [looked_up]}).to_string()),
            (
                "LookupEvents as lines",
                lines(&[looked_up.clone(), looked_up]),
            ),
            (
                "EventBridge",
                json!({"id": "2", "detail-type": "AWS API Call via CloudTrail",
                "time": "2026-03-11T07:14:56Z", "detail": record})
                .to_string(),
            ),
            ("size as text", as_text.to_string()),
            ("request of another shape", lower.to_string()),
        ],
    );
}

#[test]
fn a_notification_of_ebs_tells_the_end() {
    let notification = |result: &str| {
        json!({"version": "0", "id": format!("id-{result}"), "detail-type": "EBS Volume Notification",
            "source": "aws.ec2", "time": "2026-03-11T07:15:00Z",
            "resources": ["arn:aws:ec2:us-east-1:111122223333:volume/vol-0123456789abcdef0"],
            "detail": {"result": result, "cause": "", "event": "modifyVolume", "request-id": result}})
    };
    let all = ["optimizing", "completed", "failed"].map(notification);
    let states: Vec<String> = told("EBS", &lines(&all))
        .into_iter()
        .map(|(_, detail)| match detail {
            Detail::ApiResize(call) => {
                format!(
                    "{} {:?} {:?}",
                    call.disk_id.unwrap(),
                    call.state,
                    call.error
                )
            }
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        states,
        [
            "vol-0123456789abcdef0 Completed None",
            "vol-0123456789abcdef0 Completed None",
            "vol-0123456789abcdef0 Failed Some(\"failed\")",
        ]
    );
}

#[test]
fn modifications_of_ebs() {
    let list = value("aws-volumes-modifications.json");
    let modification = list["VolumesModifications"][0].clone();
    let mut offset = modification.clone();
    offset["StartTime"] = json!("2026-03-11T08:14:56.000+01:00");
    offset["OriginalSize"] = json!("20");
    same(
        "aws-volumes-modifications.json",
        &[
            ("object", modification.to_string()),
            ("array", json!([modification]).to_string()),
            (
                "twice",
                json!({"VolumesModifications": [modification, modification]}).to_string(),
            ),
            ("with another offset", offset.to_string()),
        ],
    );
}

#[test]
fn gcp_audit() {
    let entries = value("gcp-audit.json");
    let entries = entries.as_array().unwrap();
    let mut reversed = entries.clone();
    reversed.reverse();
    let mut numbers = entries.clone();
    for entry in &mut numbers {
        if let Some(size) = entry.pointer_mut("/protoPayload/request/sizeGb") {
            *size = json!(40);
        }
    }
    same(
        "gcp-audit.json",
        &[
            ("JSON lines", lines(entries)),
            ("entries.list", json!({"entries": entries}).to_string()),
            ("out of order", lines(&reversed)),
            ("size as a number", lines(&numbers)),
            ("twice", lines(&doubled(entries))),
        ],
    );
}

#[test]
fn azure_activity() {
    let events = value("azure-activity.json");
    let events = events.as_array().unwrap();
    let mut upper = events.clone();
    for event in &mut upper {
        let id = event["resourceId"].as_str().unwrap().to_uppercase();
        event["resourceId"] = json!(id);
        event["operationName"]["value"] = json!("MICROSOFT.COMPUTE/DISKS/WRITE");
    }
    let mut reversed = events.clone();
    reversed.reverse();
    same(
        "azure-activity.json",
        &[
            ("REST", json!({"value": events}).to_string()),
            (
                "pages",
                json!([{"value": [events[0]]}, {"value": [events[1], events[2]]}]).to_string(),
            ),
            ("JSON lines", lines(events)),
            ("upper case", json!(upper).to_string()),
            ("out of order", json!(reversed).to_string()),
            ("twice", json!(doubled(events)).to_string()),
        ],
    );
    let records: Vec<Value> = events
        .iter()
        .map(|event| {
            let status = event["status"]["value"].as_str().unwrap();
            let result = match status {
                "Started" => "Start",
                "Accepted" => "Accept",
                _ => "Success",
            };
            let mut properties = event["properties"].clone();
            if let Some(body) = properties.as_object_mut().unwrap().remove("requestbody") {
                properties["requestBody"] = body;
            }
            json!({"time": event["eventTimestamp"], "resultType": result,
                "resourceId": event["resourceId"].as_str().unwrap().to_uppercase(),
                "operationName": "MICROSOFT.COMPUTE/DISKS/WRITE", "caller": event["caller"],
                "correlationId": event["correlationId"], "properties": properties})
        })
        .collect();
    same(
        "azure-activity.json",
        &[
            (
                "diagnostic settings",
                json!({"records": records}).to_string(),
            ),
            ("diagnostic settings, lines", lines(&records)),
        ],
    );
}

#[test]
fn kubernetes_audit() {
    let text = sample("k8s-audit.jsonl");
    let events: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let mut stages = Vec::new();
    for event in &events {
        let mut received = event.clone();
        received["stage"] = json!("RequestReceived");
        stages.extend([received, event.clone()]);
    }
    let without_kind = events.iter().map(|event| {
        let mut event = event.clone();
        event.as_object_mut().unwrap().remove("kind");
        event.as_object_mut().unwrap().remove("apiVersion");
        event
    });
    let list: Vec<Value> = without_kind.collect();
    let mut patched = events.clone();
    for event in &mut patched {
        if event.pointer("/requestObject/spec/resources").is_some() {
            event["requestObject"] = json!([
                {"op": "replace", "path": "/spec/resources/requests/storage", "value": "40Gi"},
                {"op": "test", "path": "/spec/resources/requests/storage", "value": "40Gi"},
            ]);
        }
    }
    same(
        "k8s-audit.jsonl",
        &[
            (
                "EventList",
                json!({"kind": "EventList", "apiVersion": "audit.k8s.io/v1",
                "items": list})
                .to_string(),
            ),
            ("array", pretty(&json!(events))),
            ("all stages", lines(&stages)),
            ("JSON patch", lines(&patched)),
            ("twice", lines(&[events.clone(), events].concat())),
        ],
    );
}

#[test]
fn kubernetes_events() {
    let list = value("k8s-events.json");
    let items = list["items"].as_array().unwrap();
    let mut reversed = items.clone();
    reversed.reverse();
    same(
        "k8s-events.json",
        &[
            (
                "EventList",
                json!({"kind": "EventList", "apiVersion": "v1", "items": items}).to_string(),
            ),
            ("JSON lines", lines(items)),
            ("out of order, twice", lines(&doubled(&reversed))),
        ],
    );
}

#[test]
fn an_event_that_counts_is_told_first_and_last() {
    let event = json!({"kind": "Event", "apiVersion": "v1", "reason": "VolumeResizeFailed",
        "message": "no", "count": 7, "type": "Warning",
        "metadata": {"name": "mysql-0.189bb8198018b4d9", "namespace": "db", "uid": "1"},
        "firstTimestamp": "2026-03-11T07:14:57Z", "lastTimestamp": "2026-03-11T07:20:00Z",
        "involvedObject": {"kind": "Pod", "namespace": "db", "name": "mysql-0"}});
    let times: Vec<i64> = told("count", &event.to_string())
        .iter()
        .map(|(at, _)| at.start_ns)
        .collect();
    // The name dates the first, to the ns.
    assert_eq!(times, [0x189b_b819_8018_b4d9, 1_773_213_600_000_000_000]);
}

#[test]
fn kubernetes_objects() {
    let list = value("pvc-pv-va.json");
    let (_, whole) = read_text(&list.to_string());
    assert_eq!(whole.objects.claims.len(), 1);
    let items = list["items"].as_array().unwrap();
    for (shape, text) in [
        ("JSON lines", lines(items)),
        (
            "one object after the other",
            items.iter().map(pretty).collect(),
        ),
        (
            "lists in an array",
            json!([list, {"kind": "List", "items": []}]).to_string(),
        ),
    ] {
        let (reports, intake) = read_text(&text);
        assert_eq!(reports[0].rejected, [], "{shape}");
        assert_eq!(intake.objects, whole.objects, "{shape}");
    }
}

#[test]
fn a_record_that_is_damaged_stops_no_other() {
    let good = value("actiontrail.json")[0].to_string();
    let text = format!(
        "{{\"eventName\":\"Res\n{good}\n[1,2\n\"x\"\n{{\"eventName\":\"ResizeDisk\",\
        \"acsRegion\":\"r\"}}\n{{\"other\":1}}\n"
    );
    let (reports, intake) = read_text(&text);
    let lines: Vec<u64> = reports[0]
        .rejected
        .iter()
        .map(|rejected| rejected.line)
        .collect();
    assert_eq!(lines, [1, 3, 4, 5, 6]);
    assert_eq!((intake.events.len(), reports[0].rejected_total), (1, 5));
}
