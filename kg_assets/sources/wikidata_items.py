"""Items of Wikidata that the adapter knows by their id: classes, countries, languages, occupations.

The ids are Wikidata's own (CC0), the comments its English labels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

CLASSES: Mapping[str, tuple[str, ...]] = {
    "person": ("Q5",),  # human
    "character": (
        "Q95074",  # fictional character
        "Q15632617",  # fictional human
        "Q15773347",  # film character
        "Q15773317",  # television character
        "Q15711870",  # animated character
        "Q1114461",  # comics character
        "Q1569167",  # video game character
        "Q3658341",  # literary character
        "Q15720793",  # theatrical character
        "Q80447738",  # anime character
        "Q87576284",  # manga character
        "Q4271324",  # mythical character
        "Q13002315",  # legendary figure
    ),
    "episode": (
        "Q21191270",  # television series episode
        "Q1983062",  # episode
        "Q21664088",  # two-part episode
        "Q653916",  # television pilot
    ),
    "film": (
        "Q11424",  # film
        "Q24869",  # feature film
        "Q24862",  # short film
        "Q202866",  # animated film
        "Q29168811",  # animated feature film
        "Q17517379",  # animated short film
        "Q20650540",  # anime film
        "Q506240",  # television film
        "Q1261214",  # television special
        "Q93204",  # documentary film
        "Q226730",  # silent film
        "Q20667187",  # silent short film
        "Q229390",  # 3D film
        "Q130232",  # drama film
        "Q157443",  # comedy film
        "Q200092",  # horror film
        "Q188473",  # action film
        "Q319221",  # adventure film
        "Q369747",  # war film
        "Q471839",  # science fiction film
        "Q157394",  # fantasy film
        "Q1054574",  # romance film
        "Q842256",  # musical film
        "Q185867",  # film noir
        "Q2484376",  # thriller film
        "Q959790",  # crime film
        "Q645928",  # biographical film
        "Q17013749",  # historical film
        "Q336144",  # anthology film
        "Q18011172",  # film project
    ),
    "series": (
        "Q5398426",  # television series
        "Q1259759",  # miniseries
        "Q581714",  # animated series
        "Q117467246",  # animated television series
        "Q63952888",  # anime television series
        "Q526877",  # web series
        "Q15416",  # television program
        "Q23739",  # soap opera
        "Q170238",  # sitcom
        "Q1366112",  # television drama
        "Q220898",  # original video animation
    ),
    "game": (
        "Q7889",  # video game
        "Q11410",  # game
        "Q131436",  # board game
        "Q142714",  # card game
        "Q734698",  # collectible card game
        "Q1121542",  # mobile game
        "Q1643932",  # tabletop role-playing game
        "Q65963104",  # video game remake
        "Q4393107",  # video game remaster
        "Q209163",  # expansion pack
        "Q1066707",  # downloadable content
        "Q64170203",  # video game project
    ),
    "comic": (
        "Q1004",  # comics
        "Q1760610",  # comic book
        "Q14406742",  # comic book series
        "Q725377",  # graphic novel
        "Q838795",  # comic strip
        "Q8274",  # manga
        "Q21198342",  # manga series
        "Q74262765",  # manhwa series
        "Q21202185",  # one-shot manga
    ),
    "play": (
        "Q25379",  # play
        "Q2743",  # musical
        "Q1344",  # opera
        "Q116476516",  # dramatic work
        "Q58483083",  # dramatico-musical work
    ),
    "book": (
        "Q7725634",  # literary work
        "Q571",  # book
        "Q8261",  # novel
        "Q149537",  # novella
        "Q49084",  # short story
        "Q1279564",  # short story collection
        "Q4184",  # autobiography
        "Q36279",  # biography
        "Q47461344",  # written work
        "Q5185279",  # poem
    ),
    "franchise": (
        "Q196600",  # media franchise
        "Q24856",  # film series
        "Q559618",  # fictional universe
        "Q7058673",  # video game series
        "Q277759",  # book series
        "Q1667921",  # novel series
        "Q104213567",  # light novel series
        "Q13593966",  # literary trilogy
        "Q7725310",  # series of creative works
    ),
    "event": (
        "Q1656682",  # event
        "Q220505",  # film festival
        "Q27787439",  # film festival edition
        "Q132241",  # festival
        "Q4504495",  # award ceremony
        "Q16913666",  # Academy Awards ceremony
        "Q198",  # war
        "Q178561",  # battle
    ),
    "organisation": (
        "Q43229",  # organization
        "Q4830453",  # business
        "Q783794",  # company
        "Q6881511",  # enterprise
        "Q891723",  # public company
        "Q1762059",  # film production company
        "Q10689397",  # television production company
        "Q375336",  # film studio
        "Q1107679",  # animation studio
        "Q368290",  # film distributor
        "Q210167",  # video game developer
        "Q1137109",  # video game publisher
        "Q2085381",  # publisher
        "Q1320047",  # book publisher
        "Q18127",  # record label
        "Q215380",  # musical group
        "Q5741069",  # rock band
        "Q1616075",  # television station
        "Q2001305",  # television channel
        "Q1254874",  # television network
        "Q742421",  # theatre company
    ),
}
"""Entity type to classes; an item of classes of several types has the first of these types.

