"""The words of the gazette's world: English and German side by side.

Everything is plain text, one entry an item, so that a teacher can add a word in any editor.
``grammar.py`` turns these tables into word forms; ``lexicon_counts()`` counts them for the data card.

Nouns are ``english[/irregular plural]:German singular:gender:German plural``. Verbs are
``english[ past participle]:German infinitive, third person present, preterite, participle``; a ``+`` in the
infinitive marks a separable prefix (``ab+holen``); the nouns that a verb can take follow, as categories or
one by one (``bread_roll``). Adjectives are ``english:German stem``.
"""

NOUNS = {
    "machine": """clock:Uhr:f:Uhren; radio:Radio:n:Radios; lamp:Lampe:f:Lampen; camera:Kamera:f:Kameras;
        oven:Ofen:m:Öfen; cooker:Herd:m:Herde; washing machine:Waschmaschine:f:Waschmaschinen;
        sewing machine:Nähmaschine:f:Nähmaschinen; typewriter:Schreibmaschine:f:Schreibmaschinen; pump:Pumpe:f:Pumpen;
        telephone:Telefon:n:Telefone; computer:Computer:m:Computer; printer:Drucker:m:Drucker;
        television:Fernseher:m:Fernseher; refrigerator:Kühlschrank:m:Kühlschränke; heater:Heizung:f:Heizungen;
        fan:Ventilator:m:Ventilatoren; loudspeaker:Lautsprecher:m:Lautsprecher; projector:Projektor:m:Projektoren;
        microphone:Mikrofon:n:Mikrofone; pair of scales/pairs of scales:Waage:f:Waagen; alarm clock:Wecker:m:Wecker;
        coffee machine:Kaffeemaschine:f:Kaffeemaschinen; lawnmower:Rasenmäher:m:Rasenmäher""",
    "building": """roof:Dach:n:Dächer; wall:Mauer:f:Mauern; gate:Tor:n:Tore; bridge:Brücke:f:Brücken; fence:Zaun:m:Zäune;
        door:Tür:f:Türen; window:Fenster:n:Fenster; staircase:Treppe:f:Treppen; chimney:Schornstein:m:Schornsteine;
        well:Brunnen:m:Brunnen; shed:Schuppen:m:Schuppen; tower:Turm:m:Türme; balcony:Balkon:m:Balkone;
        garage:Garage:f:Garagen; stable:Stall:m:Ställe; hut:Hütte:f:Hütten; greenhouse:Gewächshaus:n:Gewächshäuser;
        playground:Spielplatz:m:Spielplätze; stage:Bühne:f:Bühnen; signboard:Schild:n:Schilder;
        pavilion:Pavillon:m:Pavillons; terrace:Terrasse:f:Terrassen; barn:Scheune:f:Scheunen""",
    "furniture": """table:Tisch:m:Tische; chair:Stuhl:m:Stühle; bench:Bank:f:Bänke; cupboard:Schrank:m:Schränke;
        shelf/shelves:Regal:n:Regale; bed:Bett:n:Betten; sofa:Sofa:n:Sofas; desk:Schreibtisch:m:Schreibtische;
        armchair:Sessel:m:Sessel; stool:Hocker:m:Hocker; chest of drawers/chests of drawers:Kommode:f:Kommoden;
        mirror:Spiegel:m:Spiegel; carpet:Teppich:m:Teppiche; curtain:Vorhang:m:Vorhänge; mattress:Matratze:f:Matratzen;
        cradle:Wiege:f:Wiegen; counter:Theke:f:Theken; coat rack:Garderobe:f:Garderoben;
        deckchair:Liegestuhl:m:Liegestühle; pillow:Kissen:n:Kissen; blanket:Decke:f:Decken;
        wardrobe:Kleiderschrank:m:Kleiderschränke""",
    "vehicle": """bicycle:Fahrrad:n:Fahrräder; tractor:Traktor:m:Traktoren; cart:Karren:m:Karren; boat:Boot:n:Boote;
        car:Auto:n:Autos; bus:Bus:m:Busse; lorry:Lastwagen:m:Lastwagen; motorcycle:Motorrad:n:Motorräder;
        sledge:Schlitten:m:Schlitten; carriage:Kutsche:f:Kutschen; canoe:Kanu:n:Kanus; ferry:Fähre:f:Fähren;
        caravan:Wohnwagen:m:Wohnwagen; scooter:Roller:m:Roller; trailer:Anhänger:m:Anhänger;
        wheelchair:Rollstuhl:m:Rollstühle; pram:Kinderwagen:m:Kinderwagen; tram:Straßenbahn:f:Straßenbahnen;
        ship:Schiff:n:Schiffe; taxi:Taxi:n:Taxis; locomotive:Lokomotive:f:Lokomotiven; raft:Floß:n:Flöße""",
    "food": """cake:Kuchen:m:Kuchen; bread roll:Brötchen:n:Brötchen; soup:Suppe:f:Suppen; tart:Torte:f:Torten;
        sausage:Wurst:f:Würste; pancake:Pfannkuchen:m:Pfannkuchen; apple:Apfel:m:Äpfel; pear:Birne:f:Birnen;
        plum:Pflaume:f:Pflaumen; cherry:Kirsche:f:Kirschen; pumpkin:Kürbis:m:Kürbisse; potato:Kartoffel:f:Kartoffeln;
        carrot:Karotte:f:Karotten; onion:Zwiebel:f:Zwiebeln; tomato:Tomate:f:Tomaten; cucumber:Gurke:f:Gurken;
        egg:Ei:n:Eier; fish/fish:Fisch:m:Fische; pretzel:Brezel:f:Brezeln; biscuit:Keks:m:Kekse; lemon:Zitrone:f:Zitronen;
        salad:Salat:m:Salate; dumpling:Kloß:m:Klöße; loaf of bread/loaves of bread:Brot:n:Brote""",
    "document": """letter:Brief:m:Briefe; map:Landkarte:f:Landkarten; book:Buch:n:Bücher; diary:Tagebuch:n:Tagebücher;
        poster:Plakat:n:Plakate; newspaper:Zeitung:f:Zeitungen; postcard:Postkarte:f:Postkarten; list:Liste:f:Listen;
        contract:Vertrag:m:Verträge; report:Bericht:m:Berichte; poem:Gedicht:n:Gedichte; recipe:Rezept:n:Rezepte;
        calendar:Kalender:m:Kalender; dictionary:Wörterbuch:n:Wörterbücher; certificate:Urkunde:f:Urkunden;
        invitation:Einladung:f:Einladungen; plan:Plan:m:Pläne; songbook:Liederbuch:n:Liederbücher;
        exercise book:Heft:n:Hefte; magazine:Zeitschrift:f:Zeitschriften; novel:Roman:m:Romane; speech:Rede:f:Reden;
        article:Artikel:m:Artikel; bill:Rechnung:f:Rechnungen""",
    "art": """painting:Gemälde:n:Gemälde; statue:Statue:f:Statuen; photo:Foto:n:Fotos; drawing:Zeichnung:f:Zeichnungen;
        mask:Maske:f:Masken; puppet:Marionette:f:Marionetten; vase:Vase:f:Vasen; medal:Medaille:f:Medaillen;
        trophy:Pokal:m:Pokale; flag:Fahne:f:Fahnen; necklace:Halskette:f:Halsketten; ring:Ring:m:Ringe;
        crown:Krone:f:Kronen; coin:Münze:f:Münzen; candlestick:Leuchter:m:Leuchter; wreath:Kranz:m:Kränze;
        bell:Glocke:f:Glocken; portrait:Porträt:n:Porträts; mosaic:Mosaik:n:Mosaike; music box:Spieldose:f:Spieldosen;
        figurine:Figur:f:Figuren; sculpture:Skulptur:f:Skulpturen""",
    "instrument": """violin:Geige:f:Geigen; piano:Klavier:n:Klaviere; guitar:Gitarre:f:Gitarren; trumpet:Trompete:f:Trompeten;
        flute:Flöte:f:Flöten; drum:Trommel:f:Trommeln; organ:Orgel:f:Orgeln; accordion:Akkordeon:n:Akkordeons;
        harp:Harfe:f:Harfen; cello:Cello:n:Cellos; clarinet:Klarinette:f:Klarinetten; horn:Horn:n:Hörner;
        zither:Zither:f:Zithern; double bass:Kontrabass:m:Kontrabässe; saxophone:Saxofon:n:Saxofone; banjo:Banjo:n:Banjos;
        tambourine:Tamburin:n:Tamburine; gong:Gong:m:Gongs; lute:Laute:f:Lauten; mandolin:Mandoline:f:Mandolinen;
        trombone:Posaune:f:Posaunen; xylophone:Xylofon:n:Xylofone; recorder:Blockflöte:f:Blockflöten""",
    "animal": """cow:Kuh:f:Kühe; goat:Ziege:f:Ziegen; sheep/sheep:Schaf:n:Schafe; horse:Pferd:n:Pferde; donkey:Esel:m:Esel;
        dog:Hund:m:Hunde; cat:Katze:f:Katzen; rabbit:Kaninchen:n:Kaninchen; goose/geese:Gans:f:Gänse; duck:Ente:f:Enten;
        chicken:Huhn:n:Hühner; pig:Schwein:n:Schweine; pony:Pony:n:Ponys; parrot:Papagei:m:Papageien; owl:Eule:f:Eulen;
        hedgehog:Igel:m:Igel; swan:Schwan:m:Schwäne; calf/calves:Kalb:n:Kälber; lamb:Lamm:n:Lämmer;
        tortoise:Schildkröte:f:Schildkröten; hamster:Hamster:m:Hamster; stork:Storch:m:Störche;
        squirrel:Eichhörnchen:n:Eichhörnchen; pigeon:Taube:f:Tauben""",
    "plant": """rose:Rose:f:Rosen; apple tree:Apfelbaum:m:Apfelbäume; oak:Eiche:f:Eichen; hedge:Hecke:f:Hecken;
        tulip:Tulpe:f:Tulpen; sunflower:Sonnenblume:f:Sonnenblumen; lime tree:Linde:f:Linden; cactus:Kaktus:m:Kakteen;
        palm tree:Palme:f:Palmen; bush:Busch:m:Büsche; fir tree:Tanne:f:Tannen; pear tree:Birnbaum:m:Birnbäume;
        cherry tree:Kirschbaum:m:Kirschbäume; fern:Farn:m:Farne; lily:Lilie:f:Lilien; dahlia:Dahlie:f:Dahlien;
        beech:Buche:f:Buchen; birch:Birke:f:Birken; walnut tree:Walnussbaum:m:Walnussbäume; orchid:Orchidee:f:Orchideen;
        chestnut tree:Kastanienbaum:m:Kastanienbäume; willow:Weide:f:Weiden; geranium:Geranie:f:Geranien""",
    "clothing": """coat:Mantel:m:Mäntel; hat:Hut:m:Hüte; dress:Kleid:n:Kleider; jacket:Jacke:f:Jacken; shirt:Hemd:n:Hemden;
        scarf/scarves:Schal:m:Schals; skirt:Rock:m:Röcke; boot:Stiefel:m:Stiefel; shoe:Schuh:m:Schuhe;
        glove:Handschuh:m:Handschuhe; pullover:Pullover:m:Pullover; apron:Schürze:f:Schürzen; cap:Mütze:f:Mützen;
        belt:Gürtel:m:Gürtel; costume:Kostüm:n:Kostüme; uniform:Uniform:f:Uniformen; sock:Socke:f:Socken;
        suit:Anzug:m:Anzüge; tie:Krawatte:f:Krawatten; raincoat:Regenmantel:m:Regenmäntel; waistcoat:Weste:f:Westen;
        veil:Schleier:m:Schleier; slipper:Pantoffel:m:Pantoffeln""",
    "tool": """hammer:Hammer:m:Hämmer; rope:Seil:n:Seile; ladder:Leiter:f:Leitern; saw:Säge:f:Sägen; axe:Axt:f:Äxte;
        shovel:Schaufel:f:Schaufeln; knife/knives:Messer:n:Messer; brush:Bürste:f:Bürsten; needle:Nadel:f:Nadeln;
        key:Schlüssel:m:Schlüssel; rake:Rechen:m:Rechen; drill:Bohrer:m:Bohrer; broom:Besen:m:Besen;
        paintbrush:Pinsel:m:Pinsel; screwdriver:Schraubenzieher:m:Schraubenzieher; torch:Taschenlampe:f:Taschenlampen;
        compass:Kompass:m:Kompasse; net:Netz:n:Netze; wheelbarrow:Schubkarre:f:Schubkarren; chain:Kette:f:Ketten;
        spade:Spaten:m:Spaten; magnifying glass:Lupe:f:Lupen; spanner:Schraubenschlüssel:m:Schraubenschlüssel;
        file:Feile:f:Feilen; telescope:Fernrohr:n:Fernrohre""",
    "container": """basket:Korb:m:Körbe; jug:Krug:m:Krüge; bucket:Eimer:m:Eimer; barrel:Fass:n:Fässer; box:Kiste:f:Kisten;
        suitcase:Koffer:m:Koffer; bag:Tasche:f:Taschen; bottle:Flasche:f:Flaschen; pot:Topf:m:Töpfe;
        bowl:Schüssel:f:Schüsseln; cup:Tasse:f:Tassen; plate:Teller:m:Teller; glass:Glas:n:Gläser; sack:Sack:m:Säcke;
        backpack:Rucksack:m:Rucksäcke; bathtub:Badewanne:f:Badewannen; pan:Pfanne:f:Pfannen; kettle:Kessel:m:Kessel;
        parcel:Paket:n:Pakete; teapot:Teekanne:f:Teekannen; watering can:Gießkanne:f:Gießkannen; mug:Becher:m:Becher;
        chest:Truhe:f:Truhen""",
    "toy": """kite:Drachen:m:Drachen; ball:Ball:m:Bälle; doll:Puppe:f:Puppen; swing:Schaukel:f:Schaukeln;
        puzzle:Puzzle:n:Puzzles; tent:Zelt:n:Zelte; umbrella:Regenschirm:m:Regenschirme; candle:Kerze:f:Kerzen;
        lantern:Laterne:f:Laternen; chessboard:Schachbrett:n:Schachbretter; rocking horse:Schaukelpferd:n:Schaukelpferde;
        marble:Murmel:f:Murmeln; slide:Rutsche:f:Rutschen; whistle:Pfeife:f:Pfeifen; balloon:Luftballon:m:Luftballons;
        pocket watch:Taschenuhr:f:Taschenuhren; pencil:Bleistift:m:Bleistifte; spinning top:Kreisel:m:Kreisel;
        roller skate:Rollschuh:m:Rollschuhe; trampoline:Trampolin:n:Trampoline; globe:Globus:m:Globen;
        building block:Baustein:m:Bausteine""",
}

