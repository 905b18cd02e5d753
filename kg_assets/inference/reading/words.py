"""Words that the reader knows: genres, forms and kinds of work, companies, heroes."""

from __future__ import annotations

from kg_assets.inference.wordlists import listed

MONTHS = listed(
    "January February March April May June July August September October November December"
)
WEEKDAYS = listed("Monday Tuesday Wednesday Thursday Friday Saturday Sunday")

SENTENCE_OPENERS = frozenset(
    listed(
        """
The A An In On At It Its He She They This That These When While After Before During As And But For
From With By To
"""
    )
)
"""Words that have a capital because they open a sentence."""

GENRES: tuple[str, ...] = listed(
    """
comedy horror|horror comedy|comedy-horror|horror-comedy|romantic comedy|romantic drama|comedy-drama|comedy drama|dramedy|black comedy|dark comedy|dark fantasy|
high fantasy|urban fantasy|science fantasy|science fiction|sci-fi|science-fiction|
military science fiction|musical comedy|comedy musical|crime drama|crime thriller|psychological thriller|psychological horror|
political thriller|erotic thriller|historical drama|
period drama|sex comedy|screwball comedy|
slapstick comedy|slapstick|stand-up comedy|spy|action thriller|
action comedy|action-comedy|supernatural horror|slasher|splatter|body horror|found footage|folk horror|gothic horror|survival horror|
natural horror|monster|zombie|vampire|superhero|martial arts|wuxia|kung fu|samurai|jidaigeki|
western|Western|space western|space Western|acid western|acid Western|Spaghetti Western|
spaghetti western|war|anti-war|epic|historical epic|disaster|sports|road movie|road|heist|caper|gangster|noir|film noir|
neo-noir|mystery|detective|suspense|thriller|drama|comedy|horror|fantasy|adventure|action|romance|
crime|musical|documentary|mockumentary|docudrama|biographical|biopic|biographical drama|
historical|melodrama|tragedy|tragicomedy|satire|satirical|parody|spoof|farce|family|
children's|coming-of-age|buddy|buddy comedy|buddy cop|cyberpunk|steampunk|dieselpunk|biopunk|
space opera|kaiju|tokusatsu|mecha|yaoi|yuri|hentai|magical girl|magical realism|surreal|surrealist|
avant-garde|absolute film|erotic|pornographic|exploitation|sexploitation|blaxploitation|
rockumentary|concert film|concert|jukebox musical|rock musical|rock opera|opera|swashbuckler|
sword and sorcery|sword-and-sandal|peplum|giallo|mumblecore|anthology|dystopian|post-apocalyptic|
apocalyptic|time travel|holiday|Christmas|anime|telenovela|sitcom|propaganda|
political satire|fairy tale|teen|superhero comedy
""",
    "|",
)
"""Genres of works as encyclopedias write them."""

FORMS = frozenset(
    listed(
        """
anime|anthology|epic|biographical|historical|sports|family|children's|Christmas|holiday|teen|
satirical|surreal|surrealist|propaganda|opera|sitcom|concert|monster|road|telenovela|concert film|
time travel
""",
        "|",
    )
)
"""Words of `GENRES` that describe a work's form, matter or public and seldom stand as its genre."""

WORKS = (
    "film|movie|short|feature|documentary|picture|cartoon|featurette|serial|series|miniseries|"
    "mini-series|episode|special|anime|drama|comedy|thriller|melodrama|western|Western|musical|"
    "sequel|prequel|remake|adaptation|animation|video|OVA|biopic|parody|mockumentary|production|"
    "tragedy|play|opera|project|B-movie|romance|satire|fantasy|mystery|horror|story|"
    "docudrama|manga|telefilm|co-production|slasher|farce|spoof|adventure|DVD|release|blockbuster|"
    "epic|short film|noir|program|programme|show|routine|recording"
)
"""Head words of what a work is said to be."""

