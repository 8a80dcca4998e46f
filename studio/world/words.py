"""The language of the drawn world: how people name its places, times, weathers and subjects.

Data first. In every table every sixth wording is held out of training (`TRAIN`, `HELD_OUT`), so that evaluation can ask
with words the model never saw. `compose` makes a prompt of a place, a time and a weather; what is left out means day
and clear. A weather word before the place counts as weather: "snowy mountains at night" means mountains, night, snow.

Subject names build on unicode-emoji-json, emojilib and emojibase-data (MIT), with wordings added by hand.
"""

from dataclasses import dataclass

import numpy as np

EVERY = 6  # every sixth wording is held out
Table = dict[str, tuple[str, ...]]


def _listed(text: str) -> tuple[str, ...]:
    """Wordings written as one text, separated by semicolons."""
    return tuple(" ".join(wording.split()) for wording in text.split(";"))


# --- places (no time and no weather in them) ---------------------------------

SCENE_WORDS: Table = {
    "meadow": _listed("""
        a meadow; a green meadow; a flowery field; wildflowers in the grass; rolling green hills; a grassy meadow;
        a field of flowers; the countryside; a pasture; lush grassland; a spring meadow; a field full of wildflowers;
        a grassy field; green pastures; a flower meadow; gentle hills and flowers; tall grass and daisies;
        an open field;
        a poppy field; a hillside of wildflowers; the rolling countryside; farmland meadows; the green hills;
        green fields;
        a grassy hill; a lawn of flowers; a blooming meadow; the prairie; a peaceful pasture; grassland with flowers;
        a quiet country field; soft green slopes; a clover field; meadows and hills; a picnic meadow; a hay meadow
    """),
    "mountains": _listed("""
        mountains; the mountains; a mountain range; the high peaks; a rocky alpine valley; an alpine landscape;
        tall mountains; the alps; a mountain valley; steep rocky peaks; towering summits; mountain peaks;
        the rockies; the himalayas; a highland pass; jagged mountains; a mountain pass with firs; a chain of mountains;
        a great mountain; alpine peaks; peaks above the pines; a rugged mountain range; the foot of a mountain;
        high mountains;
        a summit and its ridges; a wild alpine valley; distant summits; sharp peaks; mountain scenery; the swiss alps;
        craggy heights; a mountain landscape; the big mountains; a valley between peaks; granite peaks;
        a mountainous landscape
    """),
    "beach": _listed("""
        a beach; the beach; a sandy beach; a tropical beach; the seashore; a palm beach;
        a seaside with palm trees; sand and surf; a sunny coast of sand; waves on the sand; the seaside;
        a tropical shore;
        a sandy shore; the coast; a holiday beach; an island beach; palm trees by the sea; a beach with palm trees;
        a sandy bay; a shoreline; golden sand by the sea; a beach resort; a white sand beach; the sandy seashore;
        a surf beach; a paradise beach; the water's edge; a beach with a parasol; a caribbean beach; a sandy coast;
        a lagoon beach; a hawaiian beach; seashells on the sand; a cove with sand; the strand; a beautiful beach
    """),
    "desert": _listed("""
        a desert; the desert; sand dunes; the sahara; a sandy desert; desert dunes;
        a cactus desert; endless dunes; dry sands; the arid desert; a sea of sand; a desert landscape;
        a barren sandy waste; the arizona desert; a hot dry plain; the dunes; cactuses in the sand; dunes of sand;
        the gobi; a desert with cacti; an oasis in the desert; a wasteland of sand; a parched desert; the sahara desert;
        mojave sands; golden dunes; a desert plain; an arabian desert; sandy wilderness; a dry desert;
        wind-shaped dunes; the burning sands; a desert oasis; the sandy wastes; a scorched desert;
        a cactus-dotted desert
    """),
    "forest": _listed("""
        a forest; the forest; the woods; a pine forest; a deep forest; the woodland;
        tall trees; a forest clearing; a glade in the woods; a fir forest; an enchanted forest; a dense forest;
        a path through the woods; a leafy wood; woodland; among the trees; a forest path; a forest trail;
        the black forest; an old forest; a green wood; a thick forest; a forest of pines; deep woods;
        a quiet woodland glade; a trail between the trees; redwood forest; a fairy-tale forest; a grove;
        a wood full of trees;
        the jungle of trees; an evergreen forest; a mossy forest floor; a woodland path; tall pines all around;
        a magical forest
    """),
    "city": _listed("""
        a city; the city; a city street; downtown; a skyline of skyscrapers; the big city;
        a town full of tall buildings; skyscrapers; an urban street; the streets of new york; a metropolis;
        a city skyline;
        a busy street; high-rise buildings; the city centre; an avenue between towers; a modern city;
        downtown skyscrapers;
        manhattan; office towers; an urban landscape; a street in the city; the financial district; an urban skyline;
        tokyo streets; a cityscape; city blocks; a boulevard with street lamps; tower blocks; streets and skyscrapers;
        an asphalt road downtown; chicago; a big town; the urban jungle; a street with tall houses; a large city
    """),
    "ocean": _listed("""
        the ocean; the open sea; the sea; ocean waves; the high seas; the open ocean;
        a rolling sea; the wide blue ocean; waves out at sea; the atlantic; deep blue water; the big ocean;
        the pacific; a seascape; out at sea; swelling waves; the sea and a lighthouse; the waves of the sea;
        endless water; far from land; the blue sea; open water; in the middle of the ocean; big ocean waves;
        the surging sea; blue waves; the ocean surface; a voyage at sea; the deep sea waves; the pacific ocean;
        salt water to the horizon; a sea of waves; the main; the heaving ocean; an ocean view; wide open waters
    """),
    "snowfield": _listed("""
        a snowfield; the arctic; the north pole; arctic ice; a polar landscape; the antarctic;
        icebergs; a frozen tundra; the south pole; ice floes; a glacier; the polar ice;
        an ice cap; antarctica; the frozen north; a field of ice; an igloo on the ice; an arctic landscape;
        greenland's ice; the icy wilderness; the tundra; lapland; a frozen wasteland; a land of ice;
        glaciers and icebergs; frozen plains; the ice sheet; penguins' home at the pole; an icy plain; an icy landscape;
        polar wastes; a world of ice; icebergs in the polar sea; siberian tundra; the arctic circle; the frozen arctic
    """),
    "village": _listed("""
        a village; a little village; cottages; a country village; a small town with cottages; a quaint village;
        a hamlet; houses with smoking chimneys; a row of cottages; a rural village; a sleepy village; cosy cottages;
        the village green; a village with a church; red-roofed houses; an old village; little houses; a small village;
        a farming village; a storybook village; a lane between cottages; a countryside hamlet; a hillside village;
        village houses;
        homes with red roofs; an english village; a peaceful hamlet; a village street; timbered cottages;
        a tiny village;
        a group of cottages; a settlement of little houses; a bavarian village; a pretty village; country cottages;
        a charming little hamlet
    """),
    "lake": _listed("""
        a lake; a calm lake; a lake in the woods; a mountain lake; still water with reflections; a quiet lake;
        the lakeside; a pond; a lake with a jetty; a mirror-like lake; the lake shore; a lake surrounded by pines;
        a wooden pier on a lake; a glassy lake; a lakeshore; loch ness; a lily pond; a peaceful lake;
        reflections in a lake; the great lakes; a forest lake; a tranquil lake; a clear lake; by the lake;
        an alpine lake; lake como; a still pond; a lake between hills; a serene lake; the shore of a lake;
        a fishing lake; reeds by the lake; a wide lake; a secluded tarn; freshwater lake; a beautiful lake
    """),
    "canyon": _listed("""
        a canyon; the grand canyon; red cliffs; a rocky gorge; a red rock canyon; a deep canyon;
        a ravine; sandstone cliffs; a gorge with a river; canyon walls; a desert canyon; the canyon;
        red rocks; a natural rock arch; layered sandstone; the colorado river gorge; a canyon floor;
        a canyon with red walls;
        the badlands; bryce canyon; utah's red rocks; steep red cliffs; a narrow gorge; a sandstone canyon;
        zion canyon; an orange rock valley; walls of red stone; a cliff-lined river; a chasm; a river canyon;
        a stone arch; arches of red stone; rock strata; a rugged gorge; a red ravine; a great rocky canyon
    """),
    "space": _listed("""
        space; outer space; the moon; the surface of the moon; the galaxy; deep space;
        the cosmos; among the planets; a lunar landscape; another planet; the universe; on the moon;
        a starfield; the milky way; orbit around the earth; interstellar space; a moon with craters; planets and stars;
        an alien planet; the solar system; zero gravity; lunar craters; saturn and its rings; the lunar surface;
        mars; in orbit; a distant galaxy; the void of space; among the stars in space; a cosmic landscape;
        a nebula; a moonscape; the starry cosmos; a space scene; far out in the universe; somewhere in outer space
    """),
    "underwater": _listed("""
        underwater; under the sea; a coral reef; the sea floor; beneath the waves; the ocean floor;
        the bottom of the sea; corals and kelp; a reef; the seabed; below the surface of the water; an underwater world;
        a kelp forest; deep under water; an undersea landscape; an aquarium; the great barrier reef; a coral garden;
        a sunken temple; the deep sea floor; a submarine world; down in the ocean; a seaweed garden; deep underwater;
        an underwater reef; a lagoon below the surface; diving under the sea; atlantis; bubbles and corals;
        the bottom of the ocean;
        inside an aquarium; a tropical reef; the underwater kingdom; beneath the sea; a sunken city; an undersea world
    """),
    "room": _listed("""
        a room; a cosy room; a living room; indoors; a room with a fireplace; a cozy living room;
        a lounge; inside a house; a sitting room; a room with a window; an armchair by the window; inside the house;
        a study with books; the parlour; a home interior; a den; a warm room; a comfy room;
        at home; a drawing room; a reading room; a bedroom; bookshelves and a rug; a warm cosy interior;
        a snug little room; by the fireplace; a family room; an apartment; inside a cottage; a room at home;
        a room with curtains; a rug by the hearth; a flat; a home library; the inside of a house; a snug living room
    """),
}