ALL = "all"
VERBS = f"""
find found found:finden, findet, fand, gefunden:{ALL}
buy bought bought:kaufen, kauft, kaufte, gekauft:{ALL}
sell sold sold:verkaufen, verkauft, verkaufte, verkauft:{ALL}
photograph:fotografieren, fotografiert, fotografierte, fotografiert:{ALL}
draw drew drawn:zeichnen, zeichnet, zeichnete, gezeichnet:{ALL}
describe:beschreiben, beschreibt, beschrieb, beschrieben:{ALL}
steal stole stolen:stehlen, stiehlt, stahl, gestohlen:machine vehicle document art instrument animal clothing tool container
discover:entdecken, entdeckt, entdeckte, entdeckt:{ALL}
inherit:erben, erbt, erbte, geerbt:machine building furniture vehicle document art instrument clothing tool container
lose lost lost:verlieren, verliert, verlor, verloren:document art clothing tool container toy
order:bestellen, bestellt, bestellte, bestellt:machine furniture vehicle food document art instrument clothing tool container toy plant
pick up:ab+holen, holt, holte, abgeholt:machine furniture vehicle food document art instrument animal clothing tool container toy
present:vor+stellen, stellt, stellte, vorgestellt:machine vehicle document art instrument toy
exhibit:aus+stellen, stellt, stellte, ausgestellt:machine vehicle art instrument clothing toy plant furniture
auction:versteigern, versteigert, versteigerte, versteigert:machine furniture vehicle art instrument clothing container animal
win won won:gewinnen, gewinnt, gewann, gewonnen:machine vehicle art instrument animal container toy furniture
examine:untersuchen, untersucht, untersuchte, untersucht:{ALL}
borrow:aus+leihen, leiht, lieh, ausgeliehen:machine vehicle document instrument clothing tool container toy
choose chose chosen:aus+wählen, wählt, wählte, ausgewählt:machine furniture vehicle document art instrument animal clothing tool toy plant
measure:messen, misst, maß, gemessen:building furniture vehicle art plant container
weigh:wiegen, wiegt, wog, gewogen:food animal container tool
film:filmen, filmt, filmte, gefilmt:building vehicle art instrument animal plant machine
admire:bewundern, bewundert, bewunderte, bewundert:building vehicle art instrument animal clothing plant furniture
donate:spenden, spendet, spendete, gespendet:machine furniture document art instrument clothing tool toy
hide hid hidden:verstecken, versteckt, versteckte, versteckt:machine food document art instrument clothing tool container toy
insure:versichern, versichert, versicherte, versichert:machine building vehicle art instrument
bring along:mit+bringen, bringt, brachte, mitgebracht:machine furniture food document art instrument animal clothing tool container toy
take along:mit+nehmen, nimmt, nahm, mitgenommen:machine food document art instrument animal clothing tool container toy
give away:weg+geben, gibt, gab, weggegeben:machine furniture vehicle art instrument animal clothing tool container toy
bring back:zurück+bringen, bringt, brachte, zurückgebracht:machine furniture vehicle document art instrument animal tool container toy
watch:beobachten, beobachtet, beobachtete, beobachtet:animal vehicle
recognise:erkennen, erkennt, erkannte, erkannt:vehicle art animal clothing building
praise:loben, lobt, lobte, gelobt:building food document art clothing
repair:reparieren, repariert, reparierte, repariert:machine building furniture vehicle instrument toy
clean:putzen, putzt, putzte, geputzt:machine building furniture vehicle instrument clothing container tool
wash:waschen, wäscht, wusch, gewaschen:vehicle clothing animal container food
paint:streichen, streicht, strich, gestrichen:building furniture vehicle
build built built:bauen, baut, baute, gebaut:building furniture instrument toy
renovate:renovieren, renoviert, renovierte, renoviert:building
tear down tore down torn down:ab+reißen, reißt, riss, abgerissen:building
inspect:besichtigen, besichtigt, besichtigte, besichtigt:building
inaugurate:ein+weihen, weiht, weihte, eingeweiht:bridge tower playground stage pavilion well greenhouse terrace barn
cook:kochen, kocht, kochte, gekocht:soup potato carrot egg fish dumpling pumpkin onion
bake:backen, backt, backte, gebacken:cake tart bread_roll pretzel biscuit pancake loaf_of_bread
peel:schälen, schält, schälte, geschält:apple pear potato carrot onion cucumber lemon egg
eat ate eaten:essen, isst, aß, gegessen:food
taste:probieren, probiert, probierte, probiert:food
serve:servieren, serviert, servierte, serviert:food
share:teilen, teilt, teilte, geteilt:food
burn:verbrennen, verbrennt, verbrannte, verbrannt:document furniture
feed fed fed:füttern, füttert, fütterte, gefüttert:animal
raise:auf+ziehen, zieht, zog, aufgezogen:animal
catch caught caught:ein+fangen, fängt, fing, eingefangen:animal
stroke:streicheln, streichelt, streichelte, gestreichelt:animal
rescue:retten, rettet, rettete, gerettet:animal art document
set free set free set free:frei+lassen, lässt, ließ, freigelassen:animal
look after:hüten, hütet, hütete, gehütet:animal
plant:pflanzen, pflanzt, pflanzte, gepflanzt:plant
water:gießen, gießt, goss, gegossen:plant
prune:zurück+schneiden, schneidet, schnitt, zurückgeschnitten:plant
dig up dug up dug up:aus+graben, gräbt, grub, ausgegraben:plant container art
tend:pflegen, pflegt, pflegte, gepflegt:plant animal
play:spielen, spielt, spielte, gespielt:instrument
tune:stimmen, stimmt, stimmte, gestimmt:instrument
rehearse:ein+üben, übt, übte, eingeübt:speech
write wrote written:schreiben, schreibt, schrieb, geschrieben:document
read read read:lesen, liest, las, gelesen:document
translate:übersetzen, übersetzt, übersetzte, übersetzt:document
sign:unterschreiben, unterschreibt, unterschrieb, unterschrieben:document
print:drucken, druckt, druckte, gedruckt:document
copy:ab+schreiben, schreibt, schrieb, abgeschrieben:document
read out read out read out:vor+lesen, liest, las, vorgelesen:document
hang up hung up hung up:auf+hängen, hängt, hängte, aufgehängt:document art clothing
tear up tore up torn up:zerreißen, zerreißt, zerriss, zerrissen:document
correct:korrigieren, korrigiert, korrigierte, korrigiert:document
publish:veröffentlichen, veröffentlicht, veröffentlichte, veröffentlicht:document
sew sewed sewn:nähen, näht, nähte, genäht:clothing
dye:färben, färbt, färbte, gefärbt:clothing curtain carpet blanket pillow egg
iron:bügeln, bügelt, bügelte, gebügelt:clothing
mend:flicken, flickt, flickte, geflickt:clothing
wear wore worn:tragen, trägt, trug, getragen:clothing
try on:an+probieren, probiert, probierte, anprobiert:clothing
put away put away put away:weg+räumen, räumt, räumte, weggeräumt:furniture clothing tool container toy
push:schieben, schiebt, schob, geschoben:vehicle furniture
pull:ziehen, zieht, zog, gezogen:cart sledge carriage trailer boat canoe raft rope
park:parken, parkt, parkte, geparkt:vehicle
load:beladen, belädt, belud, beladen:vehicle
steer:lenken, lenkt, lenkte, gelenkt:vehicle
fill:füllen, füllt, füllte, gefüllt:container
empty:leeren, leert, leerte, geleert:container
open:öffnen, öffnet, öffnete, geöffnet:container
break broke broken:zerbrechen, zerbricht, zerbrach, zerbrochen:vase container
carve:schnitzen, schnitzt, schnitzte, geschnitzt:art toy
polish:polieren, poliert, polierte, poliert:art instrument furniture vehicle
restore:restaurieren, restauriert, restaurierte, restauriert:art furniture instrument
put together put together put together:zusammen+bauen, baut, baute, zusammengebaut:machine furniture
dismantle:ab+bauen, baut, baute, abgebaut:stage playground pavilion hut fence tent swing slide trampoline shelf bed counter
switch on:ein+schalten, schaltet, schaltete, eingeschaltet:machine
switch off:aus+schalten, schaltet, schaltete, ausgeschaltet:machine
test:testen, testet, testete, getestet:machine vehicle instrument tool
sharpen:schärfen, schärft, schärfte, geschärft:knife axe
lend lent lent:verleihen, verleiht, verlieh, verliehen:machine vehicle instrument tool document
decorate:schmücken, schmückt, schmückte, geschmückt:building vehicle
unveil:enthüllen, enthüllt, enthüllte, enthüllt:art
light lit lit:an+zünden, zündet, zündete, angezündet:candle lantern
pack:ein+packen, packt, packte, eingepackt:food document art instrument clothing tool toy
unpack:aus+packen, packt, packte, ausgepackt:container machine art instrument toy
lock:ab+schließen, schließt, schloss, abgeschlossen:door gate shed garage stable hut greenhouse barn cupboard desk wardrobe chest suitcase
varnish:lackieren, lackiert, lackierte, lackiert:vehicle furniture instrument
set up set up set up:auf+stellen, stellt, stellte, aufgestellt:machine furniture art toy
replace:ersetzen, ersetzt, ersetzte, ersetzt:machine building furniture tool
"""