A television special is a work shown once, a film, as IMDb and TMDB have it: of types that differ no
two records would ever meet. One that Wikidata calls an episode too is an episode. A pilot is nearly
always the first episode of its series, so it stays one.
"""


def _table(text: str) -> dict[str, str]:
    return dict(entry.split() for entry in text.split(","))


COUNTRIES: Mapping[str, str] = _table(
    # States of today.
    "Q30 US,Q145 GB,Q142 FR,Q183 DE,Q38 IT,Q29 ES,Q17 JP,Q668 IN,Q148 CN,Q884 KR,Q16 CA,"
    "Q408 AU,Q155 BR,Q96 MX,Q414 AR,Q159 RU,Q34 SE,Q35 DK,Q20 NO,Q33 FI,Q189 IS,Q55 NL,"
    "Q29999 NL,Q31 BE,Q32 LU,Q39 CH,Q40 AT,Q36 PL,Q213 CZ,Q214 SK,Q28 HU,Q218 RO,Q219 BG,"
    "Q41 GR,Q43 TR,Q45 PT,Q27 IE,Q212 UA,Q184 BY,Q37 LT,Q211 LV,Q191 EE,Q224 HR,Q403 RS,"
    "Q215 SI,Q225 BA,Q221 MK,Q222 AL,Q236 ME,Q229 CY,Q230 GE,Q399 AM,Q227 AZ,Q232 KZ,Q265 UZ,"
    "Q794 IR,Q796 IQ,Q801 IL,Q79 EG,Q822 LB,Q858 SY,Q810 JO,Q851 SA,Q878 AE,Q1028 MA,Q262 DZ,"
    "Q948 TN,Q1016 LY,Q258 ZA,Q1033 NG,Q114 KE,Q117 GH,Q1041 SN,Q115 ET,Q843 PK,Q902 BD,"
    "Q854 LK,Q837 NP,Q869 TH,Q881 VN,Q252 ID,Q833 MY,Q334 SG,Q928 PH,Q865 TW,Q8646 HK,"
    "Q423 KP,Q711 MN,Q298 CL,Q739 CO,Q419 PE,Q717 VE,Q77 UY,Q241 CU,Q736 EC,Q750 BO,Q733 PY,"
    "Q664 NZ,Q1246 XK,Q219060 PS,Q233 MT,"
    # States that are gone and parts of states, as `codes.COUNTRY_NAMES` has them.
    "Q15180 SU,Q2184 SU,Q133356 SU,Q33946 CS,Q36704 YU,Q83286 YU,Q16957 DD,Q713750 DE,"
    "Q7318 DE,Q43287 DE,Q41304 DE,Q34266 RU,Q28513 AT,Q174193 GB,Q172579 IT,Q188712 JP,"
    "Q129286 IN,Q22 GB,Q21 GB,Q25 GB,Q26 GB"
)
"""ISO 3166-1 alpha-2 code of a country, for deliveries that do not hold the country."""

LANGUAGES: Mapping[str, str] = _table(
    "Q1860 en,Q7976 en,Q7979 en,Q150 fr,Q188 de,Q652 it,Q1321 es,Q5287 ja,Q7850 zh,Q9192 zh,"
    "Q727694 zh,Q9186 yue,Q1568 hi,Q5885 ta,Q8097 te,Q36236 ml,Q33673 kn,Q9610 bn,Q1571 mr,"
    "Q58635 pa,Q1617 ur,Q9176 ko,Q7737 ru,Q8798 uk,Q809 pl,Q9056 cs,Q9067 hu,Q7913 ro,"
    "Q9129 el,Q256 tr,Q5146 pt,Q750553 pt,Q7411 nl,Q9027 sv,Q9035 da,Q9043 no,Q25167 nb,"
    "Q1412 fi,Q294 is,Q9058 sk,Q9063 sl,Q6654 hr,Q9299 sr,Q9301 sh,Q7918 bg,Q9168 fa,"
    "Q13955 ar,Q9288 he,Q9217 th,Q9199 vi,Q9240 id,Q9237 ms,Q34057 tl,Q7026 ca,Q8752 eu,"
    "Q9307 gl,Q397 la,Q143 eo,Q9142 ga,Q8108 ka,Q8785 hy,Q9072 et,Q9078 lv,Q9083 lt"
)
"""ISO 639 code of a language, for deliveries that do not hold the language."""

OCCUPATIONS: Mapping[str, str] = {
    "Q33999": "actor",
    "Q10800557": "actor",  # film actor
    "Q10798782": "actor",  # television actor
    "Q2259451": "actor",  # stage actor
    "Q2405480": "actor",  # voice actor
    "Q2526255": "director",  # film director
    "Q3455803": "director",
    "Q2059704": "director",  # television director
    "Q3387717": "director",  # theatrical director
    "Q28389": "writer",  # screenwriter
    "Q36180": "writer",
    "Q3282637": "producer",  # film producer
    "Q578109": "producer",  # television producer
    "Q1053574": "producer",  # executive producer
    "Q36834": "composer",
    "Q1415090": "composer",  # film score composer
    "Q222344": "cinematographer",
    "Q7042855": "editor",  # film editor
    "Q6625963": "novelist",
    "Q49757": "poet",
    "Q214917": "playwright",
    "Q177220": "singer",
    "Q639669": "musician",
    "Q245068": "comedian",
    "Q644687": "illustrator",
    "Q266569": "animator",
}
"""Profession of an occupation, in the words that other sources use; others keep their label."""
