"""Scores: what was set, and when, in a readable JSON-lines file that replays bit for bit.

`format` reads and writes the file, `writer` appends to it while a take is played, `replay` plays it again, `edit` makes
another take of it, `render` a video of it as it was or with more steps, `salvage` opens what is left of a damaged one.
"""

from studio.score.events import Event as Event
from studio.score.format import Header as Header
from studio.score.format import Score as Score
from studio.score.format import ScoreError as ScoreError
from studio.score.format import read_score as read_score
from studio.score.render import render as render
from studio.score.replay import digest_difference as digest_difference
from studio.score.replay import playable_model as playable_model
from studio.score.replay import replay as replay
from studio.score.writer import Digest as Digest
from studio.score.writer import ScoreWriter as ScoreWriter
