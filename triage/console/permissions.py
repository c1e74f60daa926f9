"""Who may do what on the console: one table, deny by default, asked by the middleware before any view runs.

A view that does not stand here opens for nobody. The table says which roles get in at the door; which
rows they then see is `visible_to` (tips) and `programs.current` (people, keys and the rest of a program).
docs/permissions.md is made from it: `scripts/manage permissions --write`.
"""

from dataclasses import dataclass
from enum import Enum

from django.http import HttpRequest
from django.urls import ResolverMatch

from triage.console import programs
from triage.models import Role

SAFE = {"GET", "HEAD", "OPTIONS"}
NOBODY: frozenset[Role] = frozenset()
EVERYBODY = frozenset(Role)
READERS = frozenset({Role.COORDINATOR, Role.SUPERVISOR, Role.OVERSIGHT})
"""Who works on tips: each sees those on their own side of the oversight line, and no others."""
STAFF = READERS | {Role.ADMINISTRATOR}
ADMINISTRATORS = frozenset({Role.ADMINISTRATOR})
ROTA = frozenset({Role.COORDINATOR, Role.SUPERVISOR, Role.ADMINISTRATOR})
WATCHERS = READERS | {Role.AUDITOR}
KEEPERS = frozenset({Role.SUPERVISOR, Role.OVERSIGHT})
"""Who decides how long tips are kept, each on their own side of the oversight line."""


class About(Enum):
    """Whose things a page is about."""

    THE_DOOR = "the door"  # before anybody is signed in
    ONESELF = "oneself"
    A_PROGRAM = "the program one is in"
    TIPS = "tips one may see"


@dataclass(frozen=True, slots=True)
class Rule:
    """What a view is for, whose things it is about, who may look (GET) and who may act (POST)."""

    what: str
    about: About
    look: frozenset[Role] = NOBODY
    act: frozenset[Role] = NOBODY

    def roles(self, method: str) -> frozenset[Role]:
        """The roles that may use this method."""
        return self.look if method in SAFE else self.act


def _door(what: str) -> Rule:
    return Rule(what, About.THE_DOOR, EVERYBODY, EVERYBODY)


def _own(what: str, *, look: bool = True, act: bool = True) -> Rule:
    return Rule(what, About.ONESELF, EVERYBODY if look else NOBODY, EVERYBODY if act else NOBODY)


def _tips(what: str, *, look: frozenset[Role] = NOBODY, act: frozenset[Role] = NOBODY) -> Rule:
    return Rule(what, About.TIPS, look, act)


def _program(what: str, *, look: frozenset[Role] = NOBODY, act: frozenset[Role] = NOBODY) -> Rule:
    return Rule(what, About.A_PROGRAM, look, act)


