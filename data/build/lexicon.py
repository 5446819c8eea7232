"""The words of the gazette's world: English and German side by side.

Everything is plain text, one entry an item, so that a teacher can add a word in any editor. What goes with what (which verb takes
which things, where, for how long, why) stands in ``scenes.py``; ``grammar.py`` makes word forms of both.

Nouns: ``english[/irregular plural]:German singular:gender:German plural``, in groups that share their adjectives.
Verbs: ``english[ past participle]:German infinitive, third person present, preterite, participle``; a ``+`` in the infinitive marks a
separable prefix (``ab+holen``), ``sein`` in front of it the auxiliary. Verbs are named by their German infinitive, because English
*paint* is *streichen* for a fence and *malen* for a picture. Adjectives: ``english:German stem``.
"""

ADJECTIVES = """old:alt; new:neu; small:klein; big:groß; heavy:schwer; beautiful:schön; strange:seltsam; valuable:wertvoll; rare:selten;
    famous:berühmt; cheap:billig; simple:einfach; expensive:teur; white:weiß; black:schwarz; brown:braun; grey:grau; huge:riesig;
    tiny:winzig; unusual:ungewöhnlich; pretty:hübsch; important:wichtig; special:besonder; red:rot; blue:blau; green:grün;
    yellow:gelb; broken:kaputt; dirty:schmutzig; dusty:staubig; wooden:hölzern; sturdy:stabil; modern:modern; colourful:bunt;
    elegant:elegant; historic:historisch; practical:praktisch; narrow:schmal; light:leicht; long:lang; damaged:beschädigt;
    golden:golden; silver:silbern; plain:schlicht; antique:antik; round:rund; forgotten:vergessen; used:gebraucht;
    fresh:frisch; sweet:süß; ripe:reif; delicious:lecker; warm:warm; juicy:saftig; crisp:knusprig; spicy:scharf;
    young:jung; sick:krank; strong:stark; wild:wild; healthy:gesund; weak:schwach; slender:schlank; tall:hoh; magnificent:prächtig;
    hungry:hungrig; tame:zahm; friendly:freundlich; shy:scheu; clever:klug; frightened:ängstlich; cheeky:frech; short:kurz;
    funny:lustig; sad:traurig; interesting:interessant; handwritten:handgeschrieben; exciting:spannend; cheerful:fröhlich;
    quiet:ruhig; difficult:schwierig; popular:beliebt; traditional:traditionell; injured:verletzt; rusty:rostig; dark:dunkl;
    thick:dick; lively:lebhaft; free:kostenlos; annual:jährlich"""

