"""The words that say of what kind a thing is: each stands here once, for all who look for them.

Two questions are asked of them. Before a title ("the novel Emma") a word says of which entity
types the title may be. As what a text calls its subject ("Emma is a novel") it gives points,
natural logarithms of odds, which were set by hand, by how seldom a word is said of another kind.
"""

from __future__ import annotations

from collections.abc import Mapping

from kg_assets.inference.wordlists import listed

_SURE = 5.0
_LIKELY = 3.0

_WORDS: tuple[tuple[str, frozenset[str], Mapping[str, float]], ...] = tuple(
    (word, frozenset(kinds.split()), points)
    for kinds, points, words in (
        (
            "book",
            {"book": _SURE},
            "novel, novella, novelette, book, short story, memoir, autobiography, biography, "
            "children's book, picture book, non-fiction book, short-story collection",
        ),
        (
            "book",
            {},
            "story, stories, short stories, memoirs, autobiographies, biographies, fairy tale, "
            "tale, poem, epic, diary, light novel, trilogy of novels, source novel, bestseller, "
            "best-seller, guide book, nonfiction book, verse novel, essay, article",
        ),
        (
            "play",
            {"play": _SURE},
            "play, stage play, stage musical, opera, tragedy",
        ),
        (
            "play",
            {},
            "operetta",
        ),
        (
            "character",
            {"character": _SURE},
            "character, superhero, supervillain",
        ),
        (
            "character",
            {},
            "superheroine, superhero team, antihero, superheroes",
        ),
        (
            "comic",
            {"comic": _SURE},
            "comic, comic book, comic strip, graphic novel, manga, webcomic, comic series, comic "
            "book series, manga series",
        ),
        (
            "comic",
            {},
            "comics, bande dessinée",
        ),
        (
            "game",
            {"game": _SURE},
            "video game, game, computer game, board game",
        ),
        (
            "game",
            {},
            "arcade game, role-playing game",
        ),
        (
            "film",
            {"film": _SURE},
            "film, movie, motion picture, short film, telefilm, television film",
        ),
        (
            "film",
            {},
            "picture, feature, short, silent film, western, classic, horror film, blockbuster, "
            "hit, original, comedy film, drama film",
        ),
        (
            "film",
            {"film": _LIKELY, "series": 1.0},
            "thriller, documentary",
        ),
        (
            "series",
            {"series": _SURE},
            "television series, tv series, television show, tv show, sitcom, miniseries, "
            "mini-series, anime series, soap opera, web series, television programme",
        ),
        (
            "series",
            {"series": _LIKELY},
            "show, programme",
        ),
        (
            "series",
            {},
            "serial",
        ),
        (
            "film play",
            {"play": _LIKELY, "film": 2.0},
            "musical",
        ),
        (
            "film series",
            {},
            "anime, cartoon",
        ),
        (
            "film play series",
            {"film": 2.0, "series": 1.0, "play": 1.0},
            "comedy, drama",
        ),
        (
            "franchise series",
            {"series": _LIKELY, "franchise": 2.0},
            "series",
        ),
        (
            "franchise",
            {"franchise": _SURE},
            "film series, franchise, saga, trilogy, book series, novel series, tetralogy, film "
            "trilogy, series of novels, media franchise, film franchise, shared universe",
        ),
        (
            "franchise",
            {},
            "universe, quadrilogy, duology, series of films, cycle, cinematic universe",
        ),
        (
            "event",
            {"event": _SURE},
            "war, battle, disaster, massacre, siege",
        ),
        (
            "event",
            {},
            "trial",
        ),
        (
            "",
            {"film": _SURE},
            "biopic, feature film, tv film, musical film, documentary film, film adaptation, "
            "animated feature",
        ),
        (
            "",
            {"film": _LIKELY, "series": 1.0},
            "romantic comedy",
        ),
        (
            "",
            {"film": 2.0, "series": 1.0, "play": 1.0},
            "adaptation, remake",
        ),
        (
            "",
            {"series": _SURE},
            "telenovela, docuseries, television sitcom, television drama, television program, "
            "drama series, crime series, limited series, reality show, talk show, game show",
        ),
        (
            "",
            {"episode": _SURE},
            "episode, pilot, season finale, season premiere",
        ),
        (
            "",
            {"person": _SURE, "character": 2.0},
            "actor, actress, director, filmmaker, film-maker, screenwriter, writer, author, "
            "novelist, producer, composer, singer, comedian, cinematographer, poet, playwright, "
            "dramatist, journalist, musician, animator, photographer, choreographer, film "
            "director, film producer, television producer, television presenter, film editor, "
            "film actor, film actress, voice actor, voice actress, stuntman, film critic, "
            "historian",
        ),
        (
            "",
            {"play": _SURE},
            "one-act play",
        ),
        (
            "",
            {"play": _LIKELY, "film": 2.0},
            "musical comedy",
        ),
        (
            "",
            {"comic": _SURE},
            "webtoon, manhwa",
        ),
        (
            "",
            {"game": _SURE},
            "videogame",
        ),
        (
            "",
            {"event": _SURE},
            "attack, film festival, earthquake, uprising, revolution, surprise strike, "
            "assassination, riot, mutiny, military campaign, strike, rebellion, invasion, famine, "
            "kidnapping, hijacking, murder case",
        ),
        (
            "",
            {"organisation": _SURE},
            "company, studio, film studio, animation studio, broadcaster, corporation, publisher, "
            "production company, distributor, television network, television channel, record "
            "label, organisation, organization, agency, foundation, university, developer, maker, "
            "film company, media company, publishing house, rock band, band, conglomerate",
        ),
        (
            "",
            {"organisation": _LIKELY},
            "network, channel, group, label",
        ),
        (
            "",
            {"franchise": _SURE},
            "fictional universe, video game series",
        ),
        (
            "",
            {"character": _SURE},
            "fictional character, title character, protagonist, antagonist, cartoon character",
        ),
    )
    for word in words.split(", ")
)
"""Each word, the types of which a title after it may be, and its points for its subject's type."""

