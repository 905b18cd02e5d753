"""Names of places, with the words around them that are no part of a name."""

from __future__ import annotations

import re
from dataclasses import dataclass

from kg_assets.inference.peoples import COUNTRIES
from kg_assets.inference.reading.spans import TOKEN
from kg_assets.inference.reading.words import MONTHS, WEEKDAYS
from kg_assets.inference.wordlists import listed

REGIONS = frozenset(COUNTRIES.values()) | frozenset(
    listed(
        """
England|Scotland|Wales|Northern Ireland|Alabama|Alaska|Arizona|Arkansas|California|Colorado|
Connecticut|Delaware|Florida|Georgia|Hawaii|Idaho|Illinois|Indiana|Iowa|Kansas|Kentucky|Louisiana|
Maine|Maryland|Massachusetts|Michigan|Minnesota|Mississippi|Missouri|Montana|Nebraska|Nevada|
New Hampshire|New Jersey|New Mexico|North Carolina|North Dakota|Ohio|Oklahoma|Oregon|Pennsylvania|
Rhode Island|South Carolina|South Dakota|Tennessee|Texas|Utah|Vermont|Virginia|West Virginia|
Wisconsin|Wyoming|Ontario|Quebec|British Columbia|Alberta|Manitoba|Saskatchewan|Nova Scotia|
New Brunswick|Newfoundland|New South Wales|Victoria|Queensland|South Australia|Western Australia|
Tasmania|Bavaria|Saxony|Tuscany|Sicily|Lombardy|Andalusia|Catalonia|Normandy|Brittany|Provence|
Punjab|Kerala|Tamil Nadu|Rajasthan|Maharashtra|West Bengal|Gujarat|Siberia|Ivory Coast|Guangdong|
Sichuan|Yunnan|Hokkaido|Okinawa|United States|United Kingdom|US|U.S.|USA|UK|U.K.|Yukon Territory
""",
        "|",
    )
)
"""Countries, states and provinces, which after a city only say where it lies."""

CITIES = frozenset(
    listed(
        """
New York City|New York|Los Angeles|Chicago|Houston|Philadelphia|Phoenix|San Antonio|San Diego|
Dallas|San Francisco|Seattle|Denver|Boston|Detroit|Nashville|Portland|Las Vegas|Baltimore|Atlanta|
Miami|New Orleans|Minneapolis|Pittsburgh|Cincinnati|Cleveland|St. Louis|Tampa|Milwaukee|Memphis|
Kansas City|Salt Lake City|Washington, D.C.|Washington|Honolulu|Santa Monica|Hollywood|Brooklyn|
Manhattan|Harlem|Queens|The Bronx|Bronx|Toronto|Montreal|Vancouver|Ottawa|Calgary|Winnipeg|
Edmonton|Halifax|Quebec City|Mexico City|Tijuana|Acapulco|Havana|Buenos Aires|Rio de Janeiro|
São Paulo|Santiago|Lima|Bogotá|Caracas|Medellín|Montevideo|London|Manchester|Liverpool|Birmingham|
Leeds|Sheffield|Bristol|Newcastle upon Tyne|Newcastle|Brighton|Oxford|Cambridge|Glasgow|Edinburgh|
Cardiff|Belfast|Dublin|Cork|Paris|Marseille|Lyon|Nice|Cannes|Toulouse|Bordeaux|Lille|Rouen|Rennes|
Berlin|Hamburg|Munich|Cologne|Frankfurt|Stuttgart|Dresden|Leipzig|Nuremberg|Bremen|Vienna|Salzburg|
Zurich|Zürich|Geneva|Basel|Bern|Rome|Milan|Naples|Turin|Venice|Florence|Palermo|Genoa|Bologna|
Madrid|Barcelona|Seville|Valencia|Bilbao|Almería|Lisbon|Porto|Amsterdam|Rotterdam|The Hague|
Brussels|Antwerp|Bruges|Copenhagen|Stockholm|Gothenburg|Malmö|Uppsala|Oslo|Bergen|Helsinki|Tampere|
Reykjavík|Reykjavik|Warsaw|Kraków|Łódź|Prague|Brno|Bratislava|Budapest|Bucharest|Sofia|Belgrade|
Zagreb|Sarajevo|Athens|Thessaloniki|Istanbul|Ankara|Moscow|Saint Petersburg|St. Petersburg|
Leningrad|Kiev|Kyiv|Odessa|Minsk|Riga|Tallinn|Vilnius|Tbilisi|Yerevan|Baku|Jerusalem|Tel Aviv|
Haifa|Beirut|Damascus|Baghdad|Tehran|Kabul|Karachi|Lahore|Islamabad|Delhi|New Delhi|Mumbai|Bombay|
Kolkata|Calcutta|Chennai|Madras|Bangalore|Bengaluru|Hyderabad|Pune|Jaipur|Udaipur|Goa|Varanasi|
Kathmandu|Dhaka|Colombo|Bangkok|Hanoi|Ho Chi Minh City|Saigon|Phnom Penh|Kuala Lumpur|Singapore|
Jakarta|Manila|Hong Kong|Kowloon|Macau|Taipei|Beijing|Peking|Shanghai|Nanjing|Nanking|Guangzhou|
Chongqing|Shenzhen|Wuhan|Harbin|Tokyo|Osaka|Kyoto|Yokohama|Nagasaki|Hiroshima|Kobe|Nagoya|Sapporo|
Kamakura|Seoul|Busan|Pyongyang|Sydney|Melbourne|Brisbane|Perth|Adelaide|Auckland|Wellington|Cairo|
Alexandria|Casablanca|Marrakesh|Tangier|Tunis|Algiers|Dakar|Abidjan|Lagos|Nairobi|Johannesburg|
Cape Town|Durban|Kinshasa|Addis Ababa|Gibraltar|Monte Carlo|Monaco|Gotham City|Metropolis|Hawaii|
Stamford|Tokyo Bay|Dubai|Doha|Riyadh|Mecca|Cochabamba|La Paz|Quito|Pompeii|Ibiza|Strasbourg|Ghent
""",
        "|",
    )
)
"""Cities that stories and shootings are often in."""

