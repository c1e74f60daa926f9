"""The page of long work: a bar, what it waits for, and what it never tells."""

import re

import pytest

from intake.models import ProgramKey, Purpose, Wrap
from tipline.kernel import sealing
from triage.audit.chain import Event, record
from triage.console.opening import data_keys
from triage.custody.keeper import Keeper
from triage.models import Assessment, AuditEntry, HandOver, Job, JobKind
from triage.vault import keys, rotation

pytestmark = pytest.mark.django_db


@pytest.fixture
def rotated(program, ada, case_of, noon) -> ProgramKey:
    for _ in range(4):
        case_of()
    old = ProgramKey.objects.get(program=program, purpose=Purpose.CONTENT, retired=False)
    rotation.rotate(program, [Purpose.CONTENT], by=ada.user, unlocked=keys.unlock(ada.user, ada.phrase), now=noon)
    return old


def test_without_work_the_page_says_so(adas):
    page = adas.get("/jobs/").content.decode()

    assert "There is none." in page
    assert "hx-get" not in page.split("<main", 1)[1].split("</main>")[0]


def test_unlocked_is_enough_to_begin_and_hand_over(sign_in, ada, rotated):
    Keeper()._beat()
    adas = sign_in(ada)
    board = adas.get("/").content.decode()

    assert "being sealed again" in board
    assert Job.objects.get().program_key == rotated
    assert HandOver.objects.get().program_key == rotated


def test_the_bar_shows_a_share_and_no_count(sign_in, ada, rotated):
    adas = sign_in(ada)
    adas.get("/")
    Job.objects.update(total=4, done=1)

    page = adas.get("/jobs/").content.decode()

    assert '<progress value="25" max="100"' in page
    assert "custodian, a program on the server that is not running" in page
    # Asked again by itself, and by reload where there is no JavaScript.
    part = adas.get("/jobs/", headers={"hx-request": "true"}).content.decode()
    assert part.strip().startswith("<section")
    assert 'hx-trigger="every 2s"' in part


def test_finished_it_asks_no_more(sign_in, ada, rotated):
    adas = sign_in(ada)
    adas.get("/")
    Wrap.objects.filter(key_id=rotated.pk).delete()
    Job.objects.update(done=4, total=4, finished=True)
    page = adas.get("/jobs/", headers={"hx-request": "true"}).content.decode()

    assert "Finished." in page
    assert "hx-trigger" not in page


def test_work_on_tips_about_our_own_people_is_shown_to_those_who_read_them_alone(sign_in, ada, chair, program):
    key = ProgramKey.objects.get(program=program, purpose=Purpose.OVERSIGHT)
    Job.objects.create(program=program, kind=JobKind.REWRAP, program_key=key, total=3)

    assert "own people" not in sign_in(ada).get("/jobs/").content.decode()
    assert "<progress" not in sign_in(ada, 1).get("/jobs/").content.decode()
    assert "<progress" in sign_in(chair).get("/jobs/").content.decode()


def test_a_stranger_sees_no_work_of_this_program(sign_in, stranger, rotated):
    Job.objects.create(program=rotated.program, kind=JobKind.REWRAP, program_key=rotated, total=3)

    assert "<progress" not in sign_in(stranger).get("/jobs/").content.decode()


def test_locked_the_page_is_not_shown(adas):
    adas.post("/lock/")
    page = adas.get("/jobs/").content.decode()

    assert "Long work" not in page


def test_sealing_again_is_offered_only_where_something_is_old(sign_in, ada, rotated, monkeypatch):
    adas = sign_in(ada)
    assert "Seal them again" not in adas.get("/jobs/").content.decode()
    # What is under the key of today, sealed in the way of yesterday.
    current = rotation.successor(rotated)
    Wrap.objects.filter(key_id=rotated.pk).update(key_id=current.pk)
    monkeypatch.setattr(sealing, "CURRENT", sealing.SUITE_CHACHA20_POLY1305)
    assert "Seal them again" in adas.get("/jobs/").content.decode()

    assert adas.post("/jobs/reseal/").status_code == 302
    assert Job.objects.filter(kind=JobKind.RESEAL, program_key=current).exists()


def test_every_page_says_whose_program_it_is(adas, program):
    for path in ("/", "/jobs/", "/you/", "/people/"):
        assert re.search(rf"<strong>(<a [^>]*>)?{program.name}<", adas.get(path).content.decode())


def test_open_tips_are_sorted_anew_by_who_asks_for_it(adas, ada, case_of):
    case_of()
    Assessment.objects.update(version="model-before")
    page = adas.get("/jobs/").content.decode()

    answer = adas.post("/jobs/sort/", follow=True).content.decode()

    assert "1 open tip was sorted by another version" in page
    job = Job.objects.get(kind=JobKind.REASSESS)
    assert (job.program_key.purpose, job.total) == (Purpose.CONTENT, 1)
    assert "Sorting the open tips anew" in answer
    assert "Sort them anew" not in answer
    assert AuditEntry.objects.filter(event="sorting_asked", actor=ada.user).count() == 1


def test_tips_about_our_own_people_are_sorted_anew_by_those_who_read_them(sign_in, ada, chair, case_of):
    case_of(insider=True)
    Assessment.objects.update(version="model-before")

    assert "sorted by another version" not in sign_in(ada).get("/jobs/").content.decode()
    chairs = sign_in(chair)
    assert "sorted by another version" in chairs.get("/jobs/").content.decode()
    chairs.post("/jobs/sort/")

    assert Job.objects.get().program_key.purpose == Purpose.OVERSIGHT


def test_how_many_became_more_urgent_is_said(adas, case_of):
    case_of()
    adas.post("/jobs/sort/")
    Job.objects.update(finished=True, raised=2)

    assert "2 tips are more urgent than they were sorted before." in adas.get("/jobs/").content.decode()


def test_a_tip_says_what_the_sorting_changed(adas, urgent, noon):
    adas.post(f"/tips/{urgent.pk}/open/")
    key = data_keys([urgent.tip], adas.get("/").wsgi_request.vault)[urgent.tip_id]
    text = '{"level": "routine", "categories": ["theft"], "before": {"level": "urgent", "categories": ["weapons"]}}'
    record(urgent.program_id, Event.REASSESSED, tip=urgent.tip, text=text, data_key=key, now=noon)

    page = adas.get(f"/tips/{urgent.pk}/").content.decode()

    assert (
        "<strong>The program</strong> sorted it anew: Routine, Theft and stolen goods; before: Urgent, Weapons" in page
    )
