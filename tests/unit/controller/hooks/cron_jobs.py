"""CronJobs of the tests, from which hooks make Jobs."""

from __future__ import annotations

from typing import Any

from earlystop.controller.cluster import Manifest


def cron_job(labels: dict[str, str] | None = None, **pod: Any) -> Manifest:
    """A suspended CronJob called `retrain`, as an API server has filled it in. pod: fields of its Pod's spec."""
    container = {
        "name": "train",
        "image": "registry.example.com/train:1",
        "command": ["train"],
        "resources": {},
        "imagePullPolicy": "IfNotPresent",
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "File",
    }
    spec = {
        "containers": [container],
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": 30,
        "dnsPolicy": "ClusterFirst",
        "securityContext": {},
        "schedulerName": "default-scheduler",
        **pod,
    }
    job = {"backoffLimit": 1, "template": {"metadata": {"creationTimestamp": None}, "spec": spec}}
    allowed = {"earlystop.dev/job-template": "true"} if labels is None else labels
    return {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {"name": "retrain", "namespace": "llm", "labels": allowed},
        "spec": {
            "schedule": "@yearly",
            "suspend": True,
            "jobTemplate": {"metadata": {"creationTimestamp": None}, "spec": job},
        },
    }


def with_container(**fields: Any) -> Manifest:
    """The same, whose container has these fields too."""
    made = cron_job()
    made["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0] |= fields
    return made
