"""What goes with what: the scenes of town life. A scene says which verb takes which things, and where, how long, at what price,
before how many people and for what reasons such a thing happens, so that no event is absurd.

One block a scene. Its first lines are ``verbs | what the event is called: German: gender | things [| places]``: German infinitives,
a noun for the event that later sentences use ("the repair"; ``=`` is the thing itself, "the regatta"), groups of nouns or single ones
(``bread_roll``), and places only for these things. ``/`` before a name takes it out. Then, for the whole scene, one a line or parted by " ; ",

==========  ==========================================================================================================================
articles    ways to name the thing, drawn at random: the, a, count (three new roses), plural (the ripe plums), bare (ripe plums)
adjectives  in place of those of the nouns' groups
places      names of places, or ``villages``
time        units and ranges of the duration; none: nobody asks how long it took
cost        ``cost`` of the event, ``earn`` (what a sale brings in) or ``price`` (what the agent pays for the thing), and its range
crowd       ``watch`` or ``come``, and how many people: an audience; none: nobody watched
reasons     groups of reasons
roles       what the agent can be; none: anything
facts       what else can be told: help or join (a companion's part), owner or former (whose the thing is or was), payer, idea, reward
==========  ==========================================================================================================================
"""

SCENES = """
reparieren | repair:Reparatur:f | machine cycle
places workshop,school,community centre,youth club,retirement home,villages ; time hours 2-6 ; cost cost 20-180
reasons machine asked ; facts help owner payer reward ; roles engineer locksmith plumber student teacher

überprüfen | check:Überprüfung:f | machine cycle instrument
testen | test:Test:m | machine cycle instrument
places workshop,school,community centre,youth club,villages ; time hours 2-4 ; cost cost 20-90 ; reasons check
facts help owner payer reward ; roles engineer locksmith student teacher

überprüfen | check:Überprüfung:f | vehicle
testen | test drive:Probefahrt:f | vehicle
adjectives old red blue heavy used black rusty ; places petrol station,car park,farm,fire station,villages ; time hours 2-3
cost cost 50-250 ; reasons check ; facts help owner payer ; roles engineer locksmith farmer bus_driver

reparieren | repair:Reparatur:f | vehicle
adjectives old red blue heavy used black rusty ; places petrol station,car park,farm,fire station,villages ; time hours 2-9
cost cost 150-900 ; reasons machine ; facts help owner payer reward ; roles engineer locksmith farmer bus_driver

reparieren | repair:Reparatur:f | boats
lackieren | varnishing:Lackieren:n | boats
streichen | painting:Streichen:n | boats
places harbour,shipyard,lake,river ; time days 2-8 ; cost cost 200-2000 ; reasons boat ; facts help owner payer reward
roles carpenter painter engineer innkeeper

reparieren | repair:Reparatur:f | part
renovieren | renovation:Renovierung:f | part building
places castle,monastery,school,farm,mill,hotel,villages ; time days 2-9 ; cost cost 300-6000 ; reasons worn asked
facts help payer reward idea ; roles carpenter roofer locksmith painter

streichen | painting:Streichen:n | part building
streichen | painting:Streichen:n | bus_shelter bridge footbridge climbing_wall | park,harbour,villages
places castle,monastery,school,campsite,villages ; time days 2-5 ; cost cost 100-900 ; reasons paint
facts help payer reward idea ; roles painter carpenter student teacher

bauen | construction:Bau:m | building
erweitern | extension:Erweiterung:f | building playground sports_field
vermessen | survey:Vermessung:f | building sports_field playground bridge
articles the a ; places farm,meadow,monastery,campsite,vineyard,animal shelter,villages ; time weeks 2-10 ; cost cost 1500-9000
reasons build ; facts help payer idea ; roles carpenter roofer farmer engineer

bauen | construction:Bau:m | public
planen | project:Projekt:n | public
entwerfen | project:Projekt:n | public
articles a the ; places park,old town,main square,campsite,villages ; time weeks 4-12 ; cost cost 3000-9000 ; reasons demand
facts help payer idea ; roles engineer carpenter gardener teacher

abreißen | demolition:Abriss:m | building wall bridge footbridge bus_shelter
adjectives old big small wooden damaged ; places farm,harbour,mill,park,villages ; time days 2-6 ; cost cost 800-6000
crowd watch 20-120 ; reasons unsafe ; facts help payer ; roles roofer carpenter engineer farmer

einweihen | inauguration:Einweihung:f | public chapel pavilion
adjectives new modern big beautiful ; places park,castle gardens,harbour,campsite,villages ; time hours 2-4 ; cost cost 200-900
crowd come 50-400 ; reasons demand ; facts payer idea

restaurieren | restoration:Restaurierung:f | furniture
lackieren | varnishing:Lackieren:n | furniture
polieren | polishing:Polieren:n | furniture
adjectives old heavy antique elegant damaged valuable brown dark ; places workshop,castle,monastery,town hall,villages
time days 2-9 ; cost cost 50-600 ; reasons varnish ; facts help owner payer reward ; roles carpenter painter

polieren | polishing:Polieren:n | treasure instrument
restaurieren | restoration:Restaurierung:f | treasure instrument
places workshop,museum,castle,church,villages ; time hours 3-9 ; cost cost 60-500 ; reasons shine ; facts help owner payer reward
roles locksmith musician student

bauen | work:Arbeit:f | furniture rocking_horse doll's_house swing
articles a a count ; adjectives new small simple sturdy elegant wooden practical ; places workshop,school,courtyard,villages
time days 2-6 ; cost cost 50-400 ; reasons need occasion ; facts help payer idea ; roles carpenter student teacher farmer

putzen | cleaning:Putzen:n | window door staircase balcony terrace gate stage mirror
fegen | sweeping:Fegen:n | staircase terrace balcony stage stable barn chapel
adjectives dirty dusty old big ; places castle,school,hotel,monastery,inn,villages ; time hours 2-6 ; reasons dirt occasion
facts help reward idea

aufräumen | tidying:Aufräumen:n | shed garage stable hut greenhouse barn
ausräumen | clearing:Ausräumen:n | shed garage stable hut greenhouse barn
adjectives old dusty dark big small ; places farm,monastery,campsite,mill,villages ; time hours 3-9 ; reasons space dirt
facts help owner reward idea ; roles farmer shepherd gardener innkeeper student

waschen | washing:Waschen:n | vehicle cycle
putzen | cleaning:Putzen:n | vehicle cycle
adjectives dirty dusty old red blue black ; places car park,fire station,petrol station,villages ; time hours 2-4
reasons occasion ; facts help owner reward ; roles bus_driver student locksmith farmer

aufbauen | assembly:Aufbau:m | stage tent swing climbing_wall pavilion playground
abbauen | dismantling:Abbau:m | stage tent swing climbing_wall pavilion playground
schmücken | decorating:Schmücken:n | stage pavilion bus_shelter fountain gate chapel carriage bridge
articles the the a ; places main square,park,meadow,beach,campsite,villages ; time hours 2-8 ; cost cost 50-400
reasons feast occasion ; facts help payer idea reward

zeichnen | drawing session:Zeichnen:n | portrait landscape map poster postcard stage_set
malen | painting:Malen:n | portrait landscape mural stage_set poster postcard
entwerfen | design:Entwurf:m | poster postcard calendar certificate stage_set mosaic stained-glass_window
articles a a the ; adjectives small big colourful beautiful unusual new ; places studio,school,gallery,youth club,theatre,villages
time days 2-6 ; cost cost 30-250 ; reasons art ; facts help idea payer ; roles painter teacher student

schnitzen | carving:Schnitzen:n | statue figurine mask puppet rocking_horse sculpture
articles a a the ; adjectives small big wooden unusual pretty ; places workshop,studio,market,school,villages ; time hours 3-9
cost cost 20-150 ; crowd watch 20-60 ; reasons art ; facts help idea payer ; roles carpenter shepherd student

basteln | craft session:Basteln:n | kite lantern puppet doll doll's_house candle mask puzzle
articles a count ; adjectives colourful new small red blue pretty ; places nursery school,school,library,youth club,villages
time hours 2-4 ; cost cost 20-90 ; reasons bazaar ; facts help idea payer

ausstellen | exhibition:Ausstellung:f | picture figure instrument treasure
places museum,gallery,library,town hall,castle,villages ; time weeks 2-8 ; cost cost 150-900 ; crowd come 40-400 ; reasons art
facts help owner payer idea ; roles painter photographer teacher musician librarian

vorstellen | presentation:Präsentation:f | painting portrait drawing engraving sculpture figurine photo
adjectives new small unusual beautiful important ; places museum,gallery,library,town hall,university,villages ; time hours 2-3
crowd come 30-200 ; reasons art ; facts help idea payer ; roles painter photographer writer librarian

enthüllen | unveiling:Enthüllung:f | statue sculpture monument memorial_plaque mosaic mural fountain
articles the the a ; adjectives new big small beautiful unusual
places park,main square,town hall,harbour,university,castle gardens,villages ; time minutes 20-50 ; cost cost 100-900
crowd come 50-400 ; reasons memory ; facts payer idea ; roles painter teacher writer engineer

restaurieren | restoration:Restaurierung:f | painting portrait mosaic mural stained-glass_window statue monument memorial_plaque
adjectives old famous valuable damaged historic ; places church,castle,museum,monastery,town hall,villages ; time weeks 3-9
cost cost 500-6000 ; reasons worn ; facts help payer idea ; roles painter carpenter

aufhängen | work:Arbeit:f | picture certificate poster flag curtain mask
articles the count ; places gallery,school,town hall,library,hotel,villages ; time hours 2-4 ; reasons occasion feast
facts help idea reward

fotografieren | photo shoot:Fotoshooting:n | wild tree flower boats
filmen | filming:Filmen:n | wild boats farm
zeichnen | drawing:Zeichnen:n | wild tree flower boats
articles the a ; adjectives big small magnificent beautiful ; places lake,river,garden centre,park,harbour,villages
time hours 2-6 ; reasons photo ; facts join idea ; roles photographer teacher student painter

kaufen | purchase:Kauf:m | furniture picture treasure instrument
articles a a the ; places market,antique shop,castle,villages ; cost price 80-900 ; reasons bargain ; facts join former noplan

kaufen | purchase:Kauf:m | machine print toy tool basket barrel suitcase bag pot bowl bucket rucksack teapot mug plate clothing textile
articles a a count ; adjectives old new small big used cheap practical ; places market,department store,main square,villages
cost price 10-60 ; reasons bargain ; facts join noplan

kaufen | purchase:Kauf:m | vehicle | car park,petrol station,villages
kaufen | purchase:Kauf:m | boat canoe raft sailing_boat | harbour,lake,villages
articles a ; adjectives used old red white cheap green ; places villages ; cost price 800-9000 ; reasons bargain
facts join former noplan

mieten | rental:Anmietung:f | car bus lorry motorcycle caravan trailer delivery_van | station,villages
mieten | rental:Anmietung:f | boat canoe raft sailing_boat | harbour,lake
mieten | rental:Anmietung:f | tent hut | campsite,farm,villages
articles a ; adjectives big small modern red white cheap ; places villages ; time days 2-12 ; cost price 60-600 ; reasons rent
facts join noplan

verkaufen | sale:Verkauf:m | furniture picture treasure instrument machine
articles a the ; places market,main square,antique shop,villages ; cost earn 80-900 ; reasons money space ; facts help idea

verkaufen | sale:Verkauf:m | flower
articles bare ; places market,main square,garden centre,villages ; time hours 2-8 ; cost earn 50-400 ; crowd come 20-120
reasons money ; facts help idea

verkaufen | sale:Verkauf:m | baked crop
articles bare ; adjectives fresh delicious big small ; places market,main square,pedestrian zone,school,villages ; time hours 2-8
cost earn 50-400 ; crowd come 20-120 ; reasons money ; facts help idea

versteigern | auction:Versteigerung:f | furniture picture treasure instrument
places castle,town hall,inn,parish hall,main square,villages ; time hours 2-5 ; cost earn 100-950 ; crowd come 30-200
reasons money ; facts help former idea

spenden | donation campaign:Spendenaktion:f | machine toy print instrument furniture textile
articles a count ; adjectives new modern used big practical
places school,nursery school,hospital,library,retirement home,villages ; reasons need ; facts join idea

finden | discovery:Entdeckung:f | treasure letter poem diary speech print picture toy
entdecken | discovery:Entdeckung:f | treasure letter poem diary speech print picture toy
articles a ; adjectives old rare unusual forgotten strange ; places attic,cellar,castle,monastery,church,library,villages
reasons search ; facts join former noplan

ausgraben | excavation:Ausgrabung:f | coin vase statue jug ring crown bell medal
articles a a count ; adjectives old golden silver rare valuable ; places meadow,hill,castle,vineyard,villages ; time days 2-9
cost cost 300-3000 ; crowd watch 20-150 ; reasons dig ; facts help payer idea noplan ; roles teacher student engineer gardener

abholen | collection:Abholung:f | furniture machine instrument
abholen | collection:Abholung:f | container | post office,station,hotel,villages
liefern | delivery:Lieferung:f | furniture machine instrument | station,market,villages
articles the the count ; places station,harbour,department store,hotel,villages ; time hours 2-6 ; cost cost 20-150
reasons parcel ; facts help owner payer noplan ; roles bus_driver student innkeeper carpenter

abschleppen | towing:Abschleppen:n | vehicle
articles the a ; adjectives old heavy broken damaged red black
places petrol station,car park,pedestrian zone,harbour,main square,villages ; time minutes 20-50 ; cost cost 60-250
crowd watch 20-60 ; reasons blocked ; facts help owner payer reward noplan ; roles bus_driver farmer locksmith

schieben | pushing:Schieben:n | vehicle
articles the a ; adjectives old heavy broken damaged red black
places petrol station,car park,pedestrian zone,harbour,main square,villages ; time minutes 20-50 ; crowd watch 20-60
reasons blocked ; facts help owner reward noplan ; roles bus_driver farmer student baker

kochen | cooking:Kochen:n | soup stew goulash fish_soup roast casserole
zubereiten | preparation:Zubereitung:f | dish
articles a a the ; places kitchen,inn,parish hall,community centre,campsite,villages ; time hours 2-4 ; cost cost 20-90
crowd watch 20-80 ; reasons hungry ; facts help payer idea noplan ; roles cook innkeeper butcher teacher

würzen | seasoning:Würzen:n | dish
servieren | meal:Essen:n | dish
articles the a ; places inn,hotel,café,castle,villages ; cost cost 20-150 ; reasons hungry ; facts join payer idea noplan
roles cook innkeeper butcher

probieren | tasting:Verkostung:f | dish baked
essen | meal:Essen:n | dish
articles the a ; adjectives delicious fresh traditional simple special ; places inn,hotel,café,castle,villages ; cost cost 20-150
reasons tasting ; facts join payer noplan

backen | baking:Backen:n | baked
articles a bare count ; adjectives big sweet delicious small crisp traditional ; places bakery,kitchen,school,parish hall,villages
time hours 2-5 ; cost cost 20-90 ; crowd watch 20-80 ; reasons bake hungry ; facts help payer idea
roles baker cook innkeeper teacher

schälen | peeling:Schälen:n | apple pear tomato cucumber pumpkin potato carrot onion
articles plural count ; places kitchen,inn,school,youth club,villages ; time minutes 20-50 ; reasons hungry
facts help reward noplan ; roles cook innkeeper student

ernten | harvest:Ernte:f | crop
pflücken | harvest:Ernte:f | apple pear plum cherry strawberry tomato cucumber bean
wiegen | weighing:Wiegen:n | crop
articles plural plural ; places farm,garden,castle gardens,monastery,villages ; time hours 2-9 ; months 7-10 ; reasons ripe
facts help idea reward ; roles farmer gardener teacher

pflanzen | planting:Pflanzaktion:f | flower tree
articles a count count bare ; adjectives young beautiful strong slender
places garden centre,park,garden,cemetery,monastery,school,castle gardens,villages ; time hours 2-6 ; cost cost 30-300
crowd watch 20-90 ; months 4-10 ; reasons grow ; facts help payer idea reward ; roles gardener farmer teacher student

gießen | watering:Gießen:n | flower tree tomato cucumber strawberry
articles plural count ; adjectives young weak beautiful small ; places park,garden,cemetery,monastery,school,villages
time hours 2-3 ; months 4-10 ; reasons dry ; facts help idea reward ; roles gardener student teacher

zurückschneiden | pruning:Schnitt:m | tree
fällen | felling:Fällen:n | oak apple_tree lime_tree pear_tree birch fir_tree walnut_tree willow
adjectives old tall big huge ; places park,garden,cemetery,castle gardens,school,villages ; time hours 2-6 ; cost cost 80-600
crowd watch 20-90 ; months 4-10 ; reasons branches ; facts help payer ; roles gardener farmer

füttern | feeding:Fütterung:f | farm pet
bürsten | brushing:Bürsten:n | cow goat sheep horse donkey pony dog
pflegen | work:Arbeit:f | farm pet
articles the the plural ; places farm,animal shelter,villages ; time hours 2-4 ; reasons animal ; facts help owner reward
roles farmer shepherd student

trainieren | training:Training:n | horse donkey pony dog parrot goat
vorführen | demonstration:Vorführung:f | horse donkey pony dog parrot goat calf lamb
articles the count ; adjectives young strong clever tame lively friendly ; places farm,riding school,zoo,meadow,villages
time hours 2-4 ; crowd watch 20-120 ; reasons show ; facts help owner idea ; roles farmer shepherd trainer

untersuchen | examination:Untersuchung:f | farm pet
adjectives sick weak young old injured ; places veterinary clinic,farm,animal shelter,villages ; time minutes 20-50
cost cost 40-250 ; reasons vet ; facts help owner payer noplan ; roles vet

impfen | vaccination:Impfung:f | farm pet
articles the plural count ; places veterinary clinic,farm,animal shelter,villages ; time minutes 20-50 ; cost cost 40-250
reasons vaccine ; facts help owner payer noplan ; roles vet

retten | rescue:Rettung:f | wild dog cat rabbit parrot
befreien | rescue:Befreiung:f | wild dog cat rabbit parrot
articles a the ; adjectives young frightened small shy injured weak hungry ; places river,lake,harbour,bridge,park,villages
time minutes 20-50 ; crowd watch 20-120 ; reasons danger ; facts help reward noplan

einfangen | search:Suche:f | farm dog cat rabbit parrot
articles the a ; adjectives young frightened shy old big cheeky ; places farm,station,market,park,villages ; time minutes 20-50
crowd watch 20-120 ; reasons escape ; facts help owner reward noplan

freilassen | release:Freilassung:f | wild
articles a count the ; adjectives young healthy strong wild ; places forest,lake,meadow,river,island ; time minutes 20-50
crowd watch 20-90 ; reasons healed ; facts help idea noplan

aufziehen | rearing:Aufzucht:f | wild lamb calf rabbit
articles a count ; adjectives young small weak hungry ; places farm,animal shelter,zoo,villages ; time weeks 3-12
cost cost 50-400 ; reasons orphan ; facts help payer reward noplan ; roles farmer shepherd gardener

spielen | concert:Konzert:n | music
singen | concert:Konzert:n | song lullaby folk_song ballad hymn love_song
dirigieren | concert:Konzert:n | symphony waltz march polka hymn opera musical
articles a the ; adjectives cheerful sad quiet famous traditional short
places church,concert hall,park,castle,music school,main square,villages ; time hours 2-3 ; cost cost 150-900 ; crowd come 40-400
reasons music ; facts payer idea ; roles musician teacher student pharmacist

proben | rehearsal:Probe:f | music show
üben | practice:Üben:n | music
articles the a ; places music school,parish hall,school,gym,villages ; time hours 2-4 ; reasons rehearse ; facts help idea
roles musician teacher student baker

aufnehmen | recording:Aufnahme:f | music
komponieren | composing:Komponieren:n | music
articles a the ; adjectives cheerful sad quiet short new unusual ; places music school,concert hall,monastery,church,villages
time days 2-9 ; cost cost 100-900 ; reasons record ; facts help payer idea ; roles musician teacher

stimmen | tuning:Stimmen:n | instrument
places music school,concert hall,church,school,villages ; time hours 2-3 ; cost cost 40-180 ; reasons tune
facts owner payer reward ; roles musician carpenter

aufführen | performance:Aufführung:f | show
inszenieren | performance:Aufführung:f | show
articles a the ; places theatre,school,main square,park,castle,parish hall,villages ; time hours 2-3 ; cost cost 150-900
crowd come 40-400 ; reasons stage ; facts help payer idea ; roles actor teacher writer

ankündigen | announcement:Ankündigung:f | show contest party
articles a the ; places town hall,library,school,inn,villages ; reasons club feast ; facts idea

gewinnen | = | chess_tournament card_tournament quiz table_tennis_match dance_contest | inn,gym,town hall,parish hall,youth club,villages
gewinnen | = | bicycle_race fun_run | stadium,sports ground,villages
gewinnen | = | swimming_contest regatta | lake,river,harbour
articles the the a ; places villages ; time hours 2-6 ; crowd come 40-400 ; reasons sport ; facts noplan
roles student teacher baker roofer pharmacist trainer tailor

organisieren eröffnen leiten | = | chess_tournament card_tournament quiz table_tennis_match dance_contest | inn,gym,town hall,parish hall,youth club,villages
organisieren eröffnen leiten | = | football_match bicycle_race fun_run | stadium,sports ground,villages
organisieren eröffnen leiten | = | swimming_contest | swimming pool,lake,river
organisieren eröffnen leiten | = | regatta | lake,river,harbour
articles a the ; places villages ; time hours 2-6 ; cost cost 100-900 ; crowd come 40-400 ; reasons club ; facts help payer idea
roles trainer teacher innkeeper baker

organisieren eröffnen | = | party
articles a the the ; places main square,park,castle,school,old town,campsite,villages ; time hours 3-8 ; cost cost 150-950
crowd come 50-400 ; reasons feast ; facts help payer idea

filmen fotografieren | = | party
articles the the a ; places main square,park,castle,school,old town,campsite,villages ; time hours 3-8 ; crowd come 50-400
reasons photo ; facts noplan ; roles photographer teacher student

planen | planning:Planung:f | party contest
articles a the ; places town hall,inn,parish hall,community centre,villages ; time weeks 2-8 ; reasons club feast
facts help idea

leiten | = | course
anbieten | = | course
articles a the ; places school,community centre,library,youth club,villages ; time weeks 2-10 ; cost cost 100-600
crowd come 20-60 ; reasons learn ; facts help payer idea noplan ; roles teacher student

besuchen | = | course
besuchen | = | show
articles a the ; places school,castle,community centre,villages ; time hours 2-4 ; cost price 10-60 ; crowd come 20-150
reasons curious ; facts join noplan

schreiben | writing:Schreiben:n | text
übersetzen | translation:Übersetzung:f | text cookbook songbook chronicle
korrigieren | correction:Korrektur:f | text dictionary chronicle
abschreiben | copying:Abschreiben:n | text cookbook chronicle
articles a the ; places library,café,monastery,university,attic,villages ; time days 2-9 ; reasons words ; facts help idea
roles writer teacher librarian judge doctor

vorlesen | reading:Lesung:f | text
articles a the ; places library,bookshop,café,retirement home,castle,villages ; time hours 2-3 ; cost cost 50-300
crowd come 20-150 ; reasons words ; facts payer idea ; roles writer actor librarian teacher

drucken | printing:Druck:m | print
veröffentlichen | publication:Veröffentlichung:f | print
articles a the count ; adjectives new colourful big interesting ; places library,factory,university,villages ; time weeks 2-6
cost cost 200-950 ; reasons words ; facts help payer idea ; roles writer librarian teacher photographer

drucken | printing:Druck:m | novel poem story article travel_report fairy_tale
veröffentlichen | publication:Veröffentlichung:f | novel poem story article travel_report diary
articles a the ; adjectives new long short interesting exciting funny ; places library,factory,university,villages
time weeks 2-6 ; cost cost 200-950 ; reasons words ; facts help payer idea ; roles writer librarian teacher

vorstellen | presentation:Präsentation:f | print novel poem story
articles the a ; adjectives new big interesting special ; places library,bookshop,university,school,villages ; time hours 2-3
crowd come 30-200 ; reasons words ; facts help idea payer ; roles writer librarian teacher

signieren | signing:Signierstunde:f | novel cookbook book calendar poster songbook photo chronicle
articles plural count ; adjectives new popular funny exciting interesting
places bookshop,library,market,department store,villages ; time hours 2-3 ; crowd come 20-150 ; reasons signing ; facts help idea
roles writer photographer cook

nähen | sewing:Nähen:n | clothing textile
bügeln | ironing:Bügeln:n | clothing textile
articles a the count ; places workshop,theatre,school,retirement home,youth club,villages ; time hours 2-8 ; cost cost 20-120
reasons sewing ; facts help owner payer reward ; roles tailor teacher student

färben | dyeing:Färben:n | clothing textile
articles the count ; adjectives old plain elegant thick long warm ; places workshop,theatre,school,retirement home,villages
time hours 2-5 ; cost cost 20-90 ; reasons faded ; facts help owner payer reward ; roles tailor student

flicken | mending:Flicken:n | clothing textile
articles the count ; places workshop,theatre,school,retirement home,villages ; time hours 2-5 ; reasons torn
facts help owner reward ; roles tailor student shepherd

anprobieren | fitting:Anprobe:f | clothing
articles the a ; places theatre,department store,hotel,workshop,villages ; time minutes 20-50 ; reasons fashion
facts join noplan

vorführen | fashion show:Modenschau:f | clothing
articles a the ; places theatre,department store,hotel,gym,villages ; time hours 2-3 ; crowd come 30-200 ; reasons fashion
facts help idea ; roles tailor actor hairdresser student

schärfen | sharpening:Schärfen:n | axe saw knife drill spade scythe chisel
articles the the count ; places workshop,farm,market,garden,villages ; time hours 2-4 ; cost cost 10-60 ; reasons tools
facts help owner payer reward ; roles locksmith carpenter farmer butcher

packen | packing:Packen:n | box suitcase bag rucksack parcel basket
auspacken | unpacking:Auspacken:n | box suitcase bag rucksack parcel basket
füllen | filling:Füllen:n | basket barrel bottle bowl bucket bag
leeren | emptying:Leeren:n | basket barrel bottle bowl bucket pot
articles the count ; places school,station,community centre,hotel,villages ; time minutes 20-50 ; reasons pack ; facts help reward

schenken | handover:Übergabe:f | toy hat scarf cap pullover print basket bowl mug teapot plate bag bouquet
bringen | visit:Besuch:m | toy scarf cap pullover print basket bowl mug plate bag bouquet
articles a a the ; adjectives new small colourful pretty beautiful ; places hospital,school,station,retirement home,villages
reasons thanks ; facts idea noplan

überreichen | ceremony:Feier:f | medal trophy ring necklace flag certificate bouquet
articles a the ; adjectives big small beautiful special ; places town hall,school,castle,parish hall,main square,villages
time hours 2-3 ; cost cost 50-400 ; crowd come 30-200 ; reasons award ; facts payer idea noplan

leihen | handover:Übergabe:f | tool cycle instrument
articles the a ; places school,market,garden,farm,villages ; reasons loan ; facts idea noplan

zurückgeben | return:Rückgabe:f | tool cycle instrument print
articles the ; places school,market,garden,farm,villages ; reasons giveback ; facts noplan

zeigen | demonstration:Vorführung:f | machine instrument tool
erklären | explanation:Erklärung:f | machine instrument
articles the ; places school,workshop,museum,community centre,villages ; time minutes 20-50 ; reasons learn ; facts idea noplan

empfehlen | talk:Gespräch:n | novel story poem fairy_tale book cookbook songbook dictionary magazine travel_report
articles a the ; adjectives long short funny exciting interesting new ; places bookshop,library,market,school,villages
time minutes 20-50 ; reasons advice ; facts reward noplan ; roles librarian teacher writer

wandern | hike:Wanderung:f | | lake,forest,castle,mill,river,valley,waterfall,cave,villages
spazieren | walk:Spaziergang:m | | park,lake,river,old town,harbour,castle gardens
laufen | run:Lauf:m | | lake,mill,hill,bridge,river,villages
radeln | bike tour:Radtour:f | | lake,castle,vineyard,lighthouse,mill,villages
rudern | boats trip:Bootsfahrt:f | | island,lighthouse,beach,harbour,bridge,mill
reiten | ride:Ausritt:m | | forest,meadow,hill,valley,river,villages
places villages ; time hours 2-5 ; months 4-10 ; reasons outing ; facts join idea

fahren | trip:Fahrt:f | | beach,lake,zoo,castle,waterfall,lighthouse,villages
reisen | journey:Reise:f | | island,monastery,beach,castle,lake,villages
places villages ; time hours 2-9 ; cost cost 20-180 ; reasons travel ; facts join payer idea noplan

zurückkehren | return journey:Rückreise:f | | island,monastery,farm,castle,harbour,villages
places villages ; time hours 2-9 ; cost cost 20-180 ; reasons return ; facts join payer noplan
"""
