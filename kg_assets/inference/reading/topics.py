"""What a work is about: people, events and matters after words such as "documentary about"."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kg_assets.inference.reading.proposals import Proposal
from kg_assets.inference.reading.spans import TOKEN, name_at
from kg_assets.inference.reading.view import View
from kg_assets.inference.wordlists import holds, listed, whole_words

_EVENT = re.compile(
    r"(?<!\w)(?:World War (?:I{1,2}|One|Two)|(?:First|Second) World War|(?:[Tt]he )?Holocaust|D-Day|"
    rf"September 11 attacks|(?:\d{{4}} )?(?:{TOKEN}[ –-]){{1,4}}(?:[Cc]ivil |[Rr]esistance )?(?:War|Revolution|Uprising|Massacre|Rebellion|Crisis|"
    rf"Genocide|Riots|Scandal|Conspiracy|war|massacre|bombing|genocide|resistance movement)(?! (?:film|movie|drama|comedy|epic|picture|romance|adventure|thriller|documentary)\b)|"
    rf"(?:Battle|Siege|Attack|Invasion|Fall|Bombing|Sinking|Assassination|Massacre|Treaty) (?:of|on) {TOKEN}(?: {TOKEN})*|"
    r"Nazi Germany|Great Depression|Apartheid|apartheid|Black Death|Prohibition)(?!\w)"
)
_BEFORE_EVENT = re.compile(
    r"\b(?P<word>during|about|set in|of|in|on|against) (?:the )?(?:\w+ )?$", re.IGNORECASE
)
_EVENT_WORDS = listed(
    """
War war D-Day Holocaust September Revol Upris assacre Rebel Crisis enoc Riots Scandal Consp omb
esist Battle Siege Attack Invasion Fall Sink Assass Treaty Nazi Depression partheid Death Prohib
"""
)
"""Of these one stands in every event's name."""

_TREATING = listed(
    """
document chronicl explor examin dramati depict deals recount profiles investigates covers
criticizes satirizes traces portraying focus centers centres tackles addresses celebrates
"""
)
_OF_A_LIFE = (
    "life ", "lives of", "biography of", "biopic of", "story of", "portrait of", "rise of",
    "career of",
)  # fmt: skip
_LEAD = (
    r" (?P<lead>(?:the |its |their )?(?:(?:[\w-]+ )?(?:life|lives|story|stories|history|rise|early life|final days|career|"
    r"experiences?|adventures|art|work|making|subjects?|topics?|issues?|theme|themes|question|events|true story|legacy|effects?|impact|topic)(?: and \w+){0,2} of )?)"
)
_ABOUT = re.compile(
    r"\b(?P<how>(?:film|movie|documentary|short|drama|biopic|cartoon|series|feature|musical|story|"
    r"comedy|thriller|episode|video|program|programme|docudrama|mockumentary|biography|is|was|"
    r"special|featurette|picture|animation)(?: \x02+)?(?:,)?(?: (?:that is|made|all|which is|directed by [A-Z][\w .]+?))? (?:about|on))"
    + _LEAD
)
_TREATS = re.compile(
    r"\b(?P<how>documents?|chronicles?|explores?|examines?|dramati[sz]es|depicts?|deals with|recounts?|"
    r"profiles|documenting|chronicling|exploring|examining|investigates|covers|criticizes|"
    r"satirizes|traces|portraying the life of|focus(?:es|ed|ing)? on|cent(?:er|re)s (?:on|around)|tackles|addresses|celebrates)"
    + _LEAD
)
_TRUE = re.compile(
    whole_words(
        r"documentar(?:y|ies)|biopic|biographical|biography|docudrama|true story|real-life|historical|life and|"
        r"chronicles|concert|interviews?|footage"
    )
)
_LIFE = re.compile(
    r"\b(?P<how>(?:life|lives|biography|biopic|true story|life story|life and (?:times|career|work|death|art)|"
    r"portrait|rise|career|story) of) (?P<lead>(?:the )?)"
)
_COMMON = re.compile(
    r"(?:the )?(?P<object>[a-z][a-z-]+(?: [a-z][a-z-]+){0,2}?)(?=[.,;\x02]|$| (?:in|of|and|that|who|which|by|at|during|as|"
    r"directed|for|from|with|through|set|between|to|on|narrated|produced|within|among|over)\b)"
)
_NOT_COMMON = frozenset(
    listed(
        """
a an two three four five six his her their its some several many young old other how what when why
where whether it them him people man woman boy girl life events story group time day film
characters series things friends family one first this that each every various both
"""
    )
)


def topics(view: View) -> Iterator[Proposal]:
    """Propose what a work is about."""
    text = view.plain
    for match in _EVENT.finditer(text) if holds(text, _EVENT_WORDS) else ():
        if "\x01" in match.group():
            continue
        before = text[max(0, match.start() - 30) : match.start()]
        before_it = _BEFORE_EVENT.search(before)
        word = before_it["word"].lower() if before_it else "other"
        event = re.sub(r"^[Tt]he ", "", match.group())
        start, end = match.end() - len(event), match.end()
        yield Proposal("main_subject", start, end, event, "event", (f"event {word}",))
    found: list[re.Match[str]] = []
    if " about " in text or " on " in text:
        found += _ABOUT.finditer(text)
    if holds(text, _TREATING):
        found += _TREATS.finditer(text)
    if holds(text, _OF_A_LIFE):
        found += _LIFE.finditer(text)
    true = "true story" if found and _TRUE.search(text) else "any story"
    for match in found:
        how, last = match["how"].split(" "), match["how"].rsplit(" ", 1)[-1]
        linking = last in ("about", "on", "of")
        key = f"{how[0].rstrip('s')} {last}" if linking else f"verb {how[0][:6].lower()}"
        lead = "bare" if match["lead"].strip() in ("", "the", "its", "their") else "lead"
        name = name_at(text, match.end(), skip=6)
        if name is not None:
            length = f"words={min(name.name.count(' ') + 1, 3)}"
            traits = (key, lead, f"skipped={min(name.skipped, 3)}", length, true)
            span = (name.start, name.end)
            yield Proposal("main_subject", *span, name.name, "about name", traits)
            continue
        matter = _COMMON.match(text, match.end())
        if matter and not set(matter["object"].split()) & _NOT_COMMON:
            said = matter["object"]
            few = (key, lead, f"words={said.count(' ') + 1}")
            yield Proposal("main_subject", *matter.span("object"), said, "about matter", few)