# group: (adjectives, nouns)
NOUNS = {
    "machine": ("old new small big modern used heavy black white", """clock:Uhr:f:Uhren; radio:Radio:n:Radios; lamp:Lampe:f:Lampen;
        camera:Kamera:f:Kameras; sewing machine:Nähmaschine:f:Nähmaschinen; typewriter:Schreibmaschine:f:Schreibmaschinen;
        telephone:Telefon:n:Telefone; computer:Computer:m:Computer; printer:Drucker:m:Drucker; television:Fernseher:m:Fernseher;
        coffee machine:Kaffeemaschine:f:Kaffeemaschinen; washing machine:Waschmaschine:f:Waschmaschinen;
        projector:Projektor:m:Projektoren; loudspeaker:Lautsprecher:m:Lautsprecher; lawnmower:Rasenmäher:m:Rasenmäher;
        pump:Pumpe:f:Pumpen"""),
    "part": ("old narrow wooden big small historic sturdy", """roof:Dach:n:Dächer; wall:Mauer:f:Mauern; gate:Tor:n:Tore; fence:Zaun:m:Zäune;
        staircase:Treppe:f:Treppen; balcony:Balkon:m:Balkone; terrace:Terrasse:f:Terrassen; window:Fenster:n:Fenster; door:Tür:f:Türen"""),
    "building": ("old small wooden big historic", """shed:Schuppen:m:Schuppen; garage:Garage:f:Garagen; stable:Stall:m:Ställe;
        hut:Hütte:f:Hütten; greenhouse:Gewächshaus:n:Gewächshäuser; barn:Scheune:f:Scheunen; pavilion:Pavillon:m:Pavillons;
        chapel:Kapelle:f:Kapellen"""),
    "public": ("new small big modern colourful", """playground:Spielplatz:m:Spielplätze; stage:Bühne:f:Bühnen; fountain:Brunnen:m:Brunnen;
        footbridge:Steg:m:Stege; climbing wall:Kletterwand:f:Kletterwände; viewing tower:Aussichtsturm:m:Aussichtstürme;
        bridge:Brücke:f:Brücken; bus shelter:Wartehäuschen:n:Wartehäuschen; sports field:Sportplatz:m:Sportplätze"""),
    "furniture": ("old heavy small antique elegant sturdy brown white simple", """table:Tisch:m:Tische; chair:Stuhl:m:Stühle;
        bench:Bank:f:Bänke; cupboard:Schrank:m:Schränke; shelf/shelves:Regal:n:Regale; bed:Bett:n:Betten; sofa:Sofa:n:Sofas;
        desk:Schreibtisch:m:Schreibtische; armchair:Sessel:m:Sessel; stool:Hocker:m:Hocker; mirror:Spiegel:m:Spiegel;
        chest of drawers/chests of drawers:Kommode:f:Kommoden; wardrobe:Kleiderschrank:m:Kleiderschränke;
        rocking chair:Schaukelstuhl:m:Schaukelstühle; chest:Truhe:f:Truhen; coat rack:Garderobe:f:Garderoben"""),
    "textile": ("old colourful red blue thick long pretty plain grey", """carpet:Teppich:m:Teppiche; curtain:Vorhang:m:Vorhänge;
        blanket:Decke:f:Decken; flag:Fahne:f:Fahnen; tablecloth:Tischdecke:f:Tischdecken; cushion:Kissen:n:Kissen"""),
    "vehicle": ("old new red blue green heavy used black", """tractor:Traktor:m:Traktoren; car:Auto:n:Autos; bus:Bus:m:Busse;
        lorry:Lastwagen:m:Lastwagen; motorcycle:Motorrad:n:Motorräder; caravan:Wohnwagen:m:Wohnwagen; trailer:Anhänger:m:Anhänger;
        fire engine:Feuerwehrauto:n:Feuerwehrautos; delivery van:Lieferwagen:m:Lieferwagen"""),
    "cycle": ("old new red blue light sturdy used", """bicycle:Fahrrad:n:Fahrräder; cart:Karren:m:Karren; scooter:Roller:m:Roller;
        pram:Kinderwagen:m:Kinderwagen; wheelchair:Rollstuhl:m:Rollstühle; sledge:Schlitten:m:Schlitten;
        carriage:Kutsche:f:Kutschen"""),
    "boats": ("old small white blue long wooden", """boat:Boot:n:Boote; canoe:Kanu:n:Kanus; ferry:Fähre:f:Fähren; ship:Schiff:n:Schiffe;
        raft:Floß:n:Flöße; sailing boat:Segelboot:n:Segelboote"""),
    "baked": ("fresh warm big sweet delicious small crisp", """cake:Kuchen:m:Kuchen; tart:Torte:f:Torten; bread roll:Brötchen:n:Brötchen;
        pretzel:Brezel:f:Brezeln; biscuit:Keks:m:Kekse; loaf of bread/loaves of bread:Brot:n:Brote; pancake:Pfannkuchen:m:Pfannkuchen;
        waffle:Waffel:f:Waffeln; pizza:Pizza:f:Pizzas; apple pie:Apfelkuchen:m:Apfelkuchen"""),
    "dish": ("delicious spicy simple fresh traditional", """soup:Suppe:f:Suppen; stew:Eintopf:m:Eintöpfe; roast:Braten:m:Braten;
        salad:Salat:m:Salate; omelette:Omelett:n:Omeletts; goulash:Gulasch:n:Gulaschs; fish soup:Fischsuppe:f:Fischsuppen;
        casserole:Auflauf:m:Aufläufe"""),
    "crop": ("ripe fresh big juicy small", """apple:Apfel:m:Äpfel; pear:Birne:f:Birnen; plum:Pflaume:f:Pflaumen;
        cherry:Kirsche:f:Kirschen; strawberry:Erdbeere:f:Erdbeeren; tomato:Tomate:f:Tomaten; cucumber:Gurke:f:Gurken;
        pumpkin:Kürbis:m:Kürbisse; potato:Kartoffel:f:Kartoffeln; carrot:Karotte:f:Karotten; onion:Zwiebel:f:Zwiebeln;
        bean:Bohne:f:Bohnen"""),
    "text": ("long short funny sad interesting handwritten exciting forgotten", """letter:Brief:m:Briefe; poem:Gedicht:n:Gedichte;
        story:Geschichte:f:Geschichten; fairy tale:Märchen:n:Märchen; diary:Tagebuch:n:Tagebücher; novel:Roman:m:Romane;
        speech:Rede:f:Reden; article:Artikel:m:Artikel; travel report:Reisebericht:m:Reiseberichte"""),
    "print": ("old new small big colourful thick rare", """book:Buch:n:Bücher; map:Landkarte:f:Landkarten; poster:Plakat:n:Plakate;
        postcard:Postkarte:f:Postkarten; calendar:Kalender:m:Kalender; songbook:Liederbuch:n:Liederbücher;
        dictionary:Wörterbuch:n:Wörterbücher; magazine:Zeitschrift:f:Zeitschriften; cookbook:Kochbuch:n:Kochbücher;
        chronicle:Chronik:f:Chroniken"""),
    "picture": ("small big old famous colourful beautiful unusual valuable", """painting:Gemälde:n:Gemälde; photo:Foto:n:Fotos;
        drawing:Zeichnung:f:Zeichnungen; portrait:Porträt:n:Porträts; landscape:Landschaftsbild:n:Landschaftsbilder; engraving:Kupferstich:m:Kupferstiche"""),
    "decor": ("small big old colourful famous beautiful", """mosaic:Mosaik:n:Mosaike; mural:Wandbild:n:Wandbilder; stage set:Bühnenbild:n:Bühnenbilder;
        stained-glass window:Glasfenster:n:Glasfenster; monument:Denkmal:n:Denkmäler; memorial plaque:Gedenktafel:f:Gedenktafeln"""),
    "figure": ("small big old wooden huge unusual golden", """statue:Statue:f:Statuen; sculpture:Skulptur:f:Skulpturen;
        figurine:Figur:f:Figuren; mask:Maske:f:Masken; puppet:Marionette:f:Marionetten"""),
    "treasure": ("old golden silver antique valuable rare small tiny expensive", """vase:Vase:f:Vasen; candlestick:Leuchter:m:Leuchter; bell:Glocke:f:Glocken;
        music box:Spieldose:f:Spieldosen; necklace:Halskette:f:Halsketten; ring:Ring:m:Ringe; crown:Krone:f:Kronen;
        coin:Münze:f:Münzen; medal:Medaille:f:Medaillen; trophy:Pokal:m:Pokale; jug:Krug:m:Krüge; pocket watch:Taschenuhr:f:Taschenuhren"""),
    "award": ("big small beautiful special", """bouquet:Blumenstrauß:m:Blumensträuße; certificate:Urkunde:f:Urkunden"""),
    "instrument": ("old new valuable antique used beautiful expensive", """violin:Geige:f:Geigen; piano:Klavier:n:Klaviere; guitar:Gitarre:f:Gitarren;
        trumpet:Trompete:f:Trompeten; flute:Flöte:f:Flöten; drum:Trommel:f:Trommeln; accordion:Akkordeon:n:Akkordeons; harp:Harfe:f:Harfen;
        cello:Cello:n:Cellos; clarinet:Klarinette:f:Klarinetten; horn:Horn:n:Hörner; zither:Zither:f:Zithern;
        double bass:Kontrabass:m:Kontrabässe; saxophone:Saxofon:n:Saxofone; trombone:Posaune:f:Posaunen; mandolin:Mandoline:f:Mandolinen"""),
    "music": ("old new short long cheerful sad quiet difficult", """song:Lied:n:Lieder; waltz/waltzes:Walzer:m:Walzer; march:Marsch:m:Märsche;
        symphony:Sinfonie:f:Sinfonien; lullaby:Wiegenlied:n:Wiegenlieder; folk song:Volkslied:n:Volkslieder; sonata:Sonate:f:Sonaten;
        love song:Liebeslied:n:Liebeslieder; ballad:Ballade:f:Balladen; polka:Polka:f:Polkas; hymn:Hymne:f:Hymnen"""),
    "show": ("new short funny exciting popular cheerful", """play:Theaterstück:n:Theaterstücke; comedy:Komödie:f:Komödien;
        musical:Musical:n:Musicals; puppet show:Puppenspiel:n:Puppenspiele; magic show:Zaubershow:f:Zaubershows; opera:Oper:f:Opern;
        circus show:Zirkusvorstellung:f:Zirkusvorstellungen; shadow play:Schattenspiel:n:Schattenspiele"""),
    "contest": ("big annual popular exciting traditional", """chess tournament:Schachturnier:n:Schachturniere;
        football match:Fußballspiel:n:Fußballspiele; bicycle race:Radrennen:n:Radrennen; fun run:Volkslauf:m:Volksläufe;
        swimming contest:Schwimmwettkampf:m:Schwimmwettkämpfe; regatta:Regatta:f:Regatten; card tournament:Kartenturnier:n:Kartenturniere;
        dance contest:Tanzwettbewerb:m:Tanzwettbewerbe; quiz/quizzes:Quiz:n:Quiz; table tennis match:Tischtennisspiel:n:Tischtennisspiele"""),
    "party": ("big small cheerful traditional lively annual", """village festival:Dorffest:n:Dorffeste; street party:Straßenfest:n:Straßenfeste;
        children's party:Kinderfest:n:Kinderfeste; dance evening:Tanzabend:m:Tanzabende; flea market:Flohmarkt:m:Flohmärkte;
        lantern parade:Laternenumzug:m:Laternenumzüge; costume party:Kostümfest:n:Kostümfeste; barbecue:Grillfest:n:Grillfeste;
        torchlight hike:Fackelwanderung:f:Fackelwanderungen; book market:Büchermarkt:m:Büchermärkte"""),
    "course": ("new free popular short practical", """cooking course:Kochkurs:m:Kochkurse; dance course:Tanzkurs:m:Tanzkurse;
        language course:Sprachkurs:m:Sprachkurse; swimming course:Schwimmkurs:m:Schwimmkurse; painting course:Malkurs:m:Malkurse;
        sewing course:Nähkurs:m:Nähkurse; pottery course:Töpferkurs:m:Töpferkurse; computer course:Computerkurs:m:Computerkurse;
        first-aid course:Erste-Hilfe-Kurs:m:Erste-Hilfe-Kurse"""),
    "farm": ("young old brown white healthy strong grey", """cow:Kuh:f:Kühe; goat:Ziege:f:Ziegen; sheep/sheep:Schaf:n:Schafe; horse:Pferd:n:Pferde;
        donkey:Esel:m:Esel; pig:Schwein:n:Schweine; pony:Pony:n:Ponys; calf/calves:Kalb:n:Kälber; lamb:Lamm:n:Lämmer"""),
    "pet": ("young old tiny small friendly shy clever cheeky", """dog:Hund:m:Hunde; cat:Katze:f:Katzen; rabbit:Kaninchen:n:Kaninchen;
        parrot:Papagei:m:Papageien; tortoise:Schildkröte:f:Schildkröten; hamster:Hamster:m:Hamster; guinea pig:Meerschweinchen:n:Meerschweinchen"""),
    "wild": ("young injured weak frightened wild small", """hedgehog:Igel:m:Igel; owl:Eule:f:Eulen; swan:Schwan:m:Schwäne; stork:Storch:m:Störche;
        squirrel:Eichhörnchen:n:Eichhörnchen; fox:Fuchs:m:Füchse; deer/deer:Reh:n:Rehe; duck:Ente:f:Enten; goose/geese:Gans:f:Gänse"""),
    "flower": ("red white yellow beautiful wild young", """rose:Rose:f:Rosen; tulip:Tulpe:f:Tulpen; sunflower:Sonnenblume:f:Sonnenblumen;
        lily:Lilie:f:Lilien; dahlia:Dahlie:f:Dahlien; geranium:Geranie:f:Geranien; carnation:Nelke:f:Nelken"""),
    "tree": ("young tall old big magnificent", """apple tree:Apfelbaum:m:Apfelbäume; oak:Eiche:f:Eichen; lime tree:Linde:f:Linden;
        pear tree:Birnbaum:m:Birnbäume; cherry tree:Kirschbaum:m:Kirschbäume; birch:Birke:f:Birken; fir tree:Tanne:f:Tannen;
        walnut tree:Walnussbaum:m:Walnussbäume; willow:Weide:f:Weiden; hedge:Hecke:f:Hecken; bush:Busch:m:Büsche"""),
    "clothing": ("red blue green elegant warm black colourful long grey plain", """coat:Mantel:m:Mäntel; hat:Hut:m:Hüte; dress:Kleid:n:Kleider;
        jacket:Jacke:f:Jacken; shirt:Hemd:n:Hemden; scarf/scarves:Schal:m:Schals; skirt:Rock:m:Röcke; apron:Schürze:f:Schürzen;
        cap:Mütze:f:Mützen; costume:Kostüm:n:Kostüme; uniform:Uniform:f:Uniformen; suit:Anzug:m:Anzüge; pullover:Pullover:m:Pullover;
        waistcoat:Weste:f:Westen; blouse:Bluse:f:Blusen"""),
    "tool": ("old new heavy rusty sturdy practical long", """axe:Axt:f:Äxte; saw:Säge:f:Sägen; knife/knives:Messer:n:Messer; ladder:Leiter:f:Leitern;
        shovel:Schaufel:f:Schaufeln; rake:Rechen:m:Rechen; drill:Bohrer:m:Bohrer; spade:Spaten:m:Spaten;
        wheelbarrow:Schubkarre:f:Schubkarren; hammer:Hammer:m:Hämmer; scythe:Sense:f:Sensen; chisel:Meißel:m:Meißel; rope:Seil:n:Seile; watering can:Gießkanne:f:Gießkannen"""),
    "container": ("old small big heavy blue brown round", """basket:Korb:m:Körbe; barrel:Fass:n:Fässer; box:Kiste:f:Kisten; suitcase:Koffer:m:Koffer;
        bag:Tasche:f:Taschen; bottle:Flasche:f:Flaschen; pot:Topf:m:Töpfe; bowl:Schüssel:f:Schüsseln; bucket:Eimer:m:Eimer;
        rucksack:Rucksack:m:Rucksäcke; parcel:Paket:n:Pakete; teapot:Teekanne:f:Teekannen; mug:Becher:m:Becher; plate:Teller:m:Teller"""),
    "toy": ("colourful new small red blue wooden pretty", """kite:Drachen:m:Drachen; ball:Ball:m:Bälle; doll:Puppe:f:Puppen; puzzle:Puzzle:n:Puzzles;
        lantern:Laterne:f:Laternen; rocking horse:Schaukelpferd:n:Schaukelpferde; chessboard:Schachbrett:n:Schachbretter;
        candle:Kerze:f:Kerzen; globe:Globus:m:Globen; umbrella:Regenschirm:m:Regenschirme; board game:Brettspiel:n:Brettspiele;
        doll's house:Puppenhaus:n:Puppenhäuser; swing:Schaukel:f:Schaukeln; tent:Zelt:n:Zelte"""),
}