# Motion: perfect with "sein", a destination instead of an object.
MOTION_VERBS = """
walk:gehen, geht, ging, gegangen
run ran run:laufen, läuft, lief, gelaufen
drive drove driven:fahren, fährt, fuhr, gefahren
travel:reisen, reist, reiste, gereist
hike:wandern, wandert, wanderte, gewandert
hurry:eilen, eilt, eilte, geeilt
march:marschieren, marschiert, marschierte, marschiert
return:zurück+kehren, kehrt, kehrte, zurückgekehrt
set off set off set off:auf+brechen, bricht, brach, aufgebrochen
flee fled fled:fliehen, flieht, floh, geflohen
ride rode ridden:reiten, reitet, ritt, geritten
stroll:spazieren, spaziert, spazierte, spaziert
fly flew flown:fliegen, fliegt, flog, geflogen
"""

# Giving: a dative recipient and an accusative object.
GIVING_VERBS = """
give gave given:geben, gibt, gab, gegeben
show showed shown:zeigen, zeigt, zeigte, gezeigt
send sent sent:schicken, schickt, schickte, geschickt
bring brought brought:bringen, bringt, brachte, gebracht
offer:an+bieten, bietet, bot, angeboten
hand over:überreichen, überreicht, überreichte, überreicht
explain:erklären, erklärt, erklärte, erklärt
recommend:empfehlen, empfiehlt, empfahl, empfohlen
give back gave back given back:zurück+geben, gibt, gab, zurückgegeben
promise:versprechen, verspricht, versprach, versprochen
"""