# --- times of day -----------------------------------------------------------------------------------------------------

TIME_WORDS: Table = {
    "day": _listed("""
        by day; during the day; in daylight; at noon; in the afternoon; in the daytime;
        at midday; in broad daylight; in the middle of the day; in bright daylight; daytime; by daylight;
        in the early afternoon; late in the morning; at high noon; day; at lunchtime; around midday
    """),
    "sunset": _listed("""
        at sunset; at dusk; in the evening; as the sun goes down; in the golden hour; as the sun sets;
        sunset; in the evening glow; at sundown; in the last light of the day; dusk; under a sunset sky;
        in the light of the setting sun; evening; under an orange sky; at the end of the day; as evening falls;
        with a red evening sky
    """),
    "night": _listed("""
        at night; by night; under the stars; in the moonlight; in the dead of night; in the night;
        night; at midnight; under a starry sky; in the dark; by moonlight; under the moon;
        after dark; late at night; in the middle of the night; on a dark night; nighttime; during the night
    """),
    "dawn": _listed("""
        at dawn; at sunrise; in the early morning; at daybreak; as the sun rises; in the morning light;
        dawn; at first light; in the pale morning; sunrise; as the day breaks; as the sun comes up;
        in the first light of morning; early morning; before breakfast, as the sun rises; under a pale morning sky;
        at the crack of dawn; at break of day
    """),
}

