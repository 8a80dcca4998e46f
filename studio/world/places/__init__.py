"""The thirty places of the drawn world: for each a painter of its four views, given a canvas and its light.

The middle and lower part of every view is kept calm, so that a subject reads well on it.
"""

from collections.abc import Callable

from studio.world.painting import Canvas
from studio.world.places.beach import beach
from studio.world.places.canyon import canyon
from studio.world.places.castle import castle
from studio.world.places.cave import cave
from studio.world.places.city import city
from studio.world.places.desert import desert
from studio.world.places.farm import farm
from studio.world.places.forest import forest
from studio.world.places.funfair import funfair
from studio.world.places.harbour import harbour
from studio.world.places.jungle import jungle
from studio.world.places.kitchen import kitchen
from studio.world.places.lake import lake
from studio.world.places.library import library
from studio.world.places.market import market
from studio.world.places.meadow import meadow
from studio.world.places.mountains import mountains
from studio.world.places.ocean import ocean
from studio.world.places.playground import playground
from studio.world.places.room import room
from studio.world.places.snowfield import snowfield
from studio.world.places.space import space
from studio.world.places.station import station
from studio.world.places.swamp import swamp
from studio.world.places.temple import temple
from studio.world.places.terraces import terraces
from studio.world.places.underwater import underwater
from studio.world.places.village import village
from studio.world.places.volcano import volcano
from studio.world.places.waterfall import waterfall

# The order is part of trained weights: new places come last.
PAINTERS: dict[str, Callable[[Canvas, int], None]] = {
    "meadow": meadow,
    "mountains": mountains,
    "beach": beach,
    "desert": desert,
    "forest": forest,
    "city": city,
    "ocean": ocean,
    "snowfield": snowfield,
    "village": village,
    "lake": lake,
    "canyon": canyon,
    "space": space,
    "underwater": underwater,
    "room": room,
    "harbour": harbour,
    "farm": farm,
    "castle": castle,
    "funfair": funfair,
    "market": market,
    "playground": playground,
    "station": station,
    "jungle": jungle,
    "terraces": terraces,
    "volcano": volcano,
    "swamp": swamp,
    "cave": cave,
    "library": library,
    "kitchen": kitchen,
    "waterfall": waterfall,
    "temple": temple,
}
