"""The coordinators' door."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, include, path
from django.views import defaults
from django.views.decorators.http import require_safe

from tipline.rest.problems import here
from triage.admin import pages as administration
from triage.console import (
    board,
    checks,
    conflict,
    first,
    health,
    incidents,
    keeping,
    kit,
    metrics,
    numbers,
    opened,
    passkeys,
    people,
    phone,
    quality,
    reached,
    roles,
    rota,
    saved,
    search,
    shift,
    signing_in,
    start,
    texts_page,
    tip,
    tip_acts,
    tokens,
    unlocking,
    words,
    work,
    you,
)
from triage.console.requests import ANYONE, open_to


@open_to(ANYONE)
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """Answer that this process answers; it looks at nothing."""
    return HttpResponse("ok\n", content_type="text/plain; charset=utf-8")


console = [
    path("", board.board, name="board"),
    path("rows/", board.rows, name="rows"),
    path("views/save/", saved.save, name="save_view"),
    path("views/remove/", saved.remove, name="remove_view"),
    path("start/", start.show, name="start"),
    path("start/<uuid:program_id>/", start.choose, name="choose_program"),
    path("tips/<uuid:case_id>/", tip.show, name="tip"),
    path("tips/<uuid:case_id>/calls/", tip.called, name="calls"),
    path("tips/<uuid:case_id>/take/", tip.take, name="take"),
    path("tips/<uuid:case_id>/pass-on/", tip.pass_on, name="pass_on"),
    path("tips/<uuid:case_id>/open/", tip.open_it, name="open"),
    path("tips/<uuid:case_id>/correct/", tip.correct, name="correct"),
    path("tips/<uuid:case_id>/reply/", tip.reply, name="reply"),
    path("tips/<uuid:case_id>/close/", tip.close, name="close"),
    path("tips/<uuid:case_id>/reopen/", tip.reopen, name="reopen"),
    path("tips/<uuid:case_id>/submitter/", tip.submitter, name="submitter"),
    path("tips/<uuid:case_id>/agree/", tip.agree, name="agree"),
    path("tips/<uuid:case_id>/step-aside/", conflict.step_aside, name="step_aside"),
    path("tips/<uuid:case_id>/let-back/<uuid:user_id>/", conflict.let_back, name="let_back"),
    path("opened/", opened.show, name="opened"),
    path("phone/", phone.take, name="phone"),
    path("phone/read-out/", phone.read_out, name="phone_read_out"),
    path("tips/<uuid:case_id>/note/", tip_acts.note, name="note"),
    path("tips/<uuid:case_id>/hand-over/", tip_acts.hand_over, name="hand_over"),
    path("tips/<uuid:case_id>/take-over/", tip_acts.take_over, name="take_over"),
    path("tips/<uuid:case_id>/look-again/", tip_acts.look_again, name="look_again"),
    path("tips/<uuid:case_id>/wait/", tip_acts.wait, name="wait"),
    path("tips/<uuid:case_id>/risk/", tip_acts.read_risk, name="read_risk"),
    path("tips/<uuid:case_id>/told/", tip_acts.told, name="told"),
    path("tips/<uuid:case_id>/duty/", tip_acts.duty, name="duty"),
    path("tips/<uuid:case_id>/undo/", tip_acts.undo, name="undo"),
    path("tips/<uuid:case_id>/card/", tip_acts.call_card, name="call_card"),
    path("tips/<uuid:case_id>/check/", checks.answer, name="check"),
    path("checks/", checks.show, name="checks"),
    path("search/", search.search, name="search"),
    path("hand-over/", shift.hand_over, name="hand_over_all"),
    path("texts/", texts_page.show, name="texts"),
    path("texts/save/", texts_page.save, name="save_text"),
    path("texts/remove/", texts_page.remove, name="remove_text"),
    path("events/<uuid:case_id>/", incidents.show, name="incident"),
    path("events/<uuid:case_id>/open/", incidents.open_all, name="incident_open"),
    path("events/<uuid:case_id>/merge/", incidents.merge, name="incident_merge"),
    path("events/<uuid:case_id>/split/", incidents.split, name="incident_split"),
    path("events/<uuid:case_id>/apart/", incidents.say_apart, name="incident_apart"),
    path("first/", first.first, name="first"),
    path("first/words/", first.phrase, name="first_phrase"),
    path("second-factor/", first.second_factor, name="second_factor"),
    path("second-factor/spare/", first.recovery_codes, name="recovery_codes"),
    path("unlock/", unlocking.unlock, name="unlock"),
    path("cover/", unlocking.cover, name="cover"),
    path("lock/", unlocking.lock, name="lock"),
    path("people/", people.show, name="people"),
    path("people/invite/", people.invite, name="invite"),
    path("people/code/", people.code, name="colleagues_code"),
    path("people/<uuid:user_id>/code/", people.new_code, name="new_code"),
    path("people/<uuid:user_id>/withdraw/", people.withdraw, name="withdraw_code"),
    path("people/<uuid:user_id>/role/", roles.change, name="change_role"),
    path("people/<uuid:user_id>/leave/", people.leave, name="leave"),
    path("kit/", kit.show, name="kit"),
    path("kit/begin/", kit.begin, name="kit_begin"),
    path("kit/sheets/", kit.print_sheets, name="kit_sheets"),
    path("kit/sheets/<int:number>/", kit.sheet, name="kit_sheet"),
    path("kit/give-up/", kit.give_up, name="kit_give_up"),
    path("kit/join/", kit.join, name="kit_join"),
    path("you/", you.show, name="you"),
    path("you/calls/", reached.show, name="reached"),
    path("you/calls/add/", reached.add, name="reached_add"),
    path("you/calls/<uuid:contact_id>/remove/", reached.remove, name="reached_remove"),
    path("you/calls/<uuid:contact_id>/test/", reached.test, name="reached_test"),
    path("you/calls/<uuid:contact_id>/came/", reached.came, name="reached_came"),
    path("you/words/", words.change, name="change_words"),
    path("you/sign-out-everywhere/", you.sign_out_everywhere, name="sign_out_everywhere"),
    path("you/code/", you.add_code, name="add_code"),
    path("you/digits/", you.new_digits, name="new_digits"),
    path("you/recovery-codes/", you.new_recovery_codes, name="new_recovery_codes"),
    path("you/passkeys/add/", passkeys.add, name="add_passkey"),
    path("you/passkeys/remove/", passkeys.remove, name="remove_passkey"),
    path("you/tokens/", tokens.show, name="tokens"),
    path("you/tokens/make/", tokens.make, name="make_token"),
    path("you/tokens/made/", tokens.made, name="made_token"),
    path("you/tokens/<uuid:token_id>/revoke/", tokens.revoke, name="revoke_token"),
    path("you/app/", first.another_app, name="another_app"),
    path("sign-in/passkey/", passkeys.alone, name="passkey_alone"),
    path("jobs/", work.show, name="work"),
    path("jobs/reseal/", work.reseal, name="reseal"),
    path("jobs/sort/", work.sort, name="sort"),
    path("shifts/", rota.show, name="rota"),
    path("shifts/add/", rota.add, name="rota_add"),
    path("shifts/hand-over/", rota.hand_over, name="rota_hand_over"),
    path("shifts/<uuid:shift_id>/remove/", rota.remove, name="rota_remove"),
    path("running/", health.show, name="health"),
    path("numbers/", numbers.show, name="numbers"),
    path("numbers/measure/", numbers.measure, name="measure"),
    path("quality/", quality.show, name="quality"),
    path("quality/<uuid:case_id>/", quality.review, name="quality_review"),
    path("quality/<uuid:case_id>/open/", quality.open_it, name="quality_open"),
    path("keeping/", keeping.show, name="keeping"),
    path("keeping/schedule/", keeping.schedule, name="keeping_schedule"),
    path("keeping/tips/<uuid:case_id>/", keeping.tip, name="keeping_tip"),
    path("keeping/certificates/<uuid:erasure_id>/", keeping.certificate, name="certificate"),
    path("sign-out/", signing_in.sign_out, name="sign_out"),
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", healthz, name="healthz"),
    path("metrics", metrics.metrics, name="metrics"),
    # These three names are what the sign-in library looks for; none of its own pages is mounted.
    path("sign-in/", signing_in.sign_in, name="account_login"),
    path("sign-in/code/", signing_in.code, name="mfa_authenticate"),
    path("sign-in/left/", signing_in.inactive, name="account_inactive"),
    path("api/", include("triage.api.urls")),
    path("admin/", administration.urls),
    path("", include((console, "console"))),
]

# Below /api/ even what is not there is a problem, as the API has it.
handler400 = here("unreadable", defaults.bad_request)
handler404 = here("not-found", defaults.page_not_found)
handler500 = here("broken", defaults.server_error)

if settings.LOCAL:
    from tipline import styleguide

    urlpatterns.append(path("styleguide/", open_to(ANYONE)(require_safe(styleguide.styleguide)), name="styleguide"))