COMPANY = (
    r"(?:Films?|Pictures?|Studios?|Productions?|Entertainment|Animation|Animations|Company|"
    r"Corporation|Corp|Bros|Brothers|Media|Television|Cinema|Cinematografica|Inc|Ltd|Limited|"
    r"LLC|Group|Board|Network|Partners|Enterprises|Associates|International|Movies|Filmworks|"
    r"Filmproduktion|Filmes|Cartoons|Video|Works|Workshop|Committee|Unit|Distribution|Features|"
    r"Channel|Broadcasting|Records|Cinematographica|Artists|Goldwyn-Mayer|Goldwyn Mayer|Century Fox|Century-Fox|Searchlight|Products|Filmverleih|Telefilm|"
    r"Filmi|Mosfilm|Soyuzmultfilm|Lenfilm|Gaumont|Pathé|Pathe|Toei|Toho|Shochiku|Daiei|Nikkatsu|"
    r"Madhouse|Gainax|Sunrise|Pixar|Disney|Netflix|HBO|BBC|NBC|CBS|ITV|NHK|Nickelodeon|"
    r"Bandai|Capcom|Konami|Sega|Miramax|DreamWorks|Lionsgate|Paramount|Universal|"
    r"Columbia|Republic|Monogram|Laika|Aardman|Filmation|Ghibli|UPA|MGM|RKO|UFA|DEFA|Svensk|"
    r"CinemaScope|StudioCanal|Kino|Tatsunoko|Kadokawa|Aniplex|A-1|I\.G|IG|Deen|CAOZ|"
    r"WingNut|Troma|Zoetrope|Amblin|Lucasfilm|Filmax|Institute|Foundation|"
    r"Agency|Anime|Pierrot|Gonzo|Xebec|Satelight|Ufotable|Bavaria)"
)
"""Words in the names of companies and studios."""

HEROES = frozenset(
    listed(
        """
Bugs Bunny|Daffy Duck|Porky Pig|Elmer Fudd|Yosemite Sam|Foghorn Leghorn|Pepé Le Pew|
Speedy Gonzales|Wile E. Coyote|Road Runner|Tweety|Sylvester the Cat|Sylvester|Tasmanian Devil|
Marvin the Martian|Donald Duck|Daisy Duck|Mickey Mouse|Minnie Mouse|Goofy|Pluto|Chip n' Dale|
Chip 'n' Dale|Huey, Dewey and Louie|Scrooge McDuck|Ludwig Von Drake|Woody Woodpecker|
Chilly Willy|Andy Panda|Popeye|Olive Oyl|Bluto|Betty Boop|Felix the Cat|Oswald the Lucky Rabbit|
Droopy|Tom and Jerry|Pink Panther|Mr. Magoo|Yogi Bear|Scooby-Doo|Fred Flintstone|Barney Rubble|
Winnie the Pooh|Snoopy|Charlie Brown|Krazy Kat|Mighty Mouse|Heckle and Jeckle|
Casper the Friendly Ghost|Superman|Batman|Spider-Man|Wonder Woman|Godzilla|King Kong|Mothra|
Gamera|Sherlock Holmes|James Bond|Count Dracula|Dracula|Frankenstein's monster|Tarzan|Zorro|
Robin Hood|Hercule Poirot|Miss Marple|Charlie Chan|Dick Tracy|Doctor Who|Lassie|Harry Potter|
Indiana Jones|Freddy Krueger|Jason Voorhees|Michael Myers|Leatherface|Chucky|Doraemon|Goku|
Pikachu|Astro Boy|Lupin III|Monkey King|Sun Wukong|Wallace and Gromit|Shrek|Buzz Lightyear|
Bosko|Flip the Frog|Private Snafu|Inspector Clouseau|Captain Nemo|Captain Harlock|
Conan the Barbarian|Flash Gordon|Buck Rogers|The Joker|Thanos|Iron Man|Captain America|Thor|
Wolverine|Lex Luthor|Dr. Watson|Professor Moriarty|Santa Claus
""",
        "|",
    )
)
"""Characters that are known beyond one work."""
