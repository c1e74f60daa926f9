"""Senders carry a page out of the house; see `base` for the one interface they share."""

from triage.escalation.senders.base import Outcome, Outgoing, Result, Sender

__all__ = ["Outcome", "Outgoing", "Result", "Sender"]