VERBS = """
repair:reparieren, repariert, reparierte, repariert
check:überprüfen, überprüft, überprüfte, überprüft
test:testen, testet, testete, getestet
restore:restaurieren, restauriert, restaurierte, restauriert
renovate:renovieren, renoviert, renovierte, renoviert
build built built:bauen, baut, baute, gebaut
paint:streichen, streicht, strich, gestrichen
tear down tore down torn down:ab+reißen, reißt, riss, abgerissen
set up set up set up:auf+bauen, baut, baute, aufgebaut
take down took down taken down:ab+bauen, baut, baute, abgebaut
decorate:schmücken, schmückt, schmückte, geschmückt
inaugurate:ein+weihen, weiht, weihte, eingeweiht
survey:vermessen, vermisst, vermaß, vermessen
extend:erweitern, erweitert, erweiterte, erweitert
design:entwerfen, entwirft, entwarf, entworfen
varnish:lackieren, lackiert, lackierte, lackiert
polish:polieren, poliert, polierte, poliert
clean:putzen, putzt, putzte, geputzt
wash:waschen, wäscht, wusch, gewaschen
sweep swept swept:fegen, fegt, fegte, gefegt
tidy up:auf+räumen, räumt, räumte, aufgeräumt
clear out:aus+räumen, räumt, räumte, ausgeräumt
draw drew drawn:zeichnen, zeichnet, zeichnete, gezeichnet
paint:malen, malt, malte, gemalt
carve:schnitzen, schnitzt, schnitzte, geschnitzt
exhibit:aus+stellen, stellt, stellte, ausgestellt
present:vor+stellen, stellt, stellte, vorgestellt
unveil:enthüllen, enthüllt, enthüllte, enthüllt
pick:pflücken, pflückt, pflückte, gepflückt
photograph:fotografieren, fotografiert, fotografierte, fotografiert
film:filmen, filmt, filmte, gefilmt
hang up hung up hung up:auf+hängen, hängt, hängte, aufgehängt
auction off:versteigern, versteigert, versteigerte, versteigert
buy bought bought:kaufen, kauft, kaufte, gekauft
sell sold sold:verkaufen, verkauft, verkaufte, verkauft
rent:mieten, mietet, mietete, gemietet
donate:spenden, spendet, spendete, gespendet
find found found:finden, findet, fand, gefunden
discover:entdecken, entdeckt, entdeckte, entdeckt
pick up:ab+holen, holt, holte, abgeholt
deliver:liefern, liefert, lieferte, geliefert
tow:ab+schleppen, schleppt, schleppte, abgeschleppt
push:schieben, schiebt, schob, geschoben
cook:kochen, kocht, kochte, gekocht
bake:backen, backt, backte, gebacken
eat ate eaten:essen, isst, aß, gegessen
taste:probieren, probiert, probierte, probiert
serve:servieren, serviert, servierte, serviert
season:würzen, würzt, würzte, gewürzt
prepare:zu+bereiten, bereitet, bereitete, zubereitet
plant:pflanzen, pflanzt, pflanzte, gepflanzt
water:gießen, gießt, goss, gegossen
cut back cut back cut back:zurück+schneiden, schneidet, schnitt, zurückgeschnitten
dig up dug up dug up:aus+graben, gräbt, grub, ausgegraben
cut down cut down cut down:fällen, fällt, fällte, gefällt
harvest:ernten, erntet, erntete, geerntet
weigh:wiegen, wiegt, wog, gewogen
peel:schälen, schält, schälte, geschält
feed fed fed:füttern, füttert, fütterte, gefüttert
brush:bürsten, bürstet, bürstete, gebürstet
train:trainieren, trainiert, trainierte, trainiert
look after looked after looked after:pflegen, pflegt, pflegte, gepflegt
vaccinate:impfen, impft, impfte, geimpft
examine:untersuchen, untersucht, untersuchte, untersucht
rescue:retten, rettet, rettete, gerettet
free:befreien, befreit, befreite, befreit
catch caught caught:ein+fangen, fängt, fing, eingefangen
release:frei+lassen, lässt, ließ, freigelassen
raise:auf+ziehen, zieht, zog, aufgezogen
play:spielen, spielt, spielte, gespielt
tune:stimmen, stimmt, stimmte, gestimmt
practise:üben, übt, übte, geübt
rehearse:proben, probt, probte, geprobt
sing sang sung:singen, singt, sang, gesungen
conduct:dirigieren, dirigiert, dirigierte, dirigiert
compose:komponieren, komponiert, komponierte, komponiert
record:auf+nehmen, nimmt, nahm, aufgenommen
perform:auf+führen, führt, führte, aufgeführt
direct:inszenieren, inszeniert, inszenierte, inszeniert
win won won:gewinnen, gewinnt, gewann, gewonnen
organise:organisieren, organisiert, organisierte, organisiert
open:eröffnen, eröffnet, eröffnete, eröffnet
plan planned planned:planen, plant, plante, geplant
lead led led:leiten, leitet, leitete, geleitet
announce:an+kündigen, kündigt, kündigte, angekündigt
offer:an+bieten, bietet, bot, angeboten
attend:besuchen, besucht, besuchte, besucht
write wrote written:schreiben, schreibt, schrieb, geschrieben
read out read out read out:vor+lesen, liest, las, vorgelesen
translate:übersetzen, übersetzt, übersetzte, übersetzt
print:drucken, druckt, druckte, gedruckt
publish:veröffentlichen, veröffentlicht, veröffentlichte, veröffentlicht
correct:korrigieren, korrigiert, korrigierte, korrigiert
copy out:ab+schreiben, schreibt, schrieb, abgeschrieben
sign:signieren, signiert, signierte, signiert
sew sewed sewn:nähen, näht, nähte, genäht
dye:färben, färbt, färbte, gefärbt
iron:bügeln, bügelt, bügelte, gebügelt
mend:flicken, flickt, flickte, geflickt
try on:an+probieren, probiert, probierte, anprobiert
show:vor+führen, führt, führte, vorgeführt
sharpen:schärfen, schärft, schärfte, geschärft
fill:füllen, füllt, füllte, gefüllt
empty:leeren, leert, leerte, geleert
pack:packen, packt, packte, gepackt
unpack:aus+packen, packt, packte, ausgepackt
make made made:basteln, bastelt, bastelte, gebastelt
give gave given:schenken, schenkt, schenkte, geschenkt
show showed shown:zeigen, zeigt, zeigte, gezeigt
bring brought brought:bringen, bringt, brachte, gebracht
present:überreichen, überreicht, überreichte, überreicht
lend lent lent:leihen, leiht, lieh, geliehen
give back gave back given back:zurück+geben, gibt, gab, zurückgegeben
explain:erklären, erklärt, erklärte, erklärt
recommend:empfehlen, empfiehlt, empfahl, empfohlen
hike:sein wandern, wandert, wanderte, gewandert
walk:sein spazieren, spaziert, spazierte, spaziert
run ran run:sein laufen, läuft, lief, gelaufen
cycle:sein radeln, radelt, radelte, geradelt
drive drove driven:sein fahren, fährt, fuhr, gefahren
travel travelled travelled:sein reisen, reist, reiste, gereist
ride rode ridden:sein reiten, reitet, ritt, geritten
row:sein rudern, rudert, ruderte, gerudert
return:sein zurück+kehren, kehrt, kehrte, zurückgekehrt
"""

