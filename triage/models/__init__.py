"""What can be true in the coordinators' room."""

from .audit import AuditEntry
from .cases import Assessment, BoardSheet, Case, CaseStatus, Correction, IdentityRequest, Outcome, Urgency
from .conflict import Recusal
from .custody import Custodian, HandOver, Job, JobKind
from .desk import Checked, Note, PendingCheck, ProgramText, SavedViews, TextKind
from .drills import Drill, DrillState
from .escalation import (
    Attempt,
    Channel,
    Contact,
    Escalation,
    EscalationState,
    Heartbeat,
    Ladder,
    LadderStep,
    LadderWho,
    Notification,
    NotificationState,
    OnCall,
    PageCounter,
    PagerEvent,
)
from .incidents import IncidentSignature
from .keeping import Ended, EraseRequest, Erasure, Finished, LegalHold, RetentionRule
from .people import READERS, Membership, Role, User
from .quality import QualityReview
from .rota import Cover, Shift
from .tokens import ApiToken
from .vault import Grant, Invitation, KeptSecret, KeyLink, PersonKey, RecoveryKey
from .watching import Alarm, AlarmKind, Measure

__all__ = [
    "READERS",
    "Alarm",
    "AlarmKind",
    "ApiToken",
    "Assessment",
    "Attempt",
    "AuditEntry",
    "BoardSheet",
    "Case",
    "CaseStatus",
    "Channel",
    "Checked",
    "Contact",
    "Correction",
    "Cover",
    "Custodian",
    "Drill",
    "DrillState",
    "Ended",
    "EraseRequest",
    "Erasure",
    "Escalation",
    "EscalationState",
    "Finished",
    "Grant",
    "HandOver",
    "Heartbeat",
    "IdentityRequest",
    "IncidentSignature",
    "Invitation",
    "Job",
    "JobKind",
    "KeptSecret",
    "KeyLink",
    "Ladder",
    "LadderStep",
    "LadderWho",
    "LegalHold",
    "Measure",
    "Membership",
    "Note",
    "Notification",
    "NotificationState",
    "OnCall",
    "Outcome",
    "PageCounter",
    "PagerEvent",
    "PendingCheck",
    "PersonKey",
    "ProgramText",
    "QualityReview",
    "RecoveryKey",
    "Recusal",
    "RetentionRule",
    "Role",
    "SavedViews",
    "Shift",
    "TextKind",
    "Urgency",
    "User",
]