TIME_ADJECTIVES: Table = {
    "day": ("daylit", "daytime", "sunny", "sunlit", "bright"),
    "sunset": ("sunset", "evening", "dusky", "sunset-lit", "late-evening", "golden-hour"),
    "night": ("moonlit", "night-time", "starlit", "dark", "nocturnal", "nighttime"),
    "dawn": ("early-morning", "dawn-lit", "sunrise", "morning", "dawn", "daybreak"),
}

# --- weathers ---------------------------------------------------------------------------------------------------------

WEATHER_WORDS: Table = {
    "clear": _listed("""
        ; under a clear sky; in clear weather; without a cloud in the sky; in fine weather; under clear skies;
        with a clear sky; not a cloud in sight; in good weather; clear sky; under a cloudless sky; clear weather;
        with clear skies; in the finest weather; fine weather; with no clouds at all; in clear air; with a cloudless sky
    """),
    "cloudy": _listed("""
        under clouds; on a cloudy day; under a grey sky; overcast; with heavy clouds; in cloudy weather;
        under an overcast sky; cloudy; beneath thick clouds; with a grey sky; in dull weather; under a cloudy sky;
        with clouds covering the sky; in gloomy weather; as clouds gather; under leaden skies; clouds;
        with an overcast sky
    """),
    "rain": _listed("""
        in the rain; as rain falls; on a rainy day; during a downpour; in pouring rain; while it is raining;
        in a rainstorm; rain; with rain coming down; in wet weather; raining; in heavy rain;
        during a shower; in a drizzle; as it pours; drenched by rain; in a thunderstorm; in rainy weather
    """),
    "snow": _listed("""
        in the snow; as snow falls; in winter; during a snowfall; in a snowstorm; while it is snowing;
        under fresh snow; snow; with falling snow; in a blizzard; snowing; covered in snow;
        as snowflakes drift down; in a flurry of snow; under a blanket of snow; in snowy weather; on a winter's day;
        with snow falling
    """),
    "fog": _listed("""
        in the fog; in thick fog; in the mist; wrapped in mist; on a foggy day; in dense fog;
        with fog all around; fog; in a haze; shrouded in fog; mist; in foggy weather;
        with mist hanging low; as fog rolls in; veiled in mist; through the haze; in a pea-souper; lost in the fog
    """),
}