RULES: dict[str, Rule] = {
    # The door
    "healthz": _door("answer that the process answers"),
    "metrics": _door("numbers for a monitor that knows the token, of the house and of no tip"),
    "styleguide": _door("the parts of pages, on a developer's machine only"),
    "account_login": _door("sign in"),
    "account_inactive": _door("where somebody who left ends up"),
    "mfa_authenticate": _door("the second factor"),
    "console:passkey_alone": _door("sign in with a passkey alone, to take a page"),
    "console:first": _door("use a one-time code"),
    "console:first_phrase": _door("write one's words down"),
    # The administration
    "admin:index": _program("the administration", look=ADMINISTRATORS),
    "admin:app_list": _program("its parts", look=ADMINISTRATORS),
    "admin:jsi18n": _program("words for its scripts", look=ADMINISTRATORS),
    "admin:intake_program_changelist": _program("the program in the administration", look=ADMINISTRATORS),
    "admin:intake_program_change": _program("its texts and hours", look=ADMINISTRATORS, act=ADMINISTRATORS),
    "admin:triage_user_changelist": _program("people in the administration", look=ADMINISTRATORS),
    "admin:triage_user_change": _program("the name of somebody", look=ADMINISTRATORS, act=ADMINISTRATORS),
    "admin:triage_ladder_changelist": _program("the ladders", look=ADMINISTRATORS),
    "admin:triage_ladder_change": _program("the steps of one", look=ADMINISTRATORS, act=ADMINISTRATORS),
    "admin:triage_programtext_changelist": _program("the program's texts", look=ADMINISTRATORS),
    "admin:triage_programtext_change": _program("the words of one", look=ADMINISTRATORS, act=ADMINISTRATORS),
    # The API: a program comes with a token, which says by itself what it opens
    "api_schema": _door("the description of the API"),
    "api_cases": _door("list open tips, for a program with a token"),
    "api_case": _door("look at one, for a program with a token"),
    "api_text": _door("read a tip, for a program with a token that a key was sealed to"),
    "api_take": _door("take a tip, for a program with a token that may"),
    "api_nothing": _door("what the API says where nothing is"),
    # Oneself
    "console:start": _own("one's programs, and what one may do in each", act=False),
    "console:choose_program": _own("turn to another program of one's own", look=False),
    "console:second_factor": _own("pair an authenticator app"),
    "console:recovery_codes": _own("see new recovery codes once"),
    "console:unlock": _own("unlock"),
    "console:cover": _own("unlock a covered page"),
    "console:lock": _own("lock", look=False),
    "console:sign_out": _own("sign out", look=False),
    "console:you": _own("one's sessions and factors", act=False),
    "console:reached": _own("how one is called", act=False),
    "console:reached_add": _own("add a number or address of one's own", look=False),
    "console:reached_remove": _own("remove one", look=False),
    "console:reached_test": _own("send oneself a test page", look=False),
    "console:reached_came": _own("say that the test page came", look=False),
    "console:change_words": _own("change one's six words"),
    "console:sign_out_everywhere": _own("end all of one's sessions", look=False),
    "console:add_code": _own("let one's words open another program, with its one-time code", look=False),
    "console:new_digits": _own("take other digits for calls", look=False),
    "console:new_recovery_codes": _own("make new recovery codes", look=False),
    "console:add_passkey": _own("add a passkey"),
    "console:remove_passkey": _own("remove a passkey", look=False),
    "console:another_app": _own("pair another app"),
    # Tips
    "console:board": _tips("the board", look=READERS),
    "console:rows": _tips("what moves on the board", look=READERS),
    "console:save_view": _program("keep the filters of the board under a name of one's own", act=READERS),
    "console:remove_view": _program("forget them", act=READERS),
    "console:tip": _tips("the page of a tip", look=READERS),
    "console:calls": _tips("who was called about a tip", look=READERS),
    "console:take": _tips("take a tip", act=READERS),
    "console:pass_on": _tips("pass a tip on", act=READERS),
    "console:open": _tips("open and read a tip", act=READERS),
    "console:correct": _tips("correct level and category", act=READERS),
    "console:reply": _tips("answer the sender", act=READERS),
    "console:close": _tips("close a tip", act=READERS),
    "console:reopen": _tips("reopen a tip", act=READERS),
    "console:note": _tips("write a note", act=READERS),
    "console:hand_over": _tips("give a tip to a colleague", act=READERS),
    "console:take_over": _tips("take a tip over from a colleague", act=READERS),
    "console:look_again": _tips("say when to look again", act=READERS),
    "console:wait": _tips("say that one waits for the sender", act=READERS),
    "console:read_risk": _tips("say that one has read what endangers the sender", act=READERS),
    "console:told": _tips("record who was told", act=READERS),
    "console:duty": _tips("record the duty to report", act=READERS),
    "console:undo": _tips("take one's own closing back", act=READERS),
    "console:call_card": _tips("the call card of a tip, to print", look=READERS),
    "console:check": _tips("look, as the second person, at what a colleague did alone", act=READERS),
    "console:checks": _tips("what waits for a second person", look=READERS),
    "console:search": _tips("search the open tips one has opened", look=READERS, act=READERS),
    "console:hand_over_all": _tips("hand all of one's tips over", look=READERS, act=READERS),
    "console:submitter": _tips("open submitter details, with a reason and the key for them", act=READERS),
    "console:agree": _tips("agree that a colleague opens submitter details", act=READERS),
    "console:step_aside": _tips("step aside: I know these people", act=READERS),
    "console:let_back": _tips("let a colleague see it again who stepped aside", act=READERS),
    "console:incident": _tips("tips of one event side by side", look=READERS),
    "console:incident_open": _tips("open those one has not opened", act=READERS),
    "console:incident_merge": _tips("put tips together", act=READERS),
    "console:incident_split": _tips("take a tip out again", act=READERS),
    "console:incident_apart": _tips("say that it is another event", act=READERS),
    "console:numbers": _tips("what the classifier says, week by week", look=READERS),
    "console:measure": _tips("measure the classifier on corrections", act=READERS),
    "console:quality": _tips("routine tips that wait for a second look", look=READERS),
    "console:quality_review": _tips("look at one again, and say its level", look=READERS, act=READERS),
    "console:quality_open": _tips("open one of them", act=READERS),
    "console:work": _tips("how far long work is", look=READERS),
    "console:reseal": _tips("begin to seal again", act=READERS),
    "console:sort": _tips("begin to sort anew", act=READERS),
    "console:keeping_tip": _tips("put a tip on legal hold, or ask that it be erased", look=KEEPERS, act=KEEPERS),
    # The program
    "console:keeping": _program("how long tips are kept, what ends when", look=KEEPERS),
    "console:keeping_schedule": _program("change how long tips are kept", act=frozenset({Role.SUPERVISOR})),
    "console:certificate": _program("the certificate of an erased tip", look=KEEPERS),
    "console:health": _program("whether everything runs, and what to do if not", look=STAFF | {Role.AUDITOR}),
    "console:rota": _program("who is on call, and the shifts of the week", look=STAFF | {Role.AUDITOR}),
    "console:rota_add": _program("put somebody on call", act=ROTA),
    "console:rota_remove": _program("take a shift off", act=ROTA),
    "console:rota_hand_over": _program("let a colleague do one shift", act=ROTA),
    "console:people": _program("the people and what they hold", look=STAFF | {Role.AUDITOR}),
    "console:invite": _program("let somebody in", look=STAFF, act=STAFF),
    "console:colleagues_code": _program("see the one-time code one just made", look=STAFF, act=STAFF),
    "console:new_code": _program("give somebody a new one-time code", act=STAFF),
    "console:withdraw_code": _program("withdraw a one-time code", act=STAFF),
    "console:change_role": _program("give somebody another role", look=STAFF, act=STAFF),
    "console:leave": _program("let somebody go", look=STAFF, act=STAFF),
    "console:tokens": _program("one's own tokens for programs", look=READERS),
    "console:make_token": _program("make one", act=READERS),
    "console:made_token": _program("see it once", look=READERS, act=READERS),
    "console:revoke_token": _program("revoke one", act=READERS),
    "console:phone": _program("take a tip over the phone", look=READERS, act=READERS),
    "console:phone_read_out": _program("say that its words were read out", act=READERS),
    "console:opened": _program("who opened what", look=WATCHERS),
    "console:texts": _program("the program's texts: whom to call, ready answers", look=READERS),
    "console:save_text": _program("write one", act=READERS),
    "console:remove_text": _program("remove one", act=READERS),
    "console:kit": _program("how the program stands with its recovery kit", look=READERS),
    "console:kit_begin": _program("begin a kit", act=READERS),
    "console:kit_sheets": _program("print a kit", look=READERS, act=READERS),
    "console:kit_sheet": _program("one sheet of the kit being printed", look=READERS),
    "console:kit_give_up": _program("drop a kit that was begun", act=READERS),
    "console:kit_join": _program("add one's keys to a kit", act=READERS),
}

