"""The page: a Gradio app with one live canvas, and the link its pictures and controls travel on."""

from studio.folders import use_own_gradio_folder

use_own_gradio_folder()  # Gradio reads where its temporary folder is when it is imported