FIRST_NAMES = {
    "f": """Anna Berta Clara Dora Elsa Frieda Greta Hanna Ida Johanna Karla Lena Marta Nora Olga Paula Rosa Sofia Tina
        Ursula Vera Wanda Edith Helga Ingrid Julia Katrin Luise Monika Renate Sabine Theresa Emma Lotte Maria Hilde
        Agnes Birgit Doris Elke Gerda Irma""".split(),
    "m": """Adam Bruno Carl David Emil Felix Georg Hugo Ivan Jakob Konrad Leo Max Niklas Otto Paul Robert Simon Theo
        Ulrich Viktor Walter Anton Bernd Dieter Erich Franz Gustav Heinz Josef Karsten Lukas Martin Oskar Peter Rudolf
        Stefan Tobias Uwe Willi Ludwig Oliver""".split(),
}
LAST_NAMES = """Adler Bauer Becker Berg Brandt Braun Busch Dietrich Ebert Engel Fischer Frank Fuchs Geiger Graf Gross Haas
    Hahn Hartmann Heller Hoffmann Horn Huber Jung Kaiser Keller Klein Koch Kraft Kramer Krause Kuhn Lang Lehmann Lorenz
    Maier Marx Meyer Moser Nagel Neumann Novak Otten Peters Pohl Richter Roth Sauer Schmidt Scholz Schubert Seidel Sommer
    Stein Thoma Vogel Wagner Weber Winkler Wolf Zimmer Ziegler Arnold Beck Dorn Ernst Falk Gruber Hirsch Kern Lindner
    Mohr Reuter Sander Tiedemann Ullrich Voss Wirth Zander Brenner Jansen Kolb Rademacher Steiger""".split()

