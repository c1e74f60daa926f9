"""What can be true in the coordinators' room."""

from .audit import AuditEntry
from .cases import Assessment, BoardSheet, Case, CaseStatus, Correction, Urgency
from .escalation import (
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
from .people import Grant, Invitation, Membership, PersonKey, Role, User

__all__ = [
    "Assessment",
    "AuditEntry",
    "BoardSheet",
    "Case",
    "CaseStatus",
    "Channel",
    "Contact",
    "Correction",
    "Escalation",
    "EscalationState",
    "Grant",
    "Heartbeat",
    "Invitation",
    "Ladder",
    "LadderStep",
    "LadderWho",
    "Membership",
    "Notification",
    "NotificationState",
    "OnCall",
    "PageCounter",
    "PagerEvent",
    "PersonKey",
    "Role",
    "Urgency",
    "User",
]