WEATHER_ADJECTIVES: Table = {
    "clear": ("clear", "cloudless"),
    "cloudy": ("cloudy", "overcast", "gloomy", "grey", "clouded", "cloud-covered"),
    "rain": ("rainy", "rain-soaked", "wet", "drenched", "showery", "rain-swept"),
    "snow": ("snowy", "snow-covered", "wintry", "snowbound", "snow-dusted", "snow-clad"),
    "fog": ("foggy", "misty", "hazy", "mist-covered", "fogbound", "fog-bound"),
}

# What people say of a place without meaning a time or a weather.
MOODS = (
    "quiet", "peaceful", "beautiful", "lonely", "calm", "pretty", "lovely", "wild", "little", "big", "magical",
    "dreamy", "lively", "empty", "cute", "epic", "cinematic", "cartoon",
)  # fmt: skip

# --- templates, by what the prompt says besides the place -------------------------------------------------------------

TEMPLATES: Table = {
    "place": _listed("""
        {place}; {place}; a picture of {place}; a view of {place}; a scene of {place}; a painting of {place};
        an illustration of {place}; let it be {place}; show me {place}; {place}, please; take me to {place};
        now show {place}
    """),
    "place time": _listed("""
        {place} {time}; {place} {time}; {place}, {time}; {time}: {place}; a picture of {place} {time}; {time}, {place};
        a view of {place} {time}; an illustration of {place} {time}; {place} seen {time}; {place}. {time};
        a painting of {place} {time};
        show me {place} {time}; a scene {time}, {place}; take me to {place} {time}
    """),
    "place weather": _listed("""
        {place} {weather}; {place} {weather}; {place}, {weather}; {weather}: {place}; a picture of {place} {weather};
        {weather}, {place};
        a view of {place} {weather}; an illustration of {place} {weather}; {place} seen {weather}; {place}. {weather};
        show me {place} {weather}; a painting of {place} {weather}
    """),
    "place time weather": _listed("""
        {place} {time} {weather}; {place} {weather} {time}; {weather}, {place} {time}; {place} {time}, {weather};
        {time}: {place}, {weather}; {place}, {weather}, {time};
        a picture of {place} {time} {weather}; a view of {place} {weather} {time}; {place}, {time}, {weather};
        {time}, {place} {weather}; an illustration of {place} {time}, {weather}; {time}, {weather}, {place};
        {weather}: {place}, {time}; {place}. {time}. {weather}; show me {place} {time} {weather};
        a scene {time} {weather}, {place}; {place} {weather}, {time}; a painting of {place} {time} {weather}
    """),
}


# --- the split --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Words:
    """One side of the split: the same tables, only that side's wordings."""

    scenes: Table
    times: Table
    weathers: Table
    time_adjectives: Table
    weather_adjectives: Table
    templates: Table


def _side(table: Table, held_out: bool) -> Table:
    """Every sixth wording when held out, the others for training."""
    return {
        key: tuple(word for i, word in enumerate(wordings) if (i % EVERY == EVERY - 1) == held_out)
        for key, wordings in table.items()
    }


def _words(held_out: bool) -> Words:
    tables = (SCENE_WORDS, TIME_WORDS, WEATHER_WORDS, TIME_ADJECTIVES, WEATHER_ADJECTIVES, TEMPLATES)
    return Words(*(_side(table, held_out) for table in tables))


TRAIN, HELD_OUT = _words(False), _words(True)


# --- prompts ----------------------------------------------------------------------------------------------------------

_TIMELESS = ("space",)  # always night
_WEATHERLESS = ("space", "underwater", "room")
_ARTICLES = ("a ", "an ", "the ")
_SITUATED = (
    "under",
    "beneath",
    "below",
    "in ",
    "on ",
    "at ",
    "by ",
    "among",
    "out ",
    "far ",
    "deep under",
    "down ",
    "somewhere",
    "inside",
    "indoors",
    "downtown",
    "diving",
    "orbit",
    "palm trees by",
    "waves o",
    "another",
    "zero",
)


def described(adjective: str, place: str) -> str:
    """An adjective put before a place's noun: ("snowy", "a rocky valley") -> "a snowy rocky valley"."""
    article = next((a for a in _ARTICLES if place.startswith(a)), "")
    if article in ("a ", "an "):
        start = "an " if adjective[0] in "aeiou" else "a "
        return f"{start}{adjective} {place[len(article) :]}"
    return f"{article}{adjective} {place[len(article) :]}"