# Masculine form; the feminine adds "in" (with umlaut where given after a slash).
ROLES = """baker:Bäcker; teacher:Lehrer; gardener:Gärtner; carpenter:Tischler; doctor:Arzt/Ärztin; painter:Maler; musician:Musiker;
    engineer:Ingenieur; librarian:Bibliothekar; cook:Koch/Köchin; butcher:Metzger; tailor:Schneider; hairdresser:Friseur;
    locksmith:Schlosser; shepherd:Schäfer; miller:Müller; pharmacist:Apotheker; trainer:Trainer; actor:Schauspieler;
    writer:Schriftsteller; bus driver:Busfahrer; plumber:Klempner; innkeeper:Gastwirt; farmer:Bauer/Bäuerin; judge:Richter;
    roofer:Dachdecker; photographer:Fotograf; vet:Tierarzt/Tierärztin; student:Student"""

# name: English phrase (where) : German where : German where to. "*" marks a place in the open air, where weather is felt.
PLACES = """in the town hall:im Rathaus:zum Rathaus; at the station:am Bahnhof:zum Bahnhof*; in the park:im Park:in den Park*;
    at the harbour:am Hafen:zum Hafen*; in the library:in der Bibliothek:in die Bibliothek; at the market:auf dem Markt:auf den Markt*;
    in the church:in der Kirche:in die Kirche; in the museum:im Museum:ins Museum; in the school:in der Schule:in die Schule;
    at the lake:am See:zum See*; in the forest:im Wald:in den Wald*; in the bakery:in der Bäckerei:in die Bäckerei;
    in the hospital:im Krankenhaus:ins Krankenhaus; in the castle:im Schloss:zum Schloss; at the mill:an der Mühle:zur Mühle*;
    in the theatre:im Theater:ins Theater; in the workshop:in der Werkstatt:in die Werkstatt; in the garden:im Garten:in den Garten*;
    on the island:auf der Insel:auf die Insel*; in the hotel:im Hotel:ins Hotel; in the cellar:im Keller:in den Keller;
    in the attic:auf dem Dachboden:auf den Dachboden; at the river:am Fluss:zum Fluss*; in the old town:in der Altstadt:in die Altstadt*;
    at the post office:in der Post:zur Post; in the bookshop:in der Buchhandlung:in die Buchhandlung; in the café:im Café:ins Café;
    in the factory:in der Fabrik:in die Fabrik; at the zoo:im Zoo:in den Zoo*; in the stadium:im Stadion:ins Stadion*;
    in the gallery:in der Galerie:in die Galerie; in the kitchen:in der Küche:in die Küche; at the cemetery:auf dem Friedhof:auf den Friedhof*;
    in the valley:im Tal:ins Tal*; on the hill:auf dem Hügel:auf den Hügel*; on the beach:am Strand:an den Strand*;
    in the inn:im Gasthof:zum Gasthof; in the monastery:im Kloster:zum Kloster; at the campsite:auf dem Campingplatz:auf den Campingplatz*;
    in the courtyard:im Innenhof:in den Innenhof*; in the gym:in der Turnhalle:in die Turnhalle;
    in the nursery school:im Kindergarten:in den Kindergarten; at the university:an der Universität:zur Universität;
    at the petrol station:an der Tankstelle:zur Tankstelle*; at the fire station:in der Feuerwache:zur Feuerwache;
    in the concert hall:im Konzertsaal:in den Konzertsaal; at the swimming pool:im Schwimmbad:ins Schwimmbad;
    in the vineyard:im Weinberg:in den Weinberg*; on the main square:auf dem Hauptplatz:auf den Hauptplatz*; in the studio:im Atelier:ins Atelier;
    on the farm:auf dem Bauernhof:auf den Bauernhof*; at the lighthouse:am Leuchtturm:zum Leuchtturm*; in the meadow:auf der Wiese:auf die Wiese*;
    at the shipyard:in der Werft:zur Werft; at the waterfall:am Wasserfall:zum Wasserfall*; at the cave:an der Höhle:zur Höhle*;
    at the youth club:im Jugendklub:in den Jugendklub; in the parish hall:im Gemeindesaal:in den Gemeindesaal;
    in the department store:im Kaufhaus:ins Kaufhaus; at the animal shelter:im Tierheim:ins Tierheim;
    in the castle gardens:im Schlosspark:in den Schlosspark*; at the riding school:in der Reitschule:zur Reitschule;
    in the antique shop:im Antiquitätenladen:in den Antiquitätenladen; at the car park:auf dem Parkplatz:auf den Parkplatz*;
    at the sports ground:auf dem Sportgelände:auf das Sportgelände*; in the music school:in der Musikschule:in die Musikschule;
    at the community centre:im Bürgerzentrum:ins Bürgerzentrum; in the retirement home:im Altersheim:ins Altersheim;
    at the bridge:an der Brücke:zur Brücke*; in the pedestrian zone:in der Fußgängerzone:in die Fußgängerzone*;
    at the garden centre:in der Gärtnerei:in die Gärtnerei; in the veterinary clinic:in der Tierklinik:in die Tierklinik"""