UNKNOWN = Rule("not in the table", About.A_PROGRAM)
"""What a view gets that nobody wrote a line for: nothing."""


def rule_of(match: ResolverMatch) -> Rule:
    """Return the line of the view an address leads to."""
    return RULES.get(match.view_name or "", UNKNOWN)


def may(role: str, view_name: str, method: str = "GET") -> bool:
    """Whether somebody of this role gets in at the door of this view, by this name ("console:board")."""
    return role in RULES.get(view_name, UNKNOWN).roles(method)


def roles_here(request: HttpRequest, match: ResolverMatch) -> set[str]:
    """The roles that count for this request: for one tip those in its program, for the rest of a program the current.

    A page that shows the tips of all one's programs opens if any of them lets one see tips.
    """
    rule = rule_of(match)
    if rule.about is About.TIPS:
        case_id = match.kwargs.get("case_id")
        return {each.role for each in (programs.with_case(request, case_id) if case_id else programs.of(request))}
    if rule.about is About.ONESELF:
        return set(EVERYBODY)
    here = programs.current(request)
    return {here.role} if here else set()


def is_door(request: HttpRequest) -> bool:
    """Whether this is a page of the door: what is open to anyone must say so twice."""
    match = request.resolver_match
    return match is not None and rule_of(match).about is About.THE_DOOR


def methods(match: ResolverMatch) -> list[str]:
    """The methods a view is there for, whoever asks."""
    rule = rule_of(match)
    return [method for method in ("GET", "HEAD", "POST") if rule.roles(method)]


def refused(request: HttpRequest) -> bool:
    """Whether this request must not reach its view.

    A method that nobody may use counts as one of those who may use another: they are told that it is none.
    """
    match = request.resolver_match
    if match is None:
        return True
    rule = rule_of(match)
    return not roles_here(request, match) & (rule.roles(request.method or "GET") or rule.look | rule.act)


def opens(request: HttpRequest, name: str) -> bool:
    """Whether a place of the console opens for who asks: what the navigation shows."""
    rule = RULES.get(f"console:{name}", UNKNOWN)
    here = programs.current(request)
    mine = programs.of(request) if rule.about is About.TIPS else [here] if here else []
    return any(each.role in rule.look for each in mine)


class Opens:
    """What templates ask: {% if opens.people %}."""

    def __init__(self, request: HttpRequest) -> None:
        self._request = request

    def __getitem__(self, name: str) -> bool:
        return opens(self._request, name)
