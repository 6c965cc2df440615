"""The reasons of certificates that hold or have lapsed, with a sentence each, as in `every.py`."""

from __future__ import annotations

from collections.abc import Mapping

from earlystop.api.conditions import ConditionType as Type
from earlystop.api.reasons.traffic import EVENT, VERDICT

_CERTIFIED = (Type.CERTIFIED.value,)

CERTIFICATE_ROWS: tuple[tuple[tuple[str, ...], Mapping[str, str]], ...] = (
    (
        _CERTIFIED,
        {
            "AsCertified": "The target is as it was when the setting was certified; nothing is to be done.",
            "NotBound": "Nobody has read yet what the setting was certified on; the target's Deployment is read by "
            "itself as soon as it is there.",
        },
    ),
    (
        (*_CERTIFIED, EVENT),
        {
            "ModelChanged": "The target's Pods have another label earlystop.dev/model than when the setting was "
            "certified; retry the policy to certify a setting for this model.",
            "ImagesChanged": "The target's containers run other images than when the setting was certified; retry the "
            "policy to certify a setting for these.",
            "TemplateChanged": "The target's Pod template is another than when the setting was certified; retry the "
            "policy to certify a setting for it, or put the template back.",
            "ParametersChanged": "A parameter of the certified setting goes elsewhere in requests, or means something "
            "else, than when it was certified; retry the policy to certify a setting anew.",
            "ScorerChanged": "The policy's evaluator scores answers otherwise than when the setting was certified; "
            "retry the policy to certify a setting by this scorer, or start the evaluator as before.",
            "QuestionsChanged": "The policy's evaluator asks other golden questions than when the setting was "
            "certified; retry the policy to certify a setting on these, or give it the former ones.",
            "EvaluatorsDiffer": "Evaluators of one policy ask different golden questions, or score them differently; "
            "start all of them with the same questions, --mode and judge.",
        },
    ),
    (
        VERDICT,
        {
            "CertificateLapsed": "After a promotion something has changed that the setting was certified on, so all "
            "requests went back to the baseline, as certificate.onChange says; retry the policy to certify a setting "
            "for what serves now.",
        },
    ),
    (
        (EVENT,),
        {
            "CertificateHolds": "The target is as it was when the setting was certified again; nothing is to be done.",
            "Revalidating": "What the setting was certified on has changed, so a new campaign tries the policy's "
            "candidates, as certificate.onChange says; the baseline serves meanwhile, and nothing is to be done.",
        },
    ),
)
