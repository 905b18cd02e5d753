"""Peoples and countries as texts name them; the one list of them for all who look for them."""

from __future__ import annotations

from collections.abc import Mapping

from kg_assets.inference.wordlists import any_of, listed

_COUNTRIES: Mapping[str, tuple[str, str]] = {
    "United States of America": (
        "American",
        "U.S.|US|United States|United States of America|USA|U.S.A.|Hollywood",
    ),
    "United Kingdom": (
        "British|English|Scottish|Welsh",
        "UK|U.K.|United Kingdom|England|Scotland|Wales|Great Britain|Britain",
    ),
    "Japan": ("Japanese", "Japan"),
    "France": ("French", "France"),
    "Germany": ("German", "Germany"),
    "West Germany": ("West German", "West Germany"),
    "German Democratic Republic": ("East German", "East Germany"),
    "Italy": ("Italian", "Italy"),
    "Spain": ("Spanish", "Spain"),
    "Canada": ("Canadian", "Canada"),
    "India": ("Indian", "India"),
    "China": ("Chinese", "China|People's Republic of China"),
    "Hong Kong": ("Hong Kong", ""),
    "Taiwan": ("Taiwanese", "Taiwan"),
    "South Korea": ("South Korean|Korean", "South Korea|Korea"),
    "North Korea": ("North Korean", "North Korea"),
    "Soviet Union": ("Soviet", "Soviet Union|USSR"),
    "Russia": ("Russian", "Russia"),
    "Australia": ("Australian", "Australia"),
    "New Zealand": ("New Zealand", ""),
    "Ireland": ("Irish", "Ireland"),
    "Netherlands": ("Dutch", "Netherlands"),
    "Belgium": ("Belgian", "Belgium"),
    "Sweden": ("Swedish", "Sweden"),
    "Norway": ("Norwegian", "Norway"),
    "Denmark": ("Danish", "Denmark"),
    "Finland": ("Finnish", "Finland"),
    "Iceland": ("Icelandic", "Iceland"),
    "Poland": ("Polish", "Poland"),
    "Czechoslovakia": ("Czechoslovak|Czechoslovakian", "Czechoslovakia"),
    "Czech Republic": ("Czech", "Czech Republic"),
    "Slovakia": ("Slovak", "Slovakia"),
    "Hungary": ("Hungarian", "Hungary"),
    "Austria": ("Austrian", "Austria"),
    "Switzerland": ("Swiss", "Switzerland"),
    "Greece": ("Greek", "Greece"),
    "Turkey": ("Turkish", "Turkey"),
    "Portugal": ("Portuguese", "Portugal"),
    "Mexico": ("Mexican", "Mexico"),
    "Brazil": ("Brazilian", "Brazil"),
    "Argentina": ("Argentine|Argentinian|Argentinean", "Argentina"),
    "Chile": ("Chilean", "Chile"),
    "Colombia": ("Colombian", "Colombia"),
    "Cuba": ("Cuban", "Cuba"),
    "Peru": ("Peruvian", "Peru"),
    "Venezuela": ("Venezuelan", "Venezuela"),
    "Bolivia": ("Bolivian", "Bolivia"),
    "Uruguay": ("Uruguayan", "Uruguay"),
    "Costa Rica": ("Costa Rican", "Costa Rica"),
    "Israel": ("Israeli", "Israel"),
    "Iran": ("Iranian", "Iran"),
    "Iraq": ("Iraqi", "Iraq"),
    "Egypt": ("Egyptian", "Egypt"),
    "Lebanon": ("Lebanese", "Lebanon"),
    "Morocco": ("Moroccan", "Morocco"),
    "Algeria": ("Algerian", "Algeria"),
    "Tunisia": ("Tunisian", "Tunisia"),
    "South Africa": ("South African", "South Africa"),
    "Nigeria": ("Nigerian", "Nigeria"),
    "Kenya": ("Kenyan", "Kenya"),
    "Senegal": ("Senegalese", "Senegal"),
    "Pakistan": ("Pakistani", "Pakistan"),
    "Bangladesh": ("Bangladeshi", "Bangladesh"),
    "Sri Lanka": ("Sri Lankan", "Sri Lanka"),
    "Nepal": ("Nepalese|Nepali", "Nepal"),
    "Thailand": ("Thai", "Thailand"),
    "Vietnam": ("Vietnamese", "Vietnam"),
    "Philippines": ("Filipino|Philippine", "Philippines"),
    "Indonesia": ("Indonesian", "Indonesia"),
    "Malaysia": ("Malaysian", "Malaysia"),
    "Singapore": ("Singaporean", "Singapore"),
    "Cambodia": ("Cambodian", "Cambodia"),
    "Mongolia": ("Mongolian", "Mongolia"),
    "Kazakhstan": ("Kazakh|Kazakhstani", "Kazakhstan"),
    "Ukraine": ("Ukrainian", "Ukraine"),
    "Georgia": ("Georgian", ""),
    "Armenia": ("Armenian", "Armenia"),
    "Estonia": ("Estonian", "Estonia"),
    "Latvia": ("Latvian", "Latvia"),
    "Lithuania": ("Lithuanian", "Lithuania"),
    "Romania": ("Romanian", "Romania"),
    "Bulgaria": ("Bulgarian", "Bulgaria"),
    "Yugoslavia": ("Yugoslav|Yugoslavian", "Yugoslavia"),
    "Serbia": ("Serbian", "Serbia"),
    "Croatia": ("Croatian", "Croatia"),
    "Slovenia": ("Slovenian|Slovene", "Slovenia"),
    "Bosnia and Herzegovina": ("Bosnian", "Bosnia and Herzegovina"),
    "North Macedonia": ("Macedonian", "Macedonia"),
    "Albania": ("Albanian", "Albania"),
    "Palestine": ("Palestinian", "Palestine"),
    "Syria": ("Syrian", "Syria"),
    "Jordan": ("Jordanian", ""),
    "Afghanistan": ("Afghan", "Afghanistan"),
    "Luxembourg": ("Luxembourgish", "Luxembourg"),
}
"""By the country's name in Wikidata: what its people are called, and names of the country."""

COUNTRIES: dict[str, str] = {
    word: country
    for country, words in _COUNTRIES.items()
    for word in "|".join(filter(None, words)).split("|")
}
"""Peoples and countries as texts name them, to the country's name in Wikidata."""

_WITHOUT_A_COUNTRY = listed("European Bengali Catalan Hebrew Hindi Malayalam Punjabi Tamil Telugu")

PEOPLES = (
    frozenset(COUNTRIES)
    | frozenset(_WITHOUT_A_COUNTRY)
    | frozenset(
        listed(
            """
African Asian Latin Jewish Catholic Christian Muslim Arab Hindu Bollywood Kannada Marathi
Scandinavian Nordic Yiddish Quebec Québécois Basque Cantonese Mandarin Chicago-based
"""
        )
    )
)
"""Adjectives with a capital that stand before what someone is, and are no part of a name."""

NATIONALITIES = any_of(
    [
        *(people for words, _ in _COUNTRIES.values() if words for people in words.split("|")),
        *_WITHOUT_A_COUNTRY,
        *listed("Persian Roman Franco Anglo Italo"),
    ]
)
"""A pattern for what a text calls the people whose work something is. Roman and Christian are given
names too, so not all that is in one list is in the other."""
