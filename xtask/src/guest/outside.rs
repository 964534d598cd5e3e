//! What the cloud and Kubernetes would have written down of what is played in a
//! machine, in their own formats, with the times of its clock.
//!
//! The forms are those of audit.k8s.io/v1, `kubectl get -o json`, Alibaba Cloud's
//! `ActionTrail`, and kubelet's klog lines.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use jiff::Timestamp;
use serde_json::{Value, json};

/// The files that are written, in a folder of their own.
const FILES: &[&str] = &[
    "audit.jsonl",
    "actiontrail.json",
    "claims.json",
    "kubelet.log",
];

const NAMESPACE: &str = "db";
const DRIVER: &str = "diskplugin.csi.alibabacloud.com";
const NODE: &str = "volprobe-vm";

/// Who enlarges a claim, in the stories.
pub(super) const OPERATOR: &str = "system:serviceaccount:db:example-operator";

/// A claim, and the disk that is bound to it.
#[derive(Debug, Clone)]
pub(super) struct Claim {
    /// Its name, in the namespace `db`.
    pub name: String,
    /// The cloud's id of the disk, which is also the persistent volume's name.
    pub disk_id: String,
    /// What is asked for, in GiB.
    request: u64,
    /// What its status has, in GiB.
    status: u64,
}

/// How the cloud answers a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    /// It takes it.
    Accepted,
    /// It takes it, and does it at the next restart.
    Offline,
    /// It refuses, with this error code.
    Refused(&'static str),
}

/// The writers of all files.
#[derive(Debug)]
pub(super) struct Outside {
    dir: PathBuf,
    claims: Vec<Claim>,
    audit: Vec<Value>,
    trail: Vec<Value>,
    kubelet: String,
}

impl Outside {
    /// Nothing has been written down yet. The files come into this folder.
    pub(super) fn new(dir: &Path) -> Self {
        Self {
            dir: dir.to_owned(),
            claims: Vec::new(),
            audit: Vec::new(),
            trail: Vec::new(),
            kubelet: String::new(),
        }
    }

    /// A claim of so many GiB on a disk, which is attached now.
    pub(super) fn claim(&mut self, name: &str, disk_id: &str, gib: u64) -> Result<()> {
        self.claims.push(Claim {
            name: name.to_owned(),
            disk_id: disk_id.to_owned(),
            request: gib,
            status: gib,
        });
        let record = self.trail_record("AttachDisk", disk_id, &json!({"DiskId": disk_id}));
        self.trail.push(record);
        self.save()
    }

    /// Somebody enlarges the claim, now.
    pub(super) fn request(&mut self, name: &str, gib: u64) -> Result<()> {
        let number = self.audit.len();
        let claim = self.get(name)?;
        claim.request = gib;
        let size = json!({"resources": {"requests": {"storage": quantity(gib)}}});
        let mut record = patch(number, "persistentvolumeclaims", name, OPERATOR);
        record["requestObject"] = json!({ "spec": size });
        let mut object = claim.object();
        object["status"]["capacity"]["storage"] = json!(quantity(claim.status));
        record["responseObject"] = object;
        self.audit.push(record);
        self.save()
    }

    /// The controller calls `ResizeDisk` for a disk, now.
    pub(super) fn call(&mut self, disk_id: &str, gib: u64, answer: Answer) -> Result<()> {
        let kind = match answer {
            Answer::Offline => "offline",
            Answer::Accepted | Answer::Refused(_) => "online",
        };
        let parameters =
            json!({"RegionId": "cn-hangzhou", "DiskId": disk_id, "NewSize": gib, "Type": kind});
        let mut record = self.trail_record("ResizeDisk", disk_id, &parameters);
        if let Answer::Refused(code) = answer {
            record["errorCode"] = json!(code);
        }
        self.trail.push(record);
        self.save()
    }

    /// A call that the cloud takes, now.
    fn trail_record(&self, name: &str, disk_id: &str, parameters: &Value) -> Value {
        let request_id = format!("{:08X}-4E5F-5061-8273-94A5B6C7D8E9", self.trail.len() + 1);
        json!({
            "eventId": request_id, "requestId": request_id, "eventVersion": 1,
            "eventName": name, "eventType": "ApiCall", "eventRW": "Write",
            "eventSource": "ecs-cn-hangzhou.aliyuncs.com", "serviceName": "Ecs",
            "acsRegion": "cn-hangzhou", "apiVersion": "2014-05-26",
            "resourceType": "ACS::ECS::Disk", "resourceName": disk_id,
            "requestParameters": parameters,
            "userIdentity": {"type": "assumed-role", "userName": "example-csi-role:csi-provisioner"},
            // Cut to whole seconds, as the service does.
            "eventTime": Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        })
    }