_ONLY_REGIONS = REGIONS - CITIES
_LOWER = r"(?:[a-zà-ÿ][\w'’-]*|\d{2,4}s|\d{4}(?:[-–]\d+)?|\d+(?:st|nd|rd|th)(?:-century)?|late-\S+|mid-\S+|early-\S+)"
_BEFORE = re.compile(
    rf"(?:(?:(?!(?:and|which|where|who|that|with|by|for|but|is|was|were|as|while|during|before|after|when|at|following|tells|starring)\b){_LOWER}),? ){{0,6}}"
)
_NAME = re.compile(
    rf"(?:[Tt]he )?{TOKEN}(?:(?: | (?:de|del|do|da|la|upon|on|of the|of|am|an der|sur|du) |-){TOKEN})*"
)
_NOT_AFTER = re.compile(
    r" ?(?:International |Film )*(?:Film Festival|Festival|Awards?|Academy|University|Olympics|Olympic|"
    r"theatres|theaters|cinemas|box|Museum|Times|Stock|Police|Symphony|Philharmonic)\b|['’]s? |['’]s "
)
_TRAILING = re.compile(rf"(?: on| of)? (?:{'|'.join(MONTHS)}|Film|Studio Ghibli)$")
_CAPITAL = re.compile(r"(?<=Washington), D\.C\.?")
_SEPARATOR = re.compile(
    r"[\s\x02]*(?:, (?:and |as well as |then )?(?:in |at )?|(?: and| as well as| &|, as well as|, along with) (?:also )?(?:in (?:and around )?|at |around |near )?|/|-(?=[A-Z]))"
)
_NO_PLACE = frozenset(
    (
        *MONTHS,
        *WEEKDAYS,
        *listed(
            """
Technicolor Eastmancolor Spring Summer Autumn Winter Christmas English French German Japanese
Cannes Sundance DVD HD IMAX CinemaScope Imax He She It They I Blu-ray
"""
        ),
    )
)


@dataclass(frozen=True, slots=True)
class Place:
    """A place that a text names.

    Attributes:
        start: First character in the repaired text.
        end: One past the last.
        name: Its name.
        known: Whether it is one of the cities and regions that are listed here.
        region: Whether it only says where the place before it lies.
        place: Its place in its list, from 0.
        skipped: Whether words stood before it.
    """

    start: int
    end: int
    name: str
    known: bool
    region: bool
    place: int
    skipped: bool


def places(text: str, position: int) -> list[Place]:
    """Read the places after words such as "set in".

    Args:
        text: The sentence with title and parentheses masked.
        position: Where those words end.
    """
    found: list[Place] = []
    while len(found) < 12:
        before = _BEFORE.match(text, position)
        start = (
            before.end() if before and (not found or before.group() in ("", "the ")) else position
        )
        match = _NAME.match(text, start)
        if match is None:
            break
        name = match.group()
        if months := _TRAILING.search(name):
            name = name[: months.start()]
        rest = _NOT_AFTER.match(text, match.start() + len(name))
        if rest and not (rest.group()[0] in "'’" and name in CITIES):
            break
        bare = name[4:] if name[:4].lower() == "the " and name not in CITIES else name
        if bare.split(" ")[0] in _NO_PLACE or len(bare) < 2:
            break
        at = match.start() + len(name) - len(bare)
        match_end = at + len(bare)
        if capital := _CAPITAL.match(text, match_end):
            bare, match_end = f"{bare}, D.C.", capital.end()
        previous = found[-1] if found else None
        comma = previous is not None and text[previous.end : at].strip(" the") == ","
        region = bool(
            comma and bare in _ONLY_REGIONS and previous and previous.name not in _ONLY_REGIONS
        )
        known = bare in CITIES or bare in REGIONS
        found.append(Place(at, match_end, bare, known, region, len(found), start > position))
        separator = _SEPARATOR.match(text, match_end)
        if separator is None:
            break
        position = separator.end()
    return found
