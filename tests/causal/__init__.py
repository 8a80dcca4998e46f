"""The properties of causal video diffusion, each under its number in reference/causal-video.md, section 7.

Here are 1-16, 18, 19 and 21, on tiny random nets in float32; 17 and 20 (streamed decoder, checkpoints) are in
tests/wan. Of 18: strokes that meet are decided by the order of painting, who was painted last is in front; floor
cells, identities and a zero-init head are MotionStream's, whose weights nobody has: the pocket's map shows what stands
where. Of 19 the algebra of guidance alone applies: joint guidance by text and motion, 3 forwards, is its teacher's;
here it is 1 forward a step, 2 with "full". `test_stream_18` to 21 and 23 are reference/streamdiffusion.md's, section 5;
its 22, a noise controller that follows how much a camera's picture moves, we do not have.
"""
