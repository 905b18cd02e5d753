"""The words that state a relation of a film, and what stands after or before them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from kg_assets.inference.kind_words import SOURCE_KINDS
from kg_assets.inference.reading.spans import PERSON
from kg_assets.inference.reading.values import DATE, MONEY
from kg_assets.inference.reading.words import COMPANY, HEROES
from kg_assets.inference.wordlists import any_of

PEOPLE = "people"
COMPANIES = "companies"
WORKS_ = "works"
AWARDS = "awards"
PLACES = "places"
COUNTRIES_ = "countries"
BEFORE = "before"
TEXT = "text"


@dataclass(frozen=True)
class Pattern:
    """Words that state a relation between the subject and what stands by them.

    Attributes:
        key: Its name, unique; the filter weighs patterns by it.
        relation: Name in the ontology.
        needles: Lower-case words of which one must be in the sentence.
        expression: Matches the words. A group `object` is the object, else it is read after the
            end of the match.
        objects: What is read there: people, companies, works, awards, places.
        roles: Whether names may carry roles.
        also: Other relations that hold as well.
        first: Whether only the first match counts.
        core: A part of the expression that is quickly looked for, where the expression begins with
            a name, which may stand at every capital.
    """

    key: str
    relation: str
    needles: tuple[str, ...]
    expression: re.Pattern[str]
    objects: str
    roles: bool = False
    also: tuple[str, ...] = field(default=())
    first: bool = False
    core: re.Pattern[str] | None = None


def _p(
    key: str,
    relation: str,
    needles: str,
    expression: str,
    objects: str,
    *,
    roles: bool = False,
    also: tuple[str, ...] = (),
    first: bool = False,
    core: str = "",
) -> Pattern:
    return Pattern(
        key,
        relation,
        tuple(needles.split("|")),
        re.compile(expression),
        objects,
        roles,
        also,
        first,
        re.compile(core) if core else None,
    )


_DONE = r"(?:co-|re-|executive[ -]|chief |self-|also |jointly |solely |originally |partially |ghost){0,2}"
_DOING = (
    r"(?:written|wrote|scripted|directed|direct|produced|edited|animated|created|filmed|shot|scored|"
    r"composed|narrated|designed|conceived|choreographed|storyboarded|photographed|starring|"
    r"co-written|co-directed|co-produced|executive produced|adapted|penned|distributed|presented|"
    r"co-edited|co-created|developed|financed|co-wrote|hosted|released)"
)
_MORE = rf"(?:(?:,|,? and|,? &|/)? ?{_DONE}{_DOING}){{0,6}}"
_FILM = (
    r"(?:film|movie|short|documentary|feature|picture|cartoon|animation|serial|episode|drama|comedy|"
    r"thriller|musical|series|special|OVA|western|Western|video|featurette|miniseries|production|"
    r"melodrama|co-production|horror|biopic|adaptation)"
)
# A single name is as often a work: "Dracula" is a novel.
_KNOWN = tuple(name for name in HEROES if " " in name)
# A word of each of their names, so that few need be looked for.
_KNOWN_WORDS = "|".join(sorted({name.split(" ")[-1].lower() for name in _KNOWN}))
_ORDER = r"(?:first|second|third|fourth|fifth|sixth|seventh|next|last|final|debut|directorial|feature|\d+(?:st|nd|rd|th))"

_S_FILM = rf"['’]s? (?:(?:own|directorial|feature|{_ORDER}|[a-z-]+) ){{0,3}}(?:{_FILM}|debut)\b(?! (?:by|of|career|company|studio))"
_DIRECTED_IT = r"direct(?:s|ed)?(?: and (?:wrote|co-wrote|produced|starred in|edited))? (?:the (?:film|movie|short)|\x01|it\b)"
_STARS_IN = (
    r"(?:stars?|starred|co-stars?|appears?|appeared|plays?|played|portrays?|portrayed|voices|voiced|is cast|was cast|"
    r"reprises?|reprised|reprising)(?: in| as|,|\.| the| a| an| h[ei][rs]| opposite| alongside| both| \x01| [A-Z])"
)
_AFTER_ASIDE = r"(?:,| and| is| in|\.| who|;| as|$| [a-z])"
_COMPANY_PRODUCED = rf"{COMPANY}(?: \x02+)? (?:co-)?produced "

PATTERNS: tuple[Pattern, ...] = (
    # Who directed it.
    _p("directed by", "directed_by", "direct",
       rf"\b(?i:{_DONE}direct(?:ed|ion)?){_MORE},? by (?:the )?(?:(?:director|filmmaker|brothers|duo|team of)s? )?", PEOPLE),
    _p("done and directed by", "directed_by", "direct",
       r"\b(?i:direct)ed,? (?:and |& )[\w -]{3,30} by ", PEOPLE),
    _p("director", "directed_by", "director",
       r"\b(?:[Dd]irectors?|director(?:/| and | & |-)(?:co-)?(?:writer|producer|screenwriter|animator|star)|"
       r"(?:writer|producer|animator|screenwriter)(?:/|-| and )director|filmmakers?|[Dd]irectorial debut of|direction of)s? ", PEOPLE),
    _p("film by", "directed_by", " by ",
       rf"\b(?!video|special|series|production|episode|OVA){_FILM} (?:\x02+ )?(?:made |filmed |shot |created )?by (?:the )?(?:acclaimed |award-winning )?(?:(?:film )?directors? |filmmakers? )?", PEOPLE),
    _p("made by", "directed_by", "made by|helmed by|filmed by", r"(?:\b(?:[Ii]t|film|movie|short|cartoon|documentary|picture|was|is|and)|\x01)(?: was)? (?:made|helmed|filmed) by (?:the )?(?:director |filmmaker )?", PEOPLE),
    _p("his film", "directed_by", "'s |’s |s' |s’ ", rf"(?P<object>{PERSON}){_S_FILM}", BEFORE, core=_S_FILM),
    _p("he directed", "directed_by", "direct",
       rf"(?P<object>{PERSON})(?: \x02+)? (?:then |also |later )?(?:co-)?{_DIRECTED_IT}", BEFORE, core=_DIRECTED_IT),
    _p("-directed", "directed_by", "-directed", rf"(?P<object>{PERSON})-directed", BEFORE),
    # Who wrote it.
    _p("written by", "written_by", "writ|script|penned",
       rf"\b(?i:{_DONE}(?:written|scripted|penned|wrote)){_MORE} by (?:the )?(?:screen)?(?:writers? )?", PEOPLE),
    _p("directed and written by", "written_by", "writ",
       rf"\b(?i:direct)ed(?:,? (?:and|&|,) {_DONE}\w+)*?(?:,? (?:and|&)|,) {_DONE}(?:written|scripted){_MORE} by ", PEOPLE),
    _p("screenplay by", "written_by", "screenplay|script|teleplay|scenario|libretto|story by",
       r"\b(?i:screenplay|script|teleplay|scenario|libretto)(?: (?:was|is|were))?(?: (?:co-)?(?:written|adapted|penned|provided|credited))?(?: (?:from|to))?(?: by|,? written by) ", PEOPLE),
    _p("screenwriter", "written_by", "writer", r"\b(?:[Ss]creenwriters?|(?<!music )(?<!song)(?<!sports )[Ww]riters?|writer(?:/| and |-)(?:director|producer)s?|scriptwriters?|scenarist)s? ", PEOPLE),
    _p("wrote the script", "written_by", "wrote|scripted|co-wrote|writing",
       rf"(?P<object>{PERSON})(?: \x02+)?(?:, who)? (?:also |later )?(?:co-)?(?:wrote|scripted|adapted|penned)(?: and (?:co-)?(?:directed|produced|starred in|edited))? (?:the )?(?:[\w-]+ )?(?:screenplay|script|film|teleplay|libretto|\x01|scenario)", BEFORE),
    _p("his screenplay", "written_by", "screenplay|script|libretto", rf"(?P<object>{PERSON})['’]s? (?:own )?(?:original )?(?:screenplay|script|libretto)\b", BEFORE),
    # Who is in it.
    _p("starring", "has_performer", "star", r"\b(?:[Ss]tarring|[Ss]tars|to star|[Ss]tarred(?! (?:in|as|alongside|opposite))|[Cc]o-starring|co-stars)(?: (?:the )?(?:voices?(?: talents?)?|talents?|acting debut|vocal talents) of| in (?:the|her|his) [\w ]+? roles?,?|:)? ", PEOPLE, roles=True),
    _p("featuring", "has_performer", "featur", r"\b(?:[Ff]eatur(?:ing|es|ed|e))(?: (?:the )?(?:voices?(?: talents?)?|vocal talents|voice work|talents?|performances?|appearances?) (?:of|by|from)| an ensemble cast(?: that includes| including| of| consisting of)?,?)? (?:performances by )?", PEOPLE, roles=True),
    _p("cast includes", "has_performer", "cast ", r"\b(?:[Cc]ast)(?: (?:of|that|which))?(?: also)?(?: includ(?:es|ing|ed)| consist(?:s|ing) of| features?| featuring| of| comprises| led by|:|, including) ", PEOPLE, roles=True),
    _p("played by", "has_performer", "played by|portrayed by|voiced by|performed by|voice of|voices of|performances by|performance of|performances from|acted by|voice acting by",
       r"\b(?:(?:[Pp]lay|[Pp]ortray|[Vv]oic|[Pp]erform|act)(?:ed)(?: (?:here|again|once more))? by|[Vv]oices? of|[Pp]erformances? (?:by|of|from)|voice acting by) ", PEOPLE, roles=True),
    _p("along with stars", "has_performer", "alongside|also star|co-star|led by|supporting|cameo|appearances by|guest", r"\b(?:alongside|also stars?|co-stars?|[Cc]ameos? (?:by|from)|appearances? (?:by|from|of)|supporting roles? (?:by|from)|guest[- ]star(?:s|ring)?) ", PEOPLE, roles=True),
    _p("they star", "has_performer", "star|appear|play|portray|voice|cast|repris", rf"(?P<object>{PERSON})(?: \x02+)? (?:also |co-)?{_STARS_IN}", BEFORE, core=_STARS_IN),
    _p("with them in roles", "has_performer", " with ", r"\bwith (?=[^.;]{3,160}? (?:in|as|reprising|playing|portraying|voicing|starring|providing) (?:the|a|their|his|her|lead|leading|supporting|starring|title|major|main|other|co-|voice|[A-Z]))", PEOPLE, roles=True),
    _p("and star", "has_performer", " stars ", r"\b(?:film|movie|series|show)['’]s stars,? ", PEOPLE),
    _p("awarded actor", "has_performer", "actor|actress", rf"(?P<object>{PERSON})(?: \x02+)?(?:, who)? (?:was|were|won|received|earned|also|has|had|is)\b(?: (?!Best)[^\s.;]+){{0,9}} Best (?:\w+ )?(?:Actor|Actress)\b", BEFORE),
    # Who is in the story.
    _p("as character", "has_character", " as ", rf"\b(?:star\w*|play\w*|appear\w*|cast|role|return\w*|{PERSON})(?: in the film)? as (?:the )?", PEOPLE),
    _p("plays", "has_character", "play|portray|voic", r"\b(?:plays|played|portrays?|portrayed|portraying|playing|voices|voicing)(?: the)?(?: (?:role|part|title role|title character|character) of)? ", PEOPLE),
    _p("role of", "has_character", "role of|part of|role as|character of|characters of", r"\b(?:roles?|parts?|characters?) (?:of|as) (?:the )?", PEOPLE),
    _p("character", "has_character", "character|protagonist|hero|villain|detective|antihero", r"\b(?:[Cc]haracters?|[Pp]rotagonists?|hero(?:es|ine)?|villains?|antagonists?|anti-?hero)(?: (?:named|called|is|are|was|were|include|including|of))?,? ", PEOPLE),
    _p("named", "has_character", " named | called ", r"\b(?:named|called|nicknamed) ", PEOPLE),
    _p("follows", "has_character", "follow|center|centre|revolve|focus|story of|tells|concern|adventures of", r"\b(?:[Ff]ollow(?:s|ing)|[Cc]ent(?:er|re)s? (?:on|around)|[Rr]evolves? around|[Ff]ocus(?:es)? on|concerns|story of|tale of|adventures of|exploits of|life of|lives of|death of)(?: the)?(?: (?:life|story|adventures?|exploits|lives|plight|struggles|relationship|journey) of)? ", PEOPLE),
    _p("before actor", "has_character", "\x02", rf"(?P<object>{PERSON})(?: \x02+){_AFTER_ASIDE}", BEFORE, core=rf"[\w.·] \x02+{_AFTER_ASIDE}"),
    _p("known character", "has_character", _KNOWN_WORDS, rf"(?<![\w-])(?P<object>{any_of(_KNOWN)})(?![\w-])", "known"),
    _p("in the plot", "has_character", "", rf"(?<![\w-])(?P<object>{PERSON})", "plot"),
    # Where the money came from, and who made it.
    _p("produced by", "production_company", "produc",
       rf"\b(?i:{_DONE}produced){_MORE}(?: (?:in|at) [\w -]+?)?,? (?:by|at) ", COMPANIES),
    _p("done and produced by", "production_company", "produc", rf"\b(?i:{_DONE}{_DOING})(?:,|,? and|,? &) (?:\w+, )?produced{_MORE} by ", COMPANIES, core=rf"produced{_MORE} by "),
    _p("animated by", "production_company", "animat|created by|made by|developed|film by|ova by|series by|cartoon by|short by|films by|made at", rf"\b(?:[Aa]nimated|animation (?:was )?(?:done |produced |provided )?|created|made|developed|(?:{_FILM}))(?:,? (?:and|&) \w+)? (?:by|at) ", COMPANIES),
    _p("for company", "production_company", " for | of | from | at ", rf"(?<=[\w.\x02]) (?:for|of|from) (?=(?:[Tt]he )?(?:[A-Z0-9][\w.&'’-]* ){{0,4}}{COMPANY}\b)", COMPANIES),
    _p("production company", "production_company", "production|banner|studio", r"\b(?:production compan(?:y|ies)|[Aa]nimation studios?|film studios?|studios?|companies|company|production house|production banner|banner)(?: (?:was|is|were|are|of))?,? ", COMPANIES),
    _p("production of", "production_company", "production|collaboration|association", r"\b(?:(?:co-)?production (?:of|by|between|from)|in (?:association|collaboration|conjunction|cooperation) with|collaboration (?:of|between)) ", COMPANIES),
    _p("their production", "production_company", "production|picture|release", rf"\b(?P<object>(?:[A-Z][\w.&-]* ){{0,3}}{COMPANY})(?:['’]s?)? (?:[Pp]roduction|[Pp]icture|release)\b", BEFORE),
    _p("banner", "production_company", "banner", rf"(?:the|his|her|its) (?P<object>{PERSON}) banner", BEFORE),
    _p("helped produce", "production_company", "produce", rf"(?P<object>(?:[A-Z][\w.&-]* ){{0,4}}{COMPANY})(?: \x02+)? (?:co-)?produced ", BEFORE, core=_COMPANY_PRODUCED),
    # Countries.
    _p("co-production", "country_of_origin", "production", r"\bco-?production (?:between|of|among|by|from|involving)(?: (?:companies|studios|producers) (?:in|from|of))? ", COUNTRIES_),
    _p("from country", "country_of_origin", " from |made in|produced in", rf"\b{_FILM} (?:from|made in|produced in) ", COUNTRIES_),
    _p("produced in", "country_of_origin", "produced in|made in", r"\b(?:produced|made) in ", COUNTRIES_),
    # When it came out.
    _p("released", "publication_date", "release|premier|aired|broadcast|published|debut|screened|opened|shown|available|issued|posted",
       rf"\b(?<!re-)(?i:released?|premiered|premi[eè]re[ds]?|aired|broadcast|published|debuted|screened|opened|shown|available|issued|posted)\b(?:(?!\bre-?release)[^.;]){{0,90}}?(?:\b(?:on|in|of|until|beginning|since|between|from)|(?<=aired)) (?:(?:early|late|mid) )?(?:\w+day,? )?(?P<object>{DATE})", BEFORE, first=True),
    _p("made in", "publication_date", "made|produced|completed|created", rf"\b(?:made|produced|completed|created)(?: (?!from)\w+){{0,8}}? in (?P<object>{DATE})", BEFORE, first=True),
    # What it cost.
    _p("budget", "cost", "budget|cost", rf"\b(?i:budget(?:ed)?|production cost|cost)(?: \w+){{0,5}}?(?: of| was| at| to be| is|:)? (?:about |around |approximately |nearly |over |almost |roughly |an estimated |estimated )?(?:at |to be )?(?P<object>{MONEY})", BEFORE),
    _p("money budget", "cost", "budget", rf"(?P<object>{MONEY}) (?:production )?budget", BEFORE),
    # Awards.
    _p("won", "award_received", "won|win|netting|receiv|award|recipient|earn|garner|honou|taking|took",
       r"\b(?i:won|win|wins|winning|win for|winner of|co-winner of|co-winner|winners of|recipient of|co-recipient of|received|receiving|receives|earned|earning|garnered|garnering|took home|took|awarded|given|claimed|bagged|honou?red with|presented with)(?: (?:by|for|him|her|it|them|[A-Z]\w+(?: [A-Z]\w+)?))? ", AWARDS),
    _p("nominated for", "nominated_for", "nominat",
       r"\b(?i:nominated|nominations?|nominee|nominees)(?: (?:at|in|by) [^.,;]{3,60}?)?(?: for|:|, including|, for| including| in| as| to) ", AWARDS),
    _p("a nomination", "nominated_for", "nominat", r"\b(?:received|receiv(?:ed|ing)|earn(?:ed|ing)|garner(?:ed|ing)|got|with|given|including|and)(?: [A-Z]\w+)? (?=(?:[\w'’,-]+ ){1,12}?nominations?\b)", AWARDS),
    # What it was made from.
    _p("based on", "based_on", "based", r"\b(?i:based)(?:,? (?:\w+ly|in part|in large part|very|at least|of course|both))* (?:up)?on(?: (?:the|a|an|his|her))?(?: (?:life|lives) and)? ?", WORKS_),
    _p("adaptation of", "based_on", "adapt|retell|re-tell|version|remake|reimagin|updat|dramati|transposition|rework|parody|spoof",
       r"\b(?i:adaptations?|retelling|re-telling|(?:film|screen|television|animated|modern|stage|cinematic|updated|musical) version|reimagining|re-imagining|modern update|update|updating|dramati[sz]ation|transposition|reworking|rendition|interpretation)(?: by [A-Z][\w. ]+?)? (?:of|on|from|to) ", WORKS_),
    _p("adapted from", "based_on", "adapt|deriv|drawn|taken|inspired", r"\b(?i:(?:re-?)?adapt(?:ed|s)|derived|drawn|taken)(?: (?:\w+ly|for the screen|by [A-Z][\w. ]+?))*,? from ", WORKS_),
    _p("adapts", "based_on", "adapt", r"\b(?:adapts|adapting|retells|recounts) ", WORKS_),
    _p("story from", "based_on", "from ", rf"\bfrom (?=(?:the|a|an|[A-Z][\w. ]+?['’]s?) (?:[\w-]+ ){{0,4}}(?:{SOURCE_KINDS})\b)", WORKS_),
    # Where it was shot.
    _p("filmed in", "filming_location", "filmed|filming|shot|shooting|photograph|location|production |were ",
       r"\b(?i:filmed|shot|shooting|filming|principal photography|photography|photographed|locations?|production (?:took|began|moved|started)|sequences were|scenes were)\b", "shooting places"),
    # Where it is set.
    _p("set in", "narrative_location", "set ", r"\b(?i:set)(?: (?:mainly|mostly|primarily|entirely|largely|partly|both|against [\w ]+))?(?: (?:in|at|on|around|inside|between)(?: and around)?) ", PLACES),
    _p("takes place in", "narrative_location", "place", r"\b(?:[Tt]ak(?:es?|ing)|took) place(?: \w+)?(?: in| at| on| around)(?: and around)? ", PLACES),
    _p("in the story", "narrative_location", " in | to | of | at ", r"(?<=[\w,\x01\x02\"”]) (?:in|to|of|at|through|throughout|around|across) ", "story places"),
)  # fmt: skip
"""Every pattern, in the order in which they are tried."""