    /// kubelet hears from the driver that the node has done its part, and writes
    /// the claim's status, now.
    pub(super) fn kubelet_succeeds(&mut self, name: &str) -> Result<()> {
        let number = self.audit.len();
        let claim = self.get(name)?;
        claim.status = claim.request;
        let (disk_id, gib) = (claim.disk_id.clone(), claim.request);
        // A stateful set names its claims after its pods.
        let pod = name.strip_prefix("data-").unwrap_or(name);
        let line = format!(
            "I{}    1427 node_expander.go:196] \"MountVolume.NodeExpandVolume succeeded for volume \
             \\\"{disk_id}\\\" (UniqueName: \\\"kubernetes.io/csi/{DRIVER}^{disk_id}\\\") pod \\\"{pod}\\\" \
             (UID: \\\"c0ffee00-1111-4222-8333-444455556666\\\") {NODE}\" pod=\"{NAMESPACE}/{pod}\"\n",
            klog_time(),
        );
        self.kubelet.push_str(&line);
        let kubelet = format!("system:node:{NODE}");
        let mut record = patch(number, "persistentvolumeclaims", name, &kubelet);
        record["objectRef"]["subresource"] = json!("status");
        record["requestObject"] =
            json!({"status": {"capacity": {"storage": quantity(gib)}, "conditions": null}});
        self.audit.push(record);
        self.save()
    }

    fn get(&mut self, name: &str) -> Result<&mut Claim> {
        let mut claims = self.claims.iter_mut();
        claims
            .find(|claim| claim.name == name)
            .with_context(|| format!("no claim {name}"))
    }

    fn save(&self) -> Result<()> {
        fs::create_dir_all(&self.dir)?;
        let lines: Vec<String> = self.audit.iter().map(Value::to_string).collect();
        let objects: Vec<Value> = self
            .claims
            .iter()
            .flat_map(|claim| [claim.object(), claim.volume()])
            .collect();
        let list = json!({"apiVersion": "v1", "kind": "List", "items": objects});
        let texts = [
            lines.join("\n") + "\n",
            serde_json::to_string_pretty(&self.trail)?,
            serde_json::to_string_pretty(&list)?,
            self.kubelet.clone(),
        ];
        for (file, text) in FILES.iter().zip(texts) {
            fs::write(self.dir.join(file), text)?;
        }
        Ok(())
    }
}

impl Claim {
    /// As `kubectl get pvc -o json` shows it.
    fn object(&self) -> Value {
        json!({
            "apiVersion": "v1", "kind": "PersistentVolumeClaim",
            "metadata": {"name": self.name, "namespace": NAMESPACE},
            "spec": {"resources": {"requests": {"storage": quantity(self.request)}}, "volumeMode": "Filesystem", "volumeName": self.disk_id},
            "status": {"phase": "Bound", "capacity": {"storage": quantity(self.status)}},
        })
    }

    /// Its volume, as `kubectl get pv -o json` shows it.
    fn volume(&self) -> Value {
        json!({
            "apiVersion": "v1", "kind": "PersistentVolume",
            "metadata": {"name": self.disk_id},
            "spec": {
                "capacity": {"storage": quantity(self.status)},
                "claimRef": {"kind": "PersistentVolumeClaim", "namespace": NAMESPACE, "name": self.name},
                "csi": {"driver": DRIVER, "volumeHandle": self.disk_id},
            },
        })
    }
}

fn quantity(gib: u64) -> String {
    format!("{gib}Gi")
}

/// An audit record of a change, as far as all of them have it.
fn patch(number: usize, resource: &str, name: &str, user: &str) -> Value {
    let now = Timestamp::now()
        .strftime("%Y-%m-%dT%H:%M:%S%.6fZ")
        .to_string();
    json!({
        "kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "RequestResponse",
        "auditID": format!("a0000000-0000-4000-8000-{number:012}"),
        "stage": "ResponseComplete", "verb": "patch", "user": {"username": user},
        "objectRef": {"resource": resource, "namespace": NAMESPACE, "name": name, "apiVersion": "v1"},
        "responseStatus": {"code": 200},
        "requestReceivedTimestamp": now, "stageTimestamp": now,
    })
}

/// `0311 07:14:57.963218`, UTC.
fn klog_time() -> String {
    Timestamp::now().strftime("%m%d %H:%M:%S%.6f").to_string()
}