def compose(place: str, time: str, weather: str, rng: np.random.Generator, held_out: bool = False) -> str:
    """A prompt for a scene, drawn with `rng`; with `held_out` every table gives only wordings kept from training.

    Day is left unsaid half of the time, clear mostly; every other time and weather is always said.
    """
    words = HELD_OUT if held_out else TRAIN

    def pick(choices: tuple[str, ...]) -> str:
        return choices[int(rng.integers(len(choices)))]

    text = pick(words.scenes[place])
    say_time = rng.random() < (0.2 if place in _TIMELESS else 0.5 if time == "day" else 1.0)
    say_weather = place not in _WEATHERLESS and rng.random() < (0.3 if weather == "clear" else 1.0)
    takes_adjective = not text.startswith(_SITUATED)
    if takes_adjective and rng.random() < 0.2:
        text = described(pick(MOODS), text)
    # a table too short to hold a wording out is empty on that side
    weather_adjectives, time_adjectives = words.weather_adjectives[weather], words.time_adjectives[time]
    if say_weather and takes_adjective and weather_adjectives and rng.random() < 0.35:
        text, say_weather = described(pick(weather_adjectives), text), False
    elif say_time and takes_adjective and time_adjectives and rng.random() < 0.2:
        text, say_time = described(pick(time_adjectives), text), False
    said_weather = pick(words.weathers[weather]) if say_weather else ""
    said_time = pick(words.times[time]) if say_time else ""
    kind = "place" + " time" * bool(said_time) + " weather" * bool(said_weather)
    return pick(words.templates[kind]).format(place=text, time=said_time, weather=said_weather)


# --- subjects ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Subject:
    """Something to put on the stage: a Fluent 3D emoji (`code`.webp) and what people call it."""

    emoji: str
    code: str
    words: tuple[str, ...]
    held_out: tuple[str, ...]


def subject(label: str, emoji: str, words: str, held_out: str) -> Subject:
    """A subject whose wordings are each one text, separated by semicolons; empty ones are left out."""
    code = "-".join(f"{ord(sign):x}" for sign in emoji)
    named, kept = (tuple(wording for wording in _listed(text) if wording) for text in (words, held_out))
    return Subject(emoji, code, (label, *named), kept)