ADJECTIVES = {
    ALL: """old:alt; new:neu; small:klein; big:groß; heavy:schwer; beautiful:schön; ugly:hässlich; strange:seltsam;
        valuable:wertvoll; rare:selten; famous:berühmt; cheap:billig; simple:einfach; ordinary:gewöhnlich; special:besonder;
        expensive:teur; white:weiß; black:schwarz; brown:braun; grey:grau; huge:riesig; tiny:winzig; real:echt;
        wonderful:wunderbar; unusual:ungewöhnlich; pretty:hübsch; important:wichtig; missing:verschwunden""",
    "thing": """red:rot; blue:blau; green:grün; yellow:gelb; broken:kaputt; dirty:schmutzig; dusty:staubig; wooden:hölzern;
        sturdy:stabil; modern:modern; shiny:glänzend; colourful:bunt; elegant:elegant; historic:historisch; foreign:ausländisch;
        practical:praktisch; narrow:schmal; light:leicht; long:lang; damaged:beschädigt; golden:golden;
        silver:silbern; clean:sauber; wet:nass; plain:schlicht; unfinished:unfertig; antique:antik; round:rund;
        forgotten:vergessen; homemade:selbstgemacht; lost:verloren; used:gebraucht""",
    "food": """fresh:frisch; sweet:süß; ripe:reif; sour:saur; delicious:lecker; warm:warm; cold:kalt; salted:gesalzen;
        juicy:saftig; hard:hart; soft:weich; fragrant:duftend""",
    "living": """young:jung; sick:krank; strong:stark; wild:wild; healthy:gesund; weak:schwach; graceful:anmutig; slender:schlank;
        thin:dünn; magnificent:prächtig""",
    "animal": """hungry:hungrig; tame:zahm; tired:müd; friendly:freundlich; shy:scheu; clever:klug; lazy:faul; frightened:ängstlich;
        cheeky:frech; brave:mutig""",
    "document": """short:kurz; secret:geheim; funny:lustig; sad:traurig; interesting:interessant; handwritten:handgeschrieben;
        anonymous:anonym; official:offiziell; illegible:unleserlich; boring:langweilig""",
}

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
ROLES = """baker:Bäcker; teacher:Lehrer; gardener:Gärtner; carpenter:Tischler; doctor:Arzt/Ärztin; painter:Maler;
    mayor:Bürgermeister; pupil:Schüler; musician:Musiker; engineer:Ingenieur; librarian:Bibliothekar; cook:Koch/Köchin;
    butcher:Metzger; tailor:Schneider; hairdresser:Friseur; locksmith:Schlosser; shepherd:Schäfer; miller:Müller;
    chemist:Apotheker; coach:Trainer; actor:Schauspieler; writer:Schriftsteller; driver:Fahrer; plumber:Klempner;
    innkeeper:Gastwirt; fisherman:Fischer; judge:Richter; roofer:Dachdecker"""

