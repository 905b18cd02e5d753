"""Patterns of what stands beside a title: a kind, a people, a franchise; and what is no title."""

from __future__ import annotations

import re

from kg_assets.inference.kind_words import KINDS
from kg_assets.inference.peoples import NATIONALITIES
from kg_assets.inference.wordlists import any_of, listed

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
