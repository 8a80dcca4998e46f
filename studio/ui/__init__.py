"""The page: a Gradio app with one live canvas, and the link its pictures and controls travel on."""