# English phrase : German (where) : German (where to). English "to" phrases are made from the part after the bar.
PLACES = """in|the town hall:im Rathaus:zum Rathaus; at|the station:am Bahnhof:zum Bahnhof; in|the park:im Park:in den Park;
    at|the harbour:am Hafen:zum Hafen; in|the library:in der Bibliothek:in die Bibliothek; at|the market:auf dem Markt:zum Markt;
    in|the church:in der Kirche:in die Kirche; in|the museum:im Museum:ins Museum; in|the school:in der Schule:in die Schule;
    at|the lake:am See:zum See; in|the forest:im Wald:in den Wald; in|the bakery:in der Bäckerei:in die Bäckerei;
    in|the hospital:im Krankenhaus:ins Krankenhaus; in|the castle:im Schloss:zum Schloss; at|the mill:an der Mühle:zur Mühle;
    in|the theatre:im Theater:ins Theater; in|the workshop:in der Werkstatt:in die Werkstatt; at|the airport:am Flughafen:zum Flughafen;
    in|the garden:im Garten:in den Garten; on|the island:auf der Insel:auf die Insel; in|the hotel:im Hotel:ins Hotel;
    in|the cellar:im Keller:in den Keller; in|the attic:auf dem Dachboden:auf den Dachboden; at|the river:am Fluss:zum Fluss;
    in|the old town:in der Altstadt:in die Altstadt; in|the pharmacy:in der Apotheke:in die Apotheke;
    at|the post office:bei der Post:zur Post; in|the bookshop:in der Buchhandlung:in die Buchhandlung;
    in|the café:im Café:ins Café; in|the factory:in der Fabrik:in die Fabrik; at|the zoo:im Zoo:in den Zoo;
    in|the stadium:im Stadion:ins Stadion; in|the gallery:in der Galerie:in die Galerie; in|the kitchen:in der Küche:in die Küche;
    at|the cemetery:auf dem Friedhof:zum Friedhof; at|the bus stop:an der Bushaltestelle:zur Bushaltestelle;
    in|the valley:im Tal:ins Tal; in|the village:im Dorf:ins Dorf; on|the hill:auf dem Hügel:auf den Hügel;
    on|the beach:am Strand:an den Strand; in|the inn:im Gasthof:zum Gasthof; in|the monastery:im Kloster:zum Kloster;
    at|the campsite:auf dem Campingplatz:zum Campingplatz; in|the courtyard:im Hof:in den Hof; in|the gym:in der Turnhalle:in die Turnhalle;
    in|the nursery school:im Kindergarten:in den Kindergarten; at|the university:an der Universität:zur Universität;
    in|the bank:in der Bank:zur Bank; in|the cinema:im Kino:ins Kino; at|the petrol station:an der Tankstelle:zur Tankstelle;
    at|the fire station:bei der Feuerwehr:zur Feuerwehr; in|the concert hall:im Konzertsaal:in den Konzertsaal;
    at|the swimming pool:im Schwimmbad:ins Schwimmbad; at|the border:an der Grenze:zur Grenze; in|the quarry:im Steinbruch:zum Steinbruch;
    in|the vineyard:im Weinberg:in den Weinberg; on|the main square:auf dem Hauptplatz:zum Hauptplatz;
    in|the clinic:in der Klinik:in die Klinik; in|the laboratory:im Labor:ins Labor; in|the studio:im Atelier:ins Atelier;
    at|the farm:auf dem Bauernhof:zum Bauernhof; at|the lighthouse:am Leuchtturm:zum Leuchtturm; in|the meadow:auf der Wiese:auf die Wiese;
    at|the shipyard:in der Werft:zur Werft; at|the waterfall:am Wasserfall:zum Wasserfall; in|the cave:in der Höhle:in die Höhle;
    in|the courthouse:im Gericht:zum Gericht; at|the youth club:im Jugendklub:in den Jugendklub;
    in|the parish hall:im Gemeindesaal:in den Gemeindesaal; in|the department store:im Kaufhaus:ins Kaufhaus"""