KINDS: Mapping[str, frozenset[str]] = {word: kinds for word, kinds, _ in _WORDS if kinds}
"""Which entity types a word in front of a title speaks of."""

HEADS: Mapping[str, Mapping[str, float]] = {word: points for word, _, points in _WORDS if points}
"""Points by what a text calls its subject, in lower case; the longest phrase counts."""

SOURCE_KINDS = (
    "novels?|novellas?|novelettes?|light novels?|graphic novels?|short stor(?:y|ies)|stor(?:y|ies)|"
    "books?|children's books?|picture books?|comic books?|comics?|comic strips?|manga|manhwa|"
    "manhua|memoirs?|autobiography|biography|biographies|plays?|stage plays?|stage musical|"
    "musicals?|operas?|operettas?|poems?|epics?|epic poems?|fairy[ -]?tales?|folk[ -]?tales?|"
    "tales?|legends?|myths?|novel series|manga series|book series|comic series|comic book series|"
    "video games?|video game series|games?|game series|visual novels?|anime series|anime|"
    "television series|TV series|TV show|television show|series|films?|movies?|songs?|ballads?|"
    "articles?|essays?|trilogy|franchise|works?|tragedy|comedy|drama|radio play|radio series|"
    "web series|webcomic|cartoons?|novelization|classic|bestseller|best-?seller|screenplay"
)
"""What a work can be based on, as a pattern; many of them in the plural too."""

NO_NAMES = frozenset(
    listed(
        """
film films movie novel novels book books play series show comic comics manga game games franchise
trilogy saga story stories article song poem event character tale legend work
"""
    )
)
"""Words of which a name that a text gives to something new cannot consist alone; others, such as
trial and musical, are titles."""
