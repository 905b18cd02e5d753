"""`kg review`: pairs and facts of the queues, judged one after another or shown on a page."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol

from kg_assets.cli.asking import typed
from kg_assets.cli.judge import refuse_production, say_what_next
from kg_assets.cli.reading import reading_session
from kg_assets.cli.render import Exit, clean, complain, console, print_json
from kg_assets.cli.review_facts import FactDesk
from kg_assets.cli.review_pairs import PairDesk
from kg_assets.judging.log import add, take_back
from kg_assets.judging.values import JudgementError, Kind, Said
from resources.lake import Lake

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    import duckdb

    from resources.settings import Settings

Only = Literal["pairs", "facts"]

_COMMON = {
    "k": "skip", "q": "quit",
    **{word: word for word in ("undo", "skip", "quit")},
}  # fmt: skip
_LAST_PROMPT = "undo, (q)uit: "

_AHEAD = 10
"""Questions that are explained before the first of them is shown, so that nobody waits for each."""


class Desk(Protocol):
    """Asks questions of one kind; see `PairDesk` and `FactDesk`."""

    kind: Kind[Any]
    types: tuple[str, ...]
    answers: ClassVar[Mapping[str, str]]
    prompt: str

    def open(self, entity_type: str) -> list[Any]:
        """Questions of a type that nobody settled, in the order in which they are asked."""
        ...

    def change(self, one: Any) -> float:
        """What an answer is to be expected to change, by which types are asked in turn."""
        ...

    def told(self, queue: Sequence[Any]) -> list[Any]:
        """Questions with what is cheap to say of all of them."""
        ...

    def explained(self, queue: Sequence[Any]) -> Iterable[tuple[Any, Any]]:
        """Questions with all that is shown of them."""
        ...

    def show(self, one: Any, found: Any, progress: str) -> None:
        """Print a question."""
        ...

    def judged(self, one: Any, found: Any, answer: str, why: str) -> Said:
        """Make the judgement of an answer."""
        ...

    def as_dict(self, one: Any, found: Any) -> dict[str, Any]:
        """A question for a program to read."""
        ...


@dataclass(frozen=True)
class Question:
    """A question and the desk that asks it.

    Attributes:
        desk: Who asks it.
        asked: What is asked.
    """

    desk: Desk
    asked: Any


def review(
    settings: Settings,
    entity_type: str | None = None,
    *,
    only: Only | None = None,
    limit: int | None = None,
    page: Path | None = None,
    json: bool = False,
) -> int:
    """Ask for the pairs and facts of the review queues that are not settled yet.

    Args:
        settings: Where the lake is, and who judges.
        entity_type: Only pairs, and facts about subjects, of this type.
        only: Only pairs or only facts; pairs come first where both are asked for.
        limit: Questions at most.
        page: A file that the queue is written into, as a page, instead of asking.
        json: Print the queue as JSON instead of asking.

    Returns:
        Exit code: 1 where a page cannot be written, 2 where the call is wrong.
    """
    if entity_type is not None and entity_type not in PairDesk.types:
        complain(f"{entity_type!r} is no entity type that is matched; there are: "
                 f"{', '.join(PairDesk.types)}")  # fmt: skip
        return Exit.BAD_INPUT
    if not (json or page) and refuse_production(settings):
        return Exit.BAD_INPUT
    with reading_session(settings) as con:
        try:
            queue = _queue(settings, con, entity_type, only, limit)
        except JudgementError as error:
            complain(str(error))
            return Exit.NOT_FOUND
        if json:
            print_json([one.desk.as_dict(one.asked, found) for one, found in _explained(queue)])
            return Exit.OK
        if not queue:
            console.print("Nothing is to be reviewed; what is asked is found by: kg build")
            return Exit.OK
        if page is not None:
            from kg_assets.cli.review_page import page_of

            try:
                pairs = ((one.asked, found) for one, found in _explained(queue))
                page.write_text(page_of(pairs), encoding="utf-8")
            except OSError as error:
                complain(f"{page} cannot be written: {error.strerror or error}")
                return Exit.NOT_FOUND
            console.print(f"{len(queue):,} questions: {clean(page)}", soft_wrap=True)
            return Exit.OK
        made = _ask(settings, queue)
    counts = Counter(each.answer[0] for each in made)
    said = ", ".join(f"{number:,} {verdict}" for verdict, number in sorted(counts.items()))
    console.print(f"{len(made):,} judgements" + (f": {said}." if said else "."))
    say_what_next([each.entity_type for each in made])
    return Exit.OK


def _queue(
    settings: Settings,
    con: duckdb.DuckDBPyConnection,
    entity_type: str | None,
    only: Only | None,
    limit: int | None,
) -> list[Question]:
    desks: list[Desk] = []
    if only != "facts":
        desks.append(PairDesk(settings, con))
    if only != "pairs":
        desks.append(FactDesk(settings, con))
    found: list[Question] = []
    for desk in desks:
        left = None if limit is None else limit - len(found)
        kinds = [kind for kind in desk.types if entity_type in (None, kind)]
        asked = [one for kind in kinds for one in desk.open(kind)]
        # The sort is stable: where as much is expected, types and places in their queues decide.
        asked = sorted(asked, key=desk.change, reverse=True)[:left]
        found += [Question(desk, one) for one in desk.told(asked)]
    return found


def _explained(queue: Sequence[Question]) -> Iterator[tuple[Question, Any]]:
    """The questions of a queue with their explanations, those of one desk together."""
    for _, same in groupby(queue, key=lambda one: id(one.desk)):
        asked = list(same)
        desk = asked[0].desk
        for one, (_, found) in zip(
            asked, desk.explained([each.asked for each in asked]), strict=True
        ):
            yield one, found


def _ask(settings: Settings, queue: list[Question]) -> list[Said]:
    """Ask one question after another; gives the judgements that were made and not undone."""
    lake = Lake(settings)
    made: list[tuple[int, Said]] = []
    explained: dict[Question, Any] = {}
    # Another answer may settle a question.
    still_open = set(queue)
    place, on_screen = 0, -1
    while True:
        while place < len(queue) and queue[place] not in still_open:
            place += 1
        one = queue[place] if place < len(queue) else None
        if one is not None:
            if one not in explained:
                explained |= _explained(queue[place : place + _AHEAD])
            # What was refused is said beneath it, and not scrolled away by showing it again.
            if on_screen != place:
                one.desk.show(one.asked, explained[one], f"{place + 1} of {len(queue)}")
                on_screen = place
        elif made:
            console.rule("nothing is left to be asked", align="left")
        else:
            break
        answer, why = _answer(one)
        if answer == "quit" or (one is None and answer == "skip"):
            break
        if answer == "skip":
            place += 1
            continue
        try:
            if answer == "undo":
                if not made:
                    complain("nothing was judged yet that could be undone")
                    continue
                desk = queue[made[-1][0]].desk
                take_back(lake, desk.kind, made[-1][1], who=settings.user, why=why)
                place, back = made.pop()
                changed = back.entity_type
            elif one is None:
                complain("nothing is left that could be judged")
                continue
            else:
                desk = one.desk
                given = desk.judged(one.asked, explained[one], answer, why)
                made += [(place, each) for each in add(lake, desk.kind, [given]).added]
                changed = given.entity_type
                place += 1
        except JudgementError as error:
            complain(str(error))
            continue
        still_open = {
            each
            for each in still_open
            if each.desk is not desk or each.asked.entity_type != changed
        }
        still_open |= {Question(desk, each) for each in desk.open(changed)}
    return [each for _, each in made]


def _answer(one: Question | None) -> tuple[str, str]:
    """What a person answers, and the reason; the end of the input and Ctrl-C are quit."""
    words = _COMMON if one is None else {**one.desk.answers, **_COMMON}
    while True:
        line = typed(_LAST_PROMPT if one is None else one.desk.prompt)
        if line is None:
            return "quit", ""
        word, _, why = line.partition(" ")
        if word.lower() in words:
            return words[word.lower()], why.strip()
        complain(f"{word!r} is no answer; there are {', '.join(words)}")