VILLAGES = """Altbach Birkenau Dornfeld Eichberg Falkenau Grünwald Hainburg Ilmenbach Kaltental Lindenau Moosbach Neudorf
    Oberau Pfahlheim Quellbach Rosenthal Steinfeld Talheim Unterau Vogelsang Weidenbach Zellau Ahornberg Brunnthal
    Erlenbach Fichtenau Goldbach Haselbach Kirchdorf Lerchenfeld Mühlheim Nussdorf Rabenstein Sonnberg Tannheim Wiesental""".split()

# Reasons: subject (singular or plural verb in German is given by the s/p mark) x predicate, and clauses of their own.
REASON_SUBJECTS = """the council:der Gemeinderat:s; the school:die Schule:s; the insurance company:die Versicherung:s;
    the neighbours:die Nachbarn:p; the club:der Verein:s; the fire brigade:die Feuerwehr:s; the parents:die Eltern:p;
    the police:die Polizei:s; the landlady:die Vermieterin:s; the guests:die Gäste:p; the children:die Kinder:p; the owner:der Besitzer:s"""
REASON_PREDICATES = """had asked for it:darum gebeten hatte/darum gebeten hatten; had demanded it:es verlangt hatte/es verlangt hatten;
    wanted a surprise:eine Überraschung wollte/eine Überraschung wollten; needed help:Hilfe brauchte/Hilfe brauchten;
    had complained:sich beschwert hatte/sich beschwert hatten; had paid for it:dafür bezahlt hatte/dafür bezahlt hatten;
    could not wait:nicht warten konnte/nicht warten konnten; hoped for it:darauf hoffte/darauf hofften"""
