"""How the providers of SMS stand with a process that sends: each recent fault costs a provider its place."""

from triage.escalation import carriers
from triage.escalation.senders.choose import Providers
from triage.models import Channel
from triage.watching import measures


def faults() -> dict[str, int]:
    """Return the recent faults of each provider as this process remembers them; old ones fade."""
    sender = carriers.carriers().get(Channel.SMS)
    if not isinstance(sender, Providers):
        return {}
    return {each.name: round(sender.faults(each.name)) for each in sender.order()}


def show(process: str) -> None:
    """Show them in the metrics and on the health page."""
    if found := faults():
        measures.show(measures.GATEWAY, {f"{process}|{name}": count for name, count in found.items()})
