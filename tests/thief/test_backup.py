"""What a thief makes of an old backup: without the file of keys, nothing, whatever keys of people they have."""

import pytest

from intake.models import Wrap
from tests.thief import blobs
from tests.thief.test_thief import lived_in  # noqa: F401
from triage.backup import postgres
from triage.models import BoardSheet

pytestmark = pytest.mark.django_db
OF_TIPS = {
    "tip.sealed", "tip.sealed_identity", "assessment.sealed", "reply.sealed", "correction.sealed", "auditentry.sealed",
    "wrap.sealed", "boardsheet.sealed",
}  # fmt: skip


def test_the_rest_without_the_file_of_keys_opens_no_tip_even_with_the_programs_key(lived_in):  # noqa: F811
    """After 35 days that is all there is of an erased tip: a court gets the program's key, and it opens nothing."""
    assert {Wrap._meta.db_table, BoardSheet._meta.db_table} <= {postgres.WRAPS, *postgres.LEFT_OUT}
    loot = [lived_in["program key"].hex().encode(), lived_in["key of the hour"].hex().encode()]
    assert "wrap.sealed" in blobs.opened(blobs.everything(), blobs.candidates(loot))
    Wrap.objects.all().delete()
    BoardSheet.objects.all().delete()

    left = blobs.candidates(loot) | blobs.candidates(blobs.stored_bytes())

    assert not OF_TIPS & set(blobs.opened(blobs.everything(), left))