REASON_CLAUSES = """the festival was about to begin:das Fest bald begann; it had rained for days:es tagelang geregnet hatte;
    there was no money left:kein Geld mehr da war; the road was closed:die Straße gesperrt war; a storm was coming:ein Sturm kam;
    winter was near:der Winter nahte; nobody else had time:sonst niemand Zeit hatte; the price had fallen:der Preis gesunken war;
    the old rules had changed:sich die alten Regeln geändert hatten; visitors were expected:Besuch erwartet wurde;
    the power had failed:der Strom ausgefallen war; the day was a holiday:der Tag ein Feiertag war;
    a film was being made:ein Film gedreht wurde; there was a prize to win:es einen Preis zu gewinnen gab;
    the water was rising:das Wasser stieg; the harvest had been good:die Ernte gut gewesen war;
    an anniversary was coming up:ein Jubiläum bevorstand; a bet had been lost:eine Wette verloren war;
    the key had been found:der Schlüssel gefunden worden war; the train was late:der Zug Verspätung hatte;
    a child had dreamed of it:ein Kind davon geträumt hatte; the weather was fine:das Wetter schön war;
    space was needed:Platz gebraucht wurde; a letter had arrived:ein Brief angekommen war;
    the ice had melted:das Eis geschmolzen war"""

WEEKDAYS = """Monday:Montag; Tuesday:Dienstag; Wednesday:Mittwoch; Thursday:Donnerstag; Friday:Freitag; Saturday:Samstag;
    Sunday:Sonntag"""
MONTHS = """January:Januar; February:Februar; March:März; April:April; May:Mai; June:Juni; July:Juli; August:August;
    September:September; October:Oktober; November:November; December:Dezember"""
NUMBERS = """two:zwei; three:drei; four:vier; five:fünf; six:sechs; seven:sieben; eight:acht; nine:neun; ten:zehn;
    eleven:elf; twelve:zwölf"""
WEATHER = """It was raining.:Es regnete.:Es hat geregnet.; It was snowing.:Es schneite.:Es hat geschneit.;
    The sun was shining.:Die Sonne schien.:Die Sonne hat geschienen.; A cold wind was blowing.:Ein kalter Wind wehte.:Ein kalter Wind hat geweht.;
    The sky was grey.:Der Himmel war grau.:Der Himmel war grau.; It was very hot.:Es war sehr heiß.:Es war sehr heiß.;
    There was thick fog.:Es gab dichten Nebel.:Es hat dichten Nebel gegeben.; It was freezing.:Es fror.:Es hat gefroren."""