VILLAGES = """Altbach Birkenau Dornfeld Eichberg Falkenau Grünwald Hainburg Ilmenbach Kaltental Lindenau Moosbach Neudorf
    Oberau Pfahlheim Quellbach Rosenthal Steinfeld Talheim Unterau Vogelsang Weidenbach Zellau Ahornberg Brunnthal
    Erlenbach Fichtenau Goldbach Haselbach Kirchdorf Lerchenfeld""".split()

# Reasons by group: English subject | finite verb | rest : German subject | finite verb | rest. German "weil" puts the finite verb last;
# "+" joins it to a separable prefix. Summaries in the present tense put both finite verbs into the present (grammar.PRESENT).
REASONS = {
    "asked": """the council|had|asked for help:der Gemeinderat|hatte|um Hilfe gebeten;
        the school|had|asked for help:die Schule|hatte|um Hilfe gebeten;
        the parish|had|asked for help:die Kirchengemeinde|hatte|um Hilfe gebeten;
        the neighbours|had|asked for help:die Nachbarn|hatten|um Hilfe gebeten;
        the sports club|had|asked for help:der Sportverein|hatte|um Hilfe gebeten;
        the parents|had|asked for help:die Eltern|hatten|um Hilfe gebeten;
        the fire brigade|had|asked for help:die Feuerwehr|hatte|um Hilfe gebeten;
        the museum|had|asked for help:das Museum|hatte|um Hilfe gebeten""",
    "occasion": """an anniversary|was|coming up:ein Jubiläum|stand|bevor+;
        the mayor|had|promised to visit:die Bürgermeisterin|hatte|ihren Besuch versprochen;
        a wedding|was|coming up:eine Hochzeit|stand|bevor+; an open day|was|planned:ein Tag der offenen Tür|war|geplant;
        the next day|was|a holiday:am nächsten Tag|war|Feiertag""",
    "machine": """a replacement|was|too expensive:ein Ersatz|war|zu teuer; a cable|had|come loose:ein Kabel|hatte|sich gelöst;
        a small part|had|broken:ein kleines Teil|war|gebrochen""",
    "worn": """the last storm|had|caused damage:der letzte Sturm|hatte|Schäden angerichtet;
        the last repair|was|years ago:die letzte Reparatur|lag|Jahre zurück+;
        the town|had|granted money:die Stadt|hatte|Geld bewilligt""",
    "paint": """the paint|was|peeling:die Farbe|blätterte|ab+; the old colour|had|faded:die alte Farbe|war|verblasst;
        a lot of paint|was|left over:viel Farbe|war|übrig""",
    "demand": """the town|had|received a grant:die Stadt|hatte|einen Zuschuss erhalten;
        a citizens' group|had|collected the money:eine Bürgerinitiative|hatte|das Geld gesammelt;
        the council|had|approved the plan:der Gemeinderat|hatte|den Plan genehmigt""",
    "unsafe": """a new road|was|planned:eine neue Straße|war|geplant;
        the council|had|given permission:der Gemeinderat|hatte|die Erlaubnis gegeben;
        a repair|was|too expensive:eine Reparatur|war|zu teuer""",
    "dirt": """a drain|had|burst:ein Abflussrohr|war|geplatzt; mice|had|got in:Mäuse|waren|eingedrungen;
        the smell|was|unbearable:der Geruch|war|unerträglich""",
    "space": """space|was|needed:Platz|wurde|gebraucht; the flat|was|too small:die Wohnung|war|zu klein;
        a house|was|being cleared:ein Haus|wurde|geräumt""",
    "bargain": """the price|had|fallen:der Preis|war|gesunken; the offer|was|too good:das Angebot|war|zu gut;
        a long search|had|come to an end:eine lange Suche|war|zu Ende""",
    "money": """the club|needed|money:der Verein|brauchte|Geld;
        the nursery school|needed|new toys:der Kindergarten|brauchte|neues Spielzeug;
        money for a good cause|was|needed:Geld für einen guten Zweck|wurde|gebraucht""",
    "art": """the gallery|was|celebrating an anniversary:die Galerie|feierte|ein Jubiläum;
        young talent|was|to be promoted:der Nachwuchs|sollte|gefördert werden;
        an art prize|had|been announced:ein Kunstpreis|war|ausgeschrieben""",
    "memory": """the victims of a flood|were|to be remembered:an die Opfer einer Flut|sollte|erinnert werden;
        the town|was|celebrating its anniversary:die Stadt|feierte|ihr Jubiläum;
        many residents|had|given money:viele Bewohner|hatten|Geld gegeben""",
    "hungry": """the guests|were|hungry:die Gäste|waren|hungrig; the recipe|was|in the gazette:das Rezept|stand|in der Zeitung;
        lunch for the helpers|was|needed:Mittagessen für die Helfer|wurde|gebraucht;
        a cooking contest|was|taking place:ein Kochwettbewerb|fand|statt+""",
    "grow": """the soil|was|moist:der Boden|war|feucht; the flower bed|was|empty:das Beet|war|leer;
        a nature project|had|begun:ein Naturprojekt|hatte|begonnen""",
    "dry": """there|had|been no rain for weeks:es|hatte|wochenlang nicht geregnet; the soil|was|too dry:der Boden|war|zu trocken;
        the leaves|were|turning brown:die Blätter|wurden|braun""",
    "branches": """a storm|was|forecast:ein Sturm|war|angekündigt;
        the roots|were|damaging the road:die Wurzeln|beschädigten|die Straße;
        a fungus|had|spread:ein Pilz|hatte|sich ausgebreitet""",
    "ripe": """heavy rain|was|forecast:starker Regen|war|angekündigt; a village market|was|coming up:ein Dorfmarkt|stand|bevor+;
        many helpers|had|come:viele Helfer|waren|gekommen""",
    "animal": """another carer|was|ill:eine andere Betreuerin|war|krank;
        an animal show|was|coming up:eine Tierschau|stand|bevor+; the stable|was|being renovated:der Stall|wurde|renoviert""",
    "vet": """a disease|was|going round:eine Krankheit|ging|um+; the annual check|was|due:die jährliche Kontrolle|war|fällig;
        the appetite|was|gone:der Appetit|war|verschwunden""",
    "danger": """a net|had|become a trap:ein Netz|war|zur Falle geworden; a branch|had|broken off:ein Ast|war|abgebrochen;
        a passer-by|had|called for help:eine Spaziergängerin|hatte|um Hilfe gerufen""",
    "music": """the music school|was|celebrating its anniversary:die Musikschule|feierte|ihr Jubiläum;
        the organist|was|ill:der Organist|war|krank; a radio station|was|visiting:ein Radiosender|war|zu Besuch""",
    "stage": """the theatre group|had|new members:die Theatergruppe|hatte|neue Mitglieder;
        the theatre|was|celebrating an anniversary:das Theater|feierte|ein Jubiläum;
        the planned concert|had|been cancelled:das geplante Konzert|war|abgesagt""",
    "sport": """the training|had|been hard:das Training|war|hart gewesen; the favourite|was|injured:der Favorit|war|verletzt;
        the last round|had|gone well:die letzte Runde|war|gut gelaufen""",
    "club": """the youth centre|needed|money:das Jugendzentrum|brauchte|Geld;
        the young people|had|asked for this:die Jugendlichen|hatten|darum gebeten;
        a sponsor|had|been found:ein Sponsor|war|gefunden""",
    "feast": """the town|was|celebrating a partnership:die Stadt|feierte|eine Partnerschaft;
        the old building|was|turning one hundred:das alte Gebäude|wurde|hundert Jahre alt;
        the helpers|deserved|thanks:die Helfer|hatten|einen Dank verdient; the holidays|had|begun:die Ferien|hatten|begonnen""",
    "learn": """the adult education centre|had|a free room:die Volkshochschule|hatte|einen Raum frei;
        the demand|was|high:die Nachfrage|war|groß; another teacher|was|ill:eine andere Lehrerin|war|krank""",
    "words": """a publisher|had|shown interest:ein Verlag|hatte|Interesse gezeigt;
        the local radio|had|shown interest:das Lokalradio|hatte|Interesse gezeigt;
        a book festival|was|coming up:ein Bücherfest|stand|bevor+""",
    "sewing": """a costume party|was|coming up:ein Kostümfest|stand|bevor+; a ball|was|taking place:ein Ball|fand|statt+;
        a fashion show|was|coming up:eine Modenschau|stand|bevor+""",
    "tools": """the handle|was|loose:der Griff|war|locker; work in the garden|was|due:die Gartenarbeit|stand|an+;
        the fire brigade|was|coming to check:die Feuerwehr|kam|zur Kontrolle""",
    "parcel": """a lorry|had|broken down:ein Lastwagen|war|liegen geblieben;
        another driver|was|ill:eine andere Fahrerin|war|krank; customers|were|waiting:Kunden|warteten|""",
    "blocked": """a procession|was|coming:ein Umzug|kam|; a wheel|had|come loose:ein Rad|hatte|sich gelöst;
        the petrol|had|run out:das Benzin|war|ausgegangen""",
    "boat": """a leak|had|been found:ein Leck|war|entdeckt worden; the hull|was|damaged:der Rumpf|war|beschädigt;
        a regatta|was|coming up:eine Regatta|stand|bevor+""",
    "build": """space|was|needed:Platz|wurde|gebraucht;
        the council|had|approved the plan:der Gemeinderat|hatte|den Plan genehmigt;
        the permit|had|arrived:die Genehmigung|war|eingetroffen""",
    "varnish": """the varnish|was|peeling:der Lack|blätterte|ab+; a furniture fair|was|coming up:eine Möbelmesse|stand|bevor+;
        a museum|had|shown interest:ein Museum|hatte|Interesse gezeigt""",
    "shine": """an exhibition|was|coming up:eine Ausstellung|stand|bevor+;
        a museum|had|shown interest:ein Museum|hatte|Interesse gezeigt;
        a buyer|had|asked for this:eine Käuferin|hatte|darum gebeten""",
    "photo": """the gazette|needed|a picture:die Zeitung|brauchte|ein Bild;
        a photo contest|had|been announced:ein Fotowettbewerb|war|ausgeschrieben;
        a calendar|was|being made:ein Kalender|entstand|""",
    "need": """a fire|had|caused damage:ein Brand|hatte|Schäden angerichtet; the budget|was|too small:das Budget|war|zu klein;
        a flood|had|caused damage:ein Hochwasser|hatte|Schäden angerichtet""",
    "search": """a renovation|had|begun:eine Renovierung|hatte|begonnen;
        an old letter|had|given a clue:ein alter Brief|hatte|einen Hinweis gegeben;
        a house|was|being cleared:ein Haus|wurde|geräumt""",
    "dig": """a building project|had|begun:ein Bauprojekt|hatte|begonnen;
        an old map|had|given a clue:eine alte Karte|hatte|einen Hinweis gegeben;
        the university|was|running a research project:die Universität|führte|ein Forschungsprojekt durch+""",
    "bake": """the oven|was|already hot:der Ofen|war|schon heiß; the recipe|was|in the gazette:das Rezept|stand|in der Zeitung;
        a baking contest|was|taking place:ein Backwettbewerb|fand|statt+""",
    "vaccine": """a disease|was|going round:eine Krankheit|ging|um+;
        a new vaccine|had|arrived:ein neuer Impfstoff|war|eingetroffen;
        the last injection|was|years ago:die letzte Spritze|lag|Jahre zurück+""",
    "orphan": """the animal shelter|was|full:das Tierheim|war|voll; the zoo|had|asked for help:der Zoo|hatte|um Hilfe gebeten;
        nobody else|had|the time:niemand sonst|hatte|die Zeit""",
    "healed": """the animal shelter|was|full:das Tierheim|war|voll; the hunting season|was|over:die Jagdzeit|war|vorbei;
        the vet|had|given permission:die Tierärztin|hatte|die Erlaubnis gegeben""",
    "pack": """the holidays|had|begun:die Ferien|hatten|begonnen; a bazaar|was|coming up:ein Basar|stand|bevor+;
        a school trip|was|coming up:eine Klassenfahrt|stand|bevor+""",
    "award": """a rescue|had|gone well:eine Rettung|war|geglückt; a record|had|been broken:ein Rekord|war|gebrochen;
        an exam|had|gone well:eine Prüfung|war|gut gelaufen""",
    "loan": """a course|was|about to begin:ein Kurs|begann|bald; a repair|was|due:eine Reparatur|stand|an+;
        money|was|short:das Geld|war|knapp""",
    "advice": """a present|was|needed:ein Geschenk|wurde|gebraucht;
        a long train journey|was|coming up:eine lange Zugfahrt|stand|bevor+;
        the school|was|collecting reading tips:die Schule|sammelte|Lesetipps""",
    "thanks": """a birthday|was|coming up:ein Geburtstag|stand|bevor+; the move|had|gone well:der Umzug|war|gut verlaufen;
        an exam|had|gone well:eine Prüfung|war|gut gelaufen""",
    "curious": """a friend|had|sent an invitation:eine Freundin|hatte|eine Einladung geschickt;
        the posters|had|aroused curiosity:die Plakate|hatten|Neugier geweckt;
        the gazette|had|printed an announcement:die Zeitung|hatte|eine Ankündigung gedruckt""",
    "rent": """the holidays|had|begun:die Ferien|hatten|begonnen; relatives|were|coming to visit:Verwandte|kamen|zu Besuch;
        the price|had|fallen:der Preis|war|gesunken""",
    "bazaar": """a bazaar|was|coming up:ein Basar|stand|bevor+; a craft contest|was|taking place:ein Bastelwettbewerb|fand|statt+;
        money for a good cause|was|needed:Geld für einen guten Zweck|wurde|gebraucht""",
    "giveback": """the work|was|done:die Arbeit|war|erledigt; the course|was|over:der Kurs|war|zu Ende;
        a move|was|coming up:ein Umzug|stand|bevor+""",
    "travel": """the holidays|had|begun:die Ferien|hatten|begonnen; a wedding|was|coming up:eine Hochzeit|stand|bevor+;
        relatives|had|asked for a visit:Verwandte|hatten|um einen Besuch gebeten""",
    "return": """the holidays|were|over:die Ferien|waren|vorbei; the homesickness|was|too strong:das Heimweh|war|zu groß;
        the money|was|used up:das Geld|war|aufgebraucht""",
    "show": """an animal show|was|coming up:eine Tierschau|stand|bevor+;
        the children|had|asked for this:die Kinder|hatten|darum gebeten;
        an open day|was|taking place:ein Tag der offenen Tür|fand|statt+""",
    "escape": """a fence|had|fallen over:ein Zaun|war|umgestürzt; the door|was|open:die Tür|stand|offen;
        a firework|had|caused panic:ein Feuerwerk|hatte|Panik ausgelöst""",
    "tune": """a concert|was|coming up:ein Konzert|stand|bevor+;
        the last tuning|was|years ago:die letzte Stimmung|lag|Jahre zurück+;
        the orchestra|was|expecting guests:das Orchester|erwartete|Gäste""",
    "rehearse": """a performance|was|coming up:eine Aufführung|stand|bevor+;
        the group|had|new members:die Gruppe|hatte|neue Mitglieder; a contest|was|coming up:ein Wettbewerb|stand|bevor+""",
    "record": """a radio station|had|asked for this:ein Radiosender|hatte|darum gebeten;
        a music contest|was|coming up:ein Musikwettbewerb|stand|bevor+;
        the town|was|celebrating its anniversary:die Stadt|feierte|ihr Jubiläum""",
    "faded": """the colour|had|faded:die Farbe|war|verblasst; a stain|could|not be removed:ein Fleck|ließ|sich nicht entfernen;
        the theatre|had|placed an order:das Theater|hatte|eine Bestellung aufgegeben""",
    "torn": """a seam|had|come apart:eine Naht|war|aufgegangen; a dog|had|bitten a hole:ein Hund|hatte|ein Loch gebissen;
        money|was|short:das Geld|war|knapp""",
    "fashion": """a ball|was|taking place:ein Ball|fand|statt+; a wedding|was|coming up:eine Hochzeit|stand|bevor+;
        the tailor's shop|was|celebrating an anniversary:die Schneiderei|feierte|ein Jubiläum""",
    "signing": """many fans|had|asked for this:viele Fans|hatten|darum gebeten;
        a book festival|was|coming up:ein Bücherfest|stand|bevor+;
        the bookshop|was|celebrating an anniversary:die Buchhandlung|feierte|ein Jubiläum""",
    "check": """a repair|was|complete:eine Reparatur|war|abgeschlossen; a sale|was|coming up:ein Verkauf|stand|bevor+;
        a strange noise|had|caused worry:ein seltsames Geräusch|hatte|Sorgen gemacht""",
    "tasting": """a cooking contest|was|taking place:ein Kochwettbewerb|fand|statt+; the recipe|was|in the gazette:das Rezept|stand|in der Zeitung;
        a new menu|was|planned:eine neue Speisekarte|war|geplant""",
    "outing": """a friend|had|sent an invitation:eine Freundin|hatte|eine Einladung geschickt;
        the holidays|had|begun:die Ferien|hatten|begonnen; the car|was|at the garage:das Auto|war|in der Werkstatt""",
}

