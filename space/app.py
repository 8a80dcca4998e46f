"""The studio as a Hugging Face Space, on plain two-core CPU hardware."""

import os
import tempfile

# Before torch is loaded: threads that wait should sleep, or two streams on two cores slow each other tenfold.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

from studio.ui.app import launch

if __name__ == "__main__":
    launch(
        # The Space's proxy comes from outside the container.
        host="0.0.0.0",  # nosec B104
        port=int(os.environ.get("GRADIO_SERVER_PORT", "7860")),
        takes=tempfile.mkdtemp(prefix="takes-"),  # a Space's disk is forgotten anyway; takes are downloaded
        sessions=2,  # streams at once; who comes later waits for a seat and is told so
    )
