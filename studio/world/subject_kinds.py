"""How subjects move by themselves, and which of them a prompt can put into a scene: literal tables, by label.

Whatever stands in no table is a thing: it stays where it stands, and a prompt has to name it plainly ("a guitar on the
beach") to mean it and not the place it is said of ("a rose garden").
"""

from studio.world.words import listed

WALKS, CREEPS, SWIMS, FLIES, STANDS = "walks", "creeps", "swims", "flies", "stands"

_WALKERS = """
fox; dog; cat; lion; tiger; bear; panda; koala; monkey; wolf; raccoon; rabbit; mouse; hedgehog; squirrel; kangaroo;
cow; pig; sheep; horse; unicorn; zebra; deer; giraffe; elephant; rhinoceros; hippopotamus; camel; llama; penguin;
rooster; chick; duck; flamingo; frog; dinosaur; robot; alien; gorilla; orangutan; poodle; black cat; leopard; moose;
donkey; bison; ox; boar; ram; goat; mammoth; rat; hamster; beaver; polar bear; otter; skunk; badger; turkey; hatching
chick; swan; dodo; peacock; goose; lizard; brontosaurus; grasshopper; baby; child; boy; girl; person; man; woman;
bearded man; blonde woman; redhead; curly-haired woman; bald man; old man; old woman; doctor; nurse; student; teacher;
judge; farmer; chef; mechanic; businessman; scientist; programmer; singer; artist; pilot; astronaut; firefighter;
police officer; detective; guard; ninja; construction worker; prince; princess; man with a turban; woman with a
headscarf; groom; bride; mother with a baby; santa claus; superhero; superheroine; supervillain; wizard; witch;
vampire; elf; zombie; troll; walking man; runner; dancer; dancing man; climber; fencer; jockey; skier; snowboarder;
golfer; basketball player; weightlifter; gymnast; wrestlers; juggler; couple; family; cowboy; clown; devil; ogre;
goblin; space invader
"""
_CREEPERS = """
sloth; turtle; crocodile; snake; crab; snail; ladybird; seal; lobster; caterpillar; ant; beetle; cockroach; spider;
scorpion; worm; cyclist
"""
_SWIMMERS = """
whale; dolphin; shark; tropical fish; octopus; trout; pufferfish; jellyfish; shrimp; squid; mermaid; swimmer; surfer;
rower
"""
_FLIERS = """
bat; owl; parrot; eagle; dragon; butterfly; bee; bird; dove; crow; mosquito; fly; ghost; angel; fairy; genie; rocket;
ufo; helicopter; aeroplane; small aeroplane; balloon; kite; parachute; satellite
"""
# Named as freely as an animal is, and still.
_STANDING = """
car; taxi; bus; fire engine; police car; ambulance; tractor; racing car; motorcycle; bicycle; scooter; sailboat; ship;
truck; snowman; teddy bear; steam train; tram; minivan; suv; pickup truck; semi truck; auto rickshaw; canoe;
speedboat; ferry; yogi
"""
KIND: dict[str, str] = {
    label: kind
    for kind, labels in (
        (WALKS, _WALKERS),
        (CREEPS, _CREEPERS),
        (SWIMS, _SWIMMERS),
        (FLIES, _FLIERS),
        (STANDS, _STANDING),
    )
    for label in listed(labels)
}

# Places, sky, weather and parts of a body: said in a prompt they are of the scene, whatever stands beside them.
SCENERY = frozenset(
    listed("""
star; moon; sun; full moon; new moon; bright sun; saturn; shooting star; galaxy; cloud; sun behind a cloud;
thunderstorm cloud; rain cloud; tornado; wind; spiral; rainbow; lightning bolt; snowflake; comet; fire; water drop;
wave; earth; map; mountain; volcano; camp; beach umbrella; desert island; stadium; temple; crane; bricks; rock; log;
japanese castle; castle; church; hindu temple; shrine; bridge; carousel horse; slide; ferris wheel; roller coaster;
circus tent; school; bank; factory; high-speed train; underground train; fireworks; sparkles; bubbles; hole; window;
door; waving hand; victory hand; thumbs up; pointing finger; fist; clapping hands; praying hands; handshake; biceps;
robot arm; leg; foot; ear; nose; eye; eyes; tongue; lips; brain; tooth; bone; footprints; paw prints; feather; wing;
smiley; laughing face; cool face; thinking face; sleeping face; crying face; angry face; screaming face; sleeping
person; painting; palette; wheat; herb; fallen leaves; leaf; rice; wheel; goal; target; explosion; musical note; sheet
music; spider web; coral; ice cube; heart; blue heart; green heart; black heart; broken heart; thought bubble; speech
bubble; books
""")
)
# Plants and buildings: one is a thing, several are the scene ("a tree on a hill"; "houses and trees").
SCENERY_IN_NUMBERS = frozenset(
    listed("""
sunflower; cactus; mushroom; rose; cherry blossom; lotus; hibiscus; daisy; tulip; hyacinth; seedling; potted plant;
pine tree; tree; palm tree; bamboo; hut; haunted house; house; house with a garden; office building; hospital; hotel;
convenience store; mosque; synagogue; tent; fountain; lantern; candle; seashell; gravestone
""")
)
# How large they are beside others, where that is not 1.
SIZES: dict[str, float] = dict.fromkeys(
    listed("""
mouse; hedgehog; squirrel; bat; chick; frog; snail; butterfly; bee; ladybird; crab; bird; dove; crow; rat; hamster;
ant; beetle; grasshopper; cockroach; spider; scorpion; mosquito; fly; worm; caterpillar; shrimp; lizard; hatching
chick; tropical fish; trout; pufferfish; fairy; apple; key; ring; mushroom; daisy; tulip; rose
"""),
    0.7,
) | dict.fromkeys(
    listed("""
giraffe; elephant; rhinoceros; hippopotamus; camel; whale; dinosaur; brontosaurus; mammoth; dragon; bus; truck; ship;
fire engine; semi truck; tree; pine tree; palm tree; house; house with a garden; haunted house; office building;
hotel; hospital; statue of liberty; eiffel tower; ferry; steam train
"""),
    1.25,
)


def kind_of(label: str) -> str:
    """Give how a subject moves by itself; a thing, and a subject of one's own that is not known, stands or walks."""
    return KIND.get(label, STANDS)


def can_be_named_freely(label: str) -> bool:
    """Whether a word for it means it wherever it is said, as an animal's does, not only where it is named plainly."""
    return label in KIND
