"""Words that say of what kind a work is, and names that stand beside titles and are none."""

from __future__ import annotations

import re
from collections.abc import Mapping

from kg_assets.inference.wordlists import any_of, listed

KINDS: Mapping[str, frozenset[str]] = {
    word: frozenset(kinds.split())
    for kinds, group in {
        "book": "novel|novella|novelette|book|short story|story|stories|short stories|memoir|"
        "memoirs|autobiography|autobiographies|biography|biographies|fairy tale|tale|poem|epic|"
        "diary|light novel|trilogy of novels|children's book|picture book|source novel|bestseller|"
        "best-seller|guide book|non-fiction book|nonfiction book|verse novel|essay|article|"
        "short-story collection",
        "play": "play|stage play|stage musical|opera|tragedy|operetta",
        "character": "character|superhero|superheroine|supervillain|superhero team|antihero|"
        "superheroes",
        "comic": "comic|comics|comic book|comic strip|graphic novel|manga|webcomic|comic series|"
        "comic book series|manga series|bande dessinée",
        "game": "video game|game|computer game|board game|arcade game|role-playing game",
        "film": "film|movie|picture|motion picture|feature|short film|short|silent film|western|"
        "classic|thriller|horror film|blockbuster|documentary|hit|original|telefilm|television "
        "film|"
        "comedy film|drama film",
        "series": "television series|tv series|television show|tv show|show|sitcom|miniseries|"
        "mini-series|anime series|soap opera|web series|programme|television programme|serial",
        "film play": "musical",
        "film series": "anime|cartoon",
        "film play series": "comedy|drama",
        "series franchise": "series",
        "franchise": "film series|franchise|saga|trilogy|universe|book series|novel series|"
        "tetralogy|quadrilogy|duology|film trilogy|series of films|series of novels|cycle|"
        "media franchise|film franchise|shared universe|cinematic universe",
        "event": "war|battle|trial|disaster|massacre|siege",
    }.items()
    for word in group.split("|")
}
"""Which entity types a word in front of a title speaks of."""

KIND = re.compile(rf"\b{any_of(KINDS)}(s?)\b", re.IGNORECASE)
FRANCHISE_WORD = re.compile(
    r"\s*[\"”’']?\s+(?:(?:reboot|original|American|Japanese|prequel|sequel|live-action|animated|"
    r"main)\s+)*"
    r"(?:(?:film|book|novel|comic|comic\s+book|media|movie|video(?:\s+game)?|shared|multimedia|"
    r"anthology|television|cinematic|science\s+fiction|horror)s?\s+)*"
    r"(?:series|franchise|saga|trilogy|universe|tetralogy|quadrilogy|cycle|duology|pentalogy|"
    r"films|movies|novels|books|games|stories|comics|pictures|multiverse)\b(?!\s+(?-i:[A-Z\"“]))",
    re.IGNORECASE,
)

AUTHORS = frozenset(
    listed(
        """
Homer Virgil Ovid Dante Shakespeare Molière Goethe Schiller Cervantes Euripides Sophocles
Aeschylus Aristophanes Chekhov Tolstoy Dostoevsky Pushkin Gogol Dickens Austen Kafka Ibsen
Strindberg Chaucer Boccaccio Hugo Dumas Balzac Flaubert Zola Verne Wells Poe Tolkien
Brecht Puccini Verdi
"""
    )
)
"""Authors whom a text names by one word: with others, such as Ender, it may begin a title."""

COMPANIES = frozenset({"DC", "DC Comics", "Marvel", "Marvel Comics", "Disney", "Image Comics"})
"""Publishers, which "based on characters from DC" names in place of a work."""

NATIONALITIES = any_of(
    listed(
        """
American|Argentine|Argentinian|Australian|Austrian|Belgian|Bengali|Brazilian|British|Bulgarian|
Canadian|Catalan|Chilean|Chinese|Colombian|Croatian|Cuban|Czech|Danish|Dutch|Egyptian|English|
Estonian|European|Filipino|Finnish|French|Georgian|German|Greek|Hebrew|Hindi|Hong Kong|Hungarian|
Icelandic|Indian|Indonesian|Iranian|Irish|Israeli|Italian|Japanese|Korean|Latvian|Malayalam|Mexican|
New Zealand|Norwegian|Persian|Polish|Portuguese|Punjabi|Roman|Romanian|Russian|Scottish|Serbian|
South Korean|Soviet|Spanish|Swedish|Swiss|Tamil|Telugu|Thai|Turkish|Ukrainian|Vietnamese|Welsh|
West German|Franco|Anglo|Italo
""",
        "|",
    )
)
"""A pattern for what a text calls the people whose work something is."""

FOR_A_PEOPLE = re.compile(
    rf"\s+(?:for|in|to|with|on|from)\s+(?:(?:an?|the)\s+)?(?:{NATIONALITIES})$"
)
"""The end of what looks like a title, where only an adjective has a capital."""

NATIONAL = re.compile(
    rf"(?:(?:{NATIONALITIES})(?:-(?:language|{NATIONALITIES}))*\s+|"
    r"(?:Broadway|Off-Broadway|Hollywood|Academy Award|Oscar|Pulitzer Prize|Booker Prize|BBC|"
    r"HBO|ITV|NBC|CBS|ABC|Netflix|West End|Victorian|Gothic|Biblical|Shakespearean|Disney|Pixar|"
    r"DC Comics|Marvel Comics|DC|Marvel|Western|New York Times|Ealing|Hammer|Universal|Tony Award|"
    r"Golden "
    r"Globe|Nobel Prize|Nintendo|Sega|Capcom|Hasbro|Nickelodeon|Adult Swim|Bollywood)"
    r"(?:['’]s?|-(?:winning|nominated|award-winning))?\s+(?=[a-z])|"
    r"[A-Z]\w+(?:-[a-z]+)+\s+(?=[a-z]))"
)