WEEKDAYS = """Monday:Montag; Tuesday:Dienstag; Wednesday:Mittwoch; Thursday:Donnerstag; Friday:Freitag; Saturday:Samstag;
    Sunday:Sonntag"""
MONTHS = """January:Januar; February:Februar; March:März; April:April; May:Mai; June:Juni; July:Juli; August:August;
    September:September; October:Oktober; November:November; December:Dezember"""
NUMBERS = """two:zwei; three:drei; four:vier; five:fünf; six:sechs; seven:sieben; eight:acht; nine:neun; ten:zehn;
    eleven:elf; twelve:zwölf"""
UNITS = "minutes:Minuten; hours:Stunden; days:Tage; weeks:Wochen; months:Monate"
MOODS = """happy:glücklich; tired:müde; proud:stolz; satisfied:zufrieden; relieved:erleichtert; in a good mood:gut gelaunt;
    exhausted:erschöpft"""
WEATHER = """the sun was shining:die Sonne schien {bei}:die Sonne hat {bei} geschienen; it was raining:es regnete {bei}:es hat {bei} geregnet;
    a cold wind was blowing:ein kalter Wind wehte {bei}:ein kalter Wind hat {bei} geweht;
    the sky was grey:der Himmel war {bei} grau:der Himmel war {bei} grau; it was foggy:es war {bei} neblig:es war {bei} neblig"""