# label, emoji, training wordings besides the label, held-out wordings
_SUBJECTS = (
    # animals
    ("fox", "🦊", "a red fox; vixen; a wild fox; fox cub", "foxy; little fox; reynard the fox"),
    ("dog", "🐶", "puppy; a dog; hound; doggy; a brown dog", "pup; a friendly doggie; pooch"),
    ("cat", "🐱", "kitten; a cat; kitty; pussycat; a yellow cat", "tomcat; little cat; house cat"),
    ("lion", "🦁", "a lion; king of the beasts; lion with a mane; african lion", "big lion; king of the jungle"),
    ("tiger", "🐯", "a tiger; bengal tiger; striped tiger; tiger cub", "siberian tiger; little tiger"),
    ("bear", "🐻", "a brown bear; grizzly; grizzly bear; bear cub", "big bear; a wild bear"),
    ("panda", "🐼", "a panda; panda bear; giant panda; black and white bear", "baby panda; chinese panda"),
    ("koala", "🐨", "a koala; koala bear; australian koala", "little koala; grey koala"),
    ("monkey", "🐒", "a monkey; chimp; ape; macaque", "little monkey; chimpanzee"),
    ("wolf", "🐺", "a grey wolf; timber wolf; wolf head; wild wolf", "big bad wolf; a lone wolf"),
    ("raccoon", "🦝", "a raccoon; racoon; masked raccoon; trash panda", "little raccoon; curious raccoon"),
    ("rabbit", "🐇", "bunny; a white rabbit; hare; bunny rabbit", "easter bunny; little rabbit"),
    ("mouse", "🐭", "a mouse; little mouse; rodent; grey mouse", "mousey; field mouse"),
    ("hedgehog", "🦔", "a hedgehog; spiny hedgehog; prickly hedgehog", "little hedgehog; hedgie"),
    ("squirrel", "🐿️", "a chipmunk; red squirrel; bushy-tailed squirrel; chipmunk", "little squirrel; forest squirrel"),
    ("bat", "🦇", "a bat; vampire bat; flying bat; fruit bat", "little bat; night bat"),
    ("sloth", "🦥", "a sloth; lazy sloth; three-toed sloth", "sleepy sloth; slow sloth"),
    ("kangaroo", "🦘", "a kangaroo; roo; australian kangaroo; jumping kangaroo", "wallaby; hopping kangaroo"),
    ("cow", "🐄", "a cow; dairy cow; cattle; milk cow", "spotted cow; farm cow"),
    ("pig", "🐖", "a pink pig; piggy; swine; hog", "piglet; farm pig"),
    ("sheep", "🐑", "a ewe; woolly sheep; lamb; ewe", "little lamb; white sheep"),
    ("horse", "🐎", "a horse; galloping horse; stallion; mare; racehorse", "brown horse; pony"),
    ("unicorn", "🦄", "a unicorn; magic unicorn; horse with a horn", "fairy-tale unicorn; rainbow unicorn"),
    ("zebra", "🦓", "a zebra; striped zebra; striped horse of africa", "african zebra; a little zebra"),
    ("deer", "🦌", "a deer; stag; buck; reindeer", "roe deer; deer with antlers"),
    ("giraffe", "🦒", "a giraffe; tall giraffe; giraffe with a long neck", "african giraffe; long-necked giraffe"),
    (
        "elephant",
        "🐘",
        "an elephant; grey elephant; african elephant; animal with a trunk",
        "big elephant; jumbo the elephant",
    ),
    ("rhinoceros", "🦏", "a rhino; rhino; white rhino; charging rhino", "african rhino; big rhinoceros"),
    ("hippopotamus", "🦛", "a hippo; hippo; river hippo", "big hippo; fat hippopotamus"),
    ("camel", "🐫", "a camel; two-humped camel; bactrian camel; desert camel", "camel with humps; a caravan camel"),
    ("llama", "🦙", "a llama; alpaca; woolly llama; guanaco", "fluffy llama; white alpaca"),
    ("penguin", "🐧", "a penguin; emperor penguin; antarctic penguin", "little penguin; king penguin"),
    ("owl", "🦉", "an owl; wise owl; barn owl; night owl", "brown owl; hooting owl"),
    ("rooster", "🐓", "a cockerel; cock; cockerel; a crowing rooster; hen", "farm rooster; chicken"),
    ("chick", "🐤", "a baby chick; yellow chick; baby bird; little chick", "baby chicken; fluffy yellow chick"),
    ("duck", "🦆", "a duck; mallard; wild duck; drake", "mallard duck; pond duck"),
    ("flamingo", "🦩", "a flamingo; pink flamingo; pink wading bird", "flamingo bird; tropical flamingo"),
    ("parrot", "🦜", "a parrot; macaw; colourful parrot; parakeet", "pirate's parrot; green parrot"),
    ("eagle", "🦅", "an eagle; bald eagle; bird of prey; hawk", "golden eagle; soaring eagle"),
    ("frog", "🐸", "a frog; green frog; toad; tree frog", "froggy; little frog"),
    ("turtle", "🐢", "a turtle; tortoise; green turtle; sea turtle", "little turtle; slow tortoise"),
    ("crocodile", "🐊", "a crocodile; alligator; croc; gator", "green crocodile; nile crocodile"),
    ("snake", "🐍", "a snake; serpent; viper; green snake; python", "cobra; slithering snake"),
    ("dinosaur", "🦖", "a t-rex; tyrannosaurus rex; t-rex; green dinosaur; tyrannosaurus", "dino; tyrannosaur"),
    (
        "dragon",
        "🐉",
        "a dragon; green dragon; chinese dragon; winged serpent dragon",
        "fire-breathing dragon; fairy-tale dragon",
    ),
    ("whale", "🐳", "a whale; spouting whale; blue whale; humpback whale", "big whale; sperm whale"),
    (
        "dolphin",
        "🐬",
        "a dolphin; bottlenose dolphin; flipper the dolphin; porpoise",
        "leaping dolphin; playful dolphin",
    ),
    ("shark", "🦈", "a shark; great white shark; great white", "hammerhead shark; dangerous shark"),
    ("tropical fish", "🐠", "a fish; fish; reef fish; angelfish; colourful fish", "clownfish; little fish"),
    ("octopus", "🐙", "an octopus; red octopus; octopus with tentacles; kraken", "eight-armed octopus; giant octopus"),
    ("crab", "🦀", "a crab; red crab; crab with claws; crustacean", "beach crab; little crab"),
    ("snail", "🐌", "a snail; garden snail; snail with a shell; slow snail", "slug with a shell; little snail"),
    (
        "butterfly",
        "🦋",
        "a butterfly; blue butterfly; monarch butterfly; fluttering butterfly",
        "pretty butterfly; moth",
    ),
    ("bee", "🐝", "a honeybee; honeybee; bumblebee; honey bee", "buzzing bee; worker bee"),
    ("ladybird", "🐞", "a ladybug; ladybug; lady beetle; spotted beetle", "red ladybird; ladybird beetle"),
    # vehicles
    ("car", "🚗", "a red car; automobile; a car; motor car; hatchback", "family car; a little red car"),
    ("taxi", "🚕", "a taxi; yellow cab; taxicab; cab", "yellow taxi; new york cab"),
    ("bus", "🚌", "a bus; coach; school bus; city bus", "public bus; omnibus"),
    ("fire engine", "🚒", "a fire engine; fire truck; fire brigade truck", "firetruck; firefighters' truck"),
    ("police car", "🚓", "a police car; cop car; patrol car; squad car", "police cruiser; car of the police"),
    ("ambulance", "🚑", "an ambulance; emergency ambulance; hospital van", "paramedics' ambulance; rescue ambulance"),
    ("tractor", "🚜", "a tractor; farm tractor; green tractor", "farmer's tractor; agricultural tractor"),
    ("racing car", "🏎️", "a race car; formula one car; race car; f1 car", "formula 1 racer; fast racing car"),
    ("motorcycle", "🏍️", "a motorbike; motorbike; racing motorcycle", "motor bike; fast motorcycle"),
    ("bicycle", "🚲", "a bike; bike; a bicycle; push bike; pedal cycle", "cycle; city bike"),
    ("scooter", "🛵", "a motor scooter; vespa; moped; motor scooter", "italian scooter; vespa scooter"),
    (
        "steam train",
        "🚂",
        "a train; locomotive; steam locomotive; steam engine; choo choo train",
        "train; old railway engine",
    ),
    ("rocket", "🚀", "a rocket; spaceship; space rocket; rocket ship; spacecraft", "moon rocket; rocketship"),
    (
        "ufo",
        "🛸",
        "a flying saucer; flying saucer; alien spaceship; ufo saucer",
        "unidentified flying object; alien saucer",
    ),
    ("helicopter", "🚁", "a helicopter; chopper; rescue helicopter", "heli; flying helicopter"),
    ("aeroplane", "✈️", "an airplane; airplane; plane; jet; airliner", "aircraft; passenger plane"),
    (
        "sailboat",
        "⛵",
        "a sailing boat; sailing boat; yacht; boat with a sail; dinghy",
        "sail boat; little sailing ship",
    ),
    ("ship", "🚢", "a ship; ocean liner; cruise ship; steamship", "big ship; passenger ship"),
    ("skateboard", "🛹", "a skateboard; skater's board; longboard", "skate board; skating board"),
    ("truck", "🚚", "a delivery truck; lorry; delivery van; moving truck", "delivery lorry; cargo truck"),
    # foods
    ("apple", "🍎", "a red apple; red apple; juicy apple; ripe apple", "fresh apple; a shiny apple"),
    ("banana", "🍌", "a banana; yellow banana; bunch of bananas; bananas", "ripe banana; peeled banana"),
    ("strawberry", "🍓", "a strawberry; red strawberry; sweet strawberry", "strawberries; ripe strawberry"),
    ("watermelon", "🍉", "a slice of watermelon; watermelon slice; juicy watermelon", "red melon slice; water melon"),
    ("pineapple", "🍍", "a pineapple; tropical pineapple; hawaiian pineapple", "ripe pineapple; ananas pineapple"),
    ("cherries", "🍒", "a pair of cherries; cherry; red cherries; two cherries", "sweet cherries; a cherry"),
    ("lemon", "🍋", "a lemon; yellow lemon; sour lemon; citrus", "citrus lemon; juicy lemon"),
    ("avocado", "🥑", "an avocado; half an avocado; green avocado; guacamole", "ripe avocado; avocado half"),
    ("carrot", "🥕", "a carrot; orange carrot; carrots", "crunchy carrot; garden carrot"),
    ("broccoli", "🥦", "a head of broccoli; green broccoli; broccoli floret", "fresh broccoli; a broccoli"),
    ("pizza", "🍕", "a slice of pizza; pizza slice; pepperoni pizza; margherita", "cheese pizza; piece of pizza"),
    ("hamburger", "🍔", "a burger; burger; cheeseburger; beef burger", "big mac burger; juicy hamburger"),
    ("hot dog", "🌭", "a hot dog; sausage in a bun; frankfurter; hotdog", "hot dog with mustard; hot-dog sausage"),
    (
        "croissant",
        "🥐",
        "a croissant; french croissant; crescent roll; butter croissant",
        "french pastry croissant; buttery croissant",
    ),
    ("doughnut", "🍩", "a donut; donut; glazed doughnut; pink doughnut", "glazed donut; sweet doughnut"),
    ("cupcake", "🧁", "a cupcake; muffin; fairy cake; frosted cupcake", "iced cupcake; little cupcake"),
    (
        "ice cream",
        "🍦",
        "an ice cream cone; ice cream cone; soft serve; vanilla ice cream; gelato",
        "soft ice cream; ice-cream cornet",
    ),
    ("sushi", "🍣", "a piece of sushi; nigiri; salmon sushi; japanese sushi", "sushi roll; sushi nigiri"),
    ("popcorn", "🍿", "a box of popcorn; cinema popcorn; bucket of popcorn", "movie popcorn; pop corn"),
    ("cheese", "🧀", "a piece of cheese; swiss cheese; cheese wedge; cheddar", "yellow cheese; cheese with holes"),
    # objects, balls, toys
    ("football", "⚽", "a soccer ball; soccer ball; football ball; soccer", "soccerball; black and white football"),
    ("basketball", "🏀", "a basketball; orange basketball; basketball ball", "basket ball; nba basketball"),
    ("tennis ball", "🎾", "a tennis ball; tennis; yellow tennis ball", "ball for tennis; wimbledon tennis ball"),
    (
        "balloon",
        "🎈",
        "a red balloon; party balloon; red balloon; helium balloon",
        "birthday balloon; floating balloon",
    ),
    ("teddy bear", "🧸", "a teddy; teddy; toy bear; stuffed bear; cuddly toy", "plush teddy; plush bear toy"),
    (
        "gift",
        "🎁",
        "a present; present; wrapped gift; gift box; birthday present",
        "wrapped present; box with a ribbon",
    ),
    ("crown", "👑", "a golden crown; king's crown; queen's crown; royal crown", "gold crown; princess crown"),
    ("guitar", "🎸", "a guitar; electric guitar; rock guitar", "red guitar; bass guitar"),
    ("drum", "🥁", "a drum; snare drum; drum with drumsticks; drums", "drum kit; marching drum"),
    ("trumpet", "🎺", "a trumpet; brass horn; golden trumpet; bugle", "jazz trumpet; brass trumpet"),
    ("umbrella", "☔", "an umbrella; rain umbrella; purple umbrella; brolly", "open umbrella; umbrella in the rain"),
    (
        "lantern",
        "🏮",
        "a red lantern; paper lantern; chinese lantern; red paper lantern",
        "japanese lantern; hanging lantern",
    ),
    ("light bulb", "💡", "a light bulb; lightbulb; bulb; idea lamp", "glowing bulb; electric bulb"),
    (
        "alarm clock",
        "⏰",
        "an alarm clock; clock; ringing clock; red alarm clock",
        "bedside clock; morning alarm clock",
    ),
    ("diamond", "💎", "a diamond; gem; gemstone; jewel; blue diamond", "precious stone; sparkling gem"),
    ("key", "🔑", "a golden key; house key; door key; gold key", "old key; key to a door"),
    ("kite", "🪁", "a kite; flying kite; kite with a tail", "toy kite; kite on a string"),
    ("top hat", "🎩", "a top hat; magician's hat; black hat; cylinder hat", "gentleman's top hat; tall black hat"),
    ("trophy", "🏆", "a trophy; gold cup; champion's cup; winner's cup", "golden trophy; prize cup"),
    ("camera", "📷", "a camera; photo camera; photographer's camera", "digital camera; photography camera"),
    # plants, faces, the sky
    ("ghost", "👻", "a ghost; spook; halloween ghost; phantom; spirit", "spooky ghost; little ghost"),
    ("robot", "🤖", "a robot; robot face; android; bot; droid", "metal robot; little robot"),
    ("alien", "👽", "an alien; extraterrestrial; martian; alien face; e.t.", "little green man; grey alien"),
    ("snowman", "⛄", "a snowman; frosty the snowman; man of snow", "olaf the snowman; winter snowman"),
    ("star", "⭐", "a star; yellow star; gold star; five-pointed star", "golden star; shining star"),
    ("moon", "🌙", "a crescent moon; crescent moon; crescent; half moon", "new moon crescent; moon crescent"),
    ("sun", "🌞", "a smiling sun; sun with a face; sunshine; the sun", "happy sun; yellow sun"),
    ("sunflower", "🌻", "a sunflower; yellow sunflower; flower of the sun", "big sunflower; van gogh's sunflower"),
    ("cactus", "🌵", "a cactus; green cactus; saguaro; prickly cactus", "spiky cactus; mexican cactus"),
    (
        "mushroom",
        "🍄",
        "a toadstool; toadstool; red mushroom; fly agaric; spotted mushroom",
        "forest mushroom; red and white toadstool",
    ),
    ("rose", "🌹", "a red rose; red rose; valentine rose", "romantic rose; rose flower"),
    (
        "pumpkin",
        "🎃",
        "a jack-o'-lantern; jack-o'-lantern; halloween pumpkin; carved pumpkin",
        "scary pumpkin; jack o lantern",
    ),
    ("heart", "❤️", "a red heart; love heart; red heart; valentine heart", "big red heart; heart of love"),
)

SUBJECTS: dict[str, Subject] = {row[0]: subject(*row) for row in _SUBJECTS}
